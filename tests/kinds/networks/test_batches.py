"""Mini-batches are shuffled epochs, reachable at any step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from thermo_cli.kinds.networks.batches import positions
from thermo_cli.kinds.networks.rates import constant, cosine


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 300), st.data())
def test_every_epoch_uses_every_example_once(size: int, data: st.DataObject) -> None:
    """Batches laid end to end are permutations, also where a batch straddles two epochs."""
    batch = data.draw(st.integers(1, size))
    epochs = 3
    steps = -(-epochs * size // batch)
    row = positions([7], size, batch, 0, steps)[:, 0].reshape(-1)[: epochs * size]
    for epoch in row.reshape(epochs, size):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(size))


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 20_000), st.integers(1, 64), st.integers(0, 3000), st.integers(1, 100))
def test_any_stretch_of_steps_is_the_same_however_it_is_reached(size: int, batch: int, start: int, count: int) -> None:
    """Drawing steps start..stop at once equals drawing them one by one: there is no hidden state."""
    batch = min(batch, size)
    together = positions([1, 2], size, batch, start, start + count)
    middle = start + count // 2
    apart = [positions([1, 2], size, batch, a, b) for a, b in ((start, middle), (middle, start + count)) if b > a]
    np.testing.assert_array_equal(together, np.concatenate(apart))
    assert together.shape == (count, 2, batch)


def test_replicas_have_orders_of_their_own() -> None:
    """Two streams, two orders."""
    both = positions([1, 2], 100, 50, 0, 2)
    assert (both[:, 0] != both[:, 1]).any()


def test_schedules_are_what_they_say() -> None:
    """Constant is 1; cosine goes 1, 1/2, almost 0."""
    assert constant(5, 10) == 1.0
    np.testing.assert_allclose([cosine(0, 10), cosine(5, 10), cosine(10, 10)], [1, 0.5, 0], atol=1e-15)
