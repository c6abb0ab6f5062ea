"""A function of Python as a system: what it takes, what it is told, and the process that calls it.

def train(seed, subsample, report):
...
report(100, test_accuracy=0.93, train_loss=0.21)
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from thermo_cli.calls import arguments_of
from thermo_cli.errors import SpecError
from thermo_cli.isolation import isolated_environment
from thermo_cli.kinds.scripts.logs import FILE
from thermo_cli.kinds.scripts.program import (
    RUN,
    Start,
    hash_of,
    refuse_missing_files,
    refuse_taken_names,
    refuse_untold,
    told,
)
from thermo_cli.placeholders import PLACEHOLDERS
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.trust import local_file, locate_function, trust

KNOWN: Final = ("report", *(name for name in PLACEHOLDERS if name not in ("order_seed", "noise_seed")))
CALL: Final = (
    "import json, sys; task = json.loads(sys.argv[1]); sys.path[:] = task['path']; "
    "from thermo_cli.calls import call; call(task)"
)


@dataclass(frozen=True)
class Function:
    """The function of an experiment.

    Attributes:
        spec: The experiment.
        base: Folder of the spec, in which it is called.
    """

    spec: Spec
    base: Path

    @property
    def given(self) -> Any:
        """The arguments of the system."""
        return self.spec.system.arguments

    @property
    def noun(self) -> str:
        """What it is called in messages."""
        return "function"

    @property
    def shown(self) -> str:
        """Its name."""
        return str(self.given.run)

    @property
    def taken(self) -> frozenset[str]:
        """Names of what it is told."""
        return frozenset(arguments_of(self._located(), [*KNOWN, *self.given.values], RUN))

    def check(self) -> None:
        """Refuse a function that cannot be called as the spec says.

        Raises:
            SpecError: It is not allowed, not there, takes something else, or is told something that it does not take.
        """
        refuse_taken_names(self.spec, KNOWN)
        refuse_missing_files(self.spec, self.base)
        arguments_of(self._located(), [*KNOWN, *self.given.values], RUN)
        refuse_untold(self, "function", "let it take {name}, or leave it out")

    def fingerprint(self) -> str:
        """Return the hash of its module's file and of those that the spec names; of packages the version is recorded.

        Raises:
            SpecError: A file cannot be read.
        """
        return hash_of(self._files())

    def start(self, member: Replica, output: Path, subsample: Path | None) -> Start:
        """Return how one replica is started: an interpreter that calls the function in the folder of the spec.

        Args:
            member: Its row of the replica table.
            output: Its output folder.
            subsample: The file with its examples, or None.
        """
        values = told(self.spec, member, output)
        task = {
            "path": sys.path,
            "run": self.given.run,
            "allow": trust().allowed,
            "base": str(self.base),
            "where": RUN,
            "output": str(output),
            "log": str(output / FILE),
            "subsample": str(subsample) if subsample is not None else None,
            "steps": member.steps,
            "told": values,
        }
        shown = f"{self.given.run}, seed {values['seed']}, replica {member.index} of {member.history}"
        words = [sys.executable, "-c", CALL, json.dumps(task)]
        return Start(words, Path.cwd(), shown, isolated_environment())

    def _located(self) -> Callable[..., Any]:
        function = locate_function(self.given.run, RUN)
        if isinstance(function, type):
            raise SpecError(
                "this is a class, and a function is called",
                received=self.given.run,
                remedy="name a function, or an instance of the class that can be called",
                where=RUN,
            )
        return function

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Yield names and paths of the files that decide the numbers."""
        module = local_file(self.given.run.partition(":")[0])
        if module is not None:
            yield self.given.run, module
        for name in dict.fromkeys(self.given.files):
            yield name, self.base / name
