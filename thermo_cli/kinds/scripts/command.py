"""A training script as a system: what it is told, which files make it what it is, and what is refused before it is started.

A command learns its seeds, its examples and its output folder from its arguments; nothing else tells replicas apart.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from thermo_cli.errors import SpecError
from thermo_cli.kinds.scripts.parts import CommandSystem
from thermo_cli.kinds.scripts.program import (
    RUN,
    Start,
    hash_of,
    refuse_missing_files,
    refuse_taken_names,
    refuse_untold,
    told,
)
from thermo_cli.placeholders import PLACEHOLDERS, filled, placeholders
from thermo_cli.registry import nearest
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.trust import local_file, trust

INTERPRETER: Final = ("python", "python3")  # the one that runs this


@dataclass(frozen=True)
class Command:
    """The command of an experiment.

    Attributes:
        spec: The experiment.
        base: Folder of the spec, where it is started.
    """

    spec: Spec
    base: Path

    @property
    def given(self) -> Any:
        """The arguments of the system."""
        assert isinstance(self.spec.system, CommandSystem)
        return self.spec.system.arguments

    @property
    def noun(self) -> str:
        """What it is called in messages."""
        return "script"

    @property
    def shown(self) -> str:
        """The command, as a shell would take it."""
        return shlex.join(str(word) for word in self.given.run)

    @property
    def taken(self) -> frozenset[str]:
        """Names of the placeholders among its arguments."""
        taken: frozenset[str] = self.given.placeholders
        return taken

    def check(self) -> None:
        """Refuse what cannot be started as the spec says, before anything is.

        Raises:
            SpecError: It is not allowed, a placeholder has no meaning, or a file is not there.
        """
        if "command" not in trust().allowed:
            raise SpecError(
                "a spec starts no script by itself",
                received=" ".join(str(word) for word in self.given.run),
                remedy="if you trust it: --allow command",
                where=RUN,
            )
        self._check_placeholders()
        self._check_program()
        refuse_missing_files(self.spec, self.base)
        self._check_needs()
        refuse_untold(self, "command", "add {{{name}}} to the arguments, or leave it out")

    def start(self, member: Replica, output: Path, subsample: Path | None) -> Start:
        """Return how one replica is started: in the folder of the spec.

        Args:
            member: Its row of the replica table.
            output: Its output folder.
            subsample: The file with its examples, or None.
        """
        words = self.arguments(member, output, subsample)
        return Start(words, self.base, shlex.join(words))

    def arguments(self, member: Replica, output: Path, subsample: Path | None) -> list[str]:
        """Return the program and its arguments for one replica.

        Args:
            member: Its row of the replica table.
            output: Its output folder.
            subsample: The file with its examples, or None.
        """
        values = _fields(self.spec.model_dump(mode="json"))
        values |= {name: _text(value) for name, value in told(self.spec, member, output).items()}
        values |= {"subsample": str(subsample or "")}
        words = [filled(str(word), values) for word in self.given.run]
        return [sys.executable, *words[1:]] if words[0] in INTERPRETER else words

    def fingerprint(self) -> str:
        """Return the hash of the files that the spec names: another script is another run.

        Raises:
            SpecError: A file cannot be read.
        """
        return hash_of(self._files())

    def _check_placeholders(self) -> None:
        refuse_taken_names(self.spec, list(PLACEHOLDERS))
        known = {*PLACEHOLDERS, *self.given.values}
        for position, word in enumerate(self.given.run):
            for name in placeholders(str(word)):
                if name in known:
                    continue
                fields = _fields(self.spec.model_dump(mode="json"))
                if name not in fields:
                    guess = nearest(name, [*known, *fields])
                    hint = f"did you mean {{{guess}}}? " if guess else ""
                    raise SpecError(
                        "this placeholder has no meaning",
                        received=f"{{{name}}} in {str(word)!r}",
                        remedy=f"{hint}known: {', '.join(sorted(known))}, and fields of the spec that are a number or a word",
                        where=f"{RUN}[{position}]",
                    )

    def _check_needs(self) -> None:
        """Refuse a command that is not told where to write, or told of examples that nobody has counted."""
        taken = self.taken
        if "output" not in taken:
            raise SpecError(
                "the script is not told where to write its log",
                received="no {output} among the arguments",
                remedy='add it, such as "--out", "{output}" (Lightning: "--trainer.default_root_dir", "{output}")',
                where=RUN,
            )
        if "subsample" in taken and self.given.pool is None:
            raise SpecError(
                "{subsample} needs to know how many examples there are",
                received="no pool",
                remedy="system.with.pool: the number of examples of the script's training data",
                where=RUN,
            )

    def _check_program(self) -> None:
        """Refuse a program or a script that is not there."""
        program, script = str(self.given.run[0]), str(self.given.run[1]) if len(self.given.run) > 1 else ""
        interpreted = program in INTERPRETER
        if not interpreted and not placeholders(program):
            self._check_found(program)
        if interpreted and script.endswith(".py") and not placeholders(script) and not (self.base / script).is_file():
            near = nearest(script, [path.name for path in self.base.glob("*.py")])
            raise SpecError(
                "there is no such script beside the spec",
                received=script,
                remedy=f"did you mean {near!r}?" if near else "give the path relative to the spec",
                where=f"{RUN}[1]",
            )

    def _check_found(self, program: str) -> None:
        """Refuse a program that the system would not find, or not start."""
        local = self.base / program
        if shutil.which(str(local) if "/" in program else program) is not None:
            return
        hint = "correct its name, or install it"
        if local.is_file():
            hint = f"write ./{program}" if os.access(local, os.X_OK) else "name its interpreter first, or chmod +x"
        raise SpecError("there is no such program", received=program, remedy=hint, where=f"{RUN}[0]")

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Yield names and paths of the files that decide the numbers."""
        words = [str(word) for word in self.given.run]
        for before, word in zip(["", *words], words, strict=False):
            module = local_file(word) if before == "-m" else None
            if module is not None:
                yield word, module
        for word in dict.fromkeys([*words, *self.given.files]):
            name = word.rpartition("=")[2]
            if name and len(name) < 1024 and (self.base / name).is_file():
                yield name, self.base / name


def _fields(value: Any, name: str = "") -> dict[str, str]:
    """Return every number and word of a spec by its dotted name, as programs take it."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        inner = (_fields(part, f"{name}.{key}" if name else str(key)) for key, part in parts)
        return {key: text for found in inner for key, text in found.items()}
    return {} if value is None else {name: _text(value)}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
