"""Faults that a file may come with: in what it says, and in its bytes."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

LITERALS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 30, "-" + "9" * 400, "9" * 5000, "1" + "0" * 18,
            "[" * 300 + "]" * 300, "[" * 50_000, '{"a":' * 50_000, '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"',
            "-0", "1e0", "01", "tru", '"', "", "\x00", "/* */ 1")  # fmt: skip
"""What may stand in a file, some of it JSON and some not, that no JSON writer of Python's would put there."""

values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**80), 2**80), st.floats(), st.text(max_size=20),
    st.sampled_from(["../..", "/etc/passwd", "run_id", "completed", "\x1b[31m", "\u202e", "é" * 300, "a\nb", "status"]),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)  # fmt: skip


@st.composite
def mutated_json(draw: st.DrawFn, plain: dict[str, Any]) -> bytes:
    """The JSON of ``plain``, in which some keys and values are gone, others', of another type, doubled or no JSON."""
    changed = copy.deepcopy(plain)
    literals: dict[str, str] = {}
    for index in range(draw(st.integers(1, 3))):
        holder = draw(st.sampled_from(_holders(changed)))
        keys = list(range(len(holder))) if isinstance(holder, list) else list(holder)
        if not keys:
            continue
        key = draw(st.sampled_from(keys))
        kind = draw(st.sampled_from(["drop", "value", "literal", "move", "another's"]))
        if kind == "drop":
            del holder[key]
        elif kind == "value":
            holder[key] = draw(values)
        elif kind == "literal":
            mark = f"\x01literal {index}\x01"
            literals[json.dumps(mark)] = draw(st.sampled_from(LITERALS))
            holder[key] = mark
        elif kind == "another's":
            holder[key] = copy.deepcopy(draw(st.sampled_from(_holders(plain))))
        elif isinstance(holder, dict):
            holder[draw(st.one_of(st.text(max_size=10), st.sampled_from(list(plain))))] = holder.pop(key)
    text = json.dumps(changed, indent=draw(st.sampled_from([None, 1])))
    for mark, literal in literals.items():
        text = text.replace(mark, literal)
    if draw(st.booleans()) and changed:  # a key twice, the second time with something else
        again = json.dumps({draw(st.sampled_from(list(changed))): draw(values)})
        text = text.rstrip("}\n ") + "," + again[1:]
    return text.encode("utf-8", "surrogatepass")


@st.composite
def mutated_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The content torn, or with other bytes in some places."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(changed) - 1)))
        some = draw(
            st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80"]))
        )
        kind = draw(st.sampled_from(["put", "insert", "tear", "drop"]))
        if kind == "put":
            changed[at : at + len(some)] = some
        elif kind == "insert":
            changed[at:at] = some
        elif kind == "tear":
            del changed[at:]
        else:
            del changed[at : at + len(some)]
    return bytes(changed)


def _holders(plain: Any) -> list[Any]:
    """Every object and list in plain data, itself first."""
    inner = plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list) else ()
    held = [holder for item in inner for holder in _holders(item)]
    return [plain, *held] if isinstance(plain, dict | list) else held
