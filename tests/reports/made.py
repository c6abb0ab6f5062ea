"""Views of runs that never were, with every outcome and every bad character in them."""

import dataclasses

from tests.reports.test_terminal import ensemble, shown
from thermo_cli.contracts import Row, Verdict
from thermo_cli.judging.record import Gate
from thermo_cli.reports.sweep_view import SweepView, point_view
from thermo_cli.reports.view import Reproduction, RunView

EVIL = "x\x00\x1b[31m\ud800]]><![CDATA[&amp;<b>\"'\r\n::error::=1+1|`\uffff\x85"

ROWS = (
    Row(
        "stationarity",
        "S1 each replica is still",
        "test_accuracy",
        "cold",
        True,
        "holds",
        0.0017361111111111112,
        (0.00125, 0.0025),
        0.02,
        0.95,
        "32 of 32 replicas moved by at most 0.02",
    ),
    Row(
        "stationarity",
        "S2 projection to 4T",
        "test_accuracy",
        "cold",
        True,
        "fails",
        -0.0467,
        (None, 0.0571),
        0.02,
        0.95,
        "it moves by -0.0234 per doubling",
        None,
        2000,
    ),
    Row(
        "stationarity",
        "S3 growth of the spread",
        "energy",
        "cold",
        False,
        "fails",
        0.5,
        (0.4, 0.6),
        0.1,
        0.95,
        "it grows",
    ),
    Row(
        "agreement",
        "A tolerance interval",
        "test_accuracy",
        "all histories",
        True,
        "undecided",
        0.0185,
        (0.01, 0.03),
        0.02,
        0.95,
        "28 of 32 replicas lie within",
        64,
    ),
    Row(
        "history",
        "H difference of final means",
        None,
        "all histories",
        True,
        "untested",
        explanation="only one history",
    ),
    Row(
        "diversity",
        "D overlap on one bath",
        None,
        "same-bath pairs",
        True,
        "fails",
        1.0,
        (1.0, 1.0),
        0.9,
        0.95,
        "one model",
    ),
    Row("ergodicity", "E", None, "same-bath pairs", True, "inapplicable", explanation="an ideal system"),
)


def verdict_of(word: str, rows: tuple[Row, ...] = ROWS) -> Verdict:
    """A verdict with a row of every outcome."""
    made, _ = shown(ensemble(0.005, 0.0))
    return dataclasses.replace(
        made.verdict,
        verdict=word,
        phase="crystal",
        criteria=rows,
        summary=f"It is {word}.",
        scope="for the replicas given",
    )


def run_view(word: str = "relaxing", title: str = "demo-01234567", gate: Gate | None = None) -> RunView:
    """A run with that verdict."""
    made, _ = shown(ensemble(0.005, 0.0), title)
    return dataclasses.replace(made, verdict=verdict_of(word), gate=gate)


def sweep_view(gate: Gate | None = None) -> SweepView:
    """Three points: one diverged, one crystallized, one that cannot be judged."""
    field = "dynamics.with.lr"
    points = (
        point_view({field: 0.1}, verdict_of("diverged"), ""),
        point_view({field: 0.2}, verdict_of("crystallized"), ""),
        point_view({field: 0.3}, None, "every replica failed"),
    )
    return SweepView("sweep-01234567", "", "partial", "a scope", points, Reproduction(), {}, gate)


def hostile_view() -> RunView:
    """A run whose every name is evil."""
    rows = tuple(
        dataclasses.replace(row, observable=EVIL, scope=EVIL, statistic=f"S1 {EVIL}", explanation=EVIL) for row in ROWS
    )
    made = run_view(title=EVIL)
    verdict = dataclasses.replace(made.verdict, criteria=rows, summary=EVIL, scope=EVIL, phase=EVIL)
    return dataclasses.replace(made, verdict=verdict, gate=Gate(("settled",), 1, EVIL))
