"""Text, categories and gaps become features through scikit-learn transformers, fitted on the pool alone."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.arguments import UNSAFE, building, refuse_arguments, refuse_unknown
from thermo_cli.contracts import Array, Integers
from thermo_cli.errors import DataError, SpecError
from thermo_cli.trust import locate_class

MOST_BYTES: Final = 2**31
OTHERS: Final = "another transformer or other arguments"


@dataclass(frozen=True)
class Column:
    """A column and what turns it into features.

    Attributes:
        name: Of the column.
        cells: Its cells, text or numbers.
        steps: Transformers one after the other, each `module:Class` with its arguments.
        where: Row to its place in the file, for messages.
    """

    name: str
    cells: Sequence[str] | Array
    steps: tuple[tuple[str, Mapping[str, Any]], ...]
    where: Callable[[int], str]

    @property
    def field(self) -> str:
        """Where it stands in the spec."""
        return f"data.with.columns.{self.name}"

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
    sides = [_encoded(column, pool, test, seed) for column in columns]
    return np.hstack([left for left, _ in sides]), np.hstack([right for _, right in sides])


def _encoded(column: Column, pool: Integers, test: Integers, seed: int) -> tuple[Array, Array]:
    from sklearn.pipeline import make_pipeline

    steps = [_built(column, use, arguments, seed) for use, arguments in column.steps]
    transformer, tags = make_pipeline(*steps), steps[0].__sklearn_tags__().input_tags
    cells = _cells(column, text=tags.string)
    if tags.two_d_array or not tags.string:
        cells = cells.reshape(-1, 1)
    try:
        fitted = transformer.fit_transform(cells[pool])
    except Exception as error:
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


def _cells(column: Column, text: bool) -> NDArray[Any]:
    """Return cells as numbers where all are (gaps as NaN), else as text."""
    if isinstance(column.cells, np.ndarray) and not text:
        return column.cells
    cells = [str(cell) for cell in column.cells]
    words = np.array(cells, dtype=object)
    if text:
        return words
    try:
        return np.array([float(cell) if cell.strip() else np.nan for cell in cells])
    except ValueError:  # one of them is no number: the column is text
        return words


def _unseen(column: Column, cells: NDArray[Any], pool: Integers, test: Integers, error: Exception) -> DataError:
    """Name the first value of the test set that the pool does not hold, if that is what the transformer stumbled over."""
    fitted = set(cells[pool].ravel().tolist())
    for row in test.tolist():
        value = cells[row].item() if isinstance(cells[row], np.ndarray) else cells[row]
        if value not in fitted and value == value:
            return DataError(
                "the test set holds a value that is not in the pool",
                received=f"{column.name}: {value!r}",
                remedy="with: {handle_unknown: ignore}, if the transformer takes it, or another data.split_seed",
                where=column.where(row),
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
