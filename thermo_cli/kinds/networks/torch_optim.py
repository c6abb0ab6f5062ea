"""Any elementwise optimizer of torch.optim, or one of your own: the class itself, driven on the flat parameters of a stack.

An optimizer is elementwise when what it does to one number depends on that number's gradients alone: then the flat parameters
of R replicas move as those of R separate runs. Whether a class is, whether its decay is part of the gradient, and what it keeps
between steps is tried on a handful of numbers before anything is trained.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch

from thermo_cli.arguments import building
from thermo_cli.errors import SpecError
from thermo_cli.trust import locate_class

USE, WITH = "dynamics.use", "dynamics.with"
BEGAN: Final = "began"  # 0 before the first step, when the class itself makes its state
NOT_ELEMENTWISE: Final = {
    "LBFGS": "it searches along a line, for the whole loss at once",
    "Adafactor": "it keeps sums over rows and columns of each matrix",
    "Muon": "it orthogonalizes each matrix",
    "SparseAdam": "it takes sparse gradients only",
}
NOT_TAKEN: Final = {
    "maximize": "the energy is minimized",
    "differentiable": "no gradient is taken through a step",
    **dict.fromkeys(("foreach", "fused", "capturable"), "it changes how torch computes, and not what"),
}
Build = Callable[[list[torch.Tensor]], torch.optim.Optimizer]


def torch_optimizer(use: str, arguments: Mapping[str, Any]) -> "TorchOptimizer":
    """Build the update rule behind `module:Class`.

    Args:
        arguments: The spec's `dynamics.with`.

    Raises:
        SpecError: It may not be imported, is no elementwise optimizer, or does not take these arguments.
    """
    kind = locate_class(use, torch.optim.Optimizer, "optimizer of torch", USE)
    for name, why in NOT_ELEMENTWISE.items():
        if issubclass(kind, getattr(torch.optim, name, ())):
            raise SpecError(
                "this optimizer is not elementwise, so stacked replicas would not move as separate ones",
                received=f"{use}: {why}",
                remedy="take another: torch.optim:AdamW, torch.optim:RMSprop, ...",
                where=USE,
            )
    taken = [name for name in list(inspect.signature(kind).parameters)[1:] if name not in NOT_TAKEN]
    for name in NOT_TAKEN.keys() & arguments.keys():
        raise SpecError(
            "this argument cannot be given", received=f"{name}: {NOT_TAKEN[name]}", remedy="leave it out", where=WITH
        )
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}
    build: Build = functools.partial(kind, **plain)
    with building("the optimizer", taken, WITH):
        made = build([torch.zeros(1)])
    rate = made.defaults.get("lr")
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not rate > 0:
        raise SpecError(
            "the optimizer has no learning rate above 0, which schedules act on",
            received=f"lr: {rate!r}",
            remedy="give lr, a number above 0",
            where=WITH,
        )
    try:
        return TorchOptimizer(build, use)
    except SpecError:
        raise
    except Exception as error:
        raise SpecError(
            "the optimizer cannot take a step on plain gradients",
            received=f"{use}: {type(error).__name__}: {error}",
            remedy="take another",
            where=USE,
        ) from error


class TorchOptimizer:
    """A class of torch.optim on the flat parameters of a stack; equals that class on each replica.

    Its decay is an energy, (lambda / 2) |theta|^2, where it is added to the gradient; decoupled decay belongs to no energy.

    Args:
        build: The class with its arguments.
        use: Its name, for messages.

    Attributes:
        follows_rate: Whether a change of the learning rate has any effect after the first step.
    """

    def __init__(self, build: Build, use: str) -> None:
        self.build, self.use = build, use
        self._driver: tuple[torch.Tensor, torch.optim.Optimizer, torch.Tensor] | None = None
        made, state = _trial(build)
        self.lr = float(made.defaults["lr"])
        self._kinds: dict[str, type] = {}
        buffers, counters = [], {BEGAN: torch.float32}
        for name, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == (3,) and value.dtype == torch.float64:
                buffers.append(name)
            elif isinstance(value, torch.Tensor) and value.ndim == 0 and value.is_floating_point():
                counters[name] = value.dtype
            elif isinstance(value, bool | int | float):
                counters[name], self._kinds[name] = torch.float64, type(value)
            elif value is not None:
                raise SpecError(
                    "this optimizer keeps something that is neither a number nor one number per parameter",
                    received=f"{use}: {name} is a {type(value).__name__}",
                    remedy="take another",
                    where=USE,
                )
        self.buffers: tuple[str, ...] = tuple(buffers)
        self.counters: Mapping[str, torch.dtype] = counters
        if not _elementwise(build):
            raise SpecError(
                "this optimizer is not elementwise, so stacked replicas would not move as separate ones",
                received=f"{use}: what it does to one parameter depends on others, or is random",
                remedy="take another",
                where=USE,
            )
        decay = float(made.defaults.get("weight_decay") or 0.0)
        self.penalty = decay if decay and _coupled(build, decay) else 0.0
        self.follows_rate = not torch.equal(_moved(build, rates=(1.0, 1.0)), _moved(build, rates=(1.0, 0.5)))

    def update(
        self, parameters: torch.Tensor, gradient: torch.Tensor, state: Mapping[str, torch.Tensor], lr: float
    ) -> None:
        """Move the parameters by one step, in place.

        Args:
            gradient: Of the loss alone; may be overwritten.
            state: What `buffers` and `counters` name, zero at the start.
            lr: Learning rate of this step.
        """
        began = bool(state[BEGAN])
        if self._driver is None or self._driver[0] is not parameters or not began:
            mine = parameters.detach()
            self._driver = (parameters, self.build([mine]), mine)
        _, driver, mine = self._driver
        if began:
            driver.state[mine] = {name: state[name] for name in self.buffers} | {
                name: self._kinds[name](state[name].item()) if name in self._kinds else state[name].clone()
                for name in self.counters
                if name != BEGAN
            }
        mine.grad = gradient
        driver.param_groups[0]["lr"] = lr
        driver.step()
        for name, value in driver.state[mine].items():
            if name in state and value is not None and value is not state[name]:
                state[name].copy_(torch.as_tensor(value))
        state[BEGAN].fill_(1.0)

    def plain(self, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Return the class itself on one replica."""
        return self.build(list(parameters))


