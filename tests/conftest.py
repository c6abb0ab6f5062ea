"""What all tests share: small specs, real runs of them, and the command line as a user meets it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # set before torch is imported: test processes run side by side

ROOT = Path(__file__).resolve().parent.parent

SMALL = """\
name: small
data:     {use: wine}
system:   {use: mlp, with: {hidden: [8]}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9, weight_decay: 1.0e-3}, batch_size: 16, steps: 400}
ensemble: {replicas: 6, seed: 3, subsample: {fraction: 0.6}, shard: 4, controls: {same_bath: 2, twin: 1}}
histories:
  cold: {}
  hot: {init_scale: 2.0}
"""

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A spec that trains in a second or two."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `thermo-run` or `thermo-report` as a process in an empty folder; its results folder is there too."""

    def run(name: str, *arguments: str, timeout: float = 120, **options: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", f"thermo_cli.cli.{name.removeprefix('thermo-')}", *arguments],
            cwd=options.get("cwd", tmp_path), capture_output=True, text=True, timeout=timeout, check=False,
            env={
                **os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": str(options.get("threads", "1")),
            },
        )  # fmt: skip

    return run
