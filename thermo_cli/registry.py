"""The built-in names, as strings, so that nothing heavy is imported to check one; and what else a spec may name.

A spec from a stranger must not run code by itself: `use: module:object` is looked up only below `torch.` and `sklearn.`,
and in places that the user allows with `--allow local` (modules beside the spec and in the working directory) or
`--allow PACKAGE`.
"""

import difflib
import hashlib
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple

from thermo_cli.errors import SpecError

TRUSTED: Final = ("sklearn", "torch")
Kind = Literal["data", "schedule"]
HARMLESS: Final = re.compile(r"sklearn\.(datasets:(make|load)_|metrics:)[a-z0-9_]+")  # functions that compute or read

BUILT_INS: Final[dict[Kind, dict[str, str]]] = {
    "data": {
        "digits": "thermo_cli.data.sources.toys:digits",
        "breast_cancer": "thermo_cli.data.sources.toys:breast_cancer",
        "wine": "thermo_cli.data.sources.toys:wine",
        "diabetes": "thermo_cli.data.sources.toys:diabetes",
        "moons": "thermo_cli.data.sources.toys:moons",
        "teacher": "thermo_cli.data.sources.synthetic:teacher",
        "parity": "thermo_cli.data.sources.synthetic:parity",
        "modular_addition": "thermo_cli.data.sources.synthetic:modular_addition",
        "mnist5k": "thermo_cli.data.sources.toys:mnist5k",
        "csv": "thermo_cli.data.sources.csv_file:load",
        "parquet": "thermo_cli.data.sources.parquet_file:load",
        "npz": "thermo_cli.data.sources.npz_file:load",
        "npy": "thermo_cli.data.sources.npy_file:load",
    },
    "schedule": {
        "constant": "thermo_cli.kinds.networks.schedules:constant",
        "cosine": "thermo_cli.kinds.networks.schedules:cosine",
        "step": "thermo_cli.kinds.networks.schedules:step_down",
        "warmup": "thermo_cli.kinds.networks.schedules:warmup",
        "warmup_cosine": "thermo_cli.kinds.networks.schedules:warmup_cosine",
    },
}


KINDS: Final = {  # kind of system -> its wing
    "networks": "thermo_cli.kinds.networks",
    "estimators": "thermo_cli.kinds.estimators",
    "scripts": "thermo_cli.kinds.scripts",
    "physical": "thermo_cli.kinds.physical",
    "recorded": "thermo_cli.kinds.recorded",
}

SYSTEMS: Final = {  # `system.use` -> the model that reads it, and says what it builds
    "mlp": "thermo_cli.kinds.networks.parts:MlpSystem",
    "linear": "thermo_cli.kinds.networks.parts:LinearSystem",
    "cnn": "thermo_cli.kinds.networks.parts:CnnSystem",
    "transformer": "thermo_cli.kinds.networks.parts:TransformerSystem",
    "harmonic": "thermo_cli.kinds.physical.parts:HarmonicSystem",
    "double_well": "thermo_cli.kinds.physical.parts:DoubleWellSystem",
    "random_energy": "thermo_cli.kinds.physical.parts:RandomEnergySystem",
    "autoregressive": "thermo_cli.kinds.physical.parts:AutoregressiveSystem",
    "recorded": "thermo_cli.kinds.recorded.parts:RecordedSystem",
    "command": "thermo_cli.kinds.scripts.parts:CommandSystem",
    "module:Class": "thermo_cli.spec.modules:NamedSystem",
}

DYNAMICS: Final = {  # `dynamics.use` -> the model that reads it, and says what it builds
    "sgd": "thermo_cli.kinds.networks.parts:SgdDynamics",
    "adam": "thermo_cli.kinds.networks.parts:AdamDynamics",
    "adamw": "thermo_cli.kinds.networks.parts:AdamwDynamics",
    "langevin": "thermo_cli.kinds.physical.parts:LangevinDynamics",
    "metropolis": "thermo_cli.kinds.physical.parts:MetropolisDynamics",
    "recursion": "thermo_cli.kinds.physical.parts:RecursionDynamics",
    "fit": "thermo_cli.kinds.estimators.parts:FitDynamics",
    "process": "thermo_cli.kinds.scripts.parts:ProcessDynamics",
    "module:Class": "thermo_cli.kinds.networks.parts:OptimizerDynamics",
}


