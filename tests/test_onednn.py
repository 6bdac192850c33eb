"""Convolution by oneDNN: the same numbers as the NumPy kernels and torch, whatever the shapes, layouts and threads."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.kernels import conv, conv_transpose, conv_weight, onednn
from autodiff.kernels.onednn import library, primitives

needed = pytest.mark.skipif(onednn.library.library() is None, reason="the extra onednn is not installed")


class Case:
    """A drawn convolution, with its operands."""

    def __init__(self, x: tuple[int, ...], w: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: int):
        self.window = stride, padding, dilation, groups
        self.x, self.w = arrays(x), arrays(w)
        with onednn.without():
            self.y = conv(self.x, self.w, **self.keywords)
        self.g = arrays(self.y.shape, seed=1)

    @property
    def keywords(self) -> dict[str, Any]:
        return dict(zip(("stride", "padding", "dilation", "groups"), self.window, strict=True))

    def __repr__(self) -> str:
        return f"Case({self.x.shape}, {self.w.shape}, {', '.join(map(repr, self.window))})"


def arrays(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Convolutions of 1 to 3 axes, dense, grouped and depthwise, with any steps."""
    n = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return draw(st.tuples(*[st.integers(low, high)] * n))

    groups, inside, per = draw(st.sampled_from([1, 1, 2, 3, 16])), draw(st.integers(1, 5)), draw(st.integers(1, 17))
    kernel, dilation = each(1, 3), each(1, 2)
    padding = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * n))
    x = (draw(st.integers(1, 3)), groups * inside, *each(5, 9))
    return Case(x, (groups * per, inside, *kernel), each(1, 3), padding, dilation, groups)


def close(ours: np.ndarray | None, theirs: np.ndarray) -> None:
    assert ours is not None
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5 * max(1.0, float(np.abs(theirs).max())))


def few(case: Case) -> bool:
    """Whether NumPy is better at the gradient by images: of few channels, with strides."""
    stride, _, _, groups = case.window
    return groups == 1 and case.x.shape[1] < 8 and max(stride) > 1


@needed
@given(cases())
def test_the_three_products_are_those_of_numpy(case: Case) -> None:
    y = onednn.convolution(case.x, case.w, None, *case.window)
    close(y, case.y)
    bias = arrays((case.w.shape[0],), seed=2)
    shifted = onednn.convolution(case.x, case.w, bias, *case.window)
    close(shifted, case.y + bias.reshape(-1, *[1] * (case.x.ndim - 2)))
    with onednn.without():
        dx = conv_transpose(case.g, case.w, size=case.x.shape[2:], **case.keywords)
        dw = conv_weight(case.x, case.g, size=case.w.shape[2:], **case.keywords)
    if not few(case):
        close(onednn.backward_data(case.g, case.w, case.x.shape, *case.window), dx)
    close(onednn.backward_weights(case.x, case.g, case.w.shape, *case.window), dw)


@needed
@given(cases())
def test_the_three_products_are_those_of_torch(torch: Any, case: Case) -> None:
    x, w = (torch.tensor(a, requires_grad=True) for a in (case.x, case.w))
    stride, padding, dilation, groups = case.window
    padded = torch.nn.functional.pad(x, [n for ends in reversed(padding) for n in ends])
    function = getattr(torch.nn.functional, f"conv{case.x.ndim - 2}d")
    y = function(padded, w, None, stride, 0, dilation, groups)
    y.backward(torch.tensor(case.g))
    close(onednn.convolution(case.x, case.w, None, *case.window), y.detach().numpy())
    if not few(case):
        close(onednn.backward_data(case.g, case.w, case.x.shape, *case.window), x.grad.numpy())
    close(onednn.backward_weights(case.x, case.g, case.w.shape, *case.window), w.grad.numpy())


SMALL = ((2, 4, 6, 5), (8, 2, 3, 3), (2, 1), ((1, 1), (0, 2)), (1, 1), 2)


@needed
@pytest.mark.parametrize(
    "layout",
    [
        lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
        lambda x: np.concatenate([x, x], axis=1)[:, : x.shape[1]],
    ],
    ids=["channels last", "Fortran", "every other", "turned around", "part of the channels"],
)
def test_any_memory_layout_is_read(layout: Any) -> None:
    case = Case(*SMALL)
    x, w, g = layout(case.x), layout(case.w), layout(case.g)
    close(onednn.convolution(x, w, None, *case.window), case.y)
    close(
        onednn.backward_data(g, w, x.shape, *case.window), conv_transpose(case.g, case.w, size=(6, 5), **case.keywords)
    )
    close(
        onednn.backward_weights(x, g, w.shape, *case.window), conv_weight(case.x, case.g, size=(3, 3), **case.keywords)
    )


