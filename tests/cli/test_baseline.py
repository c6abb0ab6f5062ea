"""`thermo-report RUN --baseline OTHER`: real runs compared, refused where they do not compare, every exit code."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import trim_mean

from tests.conftest import SERIAL, SMALL, Command
from tests.kinds.scripts import toy
from tests.reports.test_schema import checked
from tests.store.written import write_run
from thermo_cli import rng
from thermo_cli.cli import report as cli
from thermo_cli.cli.boundary import run_app
from thermo_cli.contracts import Array
from thermo_cli.errors import UsageError
from thermo_cli.judging.comparing import compare_all, compared
from thermo_cli.judging.judge import judge_run
from thermo_cli.judging.record import Judged
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.store import RunFolder
from thermo_cli.study import execute, open_run

MARGINS = "equilibrium.margins={test_accuracy: 0.12, energy: 0.3}"
STEPS = ("dynamics.steps=120",)
FAST = ("observe.micro=[]", "observe.window_measurements=8", "ensemble.replicas=8", MARGINS)
RUNS = {
    "base": (),
    "seed": ("ensemble.seed=4",),
    "slow": ("dynamics.with.lr=1.0e-5",),
    "more": ("ensemble.replicas=10",),
    "penalty": ("dynamics.with.weight_decay=0.5",),
    "diverging": ("dynamics.with.lr=1.0e6",),
    "elsewhere": ("data={use: breast_cancer}",),
    "split": ("data.split_seed=1",),
    "other-paths": ("histories={cold: {}}",),
    "fixed": ("ensemble.vary=[init, order]",),
    "fixed-seed": ("ensemble.vary=[init, order]", "ensemble.seed=4"),
    "less": ("ensemble.subsample={fraction: 0.5}",),
    "f1": ("observe.macro=[accuracy, f1_macro]", "equilibrium.margins={test_f1_macro: 0.2}"),
    "crossed": ("histories={cold: {}}", "ensemble.design={crossed: {init: 2, subsample: 2}}"),
    "rates": ("sweep={dynamics.with.lr: [1.0e-5, 0.05]}",),
    "rates-seed": ("sweep={dynamics.with.lr: [1.0e-5, 0.05]}", "ensemble.seed=4"),
    "tree": ("histories={cold: {}}", "system={use: 'sklearn.tree:DecisionTreeClassifier'}", "dynamics={use: fit}"),
    "others": ("sweep={dynamics.with.lr: [0.05, 0.1]}",),
    "trained": STEPS,
    "trained-slow": (*STEPS, "dynamics.with.lr=1.0e-5"),
}
TRAINED = ("tree", "trained", "trained-slow")
Report = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder that runs are written into when they are first asked for."""
    folder = tmp_path_factory.mktemp("baseline")
    (folder / "small.yaml").write_text(SMALL)
    return folder / "results"


def record(spec: Spec, row: Replica, steps: Array) -> dict[str, Array]:
    """What training would record: no rise where the rate is too small, no numbers where it is too large."""
    rate = spec.dynamics.arguments.lr
    noise = rng.generator(row.init).normal(size=4)
    rise = 1 - np.exp(-steps * rate)
    accuracy = 0.4 + 0.55 * rise + 0.02 * noise[0]
    energy = 1.1 - 0.9 * rise + 0.04 * noise[1]
    values = {"test_accuracy": accuracy, "test_f1_macro": accuracy - 0.01, "energy": energy}
    names = ("energy", *(f"test_{name}" for name in spec.observe.macro))
    return {name: np.where(steps * rate > 1000, np.nan, values[name]) for name in names if name in values}


def written(results: Path, name: str) -> str:
    """Return the name of a run of `RUNS`, written once in a module; the one without rates is trained."""
    path, overrides = results.parent / "small.yaml", (*FAST, *RUNS[name], f"name={name}")
    if list(results.glob(f"{name}-????????")):
        return name
    if name in TRAINED:
        execute(path, overrides=overrides, results=results, engine=SERIAL)
    else:
        write_run(path, record, results, (*STEPS, *overrides))
    return name


