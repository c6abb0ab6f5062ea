"""Modules as people bring them: a replica is what a plain loop makes of it, or it is refused by name."""

import importlib
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import SMALL
from tests.kinds.networks.brought import MODULES
from tests.kinds.networks.test_stack import build, rows
from thermo_cli import rng
from thermo_cli.errors import SpecError
from thermo_cli.experiment import prepare
from thermo_cli.generators import seed_all, watched
from thermo_cli.kinds.networks.passes import step_seed
from thermo_cli.kinds.networks.stack import Stack
from thermo_cli.spec import load_spec
from thermo_cli.trust import Trust

STEPS = 9
TAKEN = {  # module: arguments, and words of why it is looped over (none: it is stacked)
    "Packed": ({}, "vmap"),
    "Recurrent": ({"cell": "GRU", "num_layers": 2, "dropout": 0.3}, "global generator of torch"),
    "Recurrent/LSTM": ({"cell": "LSTM"}, "lstm"),
    "Recurrent/RNN": ({"cell": "RNN"}, "rnn"),
    "Encoder": ({}, ""),
    "Encoder/dropout": ({"dropout": 0.2}, "global generator of torch"),
    "Normed": ({}, "vmap"),
    "Counting": ({}, ""),
    "Noting": ({}, "keeps average, calls"),
    "Registering": ({}, "keeps mean"),
    "Replacing": ({}, ""),
    "Wrapped": ({}, "vmap"),
    "Wrapped/orthogonal": ({"how": "orthogonal"}, None),
    "Wrapped/old": ({"how": "old_weight_norm"}, None),
    "Tied": ({}, ""),
    "Lazy": ({}, ""),
    "Single": ({}, ""),
    "Logits": ({}, ""),
    "Ordered": ({}, ""),
    "Pair": ({}, ""),
    "Noisy": ({}, "random, numpy, torch"),
    "Drawn": ({}, "vmap"),
    "Complex": ({}, None),
    "Bag": ({}, "vmap"),
    "Greedy": ({}, ""),
    "Frozen": ({}, ""),
    "Checkpointed": ({}, "vmap"),
    "Scaled": ({}, "keeps ready"),
    "Clipped": ({}, "vmap"),
    "Estimating": ({}, "global generator of torch"),
}


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules of somebody, whose code is allowed."""
    (tmp_path / "brought_nets.py").write_text(MODULES)
    monkeypatch.setattr("thermo_cli.trust._TRUST", [Trust(("local",), tmp_path)])
    monkeypatch.delitem(sys.modules, "brought_nets", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("brought_nets", "sklearn.datasets"):  # what an import draws is not of the run
        importlib.import_module(module)
    return tmp_path


def stacked(folder: Path, use: str, given: dict[str, Any], *more: str) -> Stack:
    """Return a stack of three replicas, on sequences of nine numbers."""
    name = use.partition("/")[0]
    changes = [
        f"system={{use: 'brought_nets:{name}', with: {given}}}",
        "ensemble.replicas=3",
        "dynamics.with={lr: 0.05}",
    ]
    return build(folder, [*changes, *more])[2]


def plain(stack: Stack, slot: int, use: str, given: dict[str, Any], steps: int) -> dict[str, torch.Tensor]:
    """Train one replica as its author would, and return what its module holds."""
    kind = getattr(sys.modules["brought_nets"], use.partition("/")[0])
    sizes = {"inputs": 13, "outputs": 3} if use != "Lazy" else {"outputs": 3}
    with watched(int(rng.generator(stack.members[slot].init).integers(2**63))), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = kind(**sizes, **given)
        module.eval()(stack.x[:8].clone())
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.05)
    for step in range(steps):
        index, targets = (one[0].view(stack.width, -1)[slot] for one in stack.rows(step, step + 1))
        with watched():
            if stack.passes[0].noise.shape[1]:
                seed_all(step_seed(stack.noise(step, step + 1)[0][slot]))
            found = module.train()(stack.x[index].clone())
            found = found[0] if isinstance(found, list) else getattr(found, "logits", found)
            found = found["prediction"] if isinstance(found, dict) else found
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(found, stack.targets[targets].argmax(1)).backward()
        optimizer.step()
    return dict(module.named_parameters()) | dict(module.named_buffers())


@pytest.mark.parametrize("use", TAKEN)
def test_a_replica_is_the_plain_loop_of_its_module(brought: Path, use: str) -> None:
    """Nine steps of each replica against torch.optim on a module built from its stream; stacked or looped as it says."""
    given, words = TAKEN[use]
    before = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state()  # noqa: NPY002
    stack = stacked(brought, use, given)
    system = stack.protocol.system
    stack.advance(STEPS)
    stack.evaluate()
    assert random.getstate() == before[0], "nobody's generator moves"
    assert np.random.get_state()[1].tobytes() == before[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])
    if words is not None:
        assert words in system.looped
        assert bool(words) == bool(system.looped), system.looped
    for slot in range(3 * (not stack.passes[0].sites)):  # masks from outside are those of test_dropout.py
        expected, place = plain(stack, slot, use, given, STEPS), 0
        for block in system.blocks:
            part = rows(stack)[slot, place : place + block.size]
            place += block.size
            if block.name in expected:
                theirs = expected[block.name].detach().double().reshape(-1).numpy()
                np.testing.assert_allclose(part, theirs, rtol=2e-4, atol=2e-6, err_msg=block.name)
        assert {block.name for block in system.blocks if block.trained} <= expected.keys()


@pytest.mark.parametrize("use", ["Noisy", "Noting", "Registering", "Counting", "Encoder/dropout"])
def test_what_it_remembers_and_draws_is_resumed_and_its_own(brought: Path, use: str) -> None:
    """No bit depends on an interruption, on an evaluation in between, or on who else is there."""
    whole, first, second = (stacked(brought, use, TAKEN[use][0]) for _ in range(3))
    few = stacked(brought, use, TAKEN[use][0], "ensemble.replicas=2")
    for stack in (whole, few):
        stack.advance(STEPS)
    first.advance(4)
    first.evaluate()
    second.restore(4, slice(0, None), first.state_arrays(slice(0, None)))
    second.advance(STEPS)
    np.testing.assert_array_equal(rows(second), rows(whole))
    np.testing.assert_array_equal(rows(few), rows(whole)[:2])
    assert (rows(whole)[0] != rows(whole)[1]).any()


def test_frozen_is_each_replica_s_own_or_shared_by_all(brought: Path) -> None:
    """What a constructor draws is drawn from the init stream and not trained; what is the same in all is in no microstate."""
    own, shared = (stacked(brought, "Frozen", given).protocol.system for given in ({}, {"seed": 3}))
    assert {block.name for block in own.blocks if not block.trained} == {"first.weight", "first.bias", "second.bias"}
    assert own.shared == {}
    assert shared.shared == {"first.weight": 78, "first.bias": 6}
    assert {block.name for block in shared.blocks} == {"second.weight", "second.bias"}
    first, again, other = (own.initial(rng.generator(seed), 1.0) for seed in (1, 1, 2))
    assert (first == again).all()
    scaled = own.initial(rng.generator(1), 3.0)
    frozen = np.concatenate([np.full(block.size, not block.trained) for block in own.blocks])
    np.testing.assert_array_equal(scaled[frozen], first[frozen])
    assert (first[frozen] != other[frozen]).mean() > 0.9


def test_single_precision_is_checked_in_single_precision(brought: Path) -> None:
    """Constants in float32 train in float32; in float64 the field that says so is named."""
    assert "same dtype" in stacked(brought, "Single", {}).protocol.system.single
    spec = load_spec(brought / "s.yaml", ["system={use: 'brought_nets:Single'}", "ensemble.precision=float64"])
    with pytest.raises(SpecError, match="double precision") as caught:
        prepare(spec, brought, brought, ("local",))
    assert caught.value.where == "ensemble.precision"


@pytest.mark.parametrize("use", ["Encoder", "Packed", "Normed", "Tied"])
def test_what_adam_makes_of_rounding_is_no_difference(brought: Path, use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bias of an attention's keys has no gradient but rounding, which Adam divides by itself: that alone is excused."""
    adam = "dynamics={use: adam, with: {lr: 0.01, weight_decay: 0.02}, batch_size: 16, steps: 40}"
    changes = [f"system={{use: 'brought_nets:{use}'}}", adam, "ensemble.replicas=2"]
    (brought / "s.yaml").write_text(SMALL)
    spec = load_spec(brought / "s.yaml", changes)
    assert len(prepare(spec, brought, brought / "results", ("local",)).points) == 1
    if use == "Encoder":
        # how large it is depends on the processor; held against less than any makes of it, it needs the excuse everywhere
        monkeypatch.setattr("thermo_cli.kinds.networks.checks.tolerance", lambda dtype, steps: 1e-14)
        assert len(prepare(spec, brought, brought / "results", ("local",)).points) == 1
        monkeypatch.setattr("thermo_cli.kinds.networks.checks.SWAYED", 0)
        with pytest.raises(SpecError, match="does not train as the module alone does"):
            prepare(spec, brought, brought / "results", ("local",))


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("OwnGenerator", "a step that is taken twice from the same seeds gives other numbers"),
        ("KeptGenerator", "remembers something.*received: source"),
        ("Clock", "taken twice"),
        ("Entropy", "constructor gives other numbers.*received: first.bias"),
        ("Hidden", "remembers something.*received: past.*register_buffer"),
        ("Sampling", "in evaluation too.*generator of torch"),
        ("Broken", "no finite numbers before it is trained"),
        ("Named", "it takes n_in, n_out; features are 13, outputs 3.*write `with: {n_in: 13, n_out: 3}`"),
        ("Wanting", "write `with: {inner_width: ..., in_features: 13, num_classes: 3}`"),
        ("Pictures", "in forward.*features are flat"),
        ("Counted", "in forward.*no number of its own"),
        ("Reading", r"brought_nets.py, line \d+, in __init__: FileNotFoundError"),
        ("Codes", r"brought_nets.py, line \d+, in forward: .*x\[:, 0\].long\(\)"),
        ("Listing", "constructor draws something.*received: more.*nn.ParameterList"),
        ("Scripted", "torch.jit"),
        ("Lengths", r"brought_nets.py, line \d+, in forward: TypeError.*called with the features alone"),
        ("Leaving", r"brought_nets.py, line \d+, in forward: SystemExit: 3"),
        ("Phases", "complex.*received: phase.*view_as_real"),
    ],
)
def test_what_cannot_be_repeated_or_run_is_refused_by_name(brought: Path, use: str, expected: str) -> None:
    """Before training, with what it is, where it is, and what to do."""
    with pytest.raises(SpecError, match=f"(?s){expected}"):
        stacked(brought, use, {})
