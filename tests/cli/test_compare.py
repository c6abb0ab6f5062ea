"""`thermo-report RUN RUN ... --compare`: runs ranked in every format, every exit code, what is refused, what is shown."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from junitparser import JUnitXml

import thermo_cli
from tests.cli import test_baseline as runs
from tests.reports.test_schema import checked
from thermo_cli.errors import UsageError
from thermo_cli.study import execute, open_run

results, report = runs.results, runs.report
runs.RUNS |= {
    "steep": ("sweep={dynamics.with.lr: [1.0e-5, 0.05, 1.0e6]}",),
    "strict": ("ensemble.seed=5", "equilibrium.margins={test_accuracy: 0.1}"),
    "down": ("ensemble.seed=6", "equilibrium.better={test_accuracy: lower}"),
}
Report = Callable[..., tuple[int, str, str]]
THREE = ("slow", "base", "seed", "--compare")


def squeezed(text: str) -> str:
    """Words on one line, without the frame of a terminal."""
    return " ".join(text.replace("│", " ").replace("\\", "").split())


def place(results: Path, name: str) -> thermo_cli.Run:
    """Write and open."""
    return open_run(runs.written(results, name), results)


@pytest.mark.parametrize("format", ["terminal", "markdown", "html"])
def test_people_read_one_report_of_all(report: Report, format: str) -> None:
    """Who ranks where in the first sentence, then ranking, pairs and what differs; one page, with its chart."""
    code, out, err = report(*THREE, "--format", format)
    assert (code, err) == (0, "")
    words = squeezed(out)
    assert "Rank 1-2: " in words
    assert "rank 3: slow-" in words
    assert "3 runs" in words or "<dd>3</dd>" in words
    for part in ("Ranking", "Every pair", "equivalent", "better", "differs from", "ensemble.seed"):
        assert part in words, part
    if format == "terminal":
        assert max(map(len, runs.told(out.splitlines()))) <= 80
        assert "slow-" in out.split("--compare --details")[0].splitlines()[-1]
    if format == "html":
        assert out.count("<main ") == 1
        assert "1 - 3 test_accuracy (cold): " in out  # the text alternative of the chart


def test_machines_read_every_run_and_its_rank(report: Report) -> None:
    """JSON: a rank beside every comparison; CSV: a line for each difference; JUnit: to rank lower is no failure."""
    _, out, _ = report(*THREE, "--format", "json")
    slow, base, seed = (one["comparison"] for one in checked(out))
    assert [one["rank"] for one in (slow, base, seed)] == [[3, 3], [1, 2], [1, 2]]
    assert {tuple(rank["rank"]) for rank in slow["ranking"]} == {(3, 3)}
    _, out, _ = report(*THREE, "--format", "csv")
    lines = [line for line in csv.DictReader(io.StringIO(out)) if line["criterion"] == "comparison"]
    assert len(lines) == 3 * 2 * 4
    first = slow["partners"][0]["rows"][0]
    told = next(line for line in lines if line["run"].startswith("slow") and "from base" in line["statistic"])
    assert (told["outcome"], float(told["estimate"])) == (first["outcome"], first["estimate"])
    _, out, _ = report(*THREE, "--format", "junit")
    cases = [case for suite in JUnitXml.fromstring(out.encode()) for case in suite if ".comparison" in case.classname]
    assert len(cases) == 24
    assert not [case for case in cases if case.result]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("base", "seed"), 0),
        (("base", "seed", "slow"), 1),
        (("base", "seed", "--margin", "test_accuracy=0.02"), 4),
        (("base", "slow", "--margin", "energy=0.9"), 1),
        (("rates",), 1),
        (("rates", "rates-seed"), 0),
    ],
)
@pytest.mark.parametrize("word", ["equivalent", "not-worse"])
def test_a_gate_asks_it_of_every_pair(report: Report, arguments: tuple[str, ...], code: int, word: str) -> None:
    """Met by all, missed by one, open in one; `not-worse` from both sides is the same."""
    found, out, err = report(*arguments, "--compare", "--require", word)
    assert found == code, err
    assert f"required {word}" in (err if code else squeezed(out))
    assert "Every pair" in out  # the report is written before the exit


@pytest.mark.parametrize("format", ["terminal", "html", "json", "junit"])
def test_a_run_that_cannot_be_judged_is_code_three_in_every_format(results: Path, report: Report, format: str) -> None:
    """Nothing is compared, the gate has no answer, and the report says so."""
    base = place(results, "base").folder.path
    cut = results / "cut-00000000"
    shutil.copytree(base, cut)
    try:
        (cut / "manifest.json").write_text("{")
        code, out, err = report(
            "base", "cut-00000000", "--compare", "--require", "equivalent,undecided", "--format", format
        )
        assert (code, "nothing is compared" in err) == (3, True)
        assert "base" in out
    finally:
        shutil.rmtree(cut)


def test_a_diverged_run_ranks_last_and_hides_nobody(results: Path, report: Report) -> None:
    """Among runs and among points: worse than all that kept their replicas, which are compared with each other as ever."""
    code, out, err = report("diverging", "base", "slow", "--compare", "--format", "json")
    assert code == 0, err
    lost, base, slow = (one["comparison"] for one in checked(out))
    assert [one["rank"] for one in (lost, base, slow)] == [[3, 3], [1, 1], [2, 2]]
    assert {partner["rows"][0]["outcome"] for partner in lost["partners"]} == {"worse"}
    assert not [row for partner in lost["partners"] for row in partner["rows"][1:] if row["gates"]]
    _, out, _ = report("steep", "--compare")
    assert "rank 3: lr=1000000.0" in squeezed(out)
    twice = thermo_cli.compare(place(results, "diverging"), place(results, "diverging"))
    assert twice.outcome == "undecided"  # neither is the better one


def test_two_sweeps_are_compared_point_by_point(report: Report) -> None:
    """A ranking for each point, in one report."""
    code, out, err = report("rates", "rates-seed", "--compare")
    assert (code, err) == (0, "")
    words = squeezed(out)
    assert "2 sweeps, 2 pairs" in words
    assert "At lr=1e-05: both are equivalent" in words
    assert "at lr=0.05: " in words
    assert max(map(len, runs.told(out.splitlines()))) <= 80


def test_all_agree_on_the_terms(results: Path, report: Report) -> None:
    """The smallest margin that one states is that of all, from both sides; contrary directions are refused."""
    found = thermo_cli.compare(place(results, "base"), place(results, "strict"))
    back = thermo_cli.compare(place(results, "strict"), place(results, "base"))
    assert {row.margin for row in (*found.rows, *back.rows) if row.observable == "test_accuracy"} == {0.1}
    assert "the margin of test_accuracy is 0.1, the smallest that the runs state; the largest is 0.12" in found.notes
    code, _, err = report("base", "down", "--compare")
    assert (code, "do not agree on which way test_accuracy is better" in err) == (2, True)
    code, _, _ = report("base", "down", "--compare", "--set", "equilibrium.better={test_accuracy: higher}")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("base", "base"), "a run is compared with itself"),
        (("base", "split"), "do not compare"),
        (("base", "rates"), "a sweep compares with a sweep of the same points only"),
        (("base",), "takes several runs, or a sweep"),
        (("base", "f1"), "test_f1_macro: not observed (baseline: observed)"),
    ],
)
def test_what_does_not_compare_is_refused(report: Report, arguments: tuple[str, ...], words: str) -> None:
    """Code 2 with the reason."""
    code, _, err = report(*arguments, "--compare")
    assert (code, words in err) == (2, True), err


def test_runs_are_named_as_anywhere_else(results: Path, report: Report) -> None:
    """By folder, by the beginning of a name, and as the latest."""
    base = place(results, "base").folder.path
    runs.written(results, "seed")
    code, out, err = report(str(base), "seed", "--compare", "--format", "json")
    assert code == 0, err
    assert [one["comparison"]["rank"] for one in checked(out)] == [[1, 2], [1, 2]]


def test_pictures_of_all(tmp_path: Path, report: Report) -> None:
    """One chart of all pairs, as SVG and PNG."""
    code, _, err = report(*THREE, "--figures", str(tmp_path / "figures"), "--output", str(tmp_path / "report.txt"))
    assert code == 0, err
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["differences.png", "differences.svg"]
    assert "slow-" in (tmp_path / "figures" / "differences.svg").read_text()


def test_python_compares_runs_points_and_sweeps(results: Path) -> None:
    """Any number of runs, a sweep by itself, points of sweeps with other margins; several sweeps are refused."""
    base, seed, slow, sweep = (place(results, name) for name in ("base", "seed", "slow", "steep"))
    found = thermo_cli.compare(base, seed, slow)
    assert (found.outcome, len(found.pairs), len(found.rankings)) == ("better", 3, 5)
    assert [place.rank for place in found.rankings[0].order] == [(1, 2), (1, 2), (3, 3)]
    points = thermo_cli.compare(sweep)
    assert [points.titles[place.member] for place in points.rankings[0].order] == [
        "dynamics.with.lr=0.05",
        "dynamics.with.lr=1e-05",
        "dynamics.with.lr=1000000.0",
    ]
    low, high, _ = sweep.runs
    assert low is not None
    assert high is not None
    assert thermo_cli.compare(high, low).outcome == "better"
    wide = thermo_cli.compare(high, low, margins={"test_accuracy": 0.9, "energy": 2.0})
    assert (wide.outcome, wide.rows[0].margin) == ("equivalent", 0.9)
    assert high.judge(margins={"test_accuracy": 0.9}).verdict.verdict  # a point is a run
    with pytest.raises(UsageError, match="point by point"):
        thermo_cli.compare(sweep, sweep)


def recorded(place: Path, observable: str, levels: tuple[float, ...], **margins: float) -> list[thermo_cli.Run]:
    """Runs that somebody else has trained, each around its level, of 8 replicas, 10, 12 and so on."""
    found = []
    for number, level in enumerate(levels):
        replicas = 8 + 2 * number
        noise = np.random.Generator(np.random.PCG64(number)).normal(size=(replicas, 20))
        lines = ["replica,step,observable,value"]
        lines += [f"{r},{10 * t},{observable},{level + 0.01 * noise[r, t]}" for r in range(replicas) for t in range(20)]
        (place / f"{number}.csv").write_text("\n".join(lines))
        content: dict[str, Any] = {
            "name": f"r{number}",
            "system": {"use": "recorded", "with": {"path": f"{number}.csv"}},
        }
        content["equilibrium"] = {"margins": margins}
        (place / f"{number}.yaml").write_text(json.dumps(content))
        found.append(execute(place / f"{number}.yaml", results=place / "results"))
    return found


def test_recorded_runs_are_ranked_by_their_final_values(tmp_path: Path) -> None:
    """Three, whatever their number of replicas: a lower loss is better."""
    found = thermo_cli.compare(*recorded(tmp_path, "val_loss", (0.9, 0.5, 0.5), val_loss=0.05))
    assert {place.member: place.rank for place in found.rankings[0].order} == {0: (3, 3), 1: (1, 2), 2: (1, 2)}
    assert {row.replicas for row in found.rows} == {(8, 10), (8, 12)}


def test_without_a_good_direction_nobody_ranks(tmp_path: Path) -> None:
    """An observable of a name that tells nothing: they differ, and the note says how to state it."""
    with pytest.raises(UsageError, match="nothing that compares has a margin"):
        thermo_cli.compare(*recorded(tmp_path, "val_thing", (0.9, 0.5)))
    first, second = recorded(tmp_path, "val_thing", (0.9, 0.5))
    found = thermo_cli.compare(first, second, margins={"val_thing": 0.05})
    assert (found.outcome, [place.rank for place in found.rankings[1].order]) == ("differs", [None, None])
    assert any("--set equilibrium.better={val_thing: higher}" in note for note in found.notes)


def test_what_is_still_to_be_trained_is_refused_as_a_run_and_shown_as_a_point(results: Path, report: Report) -> None:
    """A part of a run measures nothing, code 2; a part of a sweep leaves its other points compared, and the gate is code 3."""
    runs.written(results, "slow")
    for name, pattern in (("base", "cold-*"), ("steep", "p0000/cold-*")):
        part = results / f"part-{name}-00000000"
        shutil.copytree(place(results, name).folder.path, part)
        next(part.glob(f"shards/{pattern}.safetensors")).unlink()
    try:
        code, _, err = report("part-base-00000000", "slow", "--compare")
        assert (code, "this run measures nothing" in err, "replicas have a result" in err) == (2, True, True)
        code, out, err = report("part-steep-00000000", "--compare", "--require", "equivalent,undecided")
        assert (code, "still to be trained" in err) == (3, True)
        words = squeezed(out)
        assert "Rank 1: lr=0.05; rank 2: lr=1000000.0." in words
        assert "not compared: dynamics.with.lr=1e-05" in words
    finally:
        for name in ("base", "steep"):
            shutil.rmtree(results / f"part-{name}-00000000")
