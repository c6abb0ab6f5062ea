"""What training takes of a machine, from shapes and from a moment's trial."""

import time
from collections.abc import Mapping
from typing import Any, Final

from thermo_cli.contracts import Movement
from thermo_cli.kinds.kind import Needs, Pace
from thermo_cli.spec import Spec

PILOT_SECONDS: Final = 1.5
PILOT_MEASUREMENTS: Final = 4
WARM_STEPS: Final = 4
PILOT_STEPS: Final = 32  # between two looks at the clock


def needs_of(spec: Spec, parameters: int, item: int, times: tuple[int, int], observables: int, training: int) -> Needs:
    """Add up what a shard needs.

    Args:
        spec: For the width of a shard.
        parameters: Numbers in a microstate.
        item: Bytes of one of them.
        times: At how many times observables, and microstates, are kept.
        training: Bytes of a shard in motion.
    """
    measurements, kept = times
    snapshots = parameters * kept * item
    return Needs(
        parameters, measurements, training + spec.width * snapshots, snapshots + measurements * observables * 8
    )


def pace_of(moving: Movement, total: int) -> Pace:
    """Move a shard for a moment and measure a few times.

    Args:
        moving: A shard at step 0.
    """
    moving.advance(min(WARM_STEPS, total))
    moving.measure()
    start, first = time.perf_counter(), moving.step
    while time.perf_counter() - start < PILOT_SECONDS and moving.step < total:
        moving.advance(min(moving.step + PILOT_STEPS, total))
    step = (time.perf_counter() - start) / max(moving.step - first, 1)
    start = time.perf_counter()
    for _ in range(PILOT_MEASUREMENTS):
        moving.measure()
    return Pace(step, (time.perf_counter() - start) / PILOT_MEASUREMENTS)


def rate_of(arguments: Any) -> float | None:
    """Return the learning rate, which the remedy of a divergence names; None where there is none.

    Args:
        arguments: The spec's `dynamics.with`.
    """
    rate: float | None = arguments.get("lr") if isinstance(arguments, Mapping) else getattr(arguments, "lr", None)
    return rate
