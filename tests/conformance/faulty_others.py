"""Stabilisers, architectures, datasets, optimizers and objectives with a fault each."""

from __future__ import annotations

from tests.conformance.plugins import Fault, entry, plugin

SPLITS = ("train", "validation", "test")


def stabiliser(present: str, shape: str = "shape", members: str = "") -> str:
    """A stabiliser that takes every batch size."""
    return plugin(
        entry(
            "stabilisers",
            f"""
{members}

def check(self, batch_size):
    pass

def shape(self, shape):
    return {shape}

def present(self, samples):
    return {present}
""",
        )
    )


def trick(members: str, base: str = "") -> str:
    """A stabiliser of other hooks."""
    return plugin("from bench.objectives import Remembering", entry("stabilisers", members, base))


def architecture(
    *,
    check: str = "pass",
    before: str = "pass",
    first: str = "nn.ReLU()",
    middle: str = "nn.Identity()",
    start: str = "nn.Identity()",
    end: str = "nn.Flatten(0)",
) -> str:
    """A small multilayer perceptron with something changed."""
    return plugin(
        '''
class Deviation(nn.Module):
    """Statistics of the batch among the features."""

    def forward(self, x):
        return x + x.std(0, correction=0)


class Told(Deviation):
    """Says that it mixes samples."""

    mixes_samples = True


class Half(nn.Module):
    """Sets the second half of each sample to 0."""

    def forward(self, x):
        return torch.cat((x[:, : x.shape[1] // 2], 0 * x[:, x.shape[1] // 2 :].detach()), 1)


class HostBias(nn.Module):
    """Adds what it makes on the host."""

    def forward(self, x):
        return x + torch.ones(8)


class WithSpare(nn.Sequential):
    """Has a layer that is not used."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.spare = nn.Linear(2, 2)

    def forward(self, x):
        for layer in list(self)[:-1]:
            x = layer(x)
        return x
''',
        entry(
            "architectures",
            f"""
latent_dim: ClassVar[int] = 4

def check(self, shape):
    {check}

def generator(self, shape):
    {before}
    n = torch.Size(shape).numel()
    return nn.Sequential(nn.Linear(4, 8), {first}, nn.Linear(8, n), nn.Unflatten(1, shape))

def discriminator(self, shape):
    n = torch.Size(shape).numel()
    return nn.Sequential(nn.Flatten(1), {start}, nn.Linear(n, 8), nn.LeakyReLU(0.2), {middle}, nn.Linear(8, 1), {end})
""",
        ),
    )


def dataset(
    space: str = "raw",
    shape: str = "(2,)",
    generator: str = "random",
    validation: str = "points[100:200]",
    more: str = "",
) -> str:
    """300 points of a Gaussian, with something changed."""
    return plugin(
        entry(
            "datasets",
            f"""
space: ClassVar[str] = "{space}"

@property
def shape(self):
    return {shape}

def load(self, root):
    random = torch.Generator().manual_seed(0)
    points = torch.randn(300, 2, generator={generator})
    return Data(train=points[:100], validation={validation}, test=points[200:]{more})
""",
        )
    )


def optimizer(
    *, memory: str = "self.state[weight]", sign: str = "-", weights: str = "parameters", shared: str = "pass"
) -> str:
    """Gradient descent with momentum, with something changed."""
    return plugin(
        f'''
class Momentum(torch.optim.Optimizer):
    """Remembers its last step."""

    {shared}

    def __init__(self, parameters):
        super().__init__(parameters, dict(lr=0.01))
        self.own = {{}}

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for index, weight in enumerate(group["params"]):
                memory = {memory}
                memory["step"] = 0.5 * memory.get("step", 0) + weight.grad
                weight.add_({sign}group["lr"] * memory["step"])
''',
        entry("optimizers", f"def build(self, parameters):\n    return Momentum({weights})"),
    )


