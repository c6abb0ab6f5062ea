"""A training script as a system: what it is told, which files make it what it is, and what is refused before it is started.

A command learns its seeds, its examples and its output folder from its arguments; nothing else tells replicas apart.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from thermo_cli.errors import SpecError
from thermo_cli.kinds.scripts.parts import CommandSystem
from thermo_cli.kinds.scripts.placeholders import SEEDS, filled, placeholders
from thermo_cli.registry import nearest
from thermo_cli.replicas import Replica, budgets_of
from thermo_cli.spec import Spec
from thermo_cli.trust import local_file, trust

INTERPRETER: Final = ("python", "python3")  # the one that runs this
SEED_BITS: Final = 31  # what every language's generators take
PLACES: Final = ("output", "history", "replica", "steps", "init_scale")
RUN, WITH = "system.with.run", "system.with"


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
        self._check_files()
        self._check_uses()

    def arguments(self, member: Replica, output: Path, subsample: Path | None) -> list[str]:
        """Return the program and its arguments for one replica.

        Args:
            member: Its row of the replica table.
            subsample: The file with its examples, or None.
        """
        values = {name: _text(value) for name, value in self._values(member.history).items()}
        values |= {
            name: str(getattr(member, stream) % 2**SEED_BITS) for name, stream in SEEDS.items() if stream != "subsample"
        }
        values |= {
            "output": str(output),
            "history": member.history,
            "replica": str(member.index),
            "steps": str(member.steps),
            "init_scale": _text(self.spec.histories[member.history].init_scale),
            "subsample": str(subsample or ""),
        }
        values = _fields(self.spec.model_dump(mode="json")) | values
        words = [filled(str(word), values) for word in self.given.run]
        return [sys.executable, *words[1:]] if words[0] in INTERPRETER else words

    def fingerprint(self) -> str:
        """Return the hash of the files that the spec names: another script is another run.

        Raises:
            SpecError: A file cannot be read.
        """
        digest = hashlib.sha256()
        for name, path in self._files():
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

    def _check_placeholders(self) -> None:
        known = {*SEEDS, *PLACES, *self.given.values}
        for name in self.given.values:
            if name in SEEDS or name in PLACES:
                raise SpecError(
                    "this name is taken: it is a placeholder already",
                    received=name,
                    remedy="choose another",
                    where=f"{WITH}.values",
                )
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

    def _check_uses(self) -> None:
        """Refuse what is given and taken by no argument: it would tell the script nothing."""
        taken, spec, crossed = self.given.placeholders, self.spec, self.spec.ensemble.crossed
        given = [(f"{WITH}.values.{name}", name) for name in self.given.values]
        given += [(f"{WITH}.pool", "subsample")] * (self.given.pool is not None)
        given += [("observe.budgets", "steps")] * bool(budgets_of(spec))
        given += [
            (f"histories.{name}.init_scale", "init_scale")
            for name, history in spec.histories.items()
            if history.init_scale != 1.0
        ]
        given += [
            (f"ensemble.design.crossed.{stream}", name)
            for name, stream in SEEDS.items()
            if crossed is not None and getattr(crossed, stream, 1) > 1
        ]
        if "output" not in taken:
            raise SpecError(
                "the script is not told where to write metrics.jsonl",
                received="no {output} among the arguments",
                remedy='add it, such as "--out", "{output}"',
                where=RUN,
            )
        if "subsample" in taken and self.given.pool is None:
            raise SpecError(
                "{subsample} needs to know how many examples there are",
                received="no pool",
                remedy="system.with.pool: the number of examples of the script's training data",
                where=RUN,
            )
        for what, name in given:
            if name not in taken:
                raise SpecError(
                    "this is given and no argument of the command takes it",
                    received=what,
                    remedy=f"add {{{name}}} to the arguments, or leave it out",
                    where=RUN,
                )

    def _check_files(self) -> None:
        program, script = str(self.given.run[0]), str(self.given.run[1]) if len(self.given.run) > 1 else ""
        interpreted = program in INTERPRETER
        if not interpreted and not placeholders(program):
            self._check_program(program)
        if interpreted and script.endswith(".py") and not placeholders(script) and not (self.base / script).is_file():
            near = nearest(script, [path.name for path in self.base.glob("*.py")])
            raise SpecError(
                "there is no such script beside the spec",
                received=script,
                remedy=f"did you mean {near!r}?" if near else "give the path relative to the spec",
                where=f"{RUN}[1]",
            )
        for name in self.given.files:
            if not (self.base / name).is_file():
                raise SpecError(
                    "there is no such file",
                    received=name,
                    remedy="give the path relative to the spec",
                    where=f"{WITH}.files",
                )

    def _check_program(self, program: str) -> None:
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

    def _values(self, history: str) -> Mapping[str, Any]:
        return {**self.given.values, **self.spec.histories[history].values}


@lru_cache(maxsize=256)
def _digest(path: Path, modified: int, size: int) -> str:
    """Hash a file's content; read again only when the file has changed."""
    del modified, size
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _fields(value: Any, name: str = "") -> dict[str, str]:
    """Return every number and word of a spec by its dotted name, as programs take it."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        inner = (_fields(part, f"{name}.{key}" if name else str(key)) for key, part in parts)
        return {key: text for found in inner for key, text in found.items()}
    return {} if value is None else {name: _text(value)}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
