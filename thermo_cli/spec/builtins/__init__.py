"""The parts of a spec chosen by `use`: data, systems and dynamics, each with the arguments it takes in `with`.

One pydantic model per built-in, so that an argument that does not exist, or has the wrong type, is refused with its line before
anything is imported.
"""

from thermo_cli.spec.builtins.data import Data, DigitsData, MoonsData, TableData
from thermo_cli.spec.builtins.dynamics import Dynamics, FitDynamics
from thermo_cli.spec.builtins.parts import MODULE, Part, Positive
from thermo_cli.spec.builtins.schedules import Schedule, WarmupSchedule, name_of
from thermo_cli.spec.builtins.systems import NamedSystem, RecordedSystem, Step, System

__all__ = [
    "MODULE", "Data", "DigitsData", "Dynamics", "FitDynamics", "MoonsData", "NamedSystem", "Part", "Positive", "RecordedSystem",
    "Schedule", "Step", "System", "TableData", "WarmupSchedule", "name_of",
]  # fmt: skip
