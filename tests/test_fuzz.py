"""Malformed input through the real command line: an answer or a usage error, and never a stack trace."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import cli, plugins
from bench.activity import begin_activity, write_activity
from bench.catalog import CATALOGS
from bench.checkpoints import write_checkpoint
from bench.report import rendering
from bench.store import Store
from bench.suite import load_suite
from tests.examples import examples
from tests.mutations import mutated_bytes, mutated_json
from tests.report import synthetic

ROOT = Path(__file__).parents[1]
SUITES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "suites").glob("*.toml"))}
FULL = """\
title = "Everything that a suite can say"
seeds = [0, 3, 7]
plugins = []

[training]
steps = 40
batch_size = 16
learning_rate_decay = "linear"
optimizer = { name = "adam", learning_rate = 2e-4 }

[evaluation]
samples = 100
every = 20

[execution]
timeout_seconds = 60
memory_limit_gib = 2
checkpoint_seconds = 1.5
retry_crashed = true

[[grid]]
objectives = ["nsgan", { name = "wgan-gp", label = "wgan-gp-1", n_critic = 1 }, "mine"]
architectures = ["mlp", { name = "mlp", width = 16, label = "mlp-small" }]
datasets = ["ring", { name = "grid", train = 500 }]
training.steps = 20

[objectives.mine]
loss = "relativistic-pairing"
penalties = [{ name = "r1", gamma = 0.05 }, { name = "r2", gamma = 0.05 }]
n_critic = 1

[tune]
trials = 5
"""
TEXTS = [FULL, *SUITES.values()]
MINIMAL = 'objectives = ["nsgan", "wgan-gp"]\ndatasets = ["ring"]\nseeds = 2\n'


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def ganbench(*arguments: object) -> Ended:
    """The command line in this process: an exception other than SystemExit gets out."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["ganbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
    code = caught.value.code
    assert code is None or isinstance(code, int)
    return Ended(code or 0, out.getvalue(), err.getvalue())


def answered(*arguments: object) -> Ended:
    """An answer, or a usage error that says what is wrong."""
    ended = ganbench(*arguments)
    assert "Traceback" not in ended.out + ended.err
    assert ended.code in (0, 2), ended
    if ended.code == 2:
        lines = ended.err.splitlines()
        assert any(line.startswith("error: ") for line in lines) or "Usage:" in ended.err, ended
        assert not any(line.strip() == "error:" for line in lines), ended
    return ended


def refused(*arguments: object) -> Ended:
    """A usage error."""
    ended = answered(*arguments)
    assert ended.code == 2, ended
    return ended


@pytest.fixture(autouse=True)
def _same_catalogue_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for catalog in CATALOGS:
        catalog.names()
    monkeypatch.setattr(plugins, "_loaded", {})
    before = [dict(catalog._entries) for catalog in CATALOGS]
    yield
    for catalog, entries in zip(CATALOGS, before, strict=True):
        catalog._entries = entries


def many(normal: int, most: int = 1000) -> settings:
    """Examples of a property: few, or many where faults are looked for."""
    health = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=min(examples(normal), most), deadline=None, suppress_health_check=health)


# suites

