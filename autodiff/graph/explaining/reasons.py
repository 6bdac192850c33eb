"""Why an operation sends no gradient to an operand, or an infinite one: the cause in a word, in a sentence, the fix."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import short
from autodiff.graph.explaining.flow import Flow, Step, ruled
from autodiff.graph.record import Array, Group, Op, Value

FLAT = ("relu", "relu_backward", "clip", "hardtanh", "maximum", "minimum", "fmax", "fmin", "heaviside")
PLACES = (
    "argmax", "argmin", "argsort", "argpartition", "nanargmax", "nanargmin", "searchsorted", "digitize", "nonzero",
    "flatnonzero", "argwhere", "lexsort",
)  # fmt: skip
CHOOSES = ("getitem", "where", "max", "min", "nanmax", "nanmin", "choose", "embedding", "max_pool", "put")
CENTRED = ("softmax", "log_softmax", "layer_norm", "channel_norm", "std", "var", "logsumexp")
SATURATING = (
    "sigmoid", "tanh", "erf", "softplus", "logsigmoid", "elu", "gelu", "gelu_tanh", "silu", "expit", "softmax",
    "log_softmax", "softmax_nll", "bce_with_logits", "arctan", "leaky_relu", "exp", "huber",
)  # fmt: skip
FIXES = {
    "relu": "a smaller learning rate or another initialisation keeps units alive; leaky_relu or gelu has a slope there",
    "exp": "subtract the largest operand first, or use ad.softmax, ad.logsumexp, np.expm1",
    "log": "keep its operand away from 0, np.log(x + eps), or use np.log1p, ad.log_softmax",
    "sqrt": "keep its operand away from 0, np.sqrt(x + eps), or use np.linalg.norm, whose gradient at 0 is 0",
    "divide": "keep its divisor away from 0, x / (y + eps)",
    "softmax_nll": "nothing, if the model is to be as certain; else label smoothing or a smaller learning rate",
}
SCALE = "normalise or scale what comes in (an initialisation with a smaller spread, LayerNorm or BatchNorm before it)"


class Reason(NamedTuple):
    """A cause in a word, what happens as a sentence, and what can be done."""

    kind: str
    why: str
    fix: str = ""


# --- no gradient ---------------------------------------------------------------------------------------------------


def not_sent(step: Step, i: int, flow: Flow, names: dict[Value, str]) -> Reason:
    """Say why a step that was given an operand with its history sends it no gradient."""
    x = step.operands[i]
    if step in flow.errors:
        return Reason("error", f"its rule raises {type(flow.errors[step]).__name__}: {flow.errors[step]}")
    if isinstance(step, Group):
        if not any(v.tracked for v in step.outputs):
            return Reason("no_grad", "it ran under ad.no_grad()", "take it out of the no_grad block")
        return Reason("function", f"its backward returns None for operand {i}", "return that operand's gradient")
    out = step.outputs[0]
    if step.name == "overlay":
        return Reason("no_grad", "the memory was written in place under ad.no_grad()", "make a new tensor instead")
    if not getattr(step.primitive, "differentiable", True) or out.dtype.kind not in "fc":
        return _discrete(step, out)
    if not step.primitive.carries(i):
        what = "a condition" if x.dtype.kind == "b" else "an index, a label or a setting"
        return Reason("index", f"operand {names[x]} serves as {what}, which has no derivative")
    if step.quiet and step.phase == "backward":
        fix = "pass create_graph=True to the inner grad() or backward()"
        return Reason("no_grad", "it is part of a backward pass that was not recorded itself", fix)
    if step.quiet:
        return Reason("no_grad", "it ran under ad.no_grad()", "take it out of the no_grad block")
    return Reason("rule", f"its rule returns no gradient for operand {i}")


def _discrete(op: Op, out: Value) -> Reason:
    """Say what an operation answers with that has no derivative."""
    if op.name in PLACES:
        soft = "weigh with ad.softmax instead, or take the values themselves (np.max, topk)"
        return Reason("argmax", f"{op.name} answers with places, {short(out.dtype)} numbers without a derivative", soft)
    if op.name == "astype":
        return Reason("integer cast", f"the cast to {short(out.dtype)} drops the history", "cast to a floating dtype")
    if out.dtype.kind == "b":
        soft = "use a smooth function in its place, such as ad.sigmoid(k * x)"
        return Reason("comparison", f"{op.name} answers with truths, which have no derivative", soft)
    return Reason("no derivative", f"{op.name} has no derivative: its result ({out.type}) carries no gradient")


def detached(x: Value, names: dict[Value, str]) -> Reason:
    """Say that an operand lost its history on the way to an operation."""
    fix = f"use {names[x]} itself where its gradient is wanted"
    return Reason("detach", f"operand {names[x]} was given without its history (.detach(), .data or .numpy())", fix)


def frozen(x: Value, names: dict[Value, str]) -> Reason:
    """Say that a source was never asked for a gradient."""
    if x.dtype.kind not in "fc":
        return Reason("integer", f"{names[x]} holds {short(x.dtype)} numbers, which carry no gradient", "cast it first")
    fix = "call .requires_grad_() on it before the forward pass"
    return Reason("frozen", f"{names[x]} does not require a gradient (requires_grad is False)", fix)


# --- a gradient of zeros -------------------------------------------------------------------------------------------


def zeros(step: Step, i: int, flow: Flow, names: dict[Value, str]) -> Reason:
    """Say why a step sends zeros to an operand, though a gradient arrives that is not 0."""
    if isinstance(step, Group):
        return Reason("function", f"its backward returns zeros for operand {i}")
    x, name = step.operands[i], step.name
    if step.kind == "zero" or name in ("sign", "heaviside"):
        fix = "use a smooth function, or pass the gradient straight through in an ad.Function"
        return Reason("step function", f"{name} is flat between its steps: its derivative is 0", fix)
    if (least := _underflow(step, i, flow)) is not None:
        kind = short(x.dtype)
        fix = "scale the loss (and divide the gradients again), or compute in a wider dtype"
        return Reason("underflow", f"what it sends is too small for {kind}: {least:.2g} at most becomes 0", fix)
    where = _where(step, i, flow)
    if name == "relu":
        return Reason("dead ReLU", f"its operand is not positive{where}: its slope there is 0", FIXES["relu"])
    if name in FLAT:
        return Reason("flat", f"{name} does not depend on {names[x]}{where}: its slope there is 0")
    if _sums_up(step, i):
        return Reason("cancels", f"what arrives adds up to 0 over the elements that share {names[x]}")
    if name in CHOOSES:
        return Reason("not chosen", f"{name} takes none of {names[x]}{_at(step, flow)}")
    others = [v for k, v in enumerate(step.operands) if k != i and isinstance(v, Value)]
    if step.kind in ("bilinear", "multilinear") or name in ("linear", "biased_conv"):
        for v in others:
            if v.array is not None and v.array.size and not v.array.any():
                return Reason("zero operand", f"its other operand {names[v]} is 0 everywhere")
        return Reason("zero operand", f"its other operand is 0{_at(step, flow)}")
    if step.kind == "linear":
        return Reason("not chosen", f"no gradient arrives at what {name} makes of {names[x]}")
    if name in CENTRED and _constant(flow, step):
        return Reason("no effect", f"the gradient that arrives is the same all along the axis, which {name} takes to 0")
    if name in SATURATING:
        return Reason("saturated", f"{name} is saturated{where}: its slope rounds to 0", FIXES.get(name, SCALE))
    return Reason("zero", f"the derivative of {name} is 0{where}")


def small(step: Step, i: int, flow: Flow, factor: float, altogether: float | None) -> Reason:
    """Say how a step makes a gradient small, alone or with others of its name."""
    sends = f"it sends on {factor:.2g} of the gradient that arrives"
    curved = isinstance(step, Op) and step.name in SATURATING
    fix = FIXES.get(step.name, SCALE) if curved else ""
    if altogether is not None:
        return Reason("vanishing", f"{sends}, all {step.name} on this path together {altogether:.2g}", fix)
    if isinstance(step, Op) and curved:
        return Reason("saturated", f"{step.name} is nearly flat{_where(step, i, flow)}: {sends}", fix)
    if isinstance(step, Op) and _sums_up(step, i):
        return Reason("cancels", f"what arrives nearly adds up to 0 over the elements that share its operand: {sends}")
    if step.name in CENTRED:
        return Reason("no effect", f"{step.name} takes a gradient that is alike all over its input to 0: {sends}")
    return Reason("small", sends)


def _sums_up(op: Op, i: int) -> bool:
    """Say whether an operand is added to many elements, so that it gets the sum of their gradients."""
    added = op.name in ("add", "subtract") or (op.name in ("linear", "biased_conv") and i == 2)
    return added and op.operands[i].size < op.outputs[0].size


def _underflow(op: Op, i: int, flow: Flow) -> float | None:
    """Return how large a gradient that became zeros would have been in float64; None where it is 0 there as well."""
    x = op.operands[i]
    if x.dtype.itemsize >= 8 or x.dtype.kind != "f":
        return None
    twin = Op(op.primitive, tuple(map(_wide, op.operands)), op.params, tuple(map(_wide, op.outputs)))
    twin.live = op.live
    arrived = {k: g.astype(np.float64) for k, v in enumerate(op.outputs) if (g := flow.gradients.get(v)) is not None}
    h = ruled(twin, arrived, [k for k, on in enumerate(op.live) if on]).get(i)
    largest = 0.0 if h is None or not h.size else float(np.abs(h).max())
    return largest if 0 < largest < float(np.finfo(x.dtype).smallest_subnormal) else None


def _wide(x: Any) -> Any:
    """Return a value in float64."""
    if not isinstance(x, Value) or x.dtype.kind != "f":
        return x
    wide = Value(x.shape, np.dtype(np.float64), x.role, x.name)
    wide.array = None if x.array is None else x.array.astype(np.float64)
    return wide


def _arrived(step: Step, flow: Flow) -> Array | None:
    """Return the gradient that reached a step of one output."""
    return flow.gradients.get(step.outputs[0]) if len(step.outputs) == 1 else None


def _constant(flow: Flow, step: Step) -> bool:
    g = _arrived(step, flow)
    return g is not None and g.size > 0 and bool(np.ptp(g, axis=-1).max() <= 1e-6 * np.abs(g).max() if g.ndim else True)


def _at(step: Step, flow: Flow) -> str:
    g = _arrived(step, flow)
    return "" if g is None or not g.any() else f" at {_count(int(np.count_nonzero(g)))} where a gradient arrives"


def _where(op: Op, i: int, flow: Flow) -> str:
    """Return at how many elements a gradient arrives, and between which bounds an elementwise operand lies there."""
    g, x = _arrived(op, flow), op.operands[i]
    if g is None or x.array is None or op.kind != "elementwise" or x.dtype.kind == "c":
        return _at(op, flow)
    there = np.broadcast_to(x.array, g.shape)[g != 0]
    if not there.size:
        return ""
    low, high = there.min(), there.max()
    bounds = f"it is {low:.4g}" if low == high else f"it lies between {low:.4g} and {high:.4g}"
    return f"{_at(op, flow)} ({bounds})"


def _count(n: int) -> str:
    return "the one element" if n == 1 else f"all {n} elements"


# --- NaN and infinity ----------------------------------------------------------------------------------------------


def finite(x: Array | None) -> bool:
    """Say whether an array holds no NaN and no infinity, as far as is known."""
    return x is None or x.dtype.kind not in "fc" or bool(np.isfinite(x).all())


def born(step: Step, names: dict[Value, str]) -> Reason:
    """Say how a step made a NaN or an infinity from finite operands."""
    bad = next(v.array for v in step.outputs if v.array is not None and not finite(v.array))
    what = _bad(bad)
    sample = _sample(step, ~np.isfinite(bad), names)
    fix = FIXES.get(step.name, "")
    nan, named = bool(np.isnan(bad).any()), step.name
    if isinstance(step, Op) and not nan and not _at_pole(step, bad):
        limit = f"{short(bad.dtype)} holds numbers up to {np.finfo(bad.dtype).max:.3g}"
        return Reason("overflow", f"overflow: {named} makes {what}{sample}; {limit}", fix or "scale what comes in")
    kind = "NaN born" if nan else "infinity born"
    return Reason(kind, f"{named} makes {what} from finite operands{sample}", fix)


def steep(step: Step, i: int, sent: Array, flow: Flow, names: dict[Value, str]) -> Reason:
    """Say how the rule of a step made a NaN or an infinity from finite values."""
    bad = ~np.isfinite(sent)
    sample = _sample(step, bad, names)
    g = _arrived(step, flow)
    large = g is not None and g.size and np.abs(g).max() > np.sqrt(float(np.finfo(g.dtype).max))
    how = "overflows" if large else "is infinite or undefined"
    text = f"the slope of {step.name} {how}: what it sends to {names[step.operands[i]]} holds {_bad(sent)}{sample}"
    return Reason("overflow" if large else "infinite slope", text, FIXES.get(step.name, ""))


def failed(op: Op, said: str, names: dict[Value, str]) -> Reason:
    """Say what the operation made at which a traced function raised an error, or what the error said."""
    arrays = [x.array if isinstance(x, Value) else x for x in op.operands]
    try:
        with np.errstate(all="ignore"):
            made = op.primitive.kernel(*arrays, **op.params)
    except Exception:
        return Reason("failed", f"it raises {said.rstrip('.')}")
    y = made[0] if isinstance(made, (tuple, list)) else np.asarray(made)
    if finite(y):
        return Reason("failed", "the function raised an error here")
    twin = Op(op.primitive, op.operands, op.params, (Value(y.shape, y.dtype),))
    twin.outputs[0].array = y
    return born(twin, names)


def given(x: Value, names: dict[Value, str]) -> Reason:
    """Say that a source held a NaN or an infinity from the start."""
    assert x.array is not None
    return Reason("given", f"{names[x]} itself holds {_bad(x.array)}", "look at where it comes from")


def _bad(x: Array) -> str:
    nan, inf = int(np.isnan(x).sum()), int(np.isinf(x).sum())
    parts = [f"{n} {word}" for n, word in ((nan, "NaN"), (inf, "infinite")) if n]
    return f"{' and '.join(parts)} of {x.size} element{'s' * (x.size != 1)}"


def _at_pole(op: Op, y: Array) -> bool:
    """Say whether an operand stands where the function is infinite, as log at 0."""
    bad = ~np.isfinite(y)
    for i, x in enumerate(op.operands):
        array = x.array if isinstance(x, Value) else x if isinstance(x, (int, float)) else None
        poles = op.primitive.domain_of(i).singular if getattr(op.primitive, "domain", None) is not None else ()
        if array is not None and poles and np.ndim(array) <= y.ndim and op.kind == "elementwise":
            there = np.broadcast_to(array, y.shape)[bad]
            if np.isin(there, poles).any():
                return True
    return False


def _sample(step: Step, bad: Array, names: dict[Value, str]) -> str:
    """Return what the operands are at the first element that is not finite, for an elementwise operation."""
    if not isinstance(step, Op) or (step.kind != "elementwise" and step.name not in ("add", "subtract", "multiply")):
        return ""
    at = np.unravel_index(int(np.argmax(bad)), bad.shape)
    parts = []
    for x in step.operands:
        if isinstance(x, Value) and x.array is not None and x.array.shape == bad.shape and x.dtype.kind in "biufc":
            parts.append(f"{names[x]} = {x.array[at]:.5g}" if x.dtype.kind in "fc" else f"{names[x]} = {x.array[at]}")
        elif isinstance(x, Value) and x.array is not None and x.array.size == 1:
            parts.append(f"{names[x]} = {x.array.reshape(-1)[0]:.5g}" if x.name else f"{x.array.reshape(-1)[0]:.5g}")
        elif isinstance(x, (int, float)):
            parts.append(f"{x:.5g}")
    return f" (where {', '.join(parts)})" if parts else ""
