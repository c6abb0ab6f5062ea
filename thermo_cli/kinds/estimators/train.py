"""One shard of estimators from its rows in the replica table to its file on disk: replica after replica.

An estimator cannot be put on disk half fitted without running its code again, so a replica is the unit: what has been fitted is
committed now and then, and an interrupted shard goes on with the next replica. Warm starts and partial fits that grow are made
again from their first step, to the same numbers, and what lies beyond the last end is added. One that raises an error is
counted as crashed, with its traceback beside the shard, and the others go on.
"""

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from thermo_cli.blame import told
from thermo_cli.contracts import Array, Dataset, Integers
from thermo_cli.generators import watched
from thermo_cli.kinds.estimators.answers import kind_of_answer
from thermo_cli.kinds.estimators.energy import closed, converged, loss_of, one_optimum, penalties
from thermo_cli.kinds.estimators.fit import Fit, Moment, fit_of, global_seed, moments, torch_seeded
from thermo_cli.kinds.estimators.measuring import before_fit, mean_loss, measure_fit
from thermo_cli.kinds.estimators.pipeline import seeded
from thermo_cli.kinds.estimators.structures import NOTHING, microstate
from thermo_cli.kinds.estimators.structures.decisions import is_machine, support_in_pool
from thermo_cli.kinds.estimators.structures.microstate import ANCHORS
from thermo_cli.kinds.estimators.structures.weights import NETWORK, layer_sizes
from thermo_cli.observables import response
from thermo_cli.observables.formulas import formulas_of
from thermo_cli.replicas import Replica
from thermo_cli.silence import Tail, quiet
from thermo_cli.spec import Spec
from thermo_cli.store.run_folder import RunFolder
from thermo_cli.store.shard import ShardStore
from thermo_cli.store.shard_records import ShardRecords
from thermo_cli.times import measurement_steps

COMMIT_SECONDS: Final = 2.0
PROGRESS_SECONDS: Final = 0.25
TEST_OUTPUTS: Final = 4096  # examples of the test set whose answers are kept


