"""Dropout whose masks come from outside: drawn from each replica's `noise` stream, so that no replica depends on another.

x <- x m / (1 - p) in training, with m = 1 with probability 1 - p and else 0; x in evaluation. Source: Srivastava 2014.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from thermo_cli.contracts import Site

WHOLE = {nn.Dropout: False, nn.Dropout1d: True, nn.Dropout2d: True, nn.Dropout3d: True}


class Dropout(nn.Module):
    """Multiplies by a mask in training; by 1 until there is one.

    Args:
        p: Probability of a number, or of a channel, to be left out.
        channels: Whether whole channels are left out, (example, channel, ...).
    """

    mask: torch.Tensor

    def __init__(self, p: float, channels: bool = False) -> None:
        super().__init__()
        self.p, self.channels = p, channels
        self.register_buffer("mask", torch.ones(()), persistent=False)
        self.shape = torch.Size()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x times the mask.

        Args:
            x: Activations, (example, ...).
        """
        self.shape = x.shape
        return x * self.mask if self.training else x


def with_masks(module: nn.Module) -> nn.Module:
    """Replace torch's dropout modules, in place, by ones whose masks come from outside.

    Args:
        module: Of a user; itself a dropout it would have nothing to train.
    """
    known: dict[nn.Module, nn.Module] = {}
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in WHOLE:
                if child not in known:
                    p = float(child.p)  # type: ignore[arg-type]
                    known[child] = Dropout(p, WHOLE[type(child)]) if p > 0 else nn.Identity()  # type: ignore[index]
                setattr(parent, name, known[child])
    return module


def dropouts(module: nn.Module) -> dict[str, Dropout]:
    """Return the dropout modules by name."""
    return {name: part for name, part in module.named_modules() if isinstance(part, Dropout)}


def sites(module: nn.Module, run: Callable[[], object]) -> tuple[Site, ...]:
    """Return where a module drops out, and how many numbers of a batch.

    Args:
        run: Runs it once on a batch, in training.
    """
    found = dropouts(module)
    if not found:
        return ()
    run()
    places = []
    for name, part in found.items():
        shape = part.shape[:2] + (1,) * (len(part.shape) - 2) if part.channels else part.shape
        places.append(Site(name, part.p, tuple(shape)))
    return tuple(places)


def masks(noise: torch.Tensor, places: Sequence[Site], dtype: torch.dtype) -> Mapping[str, torch.Tensor]:
    """Make masks of uniform numbers, site to 0 or 1/(1 - p), (replica, *shape).

    Args:
        noise: Uniform in [0, 1), (replica, numbers of all sites, and maybe more).
        dtype: Floating-point type of the activations.
    """
    sizes = [place.size for place in places]
    parts = torch.split(noise[:, : sum(sizes)], sizes, dim=1)
    return {
        place.name: (part >= place.p).to(dtype).mul_(1 / (1 - place.p)).view(len(noise), *place.shape)
        for place, part in zip(places, parts, strict=True)
    }
