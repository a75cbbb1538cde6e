"""Time and memory of every metric beside the plain call: `python -m benchmarks.metric_costs --samples 10000`.

Each call has a process of its own, so that its memory is the process's highest less what it held before: features,
libraries. The plain call is torch-fidelity's where it has the metric, else the definition in NumPy, SciPy or
scikit-learn. Ours is timed twice: with and without what depends on the real samples alone, which a run does once.
Seconds are the processor's, of all threads together: other work on the machine stretches the clock's, and hardly those.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist, pdist
from scipy.stats import wasserstein_distance
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from bench.evaluation import frechet, kernels, transport
from bench.evaluation.evaluator import Target
from bench.evaluation.inception_score import inception_splits
from bench.evaluation.spaces import Features

THREADS = 1
CLASSES = 1008
"""Logits of Inception."""


@dataclasses.dataclass(frozen=True)
class Samples:
    """Features of one set, and logits for those metrics that take them."""

    generated: Tensor
    real: Tensor
    training: Tensor
    logits: Tensor


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one call in a fresh process."""

    value: float
    seconds: float
    again: float
    """The same once more, with what is kept of the real samples; of a plain call, which keeps nothing, 0."""
    mebibytes: float
    """Highest memory during the call, less that before it."""
    process_mebibytes: float


def draw_samples(samples: int, dim: int) -> Samples:
    """Features of a falling spectrum, positive as learned ones are, in general position."""
    random = torch.Generator().manual_seed(0)
    mixing = torch.randn(dim, dim, generator=random) * torch.logspace(0, -2, dim)[:, None]

    def draw(scale: float) -> Tensor:
        return (scale * torch.randn(samples, dim, generator=random) @ mixing / 8 + 0.5).relu_().contiguous()

    return Samples(draw(1.05), draw(1), draw(1), torch.randn(samples, CLASSES, generator=random))


def our_call(name: str, of: Samples) -> Callable[[], float]:
    """The metric as a run measures it, together with those that share its work."""
    raw = name in ("sliced_wasserstein", "wasserstein", "mmd")
    dim = 2 if name == "wasserstein" else of.real.shape[1]
    training = Features(of.training) if name == "memorised_share" else None
    real = Features(of.real[:, :dim].contiguous(), of.logits)
    generated = Features(of.generated[:, :dim].contiguous(), of.logits)
    target = Target("raw" if raw else "inception", real, training=training)

    def measure() -> float:
        # coverage is measured where precision is
        result = target._results(generated, ("precision", name) if name == "coverage" else (name,))[-1]
        return float("nan") if result.value is None else result.value

    return measure


def plain_call(name: str, of: Samples) -> Callable[[], float]:
    """The same number by the usual library, without a thought of time or memory."""
    return {
        "fid": lambda: plain_fid(of.generated, of.real),
        "fid_infinity": lambda: plain_fid_infinity(of),
        "inception_score": lambda: plain_inception_score(of.logits),
        "kid": lambda: plain_kid(of),
        "precision": lambda: plain_precision(of),
        "coverage": lambda: plain_coverage(of.generated.numpy(), of.real.numpy()),
        "memorised_share": lambda: plain_memorised(of),
        "sliced_wasserstein": lambda: plain_sliced(of.generated.numpy(), of.real.numpy()),
        "wasserstein": lambda: plain_wasserstein(of.generated.numpy(), of.real.numpy()),
        "mmd": lambda: plain_mmd(of.generated.numpy(), of.real.numpy()),
    }[name]


