"""A recurrent network and its sequences, for recurrent.yaml."""

import numpy as np
import torch
from torch import nn


def sequences(examples: int = 600, length: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy waves, (examples, length), and whether each goes round quickly."""
    draw = np.random.default_rng(0)
    fast, phase = draw.integers(0, 2, examples), draw.uniform(0, 2 * np.pi, (examples, 1))
    times = np.arange(length)
    waves = np.sin(phase + np.where(fast[:, None], 1.6, 0.8) * times) + 0.3 * draw.standard_normal((examples, length))
    return waves, fast


class Gru(nn.Module):
    """Reads one number at a time and answers after the last; replicas are looped over, as vmap has no rule for a GRU."""

    def __init__(self, outputs: int, width: int = 6) -> None:
        super().__init__()
        self.cell = nn.GRU(1, width, batch_first=True)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs of rows of features, each a sequence."""
        states, _ = self.cell(x.unsqueeze(-1))
        return self.head(states[:, -1])
