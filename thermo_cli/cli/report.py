"""`thermo-report`: show runs that exist, judge them again, gate on their verdicts."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from thermo_cli.cli.boundary import (
    RESULTS,
    answer,
    complain,
    gated,
    leave_with,
    required_verdicts,
    run_app,
    unjudged,
    write,
)
from thermo_cli.cli.export import export as export_tables
from thermo_cli.cli.export import refuse_export
from thermo_cli.cli.pictures import write_pictures
from thermo_cli.errors import SpecError, StoreError, ThermoError, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """Formats of a report."""

    terminal = "terminal"
    markdown = "markdown"
    html = "html"
    json = "json"
    junit = "junit"
    csv = "csv"


class Export(StrEnum):
    """Formats of tables."""

    parquet = "parquet"


@app.command(
    epilog="Exit codes: 0 done and gate met, 1 gate not met, 2 usage error, 3 a run could not be judged, 4 gate undecided."
)
def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="A folder, a run's name, or latest; none: list the runs."),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where run folders are.")] = RESULTS,
    format: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.terminal,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there instead of standard output.")] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every chart into this folder, as SVG and PNG.")
    ] = None,
    export: Annotated[
        Export | None,
        typer.Option(
            "--export", help="Instead of a report, tidy tables: into the run's tables/, or the folder --output."
        ),
    ] = None,
    require: Annotated[
        str | None,
        typer.Option(
            metavar="VERDICT[,VERDICT]",
            help="The gate: exit 1 unless one is reached (4 if undecided). With --baseline also equivalent or not-worse; "
            "beside verdicts (settled,not-worse) both must be met.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Compare each RUN with this one, per observable: equivalent, better, worse, undecided. Refuses other data, "
            "observables or ensembles.",
        ),
    ] = None,
    margin: Annotated[
        list[str] | None, typer.Option(metavar="OBSERVABLE=VALUE", help="Judge again with another margin; repeatable.")
    ] = None,
    confidence: Annotated[float | None, typer.Option(metavar="P", help="Judge again with another confidence.")] = None,
    content: Annotated[float | None, typer.Option(metavar="SHARE", help="Judge again with another content.")] = None,
    window: Annotated[
        float | None, typer.Option(metavar="FRACTION", help="Judge again over another window at the end.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of verdict.json.")] = False,
) -> None:
    """Show runs, newest first, or report on the named ones; judging again needs no training."""

    def work() -> int:
        if schema:
            from thermo_cli.reports.json_record import json_schema

            write(json_schema())
            return 0
        required = required_verdicts(require, baseline is not None)
        changes = _changes(margin or [], confidence, content, window)
        if runs:
            return _report(runs, Request(results, format, output, required, changes, baseline, export, figures))
        if required or changes or export or figures or baseline is not None:
            raise UsageError("which run?", received="no RUN", remedy="name a run, or latest")
        _emit(_listing(results, format), output, format)
        return 0

    leave_with(work)


@dataclass(frozen=True)
class Request:
    """What is asked of some runs: where they are, how they are judged and compared, and what is written where."""

    results: Path
    format: Format
    output: Path | None
    required: list[str]
    changes: dict[str, Any]
    baseline: str | None
    tables: Export | None
    figures: Path | None


def _report(names: list[str], asked: Request) -> int:
    """Report on some runs and return the exit code; a run that cannot be judged does not hide the others."""
    from thermo_cli.judging.gating import worst
    from thermo_cli.reports.formats import rendered
    from thermo_cli.store import find_run

    if asked.tables:
        refuse_export(asked.format.value, asked.output, bool(asked.changes))
    if asked.format is Format.html and len(names) > 1:
        raise UsageError("an HTML report is of one run", received=", ".join(names), remedy="name one at a time")
    codes, gates, runs, views, other, broken = [], [], [], [], None, None
    for name in names:
        try:
            run = _judged(name, asked.results, asked.changes)
        except StoreError as error:
            complain(str(error))
            codes.append(error.exit_code)
            views.append(unjudged(find_run(name, asked.results), asked.required, error))
            continue
        if asked.baseline is not None and other is None and broken is None:
            try:
                other = _baseline(asked.baseline, asked.results, asked.changes)
            except StoreError as error:
                complain(str(error))
                broken = error
        if broken is None:
            view, gate = gated(run, asked.required, other)
            gates.append(gate)
        else:
            view = _uncompared(run, asked.required, broken)
            codes.append(broken.exit_code)
        runs.append(run)
        views.append(view)
    if asked.tables:
        write(export_tables(runs, asked.output))
    elif views:
        _emit(rendered(asked.format.value, views), asked.output, asked.format)
    if views and asked.figures is not None:
        write_pictures(views, asked.figures)
    return worst([*codes, *map(answer, gates)])


def _changes(
    margins: list[str], confidence: float | None, content: float | None, window: float | None
) -> dict[str, Any]:
    """Collect the settings to judge again with."""
    changes: dict[str, Any] = {}
    for text in margins:
        observable, equals, value = text.partition("=")
        try:
            changes.setdefault("margins", {})[observable.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise UsageError(
                "--margin is OBSERVABLE=VALUE", received=text, remedy="for example --margin test_accuracy=0.01"
            )
    given = {"confidence": confidence, "content": content, "window": window}
    return changes | {name: value for name, value in given.items() if value is not None}


def _judged(name: str, results: Path, changes: dict[str, Any]) -> Any:
    """Open a run, and judge it with its own settings or with others."""
    from thermo_cli.judging.judge import judge_again, judge_folder
    from thermo_cli.store import find_run

    folder = find_run(name, results)
    return judge_again(folder, changes) if changes else judge_folder(folder)


def _uncompared(run: Any, required: list[str], error: StoreError) -> Any:
    """Return what a report shows of a run whose baseline cannot be judged: no gate has an answer."""
    import dataclasses

    from thermo_cli.judging.record import Gate
    from thermo_cli.runs.views import view

    return dataclasses.replace(view(run), gate=Gate(tuple(required), error.exit_code, error.what))


def _baseline(name: str, results: Path, changes: dict[str, Any]) -> Any:
    """Open the run that others are compared with, judged with the same settings as they; nothing is written to it."""
    from thermo_cli.judging.judge import judge_folder
    from thermo_cli.store import find_run

    folder = find_run(name, results)
    try:
        return judge_folder(folder, changes)
    except (SpecError, StoreError) as error:
        kind = StoreError if isinstance(error, StoreError) else SpecError
        raise kind(
            f"the baseline cannot be judged: {error.what}",
            received=error.received,
            remedy=error.remedy,
            where=error.where,
        ) from None


def _listing(results: Path, format: Format) -> str:
    """List the runs of a folder with their stored verdicts, newest first."""
    from thermo_cli.store import list_runs

    entries: list[dict[str, Any]] = []
    for folder in list_runs(results):
        try:
            stored = folder.read_json("verdict.json")
            verdict, summary = (None if stored[key] is None else str(stored[key]) for key in ("verdict", "summary"))
            entries.append({"run": folder.name, "verdict": verdict, "summary": summary})
        except (ThermoError, KeyError):  # not there, damaged, or of other content
            entries.append({"run": folder.name, "verdict": None, "summary": f"not judged yet ({folder.status})"})
    if format is Format.json:
        return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
    if not entries:
        return f"no runs in {results}: thermo-run SPEC.yaml makes one\n"
    from rich.table import Table

    from thermo_cli.reports.terminal import drawn

    table = Table(box=None, padding=(0, 2, 0, 0), expand=True)
    table.add_column("run", no_wrap=True, min_width=max(len(entry["run"]) for entry in entries))
    table.add_column("verdict", no_wrap=True, min_width=len("crystallized"))
    table.add_column("summary", no_wrap=True, overflow="ellipsis", ratio=1)  # gets what the others leave
    for entry in entries:
        table.add_row(entry["run"], entry["verdict"] or "-", entry["summary"])
    return drawn(table)


def _emit(text: str, output: Path | None, format: Format) -> None:
    if output is None:
        write(text, None if format is Format.terminal else "utf-8")
        return
    from thermo_cli.store.files import write_device, write_text

    if not output.parent.is_dir():
        raise UsageError("the folder of --output does not exist", received=str(output), remedy="create it first")
    if output.is_dir():
        raise UsageError("--output is a folder", received=str(output), remedy="name a file")
    if output.exists() and not output.is_file():
        write_device(output, text)  # a file in its place would end /dev/null for everybody
    else:
        write_text(output.resolve(), text)  # what a link points at is written, the link stays


def main() -> None:
    """Entry point."""
    run_app(app)


if __name__ == "__main__":
    main()
