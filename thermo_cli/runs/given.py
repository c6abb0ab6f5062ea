"""Numbers as people have them: lists, arrays, masked arrays, tensors, frames, in either orientation where that is certain."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from thermo_cli.contracts import Array, Integers
from thermo_cli.errors import DataError, UsageError

BUDGETS: Final = 3  # T/4, T/2 and T
SQUARE: Final = "give a pandas frame whose columns are the steps, or leave one measurement out of values and steps"


def steps_of(steps: ArrayLike | None, observables: Mapping[str, Any], budgets: bool) -> Integers | None:
    """Return the measured steps, (time,); None where there are final scores alone, of which no step is known.

    Args:
        steps: As given: some, or the one at which training ended.
        observables: Name to values as given.
        budgets: Whether there are final values of several budgets, of which it must be known how long they are.

    Raises:
        DataError: They are no increasing whole numbers, or are lacking.
    """
    if steps is not None:
        return _increasing(np.atleast_1d(plain("steps", steps)))
    for name, values in observables.items():
        shape = numbers(name, values).shape
        if len(shape) != 1 and not (len(shape) == 2 and shape[1] == 1):
            raise DataError(
                "the steps are missing",
                received=f"{name} of shape {shape}",
                remedy="steps=..., one for each measurement; final scores alone, (replica,) or (replica, 1), need none",
            )
    if budgets:
        raise DataError("it is not said how long the budgets are", received="no steps", remedy="steps=T")
    return None


def _increasing(times: Any) -> Integers:
    if times.ndim != 1 or not len(times) or not np.issubdtype(times.dtype, np.number):
        raise DataError(
            "steps are one row of numbers", received=f"shape {times.shape}", remedy="one step per measurement"
        )
    odd = np.flatnonzero(~(np.isfinite(times) & (times == np.round(times)) & (times >= 0) & (times < 2**62)))
    if len(odd):
        raise DataError(
            "steps are whole numbers from 0", received=str(times[odd[0]]), remedy="count updates, or multiply"
        )
    whole: Integers = times.astype(np.int64)
    wrong = np.flatnonzero(np.diff(whole) <= 0)
    if len(wrong):
        at = int(wrong[0])
        raise DataError(
            "steps must increase",
            received=f"{whole[at]} before {whole[at + 1]}",
            remedy="sort the measurements by step",
        )
    if whole[-1] == 0:
        raise DataError("nothing has been trained", received="step 0 only", remedy="give measurements up to the end")
    return whole


def plain(name: str, values: Any) -> Any:
    """Return values as an array of NumPy: tensors from wherever they are, what is masked or missing as NaN.

    Args:
        name: Of what, for messages.
        values: As given.

    Raises:
        DataError: They are no numbers.
    """
    try:
        if hasattr(values, "detach"):  # a tensor, also of types that NumPy does not know
            values = values.detach().cpu()
            values = values.double().numpy() if values.is_floating_point() else values.numpy()
        if isinstance(values, np.ma.MaskedArray):
            return np.ma.filled(values.astype(np.float64), np.nan)
        if hasattr(values, "iloc"):  # a frame or a series of pandas; any other container is an array to NumPy
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is no table of numbers", received=str(error), remedy="numbers alone") from None


def numbers(name: str, values: Any, what: str = "measurements") -> Array:
    """Return values as numbers.

    Args:
        name: Of the observable.
        values: As given.
        what: A row of them holds, for messages.

    Raises:
        DataError: They are no numbers, or rows of different lengths.
    """
    try:
        return np.asarray(plain(name, values), dtype=np.float64)
    except (DataError, TypeError, ValueError):
        rows = values if isinstance(values, list | tuple) else []
        lengths = sorted({len(row) for row in rows if hasattr(row, "__len__") and not isinstance(row, str)})
        raise DataError(
            f"{name} is no table of numbers",
            received=f"rows of {lengths} {what}" if lengths else "other things",
            remedy="give every replica the same times; fill what a diverged replica lacks with NaN",
        ) from None


def laid_out(name: str, values: Any, steps: Integers | None) -> Array:
    """Return an observable as (replica, time); final scores alone stand at the last step.

    Args:
        name: Of the observable.
        values: (replica, time), (time, replica) of several replicas, or (replica,) or (replica, 1) for final scores.
        steps: Measured, (time,); None where there are final scores alone.

    Raises:
        DataError: The shape is another, or does not tell which axis is time.
    """
    array, times = numbers(name, values), 1 if steps is None else len(steps)
    rows = _labelled(values, steps)
    if rows is not None:
        return array if rows else array.T
    one_column = array.ndim == 2 and array.shape[1] == 1  # final scores however many: one replica in time is a row
    if one_column or (array.ndim == 1 and (times == 1 or len(array) != times)):
        column = np.full((len(array), times), np.nan)
        column[:, -1] = array.reshape(-1)
        return column
    if array.ndim == 1:
        raise DataError(
            f"{name} has the wrong shape: one row may be one replica in time, or the final scores of many",
            received=f"shape {array.shape}, with {times} steps",
            remedy="one replica is (1, time), final scores are (replica, 1)",
        )
    if array.ndim != 2 or times not in array.shape:
        raise DataError(
            f"{name} has the wrong shape",
            received=f"shape {array.shape}",
            remedy=f"(replica, {times}) or ({times}, replica): {times} measurements; or final scores, (replica,)",
        )
    if array.shape[0] == array.shape[1] and times > 1:
        raise DataError(
            f"{name} is square: it is not certain which axis is time",
            received=f"shape {array.shape}, with {times} steps",
            remedy=SQUARE,
        )
    return array if array.shape[1] == times else array.T


def _labelled(values: Any, steps: Integers | None) -> bool | None:
    """Say whether the columns of a frame are the steps, or its index is; None where neither tells."""
    if steps is None or not (hasattr(values, "columns") and hasattr(values, "index")):
        return None
    columns, index = ([str(label) for label in axis] for axis in (values.columns, values.index))
    wanted = [str(step) for step in steps]
    return None if (columns == wanted) == (index == wanted) else columns == wanted


def budgets_of(name: str, values: Any, count: int) -> Array:
    """Return the final values of three budgets as (replica, 3), in either orientation where that is certain.

    Args:
        name: Of the observable.
        values: As given.
        count: Number of replicas.

    Raises:
        DataError: They are not three of each replica.
    """
    array = numbers(name, values, "budgets")
    if array.shape == (BUDGETS, count) and count != BUDGETS:
        return array.T
    if array.ndim != 2 or array.shape[1] != BUDGETS:
        raise DataError(
            f"budgets of {name} has the wrong shape",
            received=f"shape {array.shape}",
            remedy=f"(replica, {BUDGETS}): final values with the budgets T/4, T/2 and T",
        )
    return array


def assumed(schedule: str | None, trajectories: bool) -> tuple[str, str]:
    """Return the schedule to judge with, and what is to be said of the scope where it was not stated.

    Args:
        schedule: As stated; None where it was not.
        trajectories: Whether anything is read off a course in time.

    Raises:
        UsageError: It has no name.
    """
    if schedule is not None and not schedule:
        raise UsageError("the schedule has no name", received="nothing", remedy="constant, or what it is called")
    if schedule is None and trajectories:
        return "constant", ", if the learning rate was constant in the window (assumed: no schedule was stated)"
    return schedule or "constant", ""