def objective(*fields: str) -> str:
    """The hinge game with something changed."""
    annotated = "loss: Annotated[object, Field(description='the loss')] = pick('hinge')\n" + "\n".join(fields)
    return plugin(entry("objectives", annotated, "(Objective)"))


FAULTS = (
    Fault(
        "another shape than promised",
        ("shows what it promises",),
        "`shape` promises samples of shape (2,) as (2,), but a batch of 24 is shown as (24, 4)",
        stabiliser("torch.cat((samples, samples), 1)"),
    ),
    Fault(
        "noise of the global state",
        ("pure",),
        "it draws from torch's global random state",
        stabiliser("samples + 0.1 * torch.randn_like(samples)"),
    ),
    Fault(
        "every second call shifted",
        ("same for real and generated",),
        "shown in turn, the same samples differ in mean by 0.5",
        stabiliser(
            "samples + 0.5 * next(self.calls)", members="from itertools import cycle\ncalls = cycle((0.0, 1.0))"
        ),
    ),
    Fault(
        "half of a sample",
        ("sees all of a sample",),
        "the score does not change with 1 of the 2 elements of a sample of (2,)",
        architecture(start="Half()"),
    ),
    Fault(
        "a tensor of the host in a pass",
        ("makes tensors on the device",),
        "takes a tensor that was made on the host",
        architecture(middle="HostBias()"),
    ),
    Fault(
        "whole packs alone, unsaid",
        ("checks batch sizes",),
        "`check` takes the batch size 1, but `present` cannot show it",
        stabiliser("samples.reshape(-1, 2 * samples.shape[1], *samples.shape[2:])", "(2 * shape[0], *shape[1:])"),
    ),
    Fault(
        "a buffer that no checkpoint holds",
        ("game goes on from a checkpoint",),
        "something is neither in `Remembering.held` nor drawn from the stream that is given",
        trick("""
def replay(self, fake, random):
    earlier = getattr(self, "earlier", fake)
    object.__setattr__(self, "earlier", fake)
    return earlier
"""),
    ),
    Fault(
        "a weight that is read out",
        ("a game draws and waits for nothing else",),
        "on a GPU every step would wait for that",
        trick("""
def generator_term(self, turn):
    return 0.1 * float(turn.samples.detach().abs().mean()) * turn.samples.square().mean()
"""),
    ),
    Fault(
        "a term without bound",
        ("can be played",),
        "a loss or a weight is not finite",
        trick("""
def generator_term(self, turn):
    return (turn.samples - turn.samples).log().mean()
"""),
    ),
    Fault(
        "draws of the shared state beside its own",
        ("game goes on from a checkpoint", "a game draws and waits for nothing else"),
        "it draws from torch's global random state",
        trick("""
def replay(self, fake, random):
    return fake[torch.randperm(len(fake))[:1]].expand_as(fake).clone()
"""),
    ),
    Fault(
        "samples that are lost",
        ("gradients reach every sample",),
        "12 of 24 samples are shown to nobody",
        stabiliser("samples[: (len(samples) + 1) // 2]"),
    ),
    Fault(
        "a sigmoid at the end",
        ("scores are raw",),
        "scores still lie between 0 and 1: is there a sigmoid or a tanh at the end?",
        architecture(end="nn.Flatten(0), nn.Sigmoid()"),
    ),
    Fault(
        "scores of two dimensions",
        ("discriminator gives scores", "packed samples"),
        "6 samples of shape (2,) get scores of the shape (6, 1), not (6,)",
        architecture(end="nn.Identity()"),
    ),
    Fault(
        "a seed of its own",
        ("weights follow the seed",),
        "the generator's weights are the same under two seeds",
        architecture(before="torch.manual_seed(0)"),
    ),
    Fault(
        "weights of numpy",
        ("weights follow the seed", "builds with torch alone"),
        "two generators built under one seed differ",
        architecture(
            before="import numpy; first = nn.Linear(4, 8); n = torch.Size(shape).numel(); "
            "first.weight.data.copy_(torch.from_numpy(numpy.random.randn(8, 4))); "
            "return nn.Sequential(first, nn.Linear(8, n), nn.Unflatten(1, shape))"
        ),
    ),
    Fault(
        "dropout",
        ("scores are independent", "passes draw nothing"),
        "a pass of the discriminator draws from torch's global random state: random numbers in a pass, as of dropout",
        architecture(middle="nn.Dropout(0.3)"),
    ),
    Fault(
        "a refusal by another exception",
        ("checks shapes",),
        "`check` of (2,) raises AssertionError, where a CatalogError is due",
        architecture(check="assert len(shape) == 3"),
    ),
    Fault(
        "statistics of the batch",
        ("scores are independent",),
        "what the discriminator says of a sample by itself is another than within a batch of 6",
        architecture(middle="Deviation()"),
    ),
    Fault(
        "samples of the batch",
        ("samples are independent",),
        "a latent by itself gives another sample than within a batch of 6",
        architecture(first="Deviation()"),
    ),
    Fault(
        "a layer that is not used",
        ("gradients reach all weights",),
        "no gradient reaches the discriminator's 4.spare.weight, 4.spare.bias",
        architecture(middle="WithSpare(nn.Linear(8, 8))"),
    ),
    Fault(
        "data that are drawn afresh",
        ("loads the same twice", "loads without chance"),
        "its train split is another the second time it is loaded",
        dataset(generator="None"),
    ),
    Fault(
        "another shape of data",
        ("has three splits of its shape",),
        "it promises samples of shape (3,), but its train split has (2,)",
        dataset(shape="(3,)"),
    ),
    Fault(
        "validation on training data",
        ("splits are apart",),
        "50 % of its validation split are training samples as well",
        dataset(validation="points[50:150]"),
    ),
    Fault(
        "an unknown space",
        ("measured in a known space",),
        "`space` is 'inceptoin'; valid:",
        dataset(space="inceptoin"),
    ),
    Fault(
        "a classifier without labels",
        ("measured in a known space",),
        "not every split has the labels",
        dataset(space="classifier"),
    ),
    Fault(
        "labels from 1",
        ("labels fit",),
        "labels of its train split run from 1 to 2; `classes` is 2",
        dataset(more="".join(f", {split}_labels=torch.arange(100) % 2 + 1" for split in SPLITS) + ", classes=2"),
    ),
    Fault(
        "fresh samples of another distribution",
        ("fresh samples are like it",),
        "fresh samples have another mean or spread than its train split",
        dataset(more=", draw=lambda n, random: 2 * torch.randn(n, 2, generator=random)"),
    ),
    Fault(
        "a velocity that is not saved",
        ("goes on from a checkpoint",),
        "some of its state is not saved",
        optimizer(memory="self.own.setdefault(index, {})"),
    ),
    Fault(
        "a velocity of all players",
        ("goes on from a checkpoint", "two share nothing"),
        "it ends elsewhere when another optimizer of the entry steps beside it",
        optimizer(memory="self.velocity.setdefault(index, {})", shared="velocity = {}"),
    ),
    Fault("uphill", ("lowers a quadratic",), "after 50 steps a sum of squares is", optimizer(sign="")),
    Fault(
        "half of the weights",
        ("makes a torch optimizer", "lowers a quadratic"),
        "it holds 1 tensors; it was given 2",
        optimizer(weights="list(parameters)[:1]"),
    ),
    Fault(
        "a penalty that does not exist",
        ("parts exist",),
        "unknown penalty 'gradient-penalties'; did you mean 'gradient-penalty'?",
        objective("penalties: Annotated[tuple, Field(description='of steepness')] = (pick('gradient-penalties'),)"),
    ),
    Fault(
        "codes without an autoencoder",
        ("can be played",),
        "needs a discriminator that is an autoencoder",
        objective("penalties: Annotated[tuple, Field(description='of codes')] = (pick('pulling-away'),)"),
    ),
)
