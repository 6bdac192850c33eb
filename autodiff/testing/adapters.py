"""Functions of other libraries under the checks: NumPy with a derivative written by hand, PyTorch, JAX.

Each adapter says how its library holds arrays and how it pulls a cotangent back; the rest is `Subject`'s.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.creation import as_tensor
from autodiff.tensor import Tensor
from autodiff.testing.subject import Pull, Subject, _kinds, _paths
from autodiff.tree import leaves, map_leaves, rebuild


def from_numpy(
    f: Callable[..., Any],
    vjp: Callable[..., Any] | None = None,
    *,
    grad: Callable[..., Any] | None = None,
    jacobian: Callable[..., Any] | None = None,
) -> Function:
    """Return a NumPy function with its derivative, written by hand in one of three ways, for `gradcheck`.

    `vjp(g, *xs)` returns the gradient of each x (one alone, or a tuple; None where there is none) for the gradient g of
    the output. `grad(*xs)` is for f that returns one number, `jacobian(*xs)` has the output's shape followed by x's:
    SciPy's `jac` for `minimize` and for `least_squares`.

    >>> from autodiff.testing import gradcheck
    >>> bool(gradcheck(from_numpy(np.sin, vjp=lambda g, x: g * np.cos(x)), np.linspace(-2, 2, 5)))
    True
    >>> from scipy.optimize import rosen, rosen_der, rosen_hess
    >>> bool(gradcheck(from_numpy(rosen, grad=rosen_der), np.array([1.3, 0.7, 0.8])))
    True
    >>> bool(gradcheck(from_numpy(rosen_der, jacobian=rosen_hess), np.array([1.3, 0.7, 0.8])))
    True
    """
    given = [rule for rule in (vjp, grad, jacobian) if rule is not None]
    if len(given) != 1:
        raise TypeError(f"from_numpy takes one of vjp=, grad= and jacobian=; {len(given)} were given.")
    whole = jacobian if jacobian is not None else grad
    rule = vjp if whole is None else lambda g, *xs: _each(lambda part: _contracted(g, part), whole(*xs))
    return Function(f, NumPySubject, {"rule": rule})


def from_torch(f: Callable[..., Any]) -> Function:
    """Return a function of PyTorch tensors, or a torch.nn.Module, for `gradcheck`.

    The inputs may be tensors or arrays. A module's parameters are checked too (those of a module that f uses if it is
    given as `params=`). Second derivatives need a backward that is itself differentiable.

    >>> from autodiff.testing import gradgradcheck
    >>> import torch  # doctest: +SKIP
    >>> bool(gradgradcheck(from_torch(torch.nn.Linear(3, 2)), torch.ones(4, 3)))  # doctest: +SKIP
    True
    """
    _library("torch", "parity")
    return Function(f, TorchSubject)


def from_jax(f: Callable[..., Any]) -> Function:
    """Return a function of JAX arrays, `jax.custom_vjp` ones included, for `gradcheck`.

    It is measured in float64, which JAX calls x64: that is switched on while the function runs, and nowhere else.

    >>> from autodiff.testing import gradgradcheck
    >>> import jax.numpy as jnp  # doctest: +SKIP
    >>> bool(gradgradcheck(from_jax(jnp.tanh), np.linspace(-2, 2, 5)))  # doctest: +SKIP
    True
    """
    _library("jax", "bench")
    return Function(f, JaxSubject)


@dataclass(frozen=True)
class Function:
    """A function of another library, not yet at a point; called, it is that function."""

    f: Callable[..., Any]
    subject: type[Foreign]
    facts: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.f(*args, **kwargs)

    def bind(self, args: Sequence[Any], params: Any = None, name: str | None = None) -> Subject:
        """Return the function at some inputs."""
        return self.subject(self.f, args, params, name, **self.facts)


class Foreign(Subject):
    """A function of another library at a point."""

    labels: list[str] | None = None  # of the outputs, where the places in the answer say too little

    def __init__(self, f: Any, args: Sequence[Any], params: Any = None, name: str | None = None) -> None:
        super().__init__(f, [map_leaves(self.given, x) for x in args], params, name)

    # --- what a library's adapter says ---

    def given(self, x: Any) -> Any:
        """Return a leaf that the caller gave as an array, or a Tensor where it says whether it is differentiated."""
        return x

    def to(self, x: Any) -> Any:
        """Return an array as the library's own."""
        return x

    def back(self, y: Any) -> Any:
        """Return what the library made as an array."""
        return np.asarray(y)

    def is_floating(self, y: Any) -> bool:
        """Say whether an output is of real or complex floating numbers."""
        return np.asarray(y).dtype.kind in "fc"

    def pullback(self, f: Callable[[list[Any]], list[Any]], xs: list[Any]) -> tuple[list[Any], Pull]:
        """Return a function's outputs in the library's arrays, and what pulls cotangents of them back to xs."""
        raise NotImplementedError

    def scope(self) -> AbstractContextManager[Any]:
        """Return the context in which the library is used."""
        return nullcontext()

    # --- what the checks use ---

    def values(self, xs: list[Any]) -> list[Any]:
        with self.scope():
            return [self.back(y) for y in self.call([self.to(x) for x in xs])]

    def linearize(self, xs: list[Any]) -> tuple[list[Any], Pull]:
        with self.scope():
            ys, pulled = self.pullback(self.call, [self.to(x) for x in xs])
            outputs = [self.back(y) for y in ys]

        def pull(cotangents: list[Any]) -> list[Any]:
            with self.scope():
                return [self.back(g) for g in pulled([self.to(v) for v in cotangents])]

        return outputs, pull

    def derivative(self, cotangents: list[Any]) -> Subject:
        count = len(self.inputs)

        def gradients(*xs: Any) -> Any:
            return self.pullback(self.call, list(xs[:count]))[1](list(xs[count:]))

        of = type(self)(gradients, [*self.inputs, *cotangents], name=f"the gradient of {self.name}")
        of.names = [*self.names, *[f"gradient of {n}" for n in self.outputs]]
        of.labels = [f"gradient by {n}" for n in self.names]
        return of

    def jvp(self, xs: list[Any], tangents: list[Any]) -> list[Any]:
        """Return the outputs' tangents, by the library's own forward mode."""
        with self.scope():
            pushed = self.forward(self.call, [self.to(x) for x in xs], [self.to(t) for t in tangents])
            return [self.back(t) for t in pushed]

    def forward(self, f: Callable[[list[Any]], list[Any]], xs: list[Any], tangents: list[Any]) -> list[Any]:
        """Return the tangents of a function's outputs in the library's arrays."""
        raise TypeError(f"{self.name} has no forward mode: only its vjp is known. Check it with gradcheck.")

    def call(self, xs: list[Any]) -> list[Any]:
        """Run the function on the library's arrays and return its floating outputs."""
        answer = self.f(*self.arguments(xs))
        found = list(zip(_paths(answer, None), leaves(answer), strict=True))
        self.outputs = self.labels or [n for n, y in found if self.is_floating(y)]
        if not self.outputs:
            raise TypeError(f"{self.name} returned {_kinds(answer)}; a check needs an array of floating numbers.")
        return [y for _, y in found if self.is_floating(y)]

    def arguments(self, xs: list[Any]) -> Any:
        """Return the arguments with arrays in the places of those that are checked; constants are as wide as these."""
        changing = iter(xs)
        wide = any(str(x.dtype).endswith("float64") for x in xs)
        chosen = zip(self._leaves, self._chosen, strict=True)
        return rebuild(self.args, iter([next(changing) if c else self._constant(x, wide) for x, c in chosen]))

    def _constant(self, x: Any, wide: bool) -> Any:
        value = x.data if isinstance(x, Tensor) else x
        if not isinstance(value, np.ndarray):
            return value
        return self.to(value.astype(np.float64) if wide and value.dtype.kind == "f" else value)


