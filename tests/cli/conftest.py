"""What the tests of the commands share: a finished run of the small spec, trained once."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import SERIAL, SMALL
from thermo_cli.study import execute


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small spec and its finished run, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(SMALL)
    execute(folder / "small.yaml", results=folder / "results", engine=SERIAL)
    return folder


@pytest.fixture(scope="module")
def finished(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it, for one module."""
    return shutil.copytree(trained, tmp_path_factory.mktemp("finished"), dirs_exist_ok=True)
