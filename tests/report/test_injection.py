"""Nothing that a suite, a plugin, a record or another machine says becomes markup, script, formula or TeX command.

Labels of objectives, architectures and datasets are letters, digits and ``.+-`` by their type, and ids are made of
them: a record that says otherwise is not read. All other text of a record may be anything that JSON holds.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from bench.activity import ActiveRun, Activity, now, write_activity
from bench.record import Status, Throughput
from bench.report import build
from bench.spec import Choice, PluginSpec
from bench.store import Store
from tests.report.synthetic import ENVIRONMENT, make_reference, make_run, make_throughput, spec, to_table
from tests.report.test_latex import ATTACKS as TEX
from tests.report.test_latex import COMMANDS, commands

STRINGS = {
    "formula": "=HYPERLINK(\"http://evil.example\",\"x\")",
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror='alert(1)'>",
    "ends": "</title></style></script></svg></pre></table></details></main>",
    "cdata": "]]> <![CDATA[<script>x</script>]]> <!-- --> &lt;b&gt; &#60;i&#62;",
    "template": "{{7*7}} {% raw %} ${7*7} #{7*7}",
    "link": "javascript:alert(1) [x](javascript:alert(1)) ![x](http://evil/x.png) http://evil.org www.evil.org",
    "markdown": "</details>\n\n# Title\n\n| a | b |\n```\n<script>x</script>\n```\n> quote",
    "tex": " ".join(TEX),
    "direction": "\u202egnp.exe\u200f\u2067",
    "control": "\x00\x07\x1b[31mred\x1b]0;title\x07\r\n\x0b",
}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:constrained_layout not applied", "ignore:Throughput was measured")
PLAIN = "= a plain text"
"""It sorts where the others do."""


class Markup(HTMLParser):
    """Elements with the names of their attributes, in order; what attributes, texts, scripts and comments hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.outside: list[tuple[str, ...]] = []
        self.inside: set[tuple[str, ...]] = set()
        self.values: dict[str, set[str]] = {}
        self.text: list[str] = []
        self.raw: list[str] = []
        self.others: list[str] = []
        self.svg = 0
        self.now = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, *(name for name, _ in attrs))
        self.svg += tag == "svg"
        if self.svg:
            self.inside.add(element)
        elif tag != "wbr":  # where a text has brackets
            self.outside.append(element)
        for name, value in attrs:
            self.values.setdefault(name, set()).add(value or "")
        self.now = tag

    def handle_endtag(self, tag: str) -> None:
        self.svg -= tag == "svg"
        self.now = ""

    def handle_data(self, data: str) -> None:
        (self.raw if self.now in ("script", "style") and not self.svg else self.text).append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    unknown_decl = handle_pi = handle_comment


def report_of(text: str, folder: Path) -> Path:
    """The report of a suite in which every free text is this one."""
    store = Store(folder / "results")
    store.prepare()
    runs = []
    for seed, status in enumerate((Status.COMPLETED, Status.COMPLETED, Status.CRASHED)):
        for name in ("nsgan", "wgan-gp"):
            run = strange(name, seed, text)
            runs.append(run.run_id)
            record = make_run(store, run, status)
            environment = ENVIRONMENT.model_copy(
                update={"processor": text, "platform": text, "driver": text, "packages": {text: text}, "commit": text}
            )
            unknown = record.measurements[:1] and record.measurements[0].model_copy(update={"metric": text})
            store.write_record(
                record.model_copy(
                    update={
                        "reason": None if status is Status.COMPLETED else text,
                        "log_tail": None if status is Status.COMPLETED else text,
                        "environment": environment,
                        "nondeterministic": (text,),
                        "measurements": (*record.measurements, *([unknown] if unknown else [])),
                        "started_at": text,
                    }
                )
            )
            history = store.history(run.run_id)
            assert history is not None
            store.write_history(run.run_id, to_table(pd.concat([history, history.tail(1).assign(name=text)])))
            make_throughput(store, run)
    references(store, text)
    throughput_of_another(store, text)
    title = json.dumps(text).replace("\\u007f", "")
    store.write_suite(f"title = {title}\nplugins = [{title}]", json.dumps({"runs": [*runs, text]}))
    activity = Activity(
        pid=1,
        host=text,
        process_started=0.0,
        started_at=now(),
        updated_at=text,
        phase=text,
        total=1,
        finished=0,
        seconds_left=None,
        active=(ActiveRun(run_id=text, step=1, share=0.5, started_at=text),),
    )
    write_activity(store.folder, activity)
    return build([store.folder], folder / "report", command=text)


def strange(objective: str, seed: int, text: str):
    """A run of which all that is free text is ``text``."""
    run = spec(objective, "ring", seed)
    odd = Choice(name=text, label="odd", settings={text: text})
    parts = {"loss": odd, "penalties": (odd,), "stabilisers": (odd,), "generator_optimizer": odd}
    return run.model_copy(
        update={
            "objective": run.objective.model_copy(update=parts),
            "architecture": run.architecture.model_copy(update={"name": text, "settings": {text: text}}),
            "dataset": run.dataset.model_copy(update={"name": text, "settings": {text: text}}),
            "plugins": (PluginSpec(name=text, sha256=text, path=Path(text.replace("\x00", "") or "x")),),
        }
    )


def references(store: Store, text: str) -> None:
    make_reference(store, "ring")
    (reference,) = store.references()
    dataset = strange("nsgan", 0, text).dataset
    store.write_reference(
        reference.model_copy(update={"dataset": dataset, "sampler": text, "noise": text, "space_sha256": ""})
    )


