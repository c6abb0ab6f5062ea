"""Whose modules Python imports: those of the working directory only where somebody asked for them.

Started with `-m` or `-c`, or with an empty entry in PYTHONPATH, Python looks into the working directory first: a file
`random.py` beside a stranger's spec would stand for the module. Nothing but `os` and `sys` is imported before that is undone.
"""

import os
import sys


def leave_working_directory() -> None:
    """Look for no module in the working directory before the standard library's, unless PYTHONPATH names it.

    A checkout that is the working directory stays, behind all that is installed: this package itself may come from there.
    """
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib is not imported yet
    except FileNotFoundError:  # it was removed, and holds no modules
        return
    asked = [os.path.abspath(entry) for entry in _named()]  # noqa: PTH100
    library = os.path.dirname(os.__file__)  # noqa: PTH120
    first = sys.path.index(library) if library in sys.path else len(sys.path)
    before, after = [entry or here for entry in sys.path[:first]], sys.path[first:]
    kept = [entry for entry in before if entry in asked or entry != here]
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    lost = checkout in before and checkout not in (*kept, *after)
    sys.path[:] = [*kept, *after, *([checkout] if lost else [])]


def isolated_environment() -> dict[str, str]:
    """Return the variables with which a Python that is started looks for nothing in its working directory."""
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(_named())}


def _named() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
