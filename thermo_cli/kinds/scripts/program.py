"""What trains one replica by itself: a command, or a function that a process of ours calls; started, watched and read alike.

Each replica has a process of its own: nothing that one of them leaves in memory reaches another, and one that hangs, ends its
process or is killed takes nobody with it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from thermo_cli.errors import SpecError
from thermo_cli.placeholders import SEEDS
from thermo_cli.registry import load
from thermo_cli.replicas import Replica, budgets_of
from thermo_cli.spec import Spec

RUN, WITH = "system.with.run", "system.with"
SEED_BITS: Final = 31  # what every language's generators take
PROGRAMS: Final = {
    "command": "thermo_cli.kinds.scripts.command:Command",
    "function": "thermo_cli.kinds.scripts.function:Function",
}


@dataclass(frozen=True)
class Start:
    """How the process of one replica is started.

    Attributes:
        words: The program and its arguments.
        folder: Where.
        shown: What stands in the log.
        variables: Of its environment, besides those that there are.
    """

    words: Sequence[str]
    folder: Path
    shown: str
    variables: Mapping[str, str] = field(default_factory=dict)


class Program(Protocol):
    """What trains one replica by itself."""

    @property
    def spec(self) -> Spec:
        """The experiment."""

    @property
    def base(self) -> Path:
        """Folder of the spec."""

    @property
    def noun(self) -> str:
        """What it is called in messages."""

    @property
    def shown(self) -> str:
        """What is started, for the plan."""

    @property
    def taken(self) -> frozenset[str]:
        """Names of what it is told."""

    def check(self) -> None:
        """Refuse what cannot be started as the spec says, before anything is.

        Raises:
            SpecError: It is not allowed, not there, or is told something that it does not take.
        """

    def fingerprint(self) -> str:
        """Return the hash of the files that the spec names: another script is another run.

        Raises:
            SpecError: A file cannot be read.
        """

    def start(self, member: Replica, output: Path, subsample: Path | None) -> Start:
        """Return how one replica is started.

        Args:
            member: Its row of the replica table.
            output: Its output folder.
            subsample: The file with its examples, or None.
        """


def program_of(spec: Spec, base: Path) -> Program:
    """Return what trains the replicas of an experiment.

    Args:
        spec: The experiment.
        base: Folder of the spec.
    """
    program: Program = load(PROGRAMS[spec.system.use])(spec, base)
    return program


def told(spec: Spec, member: Replica, output: Path) -> dict[str, Any]:
    """Return what one replica can be told, by name; its examples aside.

    Args:
        spec: The experiment.
        member: Its row of the replica table.
        output: Its output folder.
    """
    history = spec.histories[member.history]
    seeds = {name: getattr(member, stream) % 2**SEED_BITS for name, stream in SEEDS.items() if stream != "subsample"}
    places = {"output": str(output), "history": member.history, "replica": member.index, "steps": member.steps}
    return {
        **spec.system.arguments.values,
        **history.values,
        **seeds,
        **places,
        "init_scale": history.init_scale,
    }


def refuse_untold(program: Program, taker: str, remedy: str) -> None:
    """Refuse what is given and taken by nothing: it would tell the program nothing.

    Args:
        program: What would be started.
        taker: What would have to take it, for messages.
        remedy: With `{name}` for what it is called.

    Raises:
        SpecError: Something is given in vain.
    """
    spec, given = program.spec, program.spec.system.arguments
    crossed = spec.ensemble.crossed
    wanted = [(f"{WITH}.values.{name}", name) for name in given.values]
    wanted += [(f"{WITH}.pool", "subsample")] * (given.pool is not None)
    wanted += [("observe.budgets", "steps")] * bool(budgets_of(spec))
    wanted += [
        (f"histories.{name}.init_scale", "init_scale")
        for name, history in spec.histories.items()
        if history.init_scale != 1.0
    ]
    wanted += [
        (f"ensemble.design.crossed.{stream}", name)
        for name, stream in SEEDS.items()
        if crossed is not None and getattr(crossed, stream, 1) > 1
    ]
    for what, name in wanted:
        if name not in program.taken:
            raise SpecError(
                f"this is given and no argument of the {taker} takes it",
                received=what,
                remedy=remedy.format(name=name),
                where=RUN,
            )


def refuse_taken_names(spec: Spec, taken: Sequence[str]) -> None:
    """Refuse values that are called as something that a program is told anyway.

    Args:
        spec: The experiment.
        taken: Names that have a meaning.

    Raises:
        SpecError: One of them is a value too.
    """
    for name in spec.system.arguments.values:
        if name in taken:
            raise SpecError(
                "this name is taken: it is a placeholder already",
                received=name,
                remedy="choose another",
                where=f"{WITH}.values",
            )


def refuse_missing_files(spec: Spec, base: Path) -> None:
    """Refuse files that decide the numbers and are not there.

    Args:
        spec: The experiment.
        base: Folder of the spec.

    Raises:
        SpecError: One of them is not there.
    """
    for name in spec.system.arguments.files:
        if not (base / name).is_file():
            raise SpecError(
                "there is no such file",
                received=name,
                remedy="give the path relative to the spec",
                where=f"{WITH}.files",
            )


def hash_of(files: Iterator[tuple[str, Path]]) -> str:
    """Return the hash of files, by name and content.

    Args:
        files: Names and paths.

    Raises:
        SpecError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for name, path in files:
        try:
            state = path.stat()
            content = _digest(path, state.st_mtime_ns, state.st_size)
        except OSError as error:
            raise SpecError(
                "a file of the command cannot be read",
                received=f"{path}: {error.strerror}",
                remedy="make it readable",
                where=WITH,
            ) from None
        digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _digest(path: Path, modified: int, size: int) -> str:
    """Hash a file's content; read again only when the file has changed."""
    del modified, size
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
