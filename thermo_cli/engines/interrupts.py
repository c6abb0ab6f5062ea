"""Interrupts by the user, for engines whose tasks run elsewhere."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
"""What asks a run to stop: Ctrl-C, a batch system, a closed terminal, a batch system's warning before the time is up."""


def stops() -> list[signal.Signals]:
    """Return the signals that ask this process to stop; what nohup has it ignore from the start stays so."""
    there = [signal.Signals[name] for name in NAMES if hasattr(signal, name)]
    kept = (signal.SIGINT, signal.SIGTERM)
    return [number for number in there if number in kept or signal.getsignal(number) is not signal.SIG_IGN]


class Interrupts:
    """Interrupts by the user, counted as they come and answered between two looks at the tasks.

    An exception that a signal raises amid whatever runs is lost when that is a finalizer or a callback of the pool.
    """

    def __init__(self) -> None:
        self._seen = self._answered = 0

    @contextmanager
    def counted(self) -> Iterator["Interrupts"]:
        """Count what asks to stop while this lasts; a thread beside the main one gets no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._note) for number in stops()}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt for the oldest one that was not answered."""
        if self._seen > self._answered:
            self._answered += 1
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._seen += 1
