"""The space `inception`: torch-fidelity's network, with weights that are verified and read without unpickling."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from bench.errors import DataError
from bench.evaluation.spaces import ExtractorSpace, check_images
from bench.evaluation.weights import Weights, obtain_weights

if TYPE_CHECKING:
    from bench.evaluation.base import Opening

NAME = "inception"
LAYERS = ("2048", "logits_unbiased")
"""What torch-fidelity takes for FID, KID, precision and recall, and for the inception score."""


def open_inception(opening: Opening) -> ExtractorSpace:
    """The space, with the weights that are given, found under the data root or downloaded there.

    Raises:
        DataError: the weights are missing or broken, or the data are not images.
    """
    if not opening.data.is_image:
        raise DataError(
            f"dataset '{opening.dataset}' has no images: feature space 'inception' is for images; use 'raw'"
        )
    check_images(NAME, opening)
    weights = obtain_weights(opening.root, opening.weights, opening.downloads)
    return ExtractorSpace(NAME, load_extractor(weights), weights.sha256)


def load_extractor(weights: Weights) -> FeatureExtractorInceptionV3:
    """The network with these weights.

    Raises:
        DataError: the file holds something else.
    """
    try:
        state: Any = torch.load(weights.path, map_location="cpu", weights_only=True)
        # the extractor would unpickle whatever the file holds: it is given these tensors, written again
        copy = io.BytesIO()
        torch.save({name: torch.as_tensor(values) for name, values in state.items()}, copy)
        copy.seek(0)
        return FeatureExtractorInceptionV3(NAME, list(LAYERS), feature_extractor_weights_path=copy)
    except Exception as error:  # foreign bytes raise anything at all in torch.load
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(
            f"'{weights.path}' does not hold the weights of torch-fidelity's Inception-v3 ({reason}); "
            "name another file with --weights (or GANBENCH_WEIGHTS)"
        ) from None
