"""What is found out about the microstates of real runs: kept, not repeated, and the same whatever happens around it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thermo_cli
from tests.conftest import SERIAL, Command
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import SpecError
from thermo_cli.examination import examine_run
from thermo_cli.kinds.gathering import gather
from thermo_cli.store import RunFolder

PAIRS = "ensemble.controls.same_bath"
DISTINCT = """\
name: distinct
data:     {use: wine}
system:   {use: mlp, with: {hidden: [16]}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9, weight_decay: 1.0e-3}, batch_size: 16, steps: 800}
ensemble: {replicas: 10, seed: 3, subsample: {fraction: 0.6}}
histories: {cold: {}, hot: {init_scale: 2.0}}
"""


def run(folder: Path, text: str = DISTINCT, *overrides: str) -> thermo_cli.Run:
    """Train and judge."""
    (folder / "spec.yaml").write_text(text)
    return thermo_cli.run(folder / "spec.yaml", overrides=overrides, results=folder / "results", engine=SERIAL)


def outcome(found: thermo_cli.Run, criterion: str) -> tuple[str, str]:
    """Outcome and explanation of a criterion's only row."""
    (row,) = [row for row in found.verdict.criteria if row.criterion == criterion]
    return row.outcome, row.explanation


@pytest.fixture(scope="module")
def distinct(tmp_path_factory: pytest.TempPathFactory) -> thermo_cli.Run:
    """A run with eight same-bath pairs and two twins."""
    return run(tmp_path_factory.mktemp("distinct"))


def test_a_network_is_distinct_and_says_so_in_all_places(distinct: thermo_cli.Run) -> None:
    """D holds; overlap, similarity, disagreement, barrier and scales have numbers, and the comparison a correlation."""
    assert outcome(distinct, "diversity")[0] == "holds"
    assert distinct.verdict.replicas["controls"] == 10
    said = distinct.verdict.microscopic
    assert set(said) >= {
        "overlap",
        "aligned_cosine",
        "memory",
        "participation_ratio",
        "dispersion",
        "chaos",
        "similarity",
        "disagreement",
        "error_consistency",
        "jensen_shannon",
        "generalization_gap",
        "barrier",
        "barrier_raw",
        "raw_cosine",
        "raw_distance",
    }
    for state in said.values():
        assert set(state) >= {"estimate", "interval", "null", "self"}
    assert said["aligned_cosine"]["estimate"] > said["raw_cosine"]["estimate"]
    assert said["aligned_cosine"]["null"] > 0.05, "matching manufactures similarity"
    assert said["overlap"]["self"] > said["overlap"]["estimate"]
    assert said["similarity"]["estimate"] > said["similarity"]["null"]
    assert said["disagreement"]["estimate"] < said["disagreement"]["null"]
    point = distinct.verdict.diagnostics["comparison"]["test_accuracy"]
    assert point["divergence"] == pytest.approx(1 - said["overlap"]["estimate"])
    assert said["overlap"]["frame"]["estimate"] is not None
    json.dumps(distinct.as_dict(), allow_nan=False)


def test_disagreement_is_that_of_the_stored_errors(distinct: thermo_cli.Run) -> None:
    """Two classes would make it exact: here, a lower bound from who is wrong where."""
    errors = distinct.folder.finals("test_errors")
    assert errors is not None
    wrong = errors.astype(bool)
    one_is_wrong = (wrong[:, None] != wrong[None]).mean(axis=2)
    found = distinct.folder.findings()
    assert found is not None
    assert (found.arrays["disagreement"] >= one_is_wrong - 1e-12).all()
    np.testing.assert_allclose(found.arrays["test_error"], wrong.mean(axis=1))


def test_examining_again_gives_the_same_bytes_and_is_not_done_twice(distinct: thermo_cli.Run) -> None:
    """The file is a function of the stored parameters; while it fits the replicas it is left alone."""
    file, dataset = distinct.folder.microstates_file, load_dataset(distinct.folder.spec.data, Path())  # type: ignore[arg-type]
    before, when = file.read_bytes(), file.stat().st_mtime_ns
    examine_run(distinct.folder, dataset)
    assert file.stat().st_mtime_ns == when
    file.unlink()
    examine_run(distinct.folder, dataset)
    assert file.read_bytes() == before


