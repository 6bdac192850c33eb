"""The layer of torch that a layer of nn is, made from the same arguments, and the comparison of the two."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import reject

import autodiff as ad
import nn

STEPS = 3  # of gradient descent, after which parameters and buffers are compared once more


class Recorder:
    """`nn`, remembering of every layer that is made of it the class and the arguments."""

    def __init__(self) -> None:
        self.calls: dict[int, tuple[Any, str, dict[str, Any]]] = {}  # by the layer's id; the layer, to keep it alive

    def __getattr__(self, name: str) -> Any:
        made = getattr(nn, name)
        if not (isinstance(made, type) and issubclass(made, nn.Module)):
            return made

        def make(*args: Any, **kwargs: Any) -> Any:
            layer = made(*args, **kwargs)
            self.calls[id(layer)] = layer, name, dict(inspect.signature(made).bind(*args, **kwargs).arguments)
            return layer

        return make

    def twin(self, torch: Any, layer: Any) -> Any:
        """Return the layer's twin of torch, in the same state."""
        _, name, given = self.calls[id(layer)]
        dtype = given.pop("dtype", None)
        given.pop("generator", None)
        given |= given.pop("kwargs", {})
        listed = [self.theirs(torch, x) for word in ("args", "modules") for x in given.pop(word, ())]
        options = {word: self.theirs(torch, x) for word, x in given.items()}
        if dtype is not None:
            options["dtype"] = getattr(torch, np.dtype(dtype).name)
        other = getattr(torch.nn, name)(*listed, **options)
        floats = [t.dtype for t in layer.state_dict().values() if t.dtype.kind == "f"]
        if floats:
            other = other.to(getattr(torch, floats[0].name))
        assert list(layer.state_dict()) == list(other.state_dict())
        other.load_state_dict({key: self.theirs(torch, value) for key, value in layer.state_dict().items()})
        return other.train(layer.training)

    def theirs(self, torch: Any, x: Any) -> Any:
        """Return an argument as torch takes it."""
        if id(x) in self.calls:
            return self.twin(torch, x)
        if isinstance(x, (ad.Tensor, np.ndarray)):
            return torch.tensor(np.array(x.detach() if isinstance(x, ad.Tensor) else x).copy())
        if inspect.isfunction(x) and hasattr(torch.nn.functional, x.__name__):
            return getattr(torch.nn.functional, x.__name__)
        return type(x)(self.theirs(torch, part) for part in x) if type(x) in (tuple, list) else x


def tensors(output: Any) -> Iterator[Any]:
    """Yield the tensors of an output: of tuples in tuples, and of packed sequences."""
    if isinstance(output, (tuple, list)):
        for part in output:
            yield from tensors(part)
    elif output is not None and hasattr(output, "shape"):
        yield output


def array(t: Any) -> Any:
    """Return the values of a tensor of either; torch's gradients of tables may be sparse."""
    return (t.to_dense() if getattr(t, "is_sparse", False) else t).detach().numpy()


def compare(
    torch: Any, ours: Any, theirs: Any, inputs: tuple[Any, ...], rtol: float = 1e-8, steps: int = STEPS
) -> None:
    """Demand the same values, gradients and buffers, and the same parameters after some steps of gradient descent."""
    modules = isinstance(ours, nn.Module) and isinstance(theirs, torch.nn.Module)
    parameters = (list(ours.parameters()), list(theirs.parameters())) if modules else ([], [])
    for step in range(steps if parameters[0] else 1):
        same(torch, ours, theirs, inputs, rtol)
        for p, q in zip(*parameters, strict=True):
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                close(p.grad, q.grad, rtol, f"the gradient of a parameter at step {step}")
                with ad.no_grad(), torch.no_grad():
                    p -= 0.01 * p.grad
                    q -= torch.tensor(0.01 * array(q.grad))
                p.grad = q.grad = None
        if modules:
            for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
                close(a, b, rtol, f"{key} after step {step}")


def same(torch: Any, ours: Any, theirs: Any, inputs: tuple[Any, ...], rtol: float) -> None:
    """Demand the same values of one call, and the same gradients of its inputs; parameters get theirs.

    What torch refuses is not compared.
    """
    xs = [x.detach().requires_grad_(x.dtype.kind == "f") if isinstance(x, ad.Tensor) else x for x in inputs]
    us = [torch.tensor(array(x).copy()).requires_grad_(x.requires_grad) if isinstance(x, ad.Tensor) else x for x in xs]
    try:
        zs = list(tensors(theirs(*us)))
    except (RuntimeError, ValueError, TypeError, NotImplementedError):  # an empty batch, for one
        reject()
    ys = list(tensors(ours(*xs)))
    assert len(ys) == len(zs)
    for y, z in zip(ys, zs, strict=True):
        close(y, z, rtol, "a value")
    live = [(y, z) for y, z in zip(ys, zs, strict=True) if z.requires_grad]
    assert all(y.requires_grad for y, _ in live)
    if not live:
        return
    seeds = [np.cos(1.0 + np.arange(y.size)).reshape(y.shape) for y, _ in live]
    try:
        sum((z * torch.tensor(s)).sum() for (_, z), s in zip(live, seeds, strict=True)).backward()
    except (RuntimeError, IndexError):  # the sparse gradient of one number
        reject()
    sum((y * ad.tensor(s, dtype=y.dtype)).sum() for (y, _), s in zip(live, seeds, strict=True)).backward()
    for i, (x, u) in enumerate(zip(xs, us, strict=True)):
        if isinstance(x, ad.Tensor) and x.requires_grad:
            assert (x.grad is None) == (u.grad is None)
            if x.grad is not None:
                close(x.grad, u.grad, rtol, f"the gradient of input {i}")


def close(a: Any, b: Any, rtol: float, what: str) -> None:
    """Demand one shape, one dtype and equal numbers up to rounding."""
    a, b = array(a), array(b)
    assert (a.shape, a.dtype) == (b.shape, b.dtype), what
    np.testing.assert_allclose(
        a, b, rtol=rtol, atol=rtol * max(1.0, float(np.max(np.abs(b), initial=0.0))), err_msg=what
    )
