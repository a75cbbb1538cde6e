"""``python -m bench.handbook FOLDER`` writes the handbook into FOLDER."""

import argparse
from pathlib import Path

from bench.handbook.page import write_handbook

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.handbook", description="Write the handbook.")
    parser.add_argument("folder", type=Path, help="where objectives.md and figures/ are put")
    for path in write_handbook(parser.parse_args().folder):
        print(path)
