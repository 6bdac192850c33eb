"""Convolutions of images: every way of computing one agrees with the definition, with oneDNN and without."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.kernels import biased_conv, channel_sum, compiled, conv, conv_transpose, conv_weight, onednn
from autodiff.kernels.convolution import columns, taps
from autodiff.kernels.convolution.geometry import geometry

RNG = np.random.default_rng(0)
TOLERANCE = {"e": 3e-2, "f": 1e-4, "d": 1e-11, "D": 1e-11, "g": 1e-11}


def by_definition(x: Any, w: Any, *, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """Sum over the elements of the kernel, one output after the other."""
    sizes = geometry(x.shape, w.shape, stride, padding, dilation, groups)
    ends = [(low, max(high, 0)) for low, high in sizes.padding]
    x = np.pad(x, [(0, 0), (0, 0), *ends])
    y = np.zeros((x.shape[0], w.shape[0], *sizes.out), x.dtype)
    c, f = w.shape[1], w.shape[0] // groups
    for place in itertools.product(*map(range, sizes.out)):
        for tap in itertools.product(*map(range, sizes.kernel)):
            at = tuple(o * s + t * d for o, s, t, d in zip(place, sizes.stride, tap, sizes.dilation, strict=True))
            for g in range(groups):
                meets = x[(slice(None), slice(g * c, g * c + c), *at)]
                y[(slice(None), slice(g * f, g * f + f), *place)] += meets @ w[(slice(g * f, g * f + f), ..., *tap)].T
    return y


def laid_out(x: Any, how: int) -> Any:
    """Put an array into memory in one of four ways."""
    if how == 1:
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    if how == 2:
        return np.ascontiguousarray(x[::-1])[::-1]
    return np.repeat(x, 2, -1)[..., ::2] if how == 3 else x


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, Any, dict[str, Any]]:
    n = draw(st.integers(1, 3))
    sizes = st.tuples(*[st.integers(1, 3)] * n)
    groups, kernel, stride, dilation = draw(st.sampled_from([1, 1, 2, 3])), draw(sizes), draw(sizes), draw(sizes)
    channels, features = draw(st.sampled_from([1, 1, 2, 5])), draw(st.sampled_from([1, 2, 3, 10]))
    padding = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(n))
    size = tuple(d * (k - 1) + 1 + draw(st.integers(0, 5)) for k, d in zip(kernel, dilation, strict=True))
    shapes = (draw(st.integers(1, 3)), channels * groups, *size), (features * groups, channels, *kernel)
    code = draw(st.sampled_from("fdDeg"))
    x, w = ((RNG.normal(size=s) + (1j * RNG.normal(size=s) if code == "D" else 0)).astype(code) for s in shapes)
    keywords = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return laid_out(x, draw(st.integers(0, 3))), laid_out(w, draw(st.integers(0, 3))), keywords


@pytest.fixture(params=["NumPy", "Numba", "oneDNN"], autouse=True)
def library(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "NumPy":
        with onednn.without(), compiled.without():
            yield
    elif request.param == "Numba":
        if not compiled.available():
            pytest.skip("Numba is not installed")
        with onednn.without():
            yield
    elif not onednn.available():
        pytest.skip("oneDNN is not installed")
    else:
        yield


@settings(deadline=None, max_examples=60)
@given(case=cases(), small=st.booleans(), how=st.integers(0, 3))
def test_the_three_maps_are_as_defined(case: Any, small: bool, how: int) -> None:
    x, w, keywords = case
    with pytest.MonkeyPatch.context() as patch:
        if small:  # blocks of one image
            patch.setattr(columns, "BLOCK", 40)
            patch.setattr(taps, "BLOCK", 1)
        y = conv(x, w, **keywords)
        rtol = TOLERANCE[x.dtype.char]
        expected = by_definition(x.astype("d" if x.dtype == "e" else x.dtype), w, **keywords)
        assert (y.dtype, y.shape) == (x.dtype, expected.shape)
        np.testing.assert_allclose(y, expected, rtol, rtol)
        g = laid_out(RNG.normal(size=y.shape).astype(y.dtype), how)
        total = np.sum(expected * g)  # <conv(x, w), g> = <x, conv_transpose(g, w)> = <w, conv_weight(x, g)>
        back = conv_transpose(g, w, size=x.shape[2:], **keywords)
        scale = rtol * (1 + np.abs(expected * g).sum())
        np.testing.assert_allclose(np.sum(back.astype(total.dtype) * x), total, atol=scale, rtol=0)
        weights = conv_weight(x, g, size=w.shape[2:], **keywords)
        np.testing.assert_allclose(np.sum(weights.astype(total.dtype) * w), total, atol=scale, rtol=0)
        bias = RNG.normal(size=len(w)).astype(x.dtype)
        shifted = biased_conv(x, w, bias, **keywords)
        np.testing.assert_allclose(shifted, expected + bias.reshape(-1, *[1] * (x.ndim - 2)), 2 * rtol, 2 * rtol)
        sums = channel_sum(g)
        np.testing.assert_allclose(sums, g.astype(total.dtype).sum((0, *range(2, g.ndim))), 10 * rtol, 10 * rtol)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (4, 1), (4, 4)])
def test_a_value_that_is_no_number_reaches_only_the_windows_it_lies_in(
    value: float, channels: int, groups: int
) -> None:
    x = np.ones((2, channels, 9, 9), np.float32)
    x[0, :, 4, 4] = value
    w = np.ones((4, channels // groups, 3, 3), np.float32)
    keywords = {"padding": 1, "groups": groups}
    with np.errstate(invalid="ignore"):  # whether infinities raise the flag is BLAS's affair
        y = conv(x, w, **keywords)
        found = ~np.isfinite(y)
        back = ~np.isfinite(conv_transpose(y, w, size=(9, 9), **keywords))
    assert found[0, :, 3:6, 3:6].all()
    assert found.sum() == 4 * 9
    assert back[0, :, 2:7, 2:7].all()
    assert back.sum() == channels * 25


def test_no_images_no_channels_no_features() -> None:
    for n, c, f in ((0, 2, 3), (2, 0, 3), (2, 2, 0)):
        x, w = np.ones((n, c, 4, 4)), np.ones((f, c, 3, 3))
        y = conv(x, w, padding=1)
        assert y.shape == (n, f, 4, 4)
        assert not y.any() or c
        assert conv_transpose(y, w, size=(4, 4), padding=1).shape == x.shape
        weights = conv_weight(x, y, size=(3, 3), padding=1)
        assert weights.shape == w.shape
        assert not weights.any()


def test_results_have_their_channels_last_whatever_is_given() -> None:
    for how in range(4):
        x, w = laid_out(np.ones((2, 3, 8, 8), np.float32), how), np.ones((4, 3, 3, 3), np.float32)
        y = conv(x, w)
        assert np.moveaxis(y, 1, -1).flags.c_contiguous
        assert np.moveaxis(conv_transpose(y, w, size=(8, 8)), 1, -1).flags.c_contiguous


def test_memory_stays_near_that_of_the_result() -> None:
    import tracemalloc

    x, w = np.ones((16, 16, 64, 64), np.float32), np.ones((16, 16, 5, 5), np.float32)
    conv(x, w, padding=2)
    tracemalloc.start()
    y = conv(x, w, padding=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    columns_of_an_image = 25 * x[0].nbytes
    assert peak < y.nbytes + 2 * columns_of_an_image


def test_outputs_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"conv_transpose: an output of shape \(1, 1, 3\).*has \(1, 1, 4\)"):
        conv_transpose(np.ones((1, 1, 3)), np.ones((1, 1, 2)), size=(5,))
    with pytest.raises(ValueError, match=r"conv_weight: an output of shape \(1, 1, 3\).*has \(1, 1, 4\)"):
        conv_weight(np.ones((1, 1, 5)), np.ones((1, 1, 3)), size=(2,))
    with pytest.raises(ValueError, match="expected .batch, channels"):
        conv(np.ones((1, 5)), np.ones((1, 1, 2)))


def test_no_gradient_is_computed_for_images_that_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from autodiff.kernels.convolution import paths

    calls: list[str] = []
    for name in ("transpose", "weight"):
        real = getattr(paths, name)
        monkeypatch.setattr(paths, name, lambda *a, name=name, real=real: (calls.append(name), real(*a))[1])
    w = ad.ones(2, 3, 3, 3, requires_grad=True)
    conv(ad.ones(1, 3, 4, 4), w).sum().backward()
    assert calls == ["weight"]