@needed
def test_memory_that_overlaps_is_read() -> None:
    x = np.broadcast_to(arrays((2, 4, 1, 5)), (2, 4, 6, 5))
    windows = np.lib.stride_tricks.sliding_window_view(arrays((10,)), 6)[None, :4]
    for image, kernel in ((x, arrays((3, 4, 2, 2))), (windows, arrays((3, 4, 2)))):
        n = kernel.ndim - 2
        with onednn.without():
            expected = conv(image, kernel)
        close(onednn.convolution(image, kernel, None, (1,) * n, ((0, 0),) * n, (1,) * n, 1), expected)


@needed
def test_images_come_back_channels_last_and_weights_in_order() -> None:
    case = Case(*SMALL)
    y = onednn.convolution(case.x, case.w, None, *case.window)
    x = onednn.backward_data(case.g, case.w, case.x.shape, *case.window)
    w = onednn.backward_weights(case.x, case.g, case.w.shape, *case.window)
    assert y is not None
    assert x is not None
    assert w is not None
    assert np.moveaxis(y, 1, -1).flags.c_contiguous
    assert np.moveaxis(x, 1, -1).flags.c_contiguous
    assert w.flags.c_contiguous
    assert y.base is x.base is w.base is None  # so that a gradient may be added to in place


@needed
def test_operands_are_left_alone() -> None:
    case = Case(*SMALL)
    x, w, g = case.x.copy(), case.w.copy(), case.g.copy()
    onednn.convolution(x, w, None, *case.window)
    onednn.backward_data(g, w, x.shape, *case.window)
    onednn.backward_weights(x, g, w.shape, *case.window)
    for now, before in ((x, case.x), (w, case.w), (g, case.g)):
        np.testing.assert_array_equal(now, before)


@needed
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_reach_what_they_touch(value: float) -> None:
    case = Case(*SMALL)
    case.x[0, 0, 3, 2] = value
    with onednn.without(), np.errstate(invalid="ignore"):  # whether infinities raise the flag is BLAS's affair
        expected = conv(case.x, case.w, **case.keywords)
    np.testing.assert_array_equal(
        np.isfinite(onednn.convolution(case.x, case.w, None, *case.window)), np.isfinite(expected)
    )


# --- what is not oneDNN's ------------------------------------------------------------------------------------------


@needed
@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.complex64, ">f4"])
def test_other_dtypes_are_left_to_numpy(dtype: Any) -> None:
    x, w = np.ones((1, 1, 3), dtype), np.ones((1, 1, 2), dtype)
    window = (1,), ((0, 0),), (1,), 1
    assert onednn.convolution(x, w, None, *window) is None
    assert onednn.backward_data(x, w, (1, 1, 4), *window) is None
    assert onednn.backward_weights(x, x[..., :2], (1, 1, 2), *window) is None
    np.testing.assert_array_equal(conv(x, w), [[[2, 2]]])


@needed
@pytest.mark.parametrize(
    ("x", "w", "padding"),
    [
        ((0, 1, 4), (1, 1, 2), ((0, 0),)),
        ((1, 1, 4), (0, 1, 2), ((0, 0),)),
        ((1, 1, 4), (1, 1, 2), ((-1, 0),)),
        ((1, 1, 4), (1, 1, 2), ((0, -1),)),
        ((1, 1, 3, 3, 3, 3), (1, 1, 1, 1, 1, 1), ((0, 0),) * 4),
    ],
    ids=["no images", "no features", "cut at the front", "cut at the end", "four axes"],
)
def test_what_onednn_has_no_word_for_is_left_to_numpy(x: Any, w: Any, padding: Any) -> None:
    n = len(padding)
    assert onednn.convolution(arrays(x), arrays(w), None, (1,) * n, padding, (1,) * n, 1) is None


@needed
def test_images_of_few_channels_from_strided_gradients_are_left_to_numpy() -> None:
    g, w = arrays((1, 4, 3)), arrays((4, 3, 2))
    assert onednn.backward_data(g, w, (1, 3, 6), (2,), ((0, 0),), (1,), 1) is None
    assert onednn.backward_data(g, w, (1, 3, 4), (1,), ((0, 0),), (1,), 1) is not None


