"""One runner for each checker: a case is made an operation of its library and checked as its documentation shows."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.testing.checks.gradcheck import gradcheck
from benchmarks.checkers.case import Array, Case, Library

Rule = Callable[..., Any]


def gradients(rule: Rule, xp: Library, g: Any, xs: Any) -> list[Any]:
    """What a rule returns, one gradient for each operand."""
    found = rule(xp, g, *xs)
    return list(found) if isinstance(found, tuple) else [found]


def fresh(case: Case) -> list[Array]:
    """Copies of a case's inputs, laid out as they are."""
    return [np.array(x) for x in case.inputs]


# --- this toolkit --------------------------------------------------------------------------------------------------

NUMPY = Library(
    np,
    constant=np.asarray,
    detach=lambda x: x.detach() if isinstance(x, ad.Tensor) else x,
    narrow=lambda x: x.astype(np.float32).astype(x.dtype),
    contiguous=lambda x: np.asarray(getattr(x, "data", x) if isinstance(x, ad.Tensor) else x).flags.c_contiguous,
)


@contextmanager
def primitive(case: Case, rule: Rule) -> Iterator[Callable[..., Any]]:
    """The case as an operation of this engine, taken out of the registry afterwards."""
    forwards: list[Callable[..., Any]] = [
        lambda a: case.forward(NUMPY, a),
        lambda a, b: case.forward(NUMPY, a, b),
    ]
    forward = forwards[len(case.inputs) - 1]
    function = ad.joint(forward, lambda g, xs: gradients(rule, NUMPY, g, xs))
    try:
        yield function
    finally:
        del ad.registry[function], ad.registry[forward]


def ours(case: Case, rule: Rule) -> bool | None:
    """`gradcheck` of this toolkit, `order=2` where the function has a second derivative."""
    with primitive(case, rule) as function:
        report = gradcheck(function, *fresh(case), order=case.order)
    return None if report.verdict == "inconclusive" else bool(report)


# --- PyTorch -------------------------------------------------------------------------------------------------------


def pytorch(case: Case, rule: Rule) -> bool:
    """`torch.autograd.gradcheck`, then `gradgradcheck`."""
    import torch

    xp = Library(
        torch,
        constant=torch.from_numpy,
        detach=lambda x: x.detach(),
        narrow=lambda x: x.to(torch.float32).to(x.dtype),
        contiguous=lambda x: x.is_contiguous(),
    )

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *xs: Any) -> Any:
            ctx.save_for_backward(*xs)
            return case.forward(xp, *xs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            found = gradients(rule, xp, torch.conj(g), ctx.saved_tensors)
            return tuple(torch.conj(h) for h in found)  # PyTorch's gradients are conjugated

    torch.manual_seed(0)
    xs = tuple(torch.from_numpy(x).requires_grad_() for x in fresh(case))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # at these sizes more of them only wait for each other
    try:
        torch.autograd.gradcheck(Planted.apply, xs)
        if case.order == 2:
            torch.autograd.gradgradcheck(Planted.apply, xs)
    finally:
        torch.set_num_threads(threads)
    return True


# --- JAX -----------------------------------------------------------------------------------------------------------


def jax(case: Case, rule: Rule) -> bool:
    """`jax.test_util.check_grads(order=2, modes=["rev"])` in x64: a `custom_vjp` has no forward mode."""
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    xp = Library(
        jnp,
        constant=jnp.asarray,
        detach=jax.lax.stop_gradient,
        narrow=lambda x: x.astype(jnp.float32).astype(x.dtype),
        contiguous=lambda x: True,
    )

    @jax.custom_vjp
    def function(*xs: Any) -> Any:
        return case.forward(xp, *xs)

    function.defvjp(lambda *xs: (function(*xs), xs), lambda xs, g: tuple(gradients(rule, xp, g, xs)))
    with jax.enable_x64(True):
        check_grads(function, tuple(jnp.asarray(x) for x in fresh(case)), order=case.order, modes=["rev"])
    return True


# --- HIPS autograd -------------------------------------------------------------------------------------------------


def hips(case: Case, rule: Rule) -> bool:
    """`autograd.test_util.check_grads(modes=["rev"])`: `defvjp` has no forward mode."""
    import autograd.numpy as anp
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads
    from autograd.tracer import getval

    xp = Library(
        anp,
        constant=np.asarray,
        detach=getval,
        narrow=lambda x: x.astype(np.float32).astype(x.dtype),
        contiguous=lambda x: np.asarray(getval(x)).flags.c_contiguous,
    )

    def vjp(i: int) -> Callable[..., Any]:
        return lambda y, *xs: lambda g: gradients(rule, xp, g, xs)[i]

    function = primitive(lambda *xs: case.forward(xp, *xs))
    count = len(case.inputs)
    defvjp(function, *map(vjp, range(count)))
    np.random.seed(0)  # noqa: NPY002 (its directions come from there)
    argnum = tuple(range(count)) if count > 1 else 0
    check_grads(function, argnum, modes=["rev"], order=case.order)(*fresh(case))
    return True


CHECKERS: dict[str, Callable[[Case, Rule], bool | None]] = {"ours": ours, "torch": pytorch, "jax": jax, "hips": hips}
MODULES = {"ours": "autodiff", "torch": "torch", "jax": "jax", "hips": "autograd"}
NAMES = {
    "ours": "ndtape",
    "torch": "torch.autograd.gradcheck",
    "jax": "jax.test_util.check_grads",
    "hips": "HIPS check_grads",
}


@functools.cache
def installed(checker: str) -> bool:
    """Whether a checker can be run here."""
    return importlib.util.find_spec(MODULES[checker]) is not None
