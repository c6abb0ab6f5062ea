"""Code of others is silent while it runs: what it prints goes to no display, and it starts no processes."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Final

import joblib

TAIL: Final = 4000  # characters of what was printed that are kept


class Tail(io.TextIOBase):
    """A text file that keeps the end of what is written to it."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep it, and forget what is older."""
        self.text = (self.text + text)[-TAIL:]
        return len(text)


@contextlib.contextmanager
def quiet(tail: Tail | None = None) -> Iterator[Tail]:
    """Keep what code prints away from the display, ignore what it warns of, and have it start no processes by joblib.

    Replicas run side by side already, and processes that code starts by itself would draw from generators that nobody seeds.

    Args:
        tail: Keeps the end of it.
    """
    tail = tail if tail is not None else Tail()
    with (
        contextlib.redirect_stdout(tail),
        contextlib.redirect_stderr(tail),
        warnings.catch_warnings(),
        joblib.parallel_config("sequential"),
    ):
        warnings.simplefilter("ignore")
        yield tail
