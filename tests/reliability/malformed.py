"""Malformed specs without end: drawn from the schema, or an experiment of this repository with something wrong in it.

malformed(random.Random("1/4711"))      # the same bytes from the same generator
"""

import copy
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from thermo_cli.spec import json_schema
from thermo_cli.spec.yaml_source import Dumper

EXPERIMENTS: Final = Path(__file__).resolve().parents[2] / "experiments"


class Raw(str):
    """YAML as it is written, whatever it may be."""


DIGITS: Final = "9" * 5000
WRONG: Final = tuple(
    map(
        Raw,
        (
            *("null", "true", "''", '""', "[]", "{}", "[[]]", "[{}]", "{'': ''}", "{a: {b: [c]}}", "[1, a, null]"),
            *(
                "0",
                "-1",
                "1",
                "1.5",
                "-0.0",
                "1e-300",
                "1e300",
                "-1e300",
                "1e400",
                "-1e400",
                "1e15",
                "1e5000",
                "1e-5000",
            ),
            *(
                "1000000",
                "1000000000",
                "999999999999999",
                "9223372036854775808",
                "18446744073709551616",
                "-9223372036854775809",
            ),
            *(DIGITS, f"-{DIGITS}", f"0.{DIGITS}", f"1{DIGITS}.5", f"'{DIGITS}'", f"[{DIGITS}]", f"{DIGITS}e{DIGITS}"),
            *(
                "nan",
                ".nan",
                "inf",
                "-.inf",
                "'nan'",
                "yes",
                "010",
                "0x10",
                "1_000",
                "12:30",
                "2020-01-01",
                "'1'",
                "'1e-3'",
            ),
            *(
                r'"\0"',
                r'"\e[31mred"',
                r'"\u202e"',
                r'"\ud800"',
                r'"a\nb"',
                '"\t"',
                "é",
                "😀",
                "'" + "x" * 100_000 + "'",
            ),
            *(
                "&a 1",
                "*a",
                "!!python/object/apply:os.system [id]",
                "!!int 3",
                "!x {}",
                "!!binary aGk=",
                "? 1",
                "@x",
                "`x`",
            ),
            *("- 1", "%", "|", ">-", "x: y", "#", "{", "}", "[", "]", "'", '"', ",", "<<", "=", "-", "?", ":", "!"),
            *(
                "../../etc/passwd",
                "/dev/zero",
                "/proc/self/environ",
                "~",
                "$HOME",
                "os:system",
                "builtins:eval",
                "a..b:c",
            ),
            *(
                "torch.nn:Linear",
                "torch.optim:LBFGS",
                "torch:zeros",
                "sklearn.svm:SVC",
                "sklearn.nope:X",
                "sklearn:__path__",
            ),
            *(
                "sklearn.ensemble:RandomForestClassifier",
                "sklearn.datasets:make_blobs",
                "sklearn.utils:Bunch",
                "':'",
                "'a:'",
            ),
            *(
                "[" * 39 + "]" * 39,
                "[" * 60 + "]" * 60,
                "[" * 3000,
                "{a: " * 30 + "1" + "}" * 30,
                "[" + "1," * 5000 + "]",
            ),
            *(
                "{use: sgd}",
                "{use: step}",
                "{from: 1, to: 2}",
                "{from: 2, to: 1000000000}",
                "{fraction: 1}",
                "{at_least: 1}",
            ),
        ),
    )
)
KEYS: Final = (
    "",
    " ",
    "1",
    "null",
    "true",
    "<<",
    "a.b",
    "a[0]",
    "[0]",
    "use ",
    "with",
    "arguments",
    "first",
    "__class__",
    "\0",
)
KEYS_TOO: Final = (
    "é",
    "yes",
    "\u202e",
    "x" * 3000,
    "use",
    "from",
    "model_config",
    "dynamics.with.lr",
    "test_accuracy",
    "a: b",
)


def malformed(draw: random.Random) -> bytes:
    """Return a spec that is, most likely, none.

    Args:
        draw: Decides all of it.
    """
    text = _written(_of_schema(draw) if draw.random() < 0.4 else _mutated(draw), draw)
    return _spoiled(text, draw) if draw.random() < 0.4 else text.encode("utf-8", "surrogatepass")


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(json_schema())
    return schema


@cache
def _experiments() -> tuple[Any, ...]:
    return tuple(yaml.safe_load(path.read_text()) for path in sorted(EXPERIMENTS.rglob("*.yaml")))


def _of_schema(draw: random.Random) -> Any:
    """Return a document as the schema has it, each part of it wrong with a chance of its own."""
    return _value(_schema(), draw, draw.choice([0.0, 0.02, 0.1, 0.3]))


def _value(schema: dict[str, Any], draw: random.Random, wrong: float) -> Any:
    """Draw a value of a schema."""
    if draw.random() < wrong:
        return draw.choice(WRONG)
    if "$ref" in schema:
        return _value(_schema()["$defs"][schema["$ref"].rpartition("/")[2]], draw, wrong)
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return _value(draw.choice(schema[several]), draw, wrong)
    if "const" in schema or "enum" in schema:
        return draw.choice(schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "")
    if kind == "object" or "properties" in schema:
        return _object(schema, draw, wrong)
    if kind == "array":
        return [_value(schema.get("items", {}), draw, wrong) for _ in range(draw.choice([0, 1, 1, 2, 3, 8]))]
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", -5))
        high = schema.get("maximum", schema.get("exclusiveMaximum", 10**12))
        between = draw.uniform(low, min(high, low + 50))
        return draw.choice([low, high, *[round(between) if kind == "integer" else between] * 6])
    if kind == "boolean":
        return draw.random() < 0.5
    if kind == "null":
        return None
    return draw.choice(
        [*WRONG, "x", "cold", "test_accuracy", "sklearn.svm:SVC", "torch.optim:Adam", "own_module:Net", "small.csv"]
    )


