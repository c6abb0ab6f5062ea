"""Numbers of replicas and steps that may grow: N, or {from: N, to: M}."""

from pathlib import Path

import pytest

from thermo_cli.errors import SpecError
from thermo_cli.spec import from_resolved, load_spec, to_yaml


def test_a_number_is_a_growth_that_ends_where_it_begins(small: Path) -> None:
    """Both forms are read, and the plain one is written where it says as much."""
    plain = load_spec(small, ["dynamics.steps=400", "ensemble.replicas=6"])
    assert load_spec(small, ["dynamics.steps={from: 400, to: 400}", "ensemble.replicas={from: 6, to: 6}"]) == plain
    assert "steps: 400\n" in to_yaml(plain)
    assert plain.ends == (400,)
    grown = load_spec(small, ["dynamics.steps={from: 100, to: 400}", "ensemble.replicas={from: 6, to: 20}"])
    assert (grown.total, grown.ends) == (400, (100, 200, 400))
    assert (grown.ensemble.replicas.first, grown.ensemble.replicas.last) == (6, 20)
    assert from_resolved(to_yaml(grown), "resolved") == grown


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("dynamics.steps={from: 100, to: 300}", "from (100) doubled some times: 200 or 400"),
        ("dynamics.steps={from: 100, to: 50}", "to (50) must not be less than from (100)"),
        ("dynamics.steps={from: 100}", "this key is missing"),
        ("dynamics.steps={from: 100, too: 200}", "did you mean 'to'"),
        ("dynamics.steps=many", "expected an integer, or {from: N, to: M}"),
        ("dynamics.steps=0", "greater than or equal to 1"),
        ("ensemble.replicas=1", "greater than or equal to 2"),
        ("ensemble.replicas={from: 8, to: 7}", "to (7) must not be less than from (8)"),
        ("ensemble.replicas=true", "expected an integer, or {from: N, to: M}"),
    ],
)
def test_what_does_not_grow_is_refused(small: Path, change: str, words: str) -> None:
    """With the place, what was received and what would do."""
    with pytest.raises(SpecError) as caught:
        load_spec(small, [change])
    assert words in str(caught.value)
    assert change.partition("=")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (["dynamics.schedule=cosine"], "follows a cosine schedule"),
        (["dynamics.schedule={use: step}"], "follows a step schedule"),
        (["dynamics.schedule={use: warmup, steps: 90}"], "follows a warmup schedule"),
        (["system={use: 'sklearn.linear_model:SGDClassifier'}", "histories={cold: {}}"], "a fit is made anew"),
        (["system={use: command, with: {run: [train, '{output}']}}", "histories={cold: {}}"], "a script trains itself"),
    ],
)
def test_steps_grow_only_where_training_can_go_on(small: Path, changes: list[str], reason: str) -> None:
    """Where another T is another training from its first step, or nothing is kept to go on from, a new run is the remedy."""
    if "sklearn" in changes[0]:
        changes = [*changes, "dynamics={use: fit, with: {time: staged}, steps: {from: 100, to: 200}}"]
    elif "command" in changes[0]:
        changes = [*changes, "dynamics={use: process, steps: {from: 100, to: 200}}", "data=null"]
    else:
        changes = [*changes, "dynamics.steps={from: 100, to: 200}"]
    with pytest.raises(SpecError) as caught:
        load_spec(small, changes)
    assert reason in str(caught.value)
    assert "run with a new total instead: steps: 200" in str(caught.value)


def test_a_warmup_that_ends_early_lets_steps_grow(small: Path) -> None:
    """The rate is the same at every step whatever T is."""
    changes = ["dynamics.schedule={use: warmup, steps: 20}", "dynamics.steps={from: 100, to: 200}"]
    assert load_spec(small, changes).schedule == "constant"
