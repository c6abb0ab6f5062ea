"""What the throughput benchmark compares: the same training in the package, in PyTorch, in JAX and in scikit-learn.

Each peer is a function that gets a process's share of a case ready and returns what is timed: a call that trains for the case's
number of steps and returns the replica-steps that it did. Heavy imports stay inside, so that each process has only its own.
"""

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from thermo_cli.contracts import Dataset, Integers
    from thermo_cli.design import Replica
    from thermo_cli.spec import Spec

ROOT: Final = Path(__file__).resolve().parent.parent.parent
RATE, MOMENTUM, DECAY = 0.05, 0.9, 5e-4
FEW: Final = 4  # replicas that a peer without stacking trains in each process: the cost of each does not depend on R
Training = Callable[[], int]


@dataclass(frozen=True)
class Case:
    """One size of the comparison.

    Attributes:
        width: Units of each of the two hidden layers.
        batch: Examples per step.
        replicas: R, all processes together.
        steps: Steps of each replica in one measurement.
    """

    width: int
    batch: int
    replicas: int
    steps: int


def spec_of(case: Case) -> "Spec":
    """Return the quickstart's spec at a case's size, with one history.

    Args:
        case: The size.
    """
    from thermo_cli.spec import load_spec

    return load_spec(
        ROOT / "experiments" / "quickstart.yaml",
        [
            f"system.with.hidden=[{case.width}, {case.width}]",
            f"dynamics.with={{lr: {RATE}, momentum: {MOMENTUM}, weight_decay: {DECAY}}}",
            f"dynamics.batch_size={case.batch}",
            f"ensemble.replicas={case.replicas}",
            "histories={cold: {}}",
        ],
    )


@cache
def examples(case: Case) -> tuple["Dataset", "Integers", "tuple[Replica, ...]"]:
    """Return the digits, each replica's examples as indices into the pool, (replica, subsample), and the replica table.

    Args:
        case: The size.
    """
    import numpy as np

    from thermo_cli.data.split import load_dataset, subsample
    from thermo_cli.design import replica_table

    spec = spec_of(case)
    dataset, table, rule = load_dataset(spec.data, ROOT), replica_table(spec), spec.ensemble.subsample
    rows = [subsample(rule, len(dataset.y), row.subsample, spec.ensemble.seed, row.part) for row in table]
    return dataset, np.stack(rows), table


def thermo(case: Case, part: int, parts: int) -> Training:
    """Shards of 16 replicas, one after another as a worker trains them; the slots that only fill a shard do not count.

    Args:
        case: The size.
        part: Which process this is.
        parts: Number of processes, over which the shards are spread.
    """
    import torch

    from thermo_cli.design import shards
    from thermo_cli.training import build_stack

    torch.set_num_threads(1)
    spec, (dataset, _, table) = spec_of(case), examples(case)
    mine = list(shards(table).values())[part::parts]
    stacks = [build_stack(spec, dataset, members) for members in mine]

    def train() -> int:
        for stack in stacks:  # they go on where they stopped, so that no batches are drawn twice
            stack.advance(stack.step + case.steps)
        return case.steps * sum(len(members) for members in mine)

    return train


