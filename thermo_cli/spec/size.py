"""How much of an ensemble a look has: so many replicas per history, for so many steps."""

import math
from dataclasses import dataclass
from typing import Final

from thermo_cli.spec.schema import Spec

USUAL_PAIRS: Final = 8  # tell different models
CONTROLS: Final = 3  # shards of partners and twins


@dataclass(frozen=True)
class Size:
    """What a look has of an ensemble.

    Attributes:
        replicas: Per history.
        steps: Training time T.
    """

    replicas: int
    steps: int


def grows(spec: Spec) -> bool:
    """Say whether an ensemble grows until it is decided; a crossed design decides nothing, and is trained whole.

    Args:
        spec: The experiment of a point.
    """
    counts = spec.ensemble.replicas.grows or spec.motion.steps.grows
    return spec.traits.trains and spec.ensemble.crossed is None and counts


def first_rows(spec: Spec) -> int:
    """Return the replicas per history at the first look; where they grow, `from` is rounded up to whole shards.

    Args:
        spec: The experiment of a point.
    """
    replicas = spec.ensemble.replicas
    whole = -(-replicas.first // spec.width) * spec.width
    return min(whole, replicas.last) if replicas.grows else replicas.first


def most_stacks(spec: Spec) -> int:
    """Return how many stacks the first look can be divided into, those of controls among them.

    Args:
        spec: The experiment, with its sweep.
    """
    points = math.prod(len(values) for values in spec.sweep.values())
    return points * (len(spec.histories) * -(-first_rows(spec) // spec.width) + CONTROLS)


def first_size(spec: Spec) -> Size:
    """Return what the first look has.

    Args:
        spec: The experiment of a point.
    """
    return Size(first_rows(spec), spec.motion.steps.first)


def doubled(spec: Spec, size: Size, replicas: bool = True, steps: bool = True) -> Size:
    """Return what the next look has: twice as many replicas, steps or both, as far as they may grow.

    Args:
        spec: The experiment of a point, with all that it may grow to.
        size: What the last look had.
        replicas: Whether their number doubles.
        steps: Whether the training time doubles.
    """
    most = Size(spec.ensemble.replicas.last, spec.motion.steps.last)
    return Size(
        min(2 * size.replicas, most.replicas) if replicas else size.replicas,
        min(2 * size.steps, most.steps) if steps else size.steps,
    )


def partners(spec: Spec, size: Size | None = None) -> int:
    """Return how many main replicas have a partner on the same bath.

    As many as the spec states; else 8, and where there may be one optimum ceil(ln alpha_k / ln content), k being the last look
    at which an ensemble can have this size.

    Args:
        spec: The experiment of a point, with all that it may grow to.
        size: What a look has; all of it if absent.
    """
    stated = spec.ensemble.controls.same_bath
    if stated is not None:
        return stated
    if not spec.traits.unique(spec):
        return USUAL_PAIRS
    look, first = 0, first_size(spec)
    if grows(spec):
        size = size or Size(spec.ensemble.replicas.last, spec.total)
        look = 1 + sum(
            math.ceil(math.log2(more / less))
            for more, less in ((size.replicas, first.replicas), (size.steps, first.steps))
        )
    equilibrium = spec.equilibrium
    level = math.log(1 - equilibrium.confidence) - look * math.log(2)
    return max(USUAL_PAIRS, math.ceil(level / math.log(equilibrium.content) - 1e-9))


def at(spec: Spec, size: Size) -> Spec:
    """Return the experiment as a look has it: it grows to this size and no further.

    Args:
        spec: The experiment of a point, with all that it may grow to.
        size: What the look has.
    """
    replicas = spec.ensemble.replicas.model_copy(update={"last": size.replicas})
    controls = spec.ensemble.controls.model_copy(update={"same_bath": partners(spec, size)})
    ensemble = spec.ensemble.model_copy(update={"replicas": replicas, "controls": controls})
    changed: dict[str, object] = {"ensemble": ensemble}
    if spec.dynamics is not None:
        steps = spec.dynamics.steps.model_copy(update={"last": size.steps})
        changed["dynamics"] = spec.dynamics.model_copy(update={"steps": steps})
    return spec.model_copy(update=changed)
