"""What a user sees of an ensemble that grows: the plan, the display, the reports."""

from pathlib import Path

import pytest

from tests.conftest import SMALL, Command
from tests.test_grow import LEVEL, REPLICAS, STEPS, run
from thermo_cli.live import Live


def test_the_plan_says_what_each_look_can_decide(tmp_path: Path, command: Command) -> None:
    """32 are too few at alpha / 2, 40 are needed at the second look; 56 will do at five looks; and why steps cannot grow."""
    (tmp_path / "level.yaml").write_text(LEVEL)
    (tmp_path / "small.yaml").write_text(SMALL)

    def plan(spec: str, *changes: str) -> list[str]:
        done = command("thermo-run", spec, "--plan", *(f"--set={change}" for change in changes))
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    first, second, *_ = [line for line in plan("level.yaml", REPLICAS, STEPS) if line.startswith("  look ")]
    assert "look 1, 32 replicas " in first
    assert "A cannot hold (35 needed)" in first
    assert "look 2, 32 to 64 replicas" in second
    assert "A can hold from 40 on" in second
    looks = [line for line in plan("level.yaml", "ensemble.replicas=56", STEPS) if line.startswith("  look ")]
    assert len(looks) == 5
    assert all("A can hold, with a spread" in line for line in looks)
    looks = [line for line in plan("level.yaml", "ensemble.replicas=54", STEPS) if line.startswith("  look ")]
    assert ["cannot" in line for line in looks] == [False] * 4 + [True]
    (grows,) = [
        line for line in plan("small.yaml", REPLICAS, "dynamics.schedule={use: cosine}") if line.startswith("  grows")
    ]
    assert "steps cannot grow: the learning rate follows a cosine schedule" in grows
    refused = command("thermo-run", "small.yaml", "--plan", f"--set={STEPS}", "--set=dynamics.schedule={use: cosine}")
    assert (refused.returncode, "so it cannot grow" in refused.stderr) == (2, True)


def test_reports_show_the_looks_and_growth_by_hand(tmp_path: Path, command: Command) -> None:
    """What was open, what was added, what it took; a fixed ensemble of the same folder says that others went before."""
    (tmp_path / "level.yaml").write_text(LEVEL)
    done = command("thermo-run", "level.yaml", f"--set={REPLICAS}")
    assert (
        "look 1, 32 replicas per history, 128 steps: undecided, open: agreement; the next has 64 replicas"
        in done.stderr
    )
    text = command("thermo-report", "latest", "--details").stdout
    assert "64 (+32)" in text
    assert "also judged" not in text
    page = command("thermo-report", "latest", "--format", "markdown").stdout
    assert "## Looks" in page
    by_hand = command("thermo-run", "level.yaml", "--set=ensemble.replicas=48").stdout
    assert "also judged with 32 replicas for 128 steps, 64 replicas for 128" in " ".join(by_hand.split())
    assert "Looks" not in command("thermo-report", "latest", "--details").stdout


def test_the_display_says_what_another_look_would_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many replica-steps as were counted, at the pace of now; nothing at the last look."""
    done = run(tmp_path, REPLICAS)
    live, clock = Live(), iter(range(1000))
    monkeypatch.setattr("thermo_cli.live.time.monotonic", lambda: float(next(clock)))
    for ahead, words in ((8192, "; another look would take up to 0:08"), (0, "left")):
        live.begin(done.folder, ahead)
        live._progress(1024.0, 1.0)
        assert live._progress(3072.0, 3.0).endswith(words)


def test_a_sweep_lists_the_looks_of_its_points(tmp_path: Path, command: Command) -> None:
    """Two points that grew, to 64 and to 128; a glass, decided at the first look, is not among them."""
    (tmp_path / "level.yaml").write_text(LEVEL)
    done = command(
        "thermo-run", "level.yaml", f"--set={REPLICAS}", "--set=sweep={system.with.offset_sd: [0.3, 0.4, 2.0]}"
    )
    assert "look 1: 2 of 3 points are open, and grow" in done.stderr
    page = command("thermo-report", "latest", "--format", "markdown").stdout
    looks = page.partition("Looks")[2].partition("##")[0]
    assert "| 32, 64 | 128 | undecided, settled |" in looks
    assert "| 32, 64, 128 | 128 | undecided, undecided, settled |" in looks
    assert "glassy" not in looks
