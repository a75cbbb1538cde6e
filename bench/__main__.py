"""``python -m bench``: the same as ``ganbench``."""

from bench.cli import main

main()
