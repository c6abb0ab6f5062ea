"""The hashes of what the points of a run rest on, joined into one, and each point's own out of it again.

Points that name the same data, script or code share its hash. Where all hashes are equal, one stands for all; where each name
has another, each stands once; else each stands as often as it has names: A, B, A is another run than A, B, B.

    fingerprint = joined(map(data_name, specs), hashes, "+")
    own(specs, fingerprint)[2]                                  # of the third point
"""

from collections.abc import Iterable, Sequence
from typing import Final

from thermo_cli.spec import Spec
from thermo_cli.trust import code_fingerprint

PLUS: Final = "+"


def data_name(spec: Spec) -> str:
    """Return by what a point names what it rests on: its data, or else the script, function or records of its system.

    Args:
        spec: The experiment of the point.
    """
    return (spec.data if spec.data is not None else spec.system).model_dump_json()


def joined(names: Iterable[object], hashes: Iterable[str], mark: str = "") -> str:
    """Return one text for the hashes of all points, in their order.

    Args:
        names: Of each point, by what it names what was hashed; equal names have equal hashes.
        hashes: Of each point.
        mark: Between two hashes.
    """
    known = dict(zip(names, hashes, strict=True))
    distinct = list(dict.fromkeys(known.values()))
    return mark.join(distinct if len(distinct) in (1, len(known)) else known.values())


def own(specs: Sequence[Spec], fingerprint: str) -> list[str | None]:
    """Return each point's hash; None where it is not known, as in some runs of older versions.

    Args:
        specs: The experiment of each point.
        fingerprint: Of the run.
    """
    known = fingerprint.split(PLUS)
    if len(known) == 1:
        return [fingerprint] * len(specs)
    names = [data_name(spec) for spec in specs]
    distinct = dict.fromkeys(names)
    hashes = dict(zip(distinct, known, strict=True)) if len(distinct) == len(known) else {}
    return [hashes.get(name) for name in names]


def rests_on(specs: Sequence[Spec], fingerprint: str, point: int, found: str) -> bool:
    """Say whether what was found is what a point of a run rests on.

    Args:
        specs: The experiment of each point.
        fingerprint: Of the run.
        point: Its number.
        found: The hash of what was found.
    """
    known = own(specs, fingerprint)[point]
    return found == known if known is not None else found in fingerprint.split(PLUS)


def code_of_all(specs: Sequence[Spec]) -> str:
    """Return the hashes of local code that the points of a run name: other code is another run.

    Args:
        specs: The experiment of each point.
    """
    return joined([spec.foreign for spec in specs], [_code_of(spec) for spec in specs])


def _code_of(spec: Spec) -> str:
    return "".join(code_fingerprint(name) for name in spec.foreign)
