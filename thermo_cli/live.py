"""What one sees while an ensemble trains: progress, time left, throughput, and the ensemble's mean, spread and drift.

It reads what workers leave in the run folder, so it shows the same whatever engine trains. A notebook's cell shows what a
terminal does; where there is neither it writes a plain line now and then.
"""

import importlib
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from thermo_cli.characters import visible
from thermo_cli.metric import HEADLINES, asked_for
from thermo_cli.reports.numerals import number
from thermo_cli.store import RunFolder

if TYPE_CHECKING:
    from rich.console import Console, Group

POLL_SECONDS: Final = 0.5
BAR: Final = 60
CELL: Final = 100  # characters of a line in a notebook
PLAIN_SECONDS: Final = 10.0
WARMUP_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 600.0  # without a word of any worker: no limit, as a fit may take a day, but worth a line
MOST: Final = 4  # observables that are shown where none has a name that is known
SHOWN: Final = (*HEADLINES, "test_loss", "position", "level", "energy_density", "energy")


def in_notebook() -> bool:
    """Say whether this is a cell of a notebook, which shows what its kernel sends it."""
    interactive = sys.modules.get("IPython")
    return interactive is not None and hasattr(interactive.get_ipython(), "kernel")


def onlooker() -> "Live | None":
    """Return who looks on where somebody sees it: in a terminal or a notebook; None anywhere else."""
    return Live() if in_notebook() or (sys.stderr is not None and sys.stderr.isatty()) else None


class _Screen:
    """The lower lines of a terminal."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live as RichLive

        self._live = RichLive(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def update(self, drawing: "Group") -> None:
        self._live.update(drawing, refresh=True)

    def stop(self) -> None:
        self._live.stop()


class _Cell:
    """The output of a notebook's cell, as plain text in its place."""

    def __init__(self) -> None:
        self._display = importlib.import_module("IPython.display").display
        self._handle = self._display({"text/plain": "workers are starting"}, raw=True, display_id=True)

    def update(self, drawing: "Group") -> None:
        from rich.console import Console

        console = Console(width=CELL, color_system=None, force_jupyter=False, markup=False, highlight=False)
        with console.capture() as capture:
            console.print(drawing)
        self._handle.update({"text/plain": capture.get()}, raw=True)

    def stop(self) -> None:
        self._handle.update({"text/plain": ""}, raw=True)


