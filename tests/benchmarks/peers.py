"""The competitors of the throughput benchmark: each trains the same networks on the same data and says how long it took.

A peer lives in a process of its own, pinned to one core with one thread. Asked for (width, replicas, steps), it gets everything
ready (data, compilation, warm-up) and returns the function that trains, whose time counts.
"""

import itertools
import os
import time
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent.parent
BATCH: Final = {32: 32, 128: 64}
LR, MOMENTUM, DECAY = 0.05, 0.9, 5e-4
MOST_ALONE: Final = (
    2  # replicas that a peer without stacking trains per process; the cost of each does not depend on how many
)

Work = tuple[Callable[[], Any], float]  # what is timed, and how many replicas' worth of the steps it really trains


def serve(peer: str, core: int, pipe: Connection) -> None:
    """Answer requests until the pipe closes; every time is measured in this process.

    Args:
        peer: A key of `PEERS`.
        core: The core to stay on.
        pipe: Receives (width, replicas, steps), sends "ready", receives "go", sends (seconds, replicas).
    """
    os.sched_setaffinity(0, {core})
    while True:
        try:
            width, replicas, steps = pipe.recv()
        except EOFError:
            return
        if not replicas:
            pipe.send("ready")
            pipe.recv()
            pipe.send((0.0, 0))
            continue
        train, real = PEERS[peer](width, replicas, steps)
        pipe.send("ready")
        pipe.recv()
        start = time.perf_counter()
        train()
        pipe.send((time.perf_counter() - start, real))


@cache
def data(width: int) -> tuple[Any, Any, Any]:
    """Return the study of the quickstart at a width, its pool and targets in float32.

    Args:
        width: Units of each of the two hidden layers.
    """
    import numpy as np

    from thermo_cli.experiment import prepare
    from thermo_cli.spec import load_spec

    overrides = [
        f"system.with.hidden=[{width}, {width}]",
        f"dynamics.batch_size={BATCH[width]}",
        "ensemble.replicas=128",
        f"dynamics.with={{lr: {LR}, momentum: {MOMENTUM}, weight_decay: {DECAY}}}",
        "histories={cold: {}}",
    ]
    study = prepare(load_spec(ROOT / "experiments" / "quickstart.yaml", overrides), ROOT, Path("unused"))
    dataset = study.points[0].facts.dataset
    return study, dataset.x.astype(np.float32), dataset.y


def thermo(width: int, replicas: int, steps: int) -> Work:
    """Stacks as wide as `thermo-run` trains them where every worker has enough.

    Args:
        width: Units of each hidden layer.
        replicas: How many of the first history's.
        steps: Steps of each.
    """
    import torch

    from thermo_cli.kinds.networks import batches
    from thermo_cli.kinds.networks.learner import build_stack

    torch.set_num_threads(1)
    study, _, _ = data(width)
    rows, most = [row for row in study.table if row.history == study.table[0].history][:replicas], study.stacked
    groups = [rows[first : first + most] for first in range(0, replicas, most)]
    stacks = [build_stack(study.spec, study.points[0].facts.dataset, members) for members in groups]
    stacks[0].advance(10)
    stacks[0].step = 0
    batches._block.cache_clear()  # in a long training no mini-batch has been drawn before

    def train() -> None:
        for stack in stacks:
            stack.advance(steps)

    return train, replicas


