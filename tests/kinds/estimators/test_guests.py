"""Estimators of others: whatever keeps scikit-learn's contract is fitted, and what cannot be made again is refused by name."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import SpecError, SpecErrors
from thermo_cli.experiment import prepare
from thermo_cli.kinds.estimators.fit import fit_of
from thermo_cli.kinds.estimators.held_back import watches
from thermo_cli.kinds.estimators.pipeline import pipeline
from thermo_cli.kinds.estimators.train import fit_replica
from thermo_cli.kinds.estimators.trial import try_fit
from thermo_cli.replicas import replica_table
from thermo_cli.spec import load_spec
from thermo_cli.trust import Trust, set_trust

SPEC = """\
name: guest
data: {use: wine}
system: SYSTEM
dynamics: {use: fit}
ensemble: {replicas: 4, seed: 3, subsample: {fraction: 0.6}, controls: {same_bath: 0}}
observe: {micro: []}
"""
ALLOW = ("local", "xgboost", "lightgbm", "scipy")
TREE = '{use: "sklearn.tree:DecisionTreeClassifier"}'


@pytest.fixture
def guest(tmp_path):
    """Return what writes a spec whose system lies beside it, or is named in full, and says what is allowed."""

    def write(system: str) -> Path:
        shutil.copy(Path(__file__).with_name("guests.py"), tmp_path / "guest_models.py")
        set_trust(Trust(ALLOW, tmp_path))
        whole = system if system.startswith("{") else f'{{use: "guest_models:{system}"}}'
        path = tmp_path / "guest.yaml"
        path.write_text(SPEC.replace("SYSTEM", whole))
        return path

    yield write
    set_trust(Trust((), Path()))


def tried(path: Path):
    """Return the spec, its data and its table, once its estimator has been tried, and what came of it."""
    spec = load_spec(path)
    dataset, table = load_dataset(spec.data, path.parent), replica_table(spec)
    return spec, dataset, table, try_fit(spec, dataset, table[0])


@pytest.mark.parametrize(
    ("system", "says", "random"),
    [
        ("Nearest", "labels", False),
        ("Bare", "probabilities", True),
        ("Options", "labels", False),
        ("Globals", "labels", True),
        ("Parallel", "labels", False),
        ("Torch", "labels", True),
        ('{use: "xgboost:XGBClassifier", with: {n_estimators: 4, subsample: 0.5, nthread: 1}}', "probabilities", True),
        ('{use: "lightgbm:LGBMClassifier", with: {n_estimators: 4, min_child_samples: 5}}', "probabilities", False),
        (
            '{use: "sklearn.model_selection:HalvingGridSearchCV", with: {param_grid: {max_depth: [1, 2]}, estimator: '
            + TREE
            + "}}",
            "probabilities",
            False,
        ),
        (
            f'{{use: "sklearn.model_selection:GridSearchCV", with: {{estimator: {TREE}, param_grid: {{max_depth: [1, 2]}}, '
            'cv: {use: "sklearn.model_selection:KFold", with: {n_splits: 2, shuffle: true}}, scoring: {use: '
            '"sklearn.metrics:make_scorer", with: {score_func: "sklearn.metrics:balanced_accuracy_score"}}}}',
            "probabilities",
            True,
        ),
        (
            f'{{use: "sklearn.model_selection:RandomizedSearchCV", with: {{estimator: {TREE}, n_iter: 2, cv: 2, '
            'param_distributions: {ccp_alpha: {use: "scipy.stats:uniform", with: {loc: 0.0, scale: 0.1}}}}}',
            "probabilities",
            True,
        ),
        (
            '{use: "sklearn.ensemble:StackingClassifier", with: {cv: 2, estimators: [[a, {use: "xgboost:XGBClassifier", with: '
            f"{{n_estimators: 2}}}}], [b, {TREE}]]}}}}",
            "probabilities",
            True,
        ),
        (
            '{use: "sklearn.calibration:CalibratedClassifierCV", with: {estimator: {use: "sklearn.svm:LinearSVC"}, cv: 2}}',
            "probabilities",
            False,
        ),
        (
            '{use: "sklearn.pipeline:Pipeline", with: {steps: [[a, {use: "sklearn.compose:ColumnTransformer", with: '
            '{transformers: [[s, {use: "guest_models:Shift"}, [0, 1]], [p, passthrough, [2, 3]]]}}], [b, {use: '
            '"sklearn.preprocessing:FunctionTransformer", with: {func: "guest_models:doubled"}}], [c, {use: '
            '"sklearn.naive_bayes:GaussianNB"}]]}}',
            "probabilities",
            False,
        ),
    ],
    ids=lambda value: str(value).partition(",")[0].rpartition(":")[2].strip('" }') if "{" in str(value) else None,
)
def test_what_keeps_the_contract_is_fitted(guest, system, says, random):
    """Own classes and others', searches, stacks and pipelines of them: tried, fitted twice alike, and told whether random."""
    spec, dataset, table, (answers, noisy) = tried(guest(system))
    assert (answers, noisy) == (says, random)
    first, again, other = (fit_replica(spec, dataset, row) for row in (table[0], table[0], table[1]))
    np.testing.assert_array_equal(first.final["outputs"], again.final["outputs"])
    assert first.values != other.values
    assert first.values["test_accuracy"][0] > 0.5


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("Strings", ["system.use", "no class", "'red'", "integers from 0 to 2"]),
        ("Unseeded", ["system.use", "two fits", "guest_models:Unseeded", "guest_models.py:", "default_rng()"]),
        ("Clock", ["two fits", "means_ of Clock", "perf_counter"]),
        ("Certain", ["no probabilities", "sum to 3"]),
        ("Absent", ["SystemExit", "guest_models.py, line", "in fit", "cold/0"]),
        ("Broken", ["cannot be built", "there is no licence", "guest_models.py, line", "in __init__"]),
        ("Shift", ["need a classifier", "no predict"]),
        ("doubled", ["no scikit-learn estimator"]),
        ('{use: "sklearn.cluster:KMeans"}', ["need a classifier", "clusterer"]),
        ('{use: "xgboost:XGBClassifier", with: {n_jobs: 2}}', ["system.with.n_jobs", "side by side"]),
        ('{use: "lightgbm:LGBMClassifier", with: {output_model: "m.txt"}}', ["system.with.output_model", "no files"]),
        (
            '{use: "sklearn.ensemble:RandomForestClassifier", with: {n_estimators: -3}}',
            ["system.with.n_estimators", "must be an int"],
        ),
        (
            '{use: "sklearn.ensemble:BaggingClassifier", with: {estimator: {use: "sklearn.tree:DecisionTreeClassifier", with: '
            "{max_depth: -3}}}}",
            ["system.with.estimator.with.max_depth", "must be an int"],
        ),
        (
            '{use: "sklearn.preprocessing:FunctionTransformer", with: {func: "os:system"}}',
            ["system.with.func", "--allow os"],
        ),
        (
            '{use: "sklearn.linear_model:LogisticRegression", with: {class_weight: {class_7: 2}}}',
            ["system.with.class_weight", "no such class", "class_"],
        ),
    ],
)
def test_what_cannot_serve_is_refused_by_name(guest, system, words):
    """With the field, the file and line of the user's code where it is his, and what to do."""
    with pytest.raises(SpecError) as caught:
        tried(guest(system))
    for part in words:
        assert part in str(caught.value), str(caught.value)


