"""Time axes of estimators: each moment is the estimator that plain scikit-learn gives with so many stages, trees or epochs."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier

from thermo_cli.data.split import load_dataset
from thermo_cli.errors import SpecError
from thermo_cli.experiment import prepare
from thermo_cli.kinds.estimators.fit import fit_of, moments
from thermo_cli.kinds.estimators.trial import try_fit
from thermo_cli.replicas import main_rows, replica_table
from thermo_cli.spec import load_spec

SPEC = """\
data: {use: wine}
system: {use: "SYSTEM", with: {}}
dynamics: {use: fit, with: {time: TIME}, steps: STEPS}
ensemble: {replicas: 4, seed: 7, controls: {same_bath: 2}}
"""


def case(tmp_path: Path, system: str, time: str, steps: int, *overrides: str):
    """Return spec, data and the first replica."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("SYSTEM", system).replace("TIME", time).replace("STEPS", str(steps)))
    spec = load_spec(path, overrides)
    return spec, load_dataset(spec.data, tmp_path), replica_table(spec)


def test_stages_are_those_of_a_shorter_fit(tmp_path):
    """After 3 of 8 stages boosting answers as one that was built with 3; after the last as itself."""
    for system, plain in (
        ("sklearn.ensemble:GradientBoostingClassifier", GradientBoostingClassifier),
        ("sklearn.ensemble:HistGradientBoostingClassifier", HistGradientBoostingClassifier),
    ):
        spec, dataset, table = case(tmp_path, system, "staged", 8)
        fit = fit_of(spec, dataset, table[0])
        name = "n_estimators" if plain is GradientBoostingClassifier else "max_iter"
        seen = 0
        for moment in moments(spec, fit, [3, 8], 3):
            other = plain(**{name: moment.step}, random_state=fit.built.estimator.random_state).fit(fit.x, fit.y)
            expected = np.log(np.clip(other.predict_proba(dataset.x_test), 2.3e-16, 1)).T
            np.testing.assert_allclose(moment.answers(dataset.x_test), expected, rtol=1e-7)
            seen += 1
        assert seen == 2


def test_a_forest_that_grows_is_a_forest(tmp_path):
    """With trees added one time after the other it answers as one that was fitted at once."""
    spec, dataset, table = case(tmp_path, "sklearn.ensemble:RandomForestClassifier", "warm_start", 9)
    fit = fit_of(spec, dataset, table[0])
    seed = fit.built.estimator.random_state
    for moment in moments(spec, fit, [2, 5, 9], 3):
        plain = RandomForestClassifier(moment.step, random_state=seed).fit(fit.x, fit.y)
        np.testing.assert_array_equal(moment.fitted.predict_proba(dataset.x_test), plain.predict_proba(dataset.x_test))


def test_epochs_of_partial_fits(tmp_path):
    """Each epoch has an order of its own: the weights are those of partial fits with one generator, not with one number."""
    spec, dataset, table = case(tmp_path, "sklearn.linear_model:SGDClassifier", "partial", 5)
    fit = fit_of(spec, dataset, table[0])
    seed = fit.built.estimator.random_state
    one = SGDClassifier(random_state=np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed))))
    number = SGDClassifier(random_state=seed)
    *_, last = moments(spec, fit, [2, 5], 3)
    for _ in range(5):
        one.partial_fit(fit.x, fit.y, classes=[0, 1, 2])
        number.partial_fit(fit.x, fit.y, classes=[0, 1, 2])
    np.testing.assert_array_equal(last.fitted.coef_, one.coef_)
    assert np.abs(last.fitted.coef_ - number.coef_).max() > 1e-3


def test_a_first_phase_of_shuffled_labels(tmp_path):
    """Partial fits begin on shuffled labels where the history says so, and go on with the right ones."""
    history = "histories.detour={first: {steps: 3, labels: shuffled}}"
    spec, dataset, table = case(tmp_path, "sklearn.linear_model:SGDClassifier", "partial", 40, history)
    member = next(row for row in main_rows(table) if row.history == "detour")
    fit = fit_of(spec, dataset, member)
    places, targets, steps = fit.first
    assert steps == 3
    assert not np.array_equal(targets, fit.y[places])
    np.testing.assert_array_equal(np.sort(targets), np.sort(fit.y))
    shares = [
        (moment.answers(fit.x).argmax(axis=0) == fit.y).mean()
        for moment in moments(spec, fit, [3, 40], dataset.outputs)
    ]
    assert shares[0] < 0.7 < 0.95 < shares[1]


