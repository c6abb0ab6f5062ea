"""The gate: what was asked of a run, and the exit code that its verdict gives."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from thermo_cli.contracts import COMPARISONS
from thermo_cli.equilibrium import baseline as against
from thermo_cli.equilibrium.verdict import gate
from thermo_cli.reports.view import Baseline, Gate
from thermo_cli.runs.run import Run, Sweep
from thermo_cli.spec.sweeping import label_of

MOST_WORDS: Final = 12  # points that are named; the report has all of them


def gate_of(run: Run | Sweep, required: Sequence[str], baselines: Sequence[Baseline | None] = ()) -> Gate:
    """Hold a run, or every point of a sweep, against the verdicts that are admitted, and against a baseline.

    Words of one kind are alternatives; where both kinds are asked for, both must be met.

    Args:
        run: A judged run or sweep.
        required: Verdicts and comparisons that are admitted; empty for no gate, which only a point that cannot be judged fails.
        baselines: One comparison of a run, or one per point; empty where nothing was compared.
    """
    points = [(run, {})] if isinstance(run, Run) else list(zip(run.runs, run.points, strict=True))
    held = list(baselines) or [None] * len(points)
    answers = [_answer(one, point, required, other) for (one, point), other in zip(points, held, strict=True)]
    code = worst([answer.code for answer in answers])
    said = [answer.words for answer in answers if answer.words]
    rest = [f"and {len(said) - MOST_WORDS} more points"] if len(said) > MOST_WORDS else []
    return Gate(tuple(required), code, "; ".join([*said[:MOST_WORDS], *rest]))


def worst(codes: Sequence[int]) -> int:
    """Return the exit code of several runs: 3 before 1 before 4 before 0.

    Args:
        codes: One per run.
    """
    return next((code for code in (3, 1, 4) if code in codes), 0)


def _answer(run: Run | None, point: Mapping[str, Any], required: Sequence[str], baseline: Baseline | None) -> Gate:
    where = f" at {label_of(dict(point))}" if point else ""
    if run is None:
        return Gate(tuple(required), 3, f"no verdict{where}")
    if run.verdict.unfinished:
        return Gate(tuple(required), 3, f"not judged{where}: {run.verdict.unfinished} replicas are still to be trained")
    verdicts = [word for word in required if word not in COMPARISONS]
    comparisons = [word for word in required if word in COMPARISONS]
    asked = []
    if verdicts:
        code = gate(run.verdict.verdict, run.verdict.outcomes, verdicts)
        asked.append((code, verdicts, str(run.verdict.verdict)))
    if comparisons:
        code = against.gate(baseline.rows, comparisons) if baseline is not None else 4
        asked.append((code, comparisons, baseline.words if baseline is not None else "no baseline"))
    words = [
        f"gate {'undecided' if code == 4 else 'not met'}{where}: required {', '.join(names)}, received {received}"
        for code, names, received in asked
        if code
    ]
    return Gate(tuple(required), worst([code for code, _, _ in asked]), "; ".join(words))
