"""Wrong penalties and stabilisers."""

from __future__ import annotations

from bench.objectives import gradient_penalties, penalties, stabilisers
from tests.mutants.mutant import Seen, rewritten

GRADIENTS = "tests/objectives/test_gradient_penalties.py"
REACH = f"{GRADIENTS}::test_penalties_reach_the_weights"
PENALTIES = "tests/objectives/test_penalties.py"
CONSISTENCY = "tests/objectives/test_consistency.py"
MEMORY = "tests/objectives/test_memory.py"
STABILISERS = "tests/objectives/test_stabilisers.py"
DIRAC = "tests/objectives/test_dirac.py"

ON_GRADIENTS = [
    rewritten(
        "gradient norm over the batch", Seen.BATCH_NORM_OF_GRADIENTS, gradient_penalties, "squared_gradient_norms",
        [(".flatten(1).square().sum(1)", ".square().sum().expand(len(inputs))")], GRADIENTS,
    ),
    rewritten(
        "mean of squares for a norm", "‖∇d‖² is divided by the number of elements", gradient_penalties,
        "squared_gradient_norms", [(".sum(1)", ".mean(1)")], GRADIENTS,
    ),
    rewritten(
        "one ε for the batch", Seen.ONE_EPSILON, gradient_penalties, "between",
        [("(len(real),) + (1,) * (real.dim() - 1)", "(1,) * real.dim()")], GRADIENTS,
    ),
    rewritten(
        "an ε for every element", "points off the line between real and fake", gradient_penalties, "between",
        [("(len(real),) + (1,) * (real.dim() - 1)", "real.shape")], GRADIENTS,
    ),
    rewritten(
        "gradient penalty without create_graph", Seen.NO_GRAPH, gradient_penalties.GradientPenalty, "term",
        [("batch.discriminator)", "batch.discriminator).detach()")], REACH,
    ),
    rewritten(
        "R1 without create_graph", Seen.NO_GRAPH, gradient_penalties.R1, "term",
        [("batch.real)", "batch.real).detach()")], REACH,
    ),
    rewritten(
        "every penalty without create_graph", Seen.NO_GRAPH, gradient_penalties, "squared_gradient_norms",
        [("create_graph=True", "retain_graph=True")], PENALTIES,
    ),
    rewritten(
        "R1 at fake samples", "R1 is R2", gradient_penalties.R1, "term",
        [("batch.real_scores, batch.real", "batch.fake_scores, batch.fake")], GRADIENTS,
    ),
    rewritten(
        "R1 without its ½", "twice the γ of the paper", gradient_penalties.R1, "term",
        [("0.5 * ", "")], DIRAC,
    ),
    rewritten(
        "one-sided is two-sided", "gentle critics pay", gradient_penalties.GradientPenalty, "term",
        [("excess.relu()", "excess")], GRADIENTS,
    ),
    rewritten(
        "naive norm", "√0 gives nan gradients", gradient_penalties, "root",
        [(".clamp_min(torch.finfo(squared_norms.dtype).tiny)", "")], GRADIENTS,
    ),
    rewritten(
        "DRAGAN around fake samples", "points of the wrong side", gradient_penalties.Dragan, "term",
        [("real = batch.real", "real = batch.fake")], GRADIENTS,
    ),
]  # fmt: skip

OTHERS = [
    rewritten(
        "clip of normalisation scales", Seen.CLIPPED_SCALES, penalties.WeightClip, "project",
        [("for layer in layers_of(discriminator) for parameter in layer.parameters()",
          "for parameter in discriminator.parameters()")], PENALTIES,
    ),
    rewritten(
        "LeCam: averages exchanged", "each side is held to its own average", penalties.LeCam, "term",
        [("(real - average_fake)", "(real - average_real)"), ("(fake - average_real)", "(fake - average_fake)")],
        MEMORY,
    ),
    rewritten(
        "LeCam: one batch late", "the term does not take its own batch in", penalties.LeCam, "term",
        [('self._average("real", real)', 'self.recall("real", real)'),
         ('self._average("fake", fake)', 'self.recall("fake", fake)')], MEMORY,
    ),
    rewritten(
        "orthogonal with its diagonal", "filters are held to length 0", penalties.Orthogonal, "term",
        [(".masked_fill(torch.eye(len(matrix), device=matrix.device).bool(), 0)", "")], PENALTIES,
    ),
    rewritten(
        "consensus of the critic alone", "the generator's part of v is missing", penalties.Consensus, "joint_term",
        [("(joint.generator_loss, joint.generator_weights),", "")], DIRAC,
    ),
    rewritten(
        "pulling-away with its diagonal", "cosines of codes with themselves", penalties.PullingAway, "generator_term",
        [(".masked_fill(torch.eye(n, device=codes.device).bool(), 0)", "")], PENALTIES,
    ),
    rewritten(
        "consistency: one shift for the batch", "samples are not augmented on their own", penalties.Consistency,
        "_indices", [("(n, 1)", "(1, 1)"), ("+ moved)", "+ moved).expand(n, size)")], CONSISTENCY,
    ),
    rewritten(
        "consistency of one side alone", "generated samples are left out", penalties.Consistency, "term",
        [("if self.generated:", "if False:")], CONSISTENCY,
    ),
    rewritten(
        "packs of distant samples", "a pack's samples are no neighbours", stabilisers.Packing, "present",
        [("samples.reshape(", "samples.roll(1, 0).reshape(")], STABILISERS,
    ),
]  # fmt: skip

MUTANTS = [*ON_GRADIENTS, *OTHERS]
