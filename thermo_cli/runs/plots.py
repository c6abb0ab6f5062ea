"""Charts of a judged run for notebooks: the report's own, one at a time."""

from typing import Any

import altair

from thermo_cli.errors import UsageError
from thermo_cli.judging.record import Judged
from thermo_cli.registry import nearest
from thermo_cli.reports.charts.chart import identifier
from thermo_cli.reports.charts.trajectories import trajectories
from thermo_cli.reports.figures import still
from thermo_cli.runs.views import run_view


def plot(judged: Judged, observable: str) -> Any:
    """Draw an observable in time: every replica, each history's mean and band, the margin to scale.

    Args:
        judged: An ensemble.
        observable: One of those that were recorded.

    Returns:
        A chart of Altair: a notebook shows it, `.save("x.svg")` writes it.

    Raises:
        UsageError: There is no such observable, or it has no finite value.
    """
    chart = trajectories(run_view(judged)).get(identifier(f"trajectory-{observable}", []))
    if chart is None:
        names = sorted(judged.observables.values)
        guess = nearest(observable, names)
        raise UsageError(
            "nothing can be drawn of this",
            received=observable,
            remedy=(f"did you mean {guess!r}? " if guess and guess != observable else "") + ", ".join(names),
        )
    return altair.Chart.from_dict(still(chart))
