"""Penalties with a fault each."""

from __future__ import annotations

from tests.conformance.plugins import Fault, body, entry, plugin

INDEPENDENT = "needs_independent_samples: ClassVar[bool] = True"
REAL = "differentiates: ClassVar[tuple[str, ...]] = ('real',)"
R1 = """
(gradients,) = torch.autograd.grad(batch.real_scores.sum(), batch.real, create_graph=True)
return gradients.flatten(1).square().sum(1).mean()
"""
POINTS = "x = (0.5 * (batch.real + batch.fake)).detach().requires_grad_()\n"
STEEPNESS = f"{POINTS}(gradients,) = torch.autograd.grad(batch.discriminator(x).sum(), x, create_graph=True)\n"


def penalty(code: str, *members: str, method: str = "term(self, batch)") -> str:
    """A penalty with one method."""
    return plugin(entry("penalties", "\n".join(members) + f"\n\ndef {method}:\n    {body(code, 4)}"))


def projection(code: str) -> str:
    """A penalty that changes weights."""
    return penalty(code, method="project(self, discriminator)")


DRAWN_POINTS = """
mix = torch.rand({shape}, generator=batch.random, device=batch.real.device, dtype=batch.real.dtype)
x = (mix * batch.real + (1 - mix) * batch.fake).detach().requires_grad_()
(gradients,) = torch.autograd.grad(batch.discriminator(x).sum(), x, create_graph=True)
return (gradients.flatten(1).square().sum(1) - 1).square().mean()
"""
ONE_EACH = "(len(batch.real),) + (1,) * (batch.real.dim() - 1)"