def _object(schema: dict[str, Any], draw: random.Random, wrong: float) -> dict[str, Any]:
    """Draw a mapping: what is required and some of the rest."""
    required = schema.get("required", ())
    made = {
        key: _value(part, draw, wrong)
        for key, part in schema.get("properties", {}).items()
        if draw.random() < (1 - wrong / 2 if key in required else 0.3)
    }
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict | bool):
        part = schema["additionalProperties"]
        names = ["cold", "test_accuracy", "dynamics.with.lr", "lr", *KEYS, *KEYS_TOO]
        for _ in range(draw.choice([0, 1, 2]) if part else 0):
            made[draw.choice(names)] = _value(part if isinstance(part, dict) else {}, draw, wrong)
    if draw.random() < wrong:
        made[draw.choice([*KEYS, *KEYS_TOO])] = draw.choice(WRONG)
    return made


def _mutated(draw: random.Random) -> Any:
    """Return an experiment with one thing wrong in it, or a few."""
    document = copy.deepcopy(draw.choice(_experiments()))
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        mapping = draw.choice(list(_mappings(document)))
        if mapping:
            draw.choice(MUTATIONS)(mapping, draw.choice(list(mapping)), draw)
    return document


def _mappings(document: Any) -> Iterator[dict[str, Any]]:
    """Give every mapping of a document."""
    if isinstance(document, dict):
        yield document
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _mappings(value)


def _drop(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    del mapping[key]


def _retype(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    value = mapping[key]
    others = [str(value), [value], {"use": value}, {key: value}, None, True, -1, 0.5, [], {}, value == value]
    mapping[key] = copy.deepcopy(draw.choice(others))


def _replace(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    mapping[key] = draw.choice(WRONG)


def _scale(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    value = mapping[key]
    if isinstance(value, int | float):
        mapping[key] = draw.choice([-value, value * 1000, value * 10**9, value / 7, 0, value * 10**30])
    elif isinstance(value, list):
        mapping[key] = [copy.deepcopy(part) for part in value * draw.choice([0, 2, 50])]


def _rename(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    name = draw.choice([key[:-1], key + "s", key.upper(), key[::-1], *KEYS, *KEYS_TOO])
    mapping[name] = mapping.pop(key)


def _swap(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    other = draw.choice(list(mapping))
    mapping[key], mapping[other] = mapping[other], mapping[key]


def _graft(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    """Put a part of another experiment there, under the same key if it has one."""
    others = [other for other in _mappings(draw.choice(_experiments())) if other]
    alike = [other for other in others if key in other]
    other = draw.choice(alike or others)
    mapping[key] = copy.deepcopy(other[key if alike else draw.choice(list(other))])


def _nest(mapping: dict[str, Any], key: str, draw: random.Random) -> None:
    mapping[key] = copy.deepcopy(draw.choice(list(_mappings(draw.choice(_experiments())))))


MUTATIONS: Final[tuple[Callable[[dict[str, Any], str, random.Random], None], ...]] = (
    *(_drop, _retype, _retype, _replace, _replace, _replace, _scale, _scale, _rename, _swap, _graft, _graft, _nest),
)


def _written(document: Any, draw: random.Random) -> str:
    """Write a document with a key a line, the rest as flow."""
    if not isinstance(document, dict) or isinstance(document, Raw):
        return _flow(document)
    lines = [f"{_flow(str(key))}: {_flow(value)}" for key, value in document.items()]
    return "\n".join(lines) + draw.choice(["\n", ""])


def _flow(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(str(key))}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    text: str = yaml.dump(value, Dumper=Dumper, default_flow_style=True, width=10**6, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _spoiled(text: str, draw: random.Random) -> bytes:
    """Spoil the text itself: what an editor, a transfer or an attacker does."""
    data, lines = text.encode("utf-8", "surrogatepass"), text.split("\n")
    place, line = draw.randrange(len(data) + 1), draw.randrange(len(lines))
    other = draw.randrange(len(lines))
    again = "\n".join([*lines[: line + 1], lines[line], *lines[line + 1 :]])
    swapped = [*lines]
    swapped[line], swapped[other] = swapped[other], swapped[line]
    inserted = draw.choice(
        [
            b"\0",
            b"\xff",
            b"\xe9",
            b"\t",
            b"\n",
            b"\r",
            b"\x1b[2J",
            b"\xef\xbb\xbf",
            b"  ",
            b":",
            b"- ",
            b"&a ",
            b"\xc2\x85",
        ]
    )
    return draw.choice(
        [
            data[:place],
            data[:place] + inserted + data[place:],
            data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :],
            again.encode("utf-8", "surrogatepass"),
            "\n".join(swapped).encode("utf-8", "surrogatepass"),
            b"\xef\xbb\xbf" + data,
            text.replace("\n", "\r\n").encode("utf-8", "surrogatepass"),
            text.replace(" ", "\t", draw.choice([1, 5, -1])).encode("utf-8", "surrogatepass"),
            text.encode("utf-16", "surrogatepass"),
            text.encode("latin-1", "replace") + b"\n# \xe9",
            data + b"\n---\n" + data,
            data + b"\n" + b"# much\n" * draw.choice([10, 200_000]),
            data * 2,
            draw.randbytes(200),
            b"",
        ]
    )
