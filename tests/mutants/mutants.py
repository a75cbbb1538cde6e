"""All mutants."""

from __future__ import annotations

from tests.mutants import of_losses, of_penalties, of_stabilisers, of_training

MUTANTS = [*of_losses.MUTANTS, *of_penalties.MUTANTS, *of_training.MUTANTS, *of_stabilisers.MUTANTS]
