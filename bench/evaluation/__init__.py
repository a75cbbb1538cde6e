"""Evaluation: features → statistics → metrics, modes, selection, references."""
