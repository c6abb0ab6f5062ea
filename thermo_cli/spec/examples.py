"""Commented specs to start from: the files of experiments/, which an installed package carries along."""

from pathlib import Path

from thermo_cli.errors import UsageError
from thermo_cli.registry import nearest
from thermo_cli.spec import yaml_source

_PACKAGE = Path(__file__).resolve().parent.parent
FOLDERS = (_PACKAGE / "examples", _PACKAGE.parent / "experiments")  # installed; in a checkout


def example_names() -> dict[str, str]:
    """Return the examples' names with their descriptions, the first to read first."""
    names = {
        path.stem: str(yaml_source.parse(yaml_source.read_text(path), str(path)).value.get("description", ""))
        for path in _files().values()
    }
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
    text = example_text(name)
    home = _files()[name].parent
    others = [path for path in sorted(home.iterdir()) if path.suffix in (".csv", ".py", ".json")]
    needed = [path for path in others if path.name in text or (path.suffix == ".py" and f"{path.stem}:" in text)]
    places = [folder / path.name for path in (_files()[name], *needed)]
    for place in places:
        if place.exists():
            raise UsageError(
                "a file is there already", received=str(place), remedy="name another folder with --into DIR"
            )
    for place, path in zip(places, (_files()[name], *needed), strict=True):
        place.write_bytes(path.read_bytes())
    return places


def _files() -> dict[str, Path]:
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
