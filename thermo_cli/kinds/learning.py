"""What all systems have in common that learn from examples: their data, what is refused, and what a verdict speaks of."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Dataset
from thermo_cli.data.split import load_dataset
from thermo_cli.data.subsample import draw_subsamples, subsample_size
from thermo_cli.equilibrium.diagnostics.sampling_noise import distribution_wise
from thermo_cli.equilibrium.statistics.mean_and_sd import mean_and_sd
from thermo_cli.errors import DataError, SpecError, ThermoError, collected
from thermo_cli.kinds.kind import Facts, Setup
from thermo_cli.metric import label, own_names
from thermo_cli.observables.constant import constant_scores
from thermo_cli.observables.own import check_own, seconds_of
from thermo_cli.observables.own_error import own_errors
from thermo_cli.replicas import Replica, streams_used
from thermo_cli.spec import Spec
from thermo_cli.spec.ensemble import Subsample
from thermo_cli.store import RunFolder

DATA: Final = ("task", "pool_examples", "test_examples", "features", "outputs")
ASKED: Final = 8  # replicas of which the test set's own error is found, by draws of its examples
NOBODY: Final = 1e-6  # chance of what need not be looked for
AT_THE_END: Final = ("quench_gap", "response", "flatness")


def load(
    spec: Spec,
    base: Path,
    table: Sequence[Replica],
    loaded: dict[str, Dataset],
    others: Sequence[Callable[[], Any]] = (),
) -> tuple[Dataset, int]:
    """Load the data, once for all points that share them, and refuse subsamples that cannot serve.

    Args:
        base: Folder of the spec.
        loaded: What was loaded for other points; what is loaded is added.
        others: What can be checked without the data: done where these are refused, so that all is told in one answer.

    Returns:
        Pool and test set; examples of each replica.

    Raises:
        SpecError: A batch is larger than the examples of a replica.
        DataError: The data cannot serve.
    """
    try:
        return _loaded(spec, base, table, loaded)
    except (SpecError, DataError) as error:
        collected([partial(_again, error), *others])
        raise


def _again(error: ThermoError) -> None:
    raise error


def _loaded(spec: Spec, base: Path, table: Sequence[Replica], loaded: dict[str, Dataset]) -> tuple[Dataset, int]:
    assert spec.data is not None  # the schema holds that what learns has data
    key = spec.data.model_dump_json()
    if key not in loaded:
        loaded[key] = load_dataset(spec.data, base)
        _check_again(spec, base, loaded[key])
    dataset = loaded[key]
    examples = subsample_size(spec.ensemble.subsample, len(dataset.y))
    _check_batches(spec, examples)
    _check_classes(spec, dataset, table)
    return dataset, examples


def facts(spec: Spec, dataset: Dataset, examples: int, noisy: bool, metrics: Collection[str]) -> Facts:
    """Try the user's own observables, and collect what is known.

    Args:
        dataset: Pool and test set.
        noisy: Whether training draws from the `noise` streams at every step.
        metrics: Those that the system's answers allow.
    """
    centred = dataset.task == "regression" and getattr(spec.data, "scale", "none") == "standardize"
    check_own(own_names(spec.observe.macro), dataset, centred)
    observables = ("energy", *(f"test_{name}" for name in metrics))
    constants = constant_scores(spec.observe.macro, metrics, dataset)
    pool = len(dataset.y)
    return Facts(dataset.fingerprint, dataset, None, examples, pool, noisy, observables, constants=constants)


def begin(setup: Setup) -> None:
    """Keep what spares workers to read features on disk whole.

    Args:
        setup: What is about to be trained.
    """
    if setup.facts.dataset is not None and setup.facts.dataset.source is not None:
        setup.folder.write_source(setup.facts.dataset.source)


def data_line(setup: Setup) -> str:
    """Say in the plan what is learned from.

    Args:
        setup: What would be trained.
    """
    dataset, data = setup.facts.dataset, setup.spec.data
    assert dataset is not None
    assert data is not None
    return (
        f"{data.use}: pool of {len(dataset.y)}, test set of {len(dataset.y_test)}, "
        f"{setup.facts.examples} examples per replica"
    )


def metric_lines(setup: Setup, measurements: int) -> dict[str, str]:
    """Say in the plan what the observables that are not built in take: each is called once for each split of a measurement.

    Args:
        setup: What would be trained.
        measurements: Times at which a main replica is looked at.
    """
    dataset, names = setup.facts.dataset, own_names(setup.spec.observe.macro)
    if dataset is None or not names:
        return {}
    splits = (
        setup.facts.examples + len(dataset.y_test) + len(dataset.y_shifted if dataset.y_shifted is not None else ())
    )
    times = seconds_of(names, dataset)
    share = splits / len(dataset.y_test)  # of what was measured on the test set alone
    total = sum(times.values()) * share * measurements * sum(setup.histories.values())
    each = ", ".join(f"{label(name)} {1e3 * seconds * share:.1f} ms" for name, seconds in times.items())
    return {"metrics": f"{each} for each replica and time on all splits; about {total:.1f} s of one core in all"}


def data_bytes(setup: Setup) -> int:
    """Estimate what one worker holds of the data.

    Args:
        setup: What would be trained.
    """
    dataset, spec = setup.facts.dataset, setup.spec
    assert dataset is not None
    splits = 2 + (dataset.x_shifted is not None)
    in_memory = isinstance(dataset.x, np.ndarray)
    pool = len(dataset.y) if in_memory else min(spec.width * setup.facts.examples, len(dataset.y))
    return (pool + (splits - 1) * len(dataset.y_test)) * dataset.inputs * 8 * 3


def constant_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the court has to know of the constant predictor; of runs that did not keep it, nothing.

    Args:
        data: Facts of its data, from the manifest.
    """
    answer = "the most frequent class" if data["task"] == "classification" else "the mean"
    return {"constants": data.get("constants", {}), "constant_answer": answer}


