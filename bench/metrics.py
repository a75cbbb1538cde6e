"""The metrics by name: what each says, which way is better, and where it applies. Plain data, no torch."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Metric:
    """How a metric is called, read and formatted."""

    name: str
    title: str
    better: Literal["lower", "higher"]
    meaning: str
    source: str
    decimals: int
    percent: bool = False
    """Shown as a percentage (the stored value lies between 0 and 1)."""
    log_scale: bool = False
    """Plotted on a logarithmic axis: it spans orders of magnitude."""


_ALL = (
    Metric(
        "fid",
        "FID",
        "lower",
        "Fréchet distance of two Gaussians fitted to generated and real features",
        "Heusel et al. 2017, eq. 6",
        2,
        log_scale=True,
    ),
    Metric(
        "fid_infinity",
        "FID∞",
        "lower",
        "FID extrapolated to infinitely many samples, generated and real (can be slightly negative)",
        "Chong & Forsyth 2020",
        2,
    ),
    Metric(
        "inception_score",
        "Inception score",
        "higher",
        "exp of the mean divergence between a sample's class posterior and the average one, by the space's classifier",
        "Salimans et al. 2016",
        2,
    ),
    Metric(
        "kid",
        "KID",
        "lower",
        "squared maximum mean discrepancy of features, cubic polynomial kernel, unbiased (can be slightly negative)",
        "Bińkowski et al. 2018",
        4,
    ),
    Metric(
        "precision",
        "Precision",
        "higher",
        "share of generated samples inside the real samples' 3-nearest-neighbour balls",
        "Kynkäänniemi et al. 2019",
        1,
        percent=True,
    ),
    Metric(
        "recall",
        "Recall",
        "higher",
        "share of real samples inside the generated samples' 3-nearest-neighbour balls",
        "Kynkäänniemi et al. 2019",
        1,
        percent=True,
    ),
    Metric(
        "density",
        "Density",
        "higher",
        "5-nearest-neighbour balls of real samples that a generated one lies in, over 5: around 1 for real samples",
        "Naeem et al. 2020, sec. 3",
        2,
    ),
    Metric(
        "coverage",
        "Coverage",
        "higher",
        "share of real samples with a generated one inside their 5-nearest-neighbour ball",
        "Naeem et al. 2020, sec. 3",
        1,
        percent=True,
    ),
    Metric(
        "memorised_share",
        "Memorised",
        "lower",
        "share of samples nearer to a training sample (of the first 10,000) than 99 of 100 held-out ones are; "
        "undefined where more than 1 in 100 of those are copies themselves",
        "nearest-neighbour test, held against held-out data as in Meehan et al. 2020",
        1,
        percent=True,
    ),
    Metric(
        "modes_covered",
        "Modes covered",
        "higher",
        "modes with at least one sample: of high quality for points, of that class for labelled images",
        "Lin et al. 2018 (PacGAN)",
        0,
    ),
    Metric(
        "high_quality_share",
        "High quality",
        "higher",
        "share of samples within 3σ of the nearest mode (beyond the plane, within the radius that holds as many of a "
        "mode's own)",
        "Lin et al. 2018 (PacGAN)",
        1,
        percent=True,
    ),
    Metric(
        "reverse_kl",
        "Reverse KL",
        "lower",
        "divergence of the generated histogram over modes from the true one, in nats",
        "Lin et al. 2018 (PacGAN)",
        3,
    ),
    Metric(
        "total_variation",
        "Total variation",
        "lower",
        "half the summed difference between the generated and the true histogram over modes",
        "–",
        1,
        percent=True,
    ),
    Metric(
        "sliced_wasserstein",
        "Sliced W₁",
        "lower",
        "Wasserstein-1 distance of the points' projections, averaged over 128 fixed directions, in units of the data",
        "Bonneel et al. 2015",
        4,
        log_scale=True,
    ),
    Metric(
        "wasserstein",
        "Exact W₁",
        "lower",
        "Wasserstein-1 distance of the first 500 points on either side, by their best matching, in units of the data",
        "Villani 2009, def. 6.1",
        4,
        log_scale=True,
    ),
    Metric(
        "mmd",
        "MMD²",
        "lower",
        "squared maximum mean discrepancy of the first 1,000 points on either side, unbiased (can be slightly "
        "negative); Gaussian kernels of 1, 1/4 and 1/16 of the real points' median distance",
        "Gretton et al. 2012, eq. 3",
        5,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every metric by name, in the order of tables."""

PRIMARY: dict[str, str] = {"raw": "sliced_wasserstein"}
"""The metric that ranks, by feature space, and by which checkpoints are selected; `fid` for the others."""

HEADLINE: dict[str, tuple[str, ...]] = {
    "raw": ("modes_covered", "high_quality_share", "sliced_wasserstein"),
    "classifier": ("fid", "inception_score", "modes_covered", "reverse_kl"),
}
"""The metrics of the summary table, by feature space."""


def primary(space: str) -> Metric:
    """The metric that ranks in a feature space."""
    return METRICS[PRIMARY.get(space, "fid")]


def headline(space: str) -> tuple[Metric, ...]:
    """The metrics of the summary table for a feature space."""
    return tuple(METRICS[name] for name in HEADLINE.get(space, ("fid", "kid", "recall")))


_OF_POINTS = frozenset({"high_quality_share", "sliced_wasserstein", "wasserstein", "mmd"})
_OF_FEATURES = frozenset({"inception_score", "kid"})


def measurable(space: str) -> tuple[Metric, ...]:
    """The metrics that can be measured in a feature space; some need labels, known modes or many samples as well."""
    never = _OF_FEATURES if space == "raw" else _OF_POINTS
    return tuple(metric for name, metric in METRICS.items() if name not in never)
