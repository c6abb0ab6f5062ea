"""The court on anybody's arrays: the same numbers give the same criteria on every path, and bad ones are named."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thermo_cli
from tests.conftest import Command
from tests.exam.cell import STEPS, ordinary
from thermo_cli.contracts import Array, Verdict
from thermo_cli.errors import DataError, ThermoError, UsageError
from thermo_cli.judging.verdict_json import document

MARGINS = {"test_accuracy": 1.0}


def ensemble(replicas: int = 32, **facts: Any) -> Array:
    """An ensemble at rest, (replica, time), margin 1."""
    return ordinary(np.random.Generator(np.random.PCG64(5)), replicas, **facts)


def judged(values: Any, **settings: Any) -> Verdict:
    """Judge one observable with a margin of 1."""
    return thermo_cli.judge({"test_accuracy": values}, **{"steps": STEPS, "margins": MARGINS, **settings})


def outcomes(verdict: Verdict) -> dict[str, str]:
    """Criterion to outcome."""
    return dict(verdict.outcomes)


def test_an_ensemble_at_rest_has_settled() -> None:
    """The usual case, with one history: H is untested and says why."""
    verdict = judged(ensemble())
    assert verdict.verdict == "settled"
    assert outcomes(verdict) == {
        "stationarity": "holds",
        "agreement": "holds",
        "history": "untested",
        "diversity": "untested",
        "ergodicity": "untested",
        "mean": "holds",
    }


@pytest.mark.parametrize(
    ("values", "settings", "expected"),
    [
        (ensemble(1), {}, "undecided"),
        (ensemble(2), {}, "undecided"),
        (ensemble(29), {}, "undecided"),
        (np.ones((32, len(STEPS))), {}, "undecided"),
        (ensemble()[:, :1], {"steps": [1000]}, "undecided"),
        (ensemble()[:, -1:], {"steps": [1000]}, "undecided"),
        (ensemble()[:, [0, -1]], {"steps": [0, 1000]}, "undecided"),
        (ensemble()[:, :12], {"steps": STEPS[:12]}, "undecided"),
        (np.full((32, len(STEPS)), np.nan), {}, "diverged"),
        (np.full((32, len(STEPS)), np.inf), {}, "diverged"),
    ],
    ids=[
        "one replica",
        "two",
        "29, too few for A",
        "constant",
        "one early measurement",
        "one late one",
        "two",
        "no window",
        "all NaN",
        "infinite",
    ],
)
def test_too_little_is_never_flattered(values: Array, settings: dict[str, Any], expected: str) -> None:
    """Each is undecided or diverged, with a reason."""
    verdict = judged(values, **settings)
    assert verdict.verdict == expected
    assert all(row.explanation for row in verdict.criteria)
    assert len(verdict.summary) > 20


def test_a_constant_that_has_moved_is_settled() -> None:
    """No noise at all is no obstacle: intervals of no width."""
    values = np.repeat(np.where(np.arange(len(STEPS)) < 3, 5.0, 0.0)[None, :], 32, axis=0)
    assert judged(values).verdict == "settled"


def test_a_nan_tail_is_a_diverged_replica() -> None:
    """Counted, not dropped; tolerated only on request, and then the others are judged."""
    values = ensemble(46)
    values[3, -5:] = np.nan
    assert judged(values).verdict == "diverged"
    assert judged(values).replicas["diverged"] == 1
    assert judged(values, diverged=1).verdict == "settled"


@pytest.mark.parametrize(("runs", "times"), [(1, 40), (4, 10)])
def test_copies_of_a_run_are_one_replica(runs: int, times: int) -> None:
    """Forty copies of one run are one, four runs ten times each are four; they are named, first of all, and settle nothing."""
    verdict = judged(np.repeat(ensemble(runs), times, axis=0))
    assert verdict.verdict == "undecided"
    assert (verdict.replicas["finished"], verdict.replicas["independent"]) == (40, runs)
    assert verdict.summary.startswith(f"40 replicas are copies of {runs}, to the last bit. Open: ")
    assert verdict.warnings[0].startswith(
        f"40 replicas are copies of {runs}, to the last bit, and count once: all/0 = all/1"
    )


def test_two_copies_among_many_count_once_and_a_hair_makes_a_run() -> None:
    """Of 41 with one twice, 40 are judged; what differs in one bit at one step is another run, whatever its end."""
    values = ensemble(40)
    twice = np.concatenate([values, values[7:8]])
    verdict = judged(twice)
    assert (verdict.verdict, verdict.replicas["independent"]) == ("settled", 40)
    assert "all/7 = all/40" in verdict.warnings[0]
    assert verdict.criteria == judged(values).criteria
    twice[40, 3] = np.nextafter(twice[40, 3], np.inf)
    assert judged(twice).replicas["independent"] == 41


def test_what_may_coincide_is_no_copy() -> None:
    """Final scores alone, and series of few distinct values: deterministic fits of other data may well agree in them."""
    finals = thermo_cli.judge({"test_accuracy": np.full((40, 1), 0.9)}, steps=[100], margins={"test_accuracy": 0.02})
    assert finals.replicas["independent"] == 40
    courses = np.tile(np.minimum(np.arange(len(STEPS)), 6) / 6, (40, 1))
    assert judged(courses).replicas["independent"] == 40
    courses = np.tile(np.minimum(np.arange(len(STEPS)), 7) / 7, (40, 1))
    assert judged(courses).replicas["independent"] == 1
    shares = (
        np.random.default_rng(3).binomial(30, 0.9, (40, 24)) / 30
    )  # never two alike, though each value is often there
    assert judged(shares, steps=np.arange(1, 25) * 100).replicas["independent"] == 40


def test_copies_in_two_histories_are_copies() -> None:
    """A run that is filed under two names tells nothing of a second path."""
    values = ensemble(32, start=-10.0)
    verdict = judged(np.concatenate([values, values]), histories=["cold"] * 32 + ["hot"] * 32)
    assert verdict.replicas["independent"] == 32
    assert outcomes(verdict)["history"] == "untested"


def test_a_missing_value_is_no_divergence() -> None:
    """One NaN between finite values leaves the step out, says so and changes nothing else; no value at all is named."""
    values = ensemble(46)
    values[3, 4] = np.nan
    verdict = judged(values)
    assert (verdict.verdict, verdict.replicas["diverged"]) == ("settled", 0)
    assert f"{len(STEPS) - 1} of {len(STEPS)} steps, those that all have: all/3 has none" in verdict.warnings[0]
    other = values.copy()
    other[3] = np.nan
    with pytest.raises(DataError, match="no value of test_loss of all/3"):
        thermo_cli.judge({"test_accuracy": values, "test_loss": other}, steps=STEPS)


def test_observables_have_steps_of_their_own() -> None:
    """What all log at every third step alone is judged on those; a tail longer than any such gap is a loss of all."""
    steps = np.arange(1, 91)
    losses = np.random.default_rng(5).normal(0, 0.1, (46, 90)) - 10 * (steps < 20)
    scores = np.where(steps % 3 == 1, losses, np.nan)  # the last two steps are not among them
    tables = {"test_accuracy": scores, "train_loss": losses}
    verdict = thermo_cli.judge(tables, steps=steps, margins={"test_accuracy": 1.0})
    assert (verdict.verdict, verdict.replicas["diverged"]) == ("settled", 0)
    scores[:, -12:] = np.nan
    assert thermo_cli.judge(tables, steps=steps, margins={"test_accuracy": 1.0}).verdict == "diverged"


def test_a_history_of_two_is_no_ensemble() -> None:
    """Its stationarity is undecided, and so is the verdict."""
    values = np.concatenate([ensemble(32, start=-10.0), ensemble(2)])
    verdict = judged(values, histories=["cold"] * 32 + ["hot"] * 2)
    assert verdict.verdict == "undecided"
    assert outcomes(verdict)["stationarity"] == "undecided"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"observables": {}}, "no observable"),
        (
            {"observables": {"a": [[1.0, 2.0], [1.0]]}, "steps": [1, 2]},
            "no table of numbers, received rows of .1, 2. meas",
        ),
        ({"observables": {"a": [["x", "y"]]}, "steps": [1, 2]}, "no table of numbers"),
        ({"observables": {"a": [1.0, 2.0]}, "steps": [1, 2]}, "wrong shape"),
        ({"observables": {"a": np.zeros((3, 4))}, "steps": [1, 2]}, "wrong shape"),
        ({"observables": {"a": np.zeros((0, 2))}, "steps": [1, 2]}, "no replica"),
        (
            {"observables": {"a": np.zeros((3, 2)), "b": np.zeros((4, 2))}, "steps": [1, 2]},
            "different numbers of replicas",
        ),
        ({"observables": {"a": np.zeros((3, 2))}, "steps": [2, 1]}, "increase, received 2 before 1"),
        ({"observables": {"a": np.zeros((3, 2))}, "steps": [1, 1]}, "increase"),
        ({"observables": {"a": np.zeros((3, 2))}, "steps": [1, 2.5]}, "whole numbers from 0, received 2.5"),
        ({"observables": {"a": np.zeros((3, 2))}, "steps": [-1, 2]}, "whole numbers from 0, received -1"),
        ({"observables": {"a": np.zeros((3, 2))}, "steps": [1, np.nan]}, "whole numbers from 0, received nan"),
        ({"observables": {"a": np.zeros((3, 2))}, "steps": [1, np.inf]}, "whole numbers from 0, received inf"),
        ({"observables": {"a": np.zeros((3, 1))}, "steps": [0]}, "nothing has been trained"),
        ({"histories": ["x", "y"]}, "histories are not those of the replicas"),
        ({"microstates": np.zeros((4, 7))}, "microstates are not those of the replicas"),
        ({"budgets": {"a": np.zeros((3, 2))}}, "budgets of a has the wrong shape"),
        ({"budgets": {"b": np.zeros((2, 3))}}, "not those of the replicas"),
        ({"margins": {"a": 0.0}}, "positive number, received a: 0.0"),
        ({"margins": {"a": -1.0}}, "positive number, received a: -1.0"),
        ({"margins": {"a": math.nan}}, "positive number"),
        ({"margins": {"b": 1.0}}, "not observed, received b"),
        ({"confidence": 1.0}, "confidence is out of range"),
        ({"content": 0.0}, "content is out of range"),
        ({"window": 0.9}, "window is out of range"),
        ({"tolerance": "exact"}, "no such tolerance interval"),
    ],
)
def test_what_cannot_be_judged_is_named(arguments: dict[str, Any], expected: str) -> None:
    """Every message says what is wrong, what was received and what to do."""
    usual = {"observables": {"a": np.zeros((3, 2))}, "steps": [1, 2], "margins": {}}
    merged = usual | arguments
    with pytest.raises((DataError, UsageError)) as caught:
        thermo_cli.judge(merged.pop("observables"), **merged)
    error = caught.value
    assert isinstance(error, ThermoError)
    said = f"{error.what}, received {error.received}"
    assert expected.split(", received")[0].removeprefix("increase") in said
    assert np.all([part.strip(" .") in said for part in expected.split(", received ")[1:2] if "." not in part])
    assert error.remedy


def test_margins_and_settings_decide() -> None:
    """The same arrays, judged with other margins, another content, another window, another tolerance interval."""
    values = ensemble()
    assert judged(values, margins={"test_accuracy": 0.2}).verdict != "settled"
    assert outcomes(judged(values, content=0.95))["agreement"] == "undecided"  # 59 replicas would be needed
    assert outcomes(judged(ensemble(12)))["agreement"] == "undecided"
    assert outcomes(judged(ensemble(12), tolerance="normal"))["agreement"] == "holds"
    assert judged(ensemble(memory=0.3), window=0.5).verdict == "relaxing"


def test_an_accuracy_in_per_cent_has_its_margin_in_per_cent() -> None:
    """The default is 2 and the unit of n examples 100/n, which the scope says; 0.02 points of a hundred decided nothing."""
    values = 0.9 + 0.002 * ensemble()
    shares = judged(values, margins=None, test_examples=500, schedule="constant")
    points = judged(100 * values, margins=None, test_examples=500, schedule="constant")
    assert "test_accuracy: 2" in points.scope
    assert "per cent" not in shares.scope + judged(100 * values, margins={"test_accuracy": 2.0}).scope
    assert outcomes(points) == outcomes(shares)
    for share, point in zip(shares.criteria, points.criteria, strict=True):
        assert point.outcome == share.outcome
        if share.observable and share.margin is not None:
            assert point.margin == pytest.approx(100 * share.margin)


def test_a_schedule_needs_budgets() -> None:
    """Under a schedule a trajectory says nothing about longer training; three budgets do."""
    values = ensemble()
    assert outcomes(judged(values, schedule="cosine"))["stationarity"] == "untested"
    generator = np.random.Generator(np.random.PCG64(2))
    offsets = 0.2 * generator.standard_normal((32, 1))
    finals = offsets + 0.1 * generator.standard_normal((32, 3))
    still = judged(values, schedule="cosine", budgets={"test_accuracy": finals})
    assert outcomes(still)["stationarity"] == "holds"
    moving = judged(values, schedule="cosine", budgets={"test_accuracy": finals + np.array([0.0, 2.0, 4.0])})
    assert outcomes(moving)["stationarity"] == "fails"


def met() -> tuple[Array, list[str]]:
    """Two histories that have met, and their labels."""
    return np.concatenate([ensemble(32, start=-10.0), ensemble(32)]), ["left"] * 32 + ["right"] * 32


@pytest.mark.parametrize(
    ("centre", "spread", "expected"),
    [(0.0, 1.0, "thermalized"), (100.0, 1.0, "thermalized"), (1.0, 0.01, "crystallized")],
)
def test_microstates_without_symmetries_decide_diversity(centre: float, spread: float, expected: str) -> None:
    """Gaussian states around any centre are distinct if as wide as the reference; a crystal at (1, 1, ...) is one model."""
    generator = np.random.Generator(np.random.PCG64(3))
    values, labels = met()
    microstates = {
        "pairs": centre + spread * generator.standard_normal((19, 2, 64)),
        "reference": centre + generator.standard_normal((64, 64)),
    }
    found = judged(values, histories=labels, microstates=microstates)
    assert found.verdict == expected
    assert judged(values, histories=labels).verdict == "settled"


def test_ergodicity_is_required_on_request() -> None:
    """Frozen replicas thermalize, unless wandering is asked for; those that wander are a fluid."""
    generator = np.random.Generator(np.random.PCG64(4))
    values, labels = met()
    pairs = generator.standard_normal((32, 2, 400))
    given = {"pairs": pairs, "reference": generator.standard_normal((64, 400))}
    frozen, wandering = (
        given | {"earlier": pairs[:, 0] + 0.1},
        given | {"earlier": generator.standard_normal((32, 400))},
    )
    found = judged(values, histories=labels, microstates=frozen)
    assert (found.verdict, found.phase) == ("thermalized", "amorphous")
    assert judged(values, histories=labels, microstates=frozen, require_ergodic=True).verdict == "settled"
    found = judged(values, histories=labels, microstates=wandering, require_ergodic=True)
    assert (found.verdict, found.phase) == ("thermalized", "fluid")


@pytest.mark.parametrize(
    "microstates",
    [
        {"pairs": np.ones((8, 2, 4))},
        {"pairs": np.ones((8, 2, 4)), "reference": np.ones((8, 4)), "nulls": 1},
        {"pairs": np.ones((8, 4)), "reference": np.ones((8, 4))},
        {"pairs": np.ones((8, 2, 4)), "reference": np.ones((16, 5))},
        {"pairs": np.ones((8, 2, 4)), "reference": np.ones((3, 4))},
        {"pairs": [[[1.0, 2.0], [1.0]]], "reference": np.ones((16, 4))},
        {"pairs": np.ones((8, 2, 4)), "reference": np.ones((16, 4)), "floor": -1.0},
        {"pairs": np.ones((8, 2, 4)), "reference": np.ones((16, 4)), "floor": float("nan")},
        {"pairs": np.ones((8, 2, 4)), "reference": np.ones((16, 4)), "earlier": np.ones((7, 4))},
    ],
)
def test_microstates_that_do_not_fit_are_named(microstates: dict[str, Any]) -> None:
    """Missing, unknown or wrongly shaped parts are errors that say what is wanted."""
    with pytest.raises((DataError, UsageError)) as error:
        judged(ensemble(), microstates=microstates)
    assert str(error.value)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_three_paths_give_the_same_criteria(tmp_path: Path, command: Command, suffix: str) -> None:
    """The same numbers through `judge`, through a `recorded` spec and through judging its stored run again."""
    values = np.concatenate([ensemble(32, start=-10.0), ensemble(32) + 0.3])
    labels = ["left"] * 32 + ["right"] * 32
    write(tmp_path / f"runs.{suffix}", values, labels)
    (tmp_path / "runs.yaml").write_text(
        f"name: runs\nsystem: {{use: recorded, with: {{path: runs.{suffix}}}}}\n"
        "equilibrium: {margins: {test_accuracy: 0.9}}\n"
    )
    assert command("thermo-run", "runs.yaml").returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    for margin, extra in ((0.9, []), (1.2, ["--margin", "test_accuracy=1.2"])):
        shown = command("thermo-report", str(folder), "--format", "json", *extra)
        assert shown.returncode == 0, shown.stderr
        expected = judged(values, margins={"test_accuracy": margin}, histories=labels)
        same = json.loads(json.dumps(document("runs-", "complete", expected)))
        found = json.loads(shown.stdout)
        assert found["criteria"] == same["criteria"]
        assert (found["verdict"], found["macroscopic"]) == (same["verdict"], same["macroscopic"])


def write(path: Path, values: Array, labels: list[str]) -> None:
    """Write arrays as a long table of records."""
    table = [
        {"history": labels[r], "replica": r, "step": int(step), "observable": "test_accuracy", "value": float(value)}
        for r, row in enumerate(values)
        for step, value in zip(STEPS, row, strict=True)
    ]
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in table))
    elif path.suffix == ".csv":
        with path.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    else:
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.Table.from_pylist(table), path)
