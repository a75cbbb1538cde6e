"""Feature spaces with a fault each."""

from __future__ import annotations

from tests.conformance.plugins import Fault, body, entry, plugin

GIVES, APART, SAME, OWN = (
    "gives features of each sample",
    "tells samples apart",
    "is the same each time",
    "samples are on their own",
)


def space(features: str = "x.mean((2, 3))", *, before: str = "pass", layers: str = '"pool"') -> str:
    """An extractor of these features of ``x``, images as floating-point numbers."""
    return plugin(
        f"""
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from bench.catalog import spaces


class Extractor(FeatureExtractorBase):
    @staticmethod
    def get_provided_features_list():
        return ({layers},)

    def __init__(self):
        super().__init__("mine", [{layers}])
        {body(before)}

    def forward(self, images):
        x = images.float()
        return ({features},)
""",
        entry("spaces", "def extractor(self):\n    return Extractor()"),
    )


FAULTS: tuple[Fault, ...] = (
    Fault(
        "features of the batch",
        (OWN,),
        "% with the batch",
        space("x.mean((2, 3)) - x.mean((0, 2, 3))"),
    ),
    Fault(
        "a network of other random weights each time",
        (SAME,),
        "opened again, it has other weights",
        space("self.layer(x.mean((2, 3)))", before="self.layer = nn.Linear(3, 5)"),
    ),
    Fault(
        "random crops",
        (SAME, OWN, "extracts without chance"),
        "features of the same samples differ from one extraction to the next",
        space("x.roll(int(torch.randint(32, ())), 2)[:, :, :8].mean((2, 3))"),
    ),
    Fault("one for all", (APART,), "all samples have the same features", space("torch.ones(len(x), 4)")),
    Fault(
        "logarithms of 0", (GIVES,), "features are not finite", space("(x.amin((2, 3)) - x.amin((2, 3)).max()).log()")
    ),
    Fault(
        "one row",
        (GIVES,),
        "gives 1 rows of features of 12 samples",
        space("x.mean((0, 2, 3))[None]"),
    ),
    Fault(
        "nothing but logits",
        (GIVES,),
        "no features beside logits",
        space(layers='"logits"'),
    ),
)