KEYS = st.sampled_from([
    "title", "seeds", "plugins", "training", "steps", "images", "seconds", "batch_size", "optimizer", "evaluation",
    "samples", "every", "objectives", "architectures", "datasets", "grid", "loss", "penalties", "n_critic", "name",
    "label", "execution", "threads", "tune", "training.steps", "training.training", '""', '"a b"', "é", '"\\u0000"',
    "a.b.c.d", "self", "__class__", "model_config", "'objectives.mine'", "Steps", "steps ", "ſteps", "",
])  # fmt: skip
LITERALS = st.sampled_from([
    "0", "-1", "5", "-0.0", "1e400", "-inf", "nan", "9" * 30, "1" + "0" * 400, "0x7fffffffffffffff", "true", "false",
    '""', '" "', '"wgn-gp"', '"nsgan"', '"ring"', '"../../etc"', '"\\u0000"', '"\\u202e"', '"é̱"', "1 2", "=", '"',
    '"' + "x" * 3000 + '"', "'''a\nb'''", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "[]", "{}", "[[]]", "[{}]",
    '["nsgan", "nsgan"]', '["ring", 1]', "[1, 1]", '{ name = "mlp" }', '{ name = 5 }', '{ name = "mlp", width = -1 }',
    "{ label = 'a/b' }", '[{ name = "mlp", width = 1e9 }]', '["*"]', "[" * 300 + "]" * 300,
    "{a=" * 200 + "1" + "}" * 200, "[1, ", '["a\\qb"]', '["no_such_plugin.py"]', '["."]', '["/dev/null"]', "['\\x00']",
    "0b2", "1__0", "+-1",
])  # fmt: skip
PIECES = st.one_of(
    st.sampled_from([
        "\x00", "\ufeff", "\r\n", "\r", "\u2028", "\x1b[31m", "[[grid]]", "[training]", "[grid]", "[objectives.mine]",
        "[objectives.mine.loss]", "[[objectives]]", "[execution]", "[tune]", "[]", "[[", "]", "#", "\\", '"""', "'",
        "a = {", "\t", "[training.optimizer]\nname = 'adam'", "é = 1", "x" * 5000, "title = 1\ntitle = 2",
    ]),
    st.text(max_size=8),
)  # fmt: skip