# --- NumPy ---------------------------------------------------------------------------------------------------------


class NumPySubject(Foreign):
    """A function of arrays beside `rule(g, *xs)`, its derivative."""

    def __init__(self, f: Any, args: Sequence[Any], params: Any, name: str | None, rule: Callable[..., Any]) -> None:
        super().__init__(f, args, params, name)
        self.rule = rule

    def pullback(self, f: Any, xs: list[Any]) -> tuple[list[Any], Pull]:
        args = self.arguments(xs)
        answer = self.f(*args)

        def pull(cotangents: list[Any]) -> list[Any]:
            seeds = iter(cotangents)
            g = map_leaves(lambda y: next(seeds) if self.is_floating(y) else np.zeros(np.shape(y)), answer)
            gradients = self.rule(g, *args)
            if len(args) == 1 and not (isinstance(gradients, tuple) and len(gradients) == 1):
                gradients = (gradients,)
            if not isinstance(gradients, (tuple, list)) or len(gradients) != len(args):
                raise ValueError(
                    f"{self.name}: the derivative returned {_kinds(gradients)}; expected a tuple of {len(args)}, one "
                    "gradient for each argument (None where there is none)."
                )
            found = [h for x, g in zip(args, gradients, strict=True) for h in _aligned(x, g)]
            checked = [h for h, chosen in zip(found, self._chosen, strict=True) if chosen]
            return [_gradient(h, x) for h, x in zip(checked, xs, strict=True)]

        return f(xs), pull

    def derivative(self, cotangents: list[Any]) -> Subject:
        raise TypeError(
            f"{self.name}: nothing is known of the derivative of a derivative written in NumPy, so there is no second "
            "order to check. Check it as a function of its own: from_numpy(gradient, jacobian=hessian)."
        )


