"""What is said of a run in words: what outcomes mean, comparisons, diagnostics, what to do next. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from thermo_cli.contracts import Advice, Outcome, Row, Verdict
from thermo_cli.equilibrium.baseline import Difference
from thermo_cli.equilibrium.criteria.criterion import Criterion
from thermo_cli.judging.record import Baseline, Gate
from thermo_cli.reports.numerals import NEGLIGIBLE, number
from thermo_cli.reports.tones import NO_FAILURE
from thermo_cli.reports.typed import UNTYPED, Typed

State = Mapping[str, Any]  # of a microscopic quantity: estimate, interval, null, self

SCOPES: Final = {"all histories": "all", "same-bath pairs": "pairs"}
PHASES: Final = {
    "crystal": "all are one model",
    "fluid": "each goes on turning into others",
    "amorphous": "each stays a model of its own",
    "frozen by schedule": "each a model of its own, held by the falling rate",
    "undecided": "not known whether one model or many",
}
MIXED: Final = (
    "R-hat compares what lies between replicas with what each moves by itself: above its range they keep differences that more "
    "steps do not remove, as models of their own do; whether those matter is for agreement, held against the margin, to say"
)


def gloss(criterion: Criterion, outcome: Outcome) -> str:
    """Say what the outcome of a criterion means."""
    words = {"holds": criterion.holds, "fails": criterion.fails, "undecided": "open", "untested": "not tested"}
    return words.get(outcome, "does not apply")


def phase(name: str) -> str:
    """Name a phase and say what it means."""
    return f"phase {name}" + (f" ({PHASES[name]})" if name in PHASES else "")


def short(statistic: str) -> str:
    """Return the letter and number of a statistic, `S1` of `S1 each replica is still`."""
    return statistic.split()[0]


def short_scope(scope: str) -> str:
    """Return a scope in one word."""
    return SCOPES.get(scope, scope)


def legend(rows: Sequence[Row]) -> Mapping[str, str]:
    """Return what the letters of some rows stand for, in their order."""
    return {short(row.statistic): row.statistic.partition(" ")[2] for row in rows if " " in row.statistic}


def answer(gate: Gate) -> str:
    """Say what a gate answers."""
    words = gate.words or f"gate met: required {', '.join(gate.required)}"
    said = "; ".join(filter(None, (words, gate.aside)))
    return said[0].upper() + said[1:]


def quantities(microscopic: Mapping[str, State]) -> list[tuple[str, State]]:
    """List the microscopic quantities of a verdict in words, the most telling first."""
    overlap = microscopic.get("overlap") or {}
    layer = (microscopic.get("similarity") or {}).get("layer", "")
    states = [
        ("overlap Q*", overlap),
        ("overlap Q* on one bath", overlap.get("same_bath")),
        *((f"overlap Q* of {name}", state) for name, state in (overlap.get("layers") or {}).items()),
        (f"CKA, {layer}", microscopic.get("similarity")),
        ("disagreement", microscopic.get("disagreement")),
        ("error consistency", microscopic.get("error_consistency")),
        ("Jensen-Shannon, bits", microscopic.get("jensen_shannon")),
        ("output distance", microscopic.get("output_distance")),
        ("support vectors shared", microscopic.get("support")),
        ("loss barrier, aligned", microscopic.get("barrier")),
        ("loss barrier, raw", microscopic.get("barrier_raw")),
        ("memory of the start", microscopic.get("memory")),
        ("twins over replicas", microscopic.get("chaos")),
        ("aligned cosine", microscopic.get("aligned_cosine")),
        ("raw cosine", microscopic.get("raw_cosine")),
        ("raw distance", microscopic.get("raw_distance")),
    ]
    return [(words, state) for words, state in states if state]


def comparison(diagnostics: Mapping[str, Any]) -> tuple[str, ...]:
    """Say how wide the macroscopic spread is beside the microscopic divergence, and whether one goes with the other."""
    lines = []
    for name, point in (diagnostics.get("comparison") or {}).items():
        if point["spread"] is None or point["divergence"] is None:
            continue
        line = (
            f"{name}: replicas differ by {point['spread']:.2g} of the margin (sd) while their parameters diverge by "
            f"1 - Q* = {point['divergence']:.2g}"
        )
        related = point["mantel"]
        if related["correlation"] is not None:
            low, high = related["interval"]
            r = related["correlation"]
            words = "that pairs further apart differ more in it is not shown"
            if not low <= r <= high:
                words = f"pairs further apart differ {'more' if r > high else 'less'} in it"
            line += f"; {words} (Mantel r = {r:.2f}, shuffled {low:.2f} to {high:.2f})"
        lines.append(line)
    return tuple(lines)


def diagnostics(measured: Mapping[str, Any]) -> Iterator[str]:
    """Say in sentences what there is beside the criteria; what has no number is left out."""
    noise = measured.get("test_noise") or {}
    if noise.get("noise_share") is not None:
        rest = noise["distribution_wise"]
        lost = "what an infinite test set would leave is lost in it"
        left = f"on an infinite test set {rest**0.5:.2g}" if rest >= 0 else lost
        yield (
            f"the finite test set makes {noise['noise_share']:.0%} of the variance of the test error over replicas "
            f"(sd {noise['variance'] ** 0.5:.2g}, {left})"
        )
    above = False
    for name, mixing in (measured.get("mixing") or {}).items():
        if mixing["rhat"] is not None:
            yield (
                f"{name}: R-hat {mixing['rhat']:.3g} (replicas without any difference: {mixing['rhat_null'][0]:.3g}, at most "
                f"{mixing['rhat_null'][1]:.3g}), effective sample {mixing['ess']:.0f}"
            )
            above = above or mixing["rhat"] > mixing["rhat_null"][1]
    if above:
        yield MIXED
    words = {
        "quench_gap": "annealing the rate to zero lowers the energy by {}: so far above its minimum does training settle",
        "response": "the output moves by {} per unit of input noise",
        "flatness": "changing every parameter by 5 % of itself raises the energy by {}",
    }
    for name, sentence in words.items():
        state = measured.get(name) or {}
        if state.get("mean") is not None:
            yield sentence.format(f"{state['mean']:.2g}")
    for name, budget in (measured.get("noise_budget") or {}).items():
        parts = [
            f"{source} {part['share']:.0%} (sd {part['sd']:.2g})"
            for source, part in budget.items()
            if part["share"] is not None
        ]
        if parts:
            yield f"variance of {name} is due to " + ", ".join(parts)


@dataclass(frozen=True)
class Step:
    """One thing to do next.

    Attributes:
        words: What comes of it, and how long it takes.
        command: What to type; empty where nothing can be typed.
    """

    words: str
    command: str = ""


def next_steps(verdict: Verdict, pace: float | None = None, typed: Typed = UNTYPED) -> tuple[Step, ...]:
    """Say what to do next: what to type, what comes of it, and how long it takes.

    Args:
        pace: Replica-steps a second, where that has been measured.
        typed: How the commands of the run are typed.
    """
    together: dict[str, list[Advice]] = {}
    for one in verdict.advice:
        together.setdefault(one.command or one.words, []).append(one)
    return tuple(_step(steps, pace, typed) for steps in together.values())


def _step(steps: Sequence[Advice], pace: float | None, typed: Typed) -> Step:
    """Write one thing to do, which may have several ends."""
    work, command = steps[0].work, steps[0].command
    time = f"; about {lasting(work / pace)}" if work and pace else ""
    words = "; ".join(one.words for one in steps)
    return Step(f"{words}{time}", typed.filled(command))


def lasting(seconds: float) -> str:
    """Write how long something takes, to be understood at a glance."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1.0):.0f} s"