def opened(results: Path, name: str) -> Judged:
    """Write and open."""
    return open_run(written(results, name), results).judged.only


@pytest.fixture
def report(results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Report:
    """Give a command line of `thermo-report` in this process; names of `RUNS` are written first."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str) -> tuple[int, str, str]:
        for name in arguments:
            if name in RUNS:
                written(results, name)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            run_app(cli.app, [*arguments, "--results", str(results)])
        said = capsys.readouterr()
        return int(ending.value.code or 0), said.out, said.err

    return run


def answer(report: Report, *arguments: str) -> dict[str, Any]:
    """Return what JSON says of a comparison."""
    code, out, err = report(*arguments, "--format", "json")
    assert code == 0, err
    (partner,) = checked(out)["comparison"]["partners"]
    assert isinstance(partner, dict)
    return partner


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["base", "--baseline", "base", "--require", "equivalent"], 0, ""),
        (["base", "--baseline", "base", "--require", "equivalent", "--margin", "test_accuracy=1e-9"], 4, "undecided"),
        (["seed", "--baseline", "base", "--require", "equivalent"], 0, ""),
        (["seed", "--baseline", "base", "--require", "not-worse"], 0, ""),
        (["seed", "--baseline", "base"], 0, ""),
        (
            ["seed", "--baseline", "base", "--require", "equivalent", "--margin", "test_accuracy=0.01"],
            4,
            "gate undecided",
        ),
        (["seed", "--baseline", "base", "--require", "undecided", "--require", "equivalent"], 0, ""),
        (
            ["seed", "--baseline", "base", "--require", "glassy", "--require", "equivalent"],
            4,
            "glassy, received undecided",
        ),
        (["seed", "--baseline", "base", "--require", "glassy,equivalent"], 0, ""),
        (["slow", "--baseline", "base"], 0, ""),
        (["slow", "--baseline", "base", "--require", "not-worse"], 1, "received worse than base-"),
        (["slow", "--baseline", "base", "--require", "undecided,not-worse"], 0, ""),
        (
            ["slow", "--baseline", "base", "--require", "undecided", "--require", "not-worse"],
            1,
            "not met: required not-worse",
        ),
        (
            ["slow", "--baseline", "base", "--require", "glassy,not-worse"],
            4,
            "glassy or not-worse, received undecided, worse",
        ),
        (["base", "--baseline", "slow", "--require", "not-worse"], 0, ""),
        (["base", "--baseline", "slow", "--require", "equivalent"], 1, "received better than slow-"),
        (["base", "--baseline", "slow", "--require", "equivalent,not-worse"], 0, ""),
        (["diverging", "--baseline", "base", "--require", "not-worse"], 1, "finished replicas"),
        (["base", "--baseline", "diverging"], 2, "this baseline measures nothing"),
        (["base", "slow", "--baseline", "base", "--require", "equivalent"], 1, "worse than base-"),
        (["elsewhere", "--baseline", "base", "--require", "equivalent"], 2, "data.use: breast_cancer (baseline: wine)"),
        (["base", "--baseline", "nothing"], 2, "there is no such run"),
        (["--baseline", "base"], 2, "which run?"),
        (["base", "--require", "equivalent"], 2, "needs a baseline"),
        (["base", "--require", "not-better", "--baseline", "base"], 2, "equivalent, not-worse (the last two"),
        (["rates", "--baseline", "rates", "--require", "equivalent"], 0, ""),
        (["rates", "--baseline", "base"], 2, "a sweep of the same points only"),
        (["base", "--baseline", "rates"], 2, "a sweep of the same points only"),
        (["rates", "--baseline", "others"], 2, "only in the baseline: dynamics.with.lr=0.1"),
    ],
)
def test_requests_and_their_exit_codes(report: Report, arguments: list[str], code: int, said: str) -> None:
    """Each outcome gates as documented, each refusal names its reason, and a report exists unless it was refused."""
    received, out, err = report(*arguments)
    assert received == code, err
    assert said in err
    assert bool(out) == (code != 2)


def test_a_run_against_itself(report: Report) -> None:
    """Every difference is zero with its error, nothing differs, and a note says that this says nothing."""
    found = answer(report, "base", "--baseline", "base")
    assert found["outcome"] == "equivalent"
    assert found["not_worse"] is True
    assert found["changes"] == []
    assert found["notes"] == ["the baseline is this very run: that it equals itself says nothing"]
    assert [(row["observable"], row["history"]) for row in found["rows"]] == [
        ("test_accuracy", "cold"),
        ("test_accuracy", "hot"),
        ("energy", "cold"),
        ("energy", "hot"),
    ]
    for row in found["rows"]:
        assert (row["estimate"], row["chance"], row["collapsed"]) == (0.0, 0.5, 0)
        assert row["interval"][1] == pytest.approx(-row["interval"][0])
        assert row["mean"] == row["baseline_mean"]


def test_the_numbers_are_those_of_the_runs(report: Report, results: Path) -> None:
    """The difference, its interval and its margin, from the final values of the two runs."""
    found = answer(
        report, "seed", "--baseline", "base", "--set", "equilibrium.confidence=0.9", "--margin", "test_accuracy=0.5"
    )
    run, baseline = opened(results, "seed"), opened(results, "base")
    row = next(row for row in found["rows"] if (row["observable"], row["history"]) == ("test_accuracy", "hot"))
    ends = [one.observables.values["test_accuracy"][one.observables.members("hot"), -1] for one in (run, baseline)]
    assert row["estimate"] == pytest.approx(np.diff([trim_mean(end, 0.15) for end in reversed(ends)])[0])
    assert (row["margin"], row["replicas"]) == (0.5, [8, 8])
    levels = sorted(round((1 - each["confidence"]) / 0.1, 6) for each in found["rows"])
    assert levels == pytest.approx([1 / 4, 1 / 3, 1 / 2, 1], abs=1e-5)  # Holm's, as all four are decided
    assert row["higher_is_better"] is True
    assert found["changes"] == ["ensemble.seed: 4 (baseline: 3)"]
    assert any("the margin of test_accuracy is 0.5 here" in note for note in found["notes"]) is False  # given to both


def test_trained_runs_compare(report: Report) -> None:
    """What training itself leaves on disk: worse where the rate is too small, the same as itself."""
    assert answer(report, "trained-slow", "--baseline", "trained")["outcome"] == "worse"
    assert answer(report, "trained", "--baseline", "trained-slow")["outcome"] == "better"
    assert answer(report, "trained", "--baseline", "trained")["outcome"] == "equivalent"


def test_other_numbers_of_replicas_compare(report: Report) -> None:
    """Eight replicas and the same eight with two more compare."""
    found = answer(report, "more", "--baseline", "base")
    assert {tuple(row["replicas"]) for row in found["rows"]} == {(10, 8)}
    assert "ensemble.replicas: 10 (baseline: 8)" in found["changes"]


def test_another_objective_is_no_worse_energy(report: Report) -> None:
    """With another penalty the energy is another quantity: shown, and nothing rests on it."""
    found = answer(report, "penalty", "--baseline", "base")
    gates = {row["observable"]: row["gates"] for row in found["rows"]}
    assert gates == {"test_accuracy": True, "energy": False}
    assert any("another quantity" in note for note in found["notes"])
    assert "dynamics.with.weight_decay: 0.5 (baseline: 0.001)" in found["changes"]


def test_other_kinds_of_models_compare(results: Path) -> None:
    """A tree against a network on the same data: by their accuracy, while their energies have nothing in common."""
    tree, network = opened(results, "tree"), opened(results, "other-paths")
    for run, baseline in ((tree, network), (network, tree)):
        found = compared(run, baseline)
        assert {row.observable for row in found.rows if row.gates} == {"test_accuracy"}
        assert any(change.startswith("system.use: ") for change in found.changes)


def test_lost_replicas_are_worse_and_named(report: Report) -> None:
    """A run that diverges is worse than one that does not, whatever is left of its means."""
    found = answer(report, "diverging", "--baseline", "base")
    assert found["outcome"] == "worse"
    lost = found["rows"][0]
    assert (lost["observable"], lost["outcome"], lost["baseline_mean"]) == ("finished replicas", "worse", 1.0)
    assert "16 of 16 replicas diverged or crashed, in the baseline 0 of 16; 0 are tolerated" in lost["explanation"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "elsewhere",
            ["data.use: breast_cancer (baseline: wine)", "pool_examples: 398 (baseline: 124)", "data fingerprint: "],
        ),
        ("split", ["data.split_seed: 1 (baseline: 0)", "data fingerprint: "]),
        ("other-paths", ["histories: cold (baseline: cold, hot)"]),
        ("fixed", ["ensemble.vary: init, order (baseline: init, subsample, order, noise)"]),
        ("less", ["ensemble.subsample.fraction: 0.5 (baseline: 0.6)"]),
        ("crossed", ["histories: cold", "ensemble.design: crossed"]),
    ],
)
def test_runs_that_do_not_compare_are_refused(results: Path, name: str, expected: list[str]) -> None:
    """Every difference is named with both values."""
    run, baseline = opened(results, name), opened(results, "base")
    with pytest.raises(UsageError, match="do not compare") as refusal:
        compared(run, baseline)
    for words in expected:
        assert words in str(refusal.value)


def test_what_is_fixed_must_be_fixed_alike(results: Path) -> None:
    """One subsample for all replicas of a run, and another for all of the other: no spread tells what that does."""
    fixed, other = opened(results, "fixed"), opened(results, "fixed-seed")
    assert compared(fixed, fixed).outcome == "equivalent"
    with pytest.raises(UsageError, match="which draws the fixed subsample: 4 "):
        compared(other, fixed)


def test_a_gating_observable_must_be_there(results: Path, report: Report) -> None:
    """What has a margin in one of the two must be measured in both."""
    code, _, err = report("f1", "--baseline", "base")
    assert (code, "test_f1_macro: observed (baseline: not observed)" in err) == (2, True)
    code, _, err = report("base", "--baseline", "f1")
    assert (code, "test_f1_macro: not observed (baseline: observed)" in err) == (2, True)
    found = answer(report, "f1", "--baseline", "f1")
    assert {row["observable"]: row["higher_is_better"] for row in found["rows"]} == {
        "test_accuracy": True,
        "energy": False,
        "test_f1_macro": True,
    }


def test_a_crossed_baseline_is_no_measure(results: Path) -> None:
    """Its replicas share their randomness; against itself or anything else, it is refused."""
    crossed = opened(results, "crossed")
    with pytest.raises(UsageError, match="no independent units"):
        compared(crossed, crossed)


def test_a_damaged_or_partial_run(results: Path, tmp_path: Path, report: Report) -> None:
    """A baseline that cannot be read is exit 3; a part of a run is no baseline, not judged, and worse once given up."""
    base = opened(results, "base").folder.path
    cut = results / "cut-00000000"
    shutil.copytree(base, cut)
    shard = next(cut.glob("shards/cold-*.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    code, _, err = report("base", "--baseline", "cut", "--require", "not-worse")
    assert (code, "the baseline cannot be judged" in err, "checksum" in err) == (3, True, True)
    code, out, err = report("base", "cut", "--compare")
    assert (code, "nothing is compared" in err, out.count("base-") > 0) == (3, True, True)
    shard.unlink()
    code, _, err = report("base", "--baseline", "cut")
    assert (code, "it is partial, and 12 of its 16 replicas have a result" in err) == (2, True)
    code, out, err = report("cut", "--baseline", "base", "--require", "not-worse")
    assert (code, "4 replicas are still to be trained" in err) == (3, True)
    shard.with_name(shard.name.replace(".0.safetensors", ".error.txt")).write_text("MemoryError")
    code, out, err = report("cut", "--baseline", "base", "--require", "not-worse")
    assert (code, "4 of 16" in out) == (1, True)
    shutil.rmtree(cut)


def told(lines: list[str]) -> list[str]:
    """All but commands, which stand on a line of their own however long they are."""
    return [line for line in lines if not re.search(r"thermo-(run|report) ", line)]


def test_the_terminal_shows_it_at_80_columns(report: Report) -> None:
    """In the head, as a table, with what differs and what is open; without colour."""
    code, out, _ = report("seed", "--baseline", "base", "--margin", "test_accuracy=0.01")
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, told(lines))) <= 80
    assert "…" not in out
    head = " ".join(
        line.strip("│ ") for line in lines[: next(i for i, line in enumerate(lines) if "Stationarity" in line)]
    )
    assert "Undecided against base-" in head
    assert any(line.startswith("Against base-") and "undecided" in line for line in lines)
    assert "(Yuen)" in out
    assert "differs in ensemble.seed: 4 (baseline: 3)" in out
    _, out, _ = report("base", "--baseline", "base")
    assert "Equivalent to base-" in out
    assert " 0 [-0." in out


def test_a_sweep_is_compared_point_by_point(report: Report) -> None:
    """A comparison for every point, in the record and on the terminal."""
    code, out, err = report("rates-seed", "--baseline", "rates", "--require", "not-worse", "--format", "json")
    assert code in (0, 4), err
    content = json.loads(out)
    assert content["comparison"] is None
    found = [point["comparison"]["partners"][0] for point in content["points"]]
    assert [one["run"][:6] for one in found] == ["rates-", "rates-"]
    assert all(len(one["rows"]) == 4 for one in found)
    _, out, _ = report("rates-seed", "--baseline", "rates")
    assert max(map(len, told(out.splitlines()))) <= 80
    assert "Against rates-" in out
    assert "test_accuracy" in out


def test_runs_are_compared_with_each_other_and_ranked(report: Report) -> None:
    """Each with every other, from both sides; the best stands first; more pairs ask for wider bounds than one."""
    code, out, err = report("slow", "base", "seed", "--compare", "--format", "json")
    assert code == 0, err
    slow, base, seed = (run["comparison"] for run in checked(out))
    assert [partner["run"][:5] for partner in base["partners"]] == ["slow-", "seed-"]
    assert [partner["outcome"] for partner in base["partners"]] == ["better", "equivalent"]
    assert [partner["outcome"] for partner in slow["partners"]] == ["worse", "worse"]
    mirrored = [one["partners"][place]["rows"][0]["estimate"] for one, place in ((slow, 0), (base, 0))]
    assert mirrored[0] == pytest.approx(-mirrored[1])
    for one in (slow, base, seed):
        rank = next(rank for rank in one["ranking"] if rank["observable"] == "test_accuracy")
        assert rank["order"][-1]["run"].startswith("slow-")
        assert [run["mean"] for run in rank["order"]] == sorted((run["mean"] for run in rank["order"]), reverse=True)
    _, out, _ = report(
        "slow", "base", "--compare", "--set", "equilibrium.better={test_accuracy: lower}", "--format", "json"
    )
    assert [run["comparison"]["partners"][0]["outcome"] for run in checked(out)] != ["worse", "better"]
    code, _, err = report("slow", "base", "--compare", "--require", "not-worse")
    assert (code, "received worse than base-" in err) == (1, True)


def test_the_points_of_a_sweep_are_compared_with_each_other(report: Report) -> None:
    """A sweep by itself: each of its points against the others, named by its values."""
    code, out, err = report("rates", "--compare", "--format", "json")
    assert code == 0, err
    slow, fast = (point["comparison"] for point in checked(out)["points"])
    assert slow["partners"][0]["run"].endswith("[dynamics.with.lr=0.05]")
    assert (slow["partners"][0]["outcome"], fast["partners"][0]["outcome"]) == ("worse", "better")
    assert slow["partners"][0]["notes"] == []
    code, _, err = report("rates", "others", "--compare")
    assert (code, "have other points" in err) == (2, True)


def test_runs_looked_at_together_ask_for_more(results: Path) -> None:
    """Three runs share one error rate, each pair counted once; from either side a row has the same level and interval."""
    runs = [open_run(written(results, name), results).judged for name in ("slow", "base", "seed")]
    every = [partner for run in compare_all(runs) for partner in run[0]]
    levels = sorted((1 - (row.confidence or 0.0)) / 0.05 for partner in every for row in partner.rows)
    assert levels[:2] == pytest.approx([1 / 12, 1 / 12])
    for row, mirrored in zip(every[0].rows, every[2].rows, strict=True):  # slow against base, base against slow
        assert (row.confidence, row.estimate) == (mirrored.confidence, pytest.approx(-(mirrored.estimate or 0.0)))
    alone = compared(runs[0].only, runs[1].only).rows[0]
    assert (alone.confidence or 0.0) < (every[0].rows[0].confidence or 0.0)


def test_recorded_runs_compare_by_what_they_say_of_themselves(results: Path) -> None:
    """Other files of the same scope compare; what has no known direction differs; another scope or test set is refused."""
    place = results.parent

    def recorded(name: str, seed: int, shift: float, **more: object) -> Judged:
        values = shift + 0.01 * np.random.Generator(np.random.PCG64(seed)).normal(size=(12, 20))
        lines = ["replica,step,observable,value"]
        lines += [f"{r},{10 * t},val_thing,{values[r, t]}" for r in range(12) for t in range(20)]
        lines += [f"{r},{10 * t},val_loss,{1 - values[r, t]}" for r in range(12) for t in range(20)]
        (place / f"{name}.csv").write_text("\n".join(lines))
        system = {"use": "recorded", "with": {"path": f"{name}.csv", **more}}
        margins = {"margins": {"val_thing": 0.05, "val_loss": 0.05}}
        (place / f"{name}.yaml").write_text(json.dumps({"name": name, "system": system, "equilibrium": margins}))
        return execute(place / f"{name}.yaml", results=results).judged.only

    first, second, far = recorded("one", 1, 0.5), recorded("two", 2, 0.5), recorded("far", 3, 0.7)
    assert compared(second, first).outcome == "equivalent"
    rows = {row.observable: row for row in compared(far, first).rows}
    assert (rows["val_loss"].outcome, rows["val_thing"].outcome) == (
        "better",
        "differs",
    )  # whose good direction is not known
    assert "differs from one-" in compared(far, first).words
    assert "not known" in rows["val_thing"].explanation
    with pytest.raises(UsageError, match="scope: for other machines"):
        compared(recorded("apart", 1, 0.5, scope="for other machines"), first)
    with pytest.raises(UsageError, match="kind: recorded"):
        compared(first, opened(results, "base"))


def test_scripts_compare_by_what_they_report(tmp_path: Path) -> None:
    """A script with another argument compares, four replicas too few to tell; another pool is refused."""
    margin = {"equilibrium": {"margins": {"test_accuracy": 0.05}}}

    def run(*overrides: str) -> Judged:
        folder, _ = toy.trained(toy.toy(tmp_path, **margin), *overrides)
        return judge_run(RunFolder(folder.path))

    base, other = run("name=one"), run("name=two", "system.with.values.offset=0.5")
    found = compared(other, base)
    assert "system.with.values.offset: 0.5 (baseline: 0.0)" in found.changes
    assert "at least 5 on each side are needed" in found.rows[0].explanation
    with pytest.raises(UsageError, match=r"pool: 60 \(baseline: 50\)"):
        compared(run("name=three", "system.with.pool=60"), base)


def test_the_command_itself(results: Path, command: Command) -> None:
    """As a process, with a gate that is met, and its help."""
    written(results, "base")
    done = command("thermo-report", "base", "--baseline", "base", "--require", "equivalent", cwd=results.parent)
    assert (done.returncode, done.stderr) == (0, "")
    shown = " ".join(command("thermo-report", "--help").stdout.split())
    assert "--baseline" in shown
    assert "not-worse" in shown
    refused = command("thermo-run", "small.yaml", "--require", "not-worse", cwd=results.parent)
    assert (refused.returncode, "needs a baseline" in refused.stderr) == (2, True)