def pytorch(case: Case, part: int, parts: int) -> Training:
    """nn.Sequential, autograd and torch.optim.SGD, replica after replica.

    Args:
        case: The size.
        part: Which process this is.
        parts: Number of processes, over which the replicas are spread.
    """
    import torch
    from torch import nn

    torch.set_num_threads(1)
    dataset, rows, _ = examples(case)
    mine = rows[part::parts][:FEW]
    x, y = torch.from_numpy(dataset.x).float(), torch.from_numpy(dataset.y).long()
    own = [(x[index], y[index]) for index in mine]
    measure, generator = nn.CrossEntropyLoss(), torch.Generator()

    def one(inputs: torch.Tensor, classes: torch.Tensor) -> None:
        first, middle, last = (
            nn.Linear(x.shape[1], case.width),
            nn.Linear(case.width, case.width),
            nn.Linear(case.width, 10),
        )
        network = nn.Sequential(first, nn.ReLU(), middle, nn.ReLU(), last)
        optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY, fused=True)
        epochs = -(-case.steps * case.batch // len(inputs))
        order = torch.cat([torch.randperm(len(inputs), generator=generator) for _ in range(epochs)])
        for index in order[: case.steps * case.batch].split(case.batch):
            loss = measure(network(inputs[index]), classes[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def train() -> int:
        for inputs, classes in own:
            one(inputs, classes)
        return case.steps * len(own)

    return train


def jax(case: Case, part: int, parts: int) -> Training:
    """All replicas in one vmap, all steps in one compiled scan; which examples each step uses is drawn beforehand, free.

    Args:
        case: The size.
        part: Always 0.
        parts: Always 1: one process, one core.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np

    dataset, rows, _ = examples(case)
    generator, shape = np.random.default_rng(0), (case.steps, case.batch)
    count = -(-case.steps * case.batch // rows.shape[1])
    orders = [np.concatenate([generator.permutation(row) for _ in range(count)]) for row in rows]
    index = jnp.asarray(np.stack([row[: case.steps * case.batch].reshape(shape) for row in orders], axis=1), jnp.int32)
    x, y = jnp.asarray(dataset.x, jnp.float32), jnp.asarray(np.eye(10)[dataset.y], jnp.float32)

    def loss(layers: Any, inputs: Any, targets: Any) -> Any:
        for weight, bias in layers[:-1]:
            inputs = jax.nn.relu(inputs @ weight + bias)
        return -(jax.nn.log_softmax(inputs @ layers[-1][0] + layers[-1][1]) * targets).sum(1).mean()

    def step(state: Any, chosen: Any) -> Any:
        gradient = jax.vmap(jax.grad(loss))(state[0], x[chosen], y[chosen])
        velocity = jax.tree.map(lambda v, g, p: MOMENTUM * v + g + DECAY * p, state[1], gradient, state[0])
        return (jax.tree.map(lambda p, v: p - RATE * v, state[0], velocity), velocity), None

    layers = []
    for sizes in ((x.shape[1], case.width), (case.width, case.width), (case.width, 10)):
        bound = sizes[0] ** -0.5
        shapes = ((case.replicas, *sizes), (case.replicas, sizes[1]))
        layers.append(tuple(jnp.asarray(generator.uniform(-bound, bound, shape), jnp.float32) for shape in shapes))
    scan = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches)[0], donate_argnums=0)
    state = (layers, jax.tree.map(jnp.zeros_like, layers))

    def train() -> int:
        nonlocal state
        state = jax.block_until_ready(scan(state, index))
        return case.steps * case.replicas

    return train


def scikit(case: Case, part: int, parts: int, core: int) -> tuple[float, float, int]:
    """MLPClassifier, replica after replica, for about the case's steps; a task of joblib, which times itself.

    Args:
        case: The size.
        part: Which process this is.
        parts: Number of processes, over which the replicas are spread.
        core: Where to stay.

    Returns:
        Start and end on the clock that all processes share, and the replica-steps between them.
    """
    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    os.sched_setaffinity(0, {core})
    warnings.simplefilter("ignore", ConvergenceWarning)
    dataset, rows, _ = examples(case)
    own = [(dataset.x[index].astype(np.float32), dataset.y[index]) for index in rows[part::parts][:FEW]]
    per_epoch = -(-rows.shape[1] // case.batch)
    epochs = max(round(case.steps / per_epoch), 1)
    rule = {"solver": "sgd", "momentum": MOMENTUM, "nesterovs_momentum": False, "learning_rate_init": RATE}
    start = time.perf_counter()
    for x, y in own:
        MLPClassifier(
            (case.width, case.width),
            alpha=DECAY * case.batch,  # it divides the penalty by the number of examples in the batch
            batch_size=case.batch, max_iter=epochs, tol=0.0, n_iter_no_change=10**9, random_state=0, **rule,
        ).fit(x, y)  # fmt: skip
    return start, time.perf_counter(), len(own) * epochs * per_epoch


PEERS: Final = {"thermo": thermo, "PyTorch": pytorch, "JAX": jax}
