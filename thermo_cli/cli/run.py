"""`thermo-run`: train the ensemble of a spec, judge it, show the verdict."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thermo_cli.cli import gate
from thermo_cli.cli.boundary import RESULTS, complain, leave_with, run_app, write
from thermo_cli.cli.pictures import write_page
from thermo_cli.errors import StoreError, UsageError
from thermo_cli.placeholders import OTHERS, PLACEHOLDERS

if TYPE_CHECKING:
    from thermo_cli.engines.engine import Engine

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

CRASHES = 3  # of which the reasons are said on the terminal
NAMED = ", ".join(f"{{{name}}} ({one.kind})" for name, one in PLACEHOLDERS.items())
EPILOG = (
    f"Among the arguments of a command stand for each replica: {NAMED}, {OTHERS}. "
    "A function takes seed, subsample (indices), report and the others by name. "
    "What a script logs below {output} is read: JSON lines with a step, CSV, Lightning's CSV.\n\n"
    "Exit codes: 0 done and gate met, 1 gate not met, 2 usage or spec error, 3 the run could not be judged, "
    "4 gate undecided, 70 a bug, 130 interrupted."
)


@app.command(epilog=EPILOG)
def run(
    context: typer.Context,
    spec: Annotated[
        Path | None, typer.Argument(metavar="SPEC.yaml", help="The experiment.", show_default=False)
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.SUB=VALUE", help="Override a field of the spec; repeatable."),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help="Show what would run: replicas, memory, disk, what they can decide. Trains nothing."
        ),
    ] = False,
    pilot: Annotated[
        bool, typer.Option("--pilot", help="The plan with time and throughput measured on a few steps.")
    ] = False,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where run folders are.")] = RESULTS,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start again; an existing run of this very spec is set aside.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes; all cores by default. Results do not depend on it."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="local|slurm|ADDRESS",
            help="Train on a Dask cluster: started here, as SLURM jobs, or the one at tcp://host:port.",
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="local|command|PACKAGE", help="What the spec may run beyond the built-ins; repeatable."),
    ] = None,
    require: Annotated[list[str] | None, typer.Option(metavar=gate.METAVAR, help=f"{gate.HELP}.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a spec, for editors.")] = False,
    example: Annotated[
        str | None,
        typer.Option(
            metavar="[NAME|TABLE.csv]",
            help="Print a commented spec to start from, or one made of a table (--set data.with.target=NAME: what to "
            "predict); no name: list them.",
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the example there, with every file that it needs.")
    ] = None,
) -> None:
    """Train the ensemble that SPEC.yaml describes and decide whether it has thermalized.

    An unfinished run of the same spec is resumed, a finished one is judged again without training.
    """
    given: dict[str, Any] = {"overrides": overrides or [], "results": results, "allow": allow or []}

    def work() -> int:
        if schema:
            from thermo_cli.spec import json_schema

            write(json_schema())
            return 0
        if example is not None or into is not None:
            from thermo_cli.cli.example import show

            return show(example or "", into, given["overrides"])
        if spec is None:
            remedy = "thermo-run SPEC.yaml, or thermo-run --example to see some"
            raise UsageError("which experiment?", received="no SPEC.yaml", remedy=remedy)
        required = gate.required_words(require)
        if plan or pilot:
            return _plan(spec, required, workers=workers, pilot=pilot, **given)
        return _train(spec, required, scheduler, workers=workers, fresh=fresh, engine=context.obj, **given)

    leave_with(work)


def _plan(
    spec: Path,
    required: list[list[str]],
    *,
    overrides: list[str],
    results: Path,
    allow: list[str],
    workers: int | None,
    pilot: bool,
) -> int:
    from thermo_cli.spec import open_spec

    opened = open_spec(spec, overrides)  # errors in the spec answer before torch is imported
    gate.check_targets(required, opened.spec)
    from thermo_cli.experiment import prepare
    from thermo_cli.plan import describe

    with opened.placed():
        experiment = prepare(opened.spec, opened.folder, results, allow)
    write(describe(experiment, workers, pilot) + "\n")
    return 0


def _train(spec: Path, required: list[list[str]], scheduler: str | None, *, overrides: list[str], **given: Any) -> int:
    """Train, judge and report; what is given goes on to `execute`."""
    from thermo_cli.spec import open_spec

    opened = open_spec(spec, overrides)
    gate.check_targets(required, opened.spec)  # such errors answer before torch is imported
    from thermo_cli.live import Live
    from thermo_cli.reports.formats import rendered
    from thermo_cli.store.collected import crashes
    from thermo_cli.study import execute

    live = Live()
    if scheduler is not None:
        from thermo_cli.engines.engine import open_engine

        mixed = opened.spec.ensemble.mixed_workers
        given["engine"] = open_engine("dask", given["workers"], scheduler=scheduler, mixed=mixed)
    try:
        done = execute(opened, watcher=live, require=required, **given)
    except StoreError as error:
        if live.trained is not None:
            write_page(gate.unjudged(live.trained.name, required, error), live.trained.path)
        raise
    view, answer = gate.gated(done.judged, required)
    page = write_page(view, done.folder.path)
    write(rendered("terminal", [view]) + f"{page or done.folder.path}  ({view.typed.report})\n")
    if done.folder.status != "complete":
        complain(
            f"the run is {done.folder.status}: some replicas crashed; see {done.folder.path / 'shards'}/*.error.txt"
        )
    for words in crashes(done.folder.path)[:CRASHES]:
        complain(words)
    return gate.answer(answer)


def main(engine: "Engine | None" = None) -> None:
    """Entry point: `--example` alone means "list them", which option parsers cannot say.

    Args:
        engine: Where to train; worker processes of this machine if None.
    """
    arguments = sys.argv[1:]
    for position, word in enumerate(arguments):
        if word == "--example" and (position + 1 == len(arguments) or arguments[position + 1].startswith("-")):
            arguments[position] = "--example="
    run_app(app, arguments, engine)


if __name__ == "__main__":
    main()