@st.composite
def mutated_suites(draw: st.DrawFn) -> bytes:
    """A valid suite in which some lines are gone, doubled, moved, or say something else."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1)) if lines else 0
        told = [index for index, line in enumerate(lines) if "=" in line]
        kind = draw(
            st.sampled_from(["drop", "double", "swap", "key", "value", "value", "inside", "piece", "another's"])
        )
        if kind in ("key", "value", "inside") and told:
            at = draw(st.sampled_from(told))
            key, _, value = lines[at].partition("=")
            if kind == "key":
                lines[at] = f"{draw(KEYS)} ={value}"
            elif kind == "value":
                lines[at] = f"{key}= {draw(LITERALS)}"
            else:
                cut, end = sorted((draw(st.integers(0, len(value))), draw(st.integers(0, len(value)))))
                lines[at] = f"{key}={value[:cut]}{draw(LITERALS)}{value[end:]}"
        elif kind == "another's":
            lines.insert(at, draw(st.sampled_from(draw(st.sampled_from(TEXTS)).splitlines())))
        elif kind == "piece" or not lines:
            lines.insert(at, draw(PIECES))
        elif kind == "drop":
            del lines[at]
        elif kind == "double":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        else:
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
    text = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])).join(lines)
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    content = text.encode(encoding, "replace")
    return draw(mutated_bytes(content)) if draw(st.integers(0, 4)) == 0 else content


@many(40)
@given(content=mutated_suites())
def test_any_suite_is_planned_or_refused_and_refused_by_every_command(tmp_path: Path, content: bytes) -> None:
    suite = tmp_path / "s.toml"
    suite.write_bytes(content)
    roots = ("--results", tmp_path / "results")
    planned = answered("plan", suite, *roots)
    if planned.code == 2:
        others = [("status", suite, *roots), ("report", suite, *roots), ("verify", suite)]
        others.append(("run", suite, "--limit", 1, *roots, "--reports", tmp_path / "reports"))
        for arguments in others:
            assert refused(*arguments).err == planned.err
    else:
        assert answered("status", suite, *roots).code == 0
        json.loads(answered("plan", suite, *roots, "--json").out)
        assert "holds no results" in refused("report", suite, *roots).err.replace("\n", " ")
    assert {path.name for path in tmp_path.iterdir()} == {"s.toml"}, "something was written"


@many(20)
@given(name=st.text(max_size=20), content=st.sampled_from([None, MINIMAL]))
def test_any_path_of_a_suite_is_planned_or_refused(tmp_path: Path, name: str, content: str | None) -> None:
    folder = tmp_path / "suites"
    folder.mkdir(exist_ok=True)
    path = folder / (name + ".toml")
    if content is not None:
        with contextlib.suppress(OSError, ValueError):
            path.write_text(content)
    answered("plan", "--results", tmp_path / "results", "--", path)
    answered("plan", "--results", tmp_path / "results", "--", name)
    shutil.rmtree(folder)


@pytest.mark.parametrize("command", ["plan", "run", "status", "report", "verify"])
def test_what_is_no_file_is_refused(tmp_path: Path, command: str) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    for name in ("folder.toml", "loop.toml", "none.toml", "no\x00ne.toml", "x" * 300, "a\nb", "/dev/null", ""):
        refused(command, tmp_path / name)


# names and options

NAMES = st.text(max_size=20) | st.sampled_from(
    ["wgan-pg", "..", "/", "a.py", "*", "[", "\x00", "é" * 300, "x" * 5000, "\x1b[2J", "__init__", "\ud800", "{}", "%s"]
)


@many(30)
@given(name=NAMES, command=st.sampled_from(["describe", "check", "list"]))
def test_any_name_is_described_or_refused(tmp_path: Path, name: str, command: str) -> None:
    if (command, name) == ("check", name) and any(name in catalog.names() for catalog in CATALOGS):
        return  # an entry that there is: held to its laws elsewhere
    arguments = ("--data-root", tmp_path) if command == "check" else ()
    answered(command, *arguments, "--", name)


@pytest.mark.parametrize(
    "content",
    ["", "x", "\x00", "raise SystemExit(0)", "raise KeyError", "import no_such_module", "1/0", "def", "é = ("],
)
@pytest.mark.parametrize("command", ["describe", "check"])
def test_a_file_that_is_no_plugin_is_refused(tmp_path: Path, command: str, content: str) -> None:
    (tmp_path / "plugin.py").write_text(content)
    arguments = ("--data-root", tmp_path) if command == "check" else ()
    refused(command, *arguments, tmp_path / "plugin.py")


WORDS = NAMES | st.sampled_from(["", "-1", "0", "1.5", "nan", "1e9", "9" * 40, "failed", "all", "None", "--", "-"])
NUMBERS = WORDS | st.integers().map(str)
OPTIONS: dict[str, st.SearchStrategy[str]] = {
    "--only": WORDS, "--seed": NUMBERS, "--retry": WORDS, "--limit": NUMBERS, "--slots": NUMBERS, "--device": WORDS,
}  # fmt: skip


@many(50)
@given(options=st.lists(st.sampled_from(sorted(OPTIONS)).flatmap(lambda o: st.tuples(st.just(o), OPTIONS[o]))))
def test_any_option_of_run_is_refused_beside_one_that_matches_nothing(
    tmp_path: Path, options: list[tuple[str, str]]
) -> None:
    """Nothing may be trained here: --only that matches no run makes every call one to be refused."""
    suite = tmp_path / "s.toml"
    suite.write_text(MINIMAL)
    given_ = [f"{name}={value}" for name, value in options]
    refused("run", suite, "--results", tmp_path / "r", "--reports", tmp_path / "p", *given_, "--only=no-such-run")
    assert {path.name for path in tmp_path.iterdir()} == {"s.toml"}


@many(5, most=60)
@given(device=WORDS | st.sampled_from(["cuda:", "cuda:-1", "cuda:99", "cuda:0x0", "cuda: 0", "CPU", "cpu:0", "mps"]))
def test_any_device_that_is_none_is_refused(tmp_path: Path, device: str) -> None:
    if device in ("auto", "cpu"):
        return
    suite = tmp_path / "s.toml"
    suite.write_text(MINIMAL)
    ended = refused("run", suite, "--results", tmp_path / "r", "--reports", tmp_path / "p", f"--device={device}", "-q")
    assert "error: " in ended.err
    assert not (tmp_path / "r" / "s" / "runs").exists()


@many(20)
@given(folder=NAMES, option=st.sampled_from(["--results", "--reports"]))
def test_any_folder_is_taken_or_refused(tmp_path: Path, folder: str, option: str) -> None:
    suite = tmp_path / "s.toml"
    suite.write_text(MINIMAL)
    with contextlib.chdir(tmp_path):
        if option == "--results":
            answered("plan", suite, f"--results={folder}")
            answered("status", suite, f"--results={folder}")
        refused("run", suite, f"{option}={folder}", "--only=no-such-run")
    assert {path.name for path in tmp_path.iterdir()} == {"s.toml"}


# results


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Made-up results of `MINIMAL`, all files that a results folder can hold."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "s.toml").write_text(MINIMAL)
    plan = load_suite(folder / "s.toml")
    store = Store(folder / "results" / "s")
    store.prepare()
    store.write_suite(plan.suite_text, plan.to_json())
    for spec in plan.specs:
        synthetic.make_run(store, spec)
    synthetic.make_reference(store, "ring")
    for cell in plan.cells:
        synthetic.make_throughput(store, next(spec for spec in plan.specs if spec.run_id == cell.run_ids[0]))
    store.pack()
    write_checkpoint(store.run_folder(plan.run_ids[0]), 5, b"no tensors")
    write_activity(store.folder, begin_activity())
    (store.folder / "lock").touch()
    (store.folder / "logs" / "reference-ring.txt").write_text("printed")
    (store.run_folder(plan.run_ids[0]) / "log.txt").write_text("printed")
    return store


def mutate(store: Store, draw: st.DataObject) -> list[str]:
    """Change one to three files of a results folder; says which."""
    changed = []
    for _ in range(draw.draw(st.integers(1, 3), "how many")):
        files = sorted(path for path in store.folder.rglob("*") if path.is_file() and not path.is_symlink())
        # not by their number: most of them are of runs, and alike
        name = draw.draw(st.sampled_from(sorted({path.name for path in files})), "name")
        path = draw.draw(st.sampled_from([path for path in files if path.name == name]), "path")
        kinds = ["bytes", "bytes", "empty", "gone", "folder", "link", "another's"]
        content = path.read_bytes()
        plain = _plain(content)
        kinds += ["json"] * 6 if plain else []
        kind = draw.draw(st.sampled_from(kinds), "kind")
        path.unlink()
        if kind == "json":
            path.write_bytes(draw.draw(mutated_json(plain or {}), "content"))
        elif kind == "bytes":
            path.write_bytes(draw.draw(mutated_bytes(content), "content"))
        elif kind == "empty":
            path.touch()
        elif kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to(draw.draw(st.sampled_from([path, path.parent, Path("/dev/null"), Path("none")]), "target"))
        elif kind == "another's":
            others = [other for other in files if other != path]
            shutil.copyfile(draw.draw(st.sampled_from(others), "whose"), path)
        changed.append(f"{path.relative_to(store.folder)}: {kind}")
    return changed


def _plain(content: bytes) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is none."""
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