def test_all_that_is_wrong_with_arguments_is_told_at_once(guest):
    """Steps, estimator and what is inside it: one answer."""
    path = guest('{use: "sklearn.tree:DecisionTreeClassifier", with: {depth: 3, leaves: 2}, preprocess: PREPROCESS}')
    steps = '[{use: "sklearn.decomposition:PCA", with: {components: 2}}]'
    path.write_text(path.read_text().replace("PREPROCESS", steps))
    with pytest.raises(SpecErrors) as caught:
        tried(path)
    places = ["system.preprocess[0].with.components", "system.with.depth", "system.with.leaves"]
    assert [error.where for error in caught.value.errors] == places


def test_threads_are_one_and_states_come_from_the_stream(guest):
    """Under whatever name an estimator has them, and also inside others."""
    system = load_spec(guest("Bare")).system
    one, other = (pipeline(system, "classification", stream).estimator for stream in (1, 2))
    assert one.thread_count == 1
    assert one.seed != other.seed
    text = '{use: "sklearn.ensemble:BaggingClassifier", with: {estimator: {use: "lightgbm:LGBMClassifier"}}}'
    inner = pipeline(load_spec(guest(text)).system, "classification", 1).estimator.estimator
    assert inner.n_jobs == 1
    assert isinstance(inner.random_state, int)


