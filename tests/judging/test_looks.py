"""What a look adds to an ensemble that grows, and when it is the last; and the error rate of all looks together."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from thermo_cli.contracts import Row, Verdict
from thermo_cli.equilibrium.criteria import CRITERIA
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.equilibrium.statistics.tolerance import half_width
from thermo_cli.equilibrium.verdict import combine, decide
from thermo_cli.judging.looks import next_size
from thermo_cli.spec import Spec, load_spec
from thermo_cli.spec.size import Size, at, first_size, grows

LEVEL = """\
name: level
system: {use: autoregressive}
dynamics: {use: recursion, steps: 128}
ensemble: {replicas: 32, seed: 3}
equilibrium: {margins: {level: 1.0}}
"""
BOTH = ("ensemble.replicas={from: 32, to: 100}", "dynamics.steps={from: 128, to: 512}")
NAMES = {criterion.name[0]: criterion.name for criterion in CRITERIA}


def spec_of(folder: Path, *changes: str) -> Spec:
    """Read the spec."""
    (folder / "spec.yaml").write_text(LEVEL)
    return load_spec(folder / "spec.yaml", list(changes))


def verdict_of(answers: str, target: Any = None) -> Verdict:
    """Return a verdict of criteria by their first letter: `s?` undecided, `s-` fails, `s+` holds; others are untested."""
    words: dict[str, Any] = {"?": "undecided", "-": "fails", "+": "holds"}
    given = {NAMES[word[0]]: words[word[1]] for word in answers.split()}
    rows = tuple(Row(name, name, "x", "all", True, given.get(name, "untested")) for name in NAMES.values())
    outcomes = {name: combine([row for row in rows if row.criterion == name]) for name in NAMES.values()}
    rows += (Row("target", "target", "x", "all", False, target),) if target else ()
    counts = {"planned": 1, "finished": 1, "diverged": 0, "crashed": 0, "controls": 0}
    return Verdict(decide(outcomes, False), "", "", "", rows, outcomes, {}, {}, {}, counts)


@pytest.mark.parametrize(
    ("answers", "following"),
    [
        ("s+ a?", (64, 128)),
        ("s? a+", (32, 256)),
        ("s? a?", (64, 256)),
        ("s- a+", (32, 256)),
        ("s- a?", (64, 256)),
        ("s+ a+ h?", None),  # settled
        ("s+ a-", None),  # glassy
        ("s? a-", (32, 256)),
        ("s+ a+ h+ d?", None),
        ("a+", None),  # S is untested, and nothing that may grow would test it
    ],
)
def test_what_is_open_doubles(tmp_path: Path, answers: str, following: tuple[int, int] | None) -> None:
    """Steps where S fails or is undecided, replicas where a gating row other than S is undecided, both where both."""
    spec = spec_of(tmp_path, *BOTH)
    size = next_size(spec, first_size(spec), verdict_of(answers))
    assert (size and (size.replicas, size.steps)) == following


@pytest.mark.parametrize(
    ("changes", "size", "answers", "following"),
    [
        (BOTH, (64, 512), "s+ a?", (100, 512)),  # no more than `to`
        (BOTH, (100, 512), "s? a?", None),
        (BOTH, (32, 512), "s-", None),  # relaxing is an end once steps have
        (BOTH, (32, 512), "s? a+", (64, 512)),  # where steps cannot, replicas serve S
        (BOTH[:1], (32, 128), "s? a+", (64, 128)),
        (BOTH[:1], (32, 128), "s-", None),
        (BOTH[1:], (32, 128), "s+ a?", None),
        (BOTH[1:], (32, 128), "s? a?", (32, 256)),
    ],
)
def test_only_what_may_grow_does(
    tmp_path: Path, changes: tuple[str, ...], size: tuple[int, int], answers: str, following: tuple[int, int] | None
) -> None:
    """Up to `to`, which is an end even where the verdict is open."""
    after = next_size(spec_of(tmp_path, *changes), Size(*size), verdict_of(answers))
    assert (after and (after.replicas, after.steps)) == following


@pytest.mark.parametrize(
    ("answers", "target", "required", "following"),
    [
        ("s+ a+ h+ d?", None, ["thermalized"], (64, 128)),  # settled, and more was asked
        ("s+ a+ h+ d+", None, ["thermalized"], None),
        ("s+ a-", None, ["settled"], None),  # not met
        ("s- a+", None, ["settled"], (32, 256)),  # relaxing is no end while steps may double
        ("s+ a?", None, ["undecided"], None),  # met
        ("s+ a+", "undecided", ["target"], (64, 128)),
        ("s+ a+", "holds", ["target"], None),
    ],
)
def test_a_gate_ends_it_instead(
    tmp_path: Path, answers: str, target: str | None, required: list[str], following: tuple[int, int] | None
) -> None:
    """When it is met or not met; targets gate where they are asked for."""
    spec = spec_of(tmp_path, *BOTH)
    size = next_size(spec, first_size(spec), verdict_of(answers, target), [required])
    assert (size and (size.replicas, size.steps)) == following


def test_a_look_is_a_smaller_experiment(tmp_path: Path) -> None:
    """Same `from`, so the same shards and times; its ends are its own."""
    spec = spec_of(tmp_path, *BOTH)
    seen = at(spec, Size(64, 256))
    assert (seen.ensemble.replicas.first, seen.ensemble.replicas.last, seen.ends) == (32, 64, (128, 256))
    assert first_size(spec_of(tmp_path, "ensemble.replicas={from: 33, to: 200}")) == Size(48, 128)
    assert first_size(spec_of(tmp_path, "ensemble.replicas=33")) == Size(33, 128)
    assert grows(spec)
    assert not grows(spec_of(tmp_path))


def false_rate(halving: bool, trials: int = 4000) -> tuple[int, int]:
    """Count the ensembles in which A holds at any of four looks, although just `content` of replicas lie within the margin.

    Normal offsets of which exactly 85 % lie in [-delta, delta]; 36, 72, 144, 288 replicas; look k at alpha / 2^k, or each at
    alpha as if it were the only one.
    """
    generator, delta, held = np.random.default_rng(7), stats.norm.ppf(0.925), 0
    for values in generator.standard_normal((trials, 288)):
        for look in range(1, 5):
            alpha = Settings(look=look if halving else 0).alpha
            if half_width(values[: 18 << look], 0.85, alpha).upper <= delta:
                held += 1
                break
    return held, trials


def test_all_looks_together_err_no_more_often_than_one() -> None:
    """Exactly at the margin A holds at any look in no more than 5 %; without halving the level it would hold more often."""
    held, trials = false_rate(halving=True)
    assert stats.binomtest(held, trials, 0.05, alternative="greater").pvalue > 1e-3
    loose, _ = false_rate(halving=False)
    assert loose > 2 * held
    assert held > 0


def test_levels_of_all_looks_add_up_to_alpha() -> None:
    """The level of a fixed ensemble is alpha, of look k alpha / 2^k."""
    levels = [dataclasses.replace(Settings(), look=look).alpha for look in range(4)]
    assert levels == pytest.approx([0.05, 0.025, 0.0125, 0.00625])
    assert sum(levels[1:]) < levels[0]
