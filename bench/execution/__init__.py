"""Execution: a process per run, as many side by side as there are slots."""
