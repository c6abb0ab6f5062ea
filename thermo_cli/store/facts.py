"""What is known of a run beside its arrays: the manifest, the resolved spec and the facts found before training, each sealed.

    facts = RunFacts(path)
    facts.manifest["data"], facts.identity, facts.resolved_text        # each as it was written, or DamagedError
    facts.write_facts("source.json", {...})                            # with its checksum

The manifest says of itself, of the resolved spec and of the verdict what they held when they were written.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from thermo_cli.errors import DamagedError, StoreError
from thermo_cli.store import version_1
from thermo_cli.store.files import MEND, SCHEMA_VERSION, seal, write_text

SEALED: Final = re.compile(r"# sha256 ([0-9a-f]{64}) of the lines below in run \w+\n")
VERDICT: Final = "verdict.json"
LARGEST: Final = 2**28  # bytes of a text file; a verdict of a thousand points has fewer


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class Look(_Strict):
    """What a look at an ensemble took."""

    point: int
    look: int
    replicas: int
    steps: int
    seconds: float


class Asked(_Strict):
    """What was last asked for."""

    spec: str | None
    overrides: list[str]
    allow: list[str]


class Work(_Strict):
    """How long so much training took."""

    replica_steps: int
    seconds: float


class Git(_Strict):
    """Where the folder of the spec was under version control."""

    revision: str
    dirty: bool


class Manifest(_Strict):
    """What every manifest holds, and what those of this version hold besides."""

    data: dict[str, Any]
    data_fingerprint: str
    packages: dict[str, Any]
    hardware: dict[str, Any]
    run: str = ""
    created: str = ""
    python: str = ""
    points: list[dict[str, Any]] = Field(default_factory=list)
    looks: list[Look] = Field(default_factory=list)
    required: list[list[str]] = Field(default_factory=list)
    asked: Asked | None = None
    work: Work | None = None
    git: Git | None = None
    verdict: str = ""


class RunFacts:
    """The files of a run that say what it is.

    Args:
        path: `results/<name>-<hash>`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def manifest(self) -> dict[str, Any]:
        """Versions, hardware, facts and fingerprint of the data."""
        return self._manifest()

    def _manifest(self) -> dict[str, Any]:
        content = self.read_json("manifest.json")
        try:
            Manifest.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            raise DamagedError(
                "the manifest of the run is not whole",
                received=f"{self.path / 'manifest.json'}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
                remedy=MEND,
            ) from None
        return content

    @cached_property
    def identity(self) -> str:
        """The eight digits that the run's files know it by, whatever the folder is called."""
        return str(self.manifest.get("run") or version_1.identity_of(self.manifest))

    @cached_property
    def old(self) -> bool:
        """Whether version 0.5 made the run."""
        return version_1.is_old(self.read_json("manifest.json"))

    @property
    def resolved_text(self) -> str:
        """The resolved spec as it stands in the folder, without its checksum.

        Raises:
            DamagedError: It is not what was written.
        """
        text = self._text("resolved.yaml")
        sealed = SEALED.match(text)
        older = sealed is None and '"sha256"' not in self._text("manifest.json")  # neither has a checksum
        if older and (not self.old or version_1.is_whole(text)):
            return text
        if sealed is None or _seal_of(self.identity, text[sealed.end() :]) != sealed[1]:
            raise DamagedError(
                "the resolved spec of the run was edited, is damaged, or belongs elsewhere",
                received=str(self.path / "resolved.yaml"),
                remedy=MEND,
            )
        return text[sealed.end() :]

    @property
    def pace(self) -> float | None:
        """Replica-steps that were trained in a second, by all workers together; None where that was not measured."""
        work = self._manifest().get("work")
        return (
            work["replica_steps"] / work["seconds"] if work and work["seconds"] > 0 and work["replica_steps"] else None
        )

    def rehearsal(self) -> dict[str, Any]:
        """Return what was found out before training, or nothing where nothing was tried."""
        return self.read_json("rehearsal.json") if (self.path / "rehearsal.json").exists() else {}

    def source(self) -> dict[str, Any] | None:
        """Return what is known of features that stay on disk (`Dataset.source`), or None where there are none."""
        return self.read_json("source.json")["source"] if (self.path / "source.json").exists() else None

    def read_json(self, name: str, newest: int = SCHEMA_VERSION) -> dict[str, Any]:
        """Read one of the run's JSON files.

        Args:
            name: Its name in the folder.
            newest: The newest schema of it that is known.

        Raises:
            StoreError: It is missing, or of a newer version.
            DamagedError: It is not what was written.
        """
        path = self.path / name
        try:
            content = json.loads(self._text(name))
        except (ValueError, RecursionError) as error:
            raise DamagedError(
                "a file of the run is not valid JSON", received=f"{path}: {error}", remedy=MEND
            ) from None
        if not isinstance(content, dict):
            raise DamagedError("a file of the run is no mapping", received=str(path), remedy=MEND)
        version = content.get("schema_version", 0)
        if not isinstance(version, int) or version > newest:
            raise StoreError(
                "this file was written by another version of thermo", received=str(path), remedy="use that version"
            )
        sealed = content.pop("sha256", None)
        if sealed is not None and sealed != seal(content):  # an older version wrote none
            raise DamagedError("the file's content does not match its checksum", received=str(path), remedy=MEND)
        return content

    def write_facts(self, name: str, content: dict[str, Any]) -> None:
        """Write one of the files that say what a run is, with its checksum.

        Args:
            name: Its name in the folder.
            content: What goes in.
        """
        self.write_json(name, content | {"sha256": seal(content)})

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write one of the run's JSON files.

        Args:
            name: Its name in the folder.
            content: What goes in; NaN and infinities are refused.
        """
        self._refuse_link((self.path / name).parent)
        (self.path / name).parent.mkdir(exist_ok=True)
        write_text(self.path / name, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")

    def write_resolved(self, resolved: str) -> None:
        """Keep the resolved spec, bound to the run.

        Args:
            resolved: As YAML.
        """
        head = f"# sha256 {_seal_of(self.identity, resolved)} of the lines below in run {self.identity}\n"
        write_text(self.path / "resolved.yaml", head + resolved)

    def verdict(self, newest: int) -> dict[str, Any]:
        """Return the verdict that was stored last.

        Args:
            newest: The newest schema of it that is known.

        Raises:
            StoreError: There is none.
            DamagedError: It is not what was written.
        """
        content, known = self.read_json(VERDICT, newest), self.read_json("manifest.json").get("verdict")
        if known is not None and known != seal(content):  # an older version noted none
            raise DamagedError("verdict.json is not what was written", received=str(self.path / VERDICT), remedy=MEND)
        return content

    def write_verdict(self, content: dict[str, Any]) -> None:
        """Keep a verdict, and its checksum in the manifest.

        Args:
            content: What goes in.
        """
        self.write_json(VERDICT, content)
        manifest = self._manifest()
        if not self.old and manifest.get("verdict") != seal(content):  # whose manifest is its identity
            self.write_facts("manifest.json", manifest | {"verdict": seal(content)})

    def write_source(self, source: Mapping[str, Any]) -> None:
        """Keep what spares workers to read features on disk whole: size, time of the last change, hash, spread.

        Args:
            source: `Dataset.source`.
        """
        self.write_facts("source.json", {"schema_version": SCHEMA_VERSION, "source": dict(source)})

    def write_rehearsal(self, idle: Sequence[str], unseeded: bool) -> None:
        """Keep what was found out before training, and what is judged has to know.

        Args:
            idle: Sources of randomness that changed nothing.
            unseeded: Whether something varies that no source decides.
        """
        self.write_facts("rehearsal.json", {"schema_version": SCHEMA_VERSION, "idle": list(idle), "unseeded": unseeded})

    def note_looks(self, looks: Sequence[Mapping[str, Any]], required: Sequence[Sequence[str]]) -> None:
        """Keep in the manifest what was looked at, and what ends an ensemble that grows; neither is part of what is judged.

        Args:
            looks: Point, number (0 where nothing grows), replicas, steps and seconds of each; known ones stay as they are.
            required: What the gate asks for; empty for no gate.
        """
        content = self._manifest()
        kept, size = list(content.get("looks", ())), ("point", "look", "replicas", "steps")
        stored = [[look[key] for key in size] for look in kept]
        kept += [dict(look) for look in looks if [look[key] for key in size] not in stored]
        changed = content | {"looks": kept, "required": [list(words) for words in required]}
        if changed != content:
            self.write_facts("manifest.json", changed)

    def note_asked(self, spec: Path | None, overrides: Sequence[str], allow: Sequence[str]) -> None:
        """Keep in the manifest what was last asked for, so that advice can be typed; it is no part of the run.

        Args:
            spec: The spec's file; None where it was none.
            overrides: What was set beside it.
            allow: What it was allowed to run.
        """
        content = self._manifest()
        place = None if spec is None else os.path.relpath(spec, self.path.resolve())
        asked = {"spec": place, "overrides": list(overrides), "allow": list(allow)}
        if content.get("asked") != asked and not self.old:  # whose manifest is its identity
            self.write_facts("manifest.json", content | {"asked": asked})

    def add_work(self, replica_steps: int, seconds: float) -> None:
        """Keep how long so much training took, beside what was kept before."""
        if self.old:  # its manifest is its identity
            return
        before = self._manifest()
        past = before.get("work", {"replica_steps": 0, "seconds": 0.0})
        work = {
            "replica_steps": past["replica_steps"] + replica_steps,
            "seconds": round(past["seconds"] + seconds, 3),
        }
        self.write_facts("manifest.json", before | {"work": work})

    def _text(self, name: str) -> str:
        path = self.path / name
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise DamagedError("this is no file", received=str(path), remedy=MEND)
        try:
            if path.stat().st_size > LARGEST:  # a hole takes no place on disk, and all of it in memory
                raise DamagedError(
                    "a file of the run is too large", received=f"{path}: {path.stat().st_size:,} bytes", remedy=MEND
                )
            return path.read_text()
        except OSError as error:
            raise StoreError(
                "this is not a whole run folder",
                received=f"{path}: {error.strerror}",
                remedy="name a folder that thermo-run wrote",
            ) from None
        except UnicodeDecodeError as error:
            raise DamagedError("a file of the run is no text", received=f"{path}: {error}", remedy=MEND) from None

    def refuse_links(self) -> None:
        """Refuse a run in which anything leads out of it: whoever handed it on would have files written elsewhere.

        What scripts have left in their own folders is theirs, and nothing is written there.

        Raises:
            StoreError: There is a link.
        """
        for place, folders, files in os.walk(self.path):
            for name in (*folders, *files):
                self._refuse_link(Path(place, name))
            folders[:] = [name for name in folders if name not in ("outputs", "output")]

    def _refuse_link(self, path: Path) -> None:
        if path.is_symlink():
            raise StoreError(
                "a part of the run is a link",
                received=f"{path}, a link to {path.resolve()}",
                remedy="put the file or folder itself in its place; a results folder may be a link",
            )


def _seal_of(identity: str, text: str) -> str:
    """Return the checksum of a text that belongs to one run."""
    return hashlib.sha256(f"{identity}\n{text}".encode()).hexdigest()
