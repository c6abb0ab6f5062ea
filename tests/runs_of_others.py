"""Judge runs that others have published, and write what that adds to what they asked: results/runs-of-others.md.

    python -m tests.runs_of_others DATA

DATA holds nano_*.csv (modded-nanogpt) and pong.csv (Dopamine), a line for each replica, step and observable. They are read,
never copied: the page has figures alone.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import thermo_cli
from tests.conftest import ROOT
from thermo_cli.contracts import Row
from thermo_cli.runs.judged_run import Run

PAGE: Final = ROOT / "results" / "runs-of-others.md"
BAR: Final = 3.28
INTRODUCTION: Final = """\
# Runs of others

Written by `python -m tests.runs_of_others DATA`; runs that others have published with all their seeds are judged and compared.
"""
NANO: Final = f"""\
## modded-nanogpt: is the mean loss below {BAR}?

[KellerJordan/modded-nanogpt](https://github.com/KellerJordan/modded-nanogpt) at f411b3d3, records/track_1_short, validation
loss by step of each log (MIT). Their question: does a record reach a mean of at most {BAR}, with p < .01? The learning rate
falls to nothing, so no trajectory says what longer training would do, and stationarity is untested. Margin .005.
*Collapsed*: a run lies more than a margin beyond the worst of the other record, which no mean shows.

| record | runs | mean at most {BAR}? | mean, 95 % | do runs agree within the margin? | single runs at most {BAR} |
| --- | ---: | --- | --- | --- | --- |
"""
PONG: Final = """\
## Dopamine: which agent plays Pong better?

[google/dopamine](https://github.com/google/dopamine), baselines/atari/data/pong.json (Apache-2.0): four agents, five seeds,
199 iterations each. Their question: how do the curves of mean and interval compare? Margin of the return: 2 of 42 points.

| agent | verdict | still changing? | final trimmed mean, 95 % | what is open |
| --- | --- | --- | --- | --- |
"""


def recorded(path: Path, results: Path, schedule: str, equilibrium: Mapping[str, Any]) -> Run:
    """Judge the runs of a file.

    Args:
        path: Of the table.
        results: Where the run folder may be.
        schedule: Of the learning rate.
        equilibrium: Margins, targets and good directions.
    """
    name = path.stem.lower().replace("_", "-").replace(" ", "-")
    system = {"use": "recorded", "with": {"path": str(path), "schedule": schedule}}
    return thermo_cli.run(
        {"name": name, "system": system, "equilibrium": dict(equilibrium)}, results=results, allow=["local"]
    )


def row(run: Run, statistic: str) -> Row:
    """Return the first row of a statistic."""
    return next(one for one in run.verdict.criteria if one.statistic.startswith(statistic))


def nano(data: Path, results: Path) -> Iterator[str]:
    """Yield the lines of the records."""
    runs = []
    for path in sorted(data.glob("nano_*.csv")):
        told = {"margins": {"val_loss": 0.005}, "better": {"val_loss": "lower"}}
        run = recorded(path, results, "scheduled", {**told, "targets": {"val_loss": {"at_most": BAR}}})
        half = run.judge(targets={"val_loss": {"at_most": BAR, "share": 0.5}})
        target, agreement, share = row(run, "T "), row(run, "A "), row(half, "T ")
        assert target.estimate is not None
        name, count = path.stem.removeprefix("nano_"), run.verdict.replicas["finished"]
        yield (
            f"| {name} | {count} | {target.outcome} | {target.estimate:.4f} ({_ends(target, 4)}) "
            f"| {agreement.outcome}: {agreement.explanation} | {share.explanation.rpartition(': ')[2]} |"
        )
        runs.append(run)
    yield ""
    yield from _standings(runs, 4)


def pong(data: Path, results: Path, folder: Path) -> Iterator[str]:
    """Yield the lines of the agents, each of which is an ensemble of its own."""
    with (data / "pong.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    runs = []
    for agent in dict.fromkeys(line["history"] for line in lines):
        path = folder / f"{agent}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("replica", "step", "observable", "value"))
            writer.writerows(
                (line["replica"], line["step"], line["observable"], line["value"])
                for line in lines
                if line["history"] == agent
            )
        run = recorded(path, results, "constant", {"margins": {"return": 2.0}, "better": {"return": "higher"}})
        mean, drift = row(run, "M "), row(run, "S2")
        assert mean.estimate is not None
        yield (
            f"| {agent} | {run.verdict.verdict} | {drift.outcome}: {drift.explanation} "
            f"| {mean.estimate:.2f} ({_ends(mean, 2)}) | {run.verdict.summary} |"
        )
        runs.append(run)
    yield ""
    yield from _standings(runs, 2)


def _ends(found: Row, digits: int) -> str:
    low, high = found.interval or (None, None)
    return f"{low:.{digits}f} to {high:.{digits}f}" if low is not None and high is not None else "not bounded"


def _standings(runs: Sequence[Run], digits: int) -> Iterator[str]:
    """Yield a table of pairs, all of which share one error rate: the outcome, the difference, what would decide."""
    found = thermo_cli.compare(*runs)
    places = [place for place in found.rankings[0].order if place.rank is not None]
    yield (
        "Each with each other; all pairs share one error rate. Places: "
        + ", ".join(
            f"{runs[place.member].folder.spec.name} {'-'.join(map(str, dict.fromkeys(place.rank)))}"
            for place in places
            if place.rank is not None
        )
        + ".\n"
    )
    yield "| pair | outcome | difference [interval] | replicas that would decide |\n| --- | --- | --- | ---: |"
    for pair in found.pairs:
        (difference,) = pair.found.rows
        low, high = difference.interval
        names = " - ".join(runs[number].folder.spec.name for number in (pair.first, pair.second))
        span = f"[{low:.{digits}f}, {high:.{digits}f}]" if low is not None and high is not None else "not bounded"
        outcome = difference.outcome + f": {difference.collapsed} of the first collapsed" * bool(difference.collapsed)
        yield f"| {names} | {outcome} | {difference.estimate:.{digits}f} {span} | {difference.replicas_needed or ''} |"


def main() -> None:
    """Judge and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    data = parser.parse_args().data.resolve()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        parts = [
            INTRODUCTION,
            NANO + "\n".join(nano(data, results)),
            PONG + "\n".join(pong(data, results, Path(folder))),
        ]
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n")


if __name__ == "__main__":
    main()
