"""What is said of an array's values."""

from __future__ import annotations

import numpy as np
import pytest

from autodiff.graph.statistics import BARS, statistics


def test_they_are_numpys():
    x = np.random.default_rng(0).normal(3, 2, (20, 30)).astype(np.float32)
    found = statistics(x)
    expected = [x.min(), x.max(), x.mean(dtype=float), x.std(dtype=float)]
    np.testing.assert_allclose([found.low, found.high, found.mean, found.std], expected, rtol=1e-12)
    assert found.bars == tuple(np.histogram(x.astype(float), BARS)[0])


def test_what_is_not_finite_is_counted_and_left_out():
    found = statistics([np.nan, -1, 0, 1, np.inf, -np.inf, np.nan])
    assert (found.size, found.nan, found.inf, found.zeros, found.mean) == (7, 2, 2, 1, 0.0)
    assert found.warning == "2 NaN, 2 inf"


@pytest.mark.parametrize(
    ("array", "mean"),
    [([1e308, 1e308], 1e308), ([5e-324, 5e-324], 5e-324), ([3 + 4j], 5.0), ([True, False], 0.5), (7, 7.0), ([], None),
     ([np.nan], None), (np.float16([6e4, 6e4]), 59999.0 + 1.0), ([-3, -3], -3.0)],
)  # fmt: skip
def test_of_anything(array, mean):
    found = statistics(array)
    assert found.mean == mean
    assert sum(found.bars) == found.size - found.nan
