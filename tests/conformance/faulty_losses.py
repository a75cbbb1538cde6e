"""Losses with a fault each."""

from __future__ import annotations

from tests.conformance.plugins import Fault, body, entry, plugin

IGNORES_REAL = "generator_uses_real: ClassVar[bool] = False"
MEMORY = f"{IGNORES_REAL}\ninitial: ClassVar[dict] = {{'level': 0.0}}"
D = "softplus(-real).mean() + softplus(fake).mean()"
G = "softplus(-fake).mean()"


def loss(
    discriminator: str = D,
    generator: str = G,
    *,
    members: str = IGNORES_REAL,
    before: str = "pass",
    base: str = "",
    above: str = "",
) -> str:
    """The non-saturating loss, with something changed.

    Args:
        discriminator: L_D.
        generator: L_G.
        members: of the class, but for the two methods.
        before: what is done before L_D is computed.
        base: of the class, in parentheses.
        above: stands above the class.
    """
    methods = f"""

def discriminator(self, real, fake):
    {body(before, 4)}
    return {discriminator}

def generator(self, real, fake):
    return {generator}
"""
    return plugin(above, entry("losses", members + methods, base))


OWN_GRADIENT = '''
class Softplus(torch.autograd.Function):
    """With a gradient of its own."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return softplus(x)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        return gradient * torch.sigmoid({sign}x)
'''


def with_own_gradient(sign: str) -> str:
    """The non-saturating loss with its gradient written out."""
    return loss("Softplus.apply(-real).mean() + Softplus.apply(fake).mean()", above=OWN_GRADIENT.format(sign=sign))


OBSERVES = """

def observe(self, real, fake):
    self.remember('level', 0.9 * self.recall('level', real) + 0.1 * real.mean())
"""