def pytorch(width: int, replicas: int, steps: int) -> Work:
    """One nn.Sequential after another with autograd and the fused SGD of torch.optim.

    Args:
        width: Units of each hidden layer.
        replicas: At most `MOST_ALONE` are trained.
        steps: Steps of each.
    """
    import torch
    from torch import nn

    torch.set_num_threads(1)
    _, x, y = data(width)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    generator = torch.Generator().manual_seed(0)
    criterion = nn.CrossEntropyLoss()

    def build() -> tuple[nn.Module, torch.optim.Optimizer]:
        layers = (nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
        network = nn.Sequential(*layers)
        rule = {"lr": LR, "momentum": MOMENTUM, "weight_decay": DECAY, "fused": True}
        return network, torch.optim.SGD(network.parameters(), **rule)

    def one(network: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
        rows = torch.randint(0, len(inputs), (count, BATCH[width]), generator=generator)
        for step in range(count):
            optimizer.zero_grad()
            criterion(network(inputs[rows[step]]), targets[rows[step]]).backward()
            optimizer.step()

    built = [build() for _ in range(min(replicas, MOST_ALONE))]
    for network, optimizer in built:
        one(network, optimizer, 20)

    def train() -> None:
        for network, optimizer in built:
            one(network, optimizer, steps)

    return train, len(built)


def jax(width: int, replicas: int, steps: int) -> Work:
    """All replicas in one vmap, all steps in one scan, compiled; its mini-batches are drawn beforehand, free of charge.

    Args:
        width: Units of each hidden layer.
        replicas: All are trained together.
        steps: Steps of each.
    """
    train = compiled(width, replicas, steps)
    train()
    return train, replicas


@cache
def compiled(width: int, replicas: int, steps: int) -> Callable[[], Any]:
    """Return JAX's training, which compiles when it is first called.

    Args:
        width: Units of each hidden layer.
        replicas: Trained together.
        steps: Steps of each.
    """
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax
    import jax.numpy as jnp
    import numpy as np

    _, pool, classes = data(width)
    x, y = jnp.asarray(pool), jnp.asarray(classes)
    generator = np.random.default_rng(0)
    sizes = (64, width, width, 10)
    start = [
        (jnp.asarray(generator.uniform(-0.1, 0.1, (replicas, a, b)), jnp.float32), jnp.zeros((replicas, b)))
        for a, b in itertools.pairwise(sizes)
    ]
    rows = jnp.asarray(generator.integers(0, len(pool), (steps, replicas, BATCH[width])))

    def loss(layers: Any, inputs: Any, targets: Any) -> Any:
        for weight, bias in layers[:-1]:
            inputs = jax.nn.relu(inputs @ weight + bias)
        logits = jax.nn.log_softmax(inputs @ layers[-1][0] + layers[-1][1])
        return -jnp.take_along_axis(logits, targets[:, None], 1).mean()

    def step(state: Any, row: Any) -> Any:
        layers, velocity = state
        gradient = jax.vmap(jax.grad(loss))(layers, x[row], y[row])
        velocity = jax.tree.map(lambda v, g, p: MOMENTUM * v + g + DECAY * p, velocity, gradient, layers)
        return (jax.tree.map(lambda p, v: p - LR * v, layers, velocity), velocity), None

    run = jax.jit(
        lambda layers, batches: jax.lax.scan(step, (layers, jax.tree.map(jnp.zeros_like, layers)), batches)[0]
    )
    return lambda: jax.block_until_ready(run(start, rows))


def scikit(width: int, replicas: int, steps: int) -> Work:
    """MLPClassifier, one after another, for as many epochs as make the steps.

    Args:
        width: Units of each hidden layer.
        replicas: At most `MOST_ALONE` are trained.
        steps: Steps of each; rounded to whole epochs, and the steps really taken are what counts.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    _, x, y = data(width)
    x, y = x[: 4 * 157], y[: 4 * 157]  # as many examples as a replica's subsample
    per_epoch = -(-len(x) // BATCH[width])
    epochs = max(round(steps / per_epoch), 1)

    def one(count: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            MLPClassifier(  # alpha: it divides the penalty by the examples of the batch
                (width, width),
                solver="sgd",
                batch_size=BATCH[width],
                learning_rate_init=LR,
                momentum=MOMENTUM,
                max_iter=count,
                nesterovs_momentum=False,
                alpha=DECAY * BATCH[width],
                tol=0.0,
                n_iter_no_change=10**6,
                random_state=0,
            ).fit(x, y)

    one(1)
    real = min(replicas, MOST_ALONE)

    def train() -> None:
        for _ in range(real):
            one(epochs)

    return train, real * epochs * per_epoch / steps


PEERS: Final[dict[str, Callable[[int, int, int], Work]]] = {
    "thermo": thermo,
    "PyTorch loop": pytorch,
    "JAX": jax,
    "scikit-learn": scikit,
}