def test_judging_again_uses_the_same_pairs(distinct: thermo_cli.Run) -> None:
    """Another confidence changes the interval, not the estimate; the run opened again gives the same verdict."""
    again = thermo_cli.open_run(distinct.folder.path)
    assert again.as_dict() == distinct.as_dict()


def test_what_is_not_asked_for_is_not_measured(tmp_path: Path) -> None:
    """`observe.micro: [overlap]` leaves representations, functions and paths out."""
    found = run(tmp_path, DISTINCT + "observe: {micro: [overlap]}\n", "dynamics.steps=100")
    assert "overlap" in found.verdict.microscopic
    assert not {"similarity", "disagreement", "barrier"} & set(found.verdict.microscopic)


def test_regression_compares_outputs_in_their_own_unit(tmp_path: Path) -> None:
    """Root mean square difference of predictions; there are no classes to disagree about."""
    text = DISTINCT.replace("use: wine", "use: diabetes").replace("lr: 0.05", "lr: 0.01")
    said = run(tmp_path, text, "dynamics.steps=200").verdict.microscopic
    assert 1 < said["output_distance"]["estimate"] < 200
    assert "disagreement" not in said


@pytest.mark.parametrize(
    ("overrides", "expected", "word"),
    [
        ([f"{PAIRS}=7"], "untested", "7 same-bath pairs"),
        (["ensemble.vary=[subsample]", "dynamics.batch_size=full"], "untested", "copies"),
        (["system.with.hidden=[2]", "data={use: moons}"], "untested", "too small"),
        (["ensemble.vary=[subsample]", "dynamics.batch_size=full", "system={use: linear}"], "fails", "by construction"),
        (
            [
                "ensemble.vary=[subsample]",
                "dynamics.batch_size=full",
                "system={use: linear}",
                "dynamics.with.weight_decay=0",
            ],
            "untested",
            "copies",
        ),
        (["ensemble.vary=[subsample, order]"], "undecided", "11 more pairs would decide"),
        (["ensemble.vary=[subsample, order]", f"{PAIRS}=19", "ensemble.replicas=19"], "fails", "one model"),
        (["system.with={hidden: [8], activation: tanh}", "data={use: moons}"], "untested", "matching alone"),
    ],
)
def test_where_diversity_cannot_be_told_or_needs_no_telling(
    tmp_path: Path, overrides: list[str], expected: str, word: str
) -> None:
    """Too few pairs, copies, one optimum by construction, a start that is shared and kept, a null that matching made alike."""
    found = run(tmp_path, DISTINCT, "dynamics.steps=200", *overrides)
    got, explanation = outcome(found, "diversity")
    assert (got, word in explanation) == (expected, True), explanation


def test_two_replicas_and_diverged_ones(tmp_path: Path) -> None:
    """Two replicas have an overlap without an interval; where all diverge nothing is said and nothing breaks."""
    two = run(tmp_path, DISTINCT, "dynamics.steps=100", "ensemble.replicas=2", "histories={cold: {}}")
    assert two.verdict.microscopic["overlap"]["interval"] == [None, None]
    assert outcome(two, "diversity") == ("untested", "2 same-bath pairs, 8 are needed (ensemble.controls.same_bath)")
    gone = run(tmp_path, DISTINCT, "dynamics.steps=100", "dynamics.with.lr=1.0e+30")
    assert gone.verdict.verdict == "diverged"
    assert gather(gone.folder, 64) is None
    assert outcome(gone, "diversity")[0] == "untested"