def _each(function: Callable[[Any], Any], parts: Any) -> Any:
    """Apply a function to the derivative by one argument, or to those by each."""
    return tuple(map(function, parts)) if isinstance(parts, tuple) else function(parts)


def _contracted(g: Any, derivative: Any) -> Any:
    return None if derivative is None else np.tensordot(g, derivative, axes=np.ndim(g))


def _aligned(x: Any, gradient: Any) -> list[Any]:
    """Return one gradient, or None, for each leaf of an argument."""
    return [None] * len(leaves(x)) if gradient is None else leaves(gradient)


def _gradient(h: Any, x: Any) -> Any:
    """Return a gradient as an array; a Python number takes the dtype of its input."""
    if h is None:
        return np.zeros_like(x)
    return np.asarray(h) if hasattr(h, "dtype") else np.asarray(h, dtype=x.dtype)


# --- PyTorch -------------------------------------------------------------------------------------------------------


class TorchSubject(Foreign):
    """A function of torch tensors, with the parameters of a module."""

    def __init__(self, f: Any, args: Sequence[Any], params: Any = None, name: str | None = None) -> None:
        self.torch = _library("torch", "parity")
        module = f if params is None and isinstance(f, self.torch.nn.Module) else params
        super().__init__(f, args, None if module is None else _Parameters(module, self.given), name)

    def given(self, x: Any) -> Any:
        if not isinstance(x, self.torch.Tensor):
            return x
        if x.dtype == self.torch.bfloat16:
            raise TypeError("from_torch: NumPy has no bfloat16, which a tensor or parameter given has; pass t.float().")
        array = x.detach().resolve_conj().cpu().numpy()
        return as_tensor(array).requires_grad_(x.requires_grad)

    def to(self, x: Any) -> Any:
        x = np.asarray(x)
        if any(stride < 0 for stride in x.strides):  # torch has none: something else that is not contiguous
            t = self.torch.from_numpy(x.copy(order="K"))
            return self.torch.stack([t, t], -1)[..., 0] if t.is_contiguous() else t
        return self.torch.from_numpy(x if x.flags.writeable else x.copy())

    def back(self, y: Any) -> Any:
        return y.detach().resolve_conj().resolve_neg().cpu().numpy()

    def is_floating(self, y: Any) -> bool:
        return isinstance(y, self.torch.Tensor) and (y.is_floating_point() or y.is_complex())

    def values(self, xs: list[Any]) -> list[Any]:
        with self.torch.no_grad():
            return super().values(xs)

    def pullback(self, f: Any, xs: list[Any]) -> tuple[list[Any], Pull]:
        torch = self.torch
        with torch.enable_grad():
            again = any(x.requires_grad for x in xs)
            xs = [x if x.requires_grad else x.detach().requires_grad_() for x in xs]
            ys = f(xs)

        def pull(cotangents: list[Any]) -> list[Any]:
            pairs = [(y, v) for y, v in zip(ys, cotangents, strict=True) if y.requires_grad]
            if not pairs:
                return [torch.zeros_like(x) for x in xs]
            with torch.enable_grad():
                return list(
                    torch.autograd.grad(
                        [y for y, _ in pairs],
                        xs,
                        [v for _, v in pairs],
                        retain_graph=True,
                        create_graph=again,
                        materialize_grads=True,
                    )
                )

        return ys, pull

    def forward(self, f: Any, xs: list[Any], tangents: list[Any]) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its forward mode uses parts that PyTorch deprecates
            _, pushed = self.torch.func.jvp(lambda *xs: tuple(f(list(xs))), tuple(xs), tuple(tangents))
        return list(pushed)

    def call(self, xs: list[Any]) -> list[Any]:
        count = sum(self._chosen)
        try:
            with self._holding(xs[count:], wide=any(x.dtype == self.torch.float64 for x in xs)):
                return super().call(xs[:count])
        except RuntimeError as error:
            if "dtype" in str(error):  # it insists on its own
                raise TypeError(str(error)) from error
            raise

    @contextmanager
    def _holding(self, tensors: list[Any], wide: bool) -> Iterator[None]:
        """Put tensors in the places of the module's parameters for a while, and copies in those of its buffers."""
        if self.module is None:
            yield
            return
        new = {id(p): t for p, t in zip(self.module.held, tensors, strict=True)}
        before = []
        for part in self.module.module.modules():
            for held in (part._parameters, part._buffers):
                before.append((held, dict(held)))
                for key, old in held.items():
                    if id(old) in new:
                        held[key] = new[id(old)]
                    elif old is not None:
                        fixed = old.detach().clone()  # what a layer writes there does not stay
                        held[key] = fixed.double() if wide and fixed.is_floating_point() else fixed
        try:
            yield
        finally:
            for held, entries in before:
                held.update(entries)


