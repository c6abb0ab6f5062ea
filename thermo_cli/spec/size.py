"""How much of an ensemble a look has: so many replicas per history, for so many steps."""

from dataclasses import dataclass

from thermo_cli.spec.schema import Spec


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


def at(spec: Spec, size: Size) -> Spec:
    """Return the experiment as a look has it: it grows to this size and no further.

    Args:
        spec: The experiment of a point, with all that it may grow to.
        size: What the look has.
    """
    replicas = spec.ensemble.replicas.model_copy(update={"last": size.replicas})
    changed: dict[str, object] = {"ensemble": spec.ensemble.model_copy(update={"replicas": replicas})}
    if spec.dynamics is not None:
        steps = spec.dynamics.steps.model_copy(update={"last": size.steps})
        changed["dynamics"] = spec.dynamics.model_copy(update={"steps": steps})
    return spec.model_copy(update=changed)
