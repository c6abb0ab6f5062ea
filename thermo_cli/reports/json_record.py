"""The report as JSON: verdict.json as it is."""

import json
from collections.abc import Sequence
from importlib.resources import files

from thermo_cli.equilibrium.criteria import CRITERIA, asked_of
from thermo_cli.reports.sweep_view import View, alone


def text(views: Sequence[View]) -> str:
    """Write what verdict.json says; of several runs as an array."""
    records = [json.dumps(view.record, indent=1, allow_nan=False, ensure_ascii=False) for view in alone(views)]
    return records[0] + "\n" if len(records) == 1 else "[" + ",\n".join(records) + "]\n"


def json_schema() -> str:
    """Return the JSON Schema of verdict.json and of this format; which criteria there are, the court says."""
    schema = json.loads(files("thermo_cli.reports").joinpath("verdict.schema.json").read_text(encoding="utf-8"))
    names = [criterion.name for criterion in CRITERIA]
    decided = schema["$defs"]["decided"]["properties"]
    schema["$defs"]["criterion"]["enum"] = [criterion.name for criterion in asked_of(True)]
    decided["outcomes"]["required"] = names
    decided["criteria"]["allOf"] = [{"contains": {"properties": {"criterion": {"const": name}}}} for name in names]
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
