"""How the commands of a run are typed, so that they can be pasted from where the reader is."""

import itertools
import shlex
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
        settings: Options that it was judged with besides what its spec says.
    """

    run: str = RUN
    report: str = REPORT
    settings: str = ""

    def filled(self, command: str) -> str:
        """Return a command as it is typed; what it sets takes the place of what was set before.

        Args:
            command: That of an advice, which may be empty.
        """
        if not command.startswith(RUN):
            return command.replace(REPORT, self.report, 1)
        added = shlex.split(command.removeprefix(RUN))
        fields = {text.partition("=")[0] for flag, text in itertools.pairwise(added) if flag == "--set"}
        words = shlex.split(self.run)
        again = {
            place
            for place, (flag, text) in enumerate(itertools.pairwise(words))
            if flag == "--set" and text.partition("=")[0] in fields
        }
        kept = [word for place, word in enumerate(words) if not {place, place - 1} & again]
        return shlex.join([*kept, *added])


UNTYPED: Final = Typed()
