"""The gate: what was asked of a run, and the exit code that its verdict gives."""

from collections.abc import Sequence
from typing import Final

from thermo_cli.contracts import COMPARISONS
from thermo_cli.equilibrium import baseline as against
from thermo_cli.equilibrium.verdict import gate
from thermo_cli.judging.record import Baseline, Gate, JudgedPoint, JudgedRun

MOST_WORDS: Final = 12  # points that are named; the report has all of them


def gate_of(run: JudgedRun, required: Sequence[str], baselines: Sequence[Baseline | None] = ()) -> Gate:
    """Hold every point of a run against the verdicts that are admitted, and against a baseline.

    Words of one kind are alternatives; where both kinds are asked for, both must be met.

    Args:
        run: A judged run.
        required: Verdicts and comparisons that are admitted; empty for no gate, which only a point that cannot be judged fails.
        baselines: One comparison per point; empty where nothing was compared.
    """
    held = list(baselines) or [None] * len(run.points)
    answers = [_answer(point, required, other) for point, other in zip(run.points, held, strict=True)]
    sentences = [answer.words for answer in answers if answer.words]
    rest = [f"and {len(sentences) - MOST_WORDS} more points"] if len(sentences) > MOST_WORDS else []
    code = worst([answer.code for answer in answers])
    return Gate(tuple(required), code, "; ".join([*sentences[:MOST_WORDS], *rest]))


def worst(codes: Sequence[int]) -> int:
    """Return the exit code of several runs: 3 before 1 before 4 before 0."""
    return next((code for code in (3, 1, 4) if code in codes), 0)


def _answer(point: JudgedPoint, required: Sequence[str], baseline: Baseline | None) -> Gate:
    if point.judged is None:
        return Gate(tuple(required), 3, f"no verdict{point.where}")
    verdict = point.judged.verdict
    if verdict.unfinished:
        waiting = f"{verdict.unfinished} replicas are still to be trained"
        return Gate(tuple(required), 3, f"not judged{point.where}: {waiting}")
    verdicts = [word for word in required if word not in COMPARISONS]
    comparisons = [word for word in required if word in COMPARISONS]
    asked = []
    if verdicts:
        asked.append((gate(verdict.verdict, verdict.outcomes, verdicts), verdicts, str(verdict.verdict)))
    if comparisons:
        code = against.gate(baseline.rows, comparisons) if baseline is not None else 4
        asked.append((code, comparisons, baseline.words if baseline is not None else "no baseline"))
    words = [
        f"gate {'undecided' if code == 4 else 'not met'}{point.where}: required {', '.join(names)}, received {received}"
        for code, names, received in asked
        if code
    ]
    return Gate(tuple(required), worst([code for code, _, _ in asked]), "; ".join(words))
