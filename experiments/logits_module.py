"""A module whose outputs are called `logits`, as Hugging Face's are, for logits.yaml."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Answer:
    """What forward returns; `logits` are the outputs, and the rest is not looked at."""

    logits: torch.Tensor
    attentions: torch.Tensor


class Classifier(nn.Module):
    """Attention between the features of a row, each a token of its own."""

    def __init__(self, inputs: int, num_labels: int, width: int = 8) -> None:
        super().__init__()
        self.position = nn.Parameter(0.1 * torch.randn(inputs, width))
        self.embed = nn.Linear(1, width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.classifier = nn.Linear(width, num_labels)

    def forward(self, x: torch.Tensor) -> Answer:
        """Return the outputs of rows of features."""
        tokens = torch.tanh(self.embed(x.unsqueeze(-1)) + self.position)
        mixed, weights = self.attention(tokens, tokens, tokens)
        return Answer(self.classifier(mixed.mean(1)), weights)
