"""Runs of scripts as a whole, from the spec to the verdict: what is judged, what is counted as lost, what is said of it."""

import json
from pathlib import Path
from typing import Any

import pytest

import thermo_cli
from tests.conftest import ROOT, SERIAL, Command
from tests.kinds.scripts.toy import reason, toy, trained
from thermo_cli.errors import SpecError, StoreError
from thermo_cli.examination import examine_run
from thermo_cli.judging.judge import judge_folder
from thermo_cli.kinds.scripts.train import refuse_strangers
from thermo_cli.plan import describe
from thermo_cli.runs.judged_run import Run
from thermo_cli.store import RunFolder

PAIRS: dict[str, Any] = {"dynamics__steps": 40, "args": ["--every", "1"]}


def judged(path: Path, *overrides: str) -> Run:
    """Train, examine and judge in this process."""
    folder, _ = trained(path, *overrides)
    refuse_strangers(folder)
    folder = RunFolder(folder.path)
    examine_run(folder, None)
    return Run(judge_folder(folder))


def diversity(run: Run) -> tuple[str, str]:
    """Return outcome and explanation of the criterion about microstates."""
    (row,) = [row for row in run.verdict.criteria if row.criterion == "diversity"]
    return row.outcome, row.explanation


def test_bad_replicas_are_counted_and_the_rest_finishes(tmp_path: Path) -> None:
    """One crashes, one hangs, one reports NaN, one leaves out an observable throughout: of eight, four are judged."""
    mode = "; ".join(
        f"exec({statement!r}) if args.replica == {replica} else None"
        for replica, statement in {
            1: "sys.exit(7)",
            2: "time.sleep(300)",
            3: "theta = [float('nan')] * 24; "
            "report = (lambda old: lambda step, **values: old(step, **dict.fromkeys(values, float('nan'))))(report)",
            5: "log.seek(0); log.truncate(); [report(s, energy=1.0) for s in range(17)]; "
            "report = (lambda old: lambda step, energy, **values: old(step, energy=energy))(report)",
        }.items()
    )
    path = toy(tmp_path, mode, ensemble={"replicas": 8, "seed": 3})
    limits = ["dynamics.with.time_limit=2.0"]
    run = thermo_cli.run(path, overrides=limits, results=tmp_path / "results", allow=["command"], engine=SERIAL)
    assert run.verdict.verdict == "diverged"
    assert {key: run.verdict.replicas[key] for key in ("planned", "crashed", "diverged")} == {
        "planned": 8,
        "crashed": 3,
        "diverged": 1,
    }
    assert run.folder.status == "partial"
    assert "exit code 7" in reason(run.folder, "cold-0001")
    assert "time limit" in reason(run.folder, "cold-0002")
    stranger = reason(run.folder, "cold-0005")
    assert "reports other observables than most" in stranger
    assert "received: energy (1)" in stranger
    assert "most have energy, test_accuracy (2)" in stranger
    assert sorted(file.name for file in (run.folder.path / "logs").iterdir()) == [f"cold-000{i}.log" for i in range(8)]
    report = json.loads(json.dumps(run.as_dict(), allow_nan=False))
    assert report["run"]["status"] == "partial"


def test_when_every_replica_fails_the_first_reason_is_shown(tmp_path: Path) -> None:
    """Not only that there is nothing to judge."""
    folder, _ = trained(toy(tmp_path, "sys.exit(7)"))
    with pytest.raises(StoreError) as caught:
        judge_folder(folder)
    for words in ("every replica failed (4 reasons", "cold-0000", "exit code 7", "error.txt"):
        assert words in str(caught.value)


def test_replicas_that_do_not_compare_are_refused(tmp_path: Path) -> None:
    """What most report counts, also where the first one differs."""
    run = judged(toy(tmp_path, "keep = lambda step: None", bad=0))
    assert "other parameters (by step) than most" in reason(run.folder, "cold-0000")
    assert run.verdict.replicas["crashed"] == 1
    assert run.folder.unfinished() == ["cold-0000"]


