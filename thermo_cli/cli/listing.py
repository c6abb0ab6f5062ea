"""`thermo-report` without a run: the runs that there are, with verdict, age and disk."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from thermo_cli.errors import UNEXPECTED, DamagedError, ThermoError

if TYPE_CHECKING:
    from thermo_cli.store import RunFolder

AGES: Final = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
SIZES: Final = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("B", 1))


def listing(results: Path, as_json: bool) -> str:
    """List the runs of a folder with their stored verdicts, newest first.

    Args:
        results: Where run folders are.
        as_json: An array of objects instead of a table.
    """
    from thermo_cli.store import list_runs

    entries = [_entry(folder) for folder in list_runs(results)]
    if as_json:
        return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
    if not entries:
        return f"no runs in {results}: thermo-run SPEC.yaml makes one\n"
    from rich.table import Table

    from thermo_cli.reports.terminal import drawn

    table = Table(box=None, padding=(0, 2, 0, 0), expand=True)
    table.add_column("run", no_wrap=True, min_width=max(len(entry["run"]) for entry in entries))
    table.add_column("verdict", no_wrap=True, min_width=len("crystallized"))
    table.add_column("age", no_wrap=True, justify="right")
    table.add_column("disk", no_wrap=True, justify="right")
    table.add_column("summary", no_wrap=True, overflow="ellipsis", ratio=1)  # gets what the others leave
    for entry in entries:
        age, disk = rounded(entry["seconds"], AGES), rounded(entry["bytes"], SIZES)
        table.add_row(entry["run"], entry["verdict"] or "-", age, disk, entry["summary"])
    return drawn(table)


def _entry(folder: "RunFolder") -> dict[str, Any]:
    """Say what is known of a run without judging it; a verdict of an older version counts."""
    from thermo_cli.contracts import VERDICT_SCHEMA
    from thermo_cli.contracts.judgement import VERDICTS

    try:
        stored = folder.verdict(VERDICT_SCHEMA)
        verdict, summary = (None if stored[key] is None else str(stored[key]) for key in ("verdict", "summary"))
        if verdict is not None and verdict not in VERDICTS:
            raise KeyError(verdict)
    except DamagedError as error:
        verdict, summary = None, error.what
    except (ThermoError, KeyError):  # not there, damaged, or of other content
        verdict, summary = None, f"not judged yet ({_status(folder)})"
    files = list(_files_of(folder.path))
    age = time.time() - max((file.st_mtime for file in files), default=time.time())
    return {
        "run": folder.name,
        "verdict": verdict,
        "summary": summary,
        "seconds": round(max(age, 0.0)),
        "bytes": sum(file.st_size for file in files),
    }


def _files_of(run: Path) -> Iterator[os.stat_result]:
    """Yield what is known of each file of a run, of which some vanish meanwhile: whoever trains it commits."""
    for place, _, names in os.walk(run):
        for name in names:
            with suppress(FileNotFoundError):
                yield os.stat(os.path.join(place, name), follow_symlinks=False)  # noqa: PTH116, PTH118 - as os.walk has it


def _status(folder: "RunFolder") -> str:
    try:
        return folder.status
    except ThermoError as error:
        return error.what
    except UNEXPECTED as error:
        return f"its files say what was not expected: {type(error).__name__}"


def rounded(amount: int, units: tuple[tuple[str, int], ...]) -> str:
    """Write an amount in the largest unit of which there is one.

    Args:
        amount: In the smallest unit.
        units: Name and size, the largest first.
    """
    name, size = next((unit for unit in units if amount >= unit[1]), units[-1])
    return f"{amount / size:.0f} {name}"
