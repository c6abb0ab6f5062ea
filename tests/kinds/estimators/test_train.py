"""Runs of estimators from the spec to the verdict: resumed, crashed, judged; forests against their label-permuted twins."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import StoreError
from thermo_cli.kinds.estimators import train as fitting
from thermo_cli.kinds.estimators.train import Fitted, fit_shard
from thermo_cli.replicas import replica_table, shards
from thermo_cli.spec import load_spec
from thermo_cli.store import RunFolder
from thermo_cli.store.shard import Place, ShardStore

LOGISTIC = """\
name: logistic
data: {use: breast_cancer}
system: {use: "sklearn.linear_model:LogisticRegression", with: {C: 0.1}}
dynamics: {use: fit}
ensemble: {replicas: 32, seed: 5}
equilibrium: {margins: {test_accuracy: 0.03}}
"""
FOREST = """\
name: forest
data: {use: digits}
system: {use: "sklearn.ensemble:RandomForestClassifier", with: {n_estimators: 20}}
dynamics: {use: fit}
ensemble: {replicas: 8, seed: 5}
"""
FLAKY = '''\
"""An estimator that fails for some seeds."""
from sklearn.linear_model import LogisticRegression


class Flaky(LogisticRegression):
    """Fails where its random state is even."""

    def fit(self, x, y):
        """Fit, or fail."""
        if self.random_state % 2 == 0:
            raise FloatingPointError("the model fell over")
        return super().fit(x, y)


class Hopeless(LogisticRegression):
    """Fails on many examples."""

    def fit(self, x, y):
        """Fit, or fail."""
        if len(x) > 205:
            raise FloatingPointError("too many")
        return super().fit(x, y)
'''


def run(tmp_path: Path, text: str, *overrides: str, **options):
    """Run a spec."""
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    return thermo_cli.run(path, results=tmp_path / "results", overrides=overrides, engine=SERIAL, **options)


def rows_of(done, criterion: str):
    """Return the rows of one criterion."""
    return [row for row in done.verdict.criteria if row.criterion == criterion]


def test_logistic_regression_on_one_bath_is_a_crystal(tmp_path):
    """One optimum and a fit that is there: no training time is left, partners are the same, the verdict is crystallized."""
    done = run(tmp_path, LOGISTIC)
    assert (done.verdict.verdict, done.verdict.phase) == ("crystallized", "crystal")
    assert done.verdict.outcomes["stationarity"] == done.verdict.outcomes["history"] == "inapplicable"
    assert "by construction" in rows_of(done, "diversity")[0].explanation
    assert "training four times as long" not in done.verdict.summary
    assert {"energy", "energy_loss", "energy_l2", "test_brier"} <= set(done.observables.values)


def test_a_fit_cut_short_is_not_at_rest(tmp_path):
    """Two iterations of the same: stationarity is untested, and says what would test it; nothing is settled."""
    done = run(tmp_path, LOGISTIC, "system.with.max_iter=2")
    assert done.verdict.outcomes["stationarity"] == "untested"
    assert "dynamics.with.time" in rows_of(done, "stationarity")[0].explanation
    assert done.verdict.verdict == "undecided"


def test_a_forest_is_told_from_its_label_permuted_twin(tmp_path):
    """By unbiased CKA of leaf kernels: forests are alike, and far more so than a forest and one fitted to shuffled labels."""
    done = run(tmp_path, FOREST)
    found = done.verdict.microscopic["similarity"]
    assert found["layer"] == "leaves"
    twin = found["label_permuted_twin"]
    assert found["interval"][0] > twin["interval"][1] + 0.2
    assert found["estimate"] > found["null"] + 0.2
    row = rows_of(done, "diversity")[0]
    assert row.outcome == "holds"
    assert 0.5 < row.estimate < 0.9


def test_two_fits_to_shuffled_labels_are_not_told_apart(tmp_path):
    """The same comparison between fits that have both learned nothing: a twin is as unlike it as another null is."""
    done = run(tmp_path, FOREST, "system.with.n_estimators=10")
    arrays = done.folder.findings().arrays
    null = arrays["cka_null/leaves"]
    inside, across = null[:8, :8][np.triu_indices(8, 1)], null[:8, 8:][~np.eye(8, dtype=bool)]
    assert abs(inside.mean() - across.mean()) < 3 * inside.std() / np.sqrt(8)


def test_budgets_decide_stationarity(tmp_path):
    """T/4, T/2 and T are fitted, paired; what is still at T/4 has moved since the constant predictor, so S holds."""
    done = run(tmp_path, LOGISTIC, "dynamics={use: fit, with: {time: budget}, steps: 400}")
    assert done.verdict.outcomes["stationarity"] == "holds"
    assert done.observables.budgets["test_accuracy"].shape == (32, 3)
    assert done.verdict.verdict == "settled"


def test_networks_of_scikit_learn_have_the_symmetries_of_networks(tmp_path):
    """Weights of an MLPClassifier are matched unit by unit: a network is distinct from its partner on the same bath."""
    text = LOGISTIC.replace("sklearn.linear_model:LogisticRegression", "sklearn.neural_network:MLPClassifier")
    text = text.replace("with: {C: 0.1}", "with: {hidden_layer_sizes: [24], alpha: 0.01}")
    done = run(
        tmp_path,
        text,
        "dynamics={use: fit, with: {time: partial}, steps: 12}",
        "ensemble.replicas=8",
        "histories.detour={first: {steps: 4, labels: shuffled}}",
        "data={use: digits}",
    )
    assert rows_of(done, "diversity")[0].outcome == "holds"
    assert rows_of(done, "ergodicity")[0].outcome in ("fails", "undecided")
    assert {"overlap", "similarity", "aligned_cosine"} <= set(done.verdict.microscopic)
    assert done.observables.steps[-1] == 12


def test_one_that_crashes_is_counted_and_the_others_go_on(tmp_path):
    """Its traceback is kept, it is no finished replica, and the verdict says so."""
    (tmp_path / "flaky_model.py").write_text(FLAKY)
    text = LOGISTIC.replace("sklearn.linear_model:LogisticRegression", "flaky_model:Flaky")
    done = run(tmp_path, text, "ensemble.replicas=12", "ensemble.seed=4", allow=["local"])
    counts = done.verdict.replicas
    assert counts["crashed"] + counts["finished"] == 12
    assert counts["crashed"] > 0
    assert done.verdict.verdict == "diverged"
    texts = "".join(path.read_text() for path in done.folder.path.glob("shards/*.error.txt"))
    assert "the model fell over" in texts
    crashed = [name for name, lost in zip(done.observables.replicas, done.observables.crashed, strict=True) if lost]
    assert all(f"replica {name}\n" in texts for name in crashed)
    assert thermo_cli.open_run(done.folder.path).as_dict() == done.as_dict()


def test_when_all_crash_there_is_nothing_to_judge(tmp_path):
    """A model that was built and tried, and then fails for every replica, is an error that says where the tracebacks are."""
    (tmp_path / "flaky_model.py").write_text(FLAKY)
    text = LOGISTIC.replace("sklearn.linear_model:LogisticRegression", "flaky_model:Hopeless")
    with pytest.raises(StoreError, match="every replica failed"):
        run(tmp_path, text, "ensemble.subsample={size: 300}", "ensemble.replicas=4", allow=["local"])


def test_an_interrupted_shard_goes_on_where_it_was(tmp_path, monkeypatch):
    """Stopped after one of two replicas and resumed: the file is that of an uninterrupted one, byte for byte."""
    path = tmp_path / "spec.yaml"
    path.write_text(FOREST)
    spec = load_spec(path)
    dataset, members = load_dataset(spec.data, tmp_path), shards(replica_table(spec))["cold-0002"]
    files, real = [], fitting.fit_replica
    for interrupted in (False, True):
        folder = RunFolder(tmp_path / f"run-{interrupted}")
        folder.make()
        calls = []

        def counted(*arguments, _calls=calls, _folder=folder, _interrupted=interrupted, **options):
            _calls.append(arguments[2].name)
            if _interrupted and len(_calls) == 1:
                _folder.stop_file.touch()
            return real(*arguments, **options)

        monkeypatch.setattr(fitting, "fit_replica", counted)
        store = ShardStore(folder.path, Place("", 0, "cold-0002", tuple(member.name for member in members)))
        with store.lock(1.0):
            said = fit_shard(folder, store, spec, dataset, members)
            if interrupted:
                assert said == "interrupted"
                assert not store.finished
                folder.stop_file.unlink()
                said = fit_shard(folder, store, spec, dataset, members)
        assert said == "finished"
        assert calls == [member.name for member in members]
        files.append(store.segment_file(0).read_bytes())
    assert files[0] == files[1]


def test_replicas_do_not_depend_on_their_number(tmp_path):
    """Replica 3 of 8 is replica 3 of 6, whatever shard mates it has."""
    path = tmp_path / "spec.yaml"
    path.write_text(FOREST)
    found = []
    for count in (6, 8):
        spec = load_spec(path, [f"ensemble.replicas={count}"])
        row = replica_table(spec)[3]
        found.append(fitting.fit_replica(spec, load_dataset(spec.data, tmp_path), row))
    assert found[0].values == found[1].values
    np.testing.assert_array_equal(found[0].final["outputs"], found[1].final["outputs"])


def test_what_is_committed_comes_back():
    """Arrays of a fitted replica and back: a round trip."""
    one = Fitted({"energy": [1.0, 0.5]}, {4: np.arange(3.0)}, {"unique": np.array(True)})
    back = Fitted.of(one.arrays())
    assert (back.values, list(back.snapshots), bool(back.final["unique"])) == (one.values, [4], True)
    np.testing.assert_array_equal(back.snapshots[4], one.snapshots[4])
    assert dataclasses.asdict(Fitted.of(Fitted().arrays())) == dataclasses.asdict(Fitted())


def test_without_probabilities_only_what_can_be_told_is_observed(tmp_path):
    """A support vector machine has accuracy and margin; a margin for its Brier score is refused."""
    text = LOGISTIC.replace("sklearn.linear_model:LogisticRegression", "sklearn.svm:SVC")
    done = run(tmp_path, text, "ensemble.replicas=4")
    assert {"test_accuracy", "test_margin"} <= set(done.observables.values)
    assert not {"test_loss", "test_brier"} & set(done.observables.values)
    with pytest.raises(thermo_cli.errors.SpecError, match="not observed"):
        run(tmp_path, text, "equilibrium.margins={test_brier: 0.1}")


def test_coefficients_on_features_of_their_own_are_not_held_together(tmp_path):
    """A random projection before a linear model: partners differ in their features, so distances would say nothing."""
    steps = '[{use: "sklearn.random_projection:GaussianRandomProjection", with: {n_components: 8}}]'
    row = rows_of(run(tmp_path, LOGISTIC, f"system.preprocess={steps}"), "diversity")[0]
    assert row.outcome == "untested"
    assert "features of their own" in row.explanation


def test_a_step_that_was_not_trained_to_its_end_leaves_stationarity_open(tmp_path):
    """A restricted Boltzmann machine before a linear model has a training time, whatever the model after it has."""
    machine = '{use: "sklearn.neural_network:BernoulliRBM", with: {n_components: 8, n_iter: 1}}'
    steps = '[{use: "sklearn.preprocessing:MinMaxScaler"}, ' + machine + "]"
    done = run(tmp_path, LOGISTIC, f"system.preprocess={steps}", "ensemble.replicas=4")
    assert done.verdict.outcomes["stationarity"] == "untested"


def test_a_penalty_that_is_zero_is_recorded(tmp_path):
    """A lasso that has dropped every feature in some replicas: all are whole, and none counts as diverged."""
    text = (
        LOGISTIC.replace("breast_cancer", "diabetes")
        .replace("LogisticRegression", "Lasso")
        .replace("C: 0.1", "alpha: 0.55")
    )
    done = run(
        tmp_path, text.replace("test_accuracy", "test_r2"), "ensemble.subsample={size: 60}", "ensemble.replicas=16"
    )
    assert done.verdict.replicas["diverged"] == done.verdict.replicas["crashed"] == 0
    assert (done.observables.values["energy_l1"][:, -1] == 0).any()


def test_ensembles_of_ensembles_are_fitted(tmp_path):
    """Leaves of forests within bagging and voting, and a selection that calls its mask a support."""
    forest = '{use: "sklearn.ensemble:RandomForestClassifier", with: {n_estimators: 3}}'
    for system in (
        '{use: "sklearn.ensemble:BaggingClassifier", with: {n_estimators: 3, estimator: ' + forest + "}}",
        '{use: "sklearn.ensemble:VotingClassifier", with: {estimators: [[a, ' + forest + "], [b, " + forest + "]]}}",
        '{use: "sklearn.feature_selection:RFE", with: {estimator: {use: "sklearn.linear_model:LogisticRegression"}}}',
    ):
        done = run(tmp_path, LOGISTIC, f"system={system}", "ensemble.replicas=4", "ensemble.controls.same_bath=2")
        assert done.verdict.replicas["finished"] == 4


def test_a_rate_that_falls_by_itself_is_a_schedule(tmp_path):
    """SGDClassifier lowers its rate by default: one trajectory then says nothing about longer training."""
    text = LOGISTIC.replace("LogisticRegression", "SGDClassifier").replace("with: {C: 0.1}", "with: {}")
    partial = "dynamics={use: fit, with: {time: partial}, steps: 16}"
    few = ["ensemble.replicas=4", "ensemble.controls.same_bath=0"]
    assert "decaying" in rows_of(run(tmp_path, text, partial, *few), "stationarity")[0].explanation
    constant = "system.with={learning_rate: constant, eta0: 0.01}"
    assert "decaying" not in rows_of(run(tmp_path, text, constant, partial, *few), "stationarity")[0].explanation
