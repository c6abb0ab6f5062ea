"""Commented specs to start from: the files of experiments/, which an installed package carries along."""

from pathlib import Path

from thermo_cli.errors import UsageError
from thermo_cli.registry import nearest
from thermo_cli.spec import yaml_source

_PACKAGE = Path(__file__).resolve().parent.parent
FOLDERS = (_PACKAGE / "examples", _PACKAGE.parent / "experiments")  # installed; in a checkout


def example_names() -> dict[str, str]:
    """Return the examples' names with their descriptions, the first to read first."""
    names = {path.stem: str(yaml_source.read(path).value.get("description", "")) for path in _files().values()}
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


def _files() -> dict[str, Path]:
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