class _Parameters:
    """A torch module's parameters, as Subject asks for them."""

    def __init__(self, module: Any, given: Callable[[Any], Any]) -> None:
        named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        self.module, self.held = module, [p for _, p in named]
        self.named = [(n, given(p)) for n, p in named]

    def named_parameters(self) -> list[tuple[str, Any]]:
        """Return the parameters that are trained, by name."""
        return self.named


# --- JAX -----------------------------------------------------------------------------------------------------------


class JaxSubject(Foreign):
    """A function of JAX arrays."""

    def __init__(self, f: Any, args: Sequence[Any], params: Any = None, name: str | None = None) -> None:
        self.jax = _library("jax", "bench")
        super().__init__(f, args, params, name)

    def scope(self) -> AbstractContextManager[Any]:
        home = self.jax if hasattr(self.jax, "enable_x64") else importlib.import_module("jax.experimental")
        scope: AbstractContextManager[Any] = home.enable_x64(True)
        return scope

    def given(self, x: Any) -> Any:
        return np.asarray(x) if isinstance(x, self.jax.Array) else x

    def to(self, x: Any) -> Any:
        return self.jax.numpy.asarray(x)

    def is_floating(self, y: Any) -> bool:
        return hasattr(y, "dtype") and bool(self.jax.numpy.issubdtype(y.dtype, self.jax.numpy.inexact))

    def pullback(self, f: Any, xs: list[Any]) -> tuple[list[Any], Pull]:
        ys, vjp = self.jax.vjp(f, xs)

        def pull(cotangents: list[Any]) -> list[Any]:
            (gradients,) = vjp([v.conj() for v in cotangents])  # JAX transposes where PyTorch conjugates too
            return [g.conj() for g in gradients]

        return ys, pull

    def forward(self, f: Any, xs: list[Any], tangents: list[Any]) -> list[Any]:
        _, pushed = self.jax.jvp(f, (xs,), (tangents,))
        return list(pushed)


def _library(name: str, extra: str) -> Any:
    """Import a library that only its adapter needs."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ModuleNotFoundError(
            f"from_{name} needs {name}: pip install {name}, or 'ndtape[{extra}]'.", name=name
        ) from error
