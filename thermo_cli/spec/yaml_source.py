"""YAML with a place for everything: plain values out of a file, and the line and column of each of them.

Only the part of YAML that says what it looks like is read: no anchors, aliases or tags, and the scalars that YAML 1.1 turns
into something else (`no`, `on`, `010`, `12:30`) are answered with "quote it".
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from thermo_cli.errors import SpecError

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 40
MAX_NODES: Final = 100_000
MAX_DIGITS: Final = 308  # of an integer that double precision holds

Location = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: Final = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}
_TRAPS = re.compile(
    r"(?P<word>yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|TRUE|FALSE|Null|NULL)"
    r"|(?P<number>[-+]?(0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*|[0-9]+(:[0-9]+)+|\.?(inf|Inf|INF|nan|NaN|NAN)))"
)


@dataclass(frozen=True)
class Source:
    """A parsed document: its value, where each part of it stands, and what in it can be read in two ways."""

    label: str
    value: Any
    places: dict[Location, tuple[int, int]] = field(default_factory=dict)
    overrides: dict[Location, str] = field(default_factory=dict)
    errors: tuple[SpecError, ...] = ()

    def where(self, location: Location, *, key: bool = False) -> str:
        """Return `file:line:column` of the deepest known part on the way to a location, or the override that set it.

        Args:
            location: Keys and list positions from the root.
            key: Prefer the place of the key itself over that of its value.
        """
        parts = [location[:end] for end in range(len(location), 0, -1)]
        replaced = next((self.overrides[part] for part in parts if part in self.overrides), None)
        if replaced is not None:  # what the file says there counts no more
            return replaced
        for end, part in zip(range(len(location), 0, -1), parts, strict=True):
            named = self.places.get((*part, "\0key")) if key and end == len(location) else None
            place = named or self.places.get(part)
            if place is not None:
                return f"{self.label}:{place[0]}:{place[1]}"
        root = self.places.get(())
        return f"{self.label}:{root[0]}:{root[1]}" if root else self.label

    def field(self, name: str) -> str:
        """Return where a field stands, and its name: `spec.yaml:3:12: system.with.steps[0]`; where the spec begins without one.

        Args:
            name: Keys and list positions, `a.b[0]`; keys may hold dots.
        """
        location = _walked(self.value, name)
        return f"{self.where(location, key=True)}: {name}" if name else self.where(())


def _walked(value: Any, name: str) -> Location:
    """Follow the name of a field through a document, as far as it goes."""
    location: list[str | int] = []
    while name:
        step: str | int | None = None
        if name.startswith("[") and isinstance(value, list):
            number, _, rest = name[1:].partition("]")
            step = int(number) if number.isdigit() and int(number) < len(value) else None
        elif isinstance(value, dict):
            keys = [key for key in value if re.match(re.escape(key) + r"(?=[.\[,]|$)", name)]
            step = max(keys, key=len, default=None)
            rest = name[len(step) :] if step is not None else ""
        if step is None:
            break
        location.append(step)
        value, name = value[step], rest.removeprefix(".")
    return tuple(location)


class _PlainLoader(yaml.SafeLoader):
    """Composes nodes without YAML's implicit types; refuses what a spec never needs."""

    # the loader class's own table of implicit types, emptied: every plain scalar stays text until `_scalar` reads it
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, stream: str, refuse: "Callable[[yaml.Mark, str], SpecError]") -> None:
        super().__init__(stream)
        self.refuse = refuse
        self.depth = 0
        self.nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self.refuse(event.start_mark, "anchors and aliases are not read in a spec; write the value out")
        if getattr(event, "tag", None):
            raise self.refuse(event.start_mark, "tags (!...) are not read in a spec; remove the tag")
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise self.refuse(event.start_mark, f"nested deeper than {MAX_DEPTH} or larger than {MAX_NODES} nodes")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def parse(text: str, label: str) -> Source:
    """Read YAML text into plain values with their places.

    Args:
        label: What to call it in messages, normally the file's path.

    Returns:
        The value (mappings, lists, text, numbers, booleans, None) and the places of its parts; keys that are given twice and
        scalars that are ambiguous are its errors, told with whatever else is wrong with the spec.

    Raises:
        SpecError: The text is not YAML, or uses a part of it that is not read.
    """

    def refuse(mark: yaml.Mark, what: str) -> SpecError:
        return SpecError(what, where=f"{label}:{mark.line + 1}:{mark.column + 1}")

    loader = None
    try:
        loader = _PlainLoader(text, refuse)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{label}:{mark.line + 1}:{mark.column + 1}" if mark else label
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise SpecError(
            f"not valid YAML: {problem}", where=where, remedy="check indentation, colons and quotes here"
        ) from None
    except yaml.reader.ReaderError as error:
        raise SpecError(
            "a character that no YAML file holds",
            received=repr(text[error.position]),
            remedy="take it out, or write it as an escape between double quotes",
            where=_end(text[: error.position], label),
        ) from None
    except (ValueError, OverflowError):  # of an escape or a version that is no number which Python can hold
        where = f"{label}:{loader.line + 1}:{loader.column + 1}" if loader else label
        raise SpecError("not valid YAML: a number is out of range", where=where, remedy="write it out here") from None
    finally:
        if loader:
            loader.dispose()
    if node is None:
        raise SpecError(
            "the spec is empty", where=f"{label}:1:1", remedy="start from `thermo-run --example quickstart`"
        )
    walk = _Walk(label)
    value = walk.read(node, ())
    return Source(label, value, walk.places, errors=tuple(walk.errors))


