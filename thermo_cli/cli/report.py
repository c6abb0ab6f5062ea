"""`thermo-report`: show runs that exist, judge them again, compare them, gate on their verdicts."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thermo_cli.cli import gate
from thermo_cli.cli.boundary import RESULTS, complain, emit, leave_with, run_app, write
from thermo_cli.cli.export import export as export_tables
from thermo_cli.cli.export import refuse_export
from thermo_cli.cli.listing import listing
from thermo_cli.cli.loose import Loose, is_path, look
from thermo_cli.cli.pictures import write_pictures
from thermo_cli.errors import SpecError, StoreError, UsageError
from thermo_cli.reports.formats import FORMATS, rendered

if TYPE_CHECKING:
    from thermo_cli.judging.comparing import Comparisons
    from thermo_cli.judging.record import Gate, JudgedRun
    from thermo_cli.reports.sweep_view import View
    from thermo_cli.store import RunFolder

    Format = str
else:
    Format = StrEnum("Format", {name: name for name in FORMATS})

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Export(StrEnum):
    """Formats of tables."""

    parquet = "parquet"


@app.command(
    epilog="Exit codes: 0 done and gate met, 1 gate not met, 2 usage error, 3 a run could not be judged, 4 gate undecided, "
    "70 a bug. Of several runs or points: 3 before 1 before 4 before 0."
)
def report(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHAT]...",
            help="A run's name, its folder, or latest; or runs made elsewhere: files, folders, globs. None: list the runs.",
        ),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where run folders are.")] = RESULTS,
    format: Annotated[Format, typer.Option("--format", help="What to write.")] = "terminal",
    details: Annotated[bool, typer.Option("--details", help="Every row and table, where a format is short.")] = False,
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
        list[str] | None,
        typer.Option(metavar=gate.METAVAR, help=f"{gate.HELP}, and of a comparison equivalent, not-worse."),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Rank and compare the runs named, each with every other, or the points of a sweep, per observable: "
            "equivalent, better, worse, undecided; what is not told apart shares a rank. With --require equivalent all pairs "
            "must be; not-worse asks the same of either side of a pair, of one run alone with --baseline. Refuses other data, "
            "observables or ensembles.",
        ),
    ] = False,
    baseline: Annotated[
        str | None, typer.Option(metavar="RUN", help="Compare each run named with this one alone.")
    ] = None,
    margin: Annotated[
        list[str] | None, typer.Option(metavar="OBSERVABLE=VALUE", help="Judge again with another margin; repeatable.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="equilibrium.KEY=VALUE", help="Judge again with another setting of the spec; repeatable."
        ),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of verdict.json.")] = False,
) -> None:
    """Show runs, newest first, or report on the named ones; judging again needs no training."""

    def work() -> int:
        if schema:
            from thermo_cli.reports.json_record import json_schema

            write(json_schema())
            return 0
        if compare and baseline is not None:
            raise UsageError(
                "one comparison at a time", received="--compare and --baseline", remedy="--compare names all its runs"
            )
        required = gate.required_words(require, compare or baseline is not None)
        changes = _changes(margin or [], settings or [])
        typed = _typed({"--margin": margin, "--set": settings, "--baseline": [baseline] if baseline else None})
        request = Request(
            results, format, details, output, required, changes, typed, compare, baseline, export, figures
        )
        if what:
            return _report(what, request)
        if required or changes or export or figures or compare or baseline is not None:
            raise UsageError("which run?", received="no run named", remedy="name a run, or latest")
        emit(listing(results, format == "json"), output, _encoding(format))
        return 0

    leave_with(work)


@dataclass(frozen=True)
class Request:
    """What is asked of some runs: where they are, how they are judged and compared, and what is written where."""

    results: Path
    format: str
    details: bool
    output: Path | None
    required: list[list[str]]
    changes: dict[str, Any]
    settings: str  # as they were typed
    compare: bool
    baseline: str | None
    tables: Export | None
    figures: Path | None


@dataclass(frozen=True)
class Opened:
    """A run that was asked for: judged, or why not."""

    folder: "RunFolder"
    run: "JudgedRun | None" = None
    error: StoreError | None = None
    loose: Loose | None = None


def _report(names: Sequence[str], request: Request) -> int:
    """Report on some runs and return the exit code; a run that cannot be judged does not hide the others."""
    from thermo_cli.judging.gating import worst

    if request.tables:
        refuse_export(request.format, request.output, bool(request.changes))
    opened = _all_opened(names, request)
    if FORMATS[request.format].single and len(opened) > 1 and not request.compare:
        raise UsageError(f"{request.format} holds one run", received=", ".join(names), remedy="name one at a time")
    _check_twice(opened, request)
    views, gates, codes = _shown(opened, request)
    if request.tables:
        write(export_tables([one.run for one in opened if one.run is not None], request.output))
    else:
        keep = [one.loose.words for one in opened if one.loose is not None and request.format == "terminal"]
        text = "\n".join([rendered(request.format, views, request.details), *keep])
        emit(text, request.output, _encoding(request.format))
    if request.figures is not None:
        write_pictures(views, request.figures)
    return worst([*codes, *map(gate.answer, gates)])


def _shown(opened: Sequence[Opened], request: Request) -> "tuple[list[View], list[Gate], list[int]]":
    """Return what a report shows of some runs, the gate's answers, and the codes of those that have none."""
    from thermo_cli.judging.comparing import standings

    runs, broken = [one.run for one in opened if one.run is not None], None
    try:
        found = _partners(opened, request)
        partners = iter(found)
    except StoreError as error:
        complain(str(error))
        broken = error
    codes, gates, views = list[int](), list["Gate"](), list["View"]()
    for one in opened:
        if one.run is None or one.error is not None:
            assert one.error is not None
            views.append(gate.unjudged(one.folder.name, request.required, one.error))
            codes.append(one.error.exit_code)
        elif broken is not None:
            views.append(gate.uncompared(one.run, request.required, broken))
            codes.append(broken.exit_code)
        else:
            view, answer = gate.gated(one.run, request.required, next(partners))
            view = one.loose.shown(view) if one.loose is not None else view
            views.append(replace(view, typed=replace(view.typed, settings=request.settings)))
            gates.append(answer)
    if request.compare and broken is None:
        views = [gate.compared(views, gates, standings(runs, found))]
    elif broken is not None and FORMATS[request.format].single and len(views) > 1:
        views = [gate.unjudged(" ".join(view.title for view in views), request.required, broken)]
    return views, gates, codes


