"""Text, categories and gaps become features through scikit-learn transformers, fitted on the pool alone."""

import functools
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.arguments import UNSAFE, building, refuse_arguments, refuse_unknown
from thermo_cli.contracts import Array, Integers
from thermo_cli.data.notation import gaps, numbers
from thermo_cli.data.series import Series
from thermo_cli.errors import DataError, SpecError, collected
from thermo_cli.trust import locate_class

MOST_BYTES: Final = 2**31
OTHERS: Final = "another transformer or other arguments"


@dataclass(frozen=True)
class Column:
    """A column and what turns it into features.

    Attributes:
        series: The column with its place in the file.
        steps: Transformers one after the other, each `module:Class` with its arguments.
    """

    series: Series
    steps: tuple[tuple[str, Mapping[str, Any]], ...]

    @property
    def field(self) -> str:
        """Where it stands in the spec."""
        return f"data.with.columns.{self.series.name}"

    @property
    def encodes(self) -> bool:
        """Whether its values become categories."""
        return any(use.rpartition(":")[2].endswith("Encoder") for use, _ in self.steps)

    @property
    def title(self) -> str:
        """Where it stands in the spec, and what turns it into features."""
        return f"{self.field} ({', '.join(use for use, _ in self.steps)})"

    def error(self, what: str, received: object, remedy: str) -> DataError:
        """Return what its transformers make of it that cannot be used."""
        said = f"{type(received).__name__}: {received}" if isinstance(received, Exception) else str(received)
        return DataError(what, received=said, remedy=remedy, where=self.title)


def encode(columns: Sequence[Column], pool: Integers, test: Integers, seed: int) -> tuple[Array, Array]:
    """Turn columns into features, in their order; fitted on the pool, applied to both sides.

    Args:
        columns: The columns.
        pool: Examples of the pool.
        test: Examples of the test set.
        seed: For transformers that draw random numbers and are given no seed.

    Returns:
        Features of the pool, (pool, features), and of the test set, (test, features).

    Raises:
        SpecError: A transformer is none, or does not take its arguments.
        DataError: A transformer cannot be fitted, or meets something new in the test set.
    """
    sides = collected([functools.partial(_encoded, column, pool, test, seed) for column in columns])
    return np.hstack([left for left, _ in sides]), np.hstack([right for _, right in sides])


def _encoded(column: Column, pool: Integers, test: Integers, seed: int) -> tuple[Array, Array]:
    from sklearn.pipeline import make_pipeline

    steps = [_built(column, use, arguments, seed) for use, arguments in column.steps]
    transformer, tags = make_pipeline(*steps), steps[0].__sklearn_tags__().input_tags
    cells = _cells(column, text=tags.string, gap="" if tags.string or tags.categorical else np.nan)
    if tags.two_d_array or not tags.string:
        cells = cells.reshape(-1, 1)
    try:
        fitted = transformer.fit_transform(cells[pool])
    except Exception as error:
        read = numbers(column.series.cells)
        if read.mostly:
            remedy = "mend these cells, or empty them"
            raise column.series.cells_error("a column of numbers holds cells that are none", read.odd, remedy) from None
        raise column.error("the transformer cannot be fitted to this column", error, OTHERS) from error
    try:
        applied = transformer.transform(cells[test])
    except Exception as error:
        raise _unseen(column, cells, pool, test, error) from error
    return _dense(column, fitted, len(pool)), _dense(column, applied, len(test))


def _built(column: Column, use: str, arguments: Mapping[str, Any], seed: int) -> Any:
    """Build the transformer, after a check that it is one and takes these arguments."""
    from sklearn.base import BaseEstimator

    what, place, where = "scikit-learn transformer", f"{column.field}.use", f"{column.field}.with"
    kind = locate_class(use, BaseEstimator, what, place)
    if not (hasattr(kind, "transform") and hasattr(kind, "fit_transform")):
        remedy = "name a class with fit and transform, such as sklearn.preprocessing:OneHotEncoder"
        raise SpecError(f"this is no {what}", received=use, remedy=remedy, where=place)
    accepted = inspect.signature(kind).parameters
    refuse_arguments(arguments, UNSAFE, where)
    refuse_unknown(kind.__name__, arguments, accepted, where)
    arguments = dict(arguments)
    if "random_state" in accepted and arguments.get("random_state") is None:
        arguments["random_state"] = seed
    with building("the transformer", accepted, where):
        return kind(**arguments)


def _cells(column: Column, text: bool, gap: str | float) -> NDArray[Any]:
    """Return cells as numbers where all are (gaps as NaN), else as text, with what stands for gaps."""
    cells = column.series.cells
    if not text and (read := numbers(cells)).whole:
        return read.values
    words = np.array([str(cell) for cell in cells], dtype=object)
    words[gaps(cells)] = gap
    return words


def _unseen(column: Column, cells: NDArray[Any], pool: Integers, test: Integers, error: Exception) -> DataError:
    """Name the first value of the test set that the pool does not hold, if that is what the transformer stumbled over."""
    fitted = set(cells[pool].ravel().tolist())
    for row in test.tolist():
        value = cells[row].item() if isinstance(cells[row], np.ndarray) else cells[row]
        if value not in fitted and value == value:
            return DataError(
                "the test set holds a value that is not in the pool",
                received=f"{column.series.name}: {value!r}",
                remedy="with: {handle_unknown: ignore}, if the transformer takes it, or another data.split_seed",
                where=column.series.where(row),
            )
    return column.error("the transformer cannot be applied to the test set", error, OTHERS)


def _dense(column: Column, values: Any, rows: int) -> Array:
    """Return what a transformer gives as a plain finite array, (rows, features)."""
    shape: tuple[int, ...] = getattr(values, "shape", ())
    if len(shape) != 2 or shape[0] != rows:
        what = "the transformer does not return one row of features for each example"
        raise column.error(what, shape, "another transformer")
    if rows * shape[1] * 8 > MOST_BYTES:
        raise DataError(
            "the column becomes more features than fit",
            received=f"{rows} x {shape[1]}",
            remedy="limit them: with: {max_features: 1000} or {max_categories: 100}",
            where=column.field,
        )
    features = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    if not np.issubdtype(features.dtype, np.number) or not np.isfinite(features).all():
        remedy = "sklearn.impute:SimpleImputer fills gaps, sklearn.preprocessing:OneHotEncoder turns text into numbers"
        raise column.error("the transformer does not return finite numbers", features.dtype, remedy)
    return features.astype(np.float64)