def load(place: str) -> Any:
    """Import what `module:object` names: something of our own, or what has been allowed.

    Args:
        place: `module:object`.
    """
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def resolve(kind: Kind, name: str) -> Any:
    """Import the object behind a built-in name.

    Args:
        kind: What the name is of.
        name: A key of `BUILT_INS[kind]`; the spec's models have already refused others.

    Returns:
        The object itself, not yet called.
    """
    return load(BUILT_INS[kind][name])


@dataclass(frozen=True)
class Trust:
    """What a spec may import beyond the built-ins.

    Attributes:
        allowed: `local`, `command`, or names of packages.
        base: Folder of the spec.
    """

    allowed: tuple[str, ...]
    base: Path

    @property
    def places(self) -> tuple[Path, ...]:
        """Where local modules are looked for."""
        return (self.base.resolve(), Path.cwd())


_TRUST = [Trust((), Path())]


def set_trust(given: Trust) -> None:
    """Say, once in a process, what specs may import.

    Args:
        given: By the user, on the command line or in Python.
    """
    _TRUST[0] = given


def trust() -> Trust:
    """Return what specs may import."""
    return _TRUST[0]


def locate(name: str, trust: Trust, where: str) -> Any:
    """Import what `module:object` names, if that is allowed; nothing is imported before it is.

    Args:
        name: `module:object`; what leads from the module to the object stays in its package.
        trust: What the user allows.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It is not allowed, leaves its package, or is not there.
    """
    module, _, attribute = name.partition(":")
    package = module.partition(".")[0]
    local = local_file(module, trust)
    if local is not None and "local" in trust.allowed:
        part, home = _import_local(module, local, where), None
    elif package in TRUSTED or package in trust.allowed:
        part, home = _import(module, where), package
    else:
        flag = "local" if local is not None else package
        raise SpecError(
            "a spec runs no code of others by itself",
            received=f"use: {name}",
            remedy=f"if you trust it: --allow {flag}",
            where=where,
        )
    _check_home(part, home, name, where)
    for word in attribute.split("."):
        if not hasattr(part, word):
            guess = nearest(word, [other for other in dir(part) if not other.startswith("_")])
            hint = f"did you mean {guess!r}?" if guess else "look for its name in the module"
            raise SpecError(f"{module} has no {word}", received=f"use: {name}", remedy=hint, where=where)
        part = getattr(part, word)
        _check_home(part, home, name, where)
    return part


def locate_function(name: str, trust: Trust, where: str) -> Callable[..., Any]:
    """Import the function that `module:function` names; of the trusted packages only those that do nothing but compute.

    Args:
        name: `module:function`.
        trust: What the user allows.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It is not allowed, not there, or no function.
    """
    package = name.partition(":")[0].partition(".")[0]
    function = locate(name, trust, where)
    if package in TRUSTED and package not in trust.allowed and not HARMLESS.fullmatch(name):
        raise SpecError(
            "of this package, only sklearn.metrics and make_* and load_* of sklearn.datasets are run without being allowed",
            received=f"use: {name}",
            remedy=f"if you trust it: --allow {package}",
            where=where,
        )
    if not callable(function):
        raise SpecError(
            "this is no function", received=f"{name}: {type(function).__name__}", remedy="name one", where=where
        )
    return function  # type: ignore[no-any-return]


def _check_home(part: Any, home: str | None, name: str, where: str) -> None:
    """Refuse what is neither a module of a package nor defined in it: packages hold `os` and the like."""
    own = part.__name__ if isinstance(part, ModuleType) else getattr(part, "__module__", None)
    place = own or type(part).__module__
    if home is not None and not f"{place}.".startswith(f"{home}."):
        raise SpecError(
            f"this leaves {home}: it is of {place}",
            received=f"use: {name}",
            remedy="name the object where it is defined",
            where=where,
        )