@pytest.mark.parametrize(
    ("mode", "state", "last", "words"),
    [
        ("every = 2", "finished", 32, "steps, those that all have: cold/0 has none at step 17"),
        ("sys.exit()", "ended", 16, ""),
        ("sys.exit(1)", "crashed", 32, ""),
        (
            "report = (lambda old: lambda step, **values: old(step, energy=None, test_accuracy=0.9))(report)",
            "finished",
            32,
            "",
        ),
    ],
)
def test_missing_ended_and_crashed_are_told_apart(tmp_path: Path, mode: str, state: str, last: int, words: str) -> None:
    """Steps that are left out, null, an end in peace and an exit code; none of them has diverged."""
    run = judged(toy(tmp_path, mode, bad=0))
    assert run.observables.states[0] == state
    counts = run.verdict.replicas
    assert (counts[state], counts["diverged"]) == (counts["planned"] if state == "finished" else 1, 0)
    if state != "crashed":
        assert run.verdict.diagnostics["window"]["to_step"] == last
        assert any(words in warning for warning in run.verdict.warnings) or not words
        said = f"judged up to step 16, which all reached: 1 of {counts['planned']} ended before step 32"
        assert (said in run.verdict.scope) == (state == "ended")


def test_a_script_that_ignores_its_seeds_is_one_replica(tmp_path: Path) -> None:
    """All that it reports is the same to the last bit: nothing varied, whatever the spec says, and one settles nothing."""
    path, script = toy(tmp_path), tmp_path / "toy.py"
    same = "args.seed = args.order = 5; args.examples = None\nfirst, later"
    script.write_text(script.read_text().replace("first, later", same, 1))
    run = judged(path)
    planned = run.verdict.replicas["planned"]
    assert run.verdict.replicas["independent"] == 1
    assert run.verdict.verdict == "undecided"
    assert run.verdict.summary.startswith(f"{planned} replicas are copies of 1, to the last bit.")
    assert run.verdict.scope.endswith("; varied: nothing")


def test_the_scope_says_what_was_varied(tmp_path: Path) -> None:
    """Seeds and subsamples, or seeds alone; the energy gates where step 0 was reported; accuracy by the test set's size."""
    run = judged(toy(tmp_path), "system.with.test_examples=50", "ensemble.vary=[init, order, subsample]")
    assert run.verdict.scope == (
        "for rerunning this command with fresh seeds and subsamples of a pool of 50 examples; varied: init, subsample, order"
    )
    margins = {row.observable: row.margin for row in run.verdict.criteria if row.statistic.startswith("S1")}
    assert margins["test_accuracy"] == pytest.approx(2 / 50)
    assert margins["energy"] == pytest.approx(0.02, rel=0.2)
    (tmp_path / "toy.py").write_text(
        (tmp_path / "toy.py").read_text().replace("if step % every", "if step and step % every")
    )
    run = judged(tmp_path / "toy.yaml", "ensemble.vary=[subsample]")
    assert run.verdict.scope.startswith("for rerunning this command with fresh subsamples of a pool of 50 examples;")
    assert not [row for row in run.verdict.criteria if row.observable == "energy" and row.gates]


def test_parameters_are_compared_where_that_means_something(tmp_path: Path) -> None:
    """Networks of unknown symmetry are not; linear models are, and so is what begins with the same parameters."""
    path = toy(tmp_path, dynamics={"use": "process", "steps": 40}, ensemble={"replicas": 8, "seed": 3})
    run = judged(path)
    assert diversity(run)[0] == "untested"
    assert "alignment unsupported" in diversity(run)[1]
    assert "overlap" not in run.verdict.microscopic
    assert run.verdict.microscopic["raw_cosine"]["estimate"] == pytest.approx(0, abs=0.2)
    assert run.verdict.microscopic["memory"]["estimate"] is not None
    assert len(run.folder.shards) == 8, "partners would decide nothing"
    for overrides in (("system.with.symmetries=none",), ("ensemble.vary=[order, subsample]",)):
        run = judged(path, *overrides)
        assert len(run.folder.shards) == 16
        assert diversity(run)[0] == "holds", overrides
        assert run.verdict.microscopic["overlap"]["estimate"] < 0.5
    frozen = (
        (tmp_path / "toy.py")
        .read_text()
        .replace("theta = [0.9 *", "theta = [1.0 *")
        .replace("gauss(0, 0.3)", "gauss(0, 1e-3)")
    )
    (tmp_path / "toy.py").write_text(
        frozen.replace("first.gauss(0, 1)", "number + 0.1 * first.gauss(0, 1)").replace(
            "for _ in range(24)", "for number in (1, -1) * 12"
        )
    )
    enough = ("ensemble.replicas=19", "ensemble.controls.same_bath=19")  # pairs that tell one model from many
    run = judged(path, "system.with.symmetries=none", "ensemble.subsample={fraction: 1.0}", *enough)
    assert diversity(run)[0] == "fails", "these are one model"


