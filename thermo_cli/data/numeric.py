"""A column that is to be numbers as it is: finite, without gaps; what is not so is named, with an entry that mends it."""

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.data.notation import numbers, style_of
from thermo_cli.data.series import Series
from thermo_cli.data.targets import other_way
from thermo_cli.errors import DataError


def numbers_of(series: Series, hint: str = "") -> Array:
    """Return a column as finite numbers, (row,).

    Args:
        series: The column.
        hint: What else to do about numbers that are written in another way.

    Raises:
        DataError: Cells are empty, no numbers or not finite; at the first of them.
    """
    read, name = numbers(series.cells), series.name
    drop, filled = f"`{name}: drop`", f'`{name}: {{use: "sklearn.impute:SimpleImputer"}}`'
    if read.gaps.all():
        raise series.error("the column is empty", f"{len(read.gaps)} gaps", f"leave it out: data.with.columns, {drop}")
    if not read.whole:
        raise _odd(series, hint, drop, filled)
    bad = ~np.isfinite(read.values)
    if bad.any():
        remedy = f"remove the example, fill the value in, or let data.with.columns do it: {filled}"
        raise series.cells_error("a value is missing or not finite", bad, remedy)
    return read.values


def _odd(series: Series, hint: str, drop: str, filled: str) -> DataError:
    """Say what stands where numbers should: other notations, mistakes among numbers, or text."""
    read = numbers(series.cells)
    if (style := style_of(series.cells)) is not None:
        return other_way(series, read, style, hint, f"or leave the column out: {drop}")
    if read.mostly:
        remedy = (
            f"mend these cells, or empty them and add {filled} to data.with.columns, or leave the column out: {drop}"
        )
        return series.cells_error("expected a number", read.odd, remedy)
    entry = f'`{series.name}: {{use: "sklearn.preprocessing:OneHotEncoder", with: {{handle_unknown: ignore}}}}`'
    remedy = f"turn it into features by an entry of data.with.columns, {entry}, or leave it out: {drop}"
    remedy += f"; {hint}" if hint else ""
    return series.error("expected a number", series.told([int(read.odd.argmax())]), remedy, int(read.odd.argmax()))
