"""From what a spec says of estimators to objects: classes and functions by name, their arguments looked at however deep.

Among arguments `{use: module:Class, with: {...}}` is an object of that class, or what a function returns; a text
`module:object` is the class or the function itself.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

from thermo_cli.arguments import THREADS, UNSAFE, Refusal, building, refuse_arguments, refuse_unknown
from thermo_cli.errors import SpecError, ThermoError, raise_all
from thermo_cli.registry import nearest
from thermo_cli.trust import locate, locate_part, names_part

CONTRACT: Final = ("fit", "get_params", "set_params")
SEEDS: Final = ("random_state", "random_seed", "seed")
BY_CLASS: Final = ("class_weight", "class_weights", "sampling_strategy")  # arguments that name classes of the data
_OWN_STREAM: Final = Refusal(
    (None,),
    "random_state comes from the replica's stream",
    "leave it out; what is to be the same for all replicas is said by ensemble.vary",
)
REFUSED: Final = UNSAFE | dict.fromkeys(SEEDS, _OWN_STREAM)
SILENT: Final = {"allow_writing_files": False}  # CatBoost leaves a folder where it is called


def build(use: str, arguments: Mapping[str, Any], where: str, labels: Sequence[str] = ()) -> Any:
    """Build an estimator that the spec names at a place, after a look at its arguments, however deep.

    Args:
        use: `module:Class`.
        where: Field of the spec.
        labels: Names of the classes that weights of classes may be given by.

    Raises:
        SpecError: It may not be imported, keeps no estimator's contract, or does not take these arguments.
    """
    refuse_arguments(arguments, REFUSED, f"{where}.with")
    kind = locate(use, f"{where}.use")
    missing = [name for name in CONTRACT if not callable(getattr(kind, name, None))]
    if not isinstance(kind, type) or missing:
        module = hasattr(kind, "forward")
        raise SpecError(
            "this is no scikit-learn estimator",
            received=f"{use}: {'a class without ' + ', '.join(missing) if missing else type(kind).__name__}",
            remedy="a torch module needs dynamics: {use: adam, with: {lr: 0.001}, steps: 1000}"
            if module
            else "name a class with fit, predict, get_params and set_params: sklearn.base.BaseEstimator gives the last two",
            where=f"{where}.use",
        )
    return _constructed(use, kind, arguments, f"{where}.with", labels)


def accepted(part: Any) -> set[str]:
    """Return the names of all arguments of an object: some say only in their signature what they take.

    Args:
        part: An estimator, or a step.
    """
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = inspect.signature(type(part)).parameters.values()
    return {*part.get_params(deep=False), *(one.name for one in parameters if one.kind not in variadic)}


def members(parts: Sequence[Any]) -> list[Any]:
    """Return objects with parameters and those inside them, however deep, in the order of names."""
    found = []
    for part in parts:
        inner = part.get_params(deep=True)
        named = [inner[name] for name in sorted(inner)]
        found += [part, *(one for one in named if hasattr(one, "get_params") and not isinstance(one, type))]
    return found


def settle(parts: Sequence[Any]) -> None:
    """Give everything that counts threads one of them, where it would take all cores by itself, and let nothing write files."""
    for part in members(parts):
        names, given = accepted(part), part.get_params(deep=False)
        changes: dict[str, Any] = {name: value for name, value in SILENT.items() if name in names}
        threads = [name for name in THREADS if name in names]
        if threads and not _is_sklearn(part) and not any(given.get(name) == 1 for name in THREADS):
            changes[threads[0]] = 1
        if changes:
            part.set_params(**changes)


def _is_sklearn(part: Any) -> bool:
    """Say whether it is scikit-learn's own, which takes one thread unless it is told otherwise."""
    return type(part).__module__.startswith("sklearn.")


def _constructed(use: str, kind: Any, arguments: Mapping[str, Any], where: str, labels: Sequence[str]) -> Any:
    parameters = inspect.signature(kind).parameters
    refuse_unknown(use, arguments, parameters, where)
    problems: list[ThermoError] = []
    values = {}
    for name, value in arguments.items():
        try:
            values[name] = _argument(name, value, f"{where}.{name}", labels)
        except SpecError as error:
            problems.append(error)
    raise_all(problems)
    with building("the estimator", parameters, where):
        return kind(**values)


def _argument(name: str, value: Any, where: str, labels: Sequence[str]) -> Any:
    """Build what an argument names: alone, in lists of names and estimators, in grids."""
    if isinstance(value, str):
        return locate_part(value, where) if names_part(value) else value
    if isinstance(value, Mapping) and "use" in value and set(value) <= {"use", "with"}:
        return _object(value, where, labels)
    if isinstance(value, Mapping):
        if labels and name.rpartition("__")[2] in BY_CLASS:
            return {_place(label, labels, where): weight for label, weight in value.items()}
        return {key: _argument(str(key), inner, f"{where}.{key}", labels) for key, inner in value.items()}
    if isinstance(value, list):
        built = [_argument(name, item, f"{where}[{number}]", labels) for number, item in enumerate(value)]
        named = all(isinstance(item, list) and len(item) > 1 and isinstance(item[0], str) for item in built)
        return [tuple(item) for item in built] if named and any(hasattr(item[1], "fit") for item in built) else built
    return value


def _object(value: Mapping[str, Any], where: str, labels: Sequence[str]) -> Any:
    """Return an object of a class, a function, or what a function returns where it is given arguments."""
    arguments = value.get("with") or {}
    if not isinstance(arguments, Mapping):
        raise SpecError(
            "arguments have names", received=f"with: {arguments}", remedy="with: {name: value}", where=where
        )
    use = str(value["use"])
    part = locate_part(use, f"{where}.use")
    if "with" not in value and not isinstance(part, type):
        return part
    return _constructed(use, part, arguments, f"{where}.with", labels)


def _place(label: Any, labels: Sequence[str], where: str) -> int:
    """Return which class is meant: by its name in the data."""
    if str(label) in labels:
        return list(labels).index(str(label))
    guess = nearest(str(label), labels)
    raise SpecError(
        "there is no such class",
        received=label,
        remedy=f"did you mean {guess!r}?" if guess else f"classes of these data: {', '.join(labels)[:200]}",
        where=where,
    )
