"""Commented specs to start from: the files of experiments/, which an installed package carries along; and the study.

The study is a script with the specs of all claims, in folders beside it.
"""

import ast
from pathlib import Path
from typing import Final

from thermo_cli.errors import UsageError
from thermo_cli.registry import nearest
from thermo_cli.spec import yaml_source

_PACKAGE = Path(__file__).resolve().parent.parent
CODE: Final = ("contradictions.py", "findings.py", "claim_findings.py", "paper_findings.py", "verdict_numbers.py")
STUDY: Final = ("study", (*CODE, "claims", "literature"))  # the script, and what it needs
FOLDERS = (_PACKAGE / "examples", _PACKAGE.parent / "experiments")  # installed; in a checkout


def example_names() -> dict[str, str]:
    """Return the examples' names with their descriptions, the first to read first."""
    names = {name: _description(path) for name, path in _files().items()}
    return dict(sorted(names.items(), key=lambda item: (item[0] != "quickstart", item[0])))


def example_text(name: str) -> str:
    """Return an example as it is.

    Args:
        name: One of `example_names`.

    Raises:
        UsageError: There is no such example.
    """
    files = _files()
    if name not in files:
        guess = nearest(name, files)
        remedy = f"did you mean {guess!r}? " if guess else ""
        raise UsageError(
            "there is no such example", received=name, remedy=f"{remedy}examples: {', '.join(example_names())}"
        )
    return files[name].read_text()


def write_example(name: str, folder: Path) -> list[Path]:
    """Write an example into a folder with every file that it needs: its data, its code, and the schema for editors.

    Args:
        name: One of `example_names`.
        folder: Nothing in it is overwritten.

    Returns:
        What has been written, the spec first.

    Raises:
        UsageError: There is no such example, or a file is there already.
    """
    text, chosen = example_text(name), _files()[name]
    home = chosen.parent
    others = [path for path in sorted(home.iterdir()) if path.suffix in (".csv", ".py", ".json")]
    needed = [path for path in others if path.name in text or (path.suffix == ".py" and f"{path.stem}:" in text)]
    if name == STUDY[0]:
        parts = [home / part for part in STUDY[1]]
        needed = [path for part in parts for path in (sorted(part.glob("*.yaml")) if part.is_dir() else [part])]
    files = {path: folder / path.relative_to(home) for path in (chosen, *needed)}
    for place in files.values():
        if place.exists():
            raise UsageError(
                "a file is there already", received=str(place), remedy="name another folder with --into DIR"
            )
    for path, place in files.items():
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
    return list(files.values())


def _files() -> dict[str, Path]:
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    return {path.stem: path for path in (*sorted(folder.glob("*.yaml")), folder / f"{STUDY[0]}.py")}


def _description(path: Path) -> str:
    if path.suffix == ".py":
        return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    return str(yaml_source.parse(yaml_source.read_text(path), str(path)).value.get("description", ""))
