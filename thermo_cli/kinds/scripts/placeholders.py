"""Placeholders in braces, `{seed}`, in the arguments of a command; a literal brace is doubled."""

import re
from collections.abc import Mapping
from typing import Final

from thermo_cli.rng import StreamName

SEEDS: Final[dict[str, StreamName]] = {  # what a command is told of its streams, by placeholder
    "seed": "init",
    "subsample": "subsample",
    "order_seed": "order",
    "noise_seed": "noise",
}
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