def test_weights_of_classes_go_by_their_names(guest):
    """`class_weight: {class_2: 50}` is the weight of that class of the data, whatever its number is."""
    path = guest(
        '{use: "sklearn.linear_model:LogisticRegression", with: {class_weight: {class_0: 1, class_1: 1, class_2: 50}}}'
    )
    spec, dataset, table, _ = tried(path)
    built = fit_of(spec, dataset, table[0]).built
    assert built.estimator.class_weight == {0: 1, 1: 1, 2: 50}


@pytest.mark.parametrize(
    "system",
    [
        '{use: "xgboost:XGBClassifier", with: {n_estimators: 300, early_stopping_rounds: 3}}',
        '{use: "xgboost:XGBClassifier", with: {n_estimators: 300, callbacks: [{use: "xgboost.callback:EarlyStopping", with: '
        "{rounds: 3}}]}}",
        '{use: "lightgbm:LGBMClassifier", with: {n_estimators: 300, early_stopping_round: 3, min_child_samples: 5}}',
    ],
)
def test_early_stopping_watches_examples_that_are_held_back(guest, system):
    """A tenth of the subsample, of each class some, by the replica's own stream; so the fit ends early, and always there."""
    spec, dataset, table, _ = tried(guest(system))
    fits = [fit_of(spec, dataset, row) for row in (table[0], table[0], dataclasses.replace(table[0], init=7))]
    assert watches(fits[0].built.estimator)
    ends = [
        getattr(fitted, "best_iteration", None) or fitted.best_iteration_ for fitted in (fit.once() for fit in fits)
    ]
    assert ends[0] == ends[1] < 299


def test_a_replica_that_fails_is_counted_with_its_line(guest):
    """What it had printed, its file and line, and its name stand beside the shard; the other replicas finish."""
    path = guest("Flaky")
    spec = load_spec(path)
    states = [pipeline(spec.system, "classification", row.init).estimator.random_state for row in replica_table(spec)]
    override = f"system.with={{failing: [{states[2]}]}}"
    done = thermo_cli.run(path, overrides=[override], results=path.parent / "results", allow=["local"], engine=SERIAL)
    counts = done.verdict.replicas
    assert (counts["finished"], counts["crashed"]) == (3, 1)
    words = "".join(file.read_text() for file in done.folder.path.glob("shards/*.error.txt"))
    for part in ("replica cold/2", "FloatingPointError: the means fell over", "guest_models.py, line", "about to fit"):
        assert part in words, words


def test_other_functions_are_another_run(guest, tmp_path):
    """The file of a function among arguments is part of what a run is."""
    system = '{use: "sklearn.pipeline:Pipeline", with: {steps: [[a, {use: "sklearn.preprocessing:FunctionTransformer", with: '
    path = guest(system + '{func: "guest_models:doubled"}}], [b, {use: "sklearn.naive_bayes:GaussianNB"}]]}}')
    before = prepare(load_spec(path), tmp_path, tmp_path, ["local"]).identity
    file = tmp_path / "guest_models.py"
    file.write_text(file.read_text() + "\n# changed\n")
    assert prepare(load_spec(path), tmp_path, tmp_path, ["local"]).identity != before
