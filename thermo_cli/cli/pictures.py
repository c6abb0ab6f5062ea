"""Reports that are files: the page in the run folder, and charts as pictures."""

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thermo_cli.characters import visible
from thermo_cli.cli.boundary import complain, made

PAGE = "report.html"
FAILURE = "report.error.txt"


def write_page(view: Any, folder: Path) -> Path | None:
    """Write the HTML report into a run folder; if that fails, say so and keep the traceback, for the verdict stands without it.

    Returns:
        Where it is; None where it could not be written.
    """
    from thermo_cli.reports.formats import rendered
    from thermo_cli.store.files import write_text

    try:
        write_text(folder / PAGE, rendered("html", [view]))
        (folder / FAILURE).unlink(missing_ok=True)
        return folder / PAGE
    except Exception as error:  # noqa: BLE001 - a run that took days is not lost for the sake of its report
        complain(f"the HTML report could not be written ({visible(str(error))}); see {folder / FAILURE}")
        try:
            (folder / FAILURE).write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
        except OSError as reason:
            complain(f"nor could its traceback be kept: {reason}")
    return None


def write_pictures(views: Sequence[Any], folder: Path) -> None:
    """Write every chart as SVG and PNG, of several runs into a folder for each.

    Args:
        folder: Where to; it is made.

    Raises:
        UsageError: It cannot be made.
        StoreError: A file cannot be written.
    """
    from thermo_cli.reports.figures import images
    from thermo_cli.store.files import write_bytes

    for view in views:
        target = made(folder if len(views) == 1 else folder / view.title, "figures", "--figures")
        for name, content in images(view):
            write_bytes(target / name, content)