class Live:
    """A watcher that draws on standard error, so that standard output holds the report alone."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, force_jupyter=False, markup=False, highlight=False, emoji=False)
        self.display: _Screen | _Cell | None = None
        self.trained: RunFolder | None = None
        self.next_poll = self.next_line = 0.0
        self.history: dict[tuple[str, str], list[tuple[float, float]]] = {}
        self.latest: dict[str, dict[str, list[float | None]]] = {}

    def note(self, message: str) -> None:
        """Pass a remark on.

        Args:
            message: One sentence.
        """
        sys.stderr.write(f"note: {visible(message)}\n")

    def begin(self, folder: RunFolder, ahead: int) -> None:
        """Start to show a run.

        Args:
            folder: Which is being trained, as a look sees it.
            ahead: Replica-steps that the next look would add, at most.
        """
        self.folder, self.trained, self.started, self.ahead = folder, folder, time.monotonic(), ahead
        self.latest, self.history = {}, {}
        self.heard = (0.0, self.started)
        self.counts = {name: len(members) for name, members in folder.shards.items()}
        self.total = sum(members[0].steps * len(members) for members in folder.shards.values())
        self.first_done: tuple[float, float] | None = None
        self.next_line = self.started + PLAIN_SECONDS / 4
        self.display = _Cell() if in_notebook() else _Screen(self.console) if self.console.is_terminal else None
        if self.display is None:
            sys.stderr.write(
                f"{folder.name}: training {sum(self.counts.values())} replicas for {folder.spec.total} steps\n"
            )

    def tick(self) -> None:
        """Look at the run folder if it is time to, and draw."""
        now = time.monotonic()
        if now < self.next_poll:
            return
        self.next_poll = now + POLL_SECONDS
        done = self._read()
        if done > self.heard[0]:
            self.heard = (done, now)
        elif now - self.heard[1] > SILENT_SECONDS:
            self.heard = (done, np.inf)  # said once
            self.note(
                f"no worker has said anything for {SILENT_SECONDS / 60:.0f} minutes: a step or fit is slow, or something "
                "hangs; Ctrl-C stops and keeps what was committed"
            )
        if self.display is not None:
            self.display.update(self._drawing(done, now))
        elif now >= self.next_line:
            self.next_line = now + PLAIN_SECONDS
            sys.stderr.write(f"{self.folder.name}: {self._progress(done, now)}; {self._plain_state()}\n")

    def end(self) -> None:
        """Stop drawing."""
        if self.display is not None:
            self.display.stop()
            self.display = None
        seconds = time.monotonic() - self.started
        self.console.print(
            f"{self.folder.name}: {self._read() / self.total:.0%} trained, {seconds:.1f} s in this session",
            soft_wrap=True,
        )

    def _read(self) -> float:
        """Collect the latest words of all shards; return the replica-steps done."""
        done = 0.0
        for name, (step, values) in self.folder.progress().items():
            done += step * self.counts[name]
            if values:
                self.latest[name] = values
        fraction = done / self.total
        for observable, history, values in self._state():
            track = self.history.setdefault((observable, history), [])
            if len(values) and (not track or fraction > track[-1][0]):
                track.append((fraction, float(values.mean())))
        return done

    def _state(self) -> Iterable[tuple[str, str, Any]]:
        """Yield observable, history and the latest finite values of its replicas."""
        reported = dict.fromkeys(name for values in self.latest.values() for name in values)
        known = dict.fromkeys(
            (*self.folder.spec.equilibrium.margins, *SHOWN, *asked_for(self.folder.spec.observe.macro))
        )
        for observable in [name for name in known if name in reported] or list(reported)[:MOST]:
            for history in self.folder.spec.histories:
                words = [
                    values[observable]
                    for name, values in self.latest.items()
                    if name.rpartition("-")[0].rpartition("~")[2] == history and observable in values
                ]
                if words:
                    yield (
                        observable,
                        history,
                        np.array([value for word in words for value in word if value is not None]),
                    )

    def _drift(self, observable: str, history: str) -> float | None:
        """Return how far the mean has moved since half of the training done so far."""
        track = self.history.get((observable, history), [])
        earlier = [mean for fraction, mean in track if fraction <= track[-1][0] / 2]
        return track[-1][1] - earlier[-1] if earlier else None

    def _progress(self, done: float, now: float) -> str:
        """Say how far it is, how fast, and how long it will take from here."""
        words = f"{done / self.total:4.0%} of {self.total:,} replica-steps"
        if done > 0 and self.first_done is None:
            self.first_done = (now, done)
        if self.first_done is not None and now - self.first_done[0] > WARMUP_SECONDS:
            rate = (done - self.first_done[1]) / (now - self.first_done[0])
            if rate > 0:
                words += f", {rate:,.0f} per second, {_clock((self.total - done) / rate)} left"
                words += f"; another look would take up to {_clock(self.ahead / rate)}" if self.ahead else ""
        return words

    def _plain_state(self) -> str:
        parts = [
            f"{observable} {history} {number(float(values.mean()))} sd {number(_sd(values), 2)}"
            for observable, history, values in self._state()
            if len(values) and observable != "test_loss"
        ]
        return ", ".join(parts) or self._begun()

    def _begun(self) -> str:
        """Say how many shards have finished, where they were too quick for their values to be seen."""
        finished = sum(self.folder.shard(name).finished for name in self.counts)
        return f"{finished} of {len(self.counts)} shards have finished" if finished else "workers are starting"

    def _drawing(self, done: float, now: float) -> "Group":
        """Draw progress, the ensemble, and how to stop."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        filled = int(BAR * done / self.total)
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("observable", "history", "replicas", "mean", "spread (sd)", "drift since half time"):
            table.add_column(name, no_wrap=True)
        for observable, history, values in self._state():
            if len(values):
                drift = self._drift(observable, history)
                shown = "-" if drift is None else f"{drift:+.2g}"
                table.add_row(
                    observable, history, str(len(values)), number(float(values.mean())), number(_sd(values), 2), shown
                )
        head = f"{self.folder.name}   {self._progress(done, now)}"
        stop = "Ctrl-C stops and keeps everything; the same command resumes"
        body = table if table.row_count else Text(self._begun())
        return Group(Text(head), Text("█" * filled + "░" * (BAR - filled)), body, Text(stop, style="dim"))


def _sd(values: Any) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
