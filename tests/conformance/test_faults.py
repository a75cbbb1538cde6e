"""Of a wrong plugin the laws that it breaks are named, those and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.conformance import check_plugin
from tests.conformance import faulty_losses, faulty_others, faulty_penalties, faulty_spaces
from tests.conformance.plugins import Fault

FAULTS = (*faulty_losses.FAULTS, *faulty_penalties.FAULTS, *faulty_others.FAULTS, *faulty_spaces.FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_named(tmp_path: Path, fault: Fault) -> None:
    path = tmp_path / "mine.py"
    path.write_text(fault.text)
    (checked,) = check_plugin(path)
    told = "\n".join(verdict.words for verdict in checked.verdicts if verdict.outcome == "broken")
    assert tuple(checked.broken()) == fault.laws, told
    assert fault.words in told
