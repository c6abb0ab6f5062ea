"""Estimators by name: what is accepted, what is refused and how, and whose random state is whose."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from thermo_cli.errors import SpecError
from thermo_cli.kinds.estimators.answers import LEAST, answers, kind_of_answer
from thermo_cli.kinds.estimators.pipeline import pipeline, seeded, time_parameter
from thermo_cli.spec.named import NamedSystem

FOREST = "sklearn.ensemble:RandomForestClassifier"


def system(use, arguments=None, *steps):
    """Return a spec's system."""
    return NamedSystem.model_validate({"use": use, "with": arguments or {}, "preprocess": list(steps)})


def test_every_random_state_comes_from_the_stream():
    """Steps, estimator and the estimators inside it get numbers of their own: equal for equal streams, others for others."""
    inner = {"use": "sklearn.tree:DecisionTreeClassifier", "with": {"max_depth": 2}}
    spec = system(
        "sklearn.ensemble:BaggingClassifier",
        {"estimator": inner, "n_estimators": 3},
        {"use": "sklearn.decomposition:PCA", "with": {"n_components": 2}},
    )
    one, again, other = (pipeline(spec, "classification", stream) for stream in (5, 5, 6))

    def states(built):
        return [built.steps[0].random_state, built.estimator.random_state, built.estimator.estimator.random_state]

    assert states(one) == states(again)
    assert len(set(states(one))) == 3
    assert not set(states(one)) & set(states(other))
    assert seeded([*one.steps, one.estimator])
    assert not seeded([pipeline(system("sklearn.naive_bayes:GaussianNB"), "classification", 1).estimator])


def test_pairs_of_name_and_estimator_are_built():
    """Lists of [name, estimator] become what ensembles of estimators take."""
    pairs = [
        ["bayes", {"use": "sklearn.naive_bayes:GaussianNB"}],
        ["tree", {"use": "sklearn.tree:DecisionTreeClassifier"}],
    ]
    built = pipeline(system("sklearn.ensemble:VotingClassifier", {"estimators": pairs}), "classification", 1)
    assert [(name, type(one).__name__) for name, one in built.estimator.estimators] == [
        ("bayes", "GaussianNB"),
        ("tree", "DecisionTreeClassifier"),
    ]


@pytest.mark.parametrize(
    ("spec", "task", "words"),
    [
        (system("sklearn.datasets:load_digits"), "classification", "no scikit-learn estimator"),
        (system("sklearn.ensemble:RandomForestClasifier"), "classification", "RandomForestClassifier"),
        (system("sklearn.ensemble:RandomForestRegressor"), "classification", "need a classifier"),
        (system(FOREST), "regression", "need a regressor"),
        (system("sklearn.preprocessing:StandardScaler"), "classification", "need a classifier"),
        (system(FOREST, {"n_estimator": 5}), "classification", "did you mean 'n_estimators'"),
        (system(FOREST, {"random_state": 3}), "classification", "comes from the replica's stream"),
        (system(FOREST, {"n_jobs": 4}), "classification", "replicas run side by side"),
        (system("sklearn.pipeline:Pipeline", {"memory": "cache", "steps": []}), "classification", "run code"),
        (
            system("sklearn.ensemble:BaggingClassifier", {"estimator": {"use": FOREST, "with": {"n_jobs": 2}}}),
            "classification",
            "replicas run side by side",
        ),
        (system(FOREST, {}, {"use": "sklearn.svm:SVC"}), "classification", "no transformer"),
        (
            system(FOREST, {}, {"use": "sklearn.preprocessing:Scaler"}),
            "classification",
            "sklearn.preprocessing has no Scaler",
        ),
        (
            system("sklearn.nonsense:Thing"),
            "classification",
            "cannot be imported\n  received: sklearn.nonsense: ModuleNotFoundError",
        ),
        (system("os:system"), "classification", "--allow os"),
        (
            system("sklearn.ensemble:BaggingClassifier", {"estimator": {"use": "os:system"}}),
            "classification",
            "--allow os",
        ),
    ],
)
def test_refusals(spec, task, words):
    """What cannot serve is refused before anything is fitted, with what to do instead."""
    with pytest.raises(SpecError) as caught:
        pipeline(spec, task, 1)
    assert words in str(caught.value)


def test_the_training_time_is_given_to_one_argument():
    """`n_estimators` or `max_iter`, or what the spec names; never to one that is given already, or is not there."""
    assert time_parameter(system(FOREST), None) == "n_estimators"
    assert time_parameter(system("sklearn.linear_model:LogisticRegression"), None) == "max_iter"
    assert time_parameter(system(FOREST), "max_depth") == "max_depth"
    for spec, name, words in (
        (system(FOREST, {"n_estimators": 5}), None, "leave it out"),
        (system(FOREST), "max_dept", "did you mean 'max_depth'"),
        (system("sklearn.naive_bayes:GaussianNB"), None, "no number of iterations"),
    ):
        with pytest.raises(SpecError) as caught:
            time_parameter(spec, name)
        assert words in str(caught.value)


def test_answers_agree_with_predictions():
    """The largest answer is the predicted class, with probabilities, with scores of two and three classes, and with labels."""
    draw = np.random.Generator(np.random.PCG64(1))
    x = draw.standard_normal((90, 4))
    for classes in (2, 3):
        y = np.arange(90) % classes
        x[:, 0] += y
        for use, kind in (
            ("sklearn.linear_model:LogisticRegression", "probabilities"),
            ("sklearn.svm:SVC", "scores"),
            ("sklearn.linear_model:RidgeClassifier", "scores"),
            ("sklearn.svm:LinearSVC", "scores"),
        ):
            fitted = pipeline(system(use), "classification", 1).estimator.fit(x, y)
            assert kind_of_answer(fitted, classes) == kind
            found = answers(fitted, x, classes, np.arange(classes))
            assert found.shape == (classes, 90)
            np.testing.assert_array_equal(found.argmax(axis=0), fitted.predict(x))


def test_probabilities_of_classes_never_seen_are_the_smallest():
    """A class that the estimator does not know has the least probability there is, not none."""
    x, y = np.arange(8.0)[:, None], np.array([0, 0, 0, 0, 2, 2, 2, 2])
    found = answers(LogisticRegression().fit(x, y), x, 3, np.array([0, 2]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[1], np.log(LEAST))
    np.testing.assert_allclose(np.exp(found).sum(axis=0), 1.0)


def test_only_ensembles_grow():
    """An estimator that adds as many iterations again at every look has no warm start that is a time."""
    assert time_parameter(system(FOREST), None, "warm_start") == "n_estimators"
    assert time_parameter(system("sklearn.ensemble:HistGradientBoostingClassifier"), None, "warm_start") == "max_iter"
    with pytest.raises(SpecError, match="only ensembles"):
        time_parameter(system("sklearn.linear_model:LogisticRegression"), None, "warm_start")