def _trial(build: Build) -> tuple[torch.optim.Optimizer, dict[str, Any]]:
    """Take two steps on three numbers, and return the optimizer and what it keeps."""
    parameter = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    made = build([parameter])
    for step in range(2):
        parameter.grad = _gradient(3, step)
        made.step()
    return made, dict(made.state[parameter])


def _gradient(size: int, step: int) -> torch.Tensor:
    place = torch.arange(size, dtype=torch.float64)
    return torch.cos(1.3 * step + 0.7 * place) * (1 + place)


def _moved(
    build: Build, parts: Sequence[int] = (6,), rates: Sequence[float] = (1.0, 1.0), decay: float | None = None
) -> torch.Tensor:
    """Take four steps on six numbers and return where they are.

    Args:
        parts: How many numbers each optimizer has.
        rates: Factors of the learning rate, in the first step and after it.
        decay: Put lambda theta into the gradient, and no decay into the optimizer.
    """
    found = []
    for start, size in zip([sum(parts[:number]) for number in range(len(parts))], parts, strict=True):
        parameter = torch.linspace(-2.0, 1.5, 6, dtype=torch.float64)[start : start + size].clone()
        made = build([parameter])
        lr = made.param_groups[0]["lr"]
        if decay is not None:
            made.param_groups[0]["weight_decay"] = 0.0
        for step in range(4):
            parameter.grad = _gradient(6, step)[start : start + size].clone() + (decay or 0.0) * parameter
            made.param_groups[0]["lr"] = lr * rates[min(step, 1)]
            made.step()
        found.append(parameter)
    return torch.cat(found)


def _elementwise(build: Build) -> bool:
    """Say whether numbers move together as they do apart."""
    return torch.allclose(_moved(build), _moved(build, (1, 2, 3)), rtol=1e-9, atol=1e-12, equal_nan=True)


def _coupled(build: Build, decay: float) -> bool:
    """Say whether decay is what a gradient of (lambda / 2) |theta|^2 would do."""
    return torch.allclose(_moved(build), _moved(build, decay=decay), rtol=1e-9, atol=1e-12, equal_nan=True)
