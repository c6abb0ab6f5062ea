"""The exam as Markdown: one row per cell, false verdicts with their bounds."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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


def write_readme(
    readme: Path, arrays: Sequence[Tally], trained: Sequence[Tally], operating: Mapping[str, Any], seconds: float
) -> None:
    """Replace the exam's part of the README.

    Args:
        readme: The file, with the marks `<!-- exam -->` and `<!-- /exam -->`.
        arrays: Array cells.
        trained: Trained cells.
        operating: The curves.
        seconds: How long the exam took.
    """
    text = readme.read_text()
    few = sum(one.trials for one in [*arrays, *trained])
    words = (
        f"\n{few:,} ensembles in {seconds / 60:.0f} minutes on two cores, training included; 95 % bounds in brackets."
    )
    replaced = re.sub(
        r"(<!-- exam -->\n).*?(<!-- /exam -->)", lambda m: m[1] + confusion(arrays, trained) + "\n" + words + "\n" + m[2], text,
        flags=re.DOTALL,
    )  # fmt: skip
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
