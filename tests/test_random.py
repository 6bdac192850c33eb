"""Random tensors: seeds, generators, replay, shapes, dtypes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import random

DRAWS = {
    "normal": lambda **k: random.normal(1.0, 2.0, (4, 3), **k),
    "uniform": lambda **k: random.uniform(-1.0, 1.0, (4, 3), **k),
    "bernoulli": lambda **k: random.bernoulli(0.3, (4, 3), **k),
    "randint": lambda **k: random.randint(0, 10, (4, 3), **k),
    "permutation": lambda **k: random.permutation(12, **k),
    "randn": lambda **k: ad.randn(4, 3, **k),
    "rand": lambda **k: ad.rand(4, 3, **k),
}
each_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@each_draw
def test_a_seed_replays_the_same_numbers(draw: Any) -> None:
    ad.manual_seed(3)
    first, second = draw().numpy(), draw().numpy()
    ad.manual_seed(3)
    np.testing.assert_array_equal(draw().numpy(), first)
    assert not np.array_equal(first, second)


@each_draw
def test_another_generator_stands_in_for_the_default_one(draw: Any) -> None:
    before = random.default_generator().get_state()
    with random.use(random.Generator(5)) as own:
        assert random.default_generator() is own
        drawn = draw().numpy()
        with ThreadPoolExecutor(1) as threads:  # in this thread only
            assert threads.submit(random.default_generator).result() is not own
    np.testing.assert_array_equal(drawn, draw(generator=random.Generator(5)).numpy())
    assert random.default_generator().get_state() == before


@each_draw
def test_a_generator_of_ones_own_is_independent_of_the_default_one(draw: Any) -> None:
    own = random.Generator(5)
    expected = draw(generator=random.Generator(5)).numpy()
    ad.manual_seed(1)
    before = random.default_generator().get_state()
    np.testing.assert_array_equal(draw(generator=own).numpy(), expected)
    assert random.default_generator().get_state() == before


@each_draw
def test_a_generators_state_can_be_saved_and_put_back(draw: Any) -> None:
    generator = random.Generator(5)
    state = generator.get_state()
    first = draw(generator=generator).numpy()
    generator.set_state(state)
    np.testing.assert_array_equal(draw(generator=generator).numpy(), first)


def test_draws_are_numpys_own_stream() -> None:
    ad.manual_seed(11)
    expected = np.random.default_rng(11).normal(size=5)
    np.testing.assert_array_equal(random.normal(size=5, dtype=np.float64).numpy(), expected)


def test_shapes() -> None:
    assert ad.randn().shape == ()
    assert ad.randn(3).shape == (3,)
    assert ad.randn(2, 0, 3).shape == (2, 0, 3)
    assert ad.rand((2, 3)).shape == (2, 3)
    assert random.normal().shape == random.uniform().shape == random.bernoulli().shape == random.randint(5).shape == ()
    assert random.bernoulli(ad.full((2, 3), 0.5)).shape == (2, 3)


def test_dtypes() -> None:
    assert ad.randn(2).dtype == ad.rand(2).dtype == random.bernoulli(0.5, 2).dtype == np.float32
    assert random.randint(5, size=2).dtype == random.permutation(3).dtype == np.int64
    assert ad.randn(2, dtype=np.float16).dtype == np.float16
    ad.set_default_dtype(np.float64)
    assert ad.randn(2).dtype == np.float64


def test_values_lie_where_they_should() -> None:
    u, b, r = (
        random.uniform(2.0, 3.0, 1000).numpy(),
        random.bernoulli(0.25, 4000).numpy(),
        random.randint(3, 6, 1000).numpy(),
    )
    assert u.min() >= 2.0
    assert u.max() <= 3.0
    assert set(b) == {0.0, 1.0}
    assert abs(b.mean() - 0.25) < 0.05
    assert set(r) == {3, 4, 5}
    n = random.normal(1.0, 2.0, 4000).numpy()
    assert abs(n.mean() - 1) < 0.2
    assert abs(n.std() - 2) < 0.2


def test_permutation_of_a_number_and_of_rows() -> None:
    assert sorted(random.permutation(5).tolist()) == [0, 1, 2, 3, 4]
    rows = random.permutation(ad.arange(6).reshape(3, 2)).numpy()
    assert sorted(map(tuple, rows.tolist())) == [(0, 1), (2, 3), (4, 5)]


def test_requires_grad() -> None:
    x = ad.randn(2, requires_grad=True)
    assert x.requires_grad
    assert x.is_leaf


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.bernoulli(1.5), ValueError, r"bernoulli.*\[0, 1\].*1\.5"),
        (
            lambda: ad.randn(2, generator=np.random.default_rng(0)),
            TypeError,
            r"ad\.random\.Generator; got Generator|ad\.random\.Generator.*numpy",
        ),
        (lambda: random.normal(generator=3), TypeError, r"ad\.random\.Generator; got int"),
    ],
)
def test_mistakes_are_named(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
