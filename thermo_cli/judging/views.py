"""From a judged run to what its reports show."""

from thermo_cli.judging.run import Run, Sweep
from thermo_cli.reports.phases import SweepView, point_view
from thermo_cli.reports.view import RunView, view_of


def view(run: Run) -> RunView:
    """Choose what a report shows of a run.

    Args:
        run: A judged run.
    """
    return view_of(run.folder.name, run.folder.spec.description, run.folder.status, run.verdict, run.observables)


def sweep_view(sweep: Sweep) -> SweepView:
    """Choose what a report shows of a sweep.

    Args:
        sweep: A judged sweep.
    """
    verdicts = [run.verdict if run is not None else None for run in sweep.runs]
    points = zip(sweep.points, verdicts, sweep.reasons, strict=True)
    scope = next(verdict.scope for verdict in verdicts if verdict is not None)
    return SweepView(sweep.folder.name, sweep.folder.status, scope, tuple(point_view(*one) for one in points))
