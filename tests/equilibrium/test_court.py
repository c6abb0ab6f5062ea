"""The court as a whole: known ensembles in, verdicts out."""

import json
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from thermo_cli import rng
from thermo_cli.contracts import Array, Trajectories, Verdict
from thermo_cli.equilibrium import court
from thermo_cli.equilibrium.criteria import CRITERIA
from thermo_cli.equilibrium.ensemble import Ensemble, Question, Settings
from thermo_cli.judging.verdict_json import document
from thermo_cli.metric import default_margins

T = 1000
STEPS = np.unique(
    np.concatenate([[0, 1, 2, 4, 8, 16, 32, 64, 128, 256], np.round(np.linspace(T / 2, T, 64)).astype(np.int64)])
)
QUESTION = Question(T, ("cold", "hot"), default_margins(500), "constant", "for resampling this pool", 0.25)


def ensemble(values: Mapping[str, Array], histories: int = 2) -> Trajectories:
    """Wrap arrays of equally long histories."""
    count = len(next(iter(values.values()))) // histories
    names = tuple(f"{history}/{i}" for history in ("cold", "hot")[:histories] for i in range(count))
    return Trajectories(
        STEPS, dict(values), names, tuple(name.partition("/")[0] for name in names), np.zeros(len(names), dtype=bool)
    )


def judge(trajectories: Trajectories, question: Question, settings: Settings) -> Verdict:
    """Judge without microstates."""
    return court.judge(Ensemble(trajectories, question, settings))


def equilibrium(seed: int = 0, replicas: int = 64, offset: float = 0.0) -> dict[str, Array]:
    """Accuracy that rises to 0.9 and energy that falls from 2, with noise and spread well inside the margins."""
    generator = rng.generator(seed)
    rise = 0.9 * (1 - np.exp(-STEPS / 40.0))
    spread = generator.normal(0, 0.004, (replicas, 1)) + generator.normal(0, 0.003, (replicas, len(STEPS)))
    half = np.repeat([0.0, offset], replicas // 2)[:, None]
    return {"test_accuracy": rise + spread + half, "energy": 2.0 - rise + spread}


def test_default_margins() -> None:
    """Accuracy max(0.02, 2/n), energy 2 % of its fall in the first history, stated ones as stated."""
    found = Ensemble(ensemble(equilibrium()), QUESTION, Settings()).margins
    assert found["test_accuracy"].delta == 0.02
    assert found["energy"].delta == pytest.approx(0.02 * 0.9, rel=0.01)
    small = Question(T, ("cold", "hot"), default_margins(50), "constant", "", 0.1)
    assert Ensemble(ensemble(equilibrium()), small, Settings()).margins["test_accuracy"].delta == 0.04
    stated = Ensemble(ensemble(equilibrium()), QUESTION, Settings(margins={"energy": 0.5, "absent": 1.0})).margins
    assert (stated["energy"].delta, stated["energy"].derived, stated["energy"].full) == (0.5, False, False)
    assert "absent" not in stated


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (equilibrium(), "settled"),
        (equilibrium(replicas=12), "undecided"),
        ({**equilibrium(), "energy": equilibrium()["energy"] - 0.3 * np.log2(STEPS + 1.0)}, "relaxing"),
        (equilibrium(offset=0.2), "glassy"),
        ({name: np.zeros((64, len(STEPS))) + array[:, -1:] for name, array in equilibrium().items()}, "undecided"),
    ],
    ids=["at equilibrium", "too few", "energy still falls", "histories apart", "never moved"],
)
def test_known_ensembles(values: dict[str, Array], expected: str) -> None:
    """At rest and alike; too few; a metastable plateau that the energy exposes; two groups; nothing has happened."""
    assert judge(ensemble(values), QUESTION, Settings()).verdict == expected


def test_histories_that_drift_apart_do_not_hide_each_other() -> None:
    """One up, one down: the mean over both is still, and S fails all the same."""
    values = equilibrium()
    drift = np.repeat([0.3, -0.3], 32)[:, None] * np.log2(STEPS / T + 1e-9).clip(-1)
    found = judge(ensemble({**values, "test_accuracy": values["test_accuracy"] + drift}), QUESTION, Settings())
    assert found.outcomes["stationarity"] == "fails"


