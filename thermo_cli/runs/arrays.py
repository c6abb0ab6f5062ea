"""The court on anybody's numbers: arrays in, verdict out, no spec and no run folder."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from thermo_cli.contracts import Array, Trajectories
from thermo_cli.equilibrium import court
from thermo_cli.equilibrium.ensemble import Ensemble, Goal, Question, Settings
from thermo_cli.errors import DataError, UsageError
from thermo_cli.judging.setting import goal_of
from thermo_cli.metric import default_margins, higher_is_better, per_cent_words, resolutions
from thermo_cli.runs.bath_pairs import pair_overlaps, raw_microscopic
from thermo_cli.runs.given import assumed, budgets_of, laid_out, steps_of
from thermo_cli.runs.held import HeldVerdict, held_verdict
from thermo_cli.spec.observing import Target


def judge(
    observables: Mapping[str, ArrayLike],
    *,
    steps: ArrayLike | None = None,
    margins: Mapping[str, float] | None = None,
    histories: Sequence[str] | None = None,
    microstates: ArrayLike | Mapping[str, ArrayLike] | None = None,
    confidence: float = 0.95,
    content: float = 0.85,
    window: float = 0.5,
    tolerance: str = "distribution-free",
    diverged: int = 0,
    initial: Mapping[str, float] | None = None,
    schedule: str | None = None,
    budgets: Mapping[str, ArrayLike] | None = None,
    targets: Mapping[str, Mapping[str, float]] | None = None,
    test_examples: int | None = None,
    require_ergodic: bool = False,
    scope: str = "for the replicas given",
) -> HeldVerdict:
    """Judge an ensemble that was trained anywhere.

    Args:
        observables: Name to A_r(t), (replica, time), or (time, replica) where the number of steps tells which; or to final
            scores alone, (replica,) or (replica, 1): a column is never one replica in time. Lists, arrays, masked arrays,
            tensors, frames. NaN between finite values is a measurement that is missing, and is left out of all replicas; NaN to
            the end is a replica that has diverged; a step at which no replica has a value of an observable, although it has one
            of another, is none of its steps.
        steps: The measured steps, increasing, (time,); the last one is the training time T. Final scores alone need none.
        margins: Observable to delta > 0; defaults for test_accuracy, test_r2 and, with a record at step 0, energy.
        histories: History of each replica; one history if absent.
        microstates: Parameters at T, (replica, parameter), for the record; or, where they have no symmetry, what diversity is
            decided on: a mapping of `pairs` that share their bath, (pair, 2, parameter), and `reference`, microstates that have
            nothing in common, (state, parameter); and if known, `earlier`, the pairs' first members half the training time
            earlier, (pair, parameter), and `floor`, the distance that rounding makes.
        confidence: 1 - alpha of every confidence statement.
        content: Share of fresh replicas that must be inside a margin.
        window: Fraction of the training time, at its end.
        tolerance: `distribution-free` or `normal`.
        diverged: Replicas that may diverge.
        initial: Observable to its mean before training, where the first record is later than that.
        schedule: `constant`, or anything else when the learning rate changed within the window; if it is not stated, the scope
            of the verdict says what was assumed.
        budgets: Observable to final values of the same replicas with total budgets T/4, T/2 and T, (replica, 3).
        targets: Observable to `{"at_least": bound}` or `{"at_most": bound}`, with `"share"` for a share of fresh replicas.
        test_examples: Size of the test set, for the default margin of the accuracy.
        require_ergodic: Whether thermalized also needs ergodicity.
        scope: Which randomness was varied.

    Returns:
        With `.verdict`, `.criteria`, `.summary`.

    Raises:
        DataError: The arrays do not fit each other or hold no time.
        UsageError: A setting is not possible.
    """
    given = dict(observables.items())
    known = steps_of(steps, given, bool(budgets))
    times = np.ones(1, dtype=np.int64) if known is None else known
    values = {name: laid_out(name, array, known) for name, array in given.items()}
    labels, count = _labels(values, histories)
    finals = {name: budgets_of(name, array, count) for name, array in (budgets or {}).items()}
    plan, aside = assumed(schedule, len(times) > 1)
    per_cent = per_cent_words(test_examples, values, margins or {})
    overlaps = pair_overlaps(microstates) if isinstance(microstates, Mapping) else None
    final = None if isinstance(microstates, Mapping) else microstates
    _check_counts({**finals, **({"microstates": np.asarray(final)} if final is not None else {})}, count)
    settings = Settings(
        confidence,
        content,
        window,
        _margins(margins or {}, values),
        diverged,
        tolerance,  # type: ignore[arg-type]
        require_ergodic,
        targets=_targets(targets or {}, values),
    )
    _check_settings(settings)
    names = _names(labels)
    _check_measured(values, names)
    trajectories = Trajectories(times, values, names, labels, np.zeros(count, dtype=bool), finals)
    question = Question(
        int(times[-1]),
        tuple(dict.fromkeys(labels)),
        default_margins(test_examples, values),
        plan,
        f"{scope}{aside}" + (f"; {per_cent}" if per_cent else ""),
        initial=dict(initial or {}),
        energy_margin=bool(times[0] == 0),
        resolutions=resolutions(test_examples, values),
        higher={name: higher for name in values if (higher := higher_is_better(name)) is not None},
    )
    return held_verdict(court.judge(Ensemble(trajectories, question, settings, overlaps), raw_microscopic(final)))


def _labels(values: Mapping[str, Array], histories: Sequence[str] | None) -> tuple[tuple[str, ...], int]:
    """Return the history of every replica and their number."""
    if not values:
        raise DataError("no observable was given", remedy="give at least one, name to (replica, time)")
    counts = {name: len(array) for name, array in values.items()}
    if len(set(counts.values())) > 1:
        raise DataError(
            "observables have different numbers of replicas",
            received=str(counts),
            remedy="fill what is missing of a replica with NaN: it counts as diverged",
        )
    count = next(iter(counts.values()))
    if count == 0:
        raise DataError("there is no replica", received="0 rows", remedy="give one row per replica")
    labels = tuple(str(label) for label in histories) if histories is not None else ("all",) * count
    _check_counts({"histories": labels}, count)
    return labels, count


def _check_measured(values: Mapping[str, Array], names: Sequence[str]) -> None:
    """Refuse a replica that has no value of an observable, and none to the end of no other: that is no divergence."""
    empty = {name: np.isnan(array).all(axis=1) for name, array in values.items()}
    whole = np.any([np.isfinite(array[:, -1]) for array in values.values()], axis=0)
    for name, nothing in empty.items():
        for row in np.flatnonzero(nothing & whole).tolist():
            raise DataError(
                "an observable is missing for some replicas",
                received=f"no value of {name} of {names[row]}",
                remedy="give it for every replica, or leave it out",
            )


def _check_counts(parts: Mapping[str, Any], count: int) -> None:
    for name, part in parts.items():
        if len(part) != count:
            raise DataError(
                f"{name} are not those of the replicas",
                received=f"{len(part)}, with {count} replicas",
                remedy=f"give {count}",
            )


def _margins(margins: Mapping[str, float], values: Mapping[str, Array]) -> dict[str, float]:
    for name, delta in margins.items():
        if name not in values:
            raise UsageError(
                "a margin for what is not observed",
                received=name,
                remedy="margins can go to " + ", ".join(sorted(values)),
            )
        if not (np.isfinite(delta) and delta > 0):
            raise UsageError(
                "a margin is a positive number",
                received=f"{name}: {delta}",
                remedy="the largest difference that does not matter",
            )
    return {name: float(delta) for name, delta in margins.items()}


def _targets(targets: Mapping[str, Mapping[str, float]], values: Mapping[str, Array]) -> dict[str, Goal]:
    goals = {}
    for name, target in targets.items():
        if name not in values:
            remedy = "targets can go to " + ", ".join(sorted(values))
            raise UsageError("a target for what is not observed", received=name, remedy=remedy)
        try:
            goals[name] = goal_of(Target.model_validate(dict(target)))
        except (TypeError, ValueError):
            raise UsageError(
                "a target has one bound", received=f"{name}: {target}", remedy='{"at_least": 0.95} or {"at_most": 0.2}'
            ) from None
    return goals


def _check_settings(settings: Settings) -> None:
    ranges = {"confidence": (0.5, 1.0), "content": (0.0, 1.0), "window": (0.0, 0.5)}
    for name, (least, most) in ranges.items():
        value = getattr(settings, name)
        if not (least <= value <= most) or value in (0.0, 1.0):
            raise UsageError(f"{name} is out of range", received=value, remedy=f"between {least:g} and {most:g}")
    if settings.tolerance not in ("distribution-free", "normal"):
        raise UsageError(
            "no such tolerance interval", received=settings.tolerance, remedy="distribution-free or normal"
        )


def _names(labels: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    names = []
    for label in labels:
        names.append(f"{label}/{seen.setdefault(label, 0)}")
        seen[label] += 1
    return tuple(names)
