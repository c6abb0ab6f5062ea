"""The formats of a report: each draws views as one text."""

import importlib
from collections.abc import Callable, Sequence
from typing import Final

from thermo_cli.reports.points import View

FORMATS: Final = {
    "terminal": "thermo_cli.reports.terminal:text",
    "markdown": "thermo_cli.reports.markdown:text",
    "html": "thermo_cli.reports.html:text",
    "json": "thermo_cli.reports.json_record:text",
    "junit": "thermo_cli.reports.junit:text",
    "csv": "thermo_cli.reports.csv_rows:text",
}


def rendered(format: str, views: Sequence[View]) -> str:
    """Draw views, imported only now: what one format needs, another does not wait for.

    Args:
        format: One of `FORMATS`.
        views: Runs and sweeps.
    """
    module, name = FORMATS[format].split(":")
    text: Callable[[Sequence[View]], str] = getattr(importlib.import_module(module), name)
    return text(views)
