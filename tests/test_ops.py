"""Every operation of the registry: values are NumPy's, derivatives those of numeric differences and of torch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.primitive import registry
from tests.numeric import check, direction, listed
from tests.ops.drawn import example, operands
from tests.ops.table import OPS, Op, each_function, each_op, is_first, row


def ours(fun: Any) -> bool:
    """Say whether a function is NumPy's or the engine's own; SciPy's chapter, loaded late, has tests of its own."""
    if isinstance(fun, np.ufunc):
        return getattr(np, fun.__name__, None) is fun
    return fun.__module__.split(".")[0] in ("numpy", "autodiff")


ENTRIES = {e for e in registry.values() if ours(e.fun)}


def leaves(arrays: list[Any]) -> list[ad.Tensor]:
    return [ad.as_tensor(x).requires_grad_() for x in arrays]


def seeded(op: Op, xs: list[ad.Tensor]) -> tuple[list[Any], list[Any]]:
    """Run a row and return its floating outputs with a cotangent for each."""
    rng = np.random.default_rng(1)
    ys = [y for y in listed(op.call(*xs)) if y.dtype.kind in "fc"]
    return ys, [direction(rng, y).astype(y.dtype) for y in ys]


def test_every_differentiable_entry_has_a_row() -> None:
    rows = {registry[op.fun] for op in OPS}
    differentiable = {e for e in ENTRIES if (e.differentiable and e.kind != "zero") or e.kind == "composite"}
    assert not {entry.name for entry in differentiable - rows}


def test_rows_have_names_of_their_own() -> None:
    names = [op.label for op in OPS]
    assert sorted(names) == sorted(set(names))


@each_op
@settings(max_examples=2)  # of each of some 1,700 rows
@given(data=st.data())
def test_value_is_numpys(op: Op, data: st.DataObject) -> None:
    xs = data.draw(operands(op))
    with np.errstate(all="ignore"):
        expected = listed((op.reference or op.call)(*xs))
        given = listed(op.call(*[ad.as_tensor(x) for x in xs]))
    for y, e in zip(given, expected, strict=True):
        assert isinstance(y, ad.Tensor)
        assert (y.shape, y.dtype) == (np.shape(e), e.dtype)
        np.testing.assert_allclose(y.numpy(), e, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("op", "order"), [(op, 1) for op in OPS if not is_first(op)] + [row(op, 2) for op in OPS], ids=str
)
def test_derivatives(op: Op, order: int) -> None:
    """Along random directions, in which no error can hide, and at the largest entries; the second after the first."""
    with np.errstate(all="ignore"):
        check(op.call, *example(op), order=order, exhaustive=False, directions=2)


THIRD = """tanh; divide; power; arctan2; sinc; prod; cumprod; std axis=-1; logsumexp axis=-1; median; sort; pad reflect
    interp; einsum bhqd,bhkd->bhqk; matmul nm, mk; convolve; fft n=6; irfft; cov; det mm; inv mm; cholesky mm; qr mm
    eigh mm; svd mm; norm vector 3 M; solve mm, mn; take_along_axis"""
SPOTS = [name.strip() for line in THIRD.splitlines() for name in line.split(";")]


@pytest.mark.parametrize("op", [op for op in OPS if op.label in SPOTS], ids=str)
def test_derivatives_of_order_three(op: Op) -> None:
    with np.errstate(all="ignore"):
        check(op.call, *example(op), order=3, exhaustive=False, directions=1)


def test_the_rows_of_order_three_are_of_every_chapter() -> None:
    assert set(SPOTS) <= {op.label for op in OPS}


def asks_for_float64(op: Op) -> bool:
    """Say whether a row mixes a float64 array in, or asks for that dtype by name."""
    return (
        registry[op.fun].name in ("astype", "float_power", "inv", "slogdet") or op.label == "concatenate with an array"
    )


REAL = [op for op in OPS if "complex" not in op.domains and not asks_for_float64(op)]
COMPLEX = [op for op in OPS if "complex" in op.domains and not asks_for_float64(op) and "f" in op.small]
SMALL = [(op, code) for op in REAL for code in op.small] + [(op, "F") for op in COMPLEX]


def narrowed(x: Any, code: str) -> Any:
    """Return an array in a smaller dtype; a real one beside complex ones is real there too."""
    return x.astype("f" if code == "F" and x.dtype.kind == "f" else code)


@pytest.mark.parametrize(
    ("op", "code"), [row(*pair) for pair in SMALL], ids=[f"{op}-{np.dtype(code)}" for op, code in SMALL]
)
def test_small_floats_stay_small(op: Op, code: str) -> None:
    exact = [narrowed(x, code) for x in example(op)]
    xs, wide = leaves(exact), leaves([x.astype("D" if x.dtype.kind == "c" else "d") for x in exact])
    try:
        ys, vs = seeded(op, xs)
    except TypeError as error:  # LAPACK has no float16, and NumPy's refusal is passed on
        if "float16 is unsupported" not in str(error):
            raise
        with pytest.raises(TypeError, match="float16 is unsupported"):
            (op.reference or op.call)(*exact)
        return
    zs, ws = seeded(op, wide)
    eps = float(np.finfo(code).eps)
    for y, z in zip(ys, zs, strict=True):
        assert y.dtype == np.dtype(code.lower() if z.dtype.kind == "f" else "F")
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=16 * eps, atol=16 * eps)
    if not any(y.requires_grad for y in ys):
        return
    gs, hs = ad.grad(ys, xs, vs, allow_unused=True), ad.grad(zs, wide, ws, allow_unused=True)
    for g, h, x in zip(gs, hs, xs, strict=True):
        if h is not None:
            assert (g.dtype, g.shape) == (x.dtype, x.shape)
            np.testing.assert_allclose(g.numpy(), h.numpy(), rtol=64 * eps, atol=64 * eps)


