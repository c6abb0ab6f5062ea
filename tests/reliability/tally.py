"""What an attack is, and what is counted of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Tally:
    """What became of faults.

    Attributes:
        tried: Faults.
        named: Of them answered by a sentence that says what is wrong, where that is the right answer.
        silent: Other numbers, or code that ran, without a word: what each was.
        lost: What was finished and is not there any more, or a command that did not come to an end: what each was.
    """

    tried: int = 0
    named: int = 0
    silent: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def survived(self) -> int:
        """Faults after which all is as if nothing had been, and those that were named."""
        return self.tried - len(self.silent) - len(self.lost)


@dataclass(frozen=True)
class Attack:
    """One row of the table.

    Attributes:
        name: What is attacked, and how.
        run: Tries so many faults, drawn by a generator, in an empty folder.
        quick: Number of faults in CI.
        long: Number of faults of the long form.
        protection: What the attack fails on; without it the quick form was seen to fail.
    """

    name: str
    run: Callable[[int, Path, np.random.Generator], Tally]
    quick: int
    long: int
    protection: str
