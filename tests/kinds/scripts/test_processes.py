"""Scripts as processes: killed with all that they started, started again when asked to, and never left running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kinds.scripts.toy import reason, task, toy, trained
from thermo_cli.errors import DataError, RunError
from thermo_cli.kinds.scripts.process import LOG_BYTES, run_process
from thermo_cli.store.files import read_arrays
from thermo_cli.training import train_shard

CHILD = "child = subprocess.Popen(['sleep', '300']); Path('pids').open('a').write(f'{os.getpid()} {child.pid} ')"
HANG = CHILD + "; time.sleep(300)"


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def pids(folder: Path) -> list[int]:
    """Return the processes that scripts have noted down."""
    return [int(word) for word in (folder / "pids").read_text().split()] if (folder / "pids").exists() else []


def gone(processes: list[int], seconds: float) -> bool:
    """Wait until none of these processes runs, so long at most."""
    end = time.monotonic() + seconds
    while any(map(alive, processes)):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "ignore", ["", "signal = __import__('signal'); signal.signal(signal.SIGTERM, signal.SIG_IGN); "]
)
def test_a_script_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path, ignore: str) -> None:
    """Also one that does not want to end; the reason names the limit, and what had been printed is kept."""
    folder, words = trained(toy(tmp_path, ignore + HANG), "dynamics.with.time_limit=0.7", shards=["cold-0000"])
    assert words == {"cold-0000": "failed"}
    assert "more than 0.7 s" in reason(folder, "cold-0000")
    assert "replica 0 starts" in reason(folder, "cold-0000")
    assert len(pids(tmp_path)) == 2
    assert gone(pids(tmp_path), 0.5)


def test_what_a_script_leaves_running_ends_with_it(tmp_path: Path) -> None:
    """Its replica has finished, and a child of it has not: it is killed."""
    _, words = trained(toy(tmp_path, CHILD), shards=["cold-0000"])
    assert words == {"cold-0000": "finished"}
    assert gone(pids(tmp_path), 0.5)


def test_attempts_are_bounded_and_begin_anew(tmp_path: Path) -> None:
    """The second start finds an empty folder and the same seeds; the log shows both; one attempt is the default."""
    flaky = "started = Path('started'); number = len(started.read_text()) if started.exists() else 0; "
    flaky += "started.open('a').write('x'); number >= 1 or sys.exit(5)"
    path = toy(tmp_path, flaky)
    folder, words = trained(path, shards=["cold-0000"])
    assert words == {"cold-0000": "failed"}
    (tmp_path / "started").unlink()
    folder, words = trained(path, "dynamics.with.attempts=2", shards=["cold-0000"])
    assert words == {"cold-0000": "finished"}
    assert not (folder.path / "shards" / "cold-0000.error.txt").exists()
    log = (folder.path / "logs" / "cold-0000.log").read_text()
    starts = [line for line in log.splitlines() if line.startswith("[attempt")]
    assert [line[:10] for line in starts] == ["[attempt 1", "[attempt 2"]
    assert starts[0][11:] == starts[1][11:]
    undisturbed, _ = trained(toy(tmp_path), shards=["cold-0000"])
    files = [run.path / "shards" / "cold-0000.0.safetensors" for run in (folder, undisturbed)]
    assert files[0] != files[1]
    again, plain = (read_arrays(file).arrays for file in files)
    assert again.keys() == plain.keys()
    assert all(again[name].tobytes() == plain[name].tobytes() for name in plain)
    _, words = trained(toy(tmp_path, "sys.exit(1)"), "dynamics.with.attempts=3", shards=["cold-0000"])
    assert words == {"cold-0000": "failed"}


def test_a_long_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    """Ten megabytes of output cost one; the script does not notice."""
    talk = f"print('beginning'); [print('x' * 99) for _ in range({20 * LOG_BYTES // 100})]; print('the end')"
    log = tmp_path / "log"
    assert run_process([sys.executable, "-c", talk], tmp_path, log, 60, lambda: True)
    text = log.read_bytes()
    assert text.startswith(b"beginning")
    assert text.endswith(b"the end\n")
    assert b"bytes are left out here" in text
    assert len(text) < 2.2 * LOG_BYTES


def test_a_log_that_cannot_be_written_holds_nobody_up(tmp_path: Path) -> None:
    """The pipe is emptied all the same, as when the disk is full."""
    talk = f"print('x' * {4 * LOG_BYTES})"
    assert run_process([sys.executable, "-c", talk], tmp_path, tmp_path / "no folder" / "log", 20, lambda: True)


def test_a_program_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    """Gone since it was checked."""
    with pytest.raises(RunError, match="cannot be started"):
        run_process(["./no-such-program"], tmp_path, tmp_path / "log", None, lambda: True)


def test_a_script_ends_with_the_worker_that_is_killed(tmp_path: Path) -> None:
    """The worker has no time for a word: SIGKILL."""
    code = (
        "import sys; from pathlib import Path; from thermo_cli.kinds.scripts.process import run_process;"
        "folder = Path(sys.argv[1]);"
        "run_process(['/bin/sh', '-c', 'echo $$ > pids; sleep 300 & echo $! >> pids; wait'], folder, folder / 'log', None,"
        "lambda: True)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment)
    wait_for(lambda: len(pids(tmp_path)) == 2)
    assert all(map(alive, pids(tmp_path)))
    worker.kill()
    worker.wait()
    assert gone(pids(tmp_path), 1.0)


def test_a_replica_is_seen_while_it_runs_and_stopped_without_a_failure(tmp_path: Path) -> None:
    """Its latest line is what the display reads; once the stop file is there it ends within a second, and nothing is kept."""
    folder, _ = trained(toy(tmp_path, HANG), shards=[])
    began = task(folder, "cold-0000")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(train_shard, began)
        wait_for(lambda: folder.progress()["cold-0000"][0] == 16)
        values = folder.progress()["cold-0000"][1]
        assert set(values) == {"energy", "test_accuracy"}
        assert values["test_accuracy"][0] == pytest.approx(0.9, abs=0.1)
        folder.stop_file.touch()
        begun = time.monotonic()
        assert future.result(10) == "interrupted"
        assert time.monotonic() - begun < 1.5
    assert gone(pids(tmp_path), 0.1)
    assert not list((folder.path / "shards").glob("*.error.txt"))
    assert "cold-0000" in folder.unfinished()


def test_a_script_that_changes_while_the_run_is_in_progress_is_refused(tmp_path: Path) -> None:
    """Replicas of two scripts are no ensemble."""
    path = toy(tmp_path)
    folder, _ = trained(path, shards=["cold-0000"])
    (tmp_path / "toy.py").write_text((tmp_path / "toy.py").read_text() + "\n# another\n")
    with pytest.raises(DataError, match="changed while the run was in progress"):
        train_shard(task(folder, "cold-0001"))


def start(path: Path, results: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start `thermo-run` in a process group of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "thermo_cli.cli.run",
            str(path),
            "--allow",
            "command",
            "--results",
            str(results),
            *arguments,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def shards(results: Path) -> dict[str, bytes]:
    """Return the finished shards of the only run."""
    return {file.name: file.read_bytes() for file in sorted(results.glob("toy-*/shards/*.safetensors"))}


def test_interrupted_or_killed_nothing_is_left_running_and_what_has_finished_is_kept(tmp_path: Path) -> None:
    """Ctrl-C, then kill -9, each amid the third replica; the same command ends with the bytes of an undisturbed run."""
    path, results = toy(tmp_path, f"if not Path('go').exists(): {HANG}", bad=2), tmp_path / "interrupted"
    process = start(path, results, "--workers", "1")
    wait_for(lambda: len(pids(tmp_path)) == 2)
    finished = shards(results)
    assert list(finished) == ["cold-0000.0.safetensors", "cold-0001.0.safetensors"]
    os.killpg(process.pid, signal.SIGINT)
    assert gone(pids(tmp_path), 1.5)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, "give the same command again" in errors) == (130, True)
    assert shards(results) == finished
    (tmp_path / "pids").unlink()
    times = [file.stat().st_mtime_ns for file in sorted(results.glob("toy-*/shards/*.safetensors"))]
    process = start(path, results, "--workers", "1")
    wait_for(lambda: len(pids(tmp_path)) == 2)
    process.kill()
    assert gone(pids(tmp_path), 2.0), "the worker ends half a second after its parent, and the script with it"
    process.communicate()
    (tmp_path / "go").touch()
    process = start(path, results, "--workers", "1")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [file.stat().st_mtime_ns for file in sorted(results.glob("toy-*/shards/*.safetensors"))][:2] == times
    found = shards(results)
    undisturbed, _ = trained(path)
    assert len(found) == 4
    assert shards(undisturbed.path.parent) == found
