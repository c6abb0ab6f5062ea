"""Training throughput of a convolutional network and a transformer against a PyTorch loop over the same modules.

    python tests/benchmarks/deep.py [--rounds 5] [--steps 60]

16 replicas, half of them in each of two processes, one core and one thread each; the slower decides. The loop trains replica
after replica with autograd and the fused SGD, the convolutions in channels_last. Start-up counts for nobody.
"""

import argparse
import os
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent))
import peers
from peers import DECAY, LR, MOMENTUM, MOST_ALONE, Work
from throughput import rate, start

from thermo_cli.rounding import processor

REPLICAS: Final = 16
BATCH: Final = 32
NET: Final = """\
from torch import nn


class Net(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(
            nn.Unflatten(1, (1, 16, 16)),
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(512, outputs),
        )
"""
SYSTEMS: Final = {
    "cnn, 16 x 16, convolutions of 16 and 32 channels": {"use": "benchmark_net:Net"},
    "transformer, 16 tokens, width 64, 2 layers": {
        "use": "transformer",
        "with": {"tokens": 16, "width": 64, "heads": 4, "layers": 2, "hidden": 128},
    },
}


def prepared(system: str) -> tuple[Any, Any]:
    """Return the study of a system on digits of 16 x 16 pixels, and its data.

    Args:
        system: A key of `SYSTEMS`.
    """
    import numpy as np
    from sklearn.datasets import load_digits

    from thermo_cli.experiment import prepare
    from thermo_cli.spec import load_spec

    folder = Path(tempfile.mkdtemp())
    (folder / "benchmark_net.py").write_text(NET)
    digits = load_digits()
    np.savez(folder / "digits.npz", x=np.kron(digits.images, np.ones((2, 2))).reshape(-1, 256), y=digits.target)
    rule = {"use": "sgd", "with": {"lr": LR, "momentum": MOMENTUM, "weight_decay": DECAY}}
    spec = {
        "data": {"use": "npz", "with": {"path": "digits.npz"}},
        "system": SYSTEMS[system],
        "dynamics": {**rule, "batch_size": BATCH, "steps": 16000},
        "ensemble": {"replicas": REPLICAS, "subsample": {"fraction": 0.5}},
    }
    study = prepare(load_spec(spec), folder, folder / "results", ["local"])
    return study, study.points[0].facts.dataset


def thermo(system: str, replicas: int, steps: int) -> Work:
    """Stacks as wide as `thermo-run` trains them."""
    import torch

    from thermo_cli.kinds.networks.learner import build_stack

    torch.set_num_threads(1)
    study, dataset = prepared(system)
    rows = [row for row in study.table if row.role == "main"][:replicas]
    most = study.stacked or study.spec.width
    stacks = [build_stack(study.spec, dataset, rows[first : first + most]) for first in range(0, replicas, most)]
    for stack in stacks:
        stack.advance(5)
        stack.step = 0

    def train() -> None:
        for stack in stacks:
            stack.advance(steps)

    return train, replicas


def pytorch(system: str, replicas: int, steps: int) -> Work:
    """The same module, one replica after another."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    _, dataset = prepared(system)
    inputs, targets = torch.from_numpy(dataset.x.astype("float32")), torch.from_numpy(dataset.y)
    generator = torch.Generator().manual_seed(0)

    def build() -> tuple[nn.Module, torch.optim.Optimizer]:
        if "cnn" in system:
            space: dict[str, Any] = {}
            exec(NET, space)  # as a user's own file holds it
            network = space["Net"](256, 10).to(memory_format=torch.channels_last)
        else:
            from thermo_cli.kinds.networks.transformer import Transformer

            network = Transformer(16, 16, 10, 64, 4, 2, 128, "relu", 0.0)
        rule = {"lr": LR, "momentum": MOMENTUM, "weight_decay": DECAY, "fused": True}
        return network, torch.optim.SGD(network.parameters(), **rule)

    def one(network: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
        rows = torch.randint(0, len(inputs), (count, BATCH), generator=generator)
        for step in range(count):
            optimizer.zero_grad()
            answer = network(inputs[rows[step]])
            answer = answer[0] if isinstance(answer, tuple) else answer
            nn.functional.cross_entropy(answer, targets[rows[step]]).backward()
            optimizer.step()

    built = [build() for _ in range(min(replicas, MOST_ALONE))]
    for each in built:
        one(*each, 5)

    def train() -> None:
        for each in built:
            one(*each, steps)

    return train, len(built)


def serve(peer: str, core: int, pipe: Connection) -> None:
    """Answer requests as `peers.serve` does, of these peers.

    Args:
        peer: `thermo` or `PyTorch loop`.
        core: The core to stay on.
        pipe: Receives (system, replicas, steps).
    """
    peers.PEERS.update({"thermo": thermo, "PyTorch loop": pytorch})
    peers.serve(peer, core, pipe)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    first, second = sorted(os.sched_getaffinity(0))[:2]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    pairs = {peer: start(peer, (first, second), serve) for peer in ("thermo", "PyTorch loop")}
    even = (REPLICAS // 2, REPLICAS // 2)
    print(f"| {REPLICAS} replicas, batches of {BATCH} | us per replica-step | x PyTorch loop |\n| --- | ---: | ---: |")
    for system in SYSTEMS:
        rounds = [
            {peer: rate(pair, system, even, options.steps) for peer, pair in pairs.items()}
            for _ in range(options.rounds)
        ]
        own = median(one["thermo"] for one in rounds)
        ratios = [one["PyTorch loop"] / one["thermo"] for one in rounds]
        print(f"| {system} | {own:.0f} | **{median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f}) |", flush=True)
    print(f"\n{processor()}, two cores; {options.rounds} rounds of {options.steps} steps.")


if __name__ == "__main__":
    main()