def _all_opened(names: Sequence[str], request: Request) -> list[Opened]:
    """Open runs, and judge what was made elsewhere: all of its paths together, unless they are compared."""
    paths = [name for name in names if is_path(name, request.results)]
    together = [paths] if paths and not request.compare else [[path] for path in paths]
    if paths and request.tables:
        raise UsageError(
            "only runs that are kept have tables", received=paths[0], remedy="keep it: thermo-run SPEC.yaml"
        )
    recipes = request.compare and len(paths) == len(names) == 1
    judged = iter([look(one, request.changes, recipes) for one in together])
    opened = [_opened(name, request) if name not in paths else None for name in names]
    whole = [one or next(judged, None) for one in opened]
    return [Opened(one.run.folder, one.run, loose=one) if isinstance(one, Loose) else one for one in whole if one]


def _opened(name: str, request: Request) -> Opened:
    """Open a run and judge it, with its own settings or with others."""
    from thermo_cli.judging.judge import judge_again, judge_folder
    from thermo_cli.store import find_run

    folder = find_run(name, request.results)
    try:
        return Opened(folder, judge_again(folder, request.changes) if request.changes else judge_folder(folder))
    except StoreError as error:
        complain(str(error))
        return Opened(folder, error=error)


def _check_twice(opened: Sequence[Opened], request: Request) -> None:
    """Refuse to compare a run with itself: that they are alike says nothing, and asks more of all others."""
    paths = [one.folder.path.resolve() for one in opened]
    twice = next((path.name for path in paths if request.compare and paths.count(path) > 1), None)
    if twice is not None:
        raise UsageError("a run is compared with itself", received=f"{twice}, named twice", remedy="name each run once")


def _partners(opened: Sequence[Opened], request: Request) -> "Comparisons":
    """Compare runs as asked: for each that can be judged, and each of its points, its comparisons."""
    from thermo_cli.judging.comparing import compare, compare_all

    runs = [one.run for one in opened if one.run is not None]
    if request.compare:
        if len(runs) < len(opened):
            raise StoreError("nothing is compared, for not every run can be judged")
        return compare_all(runs)
    if request.baseline is None or not runs:
        return ((),) * len(runs)
    return compare(runs, _baseline(request.baseline, request))


def _baseline(name: str, request: Request) -> "JudgedRun":
    """Open the run that others are compared with, judged with the same settings as they; nothing is written to it."""
    from thermo_cli.judging.judge import judge_folder
    from thermo_cli.store import find_run

    if is_path(name, request.results):
        return look([name], request.changes).run
    folder = find_run(name, request.results)
    try:
        return judge_folder(folder, request.changes)
    except (SpecError, StoreError) as error:
        kind = StoreError if isinstance(error, StoreError) else SpecError
        raise kind(
            f"the baseline cannot be judged: {error.what}",
            received=error.received,
            remedy=error.remedy,
            where=error.where,
        ) from None


def _typed(options: Mapping[str, Sequence[str] | None]) -> str:
    """Write options as they are typed."""
    return shlex.join(word for option, values in options.items() for value in values or () for word in (option, value))


def _changes(margins: Sequence[str], settings: Sequence[str]) -> dict[str, Any]:
    """Collect the settings to judge again with."""
    if not (margins or settings):
        return {}
    from thermo_cli.spec.overrides import apply_overrides
    from thermo_cli.spec.yaml_source import Source

    content = apply_overrides(Source("--set", {}), settings).value
    changes: dict[str, Any] = content.pop("equilibrium", {})
    if content or not isinstance(changes, dict):
        received = ", ".join(content) or f"equilibrium={changes}"
        remedy = "--set equilibrium.KEY=VALUE; whatever else is changed is another run: thermo-run SPEC --set ..."
        raise UsageError("only fields of equilibrium can be judged again", received=received, remedy=remedy)
    for text in margins:
        observable, _, value = text.rpartition("=")
        try:
            changes.setdefault("margins", {})[observable.strip()] = float(value)
        except (ValueError, TypeError):
            raise UsageError(
                "--margin is OBSERVABLE=VALUE", received=text, remedy="for example --margin test_accuracy=0.01"
            ) from None
    return changes


def _encoding(format: str) -> str | None:
    """Return the encoding of what other programs read; of the terminal it is its own."""
    return None if format == "terminal" else "utf-8"


def main() -> None:
    """Entry point."""
    run_app(app)


if __name__ == "__main__":
    main()
