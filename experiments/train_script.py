"""A training script as people write them, for command.yaml: softmax regression with an L2 penalty on digits, by mini-batch SGD.

It knows nothing of thermo: seed, examples and output folder are arguments, metrics are JSON lines, parameters safetensors.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

CLASSES = 10
TEST = 540  # the last examples are the test set; the first 1257 are the pool


def forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the probabilities of the classes, (example, class)."""
    logits = x @ w + b
    logits -= logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True)


def main() -> None:
    """Train one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the initial weights and of the mini-batches")
    parser.add_argument("--examples", type=Path, required=True, help="file of indices into the pool, one a line")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for metrics.jsonl and parameters-<step>.safetensors"
    )
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--init", type=float, default=0.01, help="standard deviation of the initial weights")
    parser.add_argument("--l2", type=float, default=0.01)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()

    data = load_digits()
    x, y = data.data / 16.0, data.target
    pool, test = slice(None, -TEST), slice(-TEST, None)
    chosen = np.loadtxt(args.examples, dtype=int)
    x_train, y_train, x_test, y_test = x[pool][chosen], y[pool][chosen], x[test], y[test]

    random = np.random.default_rng(args.seed)
    w, b = args.init * random.normal(size=(x.shape[1], CLASSES)), np.zeros(CLASSES)
    targets = np.eye(CLASSES)[y_train]
    every = max(args.steps // 128, 1)
    kept = {0, args.steps // 4, args.steps // 2, args.steps}

    with (args.out / "metrics.jsonl").open("w") as log:
        for step in range(args.steps + 1):
            if step % every == 0 or step == args.steps:
                p, p_test = forward(x_train, w, b), forward(x_test, w, b)
                loss = -np.log(p[np.arange(len(p)), y_train]).mean()
                metrics = {
                    "energy": loss + args.l2 / 2 * ((w**2).sum() + (b**2).sum()),
                    "train_loss": loss,
                    "test_loss": -np.log(p_test[np.arange(TEST), y_test]).mean(),
                    "test_accuracy": (p_test.argmax(axis=1) == y_test).mean(),
                }
                log.write(json.dumps({"step": step, **metrics}) + "\n")
                log.flush()
            if step in kept:
                save_file({"w": w, "b": b}, args.out / f"parameters-{step}.safetensors")
            batch = random.integers(0, len(x_train), args.batch)
            error = forward(x_train[batch], w, b) - targets[batch]
            w -= args.lr * (x_train[batch].T @ error / args.batch + args.l2 * w)
            b -= args.lr * (error.mean(axis=0) + args.l2 * b)
    print(f"test accuracy {metrics['test_accuracy']:.3f}")


if __name__ == "__main__":
    main()
