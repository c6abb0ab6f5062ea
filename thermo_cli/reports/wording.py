"""What is said of a run in words: quantities, comparisons, diagnostics, what to do next. Pure: verdict in, sentences out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thermo_cli.contracts import Row, Verdict


@dataclass(frozen=True)
class MicroLine:
    """One microscopic quantity, in words; a number that does not exist is None."""

    words: str
    estimate: float | None
    interval: tuple[float | None, float | None]
    null: float | None
    own: float | None


def short(statistic: str) -> str:
    """Return the letter and number of a statistic, `S1` of `S1 each replica is still`.

    Args:
        statistic: A row's statistic.
    """
    return statistic.split()[0]


def legend(rows: tuple[Row, ...]) -> Mapping[str, str]:
    """Return what the letters stand for, in the order of the rows.

    Args:
        rows: The rows shown.
    """
    return {short(row.statistic): row.statistic.partition(" ")[2] for row in rows if " " in row.statistic}


def microscopic(found: Mapping[str, Mapping[str, Any]]) -> tuple[MicroLine, ...]:
    """Put the microscopic quantities into words, the most telling first.

    Args:
        found: `microscopic` of a verdict.
    """
    overlap = found.get("overlap") or {}
    layer = (found.get("similarity") or {}).get("layer", "")
    states = [
        ("overlap Q*", overlap),
        ("  on one bath", overlap.get("same_bath")),
        *((f"  {name}", state) for name, state in (overlap.get("layers") or {}).items()),
        (f"CKA, {layer}", found.get("similarity")),
        ("disagreement", found.get("disagreement")),
        ("error consistency", found.get("error_consistency")),
        ("Jensen-Shannon, bits", found.get("jensen_shannon")),
        ("output distance", found.get("output_distance")),
        ("support vectors shared", found.get("support")),
        ("loss barrier, aligned", found.get("barrier")),
        ("loss barrier, raw", found.get("barrier_raw")),
        ("memory of the start", found.get("memory")),
        ("twins over replicas", found.get("chaos")),
        ("aligned cosine", found.get("aligned_cosine")),
        ("raw cosine", found.get("raw_cosine")),
        ("raw distance", found.get("raw_distance")),
    ]
    return tuple(
        MicroLine(
            words,
            state["estimate"],
            (state["interval"][0], state["interval"][1]),
            state["null"],
            state["self"] if words in ("overlap Q*", "disagreement") else None,
        )
        for words, state in states
        if state
    )


def comparison(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Say how wide the macroscopic spread is beside the microscopic divergence, and whether one goes with the other.

    Args:
        found: `diagnostics` of a verdict.
    """
    lines = []
    for name, point in (found.get("comparison") or {}).items():
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


def diagnostics(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Say in sentences what was found beside the criteria; what has no number is left out.

    Args:
        found: `diagnostics` of a verdict.
    """
    lines = []
    noise = found.get("test_noise") or {}
    if noise.get("noise_share") is not None:
        rest = noise["distribution_wise"]
        left = (
            f"on an infinite test set {rest**0.5:.2g}"
            if rest >= 0
            else "what an infinite test set would leave is lost in it"
        )
        lines.append(
            f"the finite test set makes {noise['noise_share']:.0%} of the variance of the test error over replicas "
            f"(sd {noise['variance'] ** 0.5:.2g}, {left})"
        )
    for name, mixing in (found.get("mixing") or {}).items():
        if mixing["rhat"] is not None:
            lines.append(
                f"{name}: R-hat {mixing['rhat']:.3g} (replicas without any difference: {mixing['rhat_null'][0]:.3g}, at most "
                f"{mixing['rhat_null'][1]:.3g}), effective sample {mixing['ess']:.0f}"
            )
    words = {
        "quench_gap": "annealing the rate to zero lowers the energy by {}: so far above its minimum does training settle",
        "response": "the output moves by {} per unit of input noise",
        "flatness": "changing every parameter by 5 % of itself raises the energy by {}",
    }
    for name, sentence in words.items():
        state = found.get(name) or {}
        if state.get("mean") is not None:
            lines.append(sentence.format(f"{state['mean']:.2g}"))
    for name, budget in (found.get("noise_budget") or {}).items():
        parts = [
            f"{source} {part['share']:.0%} (sd {part['sd']:.2g})"
            for source, part in budget.items()
            if part["share"] is not None
        ]
        if parts:
            lines.append(f"variance of {name} is due to " + ", ".join(parts))
    return tuple(lines)


def next_steps(verdict: Verdict, trained: bool = True) -> tuple[str, ...]:
    """Collect what the open and failing rows ask for, the largest request of each kind; first of all, that training ends.

    Args:
        verdict: What was decided.
        trained: Whether thermo trains the replicas; of those recorded elsewhere no field of the spec makes more.
    """
    if verdict.unfinished:  # the rows are those of a part: what they ask for may be on its way
        planned = verdict.replicas["planned"]
        return (f"the same thermo-run command: {verdict.unfinished} of {planned} replicas are still to be trained",)
    open_rows = [row for row in verdict.criteria if row.gates and row.outcome in ("undecided", "fails")]
    pairs = max(
        (row.replicas_needed for row in open_rows if row.replicas_needed and row.criterion == "diversity"), default=None
    )
    replicas = max(
        (row.replicas_needed for row in open_rows if row.replicas_needed and row.criterion != "diversity"), default=None
    )
    steps = max((row.steps_needed for row in open_rows if row.steps_needed), default=None)
    found = []
    if replicas is not None:
        order = f"--set ensemble.replicas={replicas}" if trained else f"record {replicas} runs of each history"
        found.append(f"{order}: as many replicas per history would decide what is open")
    if steps is not None:
        order = f"--set dynamics.steps={steps}" if trained else f"record runs of {steps} steps"
        found.append(f"{order}: longer training shows whether it has stopped")
    if pairs is not None:
        found.append(
            f"--set ensemble.controls.same_bath={pairs}: so many pairs on one bath would tell whether models differ"
        )
    silent = [row for row in open_rows if row.outcome == "undecided" and not (row.replicas_needed or row.steps_needed)]
    found += [f"{row.criterion} is open: {row.explanation}" for row in silent]
    untested = [row for row in verdict.criteria if row.gates and row.outcome == "untested"]
    found += [f"{row.criterion} is untested: {row.explanation}" for row in untested]
    return tuple(dict.fromkeys(found))
