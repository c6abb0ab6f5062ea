"""The tables of built-in names: what they name is there, and needs nothing to be imported before it."""

import subprocess
import sys
from pathlib import Path

import pytest

from thermo_cli.registry import DATA, DYNAMICS, SCHEDULES, SYSTEMS, load
from thermo_cli.trust import Trust, locate, set_trust

MODELS = sorted({place.partition(":")[0] for place in (*DATA.values(), *SYSTEMS.values(), *DYNAMICS.values())})


def test_every_name_stands_for_something() -> None:
    """Models read the names that stand for them, and what they build can be imported."""
    for table in (DATA, SYSTEMS, DYNAMICS):
        for name, place in table.items():
            model = load(place)
            annotation = model.model_fields["use"].annotation
            assert annotation is str or name in annotation.__args__, place
            if annotation is not str and model.builds:
                assert callable(load(model.builds.format(use=name))), model.builds
    assert all(callable(load(place)) for place in SCHEDULES.values())


@pytest.mark.parametrize("module", MODELS)
def test_models_can_be_imported_first(module: str) -> None:
    """The spec is made of all of them, and they are made of its parts."""
    done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_local_module_that_was_edited_is_imported_again(tmp_path: Path) -> None:
    """In a notebook, or in the process beside a worker of a cluster: what its file holds is what runs."""
    set_trust(Trust(("local",), tmp_path))
    for value in (1, 2):
        (tmp_path / "edited_here.py").write_text(f"def answer():\n    return {value}\n")
        assert locate("edited_here:answer", "system.use")() == value
