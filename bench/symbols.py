"""The symbols that formulas share, explained once: `ganbench describe` and the handbook both show them.

A letter that stands for a setting is explained where the setting is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.catalog import Description


@dataclass(frozen=True)
class Symbol:
    """A symbol of the formulas.

    Attributes:
        plain: as formulas in plain text have it.
        latex: the same for a paper.
        meaning: plain text; formulas in it stand between backquotes.
        pattern: finds it in a formula in plain text.
    """

    plain: str
    latex: str
    meaning: str
    pattern: str


def _letter(letters: str) -> str:
    """One of these letters, and not as part of a word, with an index or a star."""
    return rf"(?<![A-Za-z_])[{letters}](?![A-Za-z_*])"


SYMBOLS = (
    Symbol("L_D, L_G", r"L_D, L_G", "what the discriminator and the generator minimise", r"L_[DG](?!\*)"),
    Symbol("d", "d", "the discriminator's raw score of a sample, with no sigmoid behind it", r"d\("),
    Symbol("r", "r = d(x)", "score of a real sample x", _letter("r")),
    Symbol("f", "f = d(G(z))", "score of a generated (fake) sample G(z)", _letter("f")),
    Symbol("e", "e(x), e(G)", "energy: an autoencoder's error of a real, of a generated sample", r"e\([xG]\)"),
    Symbol("E", r"\mathbb{E}", "mean over the batch", _letter("E")),
    Symbol("E_p, E_q", r"\mathbb{E}_p, \mathbb{E}_q", "mean over p, over q", r"E_[pq]"),
    Symbol("ζ", r"\zeta(t)", "softplus, `ζ(t) = log(1 + eᵗ)`", "ζ"),
    Symbol("σ", r"\sigma(t)", "sigmoid, `σ(t) = 1/(1 + e⁻ᵗ)`", r"σ\("),
    Symbol(
        "h",
        r"h(t)",
        "what a difference costs that ought to be positive; by the loss's base `log(1 + e⁻ᵗ)` (logistic), `(t − 1)²` "
        "(least squares) or `max(0, 1 − t)` (hinge)",
        r"h\(",
    ),
    Symbol(
        "T, f*",
        r"T(v), f^*",
        "of f-GANs: f* is the convex conjugate of the divergence's f (which is no score), T brings a score v into "
        "its domain",
        r"T\(f\)",
    ),
    Symbol("∇d", r"\nabla d", "gradient of the score with respect to its sample", "∇d"),
    Symbol("x̂", r"\hat{x}", "random point between a real and a generated sample", "x̂"),
    Symbol("d*, L_D*", r"d^*, L_D^*", "with the discriminator at its optimum", r"(d|e|L_D)\*"),
    Symbol("p, q", "p, q", "the distributions of the data and of the generator", _letter("pq")),
    Symbol("KL", r"\mathrm{KL}(p\Vert q)", "Kullback–Leibler divergence, `Σ p log(p/q)`", "KL"),
    Symbol(
        "JS",
        r"\mathrm{JS}(p\Vert q)",
        "Jensen–Shannon divergence, `½KL(p‖½(p + q)) + ½KL(q‖½(p + q))`",
        "JS",
    ),
    Symbol("TV", r"\mathrm{TV}(p, q)", "total variation, `½Σ|p − q|`", "TV"),
    Symbol("χ²", r"\chi^2(a\Vert b)", "Pearson's divergence as Mao et al. write it, `Σ(a − b)²/a`", "χ²"),
    Symbol("W₁", r"W_1(p, q)", "Wasserstein-1 distance, the earth mover's", "W₁"),
)


def symbols_of(entry: Description) -> list[Symbol]:
    """The symbols in an entry's formula and optimum; only objectives and their parts are written with them."""
    if entry.kind not in ("loss", "penalty", "stabiliser", "objective"):
        return []
    written = f"{entry.formula} {entry.optimum}"
    return [symbol for symbol in SYMBOLS if re.search(symbol.pattern, written)]


def pieces(formula: str) -> list[str]:
    """A formula (or optimum) in plain text by its parts, which two spaces keep apart."""
    return [piece.strip().removesuffix(",").removesuffix(";") for piece in formula.split("  ") if piece.strip()]
