"""The table of operations: a row for every entry of the registry that has a derivative, and for its keyword variants.

Shapes are written with letters: `nm, mk` (0 to 3 elements a side; capitals at least 1), digits for fixed lengths,
`...` for a shape that broadcasts with the other operands' `...`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff import kernels
from autodiff.kernels import indexing, scan
from autodiff.kernels.logits import softmax_nll
from autodiff.primitive import registry
from autodiff.rules import shapes as shape_rules


class Op(NamedTuple):
    """One row: the entry it belongs to, the call, its operands' shapes and domains, and where else to compare."""

    fun: Callable[..., Any]
    label: str
    call: Callable[..., Any]
    shapes: str
    domains: tuple[str, ...]
    torch: Callable[..., Any] | None = None
    reference: Callable[..., Any] | None = None  # what NumPy computes; the call itself unless given

    def __str__(self) -> str:
        return self.label


def op(
    fun: Any, call: Any, shapes: str, *domains: str, label: str = "", torch: Any = None, reference: Any = None
) -> Op:
    """Make a row; domains default to "real"."""
    count = shapes.count(",") + 1
    given = domains * count if len(domains) == 1 else domains or ("real",) * count
    return Op(fun, f"{registry[fun].name} {label}".strip(), call, shapes, given, torch, reference)


