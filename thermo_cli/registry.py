"""The built-in names, as strings, so that nothing heavy is imported to check one; and what else a spec may name.

A spec from a stranger must not run code by itself: `use: module:object` is looked up only below `torch.` and `sklearn.`,
and in places that the user allows with `--allow local` (modules beside the spec and in the working directory) or
`--allow PACKAGE`.
"""

import difflib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from thermo_cli.errors import SpecError

TRUSTED: Final = ("sklearn", "torch")
Kind = Literal["data", "schedule"]

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
        name: `module:object`.
        trust: What the user allows.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It is not allowed, or not there.
    """
    module, _, attribute = name.partition(":")
    package = module.partition(".")[0]
    local = local_file(module, trust)
    if local is not None and "local" in trust.allowed:
        found = _import_local(module, local, where)
    elif package in TRUSTED or package in trust.allowed:
        found = _import(module, where)
    else:
        flag = "local" if local is not None else package
        raise SpecError(
            "a spec runs no code of others by itself",
            received=f"use: {name}",
            remedy=f"if you trust it: --allow {flag}",
            where=where,
        )
    for part in attribute.split("."):
        if not hasattr(found, part):
            guess = nearest(part, [word for word in dir(found) if not word.startswith("_")])
            hint = f"did you mean {guess!r}?" if guess else "look for its name in the module"
            raise SpecError(f"{module} has no {part}", received=f"use: {name}", remedy=hint, where=where)
        found = getattr(found, part)
    return found


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
    root = str(file.parents[module.count(".") + (file.name == "__init__.py")])
    sys.path.insert(0, root)
    try:
        return _import(module, where)
    finally:
        sys.path.remove(root)


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


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely meant, or None if none is near.

    Args:
        name: What was written.
        known: The names that exist.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None