@dataclass
class Fitted:
    """What is recorded of one replica.

    Attributes:
        values: Observable to its values, (time,).
        snapshots: Step to microstate, (number,).
        final: What was found out once, at the end.
        earlier: End of each segment before the last, to the same there.
    """

    values: dict[str, list[float]] = field(default_factory=dict)
    snapshots: dict[int, NDArray[Any]] = field(default_factory=dict)
    final: dict[str, NDArray[Any]] = field(default_factory=dict)
    earlier: dict[int, dict[str, NDArray[Any]]] = field(default_factory=dict)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return it as named arrays."""
        found: dict[str, NDArray[Any]] = {f"values/{name}": np.array(row) for name, row in self.values.items()}
        found |= {f"snapshot/{step}": array for step, array in self.snapshots.items()}
        found |= {f"{end}/{name}": array for end, final in self.earlier.items() for name, array in final.items()}
        return found | {f"final/{name}": array for name, array in self.final.items()}

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]]) -> "Fitted":
        """Return what is behind named arrays; the inverse of `arrays`.

        Args:
            arrays: What `arrays` returned.
        """
        found = Fitted()
        for name, array in arrays.items():
            kind, _, rest = name.partition("/")
            if kind == "values":
                found.values[rest] = array.tolist()
            elif kind == "snapshot":
                found.snapshots[int(rest)] = array
            elif kind == "final":
                found.final[rest] = array
            else:
                found.earlier.setdefault(int(kind), {})[rest] = array
        return found


def measured_steps(spec: Spec, member: Replica) -> list[int]:
    """Return the times at which an estimator is looked at.

    Args:
        member: A row of the replica table; only main replicas are looked at before their end.
    """
    if spec.time in ("once", "budget") or member.role != "main":
        return list(ends_of(spec, member))
    return [int(step) for step in measurement_steps(spec.ends, spec.observe.window_measurements) if step > 0]


def ends_of(spec: Spec, member: Replica) -> tuple[int, ...]:
    """Return where the segments of a replica's training end.

    Args:
        member: A row of the replica table.
    """
    return (member.steps,) if member.role == "budget" else spec.ends


def fit_shard(folder: RunFolder, store: ShardStore, spec: Spec, dataset: Dataset, members: Sequence[Replica]) -> str:
    """Fit one shard until it has finished or the run is asked to stop.

    Args:
        store: The shard's disk side.
        members: The shard's rows of the replica table.

    Returns:
        `finished` or `interrupted`.

    Raises:
        RuntimeError: Every replica of the shard has crashed.
    """
    done, errors = _resumed(store)
    committed = shown = time.monotonic()
    for member in members[len(done) :]:
        if folder.stop_file.exists():
            _commit(store, done, errors)
            return "interrupted"
        printed = Tail()
        try:
            with threadpool_limits(1):
                done.append(fit_replica(spec, dataset, member, printed=printed))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one bad replica never sinks the run: it is named
            errors.append(_words(member, error, printed))
            done.append(Fitted())
        now = time.monotonic()
        if now - shown > PROGRESS_SECONDS:
            store.report_progress(member.steps * len(done) // len(members), _latest(done))
            shown = now
        if now - committed > COMMIT_SECONDS and len(done) < len(members):
            _commit(store, done, errors)
            committed = time.monotonic()
    if len(errors) == len(members):  # there is nothing to record: the shard counts as crashed, and is tried again
        raise RuntimeError("all replicas of the shard have crashed\n" + "\n".join(errors))
    ends, steps = ends_of(spec, members[0]), measured_steps(spec, members[0])
    for begin, end in list(zip((0, *ends), ends, strict=False))[store.segments :]:
        store.finish(_together(done, steps, begin, end))
    if errors:
        store.write_error("\n".join(errors))
    return "finished"


def _words(member: Replica, error: BaseException, printed: Tail) -> str:
    """Say which replica has crashed, where, and what it had printed."""
    said = f"it had printed:\n{printed.text.rstrip()}\n" if printed.text.strip() else ""
    return f"replica {member.name}\n{told(error)}\n{''.join(traceback.format_exception(error))}{said}"


def fit_replica(
    spec: Spec, dataset: Dataset, member: Replica, rows: Integers | None = None, printed: Tail | None = None
) -> Fitted:
    """Fit one replica and record it.

    Args:
        member: A row of the replica table.
        rows: Its examples, instead of those that the replica table decides.
        printed: Keeps the end of what is printed meanwhile.
    """
    return torch_seeded(partial(_recorded, spec, dataset, member, rows, printed))


def _recorded(
    spec: Spec, dataset: Dataset, member: Replica, rows: Integers | None = None, printed: Tail | None = None
) -> Fitted:
    found = Fitted()
    # that a fit has not converged is recorded, and decides what S can say: its warnings are not shown
    with quiet(printed), watched(global_seed(member.init)) as draws:
        fit = fit_of(spec, dataset, member, rows)
    random_steps = seeded(fit.built.steps) or bool(draws.names)
    with quiet(printed), watched(global_seed(member.init, part=1)):
        test = fit.built.seen(dataset.x_test)
        shifted = fit.built.seen(dataset.x_shifted) if dataset.x_shifted is not None else None
        ends = ends_of(spec, member)
        kept = {*ends} | ({ends[0] // 2} if spec.time == "partial" and member.role == "main" else set())
        steps = sorted({*measured_steps(spec, member), *kept})
        for moment in moments(spec, fit, steps, dataset.outputs):
            if moment.step in measured_steps(spec, member):
                answers = _look(found, spec, dataset, fit, moment, test, shifted)
            if moment.step in kept:
                structure, vector = _microstate(moment.fitted, test[:ANCHORS], dataset.task, bool(spec.observe.micro))
                found.snapshots[moment.step] = vector
            if moment.step in ends:
                found.earlier[moment.step] = found.final | _final(dataset, fit, moment.fitted, answers, structure)
                found.earlier[moment.step]["seeded_steps"] = np.array(random_steps)
        found.final = found.earlier.pop(ends[-1])
    return found


def _microstate(fitted: Any, anchors: NDArray[Any], task: str, wanted: bool) -> tuple[str, NDArray[np.floating]]:
    """Return the microstate; none where nothing microscopic is observed, or a model is not made as its parts seem to say."""
    if not wanted:
        return NOTHING, np.empty(0)
    try:
        return microstate(fitted, anchors, task)
    except Exception:  # noqa: BLE001 - whatever an estimator calls as others do and means otherwise
        return NOTHING, np.empty(0)


def _look(
    found: Fitted,
    spec: Spec,
    dataset: Dataset,
    fit: Fit,
    moment: Moment,
    test: NDArray[Any],
    shifted: NDArray[Any] | None,
) -> Array:
    """Record the observables of one moment, and return the answers on the test set."""
    terms = penalties(moment.fitted, len(fit.y)) if spec.time != "staged" else {}
    answers = {"train": moment.answers(fit.x), "test": moment.answers(test)}
    if shifted is not None:
        answers["shifted"] = moment.answers(shifted)
    kind = kind_of_answer(moment.fitted, dataset.outputs)
    formulas = formulas_of(spec.observe.macro, dataset.task, kind)
    loss = loss_of(moment.fitted, partial(moment.scores, fit.x), fit.y)
    if loss is None:  # it does not say what it minimizes
        loss = mean_loss(kind, dataset, fit.y, answers["train"])
    for name, value in measure_fit(formulas, dataset, fit.y, answers, loss, terms).items():
        found.values.setdefault(name, []).append(value)
    if not found.final:
        before = before_fit(formulas, dataset, fit.y)
        found.final |= {f"before/{name}": np.array(value) for name, value in before.items()}
    return answers["test"]


def _final(dataset: Dataset, fit: Fit, fitted: Any, answers: Array, structure: str) -> dict[str, NDArray[Any]]:
    """Return what is found out once, at the end."""
    unique = one_optimum(fitted, len(fit.y), np.shape(fit.x)[1])
    rest = closed(fitted) or (unique and converged(fitted))
    errors = response.errors(answers[None], dataset.y_test, dataset.task)[0]
    support = {"support": support_in_pool(fitted, fit.rows, len(dataset.y))} if is_machine(fitted) else {}
    return support | {
        "test_errors": errors,
        "outputs": answers[:, :TEST_OUTPUTS].astype(np.float32),
        "unique": np.array(unique),
        "timeless": np.array(rest and all(closed(step) for step in fit.built.steps)),
        f"kind:{structure}": np.array(True),
        "sizes": np.array(layer_sizes(fitted) if structure == NETWORK.name else (), dtype=np.int64),
    }


def _together(done: Sequence[Fitted], steps: list[int], begin: int, end: int) -> ShardRecords:
    """Join replicas into the records of a segment of their shard; a crashed one has NaN everywhere, and a flag."""
    whole = next(one for one in done if one.values)
    places = [place for place, step in enumerate(steps) if begin < step <= end]
    records = ShardRecords([steps[place] for place in places])
    for name, row in whole.values.items():
        table = np.array([one.values.get(name, [np.nan] * len(row)) for one in done])
        records.values[name] = list(table.T[places])
    for step, array in whole.snapshots.items():
        if not begin < step <= end:
            continue
        rows = [one.snapshots.get(step, np.full_like(array, np.nan)) for one in done]
        alike = all(
            row.shape == array.shape for row in rows
        )  # steps fitted on a subsample may give features of their own
        records.snapshots[step] = np.stack(rows) if alike else np.empty((len(rows), 0))
    for name, array in whole.earlier.get(end, whole.final).items():
        blank = np.full_like(array, np.nan) if array.dtype.kind == "f" else np.zeros_like(array)
        records.final[name] = np.stack([one.earlier.get(end, one.final).get(name, blank) for one in done])
    records.final["crashed"] = np.array([not one.values for one in done])
    return records


def _latest(done: Sequence[Fitted]) -> dict[str, NDArray[np.float64]]:
    whole = [one for one in done if one.values]
    return {name: np.array([one.values[name][-1] for one in whole]) for name in whole[0].values} if whole else {}


def _commit(store: ShardStore, done: Sequence[Fitted], errors: Sequence[str]) -> None:
    arrays = {f"{number}/{name}": array for number, one in enumerate(done) for name, array in one.arrays().items()}
    words = np.frombuffer("\0".join(errors).encode(), dtype=np.uint8)
    store.commit(len(done), {**arrays, "errors": words.copy()}, ShardRecords())


def _resumed(store: ShardStore) -> tuple[list[Fitted], list[str]]:
    """Return the replicas that were fitted before, and the tracebacks of those that crashed."""
    committed = store.resume() if not store.segments or store.step >= 0 else None
    if committed is None:
        return [], []
    count, state, _ = committed
    rows: list[dict[str, NDArray[Any]]] = [{} for _ in range(count)]
    for name, array in state.items():
        number, _, rest = name.partition("/")
        if rest:
            rows[int(number)][rest] = array
    words = state["errors"].tobytes().decode()
    return [Fitted.of(row) for row in rows], words.split("\0") if words else []
