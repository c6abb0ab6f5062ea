"""Writes the logs beside it, each with the client that people write it with; the tests read the logs and need no client.

    python -m venv clients && clients/bin/pip install torch lightning keras transformers accelerate tensorboard mlflow
    clients/bin/python tests/logs/make.py

Written with torch 2.13.0, lightning 2.6.6, keras 3.15.1, transformers 5.24.0, accelerate 1.15.0, tensorboard 2.21.0 and mlflow
3.17.2. What W&B's page exports no client writes: that table has its layout. Of MLflow's database, 700 kB of empty tables, the
three that hold runs are kept, as SQL.
"""

import csv
import getpass
import os
import re
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

os.environ |= {"KERAS_BACKEND": "torch", "MLFLOW_ALLOW_FILE_STORE": "true", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np

HERE = Path(__file__).parent
SEEDS = range(3)
STEPS = range(0, 101, 10)


def examples(seed: int) -> tuple[Any, Any]:
    """Return features of 96 examples and which of two classes each is of."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((96, 4)).astype(np.float32)
    return x, (x.sum(axis=1) + generator.normal(0, 0.5, 96) > 0).astype(np.int64)


def course(seed: int) -> dict[int, tuple[float, float]]:
    """Return loss and accuracy of a logistic regression by gradient descent, at each step that is logged."""
    (x, y), (held, labels), w = examples(seed), examples(99), np.zeros(4)
    values = {}
    for step in range(STEPS[-1] + 1):
        p = 1 / (1 + np.exp(-x @ w))
        if step in STEPS:
            loss = -np.log(np.where(y, p, 1 - p)).mean()
            values[step] = float(loss), float(((held @ w > 0) == labels).mean())
        w -= 0.1 * x.T @ (p - y) / len(y)
    return values


def lightning(folder: Path) -> None:
    """Lightning's CSVLogger, rows of training and of validation at the same steps."""
    import lightning as pl
    import torch
    from lightning.pytorch.loggers import CSVLogger

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 2)

        def training_step(self, batch: Any, number: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, number: int) -> None:
            scores = self.layer(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(scores, batch[1]))
            self.log("val_acc", (scores.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    for seed in SEEDS:
        pl.seed_everything(seed)
        train, held = (torch.utils.data.TensorDataset(*map(torch.tensor, examples(number))) for number in (seed, 99))
        trainer = pl.Trainer(
            max_epochs=10,
            logger=CSVLogger(folder.parent, name=folder.name, version=seed),
            log_every_n_steps=2,
            accelerator="cpu",
            enable_checkpointing=False,
            enable_progress_bar=False,
        )
        loaders = (torch.utils.data.DataLoader(part, batch_size=32) for part in (train, held))
        trainer.fit(Module(), *loaders)


def keras(folder: Path) -> None:
    """Keras' CSVLogger, a file for each run."""
    import keras

    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        logger = keras.callbacks.CSVLogger(folder / f"seed{seed}.csv")
        model.fit(*examples(seed), validation_data=examples(99), epochs=10, verbose=0, callbacks=[logger])


def trainer_state(folder: Path) -> None:
    """The state that the Trainer of transformers keeps beside its checkpoints."""
    import torch
    from transformers import Trainer, TrainingArguments

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 2)

        def forward(self, x: Any, labels: Any) -> dict[str, Any]:
            logits = self.layer(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    def rows(seed: int) -> list[dict[str, Any]]:
        return [{"x": x, "labels": label} for x, label in zip(*examples(seed), strict=True)]

    for seed in SEEDS:
        torch.manual_seed(seed)  # noqa: TID251 - a client's script seeds as its users do
        with tempfile.TemporaryDirectory() as place:
            given = TrainingArguments(
                place, seed=seed, max_steps=40, logging_steps=10, eval_strategy="steps", eval_steps=5, save_steps=20,
                learning_rate=0.05, report_to=[], use_cpu=True, disable_tqdm=True,
            )  # fmt: skip
            Trainer(
                Model(), given, train_dataset=rows(seed), eval_dataset=rows(99),
                compute_metrics=lambda seen: {"accuracy": float((seen[0].argmax(1) == seen[1]).mean())},
            ).train()  # fmt: skip
            target = folder / f"run-{seed}" / "checkpoint-40"
            target.mkdir(parents=True)
            shutil.copy(Path(place) / "checkpoint-40" / "trainer_state.json", target)


def tensorboard(folder: Path) -> None:
    """Event files of torch's SummaryWriter: scalars of the old kind, and in the last run of the new."""
    from torch.utils.tensorboard import SummaryWriter

    for seed in SEEDS:
        with SummaryWriter(str(folder / f"seed{seed}")) as writer:
            for step, (loss, accuracy) in course(seed).items():
                writer.add_scalar("train/loss", loss, step, new_style=seed == SEEDS[-1])
                writer.add_scalar("val/accuracy", accuracy, step, new_style=seed == SEEDS[-1])
        for path in (folder / f"seed{seed}").iterdir():  # named by the time, the machine and the process
            path.rename(path.with_name(f"events.out.tfevents.{seed}.machine"))


def mlflow(folder: Path) -> None:
    """MLflow's two stores: the database, of which the tables with runs are kept as SQL, and the folders."""
    import mlflow

    with tempfile.TemporaryDirectory() as place:
        database = Path(place) / "mlflow.db"
        for address in (f"sqlite:///{database}", (folder / "mlruns").resolve().as_uri()):
            mlflow.set_tracking_uri(address)
            mlflow.set_experiment("logistic")
            for seed in SEEDS:
                with mlflow.start_run(run_name=f"seed{seed}"):
                    for step, (loss, accuracy) in course(seed).items():
                        mlflow.log_metrics({"train/loss": loss, "val_accuracy": accuracy}, step=step)
        mlflow.set_tracking_uri(f"sqlite:///{database}")
        with sqlite3.connect(database) as source, sqlite3.connect(":memory:") as kept:
            for table in ("experiments", "runs", "metrics"):
                columns = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
                kept.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
                rows = source.execute(f"SELECT * FROM {table}").fetchall()
                kept.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
            text = "\n".join(kept.iterdump()) + "\n"
    (folder / "mlflow.sql").write_text(_placeless(text))
    for path in sorted((folder / "mlruns").rglob("*")):
        if path.is_file() and "metrics" not in path.parts and path.name != "meta.yaml":
            path.unlink()
        elif path.name == "meta.yaml":
            path.write_text(_placeless(path.read_text()))


def _placeless(text: str) -> str:
    """Return a text without the places and names of the machine that it was written on."""
    text = re.sub(r"file://[^',\s]*|(?<=['\s:])/[^',\s]*/mlruns[^',\s]*", "mlruns", text)
    return re.sub(r"(?<=user_id: ).*", "user", re.sub(rf"'{getpass.getuser()}'", "'user'", text))


def wandb(folder: Path) -> None:
    """The table that W&B's page exports of a chart: a column for each run, and its range beside it."""
    courses = [course(seed) for seed in SEEDS]
    with (folder / "export.csv").open("w", newline="") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        columns = [f"run-{seed} - val/accuracy{end}" for seed in SEEDS for end in ("", "__MIN", "__MAX")]
        writer.writerow(["Step", *columns])
        for step in STEPS:
            writer.writerow([step, *(own[step][1] for own in courses for _ in range(3))])


def main() -> None:
    """Write every log anew."""
    for make in (lightning, keras, trainer_state, tensorboard, mlflow, wandb):
        folder = HERE / make.__name__
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        make(folder)


if __name__ == "__main__":
    main()
