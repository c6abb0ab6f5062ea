"""Examples from a function that a spec names: of scikit-learn, of a package, or beside the spec."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.arguments import refuse_unknown
from thermo_cli.blame import told
from thermo_cli.contracts import Examples
from thermo_cli.data import array_files
from thermo_cli.data.remarks import RemarkedExamples, of_array
from thermo_cli.data.series import series_of
from thermo_cli.data.targets import targets_of
from thermo_cli.errors import DataError, SpecError
from thermo_cli.generators import watched
from thermo_cli.spec.data_parts import FunctionData
from thermo_cli.trust import locate_function

NEEDED, OPTIONAL = ("x", "y"), ("x_test", "y_test", "groups", "time")
SEED: Final = 0  # of the global generators: the data are the same each time
SHAPES: Final = (
    "return (x, y), (x, y, x_test, y_test), or a mapping of x, y and optionally x_test, y_test, groups, time"
)


def load(data: FunctionData, base: Path) -> Examples:
    """Call a function and make examples of what it returns.

    Args:
        data: The function, its arguments, and whether groups or times are needed.
        base: Folder of the spec; a function knows where its files are.

    Raises:
        SpecError: It may not be run, or does not take these arguments.
        DataError: What it returns are no examples.
    """
    del base
    use, split = data.use, data.split
    arrays = _returned(use, _called(use, data.arguments))
    x = array_files.features(arrays["x"], arrays["y"], ("x", "y"), use)
    y, test = arrays["y"], None
    if "x_test" in arrays:
        x_test = array_files.features(arrays["x_test"], arrays["y_test"], ("x_test", "y_test"), use)
        if x_test.shape[1] != x.shape[1]:
            raise DataError(
                "pool and test set have different features",
                received=f"{x.shape[1]} and {x_test.shape[1]}",
                remedy="as many in both",
                where=use,
            )
        test = np.arange(len(x), len(x) + len(x_test))
        x, y = np.vstack([x, x_test]), np.concatenate([y, arrays["y_test"]])
    name = "groups" if split.use == "grouped" else "time"
    key, times = None, name == "time"
    if name in arrays:
        key = array_files.key_of(series_of(arrays[name], use, name), len(x), times)
    targets = targets_of(series_of(y, use, "y"), data.task, parse=False)
    remarks, keys = of_array(x, targets, "y"), key if split.use != "random" else None
    return RemarkedExamples(x, targets.y, targets.task, targets.labels, keys, test, remarks=remarks)


def _called(use: str, arguments: Mapping[str, Any]) -> Any:
    function = locate_function(use, "data.use")
    try:
        accepted = inspect.signature(function).parameters
    except ValueError as error:
        raise SpecError(
            "the arguments of this function are not known",
            received=f"{use}: {error}",
            remedy="call it from a function of your own",
            where="data.use",
        ) from None
    refuse_unknown("the function", arguments, accepted, "data.with")
    seed = accepted.get("random_state")
    if seed is not None and seed.default is None and arguments.get("random_state") is None:
        raise SpecError(
            "without a seed the function returns other data each time",
            received=f"{use} without random_state",
            remedy="with: {random_state: 0}",
            where="data.with",
        )
    try:
        with watched(SEED):
            return function(**arguments)
    except Exception as error:
        raise DataError(
            "the function raises an error",
            received=told(error),
            remedy="mend it, or data.with",
            where=use,
        ) from error


def _returned(use: str, answer: Any) -> dict[str, NDArray[Any]]:
    """Name the arrays that a function returns."""
    if isinstance(answer, tuple) and len(answer) in (2, 4):
        answer = dict(zip(("x", "y", "x_test", "y_test"), answer, strict=False))
    elif isinstance(answer, Mapping) and {"data", "target"} <= set(answer):  # a Bunch of scikit-learn
        answer = {"x": answer["data"], "y": answer["target"]}
    if not isinstance(answer, Mapping):
        raise DataError("the function returns no examples", received=_kind(answer), remedy=SHAPES, where=use)
    unknown = [str(name) for name in answer if name not in (*NEEDED, *OPTIONAL)]
    missing = [name for name in NEEDED if name not in answer]
    if unknown or missing or ("x_test" in answer) != ("y_test" in answer):
        what = (
            f"no {missing[0]}" if missing else ", ".join(unknown) if unknown else "x_test or y_test without the other"
        )
        raise DataError("the function returns no examples", received=what, remedy=SHAPES, where=use)
    arrays = {}
    for name, values in answer.items():
        if hasattr(values, "toarray"):
            raise DataError(
                "arrays are dense", received=f"{name}: {_kind(values)}", remedy="return x.toarray()", where=use
            )
        try:
            arrays[name] = np.asarray(values)
        except ValueError as error:
            raise DataError(
                "this is no array", received=f"{name}: {error}", remedy="rows of one length", where=use
            ) from None
        if arrays[name].dtype == object:
            arrays[name] = _plain(arrays[name], f"{use}: {name}")
    return arrays


def _plain(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Return an array of objects as text or numbers."""
    if all(isinstance(value, str) for value in values.ravel()):
        return values.astype(str)
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "expected numbers or text", received="an array of mixed objects", remedy="convert it", where=where
        ) from None


def _kind(answer: Any) -> str:
    size = f" of {len(answer)}" if isinstance(answer, tuple) else ""
    return f"{type(answer).__name__}{size}"
