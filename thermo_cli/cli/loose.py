"""Runs made elsewhere, judged at once by their paths: the spec that would keep them is worked out, shown, and not written."""

import dataclasses
import glob
import itertools
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from thermo_cli.errors import UsageError

if TYPE_CHECKING:
    from thermo_cli.contracts import Trajectories
    from thermo_cli.judging.record import JudgedRun
    from thermo_cli.kinds.recorded.parts import RecordedArguments

SPEC: Final = "runs.yaml"
FIELDS: Final = re.compile(r"\{\w+\}")
MOST_LETTERS: Final = 64


@dataclass(frozen=True)
class Loose:
    """Runs that were judged and not kept.

    Attributes:
        run: What was decided.
        title: Their paths, as they were given.
        spec: That would keep them, as text.
    """

    run: "JudgedRun"
    title: str
    spec: str

    def shown(self, view: Any) -> Any:
        """Return what a report shows of them: the paths as its title, and how to keep them as what reproduces it.

        Args:
            view: Of the run, as if it were kept.
        """
        from thermo_cli.reports.typed import Typed

        again = dataclasses.replace(view.reproduction, commands=(f"thermo-run {SPEC}",), spec=self.spec)
        typed = Typed(f"thermo-run {SPEC}", f"thermo-report {self.title}")
        return dataclasses.replace(view, title=self.title, reproduction=again, typed=typed)

    @property
    def words(self) -> str:
        """How to keep them."""
        return f"Nothing was written. To keep this, save as {SPEC}, and thermo-run {SPEC}:\n\n{self.spec}"


def is_path(name: str, results: Path) -> bool:
    """Say whether a name is that of files made elsewhere, and of no run.

    Args:
        name: As it was given.
        results: The results folder.
    """
    if name == "latest" or any((path / "resolved.yaml").exists() for path in (Path(name), results / name)):
        return False
    from thermo_cli.store import list_runs

    there = Path(name).exists() or glob.has_magic(name) or FIELDS.search(name) is not None
    return there and all(run.name.rpartition("-")[0] != name for run in list_runs(results))


def look(paths: Sequence[str], changes: Mapping[str, Any], recipes: bool = False) -> Loose:
    """Judge what is there, with the settings given; without any margin a share has that of an accuracy.

    Args:
        paths: Files, folders or globs.
        changes: Fields of `equilibrium`.
        recipes: Whether what is there is compared: then what it calls histories are recipes, which claim no common end.

    Raises:
        DataError: They cannot be read.
        SpecError: A setting is not possible.
    """
    from thermo_cli.kinds.recorded.parts import RecordedArguments
    from thermo_cli.kinds.recorded.records import key_of, read_logs
    from thermo_cli.spec import open_spec
    from thermo_cli.study import look_at
    from thermo_cli.trust import Trust, set_trust

    set_trust(Trust(("local",), Path.cwd()))  # whoever names files here means them, links and all
    given = RecordedArguments(path=path_of(paths))
    for path in given.paths:
        _refuse_results(path)
    content: dict[str, Any] = {"name": _name(paths), "system": {"use": "recorded", "with": {"path": given.path}}}
    content |= {"equilibrium": dict(changes)} if changes else {}
    asked = open_spec(content).spec.equilibrium  # what is wrong with it is told before anything is read
    named = {**asked.margins, **asked.targets, **asked.better}
    logs = read_logs(given, Path.cwd(), named)
    if recipes and len(logs.histories) > 1 and not logs.points:
        given = _of_recipes(given)
        content["system"]["with"] |= given.model_dump(exclude_unset=True)
        logs = read_logs(given, Path.cwd(), named)
    if len(logs.points) > 1:
        content["sweep"] = {"system.with.point": logs.points}
    if not (asked.margins or asked.targets):
        margins, words = _margins(logs.at(logs.points[0] if len(logs.points) > 1 else None).runs)
        content |= {"equilibrium": {**changes, "margins": margins}} if margins else {}
        logs.reading.note(words)
    run = look_at(open_spec(content), {key_of(given): logs})
    return Loose(run, shlex.join(paths), _text(content))


def _of_recipes(given: "RecordedArguments") -> "RecordedArguments":
    """Return what reads as points what was read as histories: a column of a table, or a field of a pattern."""
    if isinstance(given.path, str) and "{history}" in given.path:
        return given.model_copy(update={"path": given.path.replace("{history}", "{point}")})
    column = given.columns.get("history", "history")
    columns = {what: name for what, name in given.columns.items() if what != "history"}
    return given.model_copy(update={"columns": {**columns, "point": column}})


def _refuse_results(path: str) -> None:
    if Path(path).is_dir() and any(Path(path).glob("*/resolved.yaml")):
        raise UsageError(
            "this folder holds runs of thermo", received=path, remedy=f"name one of them, with --results {path}"
        )


def path_of(paths: Sequence[str]) -> str | list[str]:
    """Return the one pattern of several paths, if there is one that fits them alone; else all of them.

    Args:
        paths: Files, folders or globs, as a shell hands them out.
    """
    plain = [str(Path(path)) for path in dict.fromkeys(paths)]
    parts = [Path(path).parts for path in plain]
    if len(plain) > 1 and len(set(map(len, parts))) == 1:
        pattern = str(Path(*(_covering(set(column)) for column in zip(*parts, strict=True))))
        if set(glob.glob(pattern)) == set(plain):  # noqa: PTH207 - as a shell would
            return pattern
    return plain[0] if len(plain) == 1 else plain


def _covering(words: set[str]) -> str:
    """Return what fits all of some words: one of them if they are the same, else a star between what they share."""
    if len(words) == 1:
        return next(iter(words))
    start = _start(list(words))
    end = _start([word[len(start) :][::-1] for word in words])[::-1]
    return f"{start}*{end}"


def _start(words: Sequence[str]) -> str:
    """Return the letters that all of some words begin with."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*words, strict=False))
    return "".join(letters[0] for letters in alike)


def _name(paths: Sequence[str]) -> str:
    """Return a name for the run: that of the first file or folder, as far as a name may have its letters."""
    parts = [part for part in Path(paths[0]).parts if not FIELDS.search(part) and not glob.has_magic(part)]
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(parts[-1]).stem if parts else "").strip("-._")
    return words[:MOST_LETTERS] or "runs"


def _margins(runs: "Trajectories") -> tuple[dict[str, float], str]:
    """Return the margins of what is a share by its name, and what is to be said of them.

    Args:
        runs: Of one point.
    """
    from thermo_cli.kinds.recorded.choice import likeliest, margin_like
    from thermo_cli.metric import default_margins, is_share

    known = [name for name in default_margins(None) if name in runs.values]
    scores = likeliest(list(runs.values)) or list(runs.values)
    shares = [name for name in scores if is_share(name)][:1]
    if known:
        return {}, ""
    if shares:
        margin = margin_like(shares[0], runs)
        return {
            shares[0]: margin
        }, f"the margin of {shares[0]} is {margin:g} because none was stated: --margin {shares[0]}=..."
    first = scores[0]
    return {}, (
        "no observable has a margin, so nothing can be decided: state the largest difference that does not matter to you, "
        f"such as --margin {first}={margin_like(first, runs):g}"
    )


def _text(content: Mapping[str, Any]) -> str:
    import yaml

    lines = []
    for name, value in content.items():
        flow = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000).strip()
        lines.append(f"{name}: {flow.removesuffix('...').strip()}\n")
    return "".join(lines)
