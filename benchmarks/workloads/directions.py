"""Derivatives along directions: forward mode, Jacobians, Hessians and their products with a vector, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.engines import OURS
from benchmarks.row import Row, Timed

RNG = np.random.default_rng(0)
WIDTH = 50
W1, W2, W3 = (RNG.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5 for _ in range(3))
X, V = RNG.normal(size=WIDTH), RNG.normal(size=WIDTH)


def network(xp: Any, ws: Any) -> Callable[[Any], Any]:
    """Three layers from 50 to 50 numbers."""
    return lambda x: xp.tanh(xp.tanh(x @ ws[0]) @ ws[1]) @ ws[2]


def rosenbrock(x: Any) -> Any:
    """The sum of 100 (x[i+1] - x[i]**2)**2 + (1 - x[i])**2."""
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


def ndtape(call: Callable[[Any, Any, Any, Any], Any]) -> Timed:
    """Our engine; `call` gets its functional module, the network, the point and a direction."""
    import autodiff as ad

    f = network(np, [ad.as_tensor(w) for w in (W1, W2, W3)])
    kept: list[Any] = []

    def step() -> None:
        kept[:] = [call(ad.functional, f, ad.as_tensor(X), ad.as_tensor(V))]

    return Timed(step, lambda: kept)


def torch(call: Callable[[Any, Any, Any, Any], Any]) -> Timed:
    """PyTorch's torch.func."""
    import torch

    f = network(torch, [torch.tensor(w) for w in (W1, W2, W3)])
    kept: list[Any] = []

    def step() -> None:
        kept[:] = [call(torch.func, f, torch.tensor(X), torch.tensor(V))]

    return Timed(step, lambda: kept)


def autograd(call: Callable[[Any, Any], Any]) -> Timed:
    """HIPS autograd; `call` gets the point and a direction."""
    kept: list[Any] = []

    def step() -> None:
        kept[:] = [call(X, V)]

    return Timed(step, lambda: kept)


def _autograd_jvp(x: Any, v: Any) -> Any:
    from autograd import make_jvp
    from autograd import numpy as anp

    return make_jvp(network(anp, [W1, W2, W3]))(x)(v)[1]


def _autograd_jacobian(x: Any, v: Any) -> Any:
    from autograd import jacobian
    from autograd import numpy as anp

    return jacobian(network(anp, [W1, W2, W3]))(x)


def _autograd_hessian(x: Any, v: Any) -> Any:
    from autograd import hessian

    return hessian(lambda x: sum_of(x))(x)


def sum_of(x: Any) -> Any:
    """Rosenbrock's function in HIPS autograd, whose arrays have no method `sum`."""
    from autograd import numpy as anp

    return anp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def _autograd_hvp(x: Any, v: Any) -> Any:
    from autograd import make_hvp

    return make_hvp(sum_of)(x)[0](v)


ROWS = (
    Row(
        "jvp of a network 50-50-50-50",
        "us",
        {
            OURS: lambda: ndtape(lambda fn, f, x, v: fn.jvp(f, (x,), (v,))[1]),
            "torch": lambda: torch(lambda fn, f, x, v: fn.jvp(f, (x,), (v,))[1]),
            "autograd": lambda: autograd(_autograd_jvp),
        },
    ),
    Row(
        "its Jacobian, 50 by 50",
        "us",
        {
            OURS: lambda: ndtape(lambda fn, f, x, v: fn.jacobian(f)(x)),
            "torch": lambda: torch(lambda fn, f, x, v: fn.jacfwd(f)(x)),
            "autograd": lambda: autograd(_autograd_jacobian),
        },
    ),
    Row(
        "Hessian of Rosenbrock's function, 50 by 50",
        "us",
        {
            OURS: lambda: ndtape(lambda fn, f, x, v: fn.hessian(rosenbrock)(x)),
            "torch": lambda: torch(lambda fn, f, x, v: fn.hessian(rosenbrock)(x)),
            "autograd": lambda: autograd(_autograd_hessian),
        },
    ),
    Row(
        "its product with a vector",
        "us",
        {
            OURS: lambda: ndtape(lambda fn, f, x, v: fn.hvp(rosenbrock, (x,), (v,))[1][0]),
            "torch": lambda: torch(lambda fn, f, x, v: fn.jvp(fn.grad(rosenbrock), (x,), (v,))[1]),
            "autograd": lambda: autograd(_autograd_hvp),
        },
    ),
)
