"""How a random program writes a call of each operation: its code, which operands fit, and where it has no kink."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from autodiff import protocols, source

Array = np.ndarray[Any, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

MARGIN = 0.1  # how far operands stay from a kink, where no derivative of a whole program need exist


def _always(*xs: Array) -> bool:
    return True


@dataclass(frozen=True)
class Form:
    """How a call is written: `code` has {0}, {1}, ... for its operands, or is a function that draws such a text.

    `fits` says which arrays can be its operands together (it is asked for the first one alone as well), `clear` whether
    they keep clear of its kinks. A form that is `in_place` changes its first operand.
    """

    code: str | Callable[..., str]
    count: int = 1
    fits: Callable[..., bool] = _always
    clear: Callable[..., bool] = _always
    in_place: bool = False

    def write(self, draw: Draw, arrays: Sequence[Array]) -> str:
        """Return the code of a call on these operands, its keywords drawn."""
        return self.code if isinstance(self.code, str) else self.code(draw, *arrays)


# --- which operands fit, and what keeps clear of kinks ---


def _works(f: Callable[..., Any], count: int = 2) -> Callable[..., bool]:
    """Return the test that a function takes these shapes."""

    def fits(*xs: Array) -> bool:
        try:
            f(*xs, *[xs[0]] * (count - len(xs)))
        except (ValueError, IndexError, TypeError):
            return len(xs) < count  # it may take the first operand together with another one
        return True

    return fits


def _broadcast(*xs: Array) -> bool:
    try:
        np.broadcast_shapes(*[x.shape for x in xs])
    except ValueError:
        return False
    return True


def _into(x: Array, *others: Array) -> bool:
    """Say whether the second operand broadcasts to the shape of the first."""
    return _broadcast(x, *others) and np.broadcast_shapes(x.shape, *[o.shape for o in others]) == x.shape


def _same_shape(*xs: Array) -> bool:
    return len({x.shape for x in xs}) == 1


def _rank(low: int, high: int = 9) -> Callable[..., bool]:
    return lambda *xs: all(low <= x.ndim <= high for x in xs)


def _away_from(*places: float) -> Callable[..., bool]:
    return lambda x, *_: all(bool((np.abs(x - p) > MARGIN).all()) for p in places)


def _apart(a: Array, b: Array) -> bool:
    return bool((np.abs(a - b) > MARGIN).all())


def _distinct(x: Array) -> bool:
    return bool((np.diff(np.sort(x, axis=None)) > MARGIN).all())


def _spread(x: Array) -> bool:
    return x.ndim == 1 and bool(np.std(x) > MARGIN)


# --- keywords ---


def _call(name: str, *keywords: str) -> str:
    return f"np.{name}({', '.join(['{0}', *[k for k in keywords if k]])})"


def _axis(draw: Draw, x: Array, *, several: bool = False) -> Any:
    """Draw an axis of x, None, or a pair of axes."""
    choices: list[Any] = [None, *range(x.ndim), *range(-x.ndim, 0)]
    return draw(st.sampled_from([*choices, (0, -1)] if several and x.ndim > 1 else choices))


def _reduced(name: str, *, several: bool = True) -> Callable[..., str]:
    def code(draw: Draw, x: Array) -> str:
        axis = _axis(draw, x, several=several)
        keep = draw(st.booleans())
        return _call(name, "" if axis is None else f"axis={axis}", "keepdims=True" if keep else "")

    return code


def _scanned(name: str) -> Callable[..., str]:
    def code(draw: Draw, x: Array) -> str:
        axis = _axis(draw, x)
        return _call(name, "" if axis is None else f"axis={axis}")

    return code


def _reshaped(draw: Draw, x: Array) -> str:
    shapes = [(-1,), x.shape[::-1], (1, *x.shape), (*x.shape, 1), (x.shape[0] if x.ndim else 1, -1)]
    return f"np.reshape({{0}}, {draw(st.sampled_from(shapes))})"


def _one_of(*codes: str) -> Callable[..., str]:
    return lambda draw, *_: str(draw(st.sampled_from(codes)))


def _index(x: Array) -> list[str]:
    """Return the texts of indices that x takes, the simplest first."""
    ends = [i for i in (0, -1) if x.ndim and x.shape[0]]
    texts = ["...", "None", "..., None"]
    if x.ndim:
        mask = [i % 2 == 0 for i in range(x.shape[0])]
        texts += [*map(str, ends), "::-1", "::2", "1:", "[0, 0]", "[-1, 0, 0]", "np.array([[0], [-1]])", str(mask)]
    if x.ndim > 1:
        texts += [":, 0", "..., -1", ":, ::-1", ":, None", ":, [0, 0]", "[0, -1], [-1, 0]", "[[0], [-1]], [0, 0]"]
    return [text for text in texts if _at(x, text).size]


def _at(x: Array, index: str) -> Array:
    return np.asarray(eval(f"x[{index}]", {"np": np, "x": x}))  # noqa: S307 (a text of ours)


def _taken(draw: Draw, x: Array) -> str:
    return f"{{0}}[{draw(st.sampled_from(_index(x)))}]"


def _assigned(draw: Draw, x: Array, value: Array) -> str:
    texts = [text for text in _index(x) if "None" not in text and _into(_at(x, text), value)]
    return f"{{0}}[{draw(st.sampled_from(texts))}] = {{1}}"


def _contraction(draw: Draw, a: Array, b: Array) -> str:
    texts = [
        "ij,jk->ik",
        "ij,kj->ik",
        "ij,ij->i",
        "ij,ij->",
        "i,i->",
        "i,j->ij",
        "ij,j->i",
        "...i,...i->...",
        "ii,j->ij",
    ]
    texts = [text for text in texts if _works(lambda a, b, text=text: np.einsum(text, a, b))(a, b)]
    return f"np.einsum({draw(st.sampled_from(texts))!r}, {{0}}, {{1}})"


def _contracts(*xs: Array) -> bool:
    return all(0 < x.ndim < 3 for x in xs) and len({x.shape[-1] for x in xs}) == 1


# --- the table: the simplest operations first, which is where a failing program shrinks to ---

_plain = "negative sin cos tanh exp square arctan arcsinh sinh cosh expm1 exp2 positive copy deg2rad"
_guarded: dict[Callable[..., Any], str] = {
    np.log: "np.log({0} * {0} + 1)",
    np.sqrt: "np.sqrt({0} * {0} + 1)",
    np.reciprocal: "np.reciprocal({0} * {0} + 1)",
    np.log1p: "np.log1p({0} * {0})",
    np.log2: "np.log2({0} * {0} + 1)",
    np.log10: "np.log10({0} * {0} + 1)",
    np.cbrt: "np.cbrt({0} * {0} + 1)",
    np.tan: "np.tan(np.sin({0}))",
    np.arcsin: "np.arcsin(np.sin({0}) / 2)",
    np.arccos: "np.arccos(np.sin({0}) / 2)",
    np.arctanh: "np.arctanh(np.sin({0}) / 2)",
    np.arccosh: "np.arccosh({0} * {0} + 2)",
    operator.pow: "{0} ** 3",
    operator.truediv: "1 / ({0} * {0} + 1)",
}
_guarded_pairs: dict[Callable[..., Any], str] = {
    np.divide: "np.divide({0}, {1} * {1} + 1)",
    np.power: "np.power({0} * {0} + 1, {1})",
    np.float_power: "np.float_power({0} * {0} + 1, {1})",
    np.hypot: "np.hypot({0}, {1} * {1} + 1)",
    np.arctan2: "np.arctan2({0}, {1} * {1} + 1)",
}

FORMS: dict[Callable[..., Any], Form] = {
    **{getattr(np, name): Form(_call(name)) for name in _plain.split()},
    **{
        getattr(np, name): Form(f"np.{name}({{0}}, {{1}})", 2, _broadcast)
        for name in ("add", "multiply", "subtract", "logaddexp", "logaddexp2")
    },
    np.sum: Form(_reduced("sum")),
    np.matmul: Form("np.matmul({0}, {1})", 2, _works(np.matmul)),
    operator.getitem: Form(_taken),
    np.absolute: Form("np.absolute({0})", clear=_away_from(0)),
    np.maximum: Form("np.maximum({0}, {1})", 2, _broadcast, _apart),
    np.minimum: Form("np.minimum({0}, {1})", 2, _broadcast, _apart),
    np.where: Form("np.where({0} > 0, {1}, {2})", 3, _broadcast, _away_from(0)),
    operator.setitem: Form(_assigned, 2, lambda x, *v: x.ndim > 0 and _into(x, *v), in_place=True),
    operator.iadd: Form("{0} += {1}", 2, _into, in_place=True),
    operator.imul: Form("{0} *= {1}", 2, _into, in_place=True),
    operator.isub: Form("{0} -= {1}", 2, _into, in_place=True),
    **{f: Form(code) for f, code in _guarded.items()},
    **{f: Form(code, 2, _broadcast) for f, code in _guarded_pairs.items()},
    np.fabs: Form("np.fabs({0})", clear=_away_from(0)),
    np.fmax: Form("np.fmax({0}, {1})", 2, _broadcast, _apart),
    np.fmin: Form("np.fmin({0}, {1})", 2, _broadcast, _apart),
    np.copysign: Form("np.copysign({0}, {1})", 2, _broadcast, lambda a, b: _away_from(0)(a) and _away_from(0)(b)),
    np.clip: Form("np.clip({0}, -1, 1)", clear=_away_from(-1, 1)),
    # reductions and scans
    **{getattr(np, name): Form(_reduced(name)) for name in ("mean", "prod", "var")},
    np.std: Form("np.std({0})", fits=_spread),
    np.max: Form(_reduced("max"), clear=_distinct),
    np.min: Form(_reduced("min"), clear=_distinct),
    np.average: Form(_scanned("average")),
    np.cumsum: Form(_scanned("cumsum")),
    np.cumprod: Form(_scanned("cumprod")),
    # products
    np.dot: Form("np.dot({0}, {1})", 2, _works(np.dot)),
    np.inner: Form("np.inner({0}, {1})", 2, _works(np.inner)),
    np.outer: Form("np.outer({0}, {1})", 2),
    np.vdot: Form("np.vdot({0}, {1})", 2, lambda *xs: len({x.size for x in xs}) == 1),
    np.einsum: Form(_contraction, 2, _contracts),
    np.tensordot: Form("np.tensordot({0}, {1}, axes=1)", 2, _works(lambda a, b: np.tensordot(a, b, axes=1))),
    # shapes
    np.reshape: Form(_reshaped),
    np.ravel: Form("np.ravel({0})"),
    np.transpose: Form("np.transpose({0})", fits=_rank(2)),
    np.matrix_transpose: Form("np.matrix_transpose({0})", fits=_rank(2)),
    np.swapaxes: Form("np.swapaxes({0}, 0, -1)", fits=_rank(2)),
    np.moveaxis: Form("np.moveaxis({0}, 0, -1)", fits=_rank(2)),
    np.expand_dims: Form(_one_of("np.expand_dims({0}, 0)", "np.expand_dims({0}, -1)")),
    np.squeeze: Form("np.squeeze({0})", fits=lambda x: 1 in x.shape),
    np.broadcast_to: Form(lambda draw, x: f"np.broadcast_to({{0}}, {(2, *x.shape)})", fits=_rank(0, 2)),
    np.flip: Form(_scanned("flip")),
    np.roll: Form(lambda draw, x: _call("roll", "1", *(["axis=0"] if x.ndim > 1 else [])), fits=_rank(1)),
    np.rot90: Form("np.rot90({0})", fits=_rank(2)),
    np.tril: Form("np.tril({0})", fits=_rank(2)),
    np.triu: Form(_one_of("np.triu({0})", "np.triu({0}, 1)"), fits=_rank(2)),
    np.atleast_2d: Form("np.atleast_2d({0})"),
    np.repeat: Form(_one_of("np.repeat({0}, 2)", "np.repeat({0}, 2, axis=0)"), fits=_rank(1)),
    np.tile: Form("np.tile({0}, 2)"),
    np.pad: Form(_one_of("np.pad({0}, 1)", "np.pad({0}, 1, mode='edge')"), fits=_rank(1, 2)),
    # joins, splits and indexing by name
    np.concatenate: Form("np.concatenate([{0}, {1}])", 2, _works(lambda *xs: np.concatenate(xs))),
    np.stack: Form(_one_of("np.stack([{0}, {1}])", "np.stack([{0}, {1}], axis=-1)"), 2, _same_shape),
    np.hstack: Form("np.hstack([{0}, {1}])", 2, _works(lambda *xs: np.hstack(xs))),
    np.vstack: Form("np.vstack([{0}, {1}])", 2, _works(lambda *xs: np.vstack(xs))),
    np.split: Form(_one_of("np.split({0}, [1])[0]", "np.split({0}, [1])[1]"), fits=_rank(1)),
    np.take: Form("np.take({0}, [0, -1, 0], axis=0)", fits=_rank(1)),
    np.sort: Form("np.sort({0}, axis=0)", fits=_rank(1), clear=_distinct),
    np.diagonal: Form("np.diagonal({0})", fits=_rank(2)),
    np.diag: Form("np.diag({0})", fits=_rank(1, 2)),
    np.trace: Form("np.trace({0})", fits=_rank(2)),
}


def forms(ops: Sequence[Callable[..., Any]] | None) -> dict[Callable[..., Any], Form]:
    """Return the forms of some operations, or of all in the table; one that is not there is called on its operands."""
    if ops is None:
        return FORMS
    if not ops:
        raise ValueError("programs: ops is empty; give at least one registered function, or None for the usual ones.")
    return {op: FORMS.get(op) or _positional(op) for op in ops}


def _positional(op: Callable[..., Any]) -> Form:
    """Return the plain call of a registered function that is not in the table, on operands that broadcast."""
    entry = protocols.lookup(op)
    if entry is None:
        name = getattr(op, "__name__", repr(op))
        raise ValueError(f"programs: {name} is not in the registry; register its rules first, e.g. with ad.primitive.")
    if not entry.name.isidentifier():
        raise ValueError("programs: a lambda has no name to be called by; define the function with def.")
    if entry.form == "sequence":
        count, operands = 2, "[{0}, {1}]"
    else:
        count = len(entry.rules) or len(entry.signature.operands) or 1
        operands = ", ".join(f"{{{i}}}" for i in range(count))
    picked = "[0]" if entry.form == "outputs" else ""
    kinks = [k for k in entry.kinks if isinstance(k, (int, float))]
    return Form(f"{spelled(op)}({operands}){picked}", count, _broadcast, _away_from(*kinks))


def spelled(op: Callable[..., Any]) -> str:
    """Return how a program calls a function: `np.sin`, `scipy.special.erf`, or the bare name of one of your own."""
    text = source.spelled(op)
    return text if text.startswith(("np.", "ad.", "scipy.")) else op.__name__