def scope(spec: Spec, data: Mapping[str, Any], idle: Collection[str] = ()) -> str:
    """Say what a verdict speaks of.

    Args:
        data: Facts of its data, from the manifest.
        idle: Sources that are said to vary and change nothing.
    """
    pool = int(data["pool_examples"])
    examples = subsample_size(spec.ensemble.subsample, pool)
    consumed = streams_used(spec, examples, pool, noisy=bool(data.get("noisy", False)))
    varied = ", ".join(name for name in spec.ensemble.vary if name in consumed and name not in idle)
    return f"for resampling this pool of {pool} examples, with this test set; varied: {varied}"


def diagnostics(folder: RunFolder) -> dict[str, Any]:
    """Collect what was tried on each replica at the end of training."""
    errors = folder.finals("test_errors")
    noise = {"test_noise": distribution_wise(errors.astype(np.float64))} if errors is not None else {}
    finals = {name: folder.finals(name) for name in AT_THE_END}
    return noise | {name: mean_and_sd(values) for name, values in finals.items() if values is not None}


def own_errors_of(folder: RunFolder, dataset: Dataset, outputs: NDArray[np.floating]) -> dict[str, float]:
    """Say what the test set alone contributes to the scores of a run.

    Args:
        folder: A run that has been trained.
        outputs: Of some of its replicas on the first examples of the test set, (replica, output, example).
    """
    recorded = next(iter(folder.records.values())).values
    finite = outputs[np.isfinite(outputs).all(axis=(1, 2))]
    return own_errors(folder.spec.observe.macro, recorded, dataset, finite, folder.spec.ensemble.seed)


def comparable_fields(spec: Spec) -> dict[str, Any]:
    """Return how subsamples are drawn."""
    return {"subsample": spec.ensemble.subsample.model_dump(mode="json")}


