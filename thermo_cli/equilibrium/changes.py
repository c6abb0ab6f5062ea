"""Changes: what trajectories, or ensembles of several budgets, show of how one observable of one history is moving."""

from dataclasses import dataclass

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.outlying import clipped
from thermo_cli.equilibrium.statistics.slope import slopes

PER_STEP, PER_DOUBLING = 6.0, 2.0  # from T to 4T are six times the steps and twice the doublings from T/2 to T


@dataclass(frozen=True)
class Changes:
    """What has been seen of the changes of one observable in one history.

    Attributes:
        moved: d_r, how far each replica moved lately, (replica,).
        between: Between what and what, in words.
        per_step: Each replica's drift projected from T to 4T if it goes on per step, (replica,).
        per_doubling: The same if it goes on per doubling, (replica,).
        weights: Sum of the squared weights that make each of these two of single values.
        values: A_r at the times below, (replica, time).
        lines: The same without what is outlying once.
        times: (time,).
    """

    moved: Array
    between: str
    per_step: Array
    per_doubling: Array
    weights: tuple[float, ...]
    values: Array
    lines: Array
    times: Array


def within_window(values: Array, steps: Array, total: int) -> Changes:
    """Read the changes off the window.

    d_r = mean(A_r on its second half) - mean(A_r on its first half); two straight lines per replica, against t with slope b_r
    and against log2 t with slope c_r, give 3 T b_r (the upper envelope of every decelerating drift) and 2 c_r.

    Args:
        values: A_r(t), (replica, time).
        steps: t, (time,).
        total: T.
    """
    late = steps > (steps[0] + steps[-1]) / 2
    moved = values[:, late].mean(axis=1) - values[:, ~late].mean(axis=1)
    lines = _clipped(values)
    scales = ((3.0 * total, steps), (PER_DOUBLING, np.log2(np.maximum(steps, 1))))
    per_step, per_doubling = (factor * slopes(lines, x) for factor, x in scales)
    weights = tuple(factor**2 / float(np.square(x - x.mean()).sum()) for factor, x in scales)
    return Changes(moved, "between the halves of the window", per_step, per_doubling, weights, values, lines, steps)


def _clipped(values: Array) -> Array:
    """Clip the replicas whose values are finite."""
    finite = np.isfinite(values).all(axis=1)
    lines = np.full_like(values, np.nan)
    if finite.any():
        lines[finite] = clipped(values[finite])
    return lines


def between_budgets(finals: Array, total: int) -> Changes:
    """Read the changes off ensembles trained with total budgets T/4, T/2 and T, each with its whole schedule, paired.

    d_r = A_r(T) - A_r(T/2), projected as 6 d_r per step and 2 d_r per doubling.

    Args:
        finals: (replica, 3).
        total: T.
    """
    moved = finals[:, 2] - finals[:, 1]
    times, weights = total * np.array([0.25, 0.5, 1.0]), (2 * PER_STEP**2, 2 * PER_DOUBLING**2)
    words = "between the budgets T/2 and T"
    return Changes(moved, words, PER_STEP * moved, PER_DOUBLING * moved, weights, finals, finals, times)


def comes_to_rest(curve: Array, times: Array) -> bool:
    """Say whether a drift looks as if it ended, like 1/t, rather than going on per doubling, like log t or faster.

    The straight line against 1/t explains more of the curve than the one against log t. With 32 replicas and noise of .05 to .2
    margins, logarithms that move by 1.2 margins until 4T are held for ending in 0 to 20 % of trials, 1/t in 69 to 98 %.

    Args:
        curve: Mean over replicas of A_r(t) less its own mean, (time,).
        times: t, (time,).
    """
    if not np.ptp(curve) > 0:
        return False
    ending, lasting = (
        np.corrcoef(curve, x)[0, 1] ** 2 for x in (1 / np.maximum(times, 1), np.log(np.maximum(times, 1)))
    )
    return bool(ending > lasting)
