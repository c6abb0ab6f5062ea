"""The errors a user can meet: each says what happened, what was received, and what to do.

Domain code raises these; only `thermo_cli.cli` turns them into messages and exit codes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MOST: Final = 20  # errors of one reading that are shown
CONTINUED: Final = "\n" + " " * 12  # below what was received
UNEXPECTED: Final = (KeyError, TypeError, AttributeError, IndexError, ValueError, ArithmeticError)
"""What code raises that reads other things than it was written for."""


class ThermoError(Exception):
    """Base of all errors that are reported without a traceback.

    Args:
        what: What went wrong, one clause.
        received: What was met instead of the expected thing.
        remedy: What the user can do about it.
        where: File, line and column, or the field concerned.
    """

    exit_code = 3

    def __init__(self, what: str, *, received: object = None, remedy: str = "", where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.received = received
        self.remedy = remedy
        self.where = where

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.received is not None:
            lines.append(f"  received: {self.received}")
        lines = [line.replace("\n", CONTINUED) for line in lines]  # a name with a line feed begins no error
        if self.remedy:
            lines.append(f"  remedy:   {self.remedy}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        received = None if self.received is None else str(self.received)  # which may be anything
        return (_rebuild, (type(self), self.what, received, self.remedy, self.where))

    def within(self, place: str) -> "ThermoError":
        """Return the same error, with what its place is part of.

        Args:
            place: Said before its own.
        """
        where = f"{place}: {self.where}" if self.where else place
        return _rebuild(type(self), self.what, self.received, self.remedy, where)

    def renamed(self, place: Callable[[str], str]) -> "ThermoError":
        """Return the same error, its place in other words.

        Args:
            place: From the place as it is said now to how it is to be said.
        """
        return _rebuild(type(self), self.what, self.received, self.remedy, place(self.where))


def _rebuild(kind: type[ThermoError], what: str, received: object, remedy: str, where: str) -> ThermoError:
    """Rebuild an error that crossed a process boundary (keyword arguments do not pickle by themselves)."""
    return kind(what, received=received, remedy=remedy, where=where)


class Crashes(Exception):
    """Code of a user failed for some replicas of a stack; the others can go on without them.

    Args:
        reasons: Place in the stack to what happened, with file and line.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__("; ".join(dict.fromkeys(reasons.values())))
        self.reasons = dict(reasons)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.reasons,))


class UsageError(ThermoError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class SpecError(ThermoError):
    """A spec, or one field of it, cannot be accepted."""

    exit_code = 2


class DataError(ThermoError):
    """The data cannot serve the experiment."""

    exit_code = 2


class _Several(ThermoError):
    """Errors that were found in one reading, one below the other."""

    def __init__(self, errors: Sequence[ThermoError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = list(errors)

    def __str__(self) -> str:
        more = len(self.errors) - MOST
        return "\n".join([*map(str, self.errors[:MOST]), *([f"and {more} more errors"] if more > 0 else [])])

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.errors,))

    def within(self, place: str) -> ThermoError:
        return type(self)([error.within(place) for error in self.errors])

    def renamed(self, place: Callable[[str], str]) -> ThermoError:
        return type(self)([error.renamed(place) for error in self.errors])


class SpecErrors(_Several, SpecError):
    """Several errors of a spec."""


class DataErrors(_Several, DataError):
    """Several errors of a table, or of what a spec says about it."""


class StoreError(ThermoError):
    """A run folder cannot be written, read, or trusted."""

    exit_code = 3


class DamagedError(StoreError):
    """A file of a run folder is not what was written there; the command that made the run makes it again."""


class RunError(ThermoError):
    """A run could not be trained far enough to be judged."""

    exit_code = 3


class Interrupted(ThermoError):
    """The user stopped the run; what was committed is kept."""

    exit_code = 130


class NotMet(ThermoError):
    """A verdict is not what a test or a script requires of it; its sentence says why.

    Args:
        what: What was required, what was received, and the sentence of the report.
        received: As of any error.
        remedy: What to do next.
        where: As of any error.
        undecided: Whether more replicas or steps may yet meet it.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, received: object = None, remedy: str = "", where: str = "", undecided: bool = False
    ) -> None:
        super().__init__(what, received=received, remedy=remedy, where=where)
        self.undecided = undecided

    def __reduce__(self) -> tuple[object, ...]:
        return (_unmet, (self.what, self.received, self.remedy, self.where, self.undecided))


def _unmet(what: str, received: object, remedy: str, where: str, undecided: bool) -> NotMet:
    return NotMet(what, received=received, remedy=remedy, where=where, undecided=undecided)


def raise_all(errors: Sequence[ThermoError]) -> None:
    """Raise what was found wrong: one error as it is, several as one answer; nothing where there are none.

    Args:
        errors: In the order in which they are told.
    """
    flat = [one for error in errors for one in (error.errors if isinstance(error, _Several) else [error])]
    if flat:
        kind = SpecErrors if all(isinstance(error, SpecError) for error in flat) else DataErrors
        raise flat[0] if len(flat) == 1 else kind(flat)


def collected(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all of several things, and return what they return; what is wrong in them is raised at once.

    Args:
        works: Each is done whatever is wrong in the others.

    Raises:
        SpecErrors: More than one of them raised an error of the spec; a single one is raised as it is.
        DataErrors: The same, with errors of data among them.
    """
    results: list[Any] = []
    errors: list[ThermoError] = []
    for work in works:
        try:
            results.append(work())
        except (DataError, SpecError) as error:
            errors.append(error)
    raise_all(errors)
    return results
