"""The gate: what was asked of a run, and the exit code that its verdict gives."""

from collections.abc import Iterable, Sequence
from typing import Final

from thermo_cli.contracts import COMPARISONS, VERDICTS, Verdict
from thermo_cli.equilibrium import baseline as against
from thermo_cli.equilibrium.sentence import unskilled
from thermo_cli.equilibrium.verdict import combine, gate
from thermo_cli.judging.record import Baseline, Gate, JudgedPoint, JudgedRun

MOST_WORDS: Final = 12  # points that are named; the report has all of them
LOST: Final = "replicas diverged or crashed, and the mean leaves them out"
MOST_PARTNERS: Final = 3  # that are named likewise
Required = Sequence[Sequence[str]]
"""All of these, each by any of its words: `[["settled"], ["equivalent", "not-worse"]]`."""
Answer = tuple[int, str]
"""An exit code, and what was received."""


def gate_of(run: JudgedRun, required: Required, partners: Sequence[Sequence[Baseline]] = ()) -> Gate:
    """Hold every point of a run against what is required.

    Args:
        run: A judged run.
        required: Empty for no gate, which only a point that cannot be judged fails.
        partners: What each point was compared with; empty where nothing was compared.
    """
    others = partners or [()] * len(run.points)
    answers = [_answer(point, required, other) for point, other in zip(run.points, others, strict=True)]
    sentences = [words for _, words in answers if words]
    rest = [f"and {len(sentences) - MOST_WORDS} more points"] if len(sentences) > MOST_WORDS else []
    code = worst(code for code, _ in answers)
    words = "; ".join([*sentences[:MOST_WORDS], *rest])
    verdicts = [point.judged.verdict for point in run.points if point.judged and required]
    asides = dict.fromkeys(unskilled(verdict) for verdict in verdicts if verdict.unskilled not in words)
    return Gate(phrases(required), code, words, "; ".join(filter(None, asides)))


def gate_of_all(gates: Sequence[Gate]) -> Gate:
    """Join the answers of several runs, of each of which the same was asked: how many of them meet it.

    Args:
        gates: Of each run its own.
    """
    codes = [gate.code for gate in gates]
    words = {3: "not judged for", 1: "not met by", 4: "undecided for"}
    counts = ", ".join(f"{word} {codes.count(code)}" for code, word in words.items() if code in codes)
    required = gates[0].required
    answer = f"gate {counts} of {len(gates)} runs: required {', '.join(required) or 'a verdict'}" if counts else ""
    return Gate(required, worst(codes), answer, "; ".join(dict.fromkeys(gate.aside for gate in gates if gate.aside)))


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of several answers that must all be met: 3 before 1 before 4 before 0."""
    present = set(codes)
    return next((code for code in (3, 1, 4) if code in present), 0)


def code_of(verdict: Verdict, required: Required) -> int:
    """Return the exit code of a gate on one verdict: 0 met, 1 not met, 4 undecided."""
    return worst(_held(words, verdict, ())[0] for words in required)


def phrases(required: Required) -> tuple[str, ...]:
    """Say what is required, a phrase for each of the things that must all be met."""
    return tuple(" or ".join(words) for words in required)


def held(words: Sequence[str], verdict: Verdict) -> Answer:
    """Hold a verdict against words of which any will do: a gate's exit code, and what was received.

    Args:
        words: Verdicts, `target` or `skilled`.
        verdict: What was decided.
    """
    if verdict.unfinished:
        return 3, f"not judged: {verdict.unfinished} replicas are still to be trained"
    return _held(words, verdict, ())


def _answer(point: JudgedPoint, required: Required, partners: Sequence[Baseline]) -> Answer:
    if point.judged is None:
        return 3, f"no verdict{point.where}"
    verdict = point.judged.verdict
    if verdict.unfinished:
        return 3, f"not judged{point.where}: {verdict.unfinished} replicas are still to be trained"
    if point.judged.ahead is not None and required:
        more = f"its next look, {point.judged.ahead.replicas} replicas for {point.judged.ahead.steps} steps"
        return 4, f"gate undecided{point.where}: received {verdict.verdict}, and {more}, is still to be trained"
    answers = [_held(words, verdict, partners) for words in required]
    sentences = [
        f"gate {'undecided' if code == 4 else 'not met'}{point.where}: required {phrase}, received {received}"
        for phrase, (code, received) in zip(phrases(required), answers, strict=True)
        if code
    ]
    return worst(code for code, _ in answers), "; ".join(sentences)


def _held(words: Sequence[str], verdict: Verdict, partners: Sequence[Baseline]) -> Answer:
    """Hold a verdict against words of which any will do: the kindest answer counts."""
    answers: list[Answer] = []
    admitted = [word for word in words if word in VERDICTS]
    if admitted:
        answers.append((gate(verdict.verdict, verdict.outcomes, admitted), verdict.verdict))
    for word, answer in (("target", _targets), ("skilled", _skilled)):
        if word in words:
            code, received = answer(verdict)
            lost = code == 0 and verdict.verdict == "diverged"
            answers.append((4, LOST) if lost else (code, received))
    asked = [word for word in words if word in COMPARISONS]
    if asked:
        codes = [against.gate(partner.rows, asked) for partner in partners] or [4]
        short = [partner.words for partner, code in zip(partners, codes, strict=False) if code]
        if len(short) > MOST_PARTNERS:
            short = [*short[:MOST_PARTNERS], f"{len(short) - MOST_PARTNERS} more"]
        answers.append((worst(codes), " and ".join(short) or "no comparison"))
    code = next(code for code in (0, 4, 1) if code in [code for code, _ in answers])
    return code, ", ".join(received for _, received in answers)


def _skilled(verdict: Verdict) -> Answer:
    better = {name: skill.better for name, skill in verdict.skill.items()}
    if not better:
        return 4, "skill untested: of no score with a margin is that of the constant predictor known (it takes labels)"
    if verdict.unskilled:
        return 1, verdict.unskilled
    still_open = [name for name, answer in better.items() if answer is None]
    words = "may be better than the constant predictor by less than a margin"
    return (4, f"{', '.join(still_open)} {words}") if still_open else (0, "")


def _targets(verdict: Verdict) -> Answer:
    rows = [row for row in verdict.criteria if row.criterion == "target"]
    if not rows:
        return 4, "no target: state one in equilibrium.targets"
    code = {"holds": 0, "fails": 1}.get(combine(rows), 4)
    return code, ", ".join(
        f"{row.observable} {row.outcome} ({row.explanation})" for row in rows if row.outcome != "holds"
    )
