"""ganbench: a benchmark suite that compares GAN objectives.

import bench
frame = bench.load_results("results/losses")   # one row a run
"""

from bench.store import load_results

__all__ = ["load_results"]
