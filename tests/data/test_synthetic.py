"""Problems whose solution is known."""

import numpy as np
import pytest

from thermo_cli.data.sources.synthetic import modular_addition, parity, teacher
from thermo_cli.data.split import split
from thermo_cli.spec.data_parts import ParityData


@pytest.mark.parametrize("bits", [2, 3, 5])
def test_parity_is_the_product_of_its_bits(bits: int) -> None:
    """Every row once; the class says whether an odd number of bits is set."""
    examples = parity(bits)
    assert len(np.unique(examples.x, axis=0)) == 2**bits
    assert np.array_equal(examples.x.prod(axis=1) * (-1) ** bits, 1 - 2 * examples.y)


def test_a_truth_table_is_learned_whole_and_tested_on_itself() -> None:
    """Without a test fraction pool and test set are the same rows."""
    dataset = split(parity(2), ParityData(use="parity"))
    assert np.array_equal(dataset.x, dataset.x_test)
    assert np.array_equal(dataset.y, dataset.y_test)
    assert len(dataset.y) == 4


def test_modular_addition_is_a_latin_square() -> None:
    """Each sum occurs once for each first summand, and the codes give the summands back."""
    examples = modular_addition(7)
    a, b = examples.x[:, :7].argmax(axis=1), examples.x[:, 7:].argmax(axis=1)
    assert np.array_equal((a + b) % 7, examples.y)
    assert np.array_equal(np.bincount(examples.y), np.full(7, 7))
    assert np.array_equal(examples.x.sum(axis=1), np.full(49, 2.0))


def test_a_teacher_without_noise_is_a_function_of_its_inputs() -> None:
    """Same seed, same answers; noise adds its own variance and nothing else."""
    exact, noisy = teacher(10, 4, 20_000, 0.0, 3), teacher(10, 4, 20_000, 0.5, 3)
    assert np.array_equal(exact.x, noisy.x)
    assert np.std(noisy.y - exact.y) == pytest.approx(0.5, rel=0.02)
    assert np.abs(exact.y).max() <= 4.0
    assert np.std(exact.y) > 0.5
