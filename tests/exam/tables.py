"""The exam as Markdown: error rates, power, calibration, laws; the README holds a summary."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.exam.physics import Crossing, Law
from tests.exam.tally import ASKED, Tally

WORDS = {"equilibrium": "at equilibrium", "margin": "at its margin", "off": "not at equilibrium"}


def errors(tallies: Sequence[Tally]) -> str:
    """Write the share of wrong answers with 95 % bounds, by number of replicas; in parentheses where nothing is promised.

    Args:
        tallies: Of all questions; those at equilibrium have no row.
    """
    rows = _by_cell(one for one in tallies if one.truth != "equilibrium")
    sizes = sorted({size for row in rows.values() for size in row})
    lines = [_line(["system", "truth", *(f"R = {size}" for size in sizes)]), _rule(2, len(sizes))]
    for name, row in rows.items():
        truth = WORDS[next(iter(row.values())).truth]
        lines.append(_line([name, truth, *(_wrong(row[size]) if size in row else "" for size in sizes)]))
    return "\n".join(lines)


def power(tallies: Sequence[Tally]) -> str:
    """Write the share of right answers by number of replicas, and the verdicts at R = 32, where there is a right one.

    Args:
        tallies: Of all questions; those neither at equilibrium nor well away from the margins have no row.
    """
    rows = _by_cell(one for one in tallies if one.truth == "equilibrium" or one.away)
    sizes = sorted({size for row in rows.values() for size in row})
    lines = [_line(["system", "answers at R = 32", *(f"R = {size}" for size in sizes)]), _rule(2, len(sizes))]
    for name, row in rows.items():
        shares = [f"{row[size].right / row[size].trials:.1%}" if size in row else "" for size in sizes]
        lines.append(_line([name, _verdicts(row[ASKED]) if ASKED in row else "", *shares]))
    return "\n".join(lines)


def looks(tallies: Sequence[Tally]) -> str:
    """Write what became of ensembles that grow.

    Args:
        tallies: Of them.
    """
    lines = [_line(["law", "answers", "wrong over all looks", "replicas at the end"]), _rule(2, 2)]
    for one in tallies:
        wrong = _wrong(one) if one.truth != "equilibrium" else ""
        lines.append(_line([one.cell, _verdicts(one), wrong, f"{one.spent:.0f}"]))
    return "\n".join(lines)


def costs(grown: Sequence[Tally], fixed: Sequence[Tally]) -> str:
    """Write the replicas that growing ensembles end with, beside the fixed number that decides in 90 %.

    Args:
        grown: Ensembles that grow from 36 to 288.
        fixed: The same laws with fixed numbers of replicas.
    """
    rows = _by_cell(fixed)
    sizes = sorted({one.replicas for one in fixed})
    head = ["law", "grown: replicas", "decided", "fewest that decide 90 %", *(f"decided, R = {size}" for size in sizes)]
    lines = [_line(head), _rule(1, len(head) - 1)]
    for one in grown:
        shares = {size: row.right / row.trials for size, row in rows[one.cell].items()}
        enough = [str(size) for size, share in shares.items() if share >= 0.9] or [f"more than {sizes[-1]}"]
        numbers = [f"{one.spent:.0f}", f"{one.right / one.trials:.1%}", enough[0]]
        lines.append(_line([one.cell, *numbers, *(f"{share:.1%}" for share in shares.values())]))
    return "\n".join(lines)


def forecasts(tallies: Sequence[Tally]) -> str:
    """Write how often a new ensemble of the number forecast was decided.

    Args:
        tallies: Of rows.
    """
    lines = [_line(["row", "R", "number forecast, mean", "decided there (95 %)"]), _rule(1, 3)]
    for one in tallies:
        low, high = one.bounds(one.right) if one.trials else (0.0, 1.0)
        share = f"{one.right / one.trials:.1%} {low:.1%}-{high:.1%}" if one.trials else "no number is given"
        lines.append(_line([one.cell, str(one.replicas), f"{one.spent:.0f}" if one.trials else "", share]))
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


def write_readme(readme: Path, summary: str) -> None:
    """Replace the exam's part of the README.

    Args:
        readme: The file, with the marks `<!-- exam -->` and `<!-- /exam -->`.
        summary: One paragraph.
    """
    content = readme.read_text()
    replaced = re.sub(
        r"(<!-- exam -->\n).*?(<!-- /exam -->)", lambda m: f"{m[1]}{summary}\n{m[2]}", content, flags=re.DOTALL
    )
    readme.write_text(replaced)


def _by_cell(tallies: Iterable[Tally]) -> Mapping[str, dict[int, Tally]]:
    rows: dict[str, dict[int, Tally]] = {}
    for one in tallies:
        rows.setdefault(one.cell, {})[one.replicas] = one
    return rows


def _line(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _rule(words: int, numbers: int) -> str:
    return _line(["---"] * words + ["---:"] * numbers)


def _verdicts(one: Tally) -> str:
    counts = sorted(one.verdicts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count / one.trials:.0%}" for name, count in counts)


def _wrong(one: Tally) -> str:
    if not one.trials:
        return ""
    low, high = one.bounds(one.errors)
    share = f"{one.errors / one.trials:.1%} {low:.1%}-{high:.1%}"
    beyond = " **above**" if one.above else ""
    return f"{share}{beyond}" if one.promised else f"({share})"
