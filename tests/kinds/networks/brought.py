"""Modules as people bring them, in the text of a file beside a spec; none of them knows of thermo."""

MODULES = """
import os
import random
import time
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Base(nn.Module):
    def __init__(self, inputs, outputs, width=6):
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, outputs)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


class Packed(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.cell = nn.LSTM(1, 3, batch_first=True, bidirectional=True)
        self.head = nn.Linear(6, outputs)

    def forward(self, x):
        lengths = (x[:, 0] > 0).long() * 4 + 5
        packed = pack_padded_sequence(x.unsqueeze(-1), lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.cell(packed)[0], batch_first=True)
        return self.head(out.mean(1))


class Recurrent(nn.Module):
    def __init__(self, inputs, outputs, cell="GRU", **more):
        super().__init__()
        self.cell = getattr(nn, cell)(1, 4, batch_first=True, **more)
        self.head = nn.Linear(4, outputs)

    def forward(self, x):
        return self.head(self.cell(x.unsqueeze(-1))[0][:, -1])


class Encoder(nn.Module):
    def __init__(self, inputs, outputs, dropout=0.0):
        super().__init__()
        self.embed = nn.Linear(1, 4)
        self.layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, dropout, batch_first=True), 1)
        self.head = nn.Linear(4, outputs)

    def forward(self, x):
        return self.head(self.layer(self.embed(x.unsqueeze(-1))).mean(1))


class Normed(Base):
    def __init__(self, inputs, outputs, momentum=None):
        super().__init__(inputs, outputs)
        self.norm = nn.BatchNorm1d(6, momentum=momentum)

    def forward(self, x):
        return self.second(torch.tanh(self.norm(self.first(x))))


class Counting(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, x):
        if self.training:
            self.seen += 1
        return super().forward(x) / (1 + 0.1 * self.seen)


class Noting(Base):
    calls, average = 0, None

    def forward(self, x):
        if self.training:
            self.calls += 1
            now = x.mean(0).detach()
            self.average = now if self.average is None else 0.5 * (self.average + now)
        return super().forward(x - (self.average if self.average is not None else 0)) / (1 + 0.1 * self.calls)


class Registering(Base):
    def forward(self, x):
        if self.training and not hasattr(self, "mean"):
            self.register_buffer("mean", x.mean(0).detach())
        return super().forward(x - getattr(self, "mean", 0))


class Replacing(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.register_buffer("mean", torch.zeros(inputs))

    def forward(self, x):
        if self.training:
            self.mean = 0.8 * self.mean + 0.2 * x.mean(0).detach()
        return super().forward(x - self.mean)


class Wrapped(Base):
    def __init__(self, inputs, outputs, how="spectral_norm"):
        super().__init__(inputs, outputs)
        make = getattr(parametrizations, how, None) or getattr(nn.utils, how.removeprefix("old_"))
        self.first = make(self.first)


class Tied(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.code = nn.Linear(inputs, 4, bias=False)
        self.decode = nn.Linear(4, inputs)
        self.body, self.head = nn.Linear(4, 4), nn.Linear(inputs, outputs)
        self.body.weight = nn.Parameter(self.body.weight.clone())
        self.again = nn.Linear(4, 4)
        self.again.weight = self.body.weight

    def forward(self, x):
        code = self.again(torch.relu(self.body(self.code(x))))
        return self.head(functional.linear(code, self.code.weight.T, self.decode.bias))


class Lazy(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.body = nn.Sequential(nn.LazyLinear(5), nn.LazyBatchNorm1d(), nn.ReLU(inplace=True), nn.Linear(5, outputs))

    def forward(self, x):
        return self.body(x)


class Single(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.mixing = torch.eye(inputs) + 0.1

    def forward(self, x):
        return super().forward(x.float() @ self.mixing)


@dataclass
class Output:
    loss: object = None
    logits: torch.Tensor = None


class Logits(Base):
    def forward(self, x):
        return Output(logits=super().forward(x))


class Ordered(Base):
    def forward(self, x):
        return OrderedDict(hidden=x, prediction=super().forward(x))


class Pair(Base):
    def forward(self, x):
        return [super().forward(x), x]


class Noisy(Base):
    def forward(self, x):
        if self.training:
            x = x * np.random.uniform(0.5, 1.5) + 0.1 * torch.randn_like(x)
            if random.random() < 0.3:
                x = -x
        return functional.dropout(super().forward(x), 0.2, self.training)


class Drawn(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.order = np.random.permutation(inputs)
        self.signs = torch.tensor([random.choice([-1.0, 1.0]) for _ in range(inputs)])
        self.scale = random.uniform(0.5, 2)

    def forward(self, x):
        return self.scale * super().forward(x[:, self.order] * self.signs)


class Complex(Base):
    def forward(self, x):
        return super().forward(torch.fft.ifft(torch.fft.fft(x) * 1j).imag)


class Greedy(Base):
    def forward(self, x):
        self.attention = torch.softmax(self.first(x), 1)
        x -= 0.5
        return super().forward(x)


class Checkpointed(Base):
    def forward(self, x):
        return self.second(checkpoint(lambda x: torch.tanh(self.first(x)), x, use_reentrant=False))


class Scaled(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.scale, self.ready = nn.Parameter(torch.ones(inputs)), False

    def forward(self, x):
        if self.training and not self.ready:
            self.scale.data.copy_(1 / (0.1 + x.std(0)))
            self.ready = True
        return super().forward(x * self.scale)


class Clipped(Base):
    def forward(self, x):
        with torch.no_grad():
            self.first.weight.clamp_(-0.2, 0.2)
        return super().forward(x)


class NoisyGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient + 0.1 * torch.randn_like(gradient)


class Estimating(Base):
    def forward(self, x):
        return NoisyGradient.apply(super().forward(x))


class Bag(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.embed, self.head = nn.EmbeddingBag(10, 4, sparse=True), nn.Linear(4, outputs)

    def forward(self, x):
        return self.head(self.embed((3 * x.abs()).long().clamp(max=9)))


class Frozen(Base):
    def __init__(self, inputs, outputs, seed=None):
        super().__init__(inputs, outputs)
        if seed is not None:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                self.first.reset_parameters()
        self.first.requires_grad_(False)
        self.second.bias.requires_grad_(False)


# what is refused, each for its own reason


class OwnGenerator(Base):
    def forward(self, x):
        return super().forward(x + torch.as_tensor(np.random.default_rng().normal(size=x.shape), dtype=x.dtype))


class KeptGenerator(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.source = np.random.default_rng(0)

    def forward(self, x):
        return super().forward(x) * (1 + self.source.random() * self.training)


class Clock(Base):
    def forward(self, x):
        return super().forward(x) + time.perf_counter()


class Entropy(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.first.bias.data += os.urandom(1)[0] + np.random.default_rng().random()


class Hidden(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.past = []

    def forward(self, x):
        if self.training:
            self.past.append(x.mean())
        return super().forward(x) + sum(self.past[-3:])


class Sampling(Base):
    def forward(self, x):
        return functional.dropout(super().forward(x), 0.5)


class Broken(Base):
    def forward(self, x):
        return super().forward(x) / 0


class Named(Base):
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)


class Wanting(Base):
    def __init__(self, inner_width, in_features, num_classes, depth=1):
        super().__init__(in_features, num_classes)


class Pictures(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.seen, self.out = nn.Conv2d(1, 4, 3), nn.Linear(4, outputs)

    def forward(self, x):
        return self.out(self.seen(x).mean((2, 3)))


class Counted(Base):
    def forward(self, x):
        return super().forward(x.view(32, -1))


class Reading(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.first.load_state_dict(torch.load("backbone.pt"))


class Codes(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.embed, self.head = nn.Embedding(5, 3), nn.Linear(3, outputs)

    def forward(self, x):
        return self.head(self.embed(x[:, 0]))


class Listing(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.more = [torch.randn(outputs, outputs)]

    def forward(self, x):
        return super().forward(x) @ self.more[0]


class Scripted(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.first = torch.jit.script(self.first)


class Lengths(Base):
    def forward(self, x, lengths):
        return super().forward(x)


class Leaving(Base):
    def forward(self, x):
        raise SystemExit(3)


class Phases(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.phase = nn.Parameter(torch.randn(inputs, dtype=torch.complex64))

    def forward(self, x):
        return super().forward((x * self.phase).real)


# what fails on the way


class Failing(Base):
    def __init__(self, inputs, outputs, after=5, built=2.0):
        super().__init__(inputs, outputs)
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("mark", torch.rand(()))
        self.after = after
        if built < self.mark < 0.966:
            raise OSError("no backbone for this seed")

    def forward(self, x):
        if self.training:
            self.steps += 1
            if self.steps > self.after and self.mark > 0.8:
                raise ArithmeticError("the mark is too high")
        return super().forward(x)


class Stopping(Failing):
    def forward(self, x):
        if self.training and self.steps > 5:
            raise RuntimeError("enough")
        return super().forward(x)


class Indexing(Base):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.embed = nn.Embedding(8, inputs)
        self.register_buffer("step", torch.rand(()))

    def forward(self, x):
        if self.training:
            self.step += 0.5
        return super().forward(x + self.embed(self.step.long()))
"""
