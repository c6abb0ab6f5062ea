"""Which examples are the test set: at random, by group, or the latest."""

import numpy as np

from thermo_cli.contracts import Examples, Integers
from thermo_cli.errors import DataError
from thermo_cli.spec.data_rules import DataPart

Sides = tuple[Integers, Integers]


def partition(examples: Examples, data: DataPart) -> Sides:
    """Return the examples of the pool and of the test set, each increasing.

    Args:
        examples: All examples.
        data: The spec's `data`, with the rule, the share of the test set and the seed.

    Raises:
        DataError: A side would be empty, or lack a class that it needs.
    """
    everything = np.arange(len(examples.y))
    rule = getattr(data, "split", None)
    if examples.test is not None:
        if rule is not None and rule.use != "random":
            raise DataError(
                "the function returns its own test set",
                received=f"split: {{use: {rule.use}}}",
                remedy="leave split out, or return x and y alone",
                where="data.split",
            )
        sides = np.setdiff1d(everything, examples.test), examples.test
    elif data.test_fraction == 0:  # a truth table: what is learned is the whole of it
        return everything, everything
    elif rule is None or rule.use == "random":
        return _random(examples, data)
    else:
        if examples.key is None:
            raise DataError(
                f"a {rule.use} split needs the {'groups' if rule.use == 'grouped' else 'time'} of each example",
                received="a function that returns none",
                where="data.split",
                remedy=f"return a mapping with {'groups' if rule.use == 'grouped' else 'time'}, (examples,)",
            )
        sides = (_grouped if rule.use == "grouped" else _by_time)(examples.key, data)
    check_classes(examples, sides[0], "in the test set alone")
    return sides


def _random(examples: Examples, data: DataPart) -> Sides:
    """Draw the test set, classes in proportion."""
    from sklearn.model_selection import train_test_split

    classes = examples.y if examples.task == "classification" else None
    if classes is not None and (counts := np.bincount(classes)).min() < 2:
        alone = [repr(examples.labels[place]) for place in np.flatnonzero(counts < 2)]
        more = f" and {len(alone) - 5} more of {len(counts)} classes" if len(alone) > 5 else ""
        raise DataError(
            "each class needs an example in the pool and one in the test set",
            received=f"one example of class {', '.join(alone[:5])}{more}",
            remedy="remove the class, make it one with another, or add examples"
            + ("; task: regression, if these are numbers" if 2 * len(alone) > len(counts) else ""),
            where="data",
        )
    try:
        pool, test = train_test_split(
            np.arange(len(examples.y)), test_size=data.test_fraction, random_state=data.split_seed, stratify=classes
        )
    except ValueError as error:
        raise DataError(
            "the examples cannot be split into a pool and a test set",
            received=f"{len(examples.y)} examples, data.test_fraction {data.test_fraction:g}: {error}",
            remedy="another data.test_fraction, or more examples",
        ) from None
    return np.sort(pool), np.sort(test)


def _grouped(groups: np.ndarray, data: DataPart) -> Sides:
    """Draw whole groups: `test_fraction` is the share of the groups in the test set."""
    from sklearn.model_selection import GroupShuffleSplit

    distinct = len(np.unique(groups))
    if distinct < 2:
        raise DataError(
            "a grouped split needs two groups or more",
            received=f"{distinct} group",
            remedy="another column of groups",
            where="data.split",
        )
    rule = GroupShuffleSplit(n_splits=1, test_size=data.test_fraction, random_state=data.split_seed)
    try:
        pool, test = next(rule.split(groups, groups=groups))
    except ValueError as error:
        raise DataError(
            "the groups cannot be split into a pool and a test set",
            received=f"{distinct} groups, data.test_fraction {data.test_fraction:g}: {error}",
            remedy="another data.test_fraction, or more groups",
            where="data.split",
        ) from None
    return np.sort(pool), np.sort(test)


def _by_time(times: np.ndarray, data: DataPart) -> Sides:
    """Set the latest examples aside; examples of one time stay together, so the test set may be larger than its share."""
    count = max(round(data.test_fraction * len(times)), 1)
    first = np.sort(times)[len(times) - count]
    pool, test = np.flatnonzero(times < first), np.flatnonzero(times >= first)
    if not len(pool):
        raise DataError(
            "no example is earlier than the test set",
            received=f"{len(test)} examples from time {first} on",
            remedy="a smaller data.test_fraction, or finer times",
            where="data.split",
        )
    return pool, test


def check_classes(examples: Examples, pool: Integers, what: str) -> None:
    """Refuse a pool without an example of some class: nobody could learn it.

    Args:
        examples: All examples.
        pool: Those of the pool.
        what: Where the class is, for the message.

    Raises:
        DataError: Such a class.
    """
    if examples.task != "classification" or not len(pool):
        return
    missing = np.setdiff1d(np.arange(len(examples.labels)), examples.y[pool])
    if len(missing):
        raise DataError(
            f"a class is {what}",
            received=repr(examples.labels[int(missing[0])]),
            remedy="another data.split_seed or data.test_fraction, or remove the class",
            where="data",
        )
