"""The built-in names, as strings, so that nothing heavy is imported to check one."""

import difflib
import importlib
from collections.abc import Iterable
from typing import Any, Final, Literal

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


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely meant, or None if none is near.

    Args:
        name: What was written.
        known: The names that exist.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None
