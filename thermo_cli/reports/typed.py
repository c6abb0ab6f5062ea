"""How the commands of a run are typed, so that they can be pasted from where the reader is."""

from dataclasses import dataclass
from typing import Final

RUN: Final = "thermo-run SPEC"  # as advice of the court has them, which knows no folder
REPORT: Final = "thermo-report RUN"


@dataclass(frozen=True)
class Typed:
    """What stands for the commands that know no folder.

    Attributes:
        run: Trains the run, or goes on with it.
        report: Reports on it.
    """

    run: str = RUN
    report: str = REPORT

    def filled(self, command: str) -> str:
        """Return a command as it is typed.

        Args:
            command: That of an advice, which may be empty.
        """
        return command.replace(RUN, self.run, 1).replace(REPORT, self.report, 1)


UNTYPED: Final = Typed()
