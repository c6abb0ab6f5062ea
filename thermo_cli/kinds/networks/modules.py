"""Any torch module as a stack: one module, filled with the tensors of each replica, under `vmap` or one after the other.

Whether it can be stacked is found by trying; the plan says if not, and why. What replicas have of their own beside what is
trained (frozen tensors, running statistics, counters) lies beside the parameters as blocks that are not trained: a forward pass
in training computes their new values, which replace whatever the optimizer made of them.
"""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from thermo_cli.blame import told
from thermo_cli.contracts import Block, Symmetry, Task
from thermo_cli.errors import Crashes
from thermo_cli.generators import watched
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.anatomy import anatomy_of, built, quiet, values_of
from thermo_cli.kinds.networks.dropout import dropouts
from thermo_cli.kinds.networks.entries import Members, copied, different
from thermo_cli.kinds.networks.passes import ModulePass

EXACT: Final = 2**24  # integers up to here are exact in single precision
ROUNDED: Final = 1e3  # units in the last place that one step may differ by


class ModuleSystem:
    """A stack of modules, loss = mean over the batch of the cross-entropy or the squared error.

    Args:
        build: Returns a fresh module: (example, feature) -> (example, output).
        rows: Some features to try it on, (example, feature); made up if absent.

    Attributes:
        looped: Why its replicas are trained one after the other; empty where they are stacked.
        single: Why it does not compute in double precision; empty where it does.
        shared: Frozen tensors that all replicas share, name to their number of entries.
        draws: Global generators that its training draws from, which are seeded for each replica and step.
        noisy: Whether it draws or drops out in training.

    Raises:
        SpecError: It cannot be repeated, or remembers something where it cannot be kept.
    """

    convex = False

    def __init__(
        self,
        build: Callable[[], nn.Module],
        inputs: int,
        outputs: int,
        task: Task,
        rows: torch.Tensor | None = None,
    ) -> None:
        self.build, self.inputs, self.outputs = build, inputs, outputs
        self.task: Task = task
        self.rows = rows if rows is not None else torch.linspace(-1, 1, 4 * inputs).view(4, inputs)
        found = anatomy_of(build, self.rows, outputs)
        self.entries, self.shared, self.draws, self.kept = found.entries, found.shared, found.draws, found.kept
        self.template = built(build, 0, self.rows)
        self.members = Members(self.template, found.entries, found.passing)
        self.blocks: tuple[Block, ...] = tuple(block for entry in self.entries for block in entry.blocks)
        self.noisy = bool(self.draws or dropouts(self.template))
        self.looped, self.single = self._tried()

    def initial(self, generator: np.random.Generator, scale: float) -> NDArray[np.float64]:
        """Draw the initial state of one replica as the module's own constructor does, (parameters,).

        Args:
            generator: Generator of the replica's `init` stream.
            scale: Factor of the history on the parameters.

        Raises:
            ValueError: Something that eight others had the same is another, or an integer is too large.
        """
        module = built(self.build, int(generator.integers(2**63)), self.rows)
        if odd := different(copied(module), copied(self.template)) & self.shared.keys():
            raise ValueError(f"{min(odd)} was the same in eight others, and is another here")
        values = values_of(module, self.entries, torch.float64)
        for entry in self.entries:
            if not getattr(entry.kind, "is_floating_point", False) and (values[entry.name].abs() > EXACT).any():
                raise ValueError(f"{entry.name} holds integers above {EXACT}, which are not exact in single precision")
        parts = [values[block.name] * (scale if block.trained else 1.0) for block in self.blocks]
        return torch.cat([part.reshape(-1) for part in parts]).numpy()

    def symmetry(self) -> Symmetry | None:
        """Return the transformations that change no output, where the module states them; None where they are not known."""
        stated = getattr(self.template, "stated_symmetry", None)
        return stated(self.blocks, self.task) if stated is not None else None

    def bind(self, parameters: torch.Tensor, gradient: torch.Tensor | None, width: int, batch: int) -> ModulePass:
        """Make a pass.

        Args:
            parameters: The flat parameters that the pass reads, (width * parameters,).
            gradient: Where it writes the gradient, same shape; None for a pass that only goes forward.
            batch: Number of examples per replica.
        """
        return ModulePass(self, parameters, gradient, width, batch)

    def module(self) -> nn.Module:
        """Return one replica as a plain torch module."""
        return built(self.build, 0, self.rows)

    def activations(self) -> int:
        """Return the number of activations per example, those that autograd keeps."""
        counted: list[int] = []
        hooks = [
            part.register_forward_hook(lambda module, given, out: counted.append(_numbers(out)))
            for part in self.template.modules()
            if not list(part.children())
        ]
        with torch.no_grad():
            self.template.eval()
            with (
                watched(),
                quiet(),
                self.members.filled(values_of(self.template, self.entries, torch.float32)) as module,
            ):
                module(self.some(2))  # one example alone has no statistics
        for hook in hooks:
            hook.remove()
        return sum(counted) // 2

    def some(self, batch: int) -> torch.Tensor:
        """Return features to try something on, (batch, feature)."""
        return self.rows[torch.arange(batch) % len(self.rows)]

    def _tried(self) -> tuple[str, str]:
        """Compare a stacked step of two replicas with a looped one, in double precision where the module can.

        Returns:
            Why it is looped over, and why it does not compute in double precision; empty where it is not so.
        """
        self.looped, single = "to compare", ""
        try:
            expected = self._trial(torch.float64)
        except Exception as error:  # noqa: BLE001 - it works in single precision, or it is said what it raises there
            single = str(error) if isinstance(error, Crashes) else told(error)
            expected = self._trial(torch.float32)
        if self.draws:
            return (
                f"it draws from the global generator of {', '.join(self.draws)}, seeded for each replica and step",
                single,
            )
        if self.kept:
            return f"it keeps {', '.join(self.kept)} from step to step", single
        self.looped = ""
        try:
            found = self._trial(torch.float32 if single else torch.float64)
        except Exception as error:  # noqa: BLE001 - whatever vmap makes of it
            cause = error.__cause__ or error
            words = str(cause).partition("\n")[0].partition(". ")[0].removeprefix("vmap: ")
            words = words.replace("There is a performance drop because we have not yet implemented the", "it has no")
            return f"vmap: {words or type(cause).__name__}"[:160], single
        apart = float((found - expected).abs().max() / expected.abs().max())
        if not apart <= tolerance(found.dtype, 1):
            return f"a stacked step differs from a looped one by {apart:.1e}", single
        return "", single

    def _trial(self, dtype: torch.dtype) -> torch.Tensor:
        """Return what a step of two replicas gives, and an evaluation: outputs, gradients, and what is kept."""
        rows = np.stack([self.initial(np.random.Generator(np.random.PCG64(seed)), 1.0) for seed in (0, 1)])
        parameters = layout.flatten(torch.from_numpy(rows).to(dtype), self.blocks)
        gradient = torch.zeros_like(parameters)
        with quiet():
            warnings.filterwarnings(
                "error", message="There is a performance drop"
            )  # vmap would loop over replicas itself
            run = self.bind(parameters, gradient, 2, 3)
            run.noise.copy_(torch.linspace(0, 1, run.noise.numel()).view_as(run.noise))
            run.inputs.copy_(self.some(6))
            found = [run.forward(training=True)]
            run.backward()
            run.settle()
            found += [gradient.clone(), parameters, run.forward()]
            run.backward()
            found.append(gradient)
        return torch.cat([one.reshape(-1) for one in found])


def tolerance(dtype: torch.dtype, steps: int) -> float:
    """Return by how much two ways to compute the same steps may differ, relative to the largest number.

    Args:
        dtype: Floating-point type of the parameters.
        steps: Each rounds anew.
    """
    return ROUNDED * torch.finfo(dtype).eps * steps


def _numbers(found: Any) -> int:
    """Count the numbers in tensors at any depth of what a module returns."""
    if isinstance(found, torch.Tensor):
        return found.numel()
    values = found.values() if isinstance(found, dict) else found if isinstance(found, tuple | list) else ()
    return sum(_numbers(value) for value in values)
