"""What the rooms hand to each other: plain frozen records of NumPy arrays, and the protocols of what can be plugged in."""

from thermo_cli.contracts.data import Dataset, Examples, Rows
from thermo_cli.contracts.findings import Findings, Overlaps, Trajectories
from thermo_cli.contracts.judgement import (
    COMPARISONS,
    GATES,
    VERDICT_SCHEMA,
    VERDICTS,
    Advice,
    CriterionName,
    Look,
    Outcome,
    Row,
    Skill,
    Verdict,
    VerdictName,
)
from thermo_cli.contracts.motion import Movement, Optimizer, Pass, PlainOptimizer, Site, StackedSystem
from thermo_cli.contracts.structure import Block, Group, Norm, Product, Symmetry
from thermo_cli.contracts.types import Array, Integers, Task, Tensors

__all__ = [
    "COMPARISONS",
    "GATES",
    "VERDICTS",
    "VERDICT_SCHEMA",
    "Advice",
    "Array",
    "Block",
    "CriterionName",
    "Dataset",
    "Examples",
    "Findings",
    "Group",
    "Integers",
    "Look",
    "Movement",
    "Norm",
    "Optimizer",
    "Outcome",
    "Overlaps",
    "Pass",
    "PlainOptimizer",
    "Product",
    "Row",
    "Rows",
    "Site",
    "Skill",
    "StackedSystem",
    "Symmetry",
    "Task",
    "Tensors",
    "Trajectories",
    "Verdict",
    "VerdictName",
]