def nothing_to_do(verdict: Verdict) -> str:
    """Say why nothing is asked for."""
    failing = any(row.gates and row.outcome == "fails" and row.criterion not in NO_FAILURE for row in verdict.criteria)
    if failing or verdict.verdict == "diverged":
        return "No larger run would change this answer: what was found is said above."
    if verdict.unskilled:
        other = "Other features or another system may; where classes are skewed, observe balanced_accuracy and roc_auc"
        return f"More replicas or steps would not help: it is {verdict.unskilled}. {other} (thermo-run --plan has the lines)."
    if verdict.diagnostics.get("noise_budget"):
        return "Nothing: a crossed design has answered its own question; ensemble.design: independent is for a verdict."
    return "Nothing: every question that the verdict rests on has its answer."


def remarks(baselines: Sequence[Baseline]) -> tuple[str, ...]:
    """Say once what differs between runs and their baselines, and what to know of the comparisons."""
    lines = [(*(f"differs in {change}" for change in one.changes), *one.notes) for one in baselines]
    return tuple(dict.fromkeys(line for some in lines for line in some))


def reason(row: Difference, sides: tuple[str, str] = ("this run", "the baseline")) -> str:
    """Say why a difference has its outcome, how many replicas would decide it, and how often a replica is the better one.

    Args:
        sides: What the two are called.
    """
    more = (
        "" if row.replicas_needed is None else f"about {row.replicas_needed} replicas per history in both would decide"
    )
    chance = (
        "" if row.chance is None else f"a replica of {sides[0]} beats one of {sides[1]} in {row.chance:.0%} of pairs"
    )
    return "; ".join(filter(None, (row.explanation, more, chance)))


def telling(baseline: Baseline) -> Difference | None:
    """Return the row that decided, or would: of the outcome of the whole, the largest beside its margin."""
    rows = [row for row in baseline.rows if row.gates and row.outcome == baseline.outcome]
    return max(rows, key=lambda row: abs(row.estimate or 0.0) / (row.margin or 1.0), default=None)


def method(rows: Sequence[Difference], sides: tuple[str, str] = ("this run", "the baseline")) -> str:
    """Say how the differences were taken.

    Args:
        sides: What is taken minus what.
    """
    levels = sorted({f"{row.confidence:.4g}" for row in rows if row.confidence is not None})
    bounds = (
        f"; each bound holds with confidence {' to '.join(dict.fromkeys((levels[0], levels[-1])))}" if levels else ""
    )
    shared = ", for the rows share one error rate (Holm)" if len(levels) > 1 else ""
    return f"Final trimmed mean of {sides[0]} minus that of {sides[1]}, independent replicas (Yuen){bounds}{shared}."


def difference(row: Difference) -> str:
    """Write a difference with its interval; a dash where it is not known."""
    low, high = row.interval
    if row.estimate is None or low is None or high is None:
        return "-"
    tiny = NEGLIGIBLE * (row.margin or 0.0)
    estimate, lower, upper = (number(0.0 if abs(value) < tiny else value, 2) for value in (row.estimate, low, high))
    return f"{estimate} [{lower}, {upper}]"
