"""A frozen backbone with a new head, for frozen-backbone.yaml."""

import torch
from torch import nn


class HeadOnly(nn.Module):
    """A head that is trained on features of a network that is not."""

    def __init__(self, inputs: int, outputs: int, width: int = 24) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(inputs, width), nn.Tanh())
        self.backbone.load_state_dict(pretrained(inputs, width))
        self.backbone.requires_grad_(False)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs of rows of features."""
        return self.head(self.backbone(x))


def pretrained(inputs: int, width: int) -> dict[str, torch.Tensor]:
    """Return the weights that yours would load from a file: the same for every replica, so they are in no microstate."""
    draw = torch.Generator().manual_seed(7)
    weight = torch.randn(width, inputs, generator=draw) / inputs**0.5
    return {"0.weight": weight, "0.bias": torch.randn(width, generator=draw)}
