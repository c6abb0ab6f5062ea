"""One pass of a stack of modules: under `vmap`, or replica after replica; what fails in it is blamed on its replica."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import torch

from thermo_cli.blame import told
from thermo_cli.contracts import Task
from thermo_cli.errors import Crashes, RunError
from thermo_cli.generators import seed_all, watched
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.anatomy import dense, quiet, values_of
from thermo_cli.kinds.networks.answers import answer_of
from thermo_cli.kinds.networks.dropout import masks, sites

if TYPE_CHECKING:
    from thermo_cli.kinds.networks.modules import ModuleSystem

SEED_NUMBERS: Final = 2  # uniform numbers of 24 bits each, of which the seed of a step is made
Named = dict[str, torch.Tensor]
Passed = tuple[torch.Tensor, Named, Named]  # outputs; hidden activations; what is kept


class ModulePass:
    """Forward and backward of a stack of modules on batches of one size.

    Attributes:
        inputs: To be filled with features, (replica * example, feature).
        targets: To be filled with one-hot classes or numbers, (replica * example, output).
        sites: Where activations are dropped out.
        noise: To be filled with uniform numbers before a step in training, (replica, number); the last two are the seed of
            what the module draws itself.
    """

    def __init__(
        self, system: "ModuleSystem", parameters: torch.Tensor, gradient: torch.Tensor | None, width: int, batch: int
    ) -> None:
        self.system, self.width, self.batch = system, width, batch
        dtype = parameters.dtype
        self.inputs = torch.zeros(width * batch, system.inputs, dtype=dtype)
        self.targets = torch.zeros(width * batch, system.outputs, dtype=dtype)
        self.sites = sites(system.template, self._plainly) if gradient is not None else ()
        own = SEED_NUMBERS if system.draws else 0
        self.noise = torch.zeros(width, sum(site.size for site in self.sites) + own)
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

        Raises:
            Crashes: The module raises an error for some replicas.
        """
        if training and self._gradients:
            return self._with_gradients(training=True)
        with torch.no_grad():
            outputs, self._hidden, _ = self._pass({}, training)
        return outputs.transpose(1, 2).contiguous()

    def backward(self) -> None:
        """Fill the gradient of each replica's mean loss; `forward` must have run on the same inputs.

        Raises:
            Crashes: The module raises an error for some replicas.
        """
        if not self._found:
            self._with_gradients(training=False)
        for block, gradient in zip(self.system.blocks, self._gradients, strict=True):
            if block.trained:
                gradient.copy_(self._found[block.name])
            else:
                gradient.zero_()
        self._found = {}

    def settle(self) -> None:
        """Put what the last forward pass in training made of what is not trained where the optimizer has been.

        Raises:
            RunError: A tensor that all replicas share has changed.
        """
        for name, statistic in self._statistics.items():
            self._tensors[name].copy_(statistic)
        self._statistics = {}
        if changed := self.system.members.disturbed():
            raise RunError(
                "the module changes in training what the trial of two steps took for constant, and all replicas share",
                received=", ".join(changed),
                remedy="change it from the first step on, or not at all",
            )

    def _plainly(self) -> None:
        """Run the module once on some features, as a plain loop would."""
        system = self.system
        values = values_of(system.template.train(), system.entries, self.inputs.dtype)
        with watched(), torch.no_grad(), quiet(), system.members.filled(values) as module:
            module(system.some(self.batch).to(self.inputs.dtype))

    def _with_gradients(self, training: bool) -> torch.Tensor:
        drops = masks(self.noise, self.sites, self.inputs.dtype) if training else {}
        with torch.enable_grad():
            outputs, self._hidden, statistics = self._pass(drops, training, gradients=True)
        self._statistics = statistics if training else {}
        return outputs.transpose(1, 2).contiguous()

    def _pass(self, drops: Mapping[str, torch.Tensor], training: bool, gradients: bool = False) -> Passed:
        self.system.template.train(training)
        with watched() if self.system.draws else nullcontext(), plain_attention():
            return self._looped(drops, gradients) if self.system.looped else self._stacked(drops, gradients)

    def _stacked(self, drops: Mapping[str, torch.Tensor], gradients: bool) -> Passed:
        leaves = {name: self._leaf(self._tensors[name]) for name in self._trained} if gradients else {}
        x, system = self.inputs.clone().view(self.width, self.batch, -1), self.system

        def one(state: Named, drops: Named, x: torch.Tensor) -> Passed:
            state = {name: tensor if name in leaves else tensor.clone() for name, tensor in state.items()}
            with system.members.filled(state, drops) as module:
                outputs, hidden = answer_of(module(x), self.batch, system.outputs)
                return outputs, hidden, system.members.taken(state)

        try:
            outputs, hidden, kept = torch.func.vmap(one)({**self._tensors, **leaves}, dict(drops), x)
            if gradients:
                targets = self.targets.view(self.width, self.batch, -1)
                self._found = _gradients(_losses(system.task, outputs, targets).sum(), leaves)
        except Exception as error:
            self._looped(drops, gradients)  # whose fault is it?
            raise RunError(
                "the module cannot be stacked in a step that the trial did not see",
                received=told(error),
                remedy="branch on data or counters from the first step on, so that replicas are looped over",
            ) from error
        return outputs.detach(), hidden, kept

    def _leaf(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return what a gradient is taken by; what a module does to it stays in training, and leaves no trace in evaluation."""
        tensor = tensor.detach() if self.system.template.training else tensor.detach().clone()
        return tensor.requires_grad_()

    def _looped(self, drops: Mapping[str, torch.Tensor], gradients: bool) -> Passed:
        rows, crashes = [], {}
        for row in range(self.width):
            try:
                rows.append(self._alone(row, drops, gradients))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a stranger's module raises
                crashes[row] = told(error)
        if crashes:
            raise Crashes(crashes)
        outputs, hidden, kept, found = zip(*rows, strict=True)
        self._found = _together(found)
        return torch.stack(outputs), _together(hidden), _together(kept)

    def _alone(
        self, row: int, drops: Mapping[str, torch.Tensor], gradients: bool
    ) -> tuple[torch.Tensor, Named, Named, Named]:
        """Pass one replica, and return the gradients of its loss too."""
        if self.system.draws:
            seed_all(step_seed(self.noise[row]))
        state = {name: tensor[row].detach() for name, tensor in self._tensors.items()}
        leaves = {name: self._leaf(state[name]) for name in self._trained} if gradients else {}
        own = {**{name: tensor.clone() for name, tensor in state.items() if name not in leaves}, **leaves}
        x = self.inputs.view(self.width, self.batch, -1)[row].clone()
        targets = self.targets.view(self.width, self.batch, -1)[row]
        with self.system.members.filled(own, {name: mask[row] for name, mask in drops.items()}) as module:
            outputs, hidden = answer_of(module(x), self.batch, self.system.outputs)
            found = _gradients(_losses(self.system.task, outputs, targets), leaves) if gradients else {}
            return outputs.detach(), hidden, self.system.members.taken(own), found


@contextmanager
def plain_attention() -> Iterator[None]:
    """Let attention be made of products: its fused kernels cannot be stacked, and that of evaluation not differentiated."""
    fast = torch.backends.mha.get_fastpath_enabled()
    flash = torch.backends.cuda.flash_sdp_enabled()  # type: ignore[no-untyped-call]
    torch.backends.mha.set_fastpath_enabled(False)
    torch.backends.cuda.enable_flash_sdp(False)  # of every device
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.backends.cuda.enable_flash_sdp(flash)


def step_seed(noise: torch.Tensor) -> int:
    """Return the seed of what a module draws itself in a step, below 2**48.

    Args:
        noise: Uniform numbers of one replica, of which the last two count.
    """
    high, low = (int(number * 2**24) for number in noise[-SEED_NUMBERS:].tolist())
    return high * 2**24 + low


def _together(rows: Sequence[Named]) -> Named:
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def _losses(task: Task, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean loss of each replica, (...), of outputs and targets (..., example, output)."""
    if task == "classification":
        return -(targets * torch.log_softmax(outputs, -1)).sum(-1).mean(-1)
    return (outputs - targets).square().mean((-2, -1))


def _gradients(loss: torch.Tensor, leaves: Named) -> Named:
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros_like(leaves[name]) if one is None else dense(one)
        for name, one in zip(leaves, found, strict=True)
    }