@needed
def test_windows_may_end_before_the_last_elements() -> None:
    x, w = arrays((1, 2, 9)), arrays((3, 2, 2))
    with onednn.without():
        expected = conv(x, w, stride=3)
    for end in (0, -1):
        close(onednn.convolution(x, w, None, (3,), ((0, end),), (1,), 1), expected)


# --- in the engine -------------------------------------------------------------------------------------------------


@needed
def test_derivatives_through_the_engine_are_those_of_numpy() -> None:
    def gradients() -> list[np.ndarray]:
        x, w = (ad.tensor(a, requires_grad=True) for a in (arrays((2, 3, 7, 6)), arrays((4, 3, 3, 2))))
        y = conv(x, w, stride=2, padding=1)
        first = ad.grad((y * y * y).sum(), (x, w), create_graph=True)
        second = ad.grad(sum((g * g).sum() for g in first), (x, w))
        return [t.numpy() for t in (*(g.detach() for g in first), *second)]

    ours = gradients()
    with onednn.without():
        expected = gradients()
    for a, b in zip(ours, expected, strict=True):
        close(a, b)


@needed
def test_the_number_of_threads_is_respected() -> None:
    case, lib = Case(*SMALL), library.library()
    assert lib is not None
    before = lib.threads()
    with ad.set_num_threads(1):
        assert lib.threads() == 1
        close(onednn.convolution(case.x, case.w, None, *case.window), case.y)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: primitives.state().library.threads()).result() == 1
    assert lib.threads() == before


# --- what is kept --------------------------------------------------------------------------------------------------


@pytest.fixture
def _kept_two(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(primitives, "KEPT", 2)
    primitives.state().made.clear()
    yield
    primitives.state().made.clear()


@needed
@pytest.mark.usefixtures("_kept_two")
def test_what_was_used_least_lately_is_given_up_and_made_again() -> None:
    w, made = arrays((2, 1, 2)), primitives.state().made
    window = (1,), ((0, 0),), (1,), 1

    def run(size: int) -> Any:
        close(onednn.convolution(x := arrays((1, 1, size)), w, None, *window), conv(x.astype(float), w.astype(float)))
        return next(reversed(made))

    first, second = run(4), run(5)
    assert run(4) == first
    third = run(6)
    assert list(made) == [first, third] != [first, second]
    for size in range(4, 40):
        run(size)
    assert len(made) == 2
    gc.collect()
    alive = sum(type(o) is primitives.Primitive for o in gc.get_objects())
    assert alive <= 4  # a product and a reorder each


@needed
def test_primitives_are_made_once_for_their_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(*SMALL)
    onednn.convolution(case.x, case.w, None, *case.window)
    monkeypatch.setattr(primitives, "Maker", None)
    close(onednn.convolution(case.x, case.w, None, *case.window), case.y)


@needed
def test_threads_run_at_once() -> None:
    work = [Case((2, 3, 8, size), (4, 3, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1) for size in range(6, 12)] * 20

    def right(case: Case) -> bool:
        y = onednn.convolution(case.x, case.w, None, *case.window)
        return y is not None and bool(np.allclose(y, case.y, atol=1e-4))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, work))


