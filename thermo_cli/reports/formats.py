"""The formats of a report: a record for each, from which the choices of `--format`, its help and the tests follow.

A format is a file with `text(views)`, which draws views as one text, and a line here.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # what reads options waits for no arrays
    from thermo_cli.reports.sweep_view import View


@dataclass(frozen=True)
class Writer:
    """What draws a report.

    Attributes:
        function: Where it is, `module:function`.
        suffix: Of a file that holds it.
        media: Its media type.
        single: Whether it holds one run or sweep alone.
        details: Whether it is short unless every row and table is asked for.
    """

    function: str
    suffix: str
    media: str
    single: bool = False
    details: bool = False


FORMATS: Final = {
    "terminal": Writer("thermo_cli.reports.terminal:text", ".txt", "text/plain", details=True),
    "markdown": Writer("thermo_cli.reports.markdown:text", ".md", "text/markdown"),
    "html": Writer("thermo_cli.reports.html:text", ".html", "text/html", single=True),
    "json": Writer("thermo_cli.reports.json_record:text", ".json", "application/json"),
    "junit": Writer("thermo_cli.reports.junit:text", ".xml", "application/xml"),
    "csv": Writer("thermo_cli.reports.csv_rows:text", ".csv", "text/csv"),
}


def rendered(format: str, views: "Sequence[View]", details: bool = False) -> str:
    """Draw views, imported only now: what one format needs, another does not wait for.

    Args:
        details: Whether every row and table is drawn by formats that are short otherwise.
    """
    writer = FORMATS[format]
    module, name = writer.function.split(":")
    text: Callable[..., str] = getattr(importlib.import_module(module), name)
    return text(views, details=details) if writer.details else text(views)
