"""`--set key.sub=value`: fields of a spec given on the command line, read as YAML scalars or flow collections."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

from thermo_cli.errors import SpecError, raise_all
from thermo_cli.spec import yaml_source
from thermo_cli.spec.yaml_source import Location, Source


def apply_overrides(source: Source, overrides: Sequence[str]) -> Source:
    """Return the document with the assignments applied; errors in them point at `--set`.

    Args:
        overrides: Assignments such as `dynamics.with.lr=0.3` or `system.with.hidden=[64, 64]`.

    Raises:
        SpecError: An assignment has no `=`, an empty key, or leads through something that is not a mapping.
    """
    if not overrides or not isinstance(source.value, dict):
        return source
    value = copy.deepcopy(source.value)
    given: dict[Location, str] = {}
    for override in overrides:
        label = f"--set {override}"
        keys, equals, text = override.partition("=")
        path = tuple(key.strip() for key in keys.split("."))
        if not equals or not all(path):
            raise SpecError(
                "an override is key.sub=value", received=override, remedy="for example --set dynamics.with.lr=0.3"
            )
        new = yaml_source.parse(text, label) if text.strip() else Source(label, None)
        raise_all(new.errors)
        assign(value, path, new.value, label)
        given[path] = label
    return dataclasses.replace(source, value=value, overrides=given)


def assign(value: dict[str, Any], path: tuple[str, ...], new: Any, label: str) -> None:
    """Set one field of a document, in place; mappings on the way are made where there are none.

    Args:
        path: Keys from the root.
        label: Where it comes from, for messages.

    Raises:
        SpecError: The way leads through something that is not a mapping.
    """
    for position, key in enumerate(path[:-1]):
        if isinstance(value.get(key), float) and path[: position + 1] == ("ensemble", "subsample"):
            value[key] = {"fraction": value[key]}  # the share alone
        child = value.setdefault(key, {})
        if not isinstance(child, dict):
            inside = ".".join(path[: position + 1])
            raise SpecError(f"{inside} is not a mapping, so nothing can be set inside it", received=child, where=label)
        value = child
    value[path[-1]] = new
