"""What observables are held against: settings that are replaced, targets that are stated, directions that are known."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from thermo_cli.equilibrium.ensemble import Goal
from thermo_cli.errors import SpecError
from thermo_cli.judging.setting import settings_of
from thermo_cli.judging.standards import check_targets, direction, merged
from thermo_cli.spec.observing import Equilibrium, Target


def test_what_goes_by_observable_is_replaced_observable_by_observable() -> None:
    """Other margins, targets and directions stay; the rest is replaced whole, and what is wrong is the spec's to say."""
    own = Equilibrium(margins={"a": 1.0, "b": 2.0}, better={"a": "higher"}).model_dump(mode="json")
    changed = merged(own, {"margins": {"b": 3.0}, "better": {"b": "lower"}, "confidence": 0.9, "targets": 5})
    assert changed["margins"] == {"a": 1.0, "b": 3.0}
    assert changed["better"] == {"a": "higher", "b": "lower"}
    assert (changed["confidence"], changed["content"], changed["targets"]) == (0.9, 0.85, 5)
    assert own["margins"] == {"a": 1.0, "b": 2.0}


def test_a_target_is_handed_to_the_court() -> None:
    """With its bound, its direction and its share, and the words in which it is asked for; a bound may be zero."""
    targets = {"a": Target(at_least=0.95), "b": Target(at_most=3.28, share=0.9), "c": Target(at_most=0.0)}
    goals = settings_of(Equilibrium(targets=targets)).targets
    assert goals == {"a": Goal(0.95, True), "b": Goal(3.28, False, 0.9), "c": Goal(0.0, False)}
    assert goals["a"].words == "at least 0.95 is asked for the trimmed mean"
    assert goals["b"].words == "at most 3.28 is asked for 0.9 of all replicas"


@pytest.mark.parametrize("bounds", [{}, {"at_least": 1.0, "at_most": 2.0}, {"share": 0.5}])
def test_a_target_has_one_bound(bounds: dict[str, float]) -> None:
    """Neither none nor both."""
    with pytest.raises(ValueError, match="one bound"):
        Target(**bounds)


@pytest.mark.parametrize(
    ("name", "better", "expected"),
    [
        ("test_accuracy", {}, True),
        ("test_loss", {}, False),
        ("my_score", {}, None),
        ("my_score", {"my_score": "higher"}, True),
        ("test_accuracy", {"test_accuracy": "lower"}, False),
    ],
)
def test_the_good_direction(name: str, better: dict[str, str], expected: bool | None) -> None:
    """What the spec states goes before what the name tells."""
    spec: Any = SimpleNamespace(observe=SimpleNamespace(macro=["accuracy", "loss"]))
    assert direction(spec, better, name) is expected


@pytest.mark.parametrize(
    ("name", "scale", "target", "refused"),
    [
        ("test_accuracy", 100.0, {"at_least": 0.95}, True),
        ("test_accuracy", 100.0, {"at_least": 95}, False),
        ("test_accuracy", 1.0, {"at_most": 50}, True),
        ("test_accuracy", 1.0, {"at_least": 0.95}, False),
        ("test_accuracy", 1.0, {"at_least": 2}, False),
        ("test_error", 100.0, {"at_most": 1}, False),
        ("test_loss", 100.0, {"at_least": 0.95}, False),
    ],
)
def test_a_target_has_the_unit_of_what_was_recorded(name: str, scale: float, target: Any, refused: bool) -> None:
    """95 % is not 0.95: whichever is meant, the other would always be met, or never."""
    values = {name: np.array([[0.1, 0.3]]) * scale}
    with pytest.raises(SpecError, match="its target is not") if refused else nullcontext():
        check_targets({name: Target.model_validate(target)}, values)