def test_diverged_replicas_are_counted_and_tolerated_only_on_request() -> None:
    """One NaN is `diverged`; tolerated, it still counts as a replica that moves and disagrees."""
    values = equilibrium()
    values["energy"][5, 30:] = np.nan
    values["test_accuracy"][5, 30:] = np.nan
    strict = judge(ensemble(values), QUESTION, Settings())
    assert strict.verdict == "diverged"
    assert strict.replicas["diverged"] == 1
    assert "cold/5" in strict.summary
    assert "0.25" in strict.summary
    lenient = judge(ensemble(values), QUESTION, Settings(diverged=1))
    assert lenient.verdict == "settled"
    (s1,) = (
        r
        for r in lenient.criteria
        if r.statistic.startswith("S1") and (r.observable, r.scope) == ("test_accuracy", "cold")
    )
    assert "31 of 32" in s1.explanation


def test_agreement_needs_an_observable_of_the_test_set() -> None:
    """With the energy alone nothing can agree: the replicas' energies have baths of their own."""
    found = judge(ensemble({"energy": equilibrium()["energy"]}), QUESTION, Settings())
    assert found.outcomes["agreement"] == "untested"
    assert found.verdict == "undecided"


def test_untested_criteria_say_why() -> None:
    """History, diversity and ergodicity have a row each, with a reason; one history asks for another."""
    found = judge(ensemble(equilibrium()), QUESTION, Settings())
    reasons = {row.criterion: row.explanation for row in found.criteria if row.outcome == "untested"}
    assert set(reasons) == {"history", "diversity", "ergodicity"}
    assert all(reasons.values())
    alone = judge(
        ensemble(equilibrium(), 1), Question(T, ("cold",), default_margins(500), "constant", "", 0.1), Settings()
    )
    assert any("only one history" in row.explanation for row in alone.criteria)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_verdict_is_always_valid_json(bad: float) -> None:
    """Ensembles full of NaN or infinity give null, never NaN; nothing is flattering."""
    values = {name: np.full((64, len(STEPS)), bad) for name in ("test_accuracy", "energy")}
    with np.errstate(invalid="ignore"):
        found = judge(ensemble(values), QUESTION, Settings(diverged=64))
    text = json.dumps(document("x-01234567", "complete", found), allow_nan=False)
    assert json.loads(text)["verdict"] in ("undecided", "glassy", "relaxing")


def test_a_norm_of_exactly_zero_warns_of_nothing() -> None:
    """A gradient that has vanished is no reason to lose the verdict."""
    values = equilibrium()
    values["gradient_norm"] = np.tile(np.where(STEPS < 200, 1.0, 0.0), (64, 1))
    assert judge(ensemble(values), QUESTION, Settings()).verdict == "settled"


def test_infinities_and_huge_values_are_counted_without_a_warning() -> None:
    """Infinite is not finite, of either sign; 1e200 overflows a variance and is no answer."""
    values = equilibrium()
    values["test_accuracy"][3, 40:] = np.inf
    values["test_accuracy"][4, 40:] = -np.inf
    values["energy"][5] = 1e200
    found = judge(ensemble(values), QUESTION, Settings(diverged=2))
    assert found.replicas["diverged"] == 2
    assert found.verdict in ("undecided", "relaxing", "glassy")
    json.dumps(document("x-01234567", "complete", found), allow_nan=False)


def test_norms_that_drift_warn_and_decide_nothing() -> None:
    """A parameter norm that doubles in the window is a warning."""
    values = equilibrium()
    values["parameter_norm"] = np.tile(1.0 + STEPS / T, (64, 1))
    found = judge(ensemble(values), QUESTION, Settings())
    assert found.verdict == "settled"
    assert any("parameter_norm of cold" in warning for warning in found.warnings)


def answers(trajectories: Trajectories) -> dict[tuple[str, str | None, str], str]:
    """Outcome of each row."""
    found = judge(trajectories, QUESTION, Settings())
    return {(row.statistic, row.observable, row.scope): row.outcome for row in found.criteria}


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 6.0), st.floats(-50, 50))
def test_order_and_origin_decide_nothing(seed: int, size: float, origin: float) -> None:
    """Shuffling replicas with their names, or adding a constant to an observable, changes no outcome."""
    generator = rng.generator(seed)
    noise = generator.normal(0, 0.004 * size, (64, len(STEPS)))
    known = ensemble({name: array + noise for name, array in equilibrium(seed % 100).items()})
    expected = answers(known)
    order = generator.permutation(64)
    shuffled = Trajectories(
        STEPS,
        {name: array[order] for name, array in known.values.items()},
        tuple(known.replicas[i] for i in order),
        tuple(known.histories[i] for i in order),
        known.crashed[order],
    )
    assert answers(shuffled) == expected
    assert answers(ensemble({name: array + origin for name, array in known.values.items()})) == expected


