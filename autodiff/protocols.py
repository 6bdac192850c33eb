"""NumPy's dispatch protocols: `np.exp(t)` and `np.sum(t)` reach the registry, or are refused by name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff import tape
from autodiff.kernels.logits import logsumexp
from autodiff.kernels.scan import cummax, cummin, logcumsumexp
from autodiff.primitive import refused, registry, values

_REDUCE: dict[Any, Any] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any, np.logaddexp: logsumexp,
}  # fmt: skip
_ACCUMULATE: dict[Any, Any] = {
    np.add: np.cumsum, np.multiply: np.cumprod, np.logaddexp: logcumsumexp,
    np.maximum: lambda x, axis: cummax(x, axis).values, np.minimum: lambda x, axis: cummin(x, axis).values,
}  # fmt: skip
_chapters = {"scipy.special": "autodiff.special", "scipy.linalg": "autodiff.linalg"}  # loaded on the first miss


def lookup(fun: Callable[..., Any]) -> Any:
    """Return a function's entry, loading SciPy's chapter if it takes that; None if there is none."""
    entry = registry.get(fun)
    if entry is None and _chapters and not _from_numpy(fun):
        home = ".".join((getattr(fun, "__module__", None) or "scipy.special").split(".")[:2])  # a ufunc does not say
        if home in _chapters:
            importlib.import_module(_chapters.pop(home))
            entry = registry.get(fun)
    return entry


def _from_numpy(fun: Any) -> bool:
    module = getattr(fun, "__module__", None)
    return module.startswith("numpy") if module else getattr(np, fun.__name__, None) is fun


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Run a ufunc called with a Tensor among its operands."""
    if method == "__call__" and not kwargs:
        entry = registry.get(ufunc)
        if entry is not None:
            return entry.call(*inputs)
    if method == "reduce" and ufunc in _REDUCE:
        given = {n: v for n, v in kwargs.items() if v is not None or n == "axis"}
        return registry[_REDUCE[ufunc]].call(*inputs, **({"axis": 0} | given))
    if method == "accumulate" and ufunc in _ACCUMULATE:
        return _ACCUMULATE[ufunc](*inputs, **({"axis": 0} | kwargs))
    if method == "outer" and not kwargs:
        a, b = inputs
        return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)
    if method != "__call__":
        raise TypeError(
            f"np.{ufunc.__name__}.{method} of a Tensor has no derivative rule. Use the function itself "
            "(np.sum for add.reduce, np.cumsum for add.accumulate), or x[index] and np.add for at and reduceat."
        )
    return _with_keywords(ufunc, inputs, kwargs)


def _with_keywords(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    entry = lookup(ufunc)
    if entry is None:
        raise TypeError(unknown(ufunc))
    outs = kwargs.get("out") or (None,)
    target = outs[0]
    recorded = (tape.is_grad_enabled() or bool(engine.levels())) and any(
        isinstance(x, engine.Tensor) and x._node is not None for x in inputs
    )
    if isinstance(target, np.ndarray) and recorded and inputs[0] is target:
        raise TypeError(
            f"ndarray {_SYMBOLS.get(ufunc.__name__, ufunc.__name__)}= Tensor: the array on the left cannot keep the "
            "tensor's history. Write a = a + t (a Tensor results), or use t.detach() if only the value is meant."
        )
    if set(kwargs) <= {"out"} and all(isinstance(y, np.ndarray) for y in outs) and not (recorded or engine.tracing()):
        ufunc(*map(values, inputs), out=outs)
        for y in outs:
            tape.touch(y)
        return target if len(outs) == 1 else outs
    return engine.with_extras(entry, inputs, {}, {n: v for n, v in kwargs.items() if n != "out" or target is not None})


_SYMBOLS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "matmul": "@",
    "floor_divide": "//",
    "remainder": "%",
}


def array_function(self: Any, fun: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """Run a NumPy function called with a Tensor among its arguments."""
    entry = registry.get(fun) or lookup(fun)
    if entry is None:
        raise TypeError(unknown(fun))
    return entry.call(*args, **kwargs)


def unknown(fun: Callable[..., Any]) -> str:
    """Return the message for a function without an entry: its name and status, its nearest relatives, the way out."""
    import difflib

    from autodiff.coverage import status
    from autodiff.source import spelled

    name, known = spelled(fun), status(fun)
    if fun in refused:
        return f"{name} of a Tensor is not supported: {known}"
    values = f"Give it the values, {getattr(fun, '__name__', 'f')}(t.numpy()), if no gradient is wanted"
    if known is not None:
        instead = f" Use {known.instead}." if known.instead else ""
        return f"{name} has no derivative rule, so it cannot take a Tensor ({known.reason}).{instead} {values}."
    near = difflib.get_close_matches(name, {spelled(f) for f in registry if _from_numpy(f)}, n=3, cutoff=0.6)
    return (
        f"{name} has no derivative rule, so it cannot take a Tensor."
        + (f" Near it: {', '.join(near)}." if near else "")
        + f" {values}, or register a rule: ad.primitive."
    )


def called_by_numpy_testing() -> bool:
    """Say whether numpy.testing asks: it compares values, where losing the history is meant."""
    frame = sys._getframe(2)
    for _ in range(6):
        if frame.f_globals.get("__name__", "").startswith("numpy.testing"):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


def called_by_scipy() -> str:
    """Say which of SciPy's functions asks, and what to call in its place; "" if none asks."""
    found, frame = "", sys._getframe(2)
    for _ in range(12):
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if module.startswith("scipy._lib") and callable(
            wrapped := frame.f_locals.get("f")
        ):  # what SciPy runs by batches
            module, name = wrapped.__module__, wrapped.__name__
        module = ".".join(module.split(".")[:2])
        if module in _SCIPY:
            known = hasattr(importlib.import_module(_SCIPY[module]), name)
            ours = _SCIPY[module].replace("autodiff", "ad").replace("numpy", "np")
            instead = f"Use {ours}.{name} in its place" if known else f"See {ours} for the functions that do"
            if hasattr(sys.modules[module], name) or not found:
                of = f"{module}.{name}" if hasattr(sys.modules[module], name) else f"a function of {module}"
                found = f"{of} takes no tensors. {instead}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return found


_SCIPY = {"scipy.special": "autodiff.special", "scipy.linalg": "autodiff.linalg", "scipy.fft": "numpy.fft"}