def t(name: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Return a function that calls torch's function of a name."""
    return lambda torch: lambda *xs: _find(torch, name)(*xs, *args, **kwargs)


def _find(torch: Any, name: str) -> Any:
    for part in name.split("."):
        torch = getattr(torch, part)
    return torch


def _torchs(fun: Any) -> Any:
    name = TORCH_NAMES.get(fun.__name__, fun.__name__)
    return t(name) if name else None


DOMAIN = {None: ("real",), "quotient": ("dividend", "divisor")}
TORCH_NAMES = {
    "absolute": "abs",
    "fabs": "abs",
    "conjugate": "conj_physical",
    "power": "pow",
    "cbrt": None,
    "ratio": "div",
}

# every ufunc of the registry, with the domain its entry names
UFUNCS = [
    op(fun, fun, ", ".join(["..."] * fun.nin), *DOMAIN.get(entry.domain, (entry.domain,)), torch=_torchs(fun))
    for fun, entry in registry.items()
    if isinstance(fun, np.ufunc)
    and entry.fun is fun
    and entry.differentiable
    and entry.kind != "zero"
    and entry.form == "operands"
    and not getattr(fun, "signature", None)
]

MASK = np.array([True, False, True])
PLACES = np.array([[0, 2], [2, 1]])
LABELS = np.array([2, 0, 1])


def _index(index: Any) -> Callable[..., Any]:
    return lambda x: x[index]


def _indexed(label: str, index: Any, torch: bool = True) -> Op:
    return op(indexing.getitem, _index(index), "345", label=label, torch=(lambda _: _index(index)) if torch else None)


def _put(index: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    template, arrays = indexing.parse(index)

    def reference(x: Any, v: Any) -> Any:
        out = x.copy()
        out[index] = v
        return out

    return (lambda x, v: indexing.put(x, v, *arrays, index=template)), reference


def _scatter(index: Any, shape: tuple[int, ...]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    template, arrays = indexing.parse(index)

    def reference(x: Any) -> Any:
        out = np.zeros(shape, x.dtype)
        np.add.at(out, index, x)
        return out

    return (lambda x: indexing.scatter_add(x, *arrays, index=template, shape=shape)), reference


def _softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


SELECTION = [
    op(np.where, lambda a, b: np.where(MASK, a, b), "n3, 3", label="mask"),
    op(np.where, lambda a, b: np.where(True, a, b), "..., ...", label="python condition"),
    op(np.where, lambda a: np.where(MASK, a, 2.0), "n3", label="constant branch"),
    op(np.clip, lambda x: np.clip(x, -0.8, 0.9), "...", torch=t("clip", -0.8, 0.9)),
    op(np.clip, lambda x: np.clip(x, None, 0.9), "...", label="max", torch=t("clip", None, 0.9)),
    op(np.clip, lambda x: np.clip(x, min=-0.8), "...", label="min keyword"),
    op(np.clip, np.clip, "..., ..., ...", "real", "small", "above one", label="bounds are tensors", torch=t("clip")),
    op(np.divmod, np.divmod, "..., ...", "dividend", "divisor"),
    op(np.divmod, lambda a, b: np.divmod(a, b)[1], "..., ...", "dividend", "divisor", label="remainder"),
    op(np.modf, np.modf, "...", "nonzero"),
    op(np.modf, lambda x: np.modf(x)[0], "...", "nonzero", label="fraction"),
    op(np.round, lambda x: np.round(x, 0), "...", "small"),
    op(np.real, np.real, "...", "complex", torch=lambda torch: lambda x: x.real),
    op(np.real, np.real, "...", label="of real"),
    op(np.imag, np.imag, "...", "complex", torch=lambda torch: lambda x: x.imag),
    op(np.angle, np.angle, "...", "complex", torch=t("angle")),
    op(np.copy, np.copy, "...", torch=t("clone")),
    op(np.astype, lambda x: np.astype(x, np.float64), "..."),
    op(kernels.relu, kernels.relu, "...", torch=t("relu"), reference=lambda x: np.maximum(x, 0)),
    op(kernels.sigmoid, kernels.sigmoid, "...", torch=t("sigmoid"), reference=lambda x: 1 / (1 + np.exp(-x))),
    op(kernels.ratio, kernels.ratio, "..., ...", "nonzero", reference=np.divide),
]

COMPLEX = [
    op(fun, fun, ", ".join(["..."] * fun.nin), "complex", label="complex", torch=_torchs(fun))
    for fun in (
        np.add,
        np.subtract,
        np.multiply,
        np.divide,
        np.negative,
        np.conjugate,
        np.absolute,
        np.square,
        np.sqrt,
        np.exp,
        np.log,
        np.sin,
        np.cos,
        np.tan,
        np.sinh,
        np.cosh,
        np.tanh,
        np.reciprocal,
        np.power,
        np.arctan,
        np.arcsin,
        np.arccos,
        np.arcsinh,
        np.arccosh,
        np.arctanh,
        np.exp2,
        np.expm1,
        np.log2,
        np.log10,
        np.log1p,
    )
] + [
    op(np.matmul, np.matmul, "nm, mk", "complex", label="complex", torch=t("matmul")),
    op(np.matmul, np.matmul, "nm, mk", "complex", "real", label="complex with real"),
    op(np.multiply, np.multiply, "..., ...", "complex", "real", label="complex with real", torch=t("mul")),
    op(np.sum, np.sum, "...", "complex", label="complex", torch=t("sum")),
    op(np.mean, np.mean, "NM", "complex", label="complex", torch=t("mean")),
    op(np.prod, np.prod, "NM", "complex", label="complex", torch=t("prod")),
    op(np.cumprod, np.cumprod, "n", "complex", label="complex", torch=t("cumprod", 0)),
    op(np.var, np.var, "NM", "complex", label="complex"),
    op(np.std, np.std, "N3", "complex", label="complex"),
    op(
        np.einsum,
        lambda a, b: np.einsum("ij,jk->ki", a, b),
        "nm, mk",
        "complex",
        label="complex",
        torch=lambda torch: lambda a, b: torch.einsum("ij,jk->ki", a, b),
    ),
    op(np.vdot, np.vdot, "n, n", "complex", label="complex", torch=t("vdot")),
    op(indexing.getitem, lambda x: x[PLACES], "3n", "complex", label="complex"),
    op(np.where, lambda a, b: np.where(MASK, a, b), "n3, 3", "complex", "real", label="complex with real"),
]

REDUCTIONS = [
    row
    for fun, shape, name in (
        (np.sum, "nmk", "sum"),
        (np.mean, "NMK", "mean"),
        (np.max, "NMK", "amax"),
        (np.min, "NMK", "amin"),
        (np.var, "NMK", None),
        (np.std, "NM4", None),
        (kernels.logsumexp, "NMK", "logsumexp"),
    )
    for row in (
        op(
            fun,
            lambda x, f=fun: f(x),
            shape,
            label="all",
            reference=(lambda x: np.log(np.sum(np.exp(x)))) if fun is kernels.logsumexp else None,
            torch=t(name, (0, 1, 2)) if name else None,
        ),
        op(
            fun,
            lambda x, f=fun: f(x, axis=-1),
            shape,
            label="axis=-1",
            reference=(lambda x: np.log(np.sum(np.exp(x), -1))) if fun is kernels.logsumexp else None,
            torch=t(name, -1) if name else None,
        ),
        op(
            fun,
            lambda x, f=fun: f(x, axis=(0, 2)),
            shape,
            label="axis=(0, 2)",
            reference=(lambda x: np.log(np.sum(np.exp(x), (0, 2)))) if fun is kernels.logsumexp else None,
            torch=t(name, (0, 2)) if name else None,
        ),
        op(
            fun,
            lambda x, f=fun: f(x, axis=1 + (f is np.std), keepdims=True),
            shape,
            label="keepdims",
            reference=(lambda x: np.log(np.sum(np.exp(x), 1, keepdims=True))) if fun is kernels.logsumexp else None,
        ),
    )
] + [
    op(np.sum, np.sum, "", label="0-d"),
    op(np.var, lambda x: np.var(x, ddof=1), "4N", label="ddof=1", torch=t("var")),
    op(np.std, lambda x: np.std(x, axis=0, ddof=1), "4N", label="ddof=1", torch=t("std", 0)),
    op(np.std, lambda x: np.std(x, axis=0, correction=1), "4N", label="correction", torch=t("std", 0)),
    op(np.max, np.max, "", label="0-d"),
    op(np.prod, np.prod, "nm", torch=t("prod")),
    op(np.prod, lambda x: np.prod(x, axis=1), "nm", label="axis=1", torch=t("prod", 1)),
    op(np.prod, lambda x: np.prod(x, axis=(0, -1), keepdims=True), "nmk", label="axis=(0, -1)"),
    op(np.cumsum, np.cumsum, "nm"),
    op(np.cumsum, lambda x: np.cumsum(x, axis=1), "nmk", label="axis=1", torch=t("cumsum", 1)),
    op(np.cumprod, np.cumprod, "nm"),
    op(np.cumprod, lambda x: np.cumprod(x, axis=0), "nm", label="axis=0", torch=t("cumprod", 0)),
    op(np.average, np.average, "NM"),
    op(np.average, lambda x, w: np.average(x, 1, w), "nM, nM", "real", "positive", label="weights"),
    op(
        np.average,
        lambda x, w: np.average(x, axis=0, weights=w),
        "Nm, N",
        "real",
        "positive",
        label="weights of an axis",
    ),
    op(kernels.softmax, kernels.softmax, "nM", torch=t("softmax", -1), reference=_softmax),
    op(
        kernels.softmax,
        lambda x: kernels.softmax(x, axis=0),
        "Nmk",
        label="axis=0",
        torch=t("softmax", 0),
        reference=lambda x: _softmax(x, 0),
    ),
    op(
        kernels.log_softmax,
        kernels.log_softmax,
        "nM",
        torch=t("log_softmax", -1),
        reference=lambda x: np.log(_softmax(x)),
    ),
    op(
        kernels.log_softmax,
        lambda x: kernels.log_softmax(x, axis=0),
        "Nmk",
        label="axis=0",
        torch=t("log_softmax", 0),
        reference=lambda x: np.log(_softmax(x, 0)),
    ),
    op(
        softmax_nll,
        lambda x: kernels.cross_entropy(x, LABELS),
        "33",
        torch=lambda torch: lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS)),
        reference=lambda x: -np.mean(np.log(_softmax(x))[np.arange(3), LABELS]),
    ),
    op(
        softmax_nll,
        lambda x: kernels.cross_entropy(x, np.array([2, -100, 0])),
        "33",
        label="ignored row",
        torch=lambda torch: lambda x: torch.nn.functional.cross_entropy(x, torch.tensor([2, -100, 0])),
        reference=lambda x: -(np.log(_softmax(x))[0, 2] + np.log(_softmax(x))[2, 0]) / 2,
    ),
    op(scan.recurrence, scan.recurrence, "nM, nM", reference=None),
    op(scan.recurrence, scan.recurrence, "M, nM", label="broadcast"),
]

SHAPES = [
    op(np.reshape, lambda x: np.reshape(x, (3, -1)), "3nM", torch=lambda torch: lambda x: x.reshape(3, -1)),
    op(np.reshape, lambda x: np.reshape(x, -1), "3NM", label="flat"),
    op(np.ravel, np.ravel, "nm", torch=t("ravel")),
    op(np.squeeze, np.squeeze, "1n1", torch=t("squeeze")),
    op(np.squeeze, lambda x: np.squeeze(x, 0), "1n1", label="axis", torch=t("squeeze", 0)),
    op(np.expand_dims, lambda x: np.expand_dims(x, 1), "nm", torch=t("unsqueeze", 1)),
    op(np.expand_dims, lambda x: np.expand_dims(x, (0, -1)), "nm", label="two axes"),
    op(np.transpose, np.transpose, "nmk"),
    op(np.transpose, lambda x: np.transpose(x, (2, 0, 1)), "nmk", label="to axes", torch=t("permute", (2, 0, 1))),
    op(np.transpose, lambda x: np.transpose(x, (-1, 0, -2)), "nmk", label="negative axes"),
    op(np.matrix_transpose, np.matrix_transpose, "...nm", torch=lambda torch: lambda x: x.mT),
    op(np.swapaxes, lambda x: np.swapaxes(x, 0, -1), "nmk", torch=t("swapaxes", 0, -1)),
    op(np.moveaxis, lambda x: np.moveaxis(x, 0, -1), "nmk", torch=t("moveaxis", 0, -1)),
    op(
        np.moveaxis,
        lambda x: np.moveaxis(x, (0, 1), (2, 0)),
        "nmk",
        label="two axes",
        torch=t("moveaxis", (0, 1), (2, 0)),
    ),
    op(np.broadcast_to, lambda x: np.broadcast_to(x, (2, 3, 2)), "31", torch=t("broadcast_to", (2, 3, 2))),
    op(np.flip, np.flip, "nm", torch=t("flip", (0, 1))),
    op(np.flip, lambda x: np.flip(x, 1), "nm", label="axis", torch=t("flip", (1,))),
    op(np.fliplr, np.fliplr, "nm", torch=t("fliplr")),
    op(np.flipud, np.flipud, "nm", torch=t("flipud")),
    op(np.roll, lambda x: np.roll(x, 2), "nm", torch=t("roll", 2)),
    op(np.roll, lambda x: np.roll(x, (1, -1), (0, 1)), "nm", label="axes", torch=t("roll", (1, -1), (0, 1))),
    op(np.rot90, np.rot90, "nm", torch=t("rot90")),
    op(np.rot90, lambda x: np.rot90(x, 3, (2, 0)), "nmk", label="axes", torch=t("rot90", 3, (2, 0))),
    op(np.tril, lambda x: np.tril(x, -1), "NM", torch=t("tril", -1)),
    op(np.triu, lambda x: np.triu(x, 1), "kNM", torch=t("triu", 1)),
    op(np.concatenate, lambda a, b: np.concatenate([a, b]), "nm, km", torch=lambda torch: lambda *xs: torch.cat(xs)),
    op(np.concatenate, lambda a, b, c: np.concatenate((a, b, c), axis=-1), "km, kn, kp", label="axis=-1"),
    op(np.concatenate, lambda a, b: np.concatenate((a, b), axis=None), "km, n", label="axis=None"),
    op(np.concatenate, lambda a: np.concatenate([a, a], 1), "km", label="same twice"),
    op(np.concatenate, lambda a: np.concatenate([np.ones((1, 2)), a]), "n2", label="with an array"),
    op(np.stack, lambda a, b: np.stack([a, b]), "nm, nm", torch=lambda torch: lambda *xs: torch.stack(xs)),
    op(np.stack, lambda a, b: np.stack([a, b], axis=-1), "nm, nm", label="axis=-1"),
    op(np.split, lambda x: np.split(x, 3), "3n"),
    op(
        np.split,
        lambda x: np.split(x, [1, 2], axis=1),
        "n3",
        label="indices",
        torch=lambda torch: lambda x: torch.split(x, 1, 1),
    ),
    op(np.split, lambda x: np.split(x, 3)[1], "3n", label="one of three"),
    op(np.array_split, lambda x: np.array_split(x, 2), "3n"),
    op(np.unstack, lambda x: np.unstack(x, axis=1), "n3", torch=t("unbind", 1)),
    op(np.hstack, lambda a, b: np.hstack([a, b]), "nm, nk", torch=lambda torch: lambda *xs: torch.hstack(xs)),
    op(np.hstack, lambda a, b: np.hstack([a, b]), "n, m", label="vectors"),
    op(np.vstack, lambda a, b: np.vstack([a, b]), "m, nm", torch=lambda torch: lambda *xs: torch.vstack(xs)),
    op(np.dstack, lambda a, b: np.dstack([a, b]), "nm, nm", torch=lambda torch: lambda *xs: torch.dstack(xs)),
    op(
        np.column_stack,
        lambda a, b: np.column_stack([a, b]),
        "n, nm",
        torch=lambda torch: lambda *xs: torch.column_stack(xs),
    ),
    op(np.atleast_1d, np.atleast_1d, ""),
    op(np.atleast_2d, np.atleast_2d, "n"),
    op(np.atleast_2d, np.atleast_2d, "n, ", label="several"),
    op(np.atleast_3d, np.atleast_3d, "nm"),
    op(np.hsplit, lambda x: np.hsplit(x, 3), "n3"),
    op(np.vsplit, lambda x: np.vsplit(x, 3), "3n"),
    op(np.repeat, lambda x: np.repeat(x, 2), "nm", torch=t("repeat_interleave", 2)),
    op(np.repeat, lambda x: np.repeat(x, [1, 0, 2], axis=1), "n3", label="counts"),
    op(np.tile, lambda x: np.tile(x, 2), "nm"),
    op(np.tile, lambda x: np.tile(x, (2, 1, 3)), "nm", label="more axes", torch=t("tile", (2, 1, 3))),
    op(shape_rules.pad_constant, lambda x: shape_rules.pad_constant(x, widths=((1, 0), (0, 2)), value=0.5), "nm"),
    op(np.pad, lambda x: np.pad(x, 1), "nm", torch=t("nn.functional.pad", (1, 1, 1, 1))),
    op(np.pad, lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0), "nm", label="value"),
] + [
    op(np.pad, lambda x, mode=mode: np.pad(x, ((1, 2), (0, 2)), mode=mode), "33", label=mode)
    for mode in ("edge", "reflect", "symmetric", "wrap")
]