def code_fingerprint(name: str, trust: Trust) -> str:
    """Return the hash of a local module's file: other code is another run. Empty for packages, whose versions are recorded.

    Args:
        name: `module:object`.
        trust: Says where local modules are.
    """
    local = local_file(name.partition(":")[0], trust)
    return hashlib.sha256(local.read_bytes()).hexdigest() if local is not None and "local" in trust.allowed else ""


def local_file(module: str, trust: Trust) -> Path | None:
    """Return the file of a module beside the spec or in the working directory, or None.

    Args:
        module: Its dotted name.
        trust: Says where local modules are.
    """
    path = Path(*module.split("."))
    for place in trust.places:
        for file in (place / path.with_suffix(".py"), place / path / "__init__.py"):
            if file.is_file():
                return file
    return None


def _import_local(module: str, file: Path, where: str) -> Any:
    """Import a module beside the spec; its folder comes last, so that nothing in it stands for what is installed."""
    root, top = file.parents[module.count(".") + (file.name == "__init__.py")], module.partition(".")[0]
    added = str(root) not in sys.path
    sys.path += [str(root)] * added
    try:
        _refuse_namesake(top, root, where)
        loaded = sys.modules.get(module)
        if loaded is not None and loaded.__file__ != str(file):  # beside another spec, in the same process
            for name in [name for name in sys.modules if name.partition(".")[0] == top]:
                del sys.modules[name]
        return _import(module, where)
    finally:
        if added:
            sys.path.remove(str(root))


def _refuse_namesake(top: str, root: Path, where: str) -> None:
    """Refuse a module beside the spec that is called as one of the standard library, or as one that is installed."""
    spec = PathFinder.find_spec(top)
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec is not None else []
    if top in sys.stdlib_module_names or not any(
        place and Path(place).resolve().is_relative_to(root.resolve()) for place in places
    ):
        raise SpecError(
            "a module beside the spec has the name of another one",
            received=f"{top} in {root}",
            remedy="rename it",
            where=where,
        )


def _import(module: str, where: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SpecError(
            "this module cannot be imported",
            received=f"{module}: {error}",
            remedy="correct its name, or install it",
            where=where,
        ) from None
    except Exception as error:
        raise SpecError(
            "this module raises an error when it is imported",
            received=f"{module}: {type(error).__name__}: {error}",
            remedy="mend it",
            where=where,
        ) from error


class Refusal(NamedTuple):
    """Why an argument is not given.

    Attributes:
        admitted: Values that may be given all the same.
        what: What is wrong with the others.
        remedy: What to do.
    """

    admitted: tuple[Any, ...]
    what: str
    remedy: str


UNSAFE: Final = {  # arguments of scikit-learn's parts that reach beyond them
    "memory": Refusal((None,), "a cache on disk is read as pickles, which run code", "leave it out"),
    "input": Refusal((None, "content"), "cells that name files would have them read", "leave it out"),
    "n_jobs": Refusal(
        (None, 1),
        "replicas run side by side already, and threads that share one change the order of its sums",
        "leave it out; --workers says how many processes there are",
    ),
    "pre_dispatch": Refusal((None,), "replicas run side by side already", "leave it out"),
}


def refuse_arguments(arguments: Any, refused: Mapping[str, Refusal], where: str) -> None:
    """Refuse arguments by their names, at any depth and for parts of parts too (`step__memory`).

    Args:
        arguments: What a spec gives: names to values, values that hold names again.
        refused: Names of arguments, and why.
        where: Field of the spec.

    Raises:
        SpecError: One of them is given.
    """
    for name, value, place in _arguments(arguments, where):
        refusal = refused.get(name.rpartition("__")[2])
        if refusal is not None and not all(one in refusal.admitted for one in _leaves(value)):
            raise SpecError(refusal.what, received=f"{name}: {value}", remedy=refusal.remedy, where=place)


def _arguments(value: Any, where: str) -> Iterator[tuple[str, Any, str]]:
    """Yield every name, its value and its place, from the outside in."""
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        yield str(key), inner, f"{where}.{key}"
        yield from _arguments(inner, f"{where}.{key}")
    for number, inner in enumerate(value) if isinstance(value, list) else ():
        yield from _arguments(inner, f"{where}[{number}]")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely meant, or None if none is near.

    Args:
        name: What was written.
        known: The names that exist.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None
