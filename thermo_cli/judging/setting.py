"""The user's choices as the court takes them."""

from collections.abc import Iterable
from typing import Final

from thermo_cli.equilibrium.ensemble import Extent, Goal, Settings
from thermo_cli.judging.standards import direction
from thermo_cli.spec import Spec
from thermo_cli.spec.observing import Equilibrium, Target

COMMAND: Final = "thermo-run SPEC"


def settings_of(equilibrium: Equilibrium) -> Settings:
    """Return the user's choices as the court takes them.

    Args:
        equilibrium: The spec's `equilibrium`.
    """
    return Settings(
        equilibrium.confidence,
        equilibrium.content,
        equilibrium.window,
        equilibrium.margins,
        equilibrium.diverged,
        equilibrium.tolerance,
        equilibrium.require_ergodic,
        equilibrium.better,
        {name: goal_of(target) for name, target in equilibrium.targets.items()},
    )


def goal_of(target: Target) -> Goal:
    """Return a target as the court takes it."""
    higher = target.at_least is not None
    bound = target.at_least if higher else target.at_most
    return Goal(float(bound or 0.0), higher, target.share)


def extent_of(spec: Spec) -> Extent | None:
    """Return how large a run is planned to become; None where nothing is trained."""
    if not spec.traits.trains:
        return None
    replicas, steps = spec.ensemble.replicas, spec.motion.steps
    return Extent(COMMAND, (replicas.first, replicas.last), (steps.first, steps.last), bool(spec.closed))


def directions_of(spec: Spec, equilibrium: Equilibrium, observables: Iterable[str]) -> dict[str, bool]:
    """Return of which observables higher is better, and of which it is not: as the spec states it, or as the name tells."""
    names = dict.fromkeys((*observables, *equilibrium.better))
    ways = {name: direction(spec, equilibrium.better, name) for name in names}
    return {name: higher for name, higher in ways.items() if higher is not None}
