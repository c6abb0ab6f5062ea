"""A network of your own for own-module.yaml: any torch.nn.Module that maps rows of features to outputs."""

import torch
from torch import nn


class Net(nn.Module):
    """Two layers with batch-norm; `inputs` and `outputs` come from the data, `width` from the spec."""

    def __init__(self, inputs: int, outputs: int, width: int = 16) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.SiLU())
        self.out = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the outputs, and if you like the activations that representations are compared by."""
        hidden = self.hidden(x)
        return self.out(hidden), {"hidden": hidden}