@each_function
def test_operands_are_left_alone_and_gradients_are_writable_and_own_their_memory(op: Op) -> None:
    arrays = example(op)
    before = [x.copy() for x in arrays]
    for lift in (False, True):
        xs = leaves(arrays)
        ys, vs = seeded(op, xs)
        kept = [v.copy() for v in vs]
        gs = [g for g in ad.grad(ys, xs, vs, create_graph=lift, allow_unused=True) if g is not None]
        for x, b in zip([*arrays, *vs], [*before, *kept], strict=True):
            np.testing.assert_array_equal(x, b)
        made = [g.detach().numpy() for g in gs]
        for i, g in enumerate(made):
            assert g.flags.writeable
            for other in [*arrays, *vs, *made[:i], *[y.detach().numpy() for y in ys]]:
                assert not np.may_share_memory(g, other), f"two arrays of a gradient share memory, create_graph={lift}"


TORCH = [op for op in OPS if op.torch is not None]


@pytest.mark.parametrize("op", TORCH, ids=str)
def test_values_and_gradients_equal_torchs(op: Op, torch: ModuleType) -> None:
    arrays = example(op)
    xs, us = leaves(arrays), [torch.tensor(x, requires_grad=True) for x in arrays]
    ys, vs = seeded(op, xs)
    zs = listed(op.torch(torch)(*us))
    hs = torch.autograd.grad(zs, us, [torch.tensor(v) for v in vs])
    gs = ad.grad(ys, xs, vs)
    for ours, theirs in zip([*ys, *gs], [*zs, *hs], strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().resolve_conj().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("op", [op for op in TORCH if op.twice], ids=str)
def test_second_gradients_equal_torchs(op: Op, torch: ModuleType) -> None:
    """The gradient of the real part of <gradient, w>, in both engines; one that is absent is zero."""
    arrays = example(op)
    rng = np.random.default_rng(2)
    directions = [direction(rng, x).astype(x.dtype) for x in arrays]
    xs, us = leaves(arrays), [torch.tensor(x, requires_grad=True) for x in arrays]
    ys, vs = seeded(op, xs)
    zs = listed(op.torch(torch)(*us))
    gs = ad.grad(ys, xs, vs, create_graph=True)
    hs = torch.autograd.grad(zs, us, [torch.tensor(v) for v in vs], create_graph=True)
    ours = sum(np.real(np.sum(g * w)) for g, w in zip(gs, directions, strict=True))
    theirs = sum((h * torch.tensor(w)).sum().real for h, w in zip(hs, directions, strict=True))
    found = ad.grad(ours, xs, allow_unused=True) if ours.requires_grad else [None] * len(xs)
    wanted = torch.autograd.grad(theirs, us, allow_unused=True) if theirs.requires_grad else [None] * len(us)
    for x, g, h in zip(arrays, found, wanted, strict=True):
        g = np.zeros_like(x) if g is None else g.numpy()
        h = np.zeros_like(x) if h is None else h.resolve_conj().numpy(force=True)
        np.testing.assert_allclose(g, h, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "fun", [f for f, e in registry.items() if e in ENTRIES and e.kind == "zero" and isinstance(f, np.ufunc)]
)
def test_steps_have_gradient_zero(fun: Any) -> None:
    xs = leaves([np.array([-1.5, 0.5, 2.5])] * fun.nin)
    y = fun(*xs)
    np.testing.assert_array_equal(y.detach().numpy(), fun(*[x.detach().numpy() for x in xs]))
    for g in ad.grad(y.sum(), xs):
        np.testing.assert_array_equal(g.numpy(), np.zeros(3))


@pytest.mark.parametrize(
    "fun", [f for f, e in registry.items() if e in ENTRIES and e.kind == "boolean" and isinstance(f, np.ufunc)]
)
def test_comparisons_are_tensors_without_a_gradient(fun: Any) -> None:
    integers = fun in (
        np.bitwise_and,
        np.bitwise_or,
        np.bitwise_xor,
        np.invert,
        np.bitwise_count,
        np.left_shift,
        np.right_shift,
        np.gcd,
        np.lcm,
    )
    arrays = [np.array([1, 2, 3])] * fun.nin if integers else [np.array([-1.5, 0.0, 2.5])] * fun.nin
    xs = [ad.as_tensor(x).requires_grad_(not integers) for x in arrays]
    y = fun(*xs)
    assert isinstance(y, ad.Tensor)
    assert not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), fun(*arrays))
