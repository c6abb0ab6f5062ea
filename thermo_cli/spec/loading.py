"""From a YAML file and overrides to a validated spec, from there to its resolved form and back, and to a run's identity."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from thermo_cli.errors import DataError, SpecError, ThermoError
from thermo_cli.spec import yaml_source
from thermo_cli.spec.overrides import apply_overrides
from thermo_cli.spec.schema import Spec
from thermo_cli.spec.sweeping import points_of
from thermo_cli.spec.validation import validate
from thermo_cli.spec.yaml_source import Source


@dataclass(frozen=True)
class SpecFile:
    """A spec as it was given; the file is read once.

    Attributes:
        spec: With every default filled in.
        text: Of the file.
        folder: Where relative paths start.
        source: Where everything stands in it.
        path: The file; None of a mapping.
        overrides: What was set beside it.
    """

    spec: Spec
    text: str
    folder: Path
    source: Source
    path: Path | None = None
    overrides: tuple[str, ...] = ()

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Give errors that name a field of the spec its place in the file.

        Raises:
            ThermoError: As it was raised, with the place.
        """
        try:
            yield
        except ThermoError as error:
            whose = isinstance(error, SpecError | DataError)
            raise error.renamed(self._place if whose else self._field) from error.__cause__
        except MemoryError as error:
            raise SpecError(
                "what the spec asks for does not fit into memory",
                received=str(error) or None,
                remedy="make data, system or ensemble smaller, or run where there is more memory",
                where=self.source.where(()),
            ) from None

    def _place(self, where: str) -> str:
        """Return the place of what is wrong with the spec or its data: a line in any case, where there is a file."""
        if self.spec.data is not None and where == self.spec.data.use:
            return f"{self.source.field('data.use')}: {where}"
        return self._field(where) or (self.source.where(()) if self.path is not None else "")

    def _field(self, where: str) -> str:
        return self.source.field(where) if re.split(r"[.\[,]", where)[0] in Spec.model_fields else where


def open_spec(path: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> SpecFile:
    """Read and validate a spec, and keep what was read.

    Args:
        path: The YAML file, or the same as a mapping, whose relative paths start in the working directory.
        overrides: `key.sub=value` assignments, applied in order and validated like the file.

    Raises:
        SpecError: Anything in it is missing, misspelled, of a wrong type or impossible.
    """
    if isinstance(path, Mapping):
        given, folder, place = yaml_source.of_mapping(path), Path.cwd(), None
        text = _dumped(given.value)
    else:
        place = Path(path).resolve()
        text, folder = yaml_source.read_text(Path(path)), place.parent
        given = yaml_source.parse(text, str(path))
    source = apply_overrides(given, overrides)
    file = SpecFile(validate(source), text, folder, source, place, tuple(overrides))
    with file.placed():
        points_of(file.spec)
    return file


def load_spec(path: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Spec:
    """Read and validate a spec.

    Args:
        path: The YAML file, or the same as a mapping.
        overrides: `key.sub=value` assignments, applied in order and validated like the file.

    Returns:
        The spec with every default filled in.

    Raises:
        SpecError: Anything in it is missing, misspelled, of a wrong type or impossible.
    """
    return open_spec(path, overrides).spec


def to_yaml(spec: Spec) -> str:
    """Write a spec out with every default, in the order of the schema.

    Args:
        spec: A validated spec.
    """
    return _dumped(spec.model_dump(mode="json"))


def _dumped(content: Mapping[str, Any]) -> str:
    text: str = yaml.dump(content, Dumper=yaml_source.Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def from_resolved(text: str, label: str) -> Spec:
    """Read a resolved spec back, one of an older version too.

    A resolved spec has every field, so what is missing did not exist when it was written; a default that adds replicas must not
    be added to a run that was made without them. Until 0.5 it also said how wide shards are.

    Args:
        text: What `to_yaml` wrote.
        label: Its path, for messages.
    """
    source = yaml_source.parse(text, label)
    ensemble = source.value.get("ensemble") if isinstance(source.value, dict) else None
    if isinstance(ensemble, dict):
        ensemble.setdefault("controls", {"same_bath": 0, "twin": 0})
        ensemble.pop("shard", None)
    return validate(source)


def identity(spec: Spec, data_fingerprint: str, device: str) -> str:
    """Hash everything that decides the numbers of a replica at a step into eight hexadecimal digits.

    How many replicas there are, and how long they are trained beyond `steps.from`, may change: a run can grow.

    Args:
        spec: The resolved spec; `equilibrium`, `description`, numbers of replicas and what limits a process do not count.
        data_fingerprint: Hash of the examples.
        device: Kind of device.
    """
    content = spec.model_dump(mode="json", exclude={"equilibrium", "description"})
    for count in ("replicas", "controls"):
        del content["ensemble"][count]
    if not content["ensemble"]["mixed_workers"]:  # older runs do not say it
        del content["ensemble"]["mixed_workers"]
    content["dynamics"] = spec.traits.deciding(content["dynamics"])
    canonical = json.dumps([content, data_fingerprint, device], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def deciding_order(spec: Spec) -> dict[str, list[str]]:
    """Return the names whose order decides numbers and stands in no identity: a run keeps the order that it was begun with.

    The first history's replicas have partners, and disjoint parts of the pool go from history to history; the last swept field
    varies fastest; energies are summed in their order.

    Args:
        spec: The resolved spec.
    """
    energy = getattr(spec.dynamics, "energy", None)
    return {
        "histories": list(spec.histories)[: None if spec.ensemble.subsample.disjoint else 1],
        "sweep": list(spec.sweep),
        "dynamics.energy.terms": list(energy.terms) if energy is not None else [],
    }


def json_schema() -> str:
    """Return the JSON Schema of a spec, for editors."""
    schema = Spec.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "thermo spec", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
