"""Where code of a user failed: its file and line, out of a traceback that goes through ours and through packages."""

import inspect
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

OURS: Final = str(Path(__file__).resolve().parent)
STANDARD: Final = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
PACKAGES: Final = ("site-packages", "dist-packages")
LONGEST: Final = 300  # characters of a message


def told(error: BaseException) -> str:
    """Say what an error is and which line of the user's raised it: `nets.py, line 12, in forward: TypeError: ...`.

    Args:
        error: As it was caught.
    """
    words = " ".join(str(error).split())[:LONGEST]
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    place = _raised(error)
    return f"{place}: {what}" if place else what


def defined(function: Callable[..., Any]) -> str:
    """Say where a function stands, as `told` says where an error does; empty where that is not known.

    Args:
        function: Of a user.
    """
    try:
        line = inspect.getsourcelines(function)[1]
        return f"{_shown(inspect.getsourcefile(function) or '')}, line {line}, in {function.__name__}"
    except (OSError, TypeError):
        return ""


def _raised(error: BaseException) -> str:
    """Return the innermost line that is of no package; of code that came with one, the innermost that is not ours."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith((OURS, "<"))
    ]
    own = [frame for frame in frames if not _installed(frame.filename)] or frames
    return f"{_shown(own[-1].filename)}, line {own[-1].lineno}, in {own[-1].name}" if own else ""


def _installed(file: str) -> bool:
    return file.startswith(STANDARD) or any(part in PACKAGES for part in Path(file).parts)


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
