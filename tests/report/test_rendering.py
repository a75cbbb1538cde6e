"""Pictures drawn side by side are those that one process draws, whatever happens to the others."""

import functools
import multiprocessing
import os
import sys
import time

import psutil
import pytest

from bench.report import rendering as module
from bench.report.blocks import Picture
from bench.report.rendering import FEW, rendered
from bench.report.style import panels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
COUNT = 2 * FEW
PARENT = os.getpid()


def plot(number, *, fatal=False):
    if fatal and os.getpid() != PARENT:
        os._exit(9)  # as a process is that the system kills for want of memory
    figure, (ax,) = panels(1, height=1.0, title=f"figure {number}")
    ax.plot([0, number], [0, 1])
    return figure


def pictures(fatal=None):
    draws = [functools.partial(plot, number, fatal=number == fatal) for number in range(COUNT)]
    return [Picture(f"p{number}", "", "", "", draw) for number, draw in enumerate(draws)]


def on(monkeypatch, cores):
    monkeypatch.setattr(module, "_cores", lambda: cores)


def test_every_picture_comes_once_and_in_order(monkeypatch):
    on(monkeypatch, 2)
    made = [(picture.name, svg) for picture, (svg, _) in rendered(pictures())]
    assert [name for name, _ in made] == [f"p{number}" for number in range(COUNT)]
    assert all(f"figure {number}" in svg for number, (_, svg) in enumerate(made))


def test_a_killed_process_costs_no_picture(monkeypatch):
    on(monkeypatch, 2)
    made = [svg for _, (svg, _) in rendered(pictures(fatal=3))]
    assert len(made) == COUNT
    assert all(f"figure {number}" in svg for number, svg in enumerate(made))


def test_pictures_are_the_same_as_of_one_process(monkeypatch):
    on(monkeypatch, 2)
    several = [drawing for _, drawing in rendered(pictures())]
    on(monkeypatch, 1)
    assert several == [drawing for _, drawing in rendered(pictures())]


def test_a_figure_is_forgotten_once_it_is_drawn(monkeypatch):
    on(monkeypatch, 1)
    (shown,) = pictures()[:1]
    list(rendered([shown]))
    assert "figure" not in vars(shown)


def wait_for_ever(folder):
    (folder / str(os.getpid())).touch()
    time.sleep(600)


def test_workers_end_with_a_process_that_is_killed(monkeypatch, tmp_path):
    on(monkeypatch, 2)
    slow = [Picture(f"p{number}", "", "", "", functools.partial(wait_for_ever, tmp_path)) for number in range(COUNT)]
    victim = multiprocessing.get_context("fork").Process(target=lambda: list(rendered(slow)))
    victim.start()
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [psutil.Process(int(path.name)) for path in tmp_path.iterdir()]
    victim.kill()
    victim.join()
    _, alive = psutil.wait_procs(workers, timeout=60)
    for worker in alive:
        worker.kill()
    assert len(workers) == 2
    assert alive == []
