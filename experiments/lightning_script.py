"""A training script as Lightning users write them, for lightning.yaml: a small network on scikit-learn's digits.

It knows nothing of thermo: its logger is Lightning's own, below a folder that is an argument.
"""

import argparse

import lightning
import torch
from lightning.pytorch.loggers import CSVLogger
from sklearn.datasets import load_digits
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

TEST = 540  # the last examples


class Digits(lightning.LightningModule):
    """A network with one hidden layer."""

    def __init__(self, width: int, lr: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10))

    def training_step(self, batch, _):
        """Return the loss of a batch."""
        x, y = batch
        loss = functional.cross_entropy(self.net(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        """Log loss and accuracy on examples that are not trained on."""
        x, y = batch
        logits = self.net(x)
        self.log("val_loss", functional.cross_entropy(logits, y))
        self.log("val_acc", (logits.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        """Return the optimizer."""
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9, weight_decay=5e-4)


def main() -> None:
    """Train one network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--root", default=".")
    parser.add_argument("--max_steps", type=int, default=1000)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()

    lightning.seed_everything(args.seed)
    data = load_digits()
    x, y = torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)
    train, val = TensorDataset(x[:-TEST], y[:-TEST]), TensorDataset(x[-TEST:], y[-TEST:])
    trainer = lightning.Trainer(
        max_steps=args.max_steps,
        logger=CSVLogger(args.root),
        log_every_n_steps=20,
        val_check_interval=20,
        check_val_every_n_epoch=None,
        enable_checkpointing=False,
        enable_progress_bar=False,
        accelerator="cpu",
    )
    trainer.fit(Digits(args.width, args.lr), DataLoader(train, batch_size=64, shuffle=True), DataLoader(val, TEST))


if __name__ == "__main__":
    main()