SWAP = _put((slice(None), np.array([1, 1, 0])))
MASKED = _put(np.array([[True, False, True], [False, False, True]]))
SLICED = _put((slice(None, None, -1), 1))
SCATTERED = _scatter((np.array([0, 2, 2]),), (4, 2))
SPREAD = _scatter((slice(0, 2), None, 1), (3, 4))

INDEXING = [
    _indexed("integer", 1),
    _indexed("negative integer", (-1, 2)),
    _indexed("slice", slice(1, None)),
    _indexed("steps", (slice(None, None, 2), slice(0, 3))),
    _indexed("negative step", (slice(None, None, -1), slice(3, 0, -2)), torch=False),
    _indexed("ellipsis", (..., 1)),
    _indexed("newaxis", (None, 0, ..., None)),
    _indexed("list", [2, 0, 0]),
    _indexed("array", PLACES),
    _indexed("two arrays", (PLACES, np.array([1, 3]))),
    _indexed("separated arrays", (PLACES[0], slice(None), PLACES[1])),
    _indexed("array and slice", (slice(1, 3), np.array([3, 3, 0]))),
    _indexed("array, newaxis, slice", (np.array([1, 0]), None, slice(2))),
    _indexed("mask", np.arange(12).reshape(3, 4) % 5 < 2),
    _indexed("mask of an axis", (slice(None), np.array([True, False, False, True]))),
    _indexed("mask and integer", (MASK, 1)),
    _indexed("empty list", [], torch=False),
    _indexed("empty slice", slice(2, 2)),
    _indexed("Tensor", ad.tensor(PLACES), torch=False),
    _indexed("nothing", ()),
    _indexed("scalar", (0, 1, 2)),
    _indexed("whole mask", True, torch=False),
    op(indexing.put, SWAP[0], "n2, n3", label="repeated places", reference=SWAP[1]),
    op(indexing.put, MASKED[0], "23, 3", label="mask", reference=MASKED[1]),
    op(indexing.put, SLICED[0], "n3, ", label="broadcast value", reference=SLICED[1]),
    op(indexing.scatter_add, SCATTERED[0], "32", label="repeated places", reference=SCATTERED[1]),
    op(indexing.scatter_add, SPREAD[0], "21", label="basic", reference=SPREAD[1]),
    op(np.take, lambda x: np.take(x, PLACES, axis=1), "n3k"),
    op(
        np.take,
        lambda x: np.take(x, [5, 0, 5]),
        "23",
        label="flat",
        torch=lambda torch: lambda x: torch.take(x, torch.tensor([5, 0, 5])),
    ),
    op(np.take, lambda x: np.take(x, 1, axis=-1), "n3", label="integer"),
    op(
        np.take_along_axis,
        lambda x: np.take_along_axis(x, PLACES, axis=1),
        "23",
        torch=lambda torch: lambda x: torch.take_along_dim(x, torch.tensor(PLACES), 1),
    ),
    op(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([3, 0]), axis=None), "23", label="flat"),
    op(np.sort, np.sort, "nm", torch=lambda torch: lambda x: torch.sort(x)[0]),
    op(np.sort, lambda x: np.sort(x, axis=0), "nmk", label="axis=0", torch=lambda torch: lambda x: torch.sort(x, 0)[0]),
    op(np.sort, lambda x: np.sort(x, axis=None), "nm", label="flat"),
    op(np.diagonal, np.diagonal, "nm", torch=t("diagonal")),
    op(np.diagonal, lambda x: np.diagonal(x, 1, 2, 0), "nmk", label="offset", torch=t("diagonal", 1, 2, 0)),
    op(np.trace, np.trace, "nm"),
    op(np.trace, lambda x: np.trace(x, -1, 1, 2), "nmk", label="offset"),
    op(np.diag, np.diag, "nm", torch=t("diag")),
    op(np.diag, lambda x: np.diag(x, -1), "n", label="of a vector", torch=t("diag", -1)),
]