def throughput_of_another(store: Store, text: str) -> None:
    """Speeds are kept by names that no type constrains."""
    (one, *_) = store.throughputs()
    assert isinstance(one, Throughput)
    environment = one.environment.model_copy(update={"processor": text})
    names = {"cell_id": "elsewhere", "cell_name": text, "objective": text, "architecture": text, "dataset": text}
    store.write_throughput(one.model_copy(update={"environment": environment, **names}))


def parsed(page: Path) -> Markup:
    markup = Markup()
    markup.feed(page.read_text(encoding="utf-8"))
    markup.close()
    return markup


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Markup:
    return parsed(report_of(PLAIN, tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a suite that says all of it in every place."""
    return report_of("\n".join(STRINGS.values()), tmp_path_factory.mktemp("hostile"))


def test_the_page_has_no_element_and_no_attribute_of_its_texts(plain: Markup, hostile: Path) -> None:
    found = parsed(hostile)
    assert found.outside == plain.outside
    assert found.inside <= plain.inside
    assert not {name for name in found.values if name.startswith("on")}
    assert found.others == plain.others == ["doctype html"]
    assert found.raw == plain.raw
    links = {link for name in ("href", "src", "xlink:href") for link in found.values.get(name, ())}
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert set(found.values) == set(plain.values)


def test_attributes_and_names_made_of_texts_are_plain(hostile: Path) -> None:
    for name, values in parsed(hostile).values.items():
        if name not in ("aria-label", "content"):  # what is read out, and the policy
            assert all(re.fullmatch(r"[\w\s.,:;#%()'/+=-]*", value) for value in values), name
    names = [path.relative_to(hostile.parent).as_posix() for path in hostile.parent.rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"((tables|figures)/)?[a-z0-9-]+\.(html|md|csv|tex|svg|png)", name) for name in names)


def test_the_page_shows_the_texts(hostile: Path) -> None:
    text = "".join(parsed(hostile).text)
    for shown in ("<script>alert(1)</script>", "{{7*7}}", "javascript:alert(1)", "]]>", "\\write18{rm -rf}"):
        assert text.count(shown) > 3


def test_the_page_allows_its_own_script_alone(hostile: Path) -> None:
    policy = next(value for value in parsed(hostile).values["content"] if "default-src" in value)
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", directives["script-src"])
    assert directives["img-src"] == "data:"
    assert not {"connect-src", "frame-src", "font-src", "object-src", "script-src-attr"} & set(directives)


def test_markdown_has_no_markup_of_its_texts(hostile: Path) -> None:
    markdown = (hostile.parent / "report.md").read_text(encoding="utf-8")
    outside = re.sub(r"^(`{3,})\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    tags = set(re.findall(r"<[^>]*>", outside))
    assert tags <= {"<sub>", "</sub>", "<details>", "</details>", "<summary>", "</summary>"}
    assert outside.count("<details>") == outside.count("</details>")
    assert not re.search(r"(?<!\\)\]\((?!figures/[a-z0-9-]+\.png\))", outside)
    assert not re.search(r"://|www\.evil|@evil", outside)
    headings = re.findall(r"^#+ .*$", outside, flags=re.MULTILINE)
    assert not [heading for heading in headings if heading == "# Title"]


def test_pictures_are_well_formed_and_hold_no_script(hostile: Path) -> None:
    drawn = sorted((hostile.parent / "figures").glob("*.svg"))
    assert len(drawn) > 5
    for path in drawn:
        tree = ET.parse(path)
        names = {element.tag.rpartition("}")[2] for element in tree.iter()}
        assert not {"script", "foreignObject", "iframe", "a", "img"} & names, path.name
        for element in tree.iter():
            for name, value in element.attrib.items():
                assert not name.lower().startswith("on")
                if name.rpartition("}")[2] == "href":
                    assert value.startswith(("#", "data:image/png;base64,"))


def test_tables_for_tex_hold_no_command_of_their_texts(hostile: Path) -> None:
    own = r"\begin \end \centering \caption \textbf \textit \label \toprule \midrule \bottomrule \scriptsize \small"
    own += r" \footnotesize \setlength \tabcolsep \linewidth"
    written = sorted((hostile.parent / "tables").glob("*.tex"))
    assert len(written) > 5
    for path in written:
        tex = path.read_text(encoding="utf-8").split("\n", 1)[1]
        outside = re.sub(r"\$[^$\n]*\$", "", tex.replace(r"\$", ""))
        assert commands(outside) <= COMMANDS | set(own.split()), path.name
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", tex)


def test_tables_for_spreadsheets_hold_no_formula_and_nothing_unseen(hostile: Path) -> None:
    failures = pd.read_csv(hostile.parent / "tables" / "failures.csv")
    assert all(reason.startswith("'=HYPERLINK") for reason in failures["reason"])
    for path in sorted((hostile.parent / "tables").glob("*.csv")):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", path.read_text(encoding="utf-8"))
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        for name in table:
            for entry in table[name]:
                assert re.fullmatch(r"-?[\d.]+(e[-+]\d+)?|-?inf", entry) or not re.match(r"\s*[=+\-@]", entry), (
                    path.name
                )


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS)
def test_labels_are_plain_by_their_type(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Choice(name="x", label=text)
    store = Store(tmp_path)
    store.prepare()
    record = make_run(store, spec("nsgan", "ring", 0), Status.CRASHED)
    path = store.run_folder(record.run_id) / "record.json"
    plain = json.loads(path.read_bytes())
    plain["spec"]["objective"]["label"] = text
    path.write_text(json.dumps(plain))
    assert [len(store.records().items), len(store.records().rejected)] == [0, 1]
