"""An objective while it is put together from the layers of a suite file: names and settings, not yet looked up."""

from __future__ import annotations

import dataclasses

from bench.objectives.base import Pick
from bench.spec import NormalisationChange
from bench.suite_file import Entry, Updates
from bench.toml_lines import KeyPath


@dataclasses.dataclass(frozen=True)
class Part:
    """A loss, penalty, stabiliser or optimizer by name, and the place in the file that had the last word on it."""

    pick: Pick
    path: KeyPath
    inherited: bool = False
    """Whether that place changed settings of an entry that was named elsewhere."""

    def overlaid(self, entry: Entry | None, path: KeyPath) -> Part:
        """This one with a later layer applied."""
        if entry is None:
            return self
        if entry.name is None or entry.name == self.pick.name:
            return Part(Pick(self.pick.name, self.pick.settings | entry.settings), path, inherited=entry.name is None)
        return Part(Pick(entry.name, entry.settings), path)


@dataclasses.dataclass(frozen=True)
class Draft:
    """An objective before its parts are looked up."""

    loss: Part | None
    penalties: tuple[Part, ...]
    stabilisers: tuple[Part, ...]
    discriminator_normalisation: NormalisationChange
    n_critic: int
    generator_optimizer: Part
    discriminator_optimizer: Part

    def with_updates(self, layer: Updates, path: KeyPath) -> Draft:
        """This one with the layer's update schedule applied."""
        generator = self.generator_optimizer.overlaid(layer.optimizer, (*path, "optimizer"))
        discriminator = self.discriminator_optimizer.overlaid(layer.optimizer, (*path, "optimizer"))
        return dataclasses.replace(
            self,
            n_critic=self.n_critic if layer.n_critic is None else layer.n_critic,
            generator_optimizer=generator.overlaid(layer.generator_optimizer, (*path, "generator_optimizer")),
            discriminator_optimizer=discriminator.overlaid(
                layer.discriminator_optimizer, (*path, "discriminator_optimizer")
            ),
        )