def _einsum(subscripts: str, shapes: str) -> Op:
    return op(
        np.einsum,
        lambda *xs: np.einsum(subscripts, *xs),
        shapes,
        label=subscripts,
        torch=lambda torch: lambda *xs: torch.einsum(subscripts, *xs),
    )


PRODUCTS = (
    [
        op(np.matmul, np.matmul, shapes, label=shapes, torch=t("matmul"))
        for shapes in ("n, n", "nm, m", "n, nm", "nm, mk", "...nm, ...mk", "...nm, m", "m, ...mk")
    ]
    + [
        op(np.dot, np.dot, shapes, label=shapes)
        for shapes in (", ", "nm, ", "n, n", "nm, m", "n, nm", "nm, mk", "knm, m", "knm, mp", "knm, pmq")
    ]
    + [
        op(np.tensordot, lambda a, b: np.tensordot(a, b, 1), "nm, mk", label="1", torch=t("tensordot", 1)),
        op(np.tensordot, np.tensordot, "nmk, mkp", label="2", torch=t("tensordot")),
        op(np.tensordot, lambda a, b: np.tensordot(a, b, 0), "nm, k", label="0"),
        op(np.tensordot, lambda a, b: np.tensordot(a, b, ((0, -1), (2, 0))), "nmk, kpn", label="axes"),
        op(np.inner, np.inner, "nm, km", torch=t("inner")),
        op(np.inner, np.inner, "n, ", label="scalar"),
        op(np.outer, np.outer, "n, m", torch=t("outer")),
        op(np.outer, np.outer, "nm, k", label="flattens"),
        op(np.vdot, np.vdot, "nm, nm"),
        op(
            kernels.linear,
            kernels.linear,
            "nm, km, k",
            torch=t("nn.functional.linear"),
            reference=lambda x, w, b: x @ w.T + b,
        ),
        op(
            kernels.linear,
            kernels.linear,
            "pnm, km",
            label="no bias",
            torch=t("nn.functional.linear"),
            reference=lambda x, w: x @ w.T,
        ),
        op(
            kernels.linear,
            kernels.linear,
            "m, km, k",
            label="one row",
            torch=t("nn.functional.linear"),
            reference=lambda x, w, b: x @ w.T + b,
        ),
        _einsum("ij,jk->ik", "nm, mk"),
        _einsum("ij,jk", "nm, mk"),
        _einsum("ij->ji", "nm"),
        _einsum("ij->", "nm"),
        _einsum("ii->i", "nn"),
        _einsum("ii", "nn"),
        _einsum("i,i->", "n, n"),
        _einsum("i,j->ij", "n, m"),
        _einsum("...ij,...jk->...ik", "pnm, pmk"),
        _einsum("b...i,...ij->b...j", "pnm, nmk"),
        _einsum("ij,jk,kl->il", "nm, mk, kp"),
        _einsum("bij,bjk->bik", "pnm, pmk"),
        _einsum("iij->j", "nnm"),
        _einsum("ijk,k->ji", "nmp, p"),
        _einsum("ij,k->i", "nm, k"),
        _einsum(",i->i", ", n"),
        _einsum("iji->j", "nmn"),
        op(np.einsum, lambda x: np.einsum("ij,ij->i", x, x), "nm", label="same twice"),
        op(np.einsum, lambda x: np.einsum("i...", x), "nm", label="implied ellipsis"),
    ]
)

REGULAR = 4 * np.eye(3)  # added to small numbers: a matrix far from singular

LINALG = [
    op(
        np.linalg.inv,
        lambda x: np.linalg.inv(x + REGULAR),
        "33",
        torch=lambda torch: lambda x: torch.linalg.inv(x + torch.tensor(REGULAR)),
    ),
    op(np.linalg.inv, lambda x: np.linalg.inv(x + REGULAR), "n33", label="stack"),
    op(np.linalg.slogdet, lambda x: np.linalg.slogdet(x + REGULAR), "n33"),
    op(
        np.linalg.slogdet,
        lambda x: np.linalg.slogdet(x + REGULAR).logabsdet,
        "33",
        label="logarithm alone",
        torch=lambda torch: lambda x: torch.linalg.slogdet(x + torch.tensor(REGULAR))[1],
    ),
]

OPS = UFUNCS + SELECTION + COMPLEX + REDUCTIONS + SHAPES + INDEXING + PRODUCTS + LINALG
