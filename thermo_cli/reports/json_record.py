"""The report as JSON: verdict.json as it is."""

import json
from collections.abc import Sequence
from importlib.resources import files

from thermo_cli.reports.sweep_view import View


def text(views: Sequence[View]) -> str:
    """Write what verdict.json says; of several runs as an array.

    Args:
        views: Runs and sweeps.
    """
    records = [json.dumps(view.record, indent=1, allow_nan=False, ensure_ascii=False) for view in views]
    return records[0] + "\n" if len(records) == 1 else "[" + ",\n".join(records) + "]\n"


def json_schema() -> str:
    """Return the JSON Schema of verdict.json and of this format."""
    return files("thermo_cli.reports").joinpath("verdict.schema.json").read_text(encoding="utf-8")