@pytest.mark.parametrize("survivors", [0, 1])
def test_a_history_that_is_lost_is_not_stationary(survivors: int) -> None:
    """The lost replicas count as moving, even where divergence is tolerated."""
    values = {name: array.copy() for name, array in equilibrium().items()}
    for array in values.values():
        array[survivors:32, 20:] = np.nan
    found = judge(ensemble(values), QUESTION, Settings(diverged=64))
    assert found.outcomes["stationarity"] == "fails"
    assert found.outcomes["agreement"] == "fails"
    assert found.verdict == "relaxing"


def test_divergence_turns_at_the_number_tolerated() -> None:
    """Three lost replicas are `diverged` where two are tolerated, and not where three are; crashed ones count too."""
    known = ensemble(equilibrium())
    values = {name: array.copy() for name, array in known.values.items()}
    for array in values.values():
        array[:2, -5:] = np.nan
        array[40] = np.nan
    crashed = np.arange(64) == 40
    lost = Trajectories(STEPS, values, known.replicas, known.histories, crashed)
    found = judge(lost, QUESTION, Settings(diverged=2))
    assert found.verdict == "diverged"
    ends = {"finished": 61, "diverged": 2, "crashed": 1, "ended": 0}
    assert found.replicas == {"planned": 64, **ends, "independent": 64, "controls": 0}
    assert judge(lost, QUESTION, Settings(diverged=3)).verdict != "diverged"


@pytest.mark.parametrize(("drift", "rate"), [(0.02, 0.05), (0.03, 0.0), (0.06, 0.0)])
def test_drifts_past_the_margin_are_never_settled(drift: float, rate: float) -> None:
    """A linear drift of exactly delta until 4T is settled in at most 5 % of 400 ensembles; of more, in none."""
    settled = 0
    for trial in range(400):
        values = {"test_accuracy": equilibrium(trial)["test_accuracy"] + drift * STEPS / (3 * T)}
        settled += judge(ensemble(values), QUESTION, Settings()).verdict == "settled"
    assert settled == 0 if rate == 0.0 else stats.binomtest(settled, 400, rate, alternative="greater").pvalue > 0.001


def test_well_away_from_the_margins_the_verdict_is_right() -> None:
    """Spread 0.3 delta is settled, a frozen glass of 3 delta is glassy, in at least 90 % of 100 ensembles of one history."""
    question = Question(T, ("cold",), default_margins(500), "constant", "", 0.1)
    right = {"settled": 0, "glassy": 0}
    for trial in range(100):
        generator = rng.generator(trial, 9)
        rise = 0.9 * (1 - np.exp(-STEPS / 40.0)) + generator.normal(0, 0.002, (32, len(STEPS)))
        for word, spread in (("settled", 0.006), ("glassy", 0.06)):
            known = ensemble({"test_accuracy": rise + generator.normal(0, spread, (32, 1))}, 1)
            right[word] += judge(known, question, Settings()).verdict == word
    assert right["settled"] >= 90
    assert right["glassy"] >= 90


def test_agreement_is_judged_on_the_last_measurement() -> None:
    """Replicas that part at T and nowhere else fail A on their final values; the reported window means hold."""
    values = equilibrium()
    values["test_accuracy"][::2, -1] += 0.2
    known = ensemble({"test_accuracy": values["test_accuracy"]})
    found = {row.statistic[:2]: row for row in judge(known, QUESTION, Settings()).criteria if row.statistic[0] == "A"}
    assert (found["A "].outcome, found["A "].gates) == ("fails", True)
    assert (found["A*"].outcome, found["A*"].gates) == ("holds", False)


def test_every_criterion_of_the_tuple_is_judged_in_its_order() -> None:
    """Rows and outcomes follow CRITERIA; its records have words for both answers."""
    verdict = judge(ensemble(equilibrium()), QUESTION, Settings())
    names = [criterion.name for criterion in CRITERIA]
    assert list(dict.fromkeys(row.criterion for row in verdict.criteria)) == names
    assert list(verdict.outcomes) == names
    assert all(criterion.question and criterion.holds and criterion.fails for criterion in CRITERIA)
