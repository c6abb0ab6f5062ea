"""The exam as Markdown: one row per cell, false verdicts with their bounds."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.exam.physics import Crossing, Law
from tests.exam.tally import Tally

WORDS = {"equilibrium": "at equilibrium", "margin": "at its margin", "off": "not at equilibrium"}


def confusion(arrays: Sequence[Tally], trained: Sequence[Tally]) -> str:
    """Write the confusion matrix: verdicts at R = 32, and the share of wrong ones at 32 and 64.

    Args:
        arrays: Array cells.
        trained: Trained cells.
    """
    head = "| system | truth | verdicts at R = 32 | right, R = 32 | wrong, R = 32 | wrong, R = 64 |"
    lines = [head, "| --- | --- | --- | ---: | ---: | ---: |"]
    for group in (arrays, trained):
        by_cell: dict[str, dict[int, Tally]] = {}
        for one in group:
            by_cell.setdefault(one.cell, {})[one.replicas] = one
        lines += [_row(sizes) for sizes in by_cell.values()]
    return "\n".join(lines)


def laws(known: Sequence[Law]) -> str:
    """Write quantities with a known value.

    Args:
        known: The quantities.
    """
    lines = ["| law | theory | measured (99 % interval) |", "| --- | ---: | ---: |"]
    lines += [f"| {one.name} | {one.known:.4g} | {one.estimate:.4g} ({one.low:.4g}-{one.high:.4g}) |" for one in known]
    return "\n".join(lines)


def crossover(wells: Sequence[Crossing]) -> str:
    """Write how the double well changes with its temperature.

    Args:
        wells: By temperature.
    """
    lines = [
        "| T / barrier | k t | right - left, theory | measured (99 % interval) | history (margin 1.5) | verdict |",
        "| ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for one in wells:
        law = one.difference
        lines.append(
            f"| {one.temperature:g} | {one.crossings:.2g} | {law.known:.3f} | {law.estimate:.3f} ({law.low:.3f} to "
            f"{law.high:.3f}) | {one.history} | {one.verdict} |"
        )
    return "\n".join(lines)


def write_readme(readme: Path, parts: Sequence[str], trials: int, seconds: float, reused: bool) -> None:
    """Replace the exam's part of the README.

    Args:
        readme: The file, with the marks `<!-- exam -->` and `<!-- /exam -->`.
        parts: Confusion matrix, laws, double well.
        trials: Ensembles judged.
        seconds: How long the exam took.
        reused: Whether trained runs of an earlier exam were judged again.
    """
    how = "to judge, trained for the most part by an earlier exam" if reused else "to train and judge"
    between = (
        f"{trials:,} ensembles, {seconds / 60:.0f} minutes on two cores {how}; 95 % bounds in brackets.",
        "The physical systems obey their laws (512 replicas):",
        "Two wells, started from both sides: what was a glass forgets its history where Kramers' rate k says, and not before.",
    )
    text = "\n\n".join(
        [parts[0], *(piece for pair in zip(between[1:], parts[1:], strict=True) for piece in pair), between[0]]
    )
    content = readme.read_text()
    replaced = re.sub(
        r"(<!-- exam -->\n).*?(<!-- /exam -->)", lambda m: f"{m[1]}{text}\n{m[2]}", content, flags=re.DOTALL
    )
    readme.write_text(replaced)


def _row(sizes: Mapping[int, Tally]) -> str:
    one = sizes[32]
    counts = sorted(one.verdicts.items(), key=lambda item: -item[1])
    verdicts = ", ".join(f"{name} {count / one.trials:.0%}" for name, count in counts)
    wrong = [_share(sizes[size].errors, sizes[size]) if one.truth != "equilibrium" else "" for size in (32, 64)]
    return f"| {one.cell} | {WORDS[one.truth]} | {verdicts} | {one.right / one.trials:.1%} | {wrong[0]} | {wrong[1]} |"


def _share(count: int, one: Tally) -> str:
    low, high = one.bounds(count)
    return f"{count / one.trials:.1%} ({low:.1%}-{high:.1%})"