def test_parameters_that_are_missing_are_no_evidence(tmp_path: Path) -> None:
    """None at all, none at the start, or another start than the seed says: untested, with the reason."""
    path = toy(tmp_path, dynamics={"use": "process", "steps": 40}, ensemble={"replicas": 8, "seed": 3})
    script = (tmp_path / "toy.py").read_text()
    shared = ("ensemble.vary=[order, subsample]",)
    for old, new, overrides, expected in (
        ("        keep(step)\n", "        pass\n", (), "the script keeps parameters-<T>"),
        ("if step in (0, ", "if step in (", shared, "parameters-0.safetensors is needed"),
        ("random.Random(args.seed)", "random.Random(args.order)", shared, "begin with different parameters"),
    ):
        (tmp_path / "toy.py").write_text(script.replace(old, new))
        assert (tmp_path / "toy.py").read_text() != script
        run = judged(path, *overrides)
        assert diversity(run)[0] == "untested"
        assert expected in diversity(run)[1]
        json.dumps(run.as_dict(), allow_nan=False)


def test_margins_go_to_what_is_reported(tmp_path: Path) -> None:
    """A margin of something that no replica reports fails them; a stored run refuses it too."""
    path = toy(tmp_path, equilibrium={"margins": {"test_acuracy": 0.01}})
    folder, _ = trained(path, shards=["cold-0000"])
    assert "test_acuracy has a margin and is not reported" in reason(folder, "cold-0000")
    run = judged(toy(tmp_path))
    again = run.judge(margins={"test_accuracy": 0.5})
    assert {row.margin for row in again.verdict.criteria if row.observable == "test_accuracy"} >= {0.5}
    with pytest.raises(SpecError, match="margins can go to energy, test_accuracy"):
        run.judge(margins={"test_acuracy": 0.01})


def test_budgets_and_crossed_designs(tmp_path: Path) -> None:
    """Scheduled scripts are told T/4 and T/2 as {steps}; crossed seeds give a noise budget of all three sources."""
    path = toy(tmp_path, dynamics={"use": "process", "steps": 32, "schedule": "scheduled"})
    run = judged(path, "ensemble.replicas=3")
    assert {row.outcome for row in run.verdict.criteria if row.criterion == "stationarity" and row.gates} == {
        "untested"
    }
    run = judged(path, "observe.budgets=true", "ensemble.replicas=3")
    assert set(run.observables.budgets) == {"energy", "test_accuracy"}
    assert run.observables.budgets["energy"].shape == (3, 3)
    design = "ensemble.design={crossed: {init: 2, subsample: 2, order: 2}}"
    run = judged(toy(tmp_path), design)
    assert set(run.verdict.diagnostics["noise_budget"]["test_accuracy"]) >= {"init", "subsample", "order"}


def test_the_plan_says_what_it_cannot_know(tmp_path: Path, command: Command) -> None:
    """The command, the number of processes, and no figure for memory or time."""
    toy(tmp_path)
    done = command("thermo-run", "toy.yaml", "--allow", "command", "--pilot")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for words in (
        "python toy.py --seed '{seed}'",
        "pool of 50, 25 examples per replica",
        "1 histories (cold), each a process",
        "memory unknown",
        "time, disk unknown",
        "no time limit, 1 attempt(s)",
        "untested: needs parameters that compare",
    ):
        assert words in text
    assert not (tmp_path / "results").exists()
    from tests.kinds.scripts.toy import prepared

    assert "pace" not in describe(prepared(tmp_path / "toy.yaml"), 1, pilot=True)
    assert "8 more" in describe(
        prepared(tmp_path / "toy.yaml", "system.with.symmetries=none", "ensemble.replicas=8"), 1
    )


def test_the_example_trains_and_its_models_are_one(tmp_path: Path) -> None:
    """experiments/command.yaml in a small form: too few replicas for a verdict, but what they learn is one model."""
    small = ["ensemble={replicas: 3, subsample: {fraction: 0.5}, controls: {same_bath: 1}}", "histories={cold: {}}"]
    path = ROOT / "experiments" / "command.yaml"
    run = thermo_cli.run(
        path, overrides=[*small, "dynamics.steps=4000"], results=tmp_path, allow=["command"], engine=SERIAL
    )
    assert (run.folder.status, run.verdict.verdict) == ("complete", "undecided")
    assert run.verdict.macroscopic["test_accuracy"]["mean"] > 0.85
    assert run.verdict.microscopic["overlap"]["estimate"] > 0.9
