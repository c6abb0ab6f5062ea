"""The criteria of the court, a file each; what is judged, and in what order, is this tuple."""

from typing import Final

from thermo_cli.equilibrium.criteria.agreement import AGREEMENT
from thermo_cli.equilibrium.criteria.criterion import Criterion
from thermo_cli.equilibrium.criteria.diversity import DIVERSITY
from thermo_cli.equilibrium.criteria.ergodicity import ERGODICITY
from thermo_cli.equilibrium.criteria.history import HISTORY
from thermo_cli.equilibrium.criteria.mean import MEAN
from thermo_cli.equilibrium.criteria.stationarity import STATIONARITY
from thermo_cli.equilibrium.criteria.target import TARGET

CRITERIA: Final[tuple[Criterion, ...]] = (STATIONARITY, AGREEMENT, HISTORY, DIVERSITY, ERGODICITY, MEAN)


def asked_of(targets: bool) -> tuple[Criterion, ...]:
    """Return the criteria that are judged: all, and whether the targets are reached where there are any."""
    return (*CRITERIA, *((TARGET,) if targets else ()))