FAULTS = (
    Fault(
        "one ε for the whole batch",
        ("draws for every sample",),
        "one draw for the whole batch, where each sample is due its own",
        penalty(DRAWN_POINTS.format(shape="1"), INDEPENDENT),
    ),
    Fault(
        "a norm over the channels alone",
        ("takes images as vectors",),
        "a norm over the channels alone?",
        penalty(STEEPNESS + "return (gradients.norm(dim=1).square() - 1).square().mean()", INDEPENDENT),
    ),
    Fault(
        "a negative R1",
        ("bounded below",),
        "with scores 1, 4, 16 and 64 times as large",
        penalty(R1.replace("return ", "return -"), REAL, INDEPENDENT),
    ),
    Fault(
        "half of the graph detached",
        ("gradients equal finite differences",),
        "part of the term is detached from the discriminator",
        penalty(
            R1.replace("gradients.flatten(1).square()", "(gradients * gradients.detach()).flatten(1)"),
            REAL,
            INDEPENDENT,
        ),
    ),
    Fault(
        "a gradient without its graph",
        ("gradients reach the weights",),
        "needs torch.autograd.grad(…, create_graph=True)",
        penalty(R1.replace(", create_graph=True", ""), REAL, INDEPENDENT),
    ),
    Fault(
        "a product of a score and a gradient without its graph",
        ("gradients equal finite differences",),
        "is a part of it made without create_graph=True?",
        penalty(
            POINTS + "scores = batch.discriminator(x)\n"
            "(gradients,) = torch.autograd.grad(scores.sum(), x, retain_graph=True)\n"
            "return (scores.square() * gradients.flatten(1).square().sum(1)).mean()",
            INDEPENDENT,
        ),
    ),
    Fault(
        "one norm of the whole batch",
        ("mean over the batch",),
        "one norm of all of them, where a mean over samples is due",
        penalty(STEEPNESS + "return (gradients.square().sum().clamp_min(1e-30).sqrt() - 1).square()", INDEPENDENT),
    ),
    Fault(
        "the gradient of a mean score",
        ("mean over the batch",),
        "term of a batch beside its copy is 0.25 times that of the batch",
        penalty(
            STEEPNESS.replace("sum()", "mean()") + "return gradients.flatten(1).square().sum(1).mean()", INDEPENDENT
        ),
    ),
    Fault(
        "a sum of random points",
        ("mean over the batch",),
        "term of a batch beside its copy is 2 times that of the batch",
        penalty(
            "like = dict(device=batch.real.device, dtype=batch.real.dtype)\n"
            "u = torch.rand(batch.real.shape, generator=batch.random, **like)\n"
            "return (batch.discriminator(batch.real + 0.1 * u) - batch.real_scores).square().sum()"
        ),
    ),
    Fault(
        "a variance over n − 1",
        ("batch of one",),
        "term of one real and one fake sample is not finite",
        penalty("return batch.real_scores.var()"),
    ),
    Fault(
        "neighbours in the batch",
        ("order of pairs does not matter",),
        "with the batch in reverse",
        penalty("return batch.real_scores[0].square()"),
    ),
    Fault(
        "a precision of its own",
        ("scalars", "gradients equal finite differences"),
        "term of scores of type torch.float64 is of type torch.float32",
        penalty("return batch.real_scores.float().square().mean()"),
    ),
    Fault(
        "draws from the global state",
        ("draws from its own stream", "pure"),
        "term draws from torch's global random state, or sets it; draw with generator=batch.random",
        penalty(
            "noisy = batch.real + 0.1 * torch.randn_like(batch.real)\n"
            "return (batch.discriminator(noisy) - batch.real_scores).square().mean()"
        ),
    ),
    Fault(
        "a root at zero",
        ("flat discriminator",),
        "√0 has no finite gradient",
        penalty(STEEPNESS + "return (gradients.flatten(1).square().sum(1).sqrt() - 1).square().mean()", INDEPENDENT),
    ),
    Fault(
        "an input that is not named",
        ("differentiates what it names",),
        "with gradients of neither input, as `differentiates` asks: One of the differentiated Tensors does not",
        penalty(R1, INDEPENDENT),
    ),
    Fault(
        "an input that is named for nothing",
        ("differentiates what it names",),
        "`differentiates` names 'fake', but it works as well without",
        penalty(R1, REAL.replace("('real',)", "('real', 'fake')"), INDEPENDENT),
    ),
    Fault(
        "a name that is no tuple",
        ("differentiates what it names",),
        "`differentiates` is 'real'; it is a tuple",
        penalty(R1, "differentiates = ('real')", INDEPENDENT),
    ),
    Fault(
        "samples that may be mixed",
        ("says whether samples must be independent",),
        "set `needs_independent_samples: ClassVar[bool] = True`",
        penalty(R1, REAL),
    ),
    Fault(
        "codes that are not asked for",
        ("says whether it needs codes",),
        "set `needs_codes: ClassVar[bool] = True`",
        penalty("return batch.discriminator.encode(batch.fake).square().mean()"),
    ),
    Fault(
        "a backward pass",
        ("pure",),
        "term leaves gradients in .grad of the weights",
        penalty("batch.real_scores.mean().backward(retain_graph=True)\nreturn batch.real_scores.square().mean()"),
    ),
    Fault(
        "statistics kept in the penalty",
        ("draws from its own stream", "pure"),
        "term of the same batch is",
        penalty(
            "self.seen.append(batch.real_scores.mean().detach())\n"
            "return (batch.real_scores - torch.stack(self.seen).mean()).square().mean()",
            "seen = []",
        ),
    ),
    Fault(
        "new weights",
        ("projects in place",),
        "lies elsewhere than before",
        projection(
            "for layer in discriminator.modules():\n"
            "    if hasattr(layer, 'weight'):\n"
            "        layer.weight = nn.Parameter(layer.weight.clamp(-0.1, 0.1))"
        ),
    ),
    Fault(
        "a projection of copies",
        ("projects in place",),
        "weights 100 times as large as at the start are left as they are",
        projection("for weight in discriminator.parameters():\n    weight.detach().clone().clamp_(-0.1, 0.1)"),
    ),
    Fault(
        "a decay",
        ("projects once and for all",),
        "a second projection moves a weight by",
        projection("for weight in discriminator.parameters():\n    weight.data.mul_(0.99)"),
    ),
)
