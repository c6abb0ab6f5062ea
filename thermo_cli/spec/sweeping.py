"""A sweep: one spec that stands for many, a point for every combination of the values that are swept."""

import copy
import itertools
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from thermo_cli.errors import SpecError
from thermo_cli.spec.overrides import assign
from thermo_cli.spec.schema import Spec
from thermo_cli.spec.validation import validate
from thermo_cli.spec.yaml_source import Source

MOST: Final = 1024
FIXED: Final = ("name", "description", "sweep")


@dataclass(frozen=True)
class Point:
    """One combination of the swept values.

    Attributes:
        number: Its place; the last field varies fastest.
        values: Swept field to its value here.
        spec: The experiment at this point, without a sweep.
    """

    number: int
    values: dict[str, Any]
    spec: Spec

    @property
    def label(self) -> str:
        """The values in words, `dynamics.with.lr=0.1, ensemble.subsample.fraction=0.5`."""
        return label_of(self.values)


def label_of(values: dict[str, Any]) -> str:
    """Return the values of a point in words.

    Args:
        values: Swept field to its value.
    """
    return ", ".join(
        f"{field}={value if isinstance(value, str) else json.dumps(value)}" for field, value in values.items()
    )


def points_of(spec: Spec) -> tuple[Point, ...]:
    """Return the points of a sweep, in order; of a spec without one, itself.

    Args:
        spec: The resolved spec.

    Raises:
        SpecError: A field cannot be swept, is not there, or does not take one of the values.
    """
    return _expanded(spec.model_dump_json()) if spec.sweep else (Point(0, {}, spec),)


@lru_cache(maxsize=4)
def _expanded(text: str) -> tuple[Point, ...]:
    """Expand a sweep, once in a process."""
    spec = Spec.model_validate_json(text)
    base = spec.model_dump(mode="json")
    del base["sweep"]
    for field in spec.sweep:
        if field.partition(".")[0] in FIXED:
            raise SpecError(
                "this field is the same at all points", received=field, remedy="sweep another", where="sweep"
            )
        outer = next((other for other in spec.sweep if field.startswith(f"{other}.")), None)
        if outer is not None:
            raise SpecError(
                "a field and what it lies in cannot both be swept",
                received=f"{outer} and {field}",
                remedy="sweep the field alone, or write it into the values of the other",
                where=f"sweep.{field}",
            )
    count = 1
    for values in spec.sweep.values():
        count *= len(values)
    if count > MOST:
        raise SpecError("a sweep of too many points", received=count, remedy=f"at most {MOST}", where="sweep")
    found = []
    for number, combination in enumerate(itertools.product(*spec.sweep.values())):
        chosen = dict(zip(spec.sweep, combination, strict=True))
        document = copy.deepcopy(base)
        for field, value in chosen.items():
            assign(document, tuple(field.split(".")), copy.deepcopy(value), f"sweep.{field}")
        found.append(Point(number, chosen, validate(Source(f"sweep, at {label_of(chosen)}", document))))
    return tuple(found)
