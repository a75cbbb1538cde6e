"""Loss dynamics: vanishing gradients are seen and said, and what nobody has logged leaves no empty rows."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.record import Status
from bench.report import dynamics
from bench.report.curves import Part
from bench.report.reader import read_material
from bench.report.style import looks, theme
from bench.report.training import training_curves
from bench.store import Store
from tests.report.synthetic import make_run, spec, to_table

NAMES = ("hinge", "minimax", "nsgan", "wgan-gp")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    store = Store(tmp_path_factory.mktemp("results") / "dynamics")
    store.prepare()
    for name in NAMES:
        for seed in range(2):
            make_run(store, spec(name, "ring", seed), Status.COMPLETED)
    return store


def picture(store):
    material = read_material([store.folder])
    with theme():
        (made,) = [p for p in training_curves(material, looks(material.objectives)) if p.name.startswith("players-")]
    return made


def rows(figure, columns=4):
    """The labels of the rows of panels."""
    return [ax.get_ylabel() for ax in figure.axes[::columns]]


def test_a_column_per_objective_and_a_row_per_quantity(store):
    made = picture(store)
    assert rows(made.figure) == ["loss", "gradient norm", "D's accuracy", "saturated (%)"]
    assert [ax.get_title(loc="left") for ax in made.figure.axes[: len(NAMES)]] == list(NAMES)
    saturation = made.figure.axes[-len(NAMES) + NAMES.index("minimax")]
    assert [line.get_ydata()[-1] > 80 for line in saturation.lines] == [True, True]  # minimax: both players, in percent
    norms = {(*ax.get_ylim(), ax.get_yscale()) for ax in made.figure.axes[len(NAMES) : 2 * len(NAMES)]}
    assert len(norms) == 1
    assert norms.pop()[2] == "log"


def test_vanishing_gradients_are_named_and_those_that_do_not_vanish_are_not(store):
    made = picture(store)
    assert "vanishing gradients. Here that is how minimax ended. " in made.caption
    told = dict(part.split(": ", 1) for part in made.alternative.split("training: ")[1].rstrip(".").split("; "))
    assert set(told) == set(NAMES)
    assert told["minimax"].startswith("discriminator's accuracy 0.99, generator saturated 9")
    assert "generator saturated 0\u00a0%" in told["wgan-gp"]
    assert all("generator's gradient norm" in words for words in told.values())


def table(**columns):
    """Of one logged number, by objective its values over ten steps."""
    rows = [(name, step, value) for name, of in columns.items() for step, value in enumerate(of, start=1)]
    frame = pd.DataFrame(rows, columns=["objective", "step", "median"])
    return frame.assign(low=frame["median"], high=frame["median"], seeds=1, planned=1)


def test_a_gradient_has_vanished_where_it_has_at_the_end_and_the_discriminator_is_sure():
    always, never, late = [1.0] * 20, [0.0] * 20, [0.0] * 18 + [1.0] * 2
    ended = dynamics.endings(
        {
            "discriminator_accuracy": table(both=always, unsure=[0.6] * 20, learns=always, late=always),
            "generator_saturation": table(both=always, unsure=always, learns=never, late=late),
        },
        ["late", "learns", "unsure", "both", "unlogged"],
    )
    assert dynamics.vanished(ended) == ("late", "both")
    assert ended.loc["unlogged"].isna().all()


def test_histories_of_older_records_have_losses_and_norms_alone(store, tmp_path):
    old = Store(tmp_path / "old")
    old.prepare()
    for name in NAMES:
        run = spec(name, "ring", 0)
        make_run(old, run, Status.COMPLETED)
        history = old.history(run.run_id)
        old.write_history(run.run_id, to_table(history[~history["name"].str.contains("accuracy|saturation")]))
    made = picture(old)
    assert rows(made.figure) == ["loss", "gradient norm"]
    assert "Accuracy" not in made.caption
    assert "saturated" not in made.alternative
    assert "generator's gradient norm" in made.alternative


def test_where_some_have_logged_it_the_others_have_an_empty_panel(store, tmp_path):
    mixed = Store(tmp_path / "mixed")
    mixed.prepare()
    for name in ("nsgan", "wgan-gp"):
        run = spec(name, "ring", 0)
        make_run(mixed, run, Status.COMPLETED)
        history = mixed.history(run.run_id)
        if name == "nsgan":
            history = history[~history["name"].str.contains("accuracy|saturation")]
        mixed.write_history(run.run_id, to_table(history))
    made = picture(mixed)
    assert rows(made.figure, 2) == ["loss", "gradient norm", "D's accuracy", "saturated (%)"]
    assert [len(line.get_xdata()) for line in made.figure.axes[6].lines] == [0, 0]
    assert "nsgan: generator's gradient norm" in made.alternative


def test_nothing_logged_makes_no_figure_fail():
    empty = pd.DataFrame(columns=["objective", "step", "median", "low", "high", "seeds", "planned"])
    names = [f"{player}_{line.quantity}" for line in dynamics.LINES for player in line.players]
    with theme():
        figure = dynamics.loss_dynamics(dict.fromkeys(names, empty), "ring", looks(NAMES), Part(NAMES))
    assert not [ax for ax in figure.axes if ax.lines]
