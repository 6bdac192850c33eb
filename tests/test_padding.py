"""Padding beyond the table: borders nobody sets, functions that write them, widths of all forms, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check, gradient, t

X = np.arange(6.0).reshape(2, 3)
MODES = ("constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap")


def test_an_empty_border_is_zero_and_carries_no_gradient() -> None:
    x = t(X, requires_grad=True)
    y = np.pad(x, ((1, 0), (2, 1)), mode="empty")
    np.testing.assert_array_equal(y.detach().numpy(), np.pad(X, ((1, 0), (2, 1))))
    (g,) = ad.grad((y * y).sum(), x)
    np.testing.assert_array_equal(g.numpy(), 2 * X)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float16])
def test_dtypes_are_numpys(mode: str, dtype: Any) -> None:
    x = X.astype(dtype)
    y = np.pad(t(x), (2, 1), mode)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), np.pad(x, (2, 1), mode), rtol=2e-3)


@pytest.mark.parametrize("mode", MODES[1:])
def test_an_empty_axis_has_nothing_to_extend(mode: str) -> None:
    x = t(np.zeros((2, 0)))
    assert np.pad(x, ((1, 1), (0, 0)), mode).shape == (4, 0)
    with pytest.raises(ValueError, match=f"axis 1 is empty, and mode '{mode}' has nothing to extend"):
        np.pad(x, 1, mode)


@pytest.mark.parametrize("recording", [True, False])
def test_a_function_writes_into_lines_and_leaves_the_operand_alone(recording: bool) -> None:
    def ends(line: Any, pair: Any, axis: int, keywords: Any) -> None:
        line[: pair[0]] = keywords["by"] * line[pair[0]]

    x = t(X, requires_grad=True)
    with ad.enable_grad() if recording else ad.no_grad():
        y = np.pad(x, ((1, 0), (1, 0)), ends, by=10.0)
    np.testing.assert_array_equal(y.detach().numpy(), np.pad(X, ((1, 0), (1, 0)), ends, by=10.0))
    np.testing.assert_array_equal(x.detach().numpy(), X)
    assert y.requires_grad == recording


@pytest.mark.parametrize("mode", MODES)
def test_every_border_is_differentiable_three_times(mode: str) -> None:
    x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
    check(gradient(lambda z: np.sum(np.pad(z, 2, mode) ** 4)), x, order=2, exhaustive=False, directions=1)


def test_values_of_a_border_share_the_gradient_of_what_they_fill() -> None:
    v = t([1.0, 2.0], requires_grad=True)
    y = np.pad(t(X), ((1, 0), (2, 3)), constant_values=v)
    (g,) = ad.grad(y.sum(), v)
    assert g.tolist() == [2 * 3 + 3, 3 * 3]  # the columns run over the corner


BAD = {
    "a mode": (lambda x: np.pad(x, 1, "mirror"), ValueError, "mode is 'mirror'; expected constant, edge"),
    "a keyword of another mode": (
        lambda x: np.pad(x, 1, "edge", constant_values=1),
        ValueError,
        "mode 'edge' does not take constant_values=; it takes no keyword",
    ),
    "a keyword nobody takes": (
        lambda x: np.pad(x, 1, "mean", length=1),
        ValueError,
        "mode 'mean' does not take length=; it takes stat_length",
    ),
    "half a width": (lambda x: np.pad(x, 1.5), TypeError, "pad_width is 1.5; expected whole numbers"),
    "a negative width": (lambda x: np.pad(x, (-1, 0)), ValueError, "pad_width is .-1, 0.; expected numbers that are"),
    "too many widths": (lambda x: np.pad(x, [(1, 1)] * 3), ValueError, "broadcast"),
    "a reflection": (lambda x: np.pad(x, 1, "reflect", reflect_type="both"), ValueError, "reflect_type is 'both'"),
    "a statistic of nothing": (
        lambda x: np.pad(x, 1, "maximum", stat_length=0),
        ValueError,
        "stat_length is 0, and maximum of nothing has no value",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call(t(X, requires_grad=True))
