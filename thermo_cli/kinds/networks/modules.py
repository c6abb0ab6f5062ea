"""Any torch module as a stack: `functional_call` under `vmap` over the replicas, gradients by autograd of the summed losses.

A module that `vmap` cannot take, or takes wrongly, is looped over instead; the plan says so and why.

Running statistics (floating-point buffers) lie beside the parameters, as blocks that are not trained: a forward pass in
training computes their new values, which replace whatever the optimizer made of them.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from thermo_cli.contracts import Block, Symmetry, Task
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.dropout import dropouts, masks, sites


class ModuleSystem:
    """A stack of modules, loss = mean over the batch of the cross-entropy or the squared error.

    Args:
        build: Returns a fresh module: (example, feature) -> (example, output).

    Attributes:
        looped: Why its replicas are trained one after the other; empty where they are stacked.
        noisy: Whether it drops out in training.
    """

    convex = False

    def __init__(self, build: Callable[[], nn.Module], inputs: int, outputs: int, task: Task) -> None:
        self.build, self.inputs, self.outputs = build, inputs, outputs
        self.task: Task = task
        self.template = seeded(build, 0)
        trained = {name: tensor for name, tensor in self.template.named_parameters() if tensor.requires_grad}
        masks = {f"{name}.mask" for name in dropouts(self.template)}
        self.noisy = bool(masks)
        kept = {
            name: tensor
            for name, tensor in self.template.named_buffers()
            if tensor.is_floating_point() and name not in masks
        }
        self.blocks = tuple(
            Block(name, tuple(tensor.shape), 0.0, trained=name in trained) for name, tensor in (trained | kept).items()
        )

        self.looped = ""
        self.looped = self._why_looped()

    def initial(self, generator: np.random.Generator, scale: float) -> NDArray[np.float64]:
        """Draw the initial state of one replica as the module's own constructor does, (parameters,).

        Args:
            generator: Generator of the replica's `init` stream.
            scale: Factor of the history on the parameters.
        """
        module = seeded(self.build, int(generator.integers(2**63)))
        state = dict(module.named_parameters()) | dict(module.named_buffers())
        rows = [
            state[block.name].detach().to(torch.float64).reshape(-1).numpy() * (scale if block.trained else 1.0)
            for block in self.blocks
        ]
        return np.concatenate(rows)

    def symmetry(self) -> Symmetry | None:
        """Return the transformations that change no output, where the module states them; None where they are not known."""
        stated = getattr(self.template, "stated_symmetry", None)
        return stated(self.blocks, self.task) if stated is not None else None

    def bind(self, parameters: torch.Tensor, gradient: torch.Tensor | None, width: int, batch: int) -> "ModulePass":
        """Make a pass.

        Args:
            parameters: The flat parameters that the pass reads, (width * parameters,).
            gradient: Where it writes the gradient, same shape; None for a pass that only goes forward.
            batch: Number of examples per replica.
        """
        return ModulePass(self, parameters, gradient, width, batch)

    def _why_looped(self) -> str:
        """Compare a stacked step of two replicas with a looped one, in double precision; say what is wrong with it."""
        rows = np.stack([self.initial(np.random.Generator(np.random.PCG64(seed)), 1.0) for seed in (0, 1)])
        flat = layout.flatten(torch.from_numpy(rows), self.blocks)
        found = []
        for looped in ("", "to compare"):
            self.looped, parameters, gradient = looped, flat.clone(), torch.zeros_like(flat)
            run = self.bind(parameters, gradient, 2, 3)
            run.noise.copy_(torch.linspace(0, 1, run.noise.numel()).view_as(run.noise))
            run.inputs.copy_(torch.linspace(-1, 1, run.inputs.numel(), dtype=torch.float64).view_as(run.inputs))
            try:
                outputs = run.forward(training=True)
                run.backward()
                run.settle()
            except (RuntimeError, NotImplementedError, ValueError) as error:
                if looped:
                    raise
                return str(error).partition("\n")[0][:120]
            finally:
                self.looped = ""
            found.append(torch.cat([outputs.reshape(-1), gradient, parameters]))
        return (
            ""
            if torch.allclose(found[0], found[1], rtol=1e-9, atol=1e-12)
            else "a stacked step differs from a looped one"
        )

    def module(self) -> nn.Module:
        """Return one replica as a plain torch module."""
        return seeded(self.build, 0)

    def activations(self) -> int:
        """Return the number of activations per example, those that autograd keeps."""
        counted: list[int] = []
        hooks = [
            part.register_forward_hook(lambda module, given, out: counted.append(out.numel()))
            for part in self.template.modules()
            if not list(part.children())
        ]
        with torch.no_grad():
            self.template.eval()(torch.zeros(1, self.inputs))
        for hook in hooks:
            hook.remove()
        return sum(counted)


class ModulePass:
    """Forward and backward of a stack of modules on batches of one size.

    Attributes:
        inputs: To be filled with features, (replica * example, feature).
        targets: To be filled with one-hot classes or numbers, (replica * example, output).
        sites: Where activations are dropped out.
        noise: To be filled with uniform numbers before a step in training, (replica, number).
    """

    def __init__(
        self, system: ModuleSystem, parameters: torch.Tensor, gradient: torch.Tensor | None, width: int, batch: int
    ) -> None:
        self.system, self.width = system, width
        dtype = parameters.dtype
        self.inputs = torch.zeros(width * batch, system.inputs, dtype=dtype)
        self.targets = torch.zeros(width * batch, system.outputs, dtype=dtype)
        self.sites = sites(system.template, system.inputs, batch) if gradient is not None else ()
        self.noise = torch.zeros(width, sum(site.size for site in self.sites))
        names = [block.name for block in system.blocks]
        self._tensors = dict(zip(names, layout.views(parameters, system.blocks, width), strict=True))
        self._trained = [block.name for block in system.blocks if block.trained]
        self._gradients = layout.views(gradient, system.blocks, width) if gradient is not None else []
        self._found: dict[str, torch.Tensor] = {}
        self._statistics: dict[str, torch.Tensor] = {}
        self._hidden: Mapping[str, torch.Tensor] = {}

    @property
    def hidden(self) -> dict[str, torch.Tensor]:
        """Activations of the layers that the module names, after `forward`, (replica, unit, example)."""
        return {name: active.flatten(2).transpose(1, 2) for name, active in self._hidden.items()}

    def forward(self, training: bool = False) -> torch.Tensor:
        """Compute the outputs (logits or numbers), (replica, output, example).

        Args:
            training: With the statistics of the batch instead of running ones; and, where there is a gradient to fill, with
                dropout by `noise`.
        """
        if training and self._gradients:
            return self._with_gradients(training=True)
        with torch.no_grad():
            outputs, self._hidden, _ = self._call(self._tensors, {}, training)
        return outputs.transpose(1, 2).contiguous()

    def backward(self) -> None:
        """Fill the gradient of each replica's mean loss; `forward` must have run on the same inputs."""
        if not self._found:
            self._with_gradients(training=False)
        for block, gradient in zip(self.system.blocks, self._gradients, strict=True):
            if block.trained:
                gradient.copy_(self._found[block.name])
            else:
                gradient.zero_()
        self._found = {}

    def settle(self) -> None:
        """Put the running statistics of the last forward pass in training where the optimizer has been."""
        for name, statistic in self._statistics.items():
            self._tensors[name].copy_(statistic)
        self._statistics = {}

    def _with_gradients(self, training: bool) -> torch.Tensor:
        leaves = {name: self._tensors[name].detach().requires_grad_() for name in self._trained}
        with torch.enable_grad():
            drops = masks(self.noise, self.sites, self.inputs.dtype) if training else {}
            outputs, self._hidden, statistics = self._call({**self._tensors, **leaves}, drops, training)
            targets = self.targets.view(self.width, -1, self.system.outputs)
            if self.system.task == "classification":
                loss = -(targets * torch.log_softmax(outputs, 2)).sum(2).mean(1).sum()
            else:
                loss = (outputs - targets).square().mean((1, 2)).sum()
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        self._found = {
            name: torch.zeros_like(leaves[name]) if one is None else one
            for name, one in zip(leaves, found, strict=True)
        }
        self._statistics = statistics if training else {}
        return outputs.detach().transpose(1, 2).contiguous()

    def _call(
        self, tensors: Mapping[str, torch.Tensor], drops: Mapping[str, torch.Tensor], training: bool
    ) -> tuple[torch.Tensor, Mapping[str, torch.Tensor], dict[str, torch.Tensor]]:
        template = self.system.template.train(training)
        kept = [name for name in tensors if name not in self._trained]
        tensors = {**tensors, **{f"{name}.mask": mask for name, mask in drops.items()}}

        def one(
            state: dict[str, torch.Tensor], x: torch.Tensor
        ) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
            state = {name: tensor.clone() if name in kept else tensor for name, tensor in state.items()}
            found = functional_call(template, state, (x,))
            outputs, hidden = found if isinstance(found, tuple) else (found, {})
            return outputs, hidden, {name: state[name] for name in kept}

        x = self.inputs.view(self.width, -1, self.inputs.shape[1])
        if not self.system.looped:
            outputs, hidden, statistics = torch.func.vmap(one)(tensors, x)
            return outputs, hidden, statistics
        rows = [one({name: tensor[row] for name, tensor in tensors.items()}, x[row]) for row in range(self.width)]
        return (
            torch.stack([row[0] for row in rows]),
            {name: torch.stack([row[1][name] for row in rows]) for name in rows[0][1]},
            {name: torch.stack([row[2][name] for row in rows]) for name in rows[0][2]},
        )


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a module whose constructor draws from torch's global generator, and leave that generator as it was.

    Args:
        build: Returns a fresh module.
        seed: Of what it draws.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251 - constructors of modules draw from nowhere else
        return build()