@pytest.fixture
def workplace(whole: Store, tmp_path: Path) -> Callable[[], Store]:
    """A fresh copy of the whole results, again and again."""

    def refresh() -> Store:
        folder = tmp_path / "results" / "s"
        shutil.rmtree(folder, ignore_errors=True)
        return Store(Path(shutil.copytree(whole.folder, folder, symlinks=True)))

    shutil.copy(whole.folder.parents[1] / "s.toml", tmp_path / "s.toml")
    return refresh


@many(25)
@given(data=st.data())
def test_any_results_folder_is_read(workplace: Callable[[], Store], tmp_path: Path, data: st.DataObject) -> None:
    mutate(workplace(), data)
    roots = (tmp_path / "s.toml", "--results", tmp_path / "results")
    assert answered("status", *roots).code == 0
    assert answered("plan", *roots).code == 0
    state = json.loads(answered("status", *roots, "--json").out)
    forecast = json.loads(answered("plan", *roots, "--json").out)["forecast"]
    assert sum(state["statuses"].values()) == forecast["recorded"] <= 4
    refused("run", *roots, "--reports", tmp_path / "reports", "--only=no-such-run")


@many(3, most=100)
@given(data=st.data())
def test_any_results_folder_is_reported(
    workplace: Callable[[], Store], tmp_path: Path, data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures are drawn, not rendered: what is on them is decided by then."""
    monkeypatch.setattr(rendering, "draw", lambda figure: ("<svg viewBox='0 0 1 1'></svg>", b""))
    monkeypatch.setattr(rendering, "_cores", lambda: 1)
    mutate(workplace(), data)
    reports = tmp_path / "reports"
    ended = answered("report", tmp_path / "s.toml", "--results", tmp_path / "results", "--reports", reports)
    if ended.code == 0:
        assert (reports / "s" / "index.html").is_file()
