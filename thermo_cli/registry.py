"""The built-in names: what `use: NAME` in a spec stands for, as strings, so that nothing heavy is imported to check a name."""

import difflib
import importlib
from collections.abc import Iterable
from typing import Any, Final, Literal

Kind = Literal["data", "system", "dynamics", "walk", "schedule"]

BUILT_INS: Final[dict[Kind, dict[str, str]]] = {
    "data": {
        "digits": "thermo_cli.data.toys:digits",
        "breast_cancer": "thermo_cli.data.toys:breast_cancer",
        "wine": "thermo_cli.data.toys:wine",
        "diabetes": "thermo_cli.data.toys:diabetes",
        "moons": "thermo_cli.data.toys:moons",
        "teacher": "thermo_cli.data.synthetic:teacher",
        "parity": "thermo_cli.data.synthetic:parity",
        "modular_addition": "thermo_cli.data.synthetic:modular_addition",
        "csv": "thermo_cli.data.csv_file:load",
        "npz": "thermo_cli.data.npz_file:load",
    },
    "system": {
        "mlp": "thermo_cli.systems.networks:mlp",
        "linear": "thermo_cli.systems.networks:linear",
        "cnn": "thermo_cli.systems.convolutional:cnn",
        "harmonic": "thermo_cli.systems.physical:Harmonic",
        "double_well": "thermo_cli.systems.physical:DoubleWell",
        "random_energy": "thermo_cli.systems.random_energy:RandomEnergy",
        "autoregressive": "thermo_cli.systems.autoregressive:Autoregressive",
        "recorded": "thermo_cli.data.recorded:read_recorded",
    },
    "dynamics": {
        "sgd": "thermo_cli.dynamics.sgd:Sgd",
        "adam": "thermo_cli.dynamics.adam:Adam",
        "adamw": "thermo_cli.dynamics.adam:AdamW",
        "langevin": "thermo_cli.dynamics.langevin:Langevin",
        "metropolis": "thermo_cli.dynamics.metropolis:Metropolis",
        "recursion": "thermo_cli.dynamics.recursion:Recursion",
    },
    "walk": {  # how systems without data move
        "langevin": "thermo_cli.dynamics.langevin:Langevin",
        "sgd": "thermo_cli.dynamics.langevin:NoisyDescent",
        "metropolis": "thermo_cli.dynamics.metropolis:Metropolis",
        "recursion": "thermo_cli.dynamics.recursion:Recursion",
    },
    "schedule": {
        "constant": "thermo_cli.dynamics.schedules:constant",
        "cosine": "thermo_cli.dynamics.schedules:cosine",
    },
}


def resolve(kind: Kind, name: str) -> Any:
    """Import the object behind a built-in name.

    Args:
        kind: What the name is of.
        name: A key of `BUILT_INS[kind]`; the spec's models have already refused others.

    Returns:
        The object itself, not yet called.
    """
    module, _, attribute = BUILT_INS[kind][name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely meant, or None if none is near.

    Args:
        name: What was written.
        known: The names that exist.
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None
