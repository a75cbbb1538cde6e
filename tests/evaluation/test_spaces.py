from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.catalog import registering, spaces
from bench.datasets.base import Data
from bench.errors import DataError, PluginError, UsageError
from bench.evaluation.classifier import open_classifier
from bench.evaluation.spaces import (
    ClassifierSpace,
    ExtractorSpace,
    RawSpace,
    StackedClassifierSpace,
    open_space,
    quantise,
    to_bytes,
)
from bench.plugins import load_plugin
from bench.spec import Choice, PluginSpec
from bench.suite import plan_suite

from .conftest import DIGITS

PLUGIN = '''
import torch
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from bench.catalog import spaces


class Means(FeatureExtractorBase):
    @staticmethod
    def get_provided_features_list():
        return "logits", "means", "other"

    def __init__(self, *layers):
        super().__init__("means", list(layers))
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, images):
        assert images.dtype == torch.uint8
        means = self.scale * images.float().mean(dim=(2, 3))
        found = {"logits": means[:, :2], "means": means, "other": means + 1}
        return tuple(found[layer] for layer in self.features_list)


@spaces.register("means", formula="mean of each colour", source="mine")
class MeansSpace:
    """Mean colours."""

    def extractor(self):
        return Means("logits", "means")
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[PluginSpec]:
    """The plugin's spaces are in the catalogue for the test alone."""
    path = tmp_path / "my_space.py"
    path.write_text(PLUGIN)
    loaded = load_plugin(path)
    yield loaded
    spaces._entries.pop("means", None)


@pytest.fixture(scope="module")
def stacked(digits: Data) -> Data:
    """Three digits as RGB, put together here as the dataset of that kind does."""
    assert digits.test_labels is not None
    chosen = torch.randint(450, (60, 3), generator=torch.Generator().manual_seed(0))
    images = digits.test[chosen].flatten(1, 2)
    labels = (digits.test_labels[chosen] * torch.tensor([100, 10, 1])).sum(dim=1)
    return Data(
        train=images,
        validation=images,
        test=images,
        train_labels=labels,
        validation_labels=labels,
        test_labels=labels,
        classes=1000,
        stacked_from=digits,
    )


def test_stored_levels_pass_the_quantisation_unchanged(digits: Data) -> None:
    levels = digits.decode(torch.arange(256, dtype=torch.uint8).reshape(4, 1, 8, 8))
    assert torch.equal(quantise(levels), levels)
    assert torch.equal(quantise(levels + 0.4 / 127.5), levels)
    assert quantise(torch.tensor([-3.0, 3.0])).tolist() == [-1, 1]


def test_extractors_see_the_bytes_that_are_stored() -> None:
    stored = torch.arange(256, dtype=torch.uint8).repeat(3).reshape(1, 3, 16, 16)
    seen = Data(stored, stored, stored).decode(stored)
    assert torch.equal(to_bytes(seen), stored)
    assert torch.equal(to_bytes(seen[:, :1]), stored[:, :1].repeat(1, 3, 1, 1))
    assert to_bytes(torch.tensor([-9.0, 9.0]).reshape(2, 1, 1, 1)).flatten().tolist() == [0, 0, 0, 255, 255, 255]


def test_extraction_does_not_depend_on_what_else_is_in_the_batch(digits: Data, digits_space: ClassifierSpace) -> None:
    images = digits.decode(digits.test)
    together, alone = digits_space.extract(images), digits_space.extract(images[400:401])
    assert torch.allclose(together.features[400], alone.features[0], atol=1e-5)
    assert not together.features.requires_grad


def test_raw_space_is_the_coordinates() -> None:
    points = torch.rand(5, 2)
    assert torch.equal(RawSpace().extract(points).features, points)
    assert RawSpace().extract(torch.rand(5, 1, 8, 8)).features.shape == (5, 64)


def test_an_unknown_space_lists_the_valid_ones(ring: Data, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown feature space 'clasifier'; did you mean 'classifier'\?.*raw"):
        open_space("clasifier", ring, Choice(name="ring", label="ring"), tmp_path)


def test_stacked_images_are_judged_channel_by_channel(stacked: Data, digits: Data, data_root: Path) -> None:
    space = open_space("classifier", stacked, Choice(name="stacked", label="stacked"), data_root)
    assert isinstance(space, StackedClassifierSpace)
    base = ClassifierSpace(open_classifier(digits, DIGITS, data_root))
    assert space.sha256 == base.sha256
    found = space.extract(stacked.decode(stacked.test))
    assert found.logits is not None
    channels = [base.extract(stacked.decode(stacked.test[:, c : c + 1])) for c in range(3)]
    assert torch.allclose(found.features, torch.cat([each.features for each in channels], dim=1), atol=1e-5)
    logits = [each.logits for each in channels if each.logits is not None]
    digits_found = torch.stack([each.argmax(dim=1) for each in logits], dim=1)
    assert torch.equal(found.logits.argmax(dim=1), (digits_found * torch.tensor([100, 10, 1])).sum(dim=1))
    assert stacked.test_labels is not None
    assert float((found.logits.argmax(dim=1) == stacked.test_labels).float().mean()) > 0.9


def test_a_stack_has_the_posterior_of_independent_digits(stacked: Data, data_root: Path) -> None:
    space = open_space("classifier", stacked, Choice(name="stacked", label="stacked"), data_root)
    found = space.extract(stacked.decode(stacked.test[:9]))
    assert found.logits is not None
    # sums of log-posteriors need no normalising, and summing out two digits leaves the third's posterior
    assert torch.allclose(found.logits.exp().sum(dim=1), torch.ones(9), atol=1e-5)
    first = found.logits.exp().view(9, 10, 10, 10).sum(dim=(2, 3))
    assert isinstance(space, StackedClassifierSpace)
    channel = stacked.decode(stacked.test[:9, :1])
    alone = ClassifierSpace(space.trained).extract(channel).logits
    assert alone is not None
    assert torch.allclose(first, functional.softmax(alone, dim=1), atol=1e-5)


def test_a_plugin_adds_a_space_with_an_extractor(plugin: PluginSpec, digits: Data, tmp_path: Path) -> None:
    assert "means" in spaces.names()
    space = open_space("means", digits, DIGITS, tmp_path)
    found = space.extract(digits.decode(digits.test[:70]))
    means = 2 * digits.test[:70].float().mean(dim=(2, 3)).repeat(1, 3)
    assert torch.allclose(found.features, means)
    assert found.logits is not None
    assert torch.allclose(found.logits, means[:, :2])


def test_a_plugins_space_is_another_when_its_code_changes(plugin: PluginSpec, digits: Data, tmp_path: Path) -> None:
    before = open_space("means", digits, DIGITS, tmp_path).sha256
    assert open_space("means", digits, DIGITS, tmp_path).sha256 == before
    path = tmp_path / "my_space.py"
    path.write_text(PLUGIN.replace("images.float().mean", "images.float().amax"))
    load_plugin(path)
    assert open_space("means", digits, DIGITS, tmp_path).sha256 != before


def test_runs_measured_in_a_plugins_space_name_the_plugin(plugin: PluginSpec, tmp_path: Path) -> None:
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'plugins = ["my_space.py"]\nobjectives = ["nsgan"]\narchitectures = ["dcgan"]\ndatasets = ["digits"]\n'
        'evaluation.space = "means"\n'
    )
    spec = plan_suite(suite.read_text(), suite).specs[0]
    assert (spec.evaluation.space, [used.name for used in spec.plugins]) == ("means", ["my_space"])


def test_images_that_are_not_finite_have_features_that_are_not(
    plugin: PluginSpec, digits: Data, tmp_path: Path
) -> None:
    images = digits.decode(digits.test[:3].clone())
    images[1, 0, 0, 0] = torch.nan
    found = open_space("means", digits, DIGITS, tmp_path).extract(images)
    assert found.features.isnan().all(dim=1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('Means("logits", "means")', 'Means("logits")', "gives logits and no features beside logits"),
        ('Means("logits", "means")', "3", "made a int, not a torch_fidelity FeatureExtractorBase"),
        ('Means("logits", "means")', "1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_plugin_that_makes_no_extractor_is_told(
    plugin: PluginSpec, digits: Data, tmp_path: Path, before: str, after: str, says: str
) -> None:
    (tmp_path / "my_space.py").write_text(PLUGIN.replace(before, after))
    load_plugin(tmp_path / "my_space.py")
    with pytest.raises(PluginError, match=f"feature space 'means'.*{says}"):
        open_space("means", digits, DIGITS, tmp_path)


def test_a_space_needs_a_method(plugin: PluginSpec) -> None:
    with registering(plugin), pytest.raises(UsageError, match="lacks the method 'extractor' or 'open'"):
        spaces.register("empty", formula="", source="")(type("Empty", (), {}))


def test_extractors_are_for_grey_and_rgb_images(plugin: PluginSpec, digits: Data, tmp_path: Path) -> None:
    two = dataclasses.replace(digits, train=digits.train.repeat(1, 2, 1, 1))
    with pytest.raises(DataError, match="2 channels: feature space 'means' is for grey and RGB images"):
        open_space("means", two, DIGITS, tmp_path)


def test_logits_are_asked_for_by_name() -> None:
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase

    class One(FeatureExtractorBase):  # type: ignore[misc]
        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return ("pool",)

        def forward(self, images: Tensor) -> tuple[Tensor]:
            return (images.float().mean(dim=(2, 3)),)

    assert ExtractorSpace("one", One("one", ["pool"])).extract(torch.zeros(2, 3, 4, 4)).logits is None
