"""Arrays as they come from files and functions: refused where they are no examples, with what is wrong and where."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array
from thermo_cli.data.dates import times
from thermo_cli.data.files import check_link, check_regular
from thermo_cli.data.notation import gaps, numbers
from thermo_cli.data.series import Series, short
from thermo_cli.data.table import PATH
from thermo_cli.errors import UNEXPECTED, DataError


def features(x: NDArray[Any], y: NDArray[Any], names: tuple[str, str], where: str) -> Array:
    """Check the shapes of features and targets, and return the features flattened, finite, in double precision.

    Args:
        x: Features, (examples, features...).
        y: Targets, (examples,).
        names: What the two are called, for messages.
        where: The file, for messages.

    Raises:
        DataError: Shapes do not fit, or a feature is no finite number.
    """
    check_lengths(x.shape, y.shape, names, where)
    if not np.issubdtype(x.dtype, np.number) or np.iscomplexobj(x):
        raise DataError(
            "expected numbers as features",
            received=", ".join([str(x.dtype), *_first_word(x)]),
            remedy="convert them before saving, gaps to NaN",
            where=f"{where}: {names[0]}",
        )
    x = x.reshape(len(x), -1).astype(np.float64)
    check_finite(x, f"{where}: {names[0]}")
    return x


def _first_word(x: NDArray[Any]) -> list[str]:
    """Name the first cell of text that is no number."""
    flat, read = x.reshape(len(x), -1), numbers(x.ravel().tolist())
    places = np.flatnonzero(read.gaps | read.odd)[:1].tolist()
    rows = [divmod(place, flat.shape[1]) for place in places]
    return [f"{short(str(flat[row, column]))} in example {row + 1}, feature {column + 1}" for row, column in rows]


def check_lengths(x: tuple[int, ...], y: tuple[int, ...], names: tuple[str, str], where: str) -> None:
    """Refuse shapes that do not fit, or hold nothing.

    Args:
        x: Shape of the features.
        y: Shape of the targets.
        names: What the two are called, for messages.
        where: The file, for messages.

    Raises:
        DataError: They are not (examples, features...) and (examples,).
    """
    if len(x) < 2 or y != x[:1] or 0 in x:
        raise DataError(
            "features are (examples, features...) and targets (examples,)",
            received=f"{names[0]} {x}, {names[1]} {y}",
            remedy="reshape them before saving",
            where=where,
        )


def check_finite(x: NDArray[Any], where: str, first: int = 0) -> None:
    """Refuse features that are not all finite.

    Args:
        x: (examples, features).
        where: The file, for messages.
        first: Number of the first of these examples, from 0.

    Raises:
        DataError: One is not.
    """
    if np.issubdtype(x.dtype, np.integer) or np.isfinite(x).all():
        return
    row, column = (int(place) for place in np.argwhere(~np.isfinite(x))[0])
    raise DataError(
        "the value is not finite",
        received=f"{x[row, column]} in example {first + row + 1}, feature {column + 1}",
        remedy="remove the example or fill the value in",
        where=where,
    )


def key_of(series: Series, examples: int, timed: bool) -> NDArray[Any]:
    """Check groups or times: one for each example, none missing; times are numbers or dates.

    Args:
        series: The array, (examples,).
        examples: How many there must be.
        timed: Whether they are times.

    Raises:
        DataError: They cannot serve.
    """
    values = np.asarray(series.cells)
    if values.shape != (examples,):
        raise series.error("groups or times are (examples,)", str(values.shape), f"({examples},)")
    if timed:
        return times(series)
    missing = gaps(values)
    if missing.any():
        raise series.cells_error("a group is missing", missing, "fill it in, or remove the example")
    return values


def read(file: Path, load: Callable[[Path], Any], kind: str, remedy: str, where: str = PATH) -> Any:
    """Read a NumPy file of plain arrays.

    Args:
        file: Its path.
        load: Reads it.
        kind: What it should be, for messages.
        remedy: How to write one.
        where: The field of the spec that names it.

    Raises:
        DataError: It is missing, or none of its kind.
    """
    import zipfile

    try:
        check_regular(file, where)
        check_link(file, where)
        return load(file)
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(file), remedy="give the path relative to the spec", where=where
        ) from None
    except (OSError, EOFError, SystemError, zipfile.BadZipFile, *UNEXPECTED) as error:
        if "allow_pickle" in str(error):
            remedy = "convert arrays of objects before saving, x.astype(float) or y.astype(str): objects can run code"
        raise DataError(f"the file is not {kind}", received=str(error), remedy=remedy, where=str(file)) from None
