"""What the readers of runs hand out: one record for each run, whatever wrote it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from thermo_cli.contracts import Array, Integers

Choice = Callable[[Sequence[str]], Collection[str]]  # names of what is measured -> those that are read
Series = tuple[Integers, Array]  # steps as they were written, and the value at each; NaN where nothing was measured


@dataclass(frozen=True)
class LoggedRun:
    """What one run has measured.

    Attributes:
        name: Of the replica; empty where the file is the run and does not name it.
        where: Its place, for messages.
        series: Observable to what was measured when.
        history: That it claims; empty where none is named.
        point: Of a sweep; empty where none is named.
        budget: Training time that it was given in all, with its whole schedule; 0 where that is not said.
    """

    name: str
    where: str
    series: Mapping[str, Series]
    history: str = ""
    point: str = ""
    budget: int = 0
