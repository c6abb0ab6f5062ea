"""trainer_state.json, as the Trainer of Hugging Face's transformers keeps it beside each checkpoint.

Its `log_history` mixes entries of training, of evaluation and one summary at the end, each an object with its step.
"""

import json
from pathlib import Path
from typing import Any

from thermo_cli.data.table import Table, text_of
from thermo_cli.errors import DataError

REMEDY = "let the training write it to its end, or leave it out"


def read(file: Path, data: bytes) -> Table:
    """Return the entries of the log as a table, None where one lacks a name.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: It is not whole, or no such file.
    """
    try:
        content = json.loads(text_of(file, data))
    except (ValueError, RecursionError) as error:
        raise DataError("the file is not whole JSON", received=str(error), remedy=REMEDY, where=str(file)) from None
    entries = content.get("log_history") if isinstance(content, dict) else None
    if not entries or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(
            "there is no log_history with entries", received=_outline(content), remedy=REMEDY, where=str(file)
        )
    names = dict.fromkeys(name for entry in entries for name in entry)
    columns = {name: [_plain(entry.get(name)) for entry in entries] for name in names}
    return Table(file, columns, range(1, len(entries) + 1), "log_history entry ")


def _outline(content: Any) -> str:
    return "keys: " + ", ".join(list(content)[:10]) if isinstance(content, dict) else str(content)[:80]


def _plain(value: Any) -> Any:
    """Return a value as a cell of a table: what holds others is text."""
    return json.dumps(value) if isinstance(value, dict | list) else value
