"""The tests themselves on trial: every known wrong variant of the objectives must fail one of them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mutant import Seen
from tests.mutants.mutants import MUTANTS
from tests.mutants.rewriting import rewrite

ROOT = Path(__file__).resolve().parents[1]


def test_what_public_code_gets_wrong_is_among_the_mutants() -> None:
    assert set(Seen) <= {mutant.wrong for mutant in MUTANTS}


def test_mutants_have_names_of_their_own() -> None:
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1


def test_a_mutant_that_changes_nothing_is_refused() -> None:
    with pytest.raises(LookupError, match="no longer says 'what is not there'"):
        rewrite(Path, "exists", ("what is not there", ""))


def test_every_mutant_is_caught() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.mutants"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
