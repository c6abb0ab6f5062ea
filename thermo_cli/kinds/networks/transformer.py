"""A small transformer encoder for rows that divide into tokens: pixels line by line, one-hot codes side by side.

Pre-norm blocks; layer norms have no factors of their own and queries, keys and values no biases, as the linear maps after them
make up for both. Attention is written with matrix products and a softmax: the fused one has no rule for stacks of replicas.
"""

import functools
import math

import torch
from torch import nn
from torch.nn import functional

from thermo_cli.contracts import Block, Group, Product, Symmetry, Task
from thermo_cli.errors import SpecError
from thermo_cli.kinds.networks.dropout import Dropout
from thermo_cli.kinds.networks.modules import ModuleSystem

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "gelu": functional.gelu}


def transformer(
    inputs: int,
    outputs: int,
    task: Task,
    tokens: int | None,
    width: int,
    heads: int,
    layers: int,
    hidden: int,
    activation: str,
    dropout: float = 0.0,
) -> ModuleSystem:
    """Build a transformer encoder.

    Args:
        task: Softmax with cross-entropy, or squared error.
        tokens: Into how many parts a row of features divides; the side of a square if absent.
        width: Of the residual stream.
        layers: Blocks of attention and network.
        hidden: Hidden units of each block's network.
        activation: `relu`, `tanh` or `gelu`.
        dropout: Probability of a number that a block adds to the stream to be left out in training.

    Raises:
        SpecError: The features do not divide into so many tokens.
    """
    count = tokens if tokens is not None else math.isqrt(inputs)
    if inputs % count or (tokens is None and count**2 != inputs):
        raise SpecError(
            "the features do not divide into tokens of one size",
            received=f"{inputs} features, {count} tokens",
            remedy="tokens: a divisor of the number of features (2 for modular_addition)",
            where="system.with.tokens",
        )
    build = functools.partial(
        Transformer, count, inputs // count, outputs, width, heads, layers, hidden, activation, dropout
    )
    return ModuleSystem(build, inputs, outputs, task)


class Transformer(nn.Module):
    """x = E token + position; x <- x + attention(norm(x)), x <- x + network(norm(x)); head(mean over tokens of norm(x)).

    Args:
        width: Of the residual stream.
        hidden: Hidden units of each block's network.
        activation: A key of `ACTIVATIONS`.
    """

    def __init__(
        self,
        tokens: int,
        features: int,
        outputs: int,
        width: int,
        heads: int,
        layers: int,
        hidden: int,
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__()
        self.tokens, self.width, self.heads, self.layers = tokens, width, heads, layers
        self.hidden, self.activation = hidden, activation
        self.embedding = _Embedding(tokens, features, width)
        for number in range(layers):
            self.add_module(f"attention{number}", _Attention(width, heads))
            self.add_module(f"network{number}", _Network(width, hidden, activation))
            for part in ("attention", "network"):
                self.add_module(f"after_{part}{number}", Dropout(dropout) if dropout else nn.Identity())
        self.head = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the outputs, (example, output), and the mean over tokens of the stream after each block.

        Args:
            x: Rows of features, token after token, (example, feature).
        """
        stream, found = self.embedding(x.view(len(x), self.tokens, -1)), {}
        for number in range(self.layers):
            for part in ("attention", "network"):
                change = self.get_submodule(f"{part}{number}")(self._norm(stream))
                stream = stream + self.get_submodule(f"after_{part}{number}")(change)
            found[f"block{number}"] = stream.mean(1)
        return self.head(self._norm(stream).mean(1)), found

    def _norm(self, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, (self.width,))

    def stated_symmetry(self, blocks: tuple[Block, ...], task: Task) -> Symmetry:
        """Return what changes no output.

        The order of the stream's coordinates, of heads and of hidden units, with their signs (tanh) or scales (ReLU); the basis
        within each head, of which only W_Q^T W_K and W_O W_V see nothing; a constant added to all coordinates of the stream,
        which the norm before every reader takes out, and so a constant in all weights that read it.

        Args:
            task: A softmax does not see a shift of all logits.
        """
        axes: dict[str, tuple[str | None, ...]] = {
            "embedding.weight": ("stream", None),
            "embedding.position": ("stream", None),
            "head.weight": (None, "stream"),
            "head.bias": (None,),
        }
        groups, products = [Group("stream", self.width)], []
        for n in range(self.layers):
            attention, network = f"attention{n}", f"network{n}"
            groups += [
                Group(f"heads{n}", self.heads),
                Group(f"hidden{n}", self.hidden, sign=self.activation == "tanh", scale=self.activation == "relu"),
            ]
            for name in ("query", "key", "value", "output"):
                axes[f"{attention}.{name}"] = (f"heads{n}", None, "stream")
            axes |= {
                f"{attention}.bias": ("stream",),
                f"{network}.inner": (f"hidden{n}", "stream"),
                f"{network}.inner_bias": (f"hidden{n}",),
                f"{network}.outer": ("stream", f"hidden{n}"),
                f"{network}.outer_bias": ("stream",),
            }
            products += [
                Product(f"{attention}.query_key", f"{attention}.query", f"{attention}.key"),
                Product(f"{attention}.output_value", f"{attention}.output", f"{attention}.value"),
            ]
        centred = {name: names.index("stream") for name, names in axes.items() if "stream" in names}
        shifts = ("head.weight", "head.bias") if task == "classification" else ()
        return Symmetry(blocks, tuple(groups), axes, shifts, products=tuple(products), centred=centred)


class _Embedding(nn.Module):
    """E token + a position of each token's own."""

    def __init__(self, tokens: int, features: int, width: int) -> None:
        super().__init__()
        self.weight, self.position = _uniform(features, width, features), _uniform(features, width, tokens)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight.T + self.position.T


class _Attention(nn.Module):
    """Per head softmax(q.k / sqrt(e)) v, e numbers each; their outputs add up."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        shape = (heads, width // heads, width)
        self.query, self.key, self.value, self.output = (_uniform(width, *shape) for _ in range(4))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (torch.einsum("btd,hed->bhte", x, each) for each in (self.query, self.key, self.value))
        weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[3]), 3)
        return torch.einsum("bhte,hed->btd", weights @ v, self.output) + self.bias


class _Network(nn.Module):
    """outer f(inner x + inner_bias) + outer_bias."""

    def __init__(self, width: int, hidden: int, activation: str) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.inner, self.inner_bias = _uniform(width, hidden, width), _uniform(width, hidden)
        self.outer, self.outer_bias = _uniform(hidden, width, hidden), _uniform(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(x @ self.inner.T + self.inner_bias) @ self.outer.T + self.outer_bias


def _uniform(fan_in: int, *shape: int) -> nn.Parameter:
    """Draw as torch.nn.Linear does, uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
