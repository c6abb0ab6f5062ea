"""Numbers of verdict.json in words, and what a finding is: the common ground of what claims and papers are held against."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Content = Mapping[str, Any]
Found = Mapping[str, Content]  # name of a spec to its verdict.json
AT_REST = ("settled", "thermalized", "crystallized")


@dataclass(frozen=True)
class Told:
    """What was seen.

    Attributes:
        holds: Whether it is what the claim says; None where that is open.
        lines: With the numbers.
        but: Where the claim, or the analogy, fails; empty where it does not.
    """

    holds: bool | None
    lines: Sequence[str]
    but: str = ""


@dataclass(frozen=True)
class Finding:
    """A claim, or a published result.

    Attributes:
        name: Of its folder in the reference.
        claim: What is said.
        specs: Names of the specs, the first being the one that its picture is taken from.
        seen: From the verdict files of these specs to what was seen.
        picture: Name of the chart of the first spec that stands on the page.
    """

    name: str
    claim: str
    specs: tuple[str, ...]
    seen: Callable[[Found], Told]
    picture: str


def num(value: float | None, digits: int = 2) -> str:
    """Write a number with so many significant digits."""
    return "unknown" if value is None else f"{value:.{digits}g}"


def score(one: Content, name: str = "test_accuracy") -> str:
    """Write a final mean and its standard deviation over replicas."""
    return f"{num(level(one, name), 3)} (sd {num(spread(one, name))})"


def level(one: Content, name: str = "test_accuracy") -> float:
    """Return a final mean."""
    return float(one["macroscopic"][name]["mean"])


def spread(one: Content, name: str = "test_accuracy") -> float:
    """Return a standard deviation over replicas."""
    return float(one["macroscopic"][name]["sd"])


def micro(one: Content, name: str = "overlap", part: str = "estimate") -> float | None:
    """Return a microscopic quantity."""
    value: float | None = (one["microscopic"].get(name) or {}).get(part)
    return value


def between(one: Content, name: str = "overlap") -> str:
    """Write a microscopic quantity with its interval."""
    state = one["microscopic"].get(name)
    if not state or state["estimate"] is None:
        return "unknown"
    low, high = state["interval"]
    return num(state["estimate"]) + (f" ({num(low)} to {num(high)})" if low is not None else "")


def verdict(one: Content) -> str:
    """Write the verdict with the replicas that it took."""
    return f"{one['verdict']} ({replicas(one)} replicas)"


def replicas(one: Content) -> int:
    """Return how many replicas an ensemble took."""
    return int((one.get("replicas") or one["run"]["replicas"])["planned"])


def taken(one: Content) -> str:
    """Write how many replicas an ensemble took, or those of a sweep from the least to the most."""
    counts = sorted({replicas(point) for point in one["points"] or [one]})
    ends = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    return f"{ends} at each of {len(one['points'])} points" if one["points"] else ends


def left_open(one: Content) -> Iterator[str]:
    """Yield what could not be decided, at which point of a sweep, and what would."""
    for where, point in list(points(one)) or [("", one)]:
        if point["verdict"] == "undecided":
            told = [f"{advice['to']} {advice['kind']}" for advice in point["advice"] if advice["to"]]
            unable = (
                "no more replicas or steps would tell" if point["advice"] else "its design answers another question"
            )
            words = " and ".join(told) + " would probably tell" if told else unable
            yield f"{where}: {words}" if where else words


def points(one: Content) -> Iterator[tuple[str, Content]]:
    """Yield the points of a sweep with the values of its fields, in words."""
    for point in one["points"]:
        yield ", ".join(map(shown, point["point"].values())), point


def shown(value: Any) -> str:
    """Write a swept value: layers as `16-16`."""
    return (
        "-".join(map(str, value))
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def along(one: Content, field: str) -> dict[Any, list[Content]]:
    """Return the points of a sweep by one of its fields."""
    found: dict[Any, list[Content]] = {}
    for point in one["points"]:
        found.setdefault(point["point"][field], []).append(point)
    return found


def listed(one: Content, say: Callable[[Content], str]) -> str:
    """Write something of each point of a sweep."""
    return "; ".join(f"{where}: {say(point)}" for where, point in points(one))


def rises(values: Sequence[float]) -> bool:
    """Say whether each is above the one before."""
    return all(after > before for before, after in pairwise(values))
