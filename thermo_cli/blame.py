"""Where code of a user failed: its file and line, out of a traceback that goes through ours and through packages."""

import importlib
import inspect
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

OURS: Final = str(Path(__file__).resolve().parent)
IMPORTS: Final = str(Path(importlib.__file__).resolve().parent)  # what imports a module is never what is wrong with it
STANDARD: Final = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
PACKAGES: Final = ("site-packages", "dist-packages")
LONGEST: Final = 300  # characters of a message


def told(error: BaseException, function: Callable[..., Any] | None = None) -> str:
    """Say what an error is and which line of the user's raised it: `nets.py, line 12, in forward: TypeError: ...`.

    Args:
        error: As it was caught.
        function: Where it stands is said if no line of the user's raised it.
    """
    words = " ".join(str(error).split())[:LONGEST]
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((OURS, IMPORTS, "<"))
    ]
    own = [frame for frame in frames if not _installed(frame.filename)]
    if not own and function is not None:
        return f"{_defined(function)}: {what}"
    last = (own or frames)[-1:]  # of code that came with a package, the innermost line that is not ours
    return "".join(f"{_shown(frame.filename)}, line {frame.lineno}, in {frame.name}: " for frame in last) + what


def _defined(function: Callable[..., Any]) -> str:
    try:
        line = inspect.getsourcelines(function)[1]
        return f"{_shown(inspect.getsourcefile(function) or '')}, line {line}, in {function.__name__}"
    except (OSError, TypeError):
        return function.__qualname__


def _installed(file: str) -> bool:
    return file.startswith(STANDARD) or any(part in PACKAGES for part in Path(file).parts)


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
