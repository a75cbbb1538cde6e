"""Multilayer perceptrons: their initial weights."""

from __future__ import annotations

import pytest

from tests.architectures.players import ROLES, build, weighted_layers


@pytest.mark.parametrize("role", [*ROLES, "autoencoder"])
def test_they_are_initialised_as_he_does(role: str) -> None:
    layers = weighted_layers(build("mlp", role, (2,), width=512))
    hidden = [layer for layer in layers if layer.weight.shape == (512, 512)]
    assert len(hidden) == (4 if role == "autoencoder" else 2)
    for layer in hidden:
        assert layer.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.02)
    decodes = {"generator": [True] * 4, "discriminator": [False] * 4, "autoencoder": [False] * 4 + [True] * 4}
    assert [not layer.bias.any() for layer in layers] == decodes[role]