def test_a_damaged_or_missing_file_is_untested(tmp_path: Path, command: Command) -> None:
    """After a flipped bit or without the file nothing is known of the microstates until thermo-run makes it again."""
    run(tmp_path, DISTINCT, "dynamics.steps=100")
    (file,) = (tmp_path / "results").glob("*/microstates.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    damaged: dict[str, Any] = json.loads(command("thermo-report", "latest", "--format", "json").stdout)
    assert damaged["outcomes"]["diversity"] == "untested"
    file.unlink()
    without = RunFolder(file.parent)
    assert without.findings() is None
    shown: dict[str, Any] = json.loads(command("thermo-report", "latest", "--format", "json").stdout)
    assert shown["outcomes"]["diversity"] == "untested"


PARTICLES = """\
name: particles
system:   {use: harmonic, with: {dimensions: 20, start: 5.0}}
dynamics: {use: langevin, with: {lr: 0.1, temperature: 1.0}, steps: 400}
ensemble: {replicas: 8, seed: 3, vary: [init, noise]}
equilibrium: {margins: {position: 1.0}}
"""


def test_coupled_particles_are_not_identical(tmp_path: Path) -> None:
    """Driven by one noise, partners come together whatever the landscape; with their own, they are held against their law."""
    assert outcome(run(tmp_path, PARTICLES), "diversity")[0] == "holds"
    got, explanation = outcome(run(tmp_path, PARTICLES, "ensemble.vary=[init]"), "diversity")
    assert (got, "same noise" in explanation) == ("untested", True)


def test_langevin_dynamics_is_a_fluid(tmp_path: Path) -> None:
    """Enough same-bath pairs tell that a particle has gone as far from itself as from others."""
    fluid = run(
        tmp_path,
        PARTICLES,
        "ensemble={replicas: 128, seed: 3, vary: [init, noise], controls: {same_bath: 128}}",
        "system.with.dimensions=64",
    )
    assert outcome(fluid, "ergodicity")[0] == "holds"
    assert fluid.verdict.phase == "fluid"


def test_ensembles_of_copies_are_refused(tmp_path: Path) -> None:
    """Nothing that varies is used: every replica would be the same."""
    for text, change in ((PARTICLES, "ensemble.vary=[order]"), (DISTINCT, "ensemble.vary=[noise]")):
        with pytest.raises(SpecError, match="copies of each other"):
            run(tmp_path, text, change)
    with pytest.raises(SpecError, match="copies"):
        run(
            tmp_path,
            DISTINCT,
            "ensemble.vary=[subsample]",
            "ensemble.subsample={fraction: 1.0}",
            "dynamics.batch_size=full",
        )


def test_weights_beyond_measure_lose_no_run(tmp_path: Path) -> None:
    """A history whose weights are huge and finite is examined or untested; the run is judged."""
    wild = DISTINCT.replace("hot: {init_scale: 2.0}", "hot: {init_scale: 1.0e+25}").replace(
        "[16]}", "[16], activation: tanh}"
    )
    found = run(tmp_path, wild, "dynamics.steps=40", "dynamics.with.weight_decay=0.0", "dynamics.with.momentum=0.0")
    assert found.verdict.verdict in ("undecided", "relaxing", "glassy", "diverged")
    json.dumps(found.as_dict(), allow_nan=False)


def test_what_fails_in_the_examination_is_untested_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback is in the run folder, the reason in the verdict; the next command examines again."""

    def broken(*given: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr("thermo_cli.kinds.networks.examine.examine", broken)
    found = run(tmp_path, DISTINCT, "dynamics.steps=100")
    got, explanation = outcome(found, "diversity")
    assert (got, "no such thing" in explanation) == ("untested", True)
    assert "RuntimeError" in (found.folder.path / "microstates.error.txt").read_text()
    monkeypatch.undo()
    assert outcome(run(tmp_path, DISTINCT, "dynamics.steps=100"), "diversity")[0] != "untested"


def test_a_first_phase_that_lasts_past_the_middle_leaves_ergodicity_untested(tmp_path: Path) -> None:
    """Half the training time earlier another protocol held; and after one step there is no earlier."""
    text = DISTINCT.replace("{cold: {}, hot: {init_scale: 2.0}}", "{cold: {first: {steps: 60, labels: shuffled}}}")
    got, explanation = outcome(run(tmp_path, text, "dynamics.steps=100"), "ergodicity")
    assert (got, "final protocol" in explanation) == ("untested", True)
    found = run(tmp_path, DISTINCT, "dynamics.steps=1")
    assert outcome(found, "ergodicity")[0] == "untested"
    assert found.verdict.microscopic["disagreement"]["self"] is None


def test_threads_of_the_machine_change_no_byte(tmp_path: Path, process: Command) -> None:
    """One thread or two in the process that examines."""
    (tmp_path / "spec.yaml").write_text(DISTINCT)
    stored = []
    for threads in ("1", "2"):
        done = process("thermo-run", "spec.yaml", "--results", threads, "--set", "dynamics.steps=100", threads=threads)
        assert done.returncode == 0, done.stderr
        (file,) = (tmp_path / threads).glob("*/microstates.safetensors")
        stored.append(file.read_bytes())
    assert stored[0] == stored[1]
