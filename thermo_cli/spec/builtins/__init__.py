"""The parts of a spec chosen by `use`: data, systems and dynamics, each with the arguments it takes in `with`.

One pydantic model per built-in, so that an argument that does not exist, or has the wrong type, is refused with its line before
anything is imported.
"""

from thermo_cli.spec.builtins.data import Data, DigitsData, MoonsData, TableData
from thermo_cli.spec.builtins.dynamics import Dynamics, FitDynamics, ProcessDynamics
from thermo_cli.spec.builtins.parts import MODULE, Part, Positive, Scalar
from thermo_cli.spec.builtins.schedules import Schedule, WarmupSchedule, name_of
from thermo_cli.spec.builtins.systems import CommandSystem, NamedSystem, RecordedSystem, Step, System

__all__ = [
    "MODULE",
    "CommandSystem",
    "Data",
    "DigitsData",
    "Dynamics",
    "FitDynamics",
    "MoonsData",
    "NamedSystem",
    "Part",
    "Positive",
    "ProcessDynamics",
    "RecordedSystem",
    "Scalar",
    "Schedule",
    "Step",
    "System",
    "TableData",
    "WarmupSchedule",
    "name_of",
]
