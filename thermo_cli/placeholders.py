"""What a script or a function can be told: `{seed}` among the arguments of a command, `seed` among those of a function.

In a command a literal brace is doubled.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from thermo_cli.rng import StreamName


class Placeholder(NamedTuple):
    """Something that differs between replicas, or that they must know.

    Attributes:
        kind: Its type.
        meaning: In a few words.
        stream: The source of randomness that it tells of, if it does.
    """

    kind: str
    meaning: str
    stream: StreamName | None = None


PLACEHOLDERS: Final[dict[str, Placeholder]] = {
    "seed": Placeholder("integer below 2^31", "seed of the initial parameters, or of everything", "init"),
    "order_seed": Placeholder("integer below 2^31", "seed of the mini-batches", "order"),
    "noise_seed": Placeholder("integer below 2^31", "seed of everything else", "noise"),
    "subsample": Placeholder("file", "the replica's examples, one index below `pool` a line", "subsample"),
    "output": Placeholder("folder", "empty, for logs and parameters-<step>.safetensors"),
    "steps": Placeholder("integer", "T, the training time; less in a rehearsal or a smaller budget"),
    "history": Placeholder("text", "name of the replica's history"),
    "replica": Placeholder("integer", "number of the replica in its history, from 0"),
    "init_scale": Placeholder("number", "the history's factor for the initial parameters"),
}
SEEDS: Final[dict[str, StreamName]] = {name: one.stream for name, one in PLACEHOLDERS.items() if one.stream is not None}
OTHERS: Final = "names of system.with.values, and dotted fields of the spec such as {dynamics.steps}"
_BRACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names in braces, in order.

    Raises:
        ValueError: A brace is neither doubled nor part of a placeholder.
    """
    names = []
    for match in _BRACE.finditer(text):
        if match[0] in ("{", "}"):
            raise ValueError(f"{text!r} has a single brace: write {{{{ or }}}} for one that belongs to no placeholder")
        if match[1] is not None:
            names.append(match[1].strip())
    return tuple(names)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return an argument with its placeholders replaced.

    Args:
        values: Name to what stands there instead.
    """
    return _BRACE.sub(lambda match: match[0][0] if match[1] is None else values[match[1].strip()], text)