def stated(spec: Spec, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the data of runs that are compared have to have in common."""
    data = spec.model_dump(mode="json", include={"data"})["data"]
    known = {name: manifest["data"][name] for name in DATA if name in manifest["data"]}
    return {"data": data, **known, "data fingerprint": manifest["data_fingerprint"][:16]}


def _check_again(spec: Spec, base: Path, dataset: Dataset) -> None:
    """Refuse a function that returns other data the second time."""
    assert spec.data is not None
    if ":" in spec.data.use and load_dataset(spec.data, base).fingerprint != dataset.fingerprint:
        raise DataError(
            "the function returns other data each time",
            received="two calls with the same arguments, and the global generators seeded alike",
            remedy="seed the generators that it makes (default_rng(0)), and use neither clock nor os.urandom",
            where=spec.data.use,
        )


def _check_batches(spec: Spec, examples: int) -> None:
    """Refuse batches that are larger than what they are drawn from."""
    parts = [(examples, spec.dynamics, "dynamics.batch_size")]
    for name, history in spec.histories.items():
        if history.first is not None:
            share = history.first.examples.fraction if history.first.examples is not None else 1.0
            where = f"histories.{name}.first"
            parts.append((max(round(share * examples), 1), spec.first_parts(history.first)[1], where))
    for count, dynamics, where in parts:
        batch = getattr(dynamics, "batch_size", "full")
        if isinstance(batch, int) and batch > count:
            raise SpecError(
                "a batch is larger than the examples of a replica",
                received=f"batch_size {batch}, examples {count}",
                remedy=f"batch_size of at most {count}, or full",
                where=where,
            )


def _check_classes(spec: Spec, dataset: Dataset, table: Sequence[Replica]) -> None:
    """Refuse subsamples in which a class is absent: such a replica learns another problem."""
    if dataset.task != "classification":
        return
    mains = [row for row in table if row.role == "main"]
    if _surely_there(spec.ensemble.subsample, np.bincount(dataset.y.astype(np.int64)), len(mains)):
        mains = [mains[0], mains[-1]]
    for replica, indices in zip(mains, draw_subsamples(spec, len(dataset.y), mains, dataset.classes), strict=True):
        missing = np.setdiff1d(np.arange(dataset.outputs), dataset.y[indices])
        if len(missing):
            raise DataError(
                f"a class is absent from the subsample of replica {replica.name}",
                received=f"no example of class {dataset.labels[missing[0]]!r} among its {len(indices)} examples",
                remedy=_all_classes(spec, dataset, len(indices)),
                where="ensemble.subsample",
            )


def _surely_there(rule: Subsample, counts: NDArray[np.integer], replicas: int) -> bool:
    """Say whether no class can be absent from any subsample but by a chance that nobody meets: so many need not be drawn.

    With n_c of N examples in class c it is absent from n with the chance (N - n_c choose n) / (N choose n), or (1 - n_c / N)^n.
    """
    pool = int(counts.sum())
    size = subsample_size(rule, pool)
    if rule.stratified:
        return True  # the counts of the classes are those of every replica
    rest = pool - counts
    if rule.bootstrap:
        absent = (rest / pool) ** size
    else:
        absent = np.array(
            [math.exp(_choices(n, size) - _choices(pool, size)) if n >= size else 0.0 for n in rest.tolist()]
        )
    return float(replicas * absent.sum()) < NOBODY


def _choices(examples: int, size: int) -> float:
    """Return the logarithm of how many sets of `size` examples there are, but for a constant of `size`."""
    return math.lgamma(examples + 1) - math.lgamma(examples - size + 1)


def _all_classes(spec: Spec, dataset: Dataset, examples: int) -> str:
    """Say how every subsample comes to hold every class: stratified, where that gives the rarest one an example."""
    rule = spec.ensemble.subsample
    counts = np.bincount(dataset.y.astype(np.int64))
    larger = "larger subsamples, or remove the rare class"
    if rule.disjoint or rule.stratified or counts.min() * examples < len(dataset.y):
        return larger
    kind = (
        "bootstrap: true" if rule.bootstrap else f"size: {rule.size}" if rule.size else f"fraction: {rule.fraction:g}"
    )
    return f"ensemble: {{subsample: {{{kind}, stratified: true}}}} keeps the classes in proportion; or {larger}"
