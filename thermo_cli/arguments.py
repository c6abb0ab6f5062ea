"""Arguments of scikit-learn's parts that reach beyond them, to files, processes or caches; looked for at any depth."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from thermo_cli.blame import told
from thermo_cli.errors import SpecError, raise_all
from thermo_cli.registry import nearest


def refuse_unknown(
    what: str, arguments: Mapping[str, Any], accepted: Mapping[str, inspect.Parameter], where: str
) -> None:
    """Refuse an argument that a class or function does not take, with the one that was meant.

    Args:
        what: The class or function, for messages.
        arguments: What a spec gives it.
        accepted: What it takes.
        where: Field of the spec.

    Raises:
        SpecError: It takes no such argument.
    """
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in accepted.values()):
        return
    unknown = []
    for name, value in arguments.items():
        if name not in accepted:
            guess = nearest(name, accepted)
            remedy = f"did you mean {guess!r}?" if guess else f"it takes {', '.join(accepted) or 'no arguments'}"
            unknown.append(
                SpecError(
                    f"{what} takes no {name}", received=f"{name}: {value!r}", remedy=remedy, where=f"{where}.{name}"
                )
            )
    raise_all(unknown)


@contextmanager
def building(what: str, accepted: Iterable[str], where: str) -> Iterator[None]:
    """Turn whatever a constructor raises into an error of the spec.

    Args:
        what: Is built, for messages.
        accepted: Names of the arguments that it takes.
        where: Field of the spec.

    Raises:
        SpecError: It cannot be built of these arguments.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        raise SpecError(
            f"{what} cannot be built",
            received=told(error),
            remedy=f"it takes {', '.join(accepted) or 'no arguments'}",
            where=where,
        ) from error


class Refusal(NamedTuple):
    """Why an argument is not given.

    Attributes:
        admitted: Values that may be given all the same.
        what: What is wrong with the others.
        remedy: What to do.
    """

    admitted: tuple[Any, ...]
    what: str
    remedy: str


THREADS: Final = ("n_jobs", "nthread", "nthreads", "thread_count", "num_threads", "num_thread")
FILES: Final = ("train_dir", "snapshot_file", "save_snapshot", "input_model", "output_model", "forcedsplits_filename")
_SIDE_BY_SIDE: Final = Refusal(
    (None, 1),
    "replicas run side by side already, and threads that share one change the order of its sums",
    "leave it out; --workers says how many processes there are",
)
UNSAFE: Final = {  # arguments of scikit-learn's parts and of its like that reach beyond them
    "memory": Refusal((None,), "a cache on disk is read as pickles, which run code", "leave it out"),
    "input": Refusal((None, "content"), "cells that name files would have them read", "leave it out"),
    **dict.fromkeys(THREADS, _SIDE_BY_SIDE),
    "pre_dispatch": Refusal((None,), "replicas run side by side already", "leave it out"),
    **dict.fromkeys(FILES, Refusal((None, False), "a fit reads and writes no files", "leave it out")),
}


def refuse_arguments(arguments: Any, refused: Mapping[str, Refusal], where: str) -> None:
    """Refuse arguments by their names, at any depth and for parts of parts too (`step__memory`).

    Args:
        arguments: What a spec gives: names to values, values that hold names again.
        refused: Names of arguments, and why.
        where: Field of the spec.

    Raises:
        SpecError: One of them is given.
    """
    given = []
    for name, value, place in _arguments(arguments, where):
        refusal = refused.get(name.rpartition("__")[2])
        if refusal is not None and not all(leaf in refusal.admitted for leaf in _leaves(value)):
            given.append(SpecError(refusal.what, received=f"{name}: {value}", remedy=refusal.remedy, where=place))
    raise_all(given)


def _arguments(value: Any, where: str) -> Iterator[tuple[str, Any, str]]:
    """Yield every name, its value and its place, from the outside in."""
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        yield str(key), inner, f"{where}.{key}"
        yield from _arguments(inner, f"{where}.{key}")
    for number, inner in enumerate(value) if isinstance(value, list) else ():
        yield from _arguments(inner, f"{where}[{number}]")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value