@needed
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
def test_a_forked_process_computes_too() -> None:
    program = """
import os, sys, warnings
import numpy as np
from autodiff.kernels import onednn
warnings.simplefilter("ignore")
x, w = np.ones((8, 16, 32, 32), np.float32), np.ones((16, 16, 3, 3), np.float32)
run = lambda: onednn.convolution(x, w, None, (1, 1), ((1, 1), (1, 1)), (1, 1), 1)
y = run()
pid = os.fork()
same = np.array_equal(run(), y)
if pid == 0:
    os._exit(not same)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or not same)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# --- without it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def _to_be_found_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    library.library.cache_clear()
    yield
    monkeypatch.undo()
    library.library.cache_clear()
    library.library()


@pytest.mark.usefixtures("_to_be_found_again")
def test_where_it_is_not_installed_numpy_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "located", lambda: None)
    x, w = arrays((1, 1, 5)), arrays((1, 1, 2))
    assert not onednn.available()
    assert onednn.convolution(x, w, None, (1,), ((0, 0),), (1,), 1) is None
    np.testing.assert_allclose(conv(x, w)[0, 0], np.correlate(x[0, 0], w[0, 0]), rtol=1e-5)


@needed
@pytest.mark.usefixtures("_to_be_found_again")
def test_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(library.Library):
        def __init__(self, path: str) -> None:
            monkeypatch.setattr(library, "VERSION", 4)
            super().__init__(path)

    monkeypatch.setattr(library, "Library", Other)
    with pytest.warns(RuntimeWarning, match=r"oneDNN 3\.\d+\.\d+ at .*; version 4 is needed"):
        assert not onednn.available()


@pytest.mark.usefixtures("_to_be_found_again")
def test_what_cannot_be_loaded_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    path = tmp_path / "libdnnl.so"
    path.write_text("not a library")
    monkeypatch.setattr(library, "located", lambda: str(path))
    with pytest.warns(RuntimeWarning, match="oneDNN is installed but not used: .*libdnnl.so"):
        assert not onednn.available()


def test_a_block_without_it() -> None:
    with onednn.without():
        assert not onednn.available()
        with onednn.without():
            pass
        assert not onednn.available()


@needed
def test_errors_name_the_function_and_the_status() -> None:
    lib = library.library()
    assert lib is not None
    with pytest.raises(onednn.OneDNNError, match=r"dnnl_engine_create answered invalid arguments \(status 2\)"):
        lib.engine_create(library.c_void_p(), library.CPU, 7)
    with pytest.raises(AttributeError, match="dnnl_nothing is not declared"):
        lib.nothing  # noqa: B018
    assert "status 99" in str(onednn.OneDNNError("f", 99))


@needed
def test_waiting_is_brief_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = library.os.environ
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with library._brief_waits():
        assert environ["GOMP_SPINCOUNT"] == library.SPIN
    assert "GOMP_SPINCOUNT" not in environ
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    with library._brief_waits():
        assert "GOMP_SPINCOUNT" not in environ


# --- matrix products -----------------------------------------------------------------------------------------------


@needed
@pytest.mark.parametrize("turn_a", [False, True])
@pytest.mark.parametrize("turn_b", [False, True])
@pytest.mark.parametrize("part", [False, True])
def test_a_product_of_matrices(turn_a: bool, turn_b: bool, part: bool) -> None:
    def matrix(rows: int, columns: int, turned: bool) -> np.ndarray:
        shape = (columns, rows) if turned else (rows, columns)
        a = arrays((shape[0], shape[1] + 3))[:, :-3] if part else arrays(shape)
        return a.T if turned else a

    a, b = matrix(70, 90, turn_a), matrix(90, 80, turn_b)
    close(onednn.gemm(a, b), a.astype(float) @ b)
    out = np.full((70, 80), np.nan, np.float32)
    assert onednn.gemm(a, b, out) is out
    close(out, a.astype(float) @ b)
    assert onednn.gemm(a, b, out, alpha=-1.5, beta=2.0) is out
    close(out, 0.5 * (a.astype(float) @ b))


@needed
@pytest.mark.parametrize(("m", "k", "n"), [(1, 600, 500), (500, 600, 1), (600, 1, 500)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_product_of_rows_and_columns(m: int, k: int, n: int, turned: bool) -> None:
    a, b = arrays((m, k)), arrays((k, n))
    if turned:
        a, b = np.asfortranarray(a), np.asfortranarray(b)
    close(onednn.gemm(a, b), a.astype(float) @ b)
    close(onednn.gemm(np.repeat(a, 2, axis=1)[:, ::2] if m == 1 else a, b), a.astype(float) @ b)


@needed
def test_products_that_are_left_to_numpy() -> None:
    a = arrays((100, 100))
    assert onednn.gemm(a, a) is not None
    assert onednn.gemm(a[:10], a) is None  # small
    assert onednn.gemm(a.astype(float), a) is None
    assert onednn.gemm(a[:, ::2], a[::2]) is None
    assert onednn.gemm(a[::-1], a) is None
    assert onednn.gemm(np.broadcast_to(a[:1], a.shape), a) is None
    assert onednn.gemm(a[None], a) is None
    assert onednn.gemm(a, a, np.empty((100, 100), np.float32, "F")) is None
    assert onednn.gemm(a, a, np.empty((100, 100))) is None
    with onednn.without():
        assert onednn.gemm(a, a) is None
