"""Graphs are freed when their last reference goes, without the garbage collector; saved values as the sweep goes."""

from __future__ import annotations

import contextlib
import gc
import platform
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.ops.table import each_function
from tests.test_ops import example, leaves, listed


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


class Square(ad.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 2 * x


def leaf(n: int = 4) -> ad.Tensor:
    return ad.tensor(np.linspace(1, 2, n), requires_grad=True)


def forward_only(x: ad.Tensor) -> Any:
    return (np.exp(x) * x).sum()


def after_backward(x: ad.Tensor) -> Any:
    y = (np.exp(x) * x).sum()
    y.backward()
    return y


def after_create_graph(x: ad.Tensor) -> Any:
    (g,) = ad.grad((np.exp(x) * x).sum(), x, create_graph=True)
    return g


def after_second_order(x: ad.Tensor) -> Any:
    (g,) = ad.grad((np.exp(x) * x).sum(), x, create_graph=True)
    (h,) = ad.grad(g.sum(), x, create_graph=True)
    return g, h


def several_outputs(x: ad.Tensor) -> Any:
    a, b = np.split(np.exp(x), 2)
    return a * b


def custom_function(x: ad.Tensor) -> Any:
    return Square.apply(np.exp(x))


def custom_function_lifted(x: ad.Tensor) -> Any:
    y = Square.apply(np.exp(x)).sum()
    return y, ad.grad(y, x, create_graph=True)


def hooked(x: ad.Tensor) -> Any:
    y = np.exp(x)
    y.register_hook(lambda g: g)
    y.retain_grad()
    return y * 2


def in_place(x: ad.Tensor) -> Any:
    y = np.exp(x)
    y += x
    y[0] = x[1]
    return y


def joined(x: ad.Tensor) -> Any:
    return np.einsum("i,i->", np.concatenate([x, x]), np.stack([x, x]).reshape(-1))


@pytest.mark.parametrize(
    "build",
    [
        forward_only,
        after_backward,
        after_create_graph,
        after_second_order,
        several_outputs,
        custom_function,
        custom_function_lifted,
        hooked,
        in_place,
        joined,
    ],
)
def test_dropping_the_result_frees_the_graph(build: Callable[[ad.Tensor], Any]) -> None:
    x = leaf()
    marker = x * 1.0
    array = weakref.ref(marker.detach().numpy())
    result = build(marker * marker)  # the product saves the marker's array, which dies with the graph
    del marker
    assert (array() is None) == (build is after_backward)
    del result
    assert array() is None


@each_function
def test_no_operation_leaves_a_cycle(op: Any) -> None:
    xs = [x * 1.0 for x in leaves(example(op))]
    arrays = [weakref.ref(x.detach().numpy()) for x in xs]
    ys = [y for y in listed(op.call(*xs)) if y.requires_grad]
    if ys:
        ad.grad([np.sum(np.real(y)) for y in ys], xs, create_graph=True, allow_unused=True)
    del xs, ys
    assert not any(array() is not None for array in arrays)


def test_a_leaf_and_its_gradient_do_not_hold_each_other() -> None:
    x = leaf()
    (x * x).sum().backward()
    reference = weakref.ref(x)
    del x
    assert reference() is None


def test_a_gradient_with_a_graph_of_its_own_does_not_hold_its_leaf() -> None:
    x = leaf()
    (x**3).sum().backward(create_graph=True)
    reference = weakref.ref(x)
    del x
    assert reference() is None


def test_an_error_in_the_sweep_leaves_nothing_behind() -> None:
    def fails(g: Any) -> Any:
        raise ValueError("no")

    bad = ad.primitive(fails, name="bad")(lambda x: x)
    x = leaf()
    inner = np.exp(x)
    array = weakref.ref(inner.detach().numpy())
    y = bad(inner * inner)
    with contextlib.suppress(ValueError):
        y.sum().backward()
    del y, inner
    assert array() is None


def test_backward_frees_saved_values_while_it_goes() -> None:
    n, layers = 100_000, 20
    live: list[int] = []
    tracemalloc.start()
    try:
        x = leaf(n)
        y = x
        for i in range(layers):
            y = np.exp(y * 0.1)
            if i == layers // 2:
                y.register_hook(lambda g: live.append(tracemalloc.get_traced_memory()[0]))
        y = y.sum()
        start = tracemalloc.get_traced_memory()[0]
        y.backward()
    finally:
        tracemalloc.stop()
    assert live[0] <= 0.7 * start


def test_the_gradients_of_a_value_used_often_add_up_in_one_array() -> None:
    n, uses = 100_000, 20
    x = leaf(n)
    y = (x * 1.0).sum() * 0
    for i in range(uses):
        y = y + (x * float(i)).sum()
    tracemalloc.start()
    try:
        y.backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4.5 * x.detach().numpy().nbytes


def test_a_second_backward_adds_into_the_gradient_that_is_there() -> None:
    x = leaf()
    (x * 2.0).sum().backward()
    first = x.grad.numpy()
    (x * 3.0).sum().backward()
    assert x.grad.numpy() is first
    np.testing.assert_array_equal(first, 5)


def test_without_a_gradient_nothing_is_kept() -> None:
    x = ad.tensor(np.ones(4))
    y = x * 1.0
    array = weakref.ref(y.numpy())
    z = np.exp(y)
    del y
    assert array() is None
    assert z.is_leaf


def test_no_grad_keeps_nothing() -> None:
    x = leaf()
    with ad.no_grad():
        y = x * 1.0
        array = weakref.ref(y.numpy())
        z = np.exp(y)
    del y
    assert array() is None
    assert not z.requires_grad


def test_a_rule_saves_only_what_it_names() -> None:
    x = leaf()
    y = x * 1.0
    array = weakref.ref(y.detach().numpy())
    z = np.exp(y)  # exp's rule reads its output, not its operand
    del y
    assert array() is None
    z.sum().backward()


def test_detached_results_release_their_graph() -> None:
    x = leaf()
    y = x * 1.0
    array = weakref.ref(y.detach().numpy())
    value = (y * y).sum().detach()
    del y
    assert array() is None
    assert value.is_leaf


GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory in its own way")


@GLIBC
@pytest.mark.parametrize(
    ("calls", "kept"),
    [("", False), ("ad.tune_allocator()", True), ("ad.tune_allocator(); ad.tune_allocator(0)", False)],
)
def test_freed_memory_is_kept_for_the_next_arrays_if_asked_for(calls: str, kept: bool) -> None:
    """Pages of freed arrays are not given back, so that the next arrays fault none in."""
    program = f"""
import resource, numpy as np, autodiff as ad
{calls}
x = np.ones(2**18)
def work():
    y = x * 2
    z = y + x
    return (z * y - z) * y
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
before = faults()
for _ in range(10):
    work()
print(faults() - before < x.nbytes // 4096)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(kept)


@GLIBC
def test_the_allocator_says_that_it_agrees() -> None:
    program = "import autodiff as ad; print(ad.tune_allocator(2**28), ad.tune_allocator(0))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ad.tune_allocator() is False


@pytest.mark.parametrize("keep", [-1, 2**31, True, 1.5, "1 GiB"])
def test_what_is_no_number_of_bytes_is_refused(keep: Any) -> None:
    with pytest.raises(ValueError, match="number of bytes"):
        ad.tune_allocator(keep)
