"""Faults from outside: killed processes, full and read-only disks, clocks that jump.

``python -m tests.faults --kills 100`` carries a suite out under random kills and holds the result against the same
suite carried out in peace; the tests beside it try a few kills, and every point at which a file can fail.
"""
