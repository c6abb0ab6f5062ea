"""Several dynamics in one stack: each replica moves as it does among its own kind."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import thermo_cli
from tests.conftest import SERIAL, SMALL
from thermo_cli.contracts import Dataset
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import SpecError
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.checks import plain_steps
from thermo_cli.kinds.networks.learner import Learner
from thermo_cli.replicas import Replica, replica_table
from thermo_cli.spec import Spec, load_spec
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays

KINDS = (
    ["dynamics.with={lr: 0.05, momentum: 0.9, weight_decay: 1e-3}"],
    ["dynamics.with={lr: 0.2}", "dynamics.schedule=cosine", "dynamics.clip=0.3", "dynamics.energy={l1: 1e-3}"],
    ["dynamics={use: adam, with: {lr: 0.003, weight_decay: 0.01}, batch_size: 16, steps: 400}"],
    ["dynamics={use: 'torch.optim:NAdam', with: {lr: 0.003}, batch_size: 16, steps: 400}"],
)
ROWS = ([0, 1, 2], [3], [4, 5], [6])


def specs(folder: Path, *overrides: str) -> list[Spec]:
    """The small spec with each kind of dynamics."""
    (folder / "s.yaml").write_text(SMALL)
    return [load_spec(folder / "s.yaml", [*kind, "ensemble.replicas=8", *overrides]) for kind in KINDS]


def parts(folder: Path, found: Sequence[Spec]) -> tuple[Dataset, tuple[Replica, ...]]:
    """Data, and seven replicas of the first history."""
    assert found[0].data is not None
    return load_dataset(found[0].data, folder), replica_table(found[0])[:7]


def mixed(found: Sequence[Spec]) -> list[Spec]:
    """One spec per replica."""
    return [spec for spec, rows in zip(found, ROWS, strict=True) for _ in rows]


@pytest.mark.parametrize("first", ["{}", "{first: {steps: 37, labels: shuffled, dynamics: {with: {lr: 0.01}}}}"])
@pytest.mark.parametrize("shape", ["[8]", "[7, 5]"])
def test_a_replica_is_the_same_bits_in_a_mixed_stack_and_among_its_own(tmp_path: Path, first: str, shape: str) -> None:
    """Parameters, observables and what is tried at the end, the last place of a stack included."""
    found = specs(tmp_path, f"histories={{cold: {first}}}", f"system.with.hidden={shape}")
    dataset, members = parts(tmp_path, found)
    together = Learner(mixed(found), dataset, members)
    together.advance(100)
    measured, end = together.measure(), together.finish()
    for spec, rows in zip(found, ROWS, strict=True):
        alone = Learner(spec, dataset, members)
        alone.advance(100)
        np.testing.assert_array_equal(alone.vectors()[rows], together.vectors()[rows])
        for mine, others in ((alone.measure(), measured), (alone.finish(), end)):
            for name in mine.keys() & others.keys():
                np.testing.assert_array_equal(others[name][rows], mine[name][rows], err_msg=name)
    assert (measured["energy_l2"][ROWS[0]] > 0).all()
    assert (measured["energy_l2"][ROWS[1]] == 0).all()
    assert ((measured["energy_l1"] > 0) == np.isin(np.arange(7), ROWS[1])).all()


def test_a_mixed_stack_is_the_plain_loop_and_resumes(tmp_path: Path) -> None:
    """Against torch.optim in double precision; restored from disk it goes on with the same bits."""
    found = specs(tmp_path, "ensemble.precision=float64")
    dataset, members = parts(tmp_path, found)
    whole = Learner(mixed(found), dataset, members)
    start = layout.vectors(whole.stack.parameters, whole.stack.protocol.system.blocks, 7).clone()
    whole.advance(60)
    for slot in range(7):
        expected = plain_steps(whole.stack, slot, start[slot], 60).numpy()
        assert np.linalg.norm(whole.vectors()[slot] - expected) < 1e-10 * np.linalg.norm(expected)
    first, second = (Learner(mixed(found), dataset, members) for _ in range(2))
    first.advance(23)
    for rows in ROWS:
        slots = slice(rows[0], rows[-1] + 1)
        write_arrays(tmp_path / "state", ArrayFile(first.state_arrays(slots)))
        second.restore(23, slots, dict(read_arrays(tmp_path / "state").arrays))
    second.advance(60)
    np.testing.assert_array_equal(second.vectors(), whole.vectors())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("dynamics.batch_size=8", "batch_size"),
        ("dynamics.steps=300", "steps"),
        ("system.with.hidden=[9]", "system"),
        ("ensemble.precision=float64", "precision"),
    ],
)
def test_what_cannot_share_a_stack_is_refused(tmp_path: Path, change: str, word: str) -> None:
    """Only the dynamics may differ."""
    (tmp_path / "s.yaml").write_text(SMALL)
    found = [load_spec(tmp_path / "s.yaml", overrides) for overrides in ([], [change])]
    dataset, members = parts(tmp_path, found)
    with pytest.raises(SpecError, match=f"received: {word}:"):
        Learner(found, dataset, members[:2])


def test_points_without_decay_or_momentum_keep_what_they_would_keep_alone(tmp_path: Path) -> None:
    """A sweep from zero on: every point has all its replicas, and the files of its shards are those of the point by itself."""
    fields = {"weight_decay": [0.0, 1e-3], "momentum": [0.0, 0.9]}
    (tmp_path / "s.yaml").write_text(SMALL)
    small = ["ensemble.replicas=12", "dynamics.steps=60", "dynamics.with={lr: 0.05}", "observe.window_measurements=8"]
    swept = "sweep={" + ", ".join(f"dynamics.with.{name}: {values}" for name, values in fields.items()) + "}"
    whole = thermo_cli.run(tmp_path / "s.yaml", overrides=[*small, swept], results=tmp_path / "swept", engine=SERIAL)
    for point in whole.as_dict()["points"]:
        assert point["replicas"]["finished"] == point["replicas"]["planned"], point["point"]
        assert ("energy_l2" in point["macroscopic"]) == (point["point"]["dynamics.with.weight_decay"] > 0)
    for number, values in enumerate(whole.points):
        alone = [f"{field}={value}" for field, value in values.items()]
        one = thermo_cli.run(
            tmp_path / "s.yaml", overrides=[*small, *alone], results=tmp_path / str(number), engine=SERIAL
        )
        mine = one.folder.trajectories()
        theirs = whole.folder.points[number].trajectories()
        assert mine.values.keys() == theirs.values.keys()
        for name, array in mine.values.items():
            np.testing.assert_array_equal(array, theirs.values[name], err_msg=name)
