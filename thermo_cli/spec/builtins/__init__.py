"""The parts of a spec chosen by `use`: data, systems and dynamics, each with the arguments it takes in `with`.

One pydantic model per built-in, so that an argument that does not exist, or has the wrong type, is refused with its line before
anything is imported.
"""

from thermo_cli.spec.builtins.data import Data, DigitsData, MoonsData, TableData
from thermo_cli.spec.builtins.dynamics import Dynamics
from thermo_cli.spec.builtins.parts import MODULE, Part, Positive
from thermo_cli.spec.builtins.schedules import Schedule, WarmupSchedule, name_of
from thermo_cli.spec.builtins.systems import RecordedSystem, System

__all__ = [
    "MODULE", "Data", "DigitsData", "Dynamics", "MoonsData", "Part", "Positive", "RecordedSystem", "Schedule", "System",
    "TableData", "WarmupSchedule", "name_of",
]  # fmt: skip
