"""MLflow's runs in the folders of its file store: mlruns/<experiment>/<run>/metrics/<name>, with lines `time value step`."""

from pathlib import Path
from typing import Final

import yaml

from thermo_cli.errors import DataError
from thermo_cli.kinds.importers.logged import Choice, LoggedRun, Series, names_or, series_of

NOTHING: Final = ("", "null", "~")


def is_store(folder: Path) -> bool:
    """Say whether a folder is a file store: experiments, each with its meta.yaml, and in them runs with theirs."""
    return any((run.parent / "metrics").is_dir() for run in folder.glob("*/*/meta.yaml"))


def files_in(folder: Path) -> list[Path]:
    """Return the files of a store that say what was measured, and of which run; no artifacts.

    Args:
        folder: The store.
    """
    return [*sorted(folder.glob("*/meta.yaml")), *sorted(folder.glob("*/*/meta.yaml"))] + [
        path for path in sorted(folder.glob("*/*/metrics/**/*")) if path.is_file()
    ]


def read(folder: Path, choose: Choice) -> list[LoggedRun]:
    """Read all runs that have not been deleted; an experiment is a point.

    Args:
        folder: The store.
        choose: Says which metrics are read.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    files: dict[Path, dict[str, Path]] = {}
    for meta in sorted(folder.glob("*/*/meta.yaml")):
        metrics = meta.parent / "metrics"
        if ".trash" not in meta.parts and metrics.is_dir():
            files[meta.parent] = {
                path.relative_to(metrics).as_posix(): path for path in sorted(metrics.rglob("*")) if path.is_file()
            }
    chosen = set(choose(list(dict.fromkeys(name for names in files.values() for name in names))))
    found = [(run, _meta(run / "meta.yaml"), _meta(run.parent / "meta.yaml")) for run in files]
    found = [one for one in found if one[1].get("lifecycle_stage") != "deleted"]
    found.sort(key=lambda one: (str(one[1].get("start_time", "")), one[0].name))
    names = names_or([str(meta.get("run_name") or "") for _, meta, _ in found], [run.name for run, _, _ in found])
    return [
        LoggedRun(
            name,
            str(run),
            {metric: _series(path) for metric, path in files[run].items() if metric in chosen},
            "",
            str(experiment.get("name", run.parent.name)),
        )
        for name, (run, _, experiment) in zip(names, found, strict=True)
    ]


def _meta(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):  # of which a few stand for gigabytes
            raise ValueError("it has aliases, which MLflow does not write")
        content = yaml.load(text, yaml.BaseLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(
            "the file cannot be read", received=str(error), remedy="leave this run out", where=str(path)
        ) from None
    return {key: value for key, value in content.items() if value not in NOTHING} if isinstance(content, dict) else {}


def _series(path: Path) -> Series:
    pairs = []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines[:-1], start=1):  # a last line without an end is torn
        try:
            _, value, step = line.split()[:3]
            pairs.append((int(step), float(value)))
        except ValueError:
            raise DataError(
                "a line of a metric is `time value step`",
                received=line[:80],
                remedy="leave this run out, or mend the line",
                where=f"{path}:{number}",
            ) from None
    return series_of(pairs, str(path))