def of_mapping(value: Mapping[str, Any], label: str = "spec") -> Source:
    """Take a document that exists as Python's mappings, lists and scalars.

    Args:
        value: The document; tuples, paths, and numbers of NumPy are taken for what they hold.
        label: What to call it in messages.

    Raises:
        SpecError: Something in it could not stand in a file.
    """
    return Source(label, _plain(value, (), label))


def _plain(value: Any, location: Location, label: str) -> Any:
    """Return a part of a document as it would have been read."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(part, (*location, key), label) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, (*location, place), label) for place, part in enumerate(value)]
    if isinstance(value, Path):
        return str(value)
    if value is None or type(value) in (bool, int, float, str):
        return value
    scalar = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else None
    if type(scalar) in (bool, int, float, str):
        return scalar
    raise SpecError(
        "a spec holds mappings, lists, text, numbers, true and false",
        received=f"{type(value).__name__}: {value!r}"[:120],
        remedy="name a function or a class, as module:object",
        where=f"{label}: {'.'.join(map(str, location))}" if location else label,
    )


def read_text(path: Path) -> str:
    """Read the text of a spec.

    Args:
        path: The file; at most 1 MiB.

    Raises:
        SpecError: The file is missing, too large, not text, or not a readable spec.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError(
            "there is no such file",
            received=str(path),
            remedy="check the path, or start from `thermo-run --example quickstart`",
        ) from None
    except OSError as error:
        raise SpecError(
            "the spec cannot be read", received=f"{path}: {error.strerror}", remedy="give a readable YAML file"
        ) from None
    if len(data) > MAX_BYTES:
        where = _end(data[:MAX_BYTES].decode("utf-8", "replace"), str(path))
        raise SpecError("the spec is larger than 1 MiB", where=where, remedy="data belongs in files of its own")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = _end(error.object[: error.start].decode(), str(path))
        received = f"byte {error.object[error.start]:#04x}"
        raise SpecError(
            "the spec is not UTF-8 text", received=received, remedy="save it as UTF-8", where=where
        ) from None


def _end(text: str, label: str) -> str:
    """Return the place right after a text, as YAML counts its lines."""
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)
    return f"{label}:{len(lines)}:{len(lines[-1]) + 1}"


class _Walk:
    """Turns a tree of nodes into values, collecting places and errors."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.places: dict[Location, tuple[int, int]] = {}
        self.errors: list[SpecError] = []

    def read(self, node: yaml.Node, location: Location) -> Any:
        self.places[location] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*location, position)) for position, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, "a key must be a word", None)
                continue
            key = self._text(key_node)
            if not getattr(key_node, "style", None) and _TRAPS.fullmatch(key):
                self._refuse(
                    key_node,
                    "this key means different things to different YAML readers",
                    key,
                    f'quote it: "{_short(key)}"',
                )
            if key in result:
                line = self.places[(*location, key, "\0key")][0]
                self._refuse(key_node, f"the key {_short(key)!r} is given twice (first in line {line})", None)
            self.places[(*location, key, "\0key")] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.read(value_node, (*location, key))
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        text = self._text(node)
        if getattr(node, "style", None):
            return text
        trap = _TRAPS.fullmatch(text)
        if trap:
            remedy = (
                f'write true or false, or quote it: "{_short(text)}"'
                if trap["word"]
                else f'write a plain decimal number, or quote it: "{_short(text)}"'
            )
            self._refuse(node, "this means different things to different YAML readers", text, remedy)
            return text
        value = plain_scalar(text)
        if isinstance(value, float) and not math.isfinite(value):
            self._refuse(node, "the number is too large for double precision", text, "write one below 1.7e308")
        return value

    def _text(self, node: yaml.Node) -> str:
        """Return the text of a scalar, which can be written to a file again."""
        text = str(node.value)
        if not text.isprintable() and re.search("[\ud800-\udfff]", text):
            self._refuse(node, "half a surrogate pair is no text", text, "write the character itself")
        return text

    def _refuse(self, node: yaml.Node, what: str, received: str | None, remedy: str = "") -> None:
        where = f"{self.label}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
        self.errors.append(SpecError(what, received=received and _short(received), remedy=remedy, where=where))


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


class Dumper(yaml.SafeDumper):
    """Writes YAML that `read` and `parse` take back: text that would be read as something else is quoted (`nan`, `1e5`)."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Write a text, quoted where that is needed."""
        other = _TRAPS.fullmatch(data) or plain_scalar(data) is not data
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="'" if other else None)


Dumper.add_representer(str, Dumper.represent_str)


def plain_scalar(text: str) -> Any:
    """Read an unquoted scalar: a number if it looks like one (`1e-3` does), true, false, null, else text.

    Args:
        text: The scalar as written.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text.lstrip("+-")) <= MAX_DIGITS else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
