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
        "share of samples within 3σ of the nearest mode",
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
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every metric by name, in the order of tables."""

PRIMARY: dict[str, str] = {"raw": "sliced_wasserstein"}
"""The metric that ranks, by feature space, and by which checkpoints are selected; `fid` for the others."""

HEADLINE: dict[str, tuple[str, ...]] = {
    "raw": ("modes_covered", "high_quality_share", "sliced_wasserstein"),
    "classifier": ("fid", "inception_score", "reverse_kl"),
}
"""The metrics of the summary table, by feature space."""


def primary(space: str) -> Metric:
    """The metric that ranks in a feature space."""
    return METRICS[PRIMARY.get(space, "fid")]


def headline(space: str) -> tuple[Metric, ...]:
    """The metrics of the summary table for a feature space."""
    return tuple(METRICS[name] for name in HEADLINE.get(space, HEADLINE["classifier"]))