def plain_fid(generated: Tensor, real: Tensor) -> float:
    statistics = [fid_features_to_statistics(features.double()) for features in (generated, real)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"])


def plain_fid_infinity(of: Samples) -> float:
    order = torch.randperm(len(of.real), generator=torch.Generator().manual_seed(frechet._SEED))
    blocks = torch.tensor_split(order, frechet.BLOCKS)
    means = []
    for subsets in frechet.SUBSETS:
        chosen = [torch.cat([blocks[index] for index in subset]) for subset in subsets]
        means.append(float(np.mean([plain_fid(of.generated[index], of.real[index]) for index in chosen])))
    return float(np.polyfit([1, 3 / 2, 2], means, 1)[1])


def plain_inception_score(logits: Tensor) -> float:
    return float(isc_features_to_metric(logits, splits=inception_splits(len(logits)))["inception_score_mean"])


def plain_kid(of: Samples) -> float:
    options = {"kid_subsets": kernels.KID_SUBSETS, "kid_subset_size": kernels.KID_SUBSET_SIZE, "verbose": False}
    found = kid_features_to_metric(of.generated.double(), of.real.double(), **options)
    return float(found["kernel_inception_distance_mean"])


def plain_precision(of: Samples) -> float:
    options = {"prc_neighborhood": 3, "prc_batch_size": 10_000, "save_cpu_ram": False, "verbose": False}
    return float(prc_features_to_metric(of.generated.double(), of.real.double(), **options)["precision"])


def plain_coverage(generated: np.ndarray, real: np.ndarray) -> float:
    radii = np.partition(pairwise_distances(real.astype(np.float64)), 5, axis=-1)[:, 5]
    across = pairwise_distances(real.astype(np.float64), generated.astype(np.float64))
    return float((across.min(axis=1) < radii).mean())


def plain_memorised(of: Samples) -> float:
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(of.training.double().numpy())
    held_out = np.sort(search.kneighbors(of.real.double().numpy())[0][:, 0])
    return float((search.kneighbors(of.generated.double().numpy())[0] < held_out[len(held_out) // 100]).mean())


def plain_sliced(generated: np.ndarray, real: np.ndarray) -> float:
    directions = transport.directions(real.shape[1])
    return float(np.mean([wasserstein_distance(generated @ one, real @ one) for one in directions]))


def plain_wasserstein(generated: np.ndarray, real: np.ndarray) -> float:
    lengths = cdist(generated[: transport.WASSERSTEIN_SAMPLES, :2], real[: transport.WASSERSTEIN_SAMPLES, :2])
    return float(lengths[linear_sum_assignment(lengths)].mean())


def plain_mmd(generated: np.ndarray, real: np.ndarray) -> float:
    g, r = generated[: kernels.MMD_SAMPLES], real[: kernels.MMD_SAMPLES]
    median = np.median(pdist(r))

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        squares = cdist(x, y) ** 2
        return np.asarray(np.mean([np.exp(-squares / (2 * (median / width) ** 2)) for width in (1, 4, 16)], axis=0))

    within = [(kernel(x, x).sum() - len(x)) / (len(x) * (len(x) - 1)) for x in (g, r)]
    return float(sum(within) - 2 * kernel(g, r).mean())


METRICS = (
    "fid", "fid_infinity", "inception_score", "kid", "precision", "coverage", "memorised_share",
    "sliced_wasserstein", "wasserstein", "mmd",
)  # fmt: skip
"""Recall comes with precision, density with coverage; ours give all four at once."""


def measure_here(call: Callable[[], float], repeated: bool) -> Cost:
    """Time and memory of a call in this process."""
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here
    before = _status("VmRSS")
    begin = time.process_time()
    value = call()
    seconds = time.process_time() - begin
    peak = _status("VmHWM")
    begin = time.process_time()
    if repeated:
        call()
    return Cost(value, seconds, time.process_time() - begin, peak - before, peak)


def _status(field: str) -> float:
    """A line of Linux's account of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def measure_apart(name: str, whose: str, samples: int, dim: int) -> Cost:
    """Time and memory of a metric in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.metric_costs", "--samples", str(samples), "--dim", str(dim)]
    done = subprocess.run([*command, "--only", name, whose], capture_output=True, text=True, check=True)
    return Cost(**json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--only", nargs=2, metavar=("METRIC", "WHOSE"), help="in this process, as JSON")
    asked = parser.parse_args()
    if asked.only:
        torch.set_num_threads(THREADS)
        drawn = draw_samples(asked.samples, asked.dim)
        call = (our_call if asked.only[1] == "ours" else plain_call)(asked.only[0], drawn)
        print(json.dumps(dataclasses.asdict(measure_here(call, repeated=asked.only[1] == "ours"))))
        return
    print("metric               ours s  again s  plain s | ours MiB  plain MiB | ours           difference")
    for name in METRICS:
        ours, plain = (measure_apart(name, whose, asked.samples, asked.dim) for whose in ("ours", "plain"))
        print(
            f"{name:20} {ours.seconds:6.2f}  {ours.again:7.2f}  {plain.seconds:7.2f} | {ours.mebibytes:8.0f}  "
            f"{plain.mebibytes:9.0f} | {ours.value:<13.6g}  {ours.value - plain.value:+.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
