"""The named objectives, with the settings of their papers as defaults. Every one can be overridden in a suite."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from bench.catalog import losses, objectives
from bench.objectives.base import Objective, Pick, pick
from bench.spec import NormalisationChange

DCGAN_ADAM = pick("adam", learning_rate=2e-4, beta1=0.5, beta2=0.999)
"""Radford et al. 2016: what most papers after it took over."""

WGAN_GP_ADAM = pick("adam", learning_rate=1e-4, beta1=0.0, beta2=0.9)
"""Gulrajani et al. 2017, algorithm 1."""

NON_SATURATING_OPTIMUM = "d* = log(p/q), L_D* = log 4 − 2·JS(p‖q); the generator descends KL(q‖p) − 2·JS(p‖q)"


def name_objective(
    name: str,
    summary: str,
    loss: Pick,
    *,
    source: str,
    penalties: tuple[Pick, ...] = (),
    stabilisers: tuple[Pick, ...] = (),
    discriminator_normalisation: NormalisationChange = "unchanged",
    n_critic: int = 1,
    optimizer: Pick = DCGAN_ADAM,
    formula: str = "",
    latex: str = "",
    optimum: str = "",
) -> None:
    """Enter an objective into the catalogue: a subclass of `Objective` with these defaults.

    Formula, LaTeX and optimum are the loss's own where they are not given.
    """
    entry = losses.entry(loss.name)
    defaults: dict[str, Any] = {
        "loss": loss,
        "penalties": penalties,
        "stabilisers": stabilisers,
        "discriminator_normalisation": discriminator_normalisation,
        "n_critic": n_critic,
        "generator_optimizer": optimizer,
        "discriminator_optimizer": optimizer,
    }
    hints = typing.get_type_hints(Objective, include_extras=True)
    fields = [(field, hints[field], dataclasses.field(default=default)) for field, default in defaults.items()]
    class_name = "".join(word.title() for word in name.split("-"))
    cls = dataclasses.make_dataclass(class_name, fields, bases=(Objective,), frozen=True)
    cls.__doc__, cls.__module__ = summary, __name__
    register = objectives.register(
        name,
        formula=formula or entry.formula,
        latex=latex or entry.latex,
        optimum=optimum or entry.optimum,
        source=source,
    )
    register(cls)


# the losses by themselves

name_objective(
    "minimax",
    "The saturating game of the first paper.",
    pick("minimax"),
    source="Goodfellow et al. 2014, algorithm 1; optimizer: Radford et al. 2016",
)
name_objective(
    "nsgan",
    'The non-saturating game: what "GAN" means in most papers.',
    pick("non-saturating"),
    formula="L_D = E ζ(−r) + E ζ(f),  L_G = E ζ(−f)",
    latex=r"L_D = \mathbb{E}\,\zeta(-r) + \mathbb{E}\,\zeta(f), \quad L_G = \mathbb{E}\,\zeta(-f)",
    optimum=NON_SATURATING_OPTIMUM,
    source="Goodfellow et al. 2014, sec. 3; optimizer: Radford et al. 2016",
)
name_objective(
    "lsgan",
    "Least squares with targets 0, 1, 1.",
    pick("least-squares", fake_target=0.0, real_target=1.0, generator_target=1.0),
    formula="L_D = ½E(r − 1)² + ½E f²,  L_G = ½E(f − 1)²",
    latex=r"L_D = \tfrac{1}{2}\mathbb{E}\,(r-1)^2 + \tfrac{1}{2}\mathbb{E}\,f^2, "
    r"\quad L_G = \tfrac{1}{2}\mathbb{E}\,(f-1)^2",
    optimum="d* = p/(p + q);  L_D* = ½ Σ pq/(p + q)",
    source="Mao et al. 2017, eq. 9; optimizer: Radford et al. 2016",
)
name_objective(
    "lsgan-pearson",
    "Least squares with targets −1, 1, 0, whose losses tell a Pearson χ² divergence.",
    pick("least-squares", fake_target=-1.0, real_target=1.0, generator_target=0.0),
    formula="L_D = ½E(r − 1)² + ½E(f + 1)²,  L_G = ½E f²",
    latex=r"L_D = \tfrac{1}{2}\mathbb{E}\,(r-1)^2 + \tfrac{1}{2}\mathbb{E}\,(f+1)^2, "
    r"\quad L_G = \tfrac{1}{2}\mathbb{E}\,f^2",
    optimum="d* = (p − q)/(p + q);  L_D* = 2 Σ pq/(p + q);  ½E_p d*² + ½E_q d*² = ½χ²(p + q ‖ 2q)",
    source="Mao et al. 2017, eqs. 7 and 8; optimizer: Radford et al. 2016",
)
name_objective(
    "hinge",
    "The hinge game, without spectral normalisation.",
    pick("hinge"),
    source="Lim & Ye 2017; Miyato et al. 2018, sec. 4; optimizer: Radford et al. 2016",
)

# Wasserstein critics, made Lipschitz in three ways

name_objective(
    "wgan",
    "The Wasserstein critic, made Lipschitz by clipping its weights.",
    pick("wasserstein"),
    penalties=(pick("weight-clip", limit=0.01),),
    n_critic=5,
    optimizer=pick("rmsprop", learning_rate=5e-5),
    formula="L_D = −E r + E f,  L_G = −E f,  after each update w ← clip(w, −c, c)",
    latex=r"L_D = -\mathbb{E}\,r + \mathbb{E}\,f, \quad L_G = -\mathbb{E}\,f, "
    r"\quad w \leftarrow \mathrm{clip}(w, -c, c)",
    optimum="over K-Lipschitz d, K unknown: −L_D* = K·W₁(p, q)",
    source="Arjovsky et al. 2017, algorithm 1",
)
name_objective(
    "wgan-gp",
    "The Wasserstein critic, made Lipschitz by a penalty on its gradient between real and fake samples.",
    pick("wasserstein"),
    penalties=(pick("gradient-penalty", weight=10.0, center=1.0, side="both"),),
    n_critic=5,
    optimizer=WGAN_GP_ADAM,
    formula="L_D = −E r + E f + λ E(‖∇d(x̂)‖₂ − 1)²,  L_G = −E f",
    latex=r"L_D = -\mathbb{E}\,r + \mathbb{E}\,f + \lambda\,\mathbb{E}\,(\lVert\nabla d(\hat{x})\rVert_2 - 1)^2, "
    r"\quad L_G = -\mathbb{E}\,f",
    optimum="if the penalty held d 1-Lipschitz: −L_D* = W₁(p, q)",
    source="Gulrajani et al. 2017, algorithm 1",
)
name_objective(
    "wgan-lp",
    "The Wasserstein critic with a penalty on gradients that are too steep alone.",
    pick("wasserstein"),
    penalties=(pick("gradient-penalty", weight=10.0, center=1.0, side="one"),),
    n_critic=5,
    optimizer=WGAN_GP_ADAM,
    formula="L_D = −E r + E f + λ E max(0, ‖∇d(x̂)‖₂ − 1)²,  L_G = −E f",
    latex=r"L_D = -\mathbb{E}\,r + \mathbb{E}\,f + "
    r"\lambda\,\mathbb{E}\max(0, \lVert\nabla d(\hat{x})\rVert_2 - 1)^2, \quad L_G = -\mathbb{E}\,f",
    optimum="if the penalty held d 1-Lipschitz: −L_D* = W₁(p, q)",
    source="Petzka et al. 2018; updates and optimizer: Gulrajani et al. 2017",
)

# with a regularised discriminator

name_objective(
    "sngan",
    "The hinge game with a spectrally normalised discriminator.",
    pick("hinge"),
    discriminator_normalisation="spectral",
    n_critic=5,
    optimizer=pick("adam", learning_rate=2e-4, beta1=0.0, beta2=0.9),
    formula="L_D = E max(0, 1 − r) + E max(0, 1 + f),  L_G = −E f,  every weight of d as W/‖W‖₂, its spectral norm",
    latex=r"L_D = \mathbb{E}\max(0, 1-r) + \mathbb{E}\max(0, 1+f), \quad L_G = -\mathbb{E}\,f, "
    r"\quad \bar{W} = W/\lVert W\rVert_2",
    optimum="without the normalisation: d* = sign(p − q), L_D* = 2(1 − TV(p, q))",
    source="Miyato et al. 2018, eqs. 16 and 17; updates and optimizer as in their code for CIFAR-10",
)
name_objective(
    "dragan",
    "The non-saturating game with gradients of norm 1 around real samples.",
    pick("non-saturating"),
    penalties=(pick("dragan", weight=10.0, spread=0.5),),
    formula="L_D = E ζ(−r) + E ζ(f) + λ E(‖∇d(x + δ)‖₂ − 1)²,  L_G = E ζ(−f)",
    latex=r"L_D = \mathbb{E}\,\zeta(-r) + \mathbb{E}\,\zeta(f) "
    r"+ \lambda\,\mathbb{E}\,(\lVert\nabla d(x + \delta)\rVert_2 - 1)^2, \quad L_G = \mathbb{E}\,\zeta(-f)",
    optimum=f"without the penalty: {NON_SATURATING_OPTIMUM}",
    source="Kodali et al. 2017; optimizer: Radford et al. 2016",
)
name_objective(
    "nsgan-r1",
    "The non-saturating game, made locally convergent by R1.",
    pick("non-saturating"),
    penalties=(pick("r1", gamma=10.0),),
    optimizer=pick("adam", learning_rate=1e-4, beta1=0.0, beta2=0.99),
    formula="L_D = E ζ(−r) + E ζ(f) + ½γ E‖∇d(x)‖²,  L_G = E ζ(−f)",
    latex=r"L_D = \mathbb{E}\,\zeta(-r) + \mathbb{E}\,\zeta(f) "
    r"+ \tfrac{\gamma}{2}\,\mathbb{E}\,\lVert\nabla d(x)\rVert^2, \quad L_G = \mathbb{E}\,\zeta(-f)",
    optimum=f"without the penalty: {NON_SATURATING_OPTIMUM}",
    source="Mescheder et al. 2018, eq. 9; optimizer as in their code for ImageNet",
)
name_objective(
    "nsgan-zero-gp",
    "The non-saturating game with flat scores between real and generated samples.",
    pick("non-saturating"),
    penalties=(pick("gradient-penalty", weight=10.0, center=0.0, side="both"),),
    formula="L_D = E ζ(−r) + E ζ(f) + λ E‖∇d(x̂)‖²,  L_G = E ζ(−f)",
    latex=r"L_D = \mathbb{E}\,\zeta(-r) + \mathbb{E}\,\zeta(f) "
    r"+ \lambda\,\mathbb{E}\,\lVert\nabla d(\hat{x})\rVert_2^2, \quad L_G = \mathbb{E}\,\zeta(-f)",
    optimum=f"without the penalty: {NON_SATURATING_OPTIMUM}",
    source="Thanh-Tung et al. 2019; weight as wgan-gp's, optimizer: Radford et al. 2016",
)
name_objective(
    "lecam",
    "The hinge game with scores anchored to moving averages, for little data.",
    pick("hinge"),
    penalties=(pick("lecam", weight=0.3, decay=0.99),),
    n_critic=4,
    optimizer=pick("adam", learning_rate=2e-4, beta1=0.0, beta2=0.999),
    formula="L_D = E max(0, 1 − r) + E max(0, 1 + f) + λ(E(r − α_F)² + E(f − α_R)²),  L_G = −E f",
    latex=r"L_D = \mathbb{E}\max(0, 1-r) + \mathbb{E}\max(0, 1+f) "
    r"+ \lambda\,(\mathbb{E}\,(r - \alpha_F)^2 + \mathbb{E}\,(f - \alpha_R)^2), \quad L_G = -\mathbb{E}\,f",
    optimum="without the penalty: d* = sign(p − q), L_D* = 2(1 − TV(p, q))",
    source="Tseng et al. 2021, sec. 3; settings of their BigGAN on CIFAR",
)

# relativistic

RELATIVISTIC = "Jolicoeur-Martineau 2018, {}; updates and optimizer of her CIFAR-10 experiments"

name_objective(
    "rasgan",
    "Each score against the average of the other side's, with logistic costs.",
    pick("relativistic-average", base="logistic"),
    formula="L_D = E ζ(−(r − E f)) + E ζ(f − E r),  L_G = E ζ(−(f − E r)) + E ζ(r − E f)",
    latex=r"L_D = \mathbb{E}\,\zeta(-(r - \mathbb{E}f)) + \mathbb{E}\,\zeta(f - \mathbb{E}r), "
    r"\quad L_G = \mathbb{E}\,\zeta(-(f - \mathbb{E}r)) + \mathbb{E}\,\zeta(r - \mathbb{E}f)",
    optimum="at p = q: d* is constant; L_D* = 2 log 2",
    source=RELATIVISTIC.format("sec. 4.3 (RaSGAN)"),
)
name_objective(
    "ralsgan",
    "Each score against the average of the other side's, with squared costs.",
    pick("relativistic-average", base="least-squares"),
    formula="L_D = E(r − E f − 1)² + E(f − E r + 1)²,  L_G = E(f − E r − 1)² + E(r − E f + 1)²",
    latex=r"L_D = \mathbb{E}\,(r - \mathbb{E}f - 1)^2 + \mathbb{E}\,(f - \mathbb{E}r + 1)^2, "
    r"\quad L_G = \mathbb{E}\,(f - \mathbb{E}r - 1)^2 + \mathbb{E}\,(r - \mathbb{E}f + 1)^2",
    optimum="at p = q: a constant d is best; L_D* = 2",
    source=RELATIVISTIC.format("appendix (RaLSGAN)"),
)
name_objective(
    "rahinge",
    "Each score against the average of the other side's, with hinge costs.",
    pick("relativistic-average", base="hinge"),
    formula="L_D = E max(0, 1 − (r − E f)) + E max(0, 1 + (f − E r)),  "
    "L_G = E max(0, 1 − (f − E r)) + E max(0, 1 + (r − E f))",
    latex=r"L_D = \mathbb{E}\max(0, 1 - (r - \mathbb{E}f)) + \mathbb{E}\max(0, 1 + (f - \mathbb{E}r)), "
    r"\quad L_G = \mathbb{E}\max(0, 1 - (f - \mathbb{E}r)) + \mathbb{E}\max(0, 1 + (r - \mathbb{E}f))",
    optimum="at p = q: a constant d is best; L_D* = 2",
    source=RELATIVISTIC.format("appendix (RaHingeGAN)"),
)
name_objective(
    "rpgan",
    "Each real score against one fake score.",
    pick("relativistic-pairing", base="logistic"),
    formula="L_D = E ζ(−(r − f)),  L_G = E ζ(−(f − r)), pairs in order",
    latex=r"L_D = \mathbb{E}\,\zeta(-(r - f)), "
    r"\quad L_G = \mathbb{E}\,\zeta(-(f - r))",
    optimum="at p = q: d* is constant; L_D* = log 2",
    source=RELATIVISTIC.format("sec. 4.1 (RSGAN)"),
)
name_objective(
    "r3gan",
    "Relativistic pairing with R1 and R2.",
    pick("relativistic-pairing", base="logistic"),
    penalties=(pick("r1", gamma=1.0), pick("r2", gamma=1.0)),
    optimizer=pick("adam", learning_rate=2e-4, beta1=0.0, beta2=0.9),
    formula="L_D = E ζ(−(r − f)) + ½γ E‖∇d(x)‖² + ½γ E‖∇d(G(z))‖²,  L_G = E ζ(−(f − r))",
    latex=r"L_D = \mathbb{E}\,\zeta(-(r - f)) + \tfrac{\gamma}{2}\,\mathbb{E}\,\lVert\nabla d(x)\rVert^2 "
    r"+ \tfrac{\gamma}{2}\,\mathbb{E}\,\lVert\nabla d(G(z))\rVert^2, \quad L_G = \mathbb{E}\,\zeta(-(f - r))",
    optimum="at p = q: d* is constant; L_D* = log 2",
    source="Huang et al. 2024, sec. 3; γ and optimizer near theirs for Stacked MNIST, which they anneal",
)

# f-GANs: T(v), f*(T(v)), and the divergence that is reached

F_GANS = {
    "kl": ("v", "e^(v − 1)", r"v", r"e^{v-1}", "KL(p‖q)"),
    "reverse-kl": ("−e^(−v)", "v − 1", r"-e^{-v}", r"v - 1", "KL(q‖p)"),
    "pearson": ("v", "¼v² + v", r"v", r"\tfrac{1}{4}v^2 + v", "Σ(p − q)²/q"),
    "neyman": ("1 − e^(−v)", "2 − 2e^(−v/2)", r"1 - e^{-v}", r"2 - 2e^{-v/2}", "Σ(p − q)²/p"),
    "squared-hellinger": ("1 − e^(−v)", "e^v − 1", r"1 - e^{-v}", r"e^v - 1", "Σ(√p − √q)²"),
    "jensen-shannon": ("log 2 − ζ(−v)", "ζ(v) − log 2", r"\log 2 - \zeta(-v)", r"\zeta(v) - \log 2", "2·JS(p‖q)"),
    "total-variation": ("½tanh v", "½tanh v", r"\tfrac{1}{2}\tanh v", r"\tfrac{1}{2}\tanh v", "TV(p, q)"),
}
for kind, (plain, composed, latex_plain, latex_composed, reached) in F_GANS.items():
    name_objective(
        f"fgan-{kind}",
        f"The f-GAN whose bound is tight at {reached}.",
        pick("f-divergence", kind=kind, trick=False),
        formula=f"L_D = −E T(r) + E f*(T(f)),  L_G = −E f*(T(f)),  T(v) = {plain},  f*(T(v)) = {composed}",
        latex=r"L_D = -\mathbb{E}\,T(r) + \mathbb{E}\,f^*(T(f)), \quad L_G = -\mathbb{E}\,f^*(T(f)), "
        rf"\quad T(v) = {latex_plain}, \quad f^*(T(v)) = {latex_composed}",
        optimum=f"−L_D* = {reached}",
        source="Nowozin et al. 2016, tables 1 and 2 and appendix; optimizer: Radford et al. 2016",
    )

# with an autoencoder for a discriminator

name_objective(
    "ebgan",
    "Energies of an autoencoder with a margin, and codes that pull away from each other.",
    pick("energy", margin=10.0, energy="euclidean"),
    penalties=(pick("pulling-away", weight=0.1),),
    formula="L_D = E e(x) + E max(0, m − e(G)),  L_G = E e(G) + λ Σ_{i≠j} cos²(s_i, s_j) / (N(N − 1))",
    latex=r"L_D = \mathbb{E}\,e(x) + \mathbb{E}\max(0, m - e(G)), \quad L_G = \mathbb{E}\,e(G) "
    r"+ \frac{\lambda}{N(N-1)} \sum_{i \neq j} \cos^2(s_i, s_j)",
    source="Zhao et al. 2016, sec. 2 (EBGAN-PT), margin of their MNIST experiments; optimizer: Radford et al. 2016",
)
name_objective(
    "began",
    "Errors of an autoencoder, held at a constant ratio by a control loop.",
    pick("boundary-equilibrium", gamma=0.5, gain=0.001, energy="absolute"),
    optimizer=pick("adam", learning_rate=1e-4, beta1=0.5, beta2=0.999),
    source="Berthelot et al. 2017, sec. 3.4; learning rate: sec. 4.1",
)

# packed


def packed(sample: str, count: int) -> str:
    """``count`` numbered samples, separated by commas."""
    return ", ".join(sample.format(number) for number in range(1, count + 1))


for samples in (2, 3, 4):
    name_objective(
        f"pacgan{samples}",
        f"The non-saturating game, judged on packs of {samples} samples.",
        pick("non-saturating"),
        stabilisers=(pick("packing", samples=samples),),
        optimizer=pick("adam", learning_rate=1e-4, beta1=0.8, beta2=0.999),
        formula=f"L_D = E ζ(−r) + E ζ(f),  L_G = E ζ(−f),  r = d(x₁, …, x_m),  f = d(G(z₁), …, G(z_m)),  m = {samples}",
        latex=r"L_D = \mathbb{E}\,\zeta(-r) + \mathbb{E}\,\zeta(f), \quad L_G = \mathbb{E}\,\zeta(-f), "
        rf"\quad r = d({packed('x_{}', samples)}), \; f = d({packed('G(z_{})', samples)})",
        optimum="d* = log(pᵐ/qᵐ), L_D* = log 4 − 2·JS(pᵐ‖qᵐ), of the m-fold products",
        source="Lin et al. 2018, sec. 3; optimizer as in their code for mixtures of Gaussians",
    )