FAULTS = (
    Fault(
        "a sum in place of a mean",
        ("mean over the batch",),
        "L_D of a batch beside its copy is 2 times that of the batch: a sum, not a mean",
        loss("softplus(-real).sum() + softplus(fake).sum()"),
    ),
    Fault(
        "logarithms of raw scores",
        ("finite at ordinary scores",),
        "L_D is nan at scores around 0: they are raw and of either sign",
        loss("-(real.log() + (1 - fake).log()).mean()", "-fake.log().mean()"),
    ),
    Fault(
        "real and fake exchanged",
        ("players pull apart",),
        "∂L_D/∂r = 0.5 and ∂L_D/∂f = −0.5: the discriminator is rewarded for taking one for the other",
        loss("softplus(-fake).mean() + softplus(real).mean()"),
    ),
    Fault(
        "a generator that helps the discriminator",
        ("players pull apart",),
        "the generator is rewarded for making its samples look less real",
        loss(generator="softplus(fake).mean()"),
    ),
    Fault(
        "the logarithm of a sigmoid",
        ("extreme scores",),
        "at scores r = 20, f = 20 L_D is 18.42 in 32 bits and 18.23 in 64",
        loss("-(torch.sigmoid(real) + 1e-8).log().mean() - (1 - torch.sigmoid(fake) + 1e-8).log().mean()"),
    ),
    Fault(
        "an exponential that overflows",
        ("extreme scores",),
        "at scores r = 100, f = 100 L_D is inf in 32 bits and 100 in 64",
        loss("(1 + (-real).exp()).log().mean() + (1 + fake.exp()).log().mean()"),
    ),
    Fault(
        "a number read",
        ("never waits for the device",),
        "reads a number out of a tensor (.item(), float(), or an `if` on a tensor): on a GPU every update would wait",
        loss(f"({D}) * scale", before="scale = 1.0 if real.mean().item() > -1e9 else 0.0"),
    ),
    Fault(
        "an if on a tensor",
        ("never waits for the device",),
        "reads a number out of a tensor",
        loss(f"real.mean() if real.max() > 1e9 else {D}"),
    ),
    Fault(
        "a mask",
        ("never waits for the device",),
        "picks elements by a mask",
        loss("softplus(-real[real > -1e9]).mean() + softplus(fake).mean()"),
    ),
    Fault(
        "a detached side",
        ("gradients reach the scores",),
        "no gradient of L_D reaches the fake scores",
        loss("softplus(-real).mean() + softplus(fake.detach()).mean()"),
    ),
    Fault(
        "no mean",
        ("scalars",),
        "L_D of 64 scores has the shape (64,), where a scalar is due",
        loss("softplus(-real) + softplus(fake)"),
    ),
    Fault(
        "a float",
        ("scalars", "never waits for the device"),
        "L_D is of type float, not a tensor",
        loss(f"float({D})"),
    ),
    Fault(
        "a misspelt method",
        ("scalars",),
        "AttributeError: 'Tensor' object has no attribute 'maen'",
        loss("softplus(-real).maen()"),
    ),
    Fault(
        "weights by position",
        ("order of pairs does not matter",),
        "in another order of the pairs",
        loss(f"({D} + (position * (fake - real)).mean())", before="position = torch.arange(len(real)).to(real) % 2"),
    ),
    Fault(
        "a variance over n − 1",
        ("batch of one",),
        "L_D of one real and one fake score is not finite",
        loss(f"{D} + 0.01 * real.var()"),
    ),
    Fault(
        "label noise of the global state",
        ("order of pairs does not matter", "extreme scores", "pure"),
        "L_D draws from torch's global random state",
        loss("softplus(-real * (1 - 0.1 * torch.rand_like(real))).mean() + softplus(fake).mean()"),
    ),
    Fault(
        "scores changed in place",
        ("pure",),
        "L_D changes the scores that it was given",
        loss(before="real.data.clamp_(-1, 1)"),
    ),
    Fault(
        "a gradient of its own, of the wrong sign",
        ("gradients equal finite differences",),
        "per unit, but its gradient says",
        with_own_gradient("-"),
    ),
    Fault(
        "a least-squares generator without a lower bound",
        ("players pull apart",),
        "where fake scores lie 1 behind the real, ∂L_G/∂f = 0.1: the generator is rewarded for making its samples",
        loss(
            "0.5 * (real - 1).square().mean() + 0.5 * (fake + 1).square().mean()", "-0.5 * (fake + 1).square().mean()"
        ),
    ),
    Fault(
        "half of the real scores",
        ("every score takes part",),
        "L_D leaves out 32 of 64 real scores, by their rank",
        loss("softplus(-real.sort().values[: (len(real) + 1) // 2]).mean() + softplus(fake).mean()"),
    ),
    Fault(
        "a tensor of the host",
        ("makes tensors on the device",),
        "takes a tensor that was made on the host together with those of the device: make it with torch.ones_like",
        loss(
            "nn.functional.binary_cross_entropy_with_logits(real, ones) + softplus(fake).mean()",
            before="ones = torch.ones(len(real), dtype=real.dtype)",
        ),
    ),
    Fault(
        "a generator that says wrongly that it ignores real scores",
        ("says whether the generator uses real scores",),
        "`generator_uses_real` is False, but L_G changes with the real scores",
        loss(generator="softplus(real.mean() - fake).mean()"),
    ),
    Fault(
        "an unknown energy",
        ("names a known energy",),
        "`energy` is 'manhattan'; valid: euclidean, absolute, squared",
        loss("real.mean() + (1 - fake).relu().mean()", "fake.mean()", members=f"{IGNORES_REAL}\nenergy = 'manhattan'"),
    ),
    Fault(
        "a setting without a meaning",
        ("described completely",),
        "it lacks the meaning of setting 'weight'",
        loss(f"self.weight * ({D})", members=f"{IGNORES_REAL}\nweight: float = 1.0"),
    ),
    Fault(
        "a fault in one option",
        ("mean over the batch",),
        "with kind = sum: L_D of a batch beside its copy is 2 times",
        loss(
            f"{D} if self.kind == 'mean' else softplus(-real).sum() + softplus(fake).sum()",
            members=f"{IGNORES_REAL}\nkind: Annotated[Literal['mean', 'sum'], Field(description='which')] = 'mean'",
        ),
    ),
    Fault(
        "a memory changed in the loss",
        ("changes its memory in observe alone",),
        "although `observe` was not called",
        loss(
            before="level = self.recall('level', real)\nself.remember('level', level + 0.1 * real.mean())",
            members=MEMORY + OBSERVES,
            base="(Memory)",
        ),
    ),
    Fault(
        "a memory without observe",
        ("changes its memory in observe alone",),
        "it derives from bench.objectives.Memory, but has no method `observe`",
        loss(members=MEMORY, base="(Memory)"),
    ),
    Fault(
        "a memory that nobody calls",
        ("changes its memory in observe alone",),
        "does not derive from bench.objectives.Memory: nobody will call it",
        loss(members=f"{IGNORES_REAL}\n\ndef observe(self, real, fake):\n    pass"),
    ),
    Fault(
        "a memory beside the memory",
        ("goes on from a checkpoint",),
        "before the checkpoint and",
        loss(
            f"{D} + getattr(self, 'k', 0.0) * fake.mean()",
            members=MEMORY + OBSERVES + "    object.__setattr__(self, 'k', getattr(self, 'k', 0.0) + 0.1)",
            base="(Memory)",
        ),
    ),
)
