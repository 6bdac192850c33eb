"""Operations on many tangents at once: linear and bilinear ones, with one more axis in front.

What is not in the table runs row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from autodiff import apply as engine
from autodiff.kernels import indexing
from autodiff.kernels.contraction import contract
from autodiff.primitive import Primitive
from autodiff.rules.padding import pad_constant

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say
Rule = Callable[..., Any]


def run(
    primitive: Primitive, operands: list[Any], moving: list[int], params: dict[str, Any], results: list[Any], rows: int
) -> list[Any]:
    """Run an operation with rows of tangents in the places of some operands; return rows of its results."""
    rule = BATCHED.get(primitive.fun)
    together = rule(operands, moving, params, results[0], rows) if rule is not None else None
    if together is not None:
        return [together]
    each = [
        engine.apply(primitive, tuple(x[k] if i in moving else x for i, x in enumerate(operands)), params)
        for k in range(rows)
    ]
    if not rows:
        return [np.zeros_like(y, shape=(0, *y.shape)) for y in results]
    if primitive.form != "outputs":
        return [np.stack(each)]
    return [np.stack(column) for column in zip(*each, strict=True)]


def aligned(t: Any, ndim: int) -> Any:
    """Put axes behind the first, so that the others broadcast against an array of so many axes."""
    lead = ndim - (t.ndim - 1)
    return np.reshape(t, (t.shape[0], *(1,) * lead, *t.shape[1:])) if lead > 0 else t


def shifted(axis: Any, ndim: int) -> Any:
    """Return axes counted from the front, one further on; None as all of them."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    if isinstance(axis, (tuple, list)):
        return tuple(a % ndim + 1 for a in axis) if ndim else ()
    return axis % ndim + 1 if ndim else ()


def _alone(rule: Callable[[Any, Any, Any], Any]) -> Rule:
    """Make a rule of (rows of the tangent, keywords, result) of an operation with one operand that moves."""
    return lambda operands, moving, params, y, rows: rule(operands[0], params, y)


def _reduced(fun: Callable[..., Any]) -> Rule:
    return _alone(lambda t, p, y: fun(t, axis=shifted(p["axis"], t.ndim - 1), keepdims=p["keepdims"]))


def _cumsum(t: Any, params: dict[str, Any], y: Any) -> Any:
    flat = params["axis"] is None or t.ndim == 1
    return None if flat else np.cumsum(t, shifted(params["axis"], t.ndim - 1))


def _reshaped(t: Any, params: dict[str, Any], y: Any) -> Any:
    return np.reshape(t, (t.shape[0], *y.shape)) if params.get("order", "C") == "C" else None


def _transposed(t: Any, params: dict[str, Any], y: Any) -> Any:
    n = t.ndim - 1
    axes = range(n)[::-1] if params["axes"] is None else [a % n for a in params["axes"]]
    return np.transpose(t, (0, *(a + 1 for a in axes)))


def _behind_rows(index: tuple[Any, ...], arrays: list[Any]) -> Any:
    """Return an index that keeps the first axis whole; None where arrays apart would move their axes in front of it."""
    places = [i for i, part in enumerate(index) if part is indexing.ARRAY or isinstance(part, (int, numpy.integer))]
    if arrays and places != list(range(places[0], places[-1] + 1)):
        return None
    return (slice(None), *index)


def _getitem(operands: list[Any], moving: list[int], params: dict[str, Any], y: Any, rows: int) -> Any:
    t, *arrays = operands
    index = _behind_rows(params["index"], arrays)
    return None if index is None else indexing.getitem(t, *arrays, index=index)


def _scatter_add(operands: list[Any], moving: list[int], params: dict[str, Any], y: Any, rows: int) -> Any:
    t, *arrays = operands
    index = _behind_rows(params["index"], arrays)
    return None if index is None else indexing.scatter_add(t, *arrays, index=index, shape=(rows, *params["shape"]))


def _padded(operands: list[Any], moving: list[int], params: dict[str, Any], y: Any, rows: int) -> Any:
    widths = ((0, 0), *params["widths"])
    return None if 1 in moving else pad_constant(operands[0], 0.0, widths=widths)


def _joined(operands: list[Any], moving: list[int], params: dict[str, Any], y: Any, rows: int) -> Any:
    axis = params["axis"]
    if axis is None:
        return None
    wide = [x if i in moving else np.broadcast_to(x, (rows, *np.shape(x))) for i, x in enumerate(operands)]
    return wide, axis % y.ndim + 1


def _concatenate(*given: Any) -> Any:
    joined = _joined(*given)
    return None if joined is None else np.concatenate(*joined)


def _stack(*given: Any) -> Any:
    joined = _joined(*given)
    return None if joined is None else np.stack(*joined)


def _matmul(operands: list[Any], moving: list[int], params: dict[str, Any], y: Any, rows: int) -> Any:
    (a, b), first = operands, moving[0] == 0
    other = b if first else a
    t, rank = (a if first else b), max(np.ndim(other), 2)
    if t.ndim == 2:  # rows of vectors: a column each, or a row each
        t = np.expand_dims(t, -2 if first else -1)
        t = aligned(t, rank) if np.ndim(other) > 2 else t
        return np.matmul(t, other)[..., 0, :] if first and np.ndim(other) > 1 else (
            np.matmul(t, other)[..., 0] if first else np.matmul(other, t)[..., 0])  # fmt: skip
    t = aligned(t, rank) if np.ndim(other) > 1 else t
    return np.matmul(t, other) if first else np.matmul(other, t)


def _einsum(operands: list[Any], moving: list[int], params: dict[str, Any], y: Any, rows: int) -> Any:
    inputs, output = params["subscripts"].split("->")
    terms = inputs.split(",")
    row = next((c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in inputs), None)
    if row is None:
        return None
    terms = [row + term if i in moving else term for i, term in enumerate(terms)]
    return contract(f"{','.join(terms)}->{row}{output}", *operands, optimize=params["optimize"])


BATCHED: dict[Any, Rule] = {
    np.sum: _reduced(np.sum),
    np.mean: _reduced(np.mean),
    np.cumsum: _alone(
        lambda t, p, y: None if p["axis"] is None or t.ndim == 1 else np.cumsum(t, shifted(p["axis"], t.ndim - 1))
    ),
    np.copy: _alone(lambda t, p, y: np.copy(t)),
    np.astype: _alone(lambda t, p, y: np.astype(t, p["dtype"])),
    np.reshape: _alone(_reshaped),
    np.ravel: _alone(_reshaped),
    np.squeeze: _alone(_reshaped),
    np.expand_dims: _alone(_reshaped),
    np.broadcast_to: _alone(lambda t, p, y: np.broadcast_to(aligned(t, y.ndim), (t.shape[0], *y.shape))),
    np.transpose: _alone(_transposed),
    np.matrix_transpose: _alone(lambda t, p, y: np.matrix_transpose(t)),
    np.swapaxes: _alone(
        lambda t, p, y: np.swapaxes(t, shifted(p["axis1"], t.ndim - 1), shifted(p["axis2"], t.ndim - 1))
    ),
    np.flip: _alone(lambda t, p, y: np.flip(t, shifted(p["axis"], t.ndim - 1))),
    np.tril: _alone(lambda t, p, y: np.tril(t, p["k"]) if t.ndim > 2 else None),
    np.triu: _alone(lambda t, p, y: np.triu(t, p["k"]) if t.ndim > 2 else None),
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.matmul: _matmul,
    contract: _einsum,
    indexing.getitem: _getitem,
    indexing.scatter_add: _scatter_add,
    pad_constant: _padded,
}