def test_a_budget_is_given_to_the_estimator(tmp_path):
    """Replicas of a smaller budget are fitted with fewer iterations."""
    spec, dataset, table = case(tmp_path, "sklearn.linear_model:LogisticRegression", "budget", 40)
    limits = {row.steps: fit_of(spec, dataset, row).built.estimator.max_iter for row in table}
    assert limits == {10: 10, 20: 20, 40: 40}


def test_null_fits_have_shuffled_labels_of_their_own_on_the_same_bath(tmp_path):
    """A null and that of its partner see the same examples as both, with labels shuffled differently."""
    spec, dataset, table = case(tmp_path, "sklearn.linear_model:LogisticRegression", "budget", 40)
    rows = {row.role: row for row in table if row.index == 1 and row.role in ("main", "same_bath", "null", "null_bath")}
    fits = {role: fit_of(spec, dataset, row) for role, row in rows.items()}
    for fit in fits.values():
        np.testing.assert_array_equal(fit.x, fits["main"].x)
        np.testing.assert_array_equal(np.sort(fit.y), np.sort(fits["main"].y))
    np.testing.assert_array_equal(fits["same_bath"].y, fits["main"].y)
    assert not np.array_equal(fits["null"].y, fits["main"].y)
    assert not np.array_equal(fits["null"].y, fits["null_bath"].y)


@pytest.mark.parametrize(
    ("system", "time", "words"),
    [
        ("sklearn.linear_model:LogisticRegression", "staged", "no stages"),
        ("sklearn.svm:SVC", "partial", "no partial fits"),
        ("sklearn.neighbors:KNeighborsClassifier", "warm_start", "no warm start"),
        ("sklearn.naive_bayes:GaussianNB", "budget", "no number of iterations"),
        ("sklearn.neighbors:KNeighborsClassifier", "once, parameter: x", None),
    ],
)
def test_times_that_an_estimator_does_not_have(tmp_path, system, time, words):
    """Are refused, with those that it has."""
    spec, dataset, table = case(tmp_path, system, time, 1 if "once" in time else 8)
    if words is None:
        assert try_fit(spec, dataset, table[0]) == ("probabilities", False)
        return
    with pytest.raises(SpecError) as caught:
        try_fit(spec, dataset, table[0])
    assert words in str(caught.value)


def test_an_estimator_that_refuses_the_data_is_refused(tmp_path):
    """More neighbours than examples: told with what it said, before anything is trained; enough of all examples will do."""
    neighbours = "sklearn.neighbors:KNeighborsClassifier"
    spec, dataset, table = case(tmp_path, neighbours, "once", 1, "system.with.n_neighbors=100")
    with pytest.raises(SpecError, match="cannot be fitted"):
        try_fit(spec, dataset, table[0])
    spec, dataset, table = case(
        tmp_path, neighbours, "once", 1, "system.with.n_neighbors=100", "ensemble.subsample={size: 110}"
    )
    assert try_fit(spec, dataset, table[0]) == ("probabilities", False)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("dynamics.steps=5", "count something only with"),
        ("dynamics={use: sgd, steps: 10}", "goes with dynamics fit"),
        ("histories.hot={init_scale: 3.0}", "the only path an estimator can take"),
        ("histories.detour={first: {steps: 1, labels: shuffled}}", "the only path an estimator can take"),
        ("dynamics.with.time=stages", "staged"),
        ("system={use: mlp}", "mlp goes with dynamics"),
    ],
)
def test_specs_that_do_not_fit_together(tmp_path, override, words):
    """A fit has no steps, starts and phases but those it can have."""
    with pytest.raises(SpecError) as caught:
        case(tmp_path, "sklearn.svm:SVC", "once", 1, override)
    assert words in str(caught.value)


def test_whether_the_random_state_is_used_is_tried(tmp_path):
    """A forest uses it, a logistic regression that merely takes one does not; an ensemble of its copies is refused."""
    for system, used in (
        ("sklearn.ensemble:RandomForestClassifier", True),
        ("sklearn.linear_model:LogisticRegression", False),
    ):
        spec, dataset, table = case(tmp_path, system, "once", 1)
        assert try_fit(spec, dataset, table[0])[1] is used
    spec, _, _ = case(tmp_path, "sklearn.linear_model:LogisticRegression", "once", 1, "ensemble.vary=[init]")
    with pytest.raises(SpecError, match="copies of each other"):
        prepare(spec, tmp_path, tmp_path)
