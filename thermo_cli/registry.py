"""The built-in names, as strings, so that nothing heavy is imported to check one."""

import difflib
import importlib
from collections.abc import Iterable
from typing import Any, Final

KINDS: Final = {  # kind of system -> its wing
    "networks": "thermo_cli.kinds.networks",
    "estimators": "thermo_cli.kinds.estimators",
    "scripts": "thermo_cli.kinds.scripts",
    "physical": "thermo_cli.kinds.physical",
    "recorded": "thermo_cli.kinds.recorded",
}

DATA: Final = {  # `data.use` -> the model that reads it, and says what it builds
    "digits": "thermo_cli.spec.data_parts:DigitsData",
    "breast_cancer": "thermo_cli.spec.data_parts:TableData",
    "wine": "thermo_cli.spec.data_parts:TableData",
    "diabetes": "thermo_cli.spec.data_parts:TableData",
    "moons": "thermo_cli.spec.data_parts:MoonsData",
    "teacher": "thermo_cli.spec.data_parts:TeacherData",
    "parity": "thermo_cli.spec.data_parts:ParityData",
    "modular_addition": "thermo_cli.spec.data_parts:ModularAdditionData",
    "mnist5k": "thermo_cli.spec.data_parts:Mnist5kData",
    "csv": "thermo_cli.spec.data_parts:TableFileData",
    "parquet": "thermo_cli.spec.data_parts:TableFileData",
    "npz": "thermo_cli.spec.data_parts:NpzData",
    "npy": "thermo_cli.spec.data_parts:NpyData",
    "module:Class": "thermo_cli.spec.data_parts:FunctionData",
}

SYSTEMS: Final = {  # `system.use` -> the model that reads it, and says what it builds
    "mlp": "thermo_cli.kinds.networks.parts:MlpSystem",
    "linear": "thermo_cli.kinds.networks.linear:LinearSystem",
    "cnn": "thermo_cli.kinds.networks.parts:CnnSystem",
    "transformer": "thermo_cli.kinds.networks.parts:TransformerSystem",
    "harmonic": "thermo_cli.kinds.physical.parts:HarmonicSystem",
    "double_well": "thermo_cli.kinds.physical.parts:DoubleWellSystem",
    "random_energy": "thermo_cli.kinds.physical.parts:RandomEnergySystem",
    "autoregressive": "thermo_cli.kinds.physical.parts:AutoregressiveSystem",
    "recorded": "thermo_cli.kinds.recorded.parts:RecordedSystem",
    "command": "thermo_cli.kinds.scripts.parts:CommandSystem",
    "function": "thermo_cli.kinds.scripts.parts:FunctionSystem",
    "module:Class": "thermo_cli.spec.named:NamedSystem",
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

SCHEDULES: Final = {  # `dynamics.schedule` -> what it builds
    "constant": "thermo_cli.kinds.networks.rates:constant",
    "cosine": "thermo_cli.kinds.networks.rates:cosine",
    "step": "thermo_cli.kinds.networks.rates:step_down",
    "warmup": "thermo_cli.kinds.networks.rates:warmup",
    "warmup_cosine": "thermo_cli.kinds.networks.rates:warmup_cosine",
}


def load(place: str) -> Any:
    """Import what `module:object` names, something of our own.

    Args:
        place: `module:object`.
    """
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely meant, or None if none is near.

    Args:
        name: What was written.
        known: The names that exist.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None
