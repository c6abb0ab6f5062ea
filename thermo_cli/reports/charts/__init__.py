"""The charts of a report: from a view to Vega-Lite, pure."""

from thermo_cli.reports.charts.chart import Chart
from thermo_cli.reports.charts.courses import courses
from thermo_cli.reports.charts.criteria import criteria
from thermo_cli.reports.charts.differences import (
    differences_of_comparison,
    differences_of_run,
    differences_of_sweep,
)
from thermo_cli.reports.charts.microscopic import microscopic
from thermo_cli.reports.charts.noise import noise
from thermo_cli.reports.charts.phases import phases
from thermo_cli.reports.charts.plane import plane_of_run, plane_of_sweep
from thermo_cli.reports.charts.trajectories import trajectories
from thermo_cli.reports.sweep_view import ComparisonView, View
from thermo_cli.reports.view import RunView, Unjudged


def charts(view: View) -> dict[str, Chart]:
    """Draw all that can be drawn of a view, identifier to chart, in the order of the report.

    Args:
        view: A run or a sweep.
    """
    if isinstance(view, Unjudged):
        return {}
    if isinstance(view, ComparisonView):
        return differences_of_comparison(view)
    if not isinstance(view, RunView):
        return phases(view) | plane_of_sweep(view) | differences_of_sweep(view)
    parts = (differences_of_run, plane_of_run, criteria, trajectories, microscopic, courses, noise)
    return {name: chart for part in parts for name, chart in part(view).items()}


__all__ = ["Chart", "charts"]
