"""The learning rate in time: what torch's schedulers do, how a spec says it, and what it means for stationarity."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, MultiStepLR

from thermo_cli.errors import SpecError
from thermo_cli.kinds.networks.rates import step_down, warmup, warmup_cosine
from thermo_cli.replicas import budgets_of, replica_table
from thermo_cli.spec import from_resolved, identity, load_spec, to_yaml


def rates(make: Callable[[torch.optim.Optimizer], LRScheduler], steps: int) -> list[float]:
    """Collect what a scheduler of torch does with a rate of 1."""
    optimizer, found = torch.optim.SGD([torch.zeros(1)], lr=1.0), []
    scheduler = make(optimizer)
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_schedules_are_those_of_torch() -> None:
    """LinearLR, CosineAnnealingLR after it, and MultiStepLR, step by step."""
    total, rise = 40, 8

    def linear(optimizer: torch.optim.Optimizer) -> LRScheduler:
        return LinearLR(optimizer, 1 / rise, 1.0, rise - 1)

    falling = rates(lambda optimizer: CosineAnnealingLR(optimizer, total - rise), total - rise)
    dropping = rates(lambda optimizer: MultiStepLR(optimizer, [20, 30], 0.1), total)
    steps = range(total)
    np.testing.assert_allclose([warmup(step, total, rise) for step in steps], rates(linear, total), rtol=1e-12)
    np.testing.assert_allclose([warmup_cosine(t, total, rise) for t in steps], rates(linear, rise) + falling, rtol=1e-9)
    np.testing.assert_allclose([step_down(step, total, [0.5, 0.75], 0.1) for step in steps], dropping, rtol=1e-12)


def test_a_schedule_has_one_resolved_form(small: Path) -> None:
    """A name or a mapping; what is not given is filled in; a name alone stays as it was in older runs."""
    plain, mapping = (load_spec(small, [f"dynamics.schedule={given}"]) for given in ("cosine", "{use: cosine}"))
    assert identity(plain, "f", "cpu") == identity(mapping, "f", "cpu")
    assert plain.model_dump(mode="json")["dynamics"]["schedule"] == "cosine"
    drops = load_spec(small, ["dynamics.schedule={use: step}"])
    assert drops.model_dump(mode="json")["dynamics"]["schedule"] == {"use": "step", "at": [0.5, 0.75], "factor": 0.1}
    assert from_resolved(to_yaml(drops), "resolved") == drops


@pytest.mark.parametrize(
    ("schedule", "seen", "budgets"),
    [
        ("constant", "constant", ()),
        ("cosine", "cosine", (100, 200)),
        ("{use: warmup, steps: 200}", "constant", ()),
        ("{use: warmup, steps: 201}", "warmup", None),
        ("{use: warmup_cosine, steps: 20}", "warmup_cosine", (100, 200)),
        ("{use: step}", "step", (100, 200)),
        ("{use: step, at: [0.25]}", "step", (100, 200)),
    ],
)
def test_stationarity_needs_budgets_where_the_rate_changes_in_the_window(
    small: Path, schedule: str, seen: str, budgets: tuple[int, ...] | None
) -> None:
    """A rise that ends by T/2 = 200 leaves the window constant; drops scale with T, so longer training is another path."""
    changes = [f"dynamics.schedule={schedule}"]
    assert load_spec(small, changes).schedule == seen
    if budgets is None:
        with pytest.raises(SpecError, match="the smallest budget, a quarter of"):
            load_spec(small, [*changes, "observe.budgets=true"])
        return
    spec = load_spec(small, [*changes, "observe.budgets=true"])
    assert budgets_of(spec) == budgets
    assert {row.steps for row in replica_table(spec)} == {400, *budgets}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosin", ["unknown name", "did you mean 'cosine'"]),
        ("{use: stp}", ["unknown name", "did you mean 'step'"]),
        ("warmup", ["dynamics.schedule", "a mapping: {use: warmup, ...}"]),
        ("{use: warmup}", ["dynamics.schedule", "steps", "missing"]),
        ("{use: warmup, steps: 0}", ["dynamics.schedule.steps", "greater than or equal to 1"]),
        ("{use: warmup, steps: 400}", ["must be fewer than dynamics.steps (400)"]),
        ("{use: warmup, step: 5}", ["dynamics.schedule.step", "did you mean 'steps'"]),
        ("{use: step, at: []}", ["dynamics.schedule.at", "at least 1"]),
        ("{use: step, at: [0.5, 0.5]}", ["must increase"]),
        ("{use: step, at: [0.5, 1.5]}", ["dynamics.schedule.at[1]", "less than 1"]),
        ("{use: step, factor: 2.0}", ["dynamics.schedule.factor", "less than 1"]),
        ("{use: cosine, steps: 5}", ["dynamics.schedule"]),
        ("3", ["dynamics.schedule"]),
    ],
)
def test_a_wrong_schedule_is_named(small: Path, schedule: str, expected: list[str]) -> None:
    """With its field and the nearest known name."""
    with pytest.raises(SpecError) as caught:
        load_spec(small, [f"dynamics.schedule={schedule}"])
    for words in expected:
        assert words in str(caught.value)


def test_a_first_phase_has_a_schedule_of_its_own(small: Path) -> None:
    """Over the steps of the first phase."""
    first = "{first: {steps: 100, dynamics: {schedule: {use: step, at: [0.5]}}}}"
    spec = load_spec(small, [f"histories.hot={first}"])
    _, dynamics = spec.first_parts(spec.histories["hot"].first)  # type: ignore[arg-type]
    np.testing.assert_array_equal(dynamics.schedule.at, [0.5])
