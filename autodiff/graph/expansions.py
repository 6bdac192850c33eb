"""What a fused operation computes, in plain NumPy on registered functions: one formula an operation.

The kernels compute the same in fewer passes, or without overflow on the way; a picture opens an operation by running
its formula on the recorded operands. A formula returns the outputs, the first ones of those that only a backward pass
reads. The sweeps back through recurrent layers have none: they are loops, and what a step of them does is drawn where
the layer itself is opened and differentiated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from autodiff import apply as engine
from autodiff import tape
from autodiff.graph.record import Graph, Op, Value
from autodiff.graph.recording.building import End, given
from autodiff.graph.recording.recorder import Recorder
from autodiff.kernels.convolution.geometry import Geometry, geometry
from autodiff.kernels.recurrent import gru_sequence, lstm_sequence, rnn_sequence
from autodiff.tensor import Tensor

np: Any = numpy  # its functions dispatch on Tensors, which their annotations do not say


def expansion(op: Op) -> Graph | None:
    """Return the graph of an operation's formula on its recorded operands, None where it has none.

    Its `sources` are the operation's own operands (and the formula's constants), its `outputs` stand for the
    operation's, in order; there may be fewer.
    """
    formula = FORMULAS.get(op.name)
    if formula is None or any(v.array is None for v in op.inputs):
        return None
    recorder = Recorder(op.name)
    inputs = dict.fromkeys(op.inputs)
    for value in inputs:
        assert value.array is not None
        recorder.builder.meet(value.array, value)
    operands = [engine.wrap(x.array, None) if isinstance(x, Value) else x for x in op.operands]
    mode = {"phase": op.phase, "scope": op.scope, "order": op.order, "levels": (), "anomaly": False}
    with tape.Switch(graph=recorder, record=False, segment=None, **mode), numpy.errstate(all="ignore"):
        made = formula(*operands, **op.params)
    recorder.flush()
    answers = [given(t) for t in (made if isinstance(made, tuple) else (made,))]
    fields = recorder.builder.finish(End(answers, [], {}))
    for inner in fields["ops"]:
        inner._at, inner.of = op._at, op.of
    return Graph(op.name, lambda: {**fields, "sources": [*inputs, *fields["sources"]]})


def _constant(name: str, array: Any) -> Any:
    """Return an array as a constant of the graph, with a name."""
    constant = Tensor(array)
    constant.name = name
    return constant


# --- products ------------------------------------------------------------------------------------------------------


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    return np.matmul(x, weight.T) if bias is None else np.matmul(x, weight.T) + bias


def _conv(x: Any, w: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
          groups: int = 1) -> Any:  # fmt: skip
    """Gather what each window sees, and multiply it with the weights."""
    sizes = geometry(x.shape, w.shape, stride, padding, dilation, groups)
    columns = _columns(x, sizes)
    y = np.matmul(w.reshape(sizes.groups, sizes.features // sizes.groups, -1), columns)
    y = y.reshape(sizes.batch, -1, *sizes.out)
    return y if bias is None else y + bias.reshape(-1, *(1,) * len(sizes.out))


def _conv_weight(x: Any, z: Any, *, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
                 groups: int = 1) -> Any:  # fmt: skip
    """Multiply what each window sees with the gradient that arrived there, and add this up."""
    sizes = geometry(x.shape, (z.shape[1], x.shape[1] // groups, *size), stride, padding, dilation, groups)
    arrived = z.reshape(sizes.batch, sizes.groups, sizes.features // sizes.groups, -1)
    products = np.matmul(arrived, np.swapaxes(_columns(x, sizes), -1, -2))
    return np.sum(products, axis=0).reshape(sizes.features, -1, *size)


def _conv_transpose(x: Any, w: Any, *, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
                    groups: int = 1) -> Any:  # fmt: skip
    """Put stride - 1 zeros between the elements, and convolve with the weights turned round."""
    sizes = geometry((len(x), w.shape[1] * groups, *size), w.shape, stride, padding, dilation, groups)
    rank, axes = len(size), []
    for i, (k, s, (low, _), d) in enumerate(
        zip(sizes.kernel, sizes.stride, sizes.padding, sizes.dilation, strict=True)
    ):
        n, reach = x.shape[i + 2], d * (k - 1) - low
        if s > 1:
            spread = [(0, 0)] * (i + 3) + [(0, s - 1)] + [(0, 0)] * (rank - i - 1)
            x = np.pad(np.expand_dims(x, i + 3), spread).reshape(*x.shape[: i + 2], n * s, *x.shape[i + 3 :])
        if reach < 0:
            x = x[(slice(None),) * (i + 2) + (slice(-reach, None),)]
        axes.append((size[i], k, 1, max(reach, 0), d))
    columns = _windows(x, axes).reshape(sizes.batch, groups, -1, math.prod(size))
    turned = np.flip(w, axis=tuple(range(2, 2 + rank))).reshape(groups, sizes.features // groups, w.shape[1], -1)
    turned = np.swapaxes(turned, 1, 2).reshape(groups, w.shape[1], -1)
    return np.matmul(turned, columns).reshape(sizes.batch, -1, *size)


def _columns(x: Any, sizes: Geometry) -> Any:
    """Return what each window of a convolution sees, as a column: (n, groups, c / groups * taps, windows)."""
    axes = [(o, k, s, low, d) for o, k, s, (low, _), d in zip(
        sizes.out, sizes.kernel, sizes.stride, sizes.padding, sizes.dilation, strict=True)]  # fmt: skip
    return _windows(x, axes).reshape(sizes.batch, sizes.groups, -1, math.prod(sizes.out))


def _windows(x: Any, axes: Any, fill: float = 0.0) -> Any:
    """Return what windows see of x (n, c, *size): (n, c, *kernel, *count).

    A window is what sum_pool is given: count, kernel, stride, padding, dilation.
    """
    rank = len(axes)
    last = [(count - 1) * s + d * (k - 1) + 1 for count, k, s, _, d in axes]
    pads = [(low, max(end - low - n, 0)) for end, n, (*_, low, _) in zip(last, x.shape[2:], axes, strict=True)]
    if any(low or high for low, high in pads):
        x = np.pad(x, ((0, 0), (0, 0), *pads), constant_values=fill)
    places = []
    for i, (count, k, s, _, d) in enumerate(axes):
        at = numpy.arange(k)[:, None] * d + numpy.arange(count) * s
        shape = [1] * (2 * rank)
        shape[i], shape[rank + i] = at.shape
        places.append(_constant(f"window {i + 1}", at.reshape(shape)))
    return x[(slice(None), slice(None), *places)]


def _max_pool(x: Any, *, windows: Any) -> Any:
    return np.max(_windows(x, windows, -math.inf), axis=tuple(range(2, 2 + len(windows))))


def _sum_pool(x: Any, *, windows: Any, scale: float = 1.0) -> Any:
    y = np.sum(_windows(x, windows), axis=tuple(range(2, 2 + len(windows))))
    return y if scale == 1 else y * scale


def _attention(q: Any, k: Any, v: Any, *over: Any, **how: Any) -> Any:
    return np.matmul(_attended(q, k, *over, **how)[0], v)


def _attended(q: Any, k: Any, mask: Any = None, bias: Any = None, *, causal: bool = False,
              scale: float | None = None) -> Any:  # fmt: skip
    """Return how much each query takes of each value, and the factor of the products."""
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) * factor
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = np.where(mask, scores, -math.inf)
    if causal:
        scores = np.where(_constant("causal", numpy.tri(*scores.shape[-2:]) == 1), scores, -math.inf)
    return _softmax(scores), factor


def _attention_backward(a: Any, q: Any, k: Any, v: Any, kept: Any, *over: Any, **how: Any) -> Any:
    p, factor = _attended(q, k, *over, **how)
    dp = np.matmul(a, np.swapaxes(v, -1, -2))
    ds = p * (dp - np.sum(dp * p, axis=-1, keepdims=True)) * factor
    return np.matmul(ds, k), np.matmul(np.swapaxes(ds, -1, -2), q), np.matmul(np.swapaxes(p, -1, -2), a)


def _recurrent(cell: Callable[..., Any]) -> Callable[..., Any]:
    """Return a formula for a sequence: its cell's, step by step."""

    def formula(x: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, *states: Any, **how: Any) -> Any:
        states = states + (None,) * (1 + (cell is lstm_sequence._cell_of) - len(states))
        return cell(x, w_ih, w_hh, b_ih, b_hh, *states, **how)

    return formula


# --- probabilities -------------------------------------------------------------------------------------------------


def _softmax(a: Any, axis: int = -1) -> Any:
    powers = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def _log_softmax(a: Any, axis: int = -1) -> Any:
    shifted = a - np.max(a, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _logsumexp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    top = np.max(a, axis=axis, keepdims=True)
    y = np.log(np.sum(np.exp(a - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


def _cross_entropy(logits: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, smoothing: float = 0.0,
                   reduction: str = "mean") -> Any:  # fmt: skip
    kept: Any = None
    logs = _log_softmax(logits)
    if (target._data == ignore_index).any():
        kept = np.not_equal(target, ignore_index)
        target = np.where(kept, target, 0)
    losses = -logs[_constant("rows", numpy.arange(len(logits))), target]
    shares = None
    if weight is not None or kept is not None:
        shares = kept * 1.0 if weight is None else weight[target] if kept is None else weight[target] * kept
        losses = losses * shares
    if smoothing:
        even = -np.mean(logs if weight is None else logs * weight, axis=1)
        losses = (1 - smoothing) * losses + smoothing * (even if kept is None else even * kept)
    if reduction != "none":
        total = np.sum(losses)
        losses = total if reduction == "sum" else total / (len(logits) if shares is None else np.sum(shares))
    return losses, np.exp(logs)


def _cross_entropy_backward(a: Any, b: Any, target: Any, d: Any, weight: Any = None, *, smoothing: float = 0.0) -> Any:
    classes = _constant("classes", numpy.arange(b.shape[1]))
    aim = np.equal(np.reshape(target, (-1, 1)), classes) * d[:, -1:]
    if smoothing:
        aim = aim + (d[:, :1] - d[:, -1:]) * (1 / b.shape[1] if weight is None else weight / np.sum(weight))
    return a * (b * d[:, :1] - aim)


def _bce_with_logits(a: Any, b: Any, pos_weight: Any = None) -> Any:
    positive = np.logaddexp(0, -a)
    return (1 - b) * a + (positive if pos_weight is None else (1 + (pos_weight - 1) * b) * positive)


# --- normalization -------------------------------------------------------------------------------------------------


def _layer_norm(x: Any, weight: Any = None, bias: Any = None, *, dims: int, eps: float, center: bool = True) -> Any:
    y, mean, var = _normalized(x, tuple(range(-dims, 0)), eps, center)
    y = y if weight is None else y * weight
    lead = x.shape[: x.ndim - dims]
    return (y if bias is None else y + bias), mean.reshape(lead), var.reshape(lead)


def _channel_norm(x: Any, weight: Any = None, bias: Any = None, *, groups: int | None, eps: float) -> Any:
    rank = x.ndim - 2
    if groups is None:
        y, mean, var = _normalized(x, (0, *range(2, x.ndim)), eps)
    else:
        y, mean, var = _normalized(x.reshape(len(x), groups, -1), (2,), eps)
        y = y.reshape(x.shape)
    y = y if weight is None else y * weight.reshape(-1, *(1,) * rank)
    y = y if bias is None else y + bias.reshape(-1, *(1,) * rank)
    shape = (-1,) if groups is None else (len(x), groups)
    return y, mean.reshape(shape), var.reshape(shape)


def _normalized(x: Any, axes: tuple[int, ...], eps: float, center: bool = True) -> tuple[Any, Any, Any]:
    mean = np.mean(x, axis=axes, keepdims=True) if center else np.zeros_like(np.mean(x, axis=axes, keepdims=True))
    off = x - mean if center else x
    var = np.mean(off * off, axis=axes, keepdims=True)
    return off / np.sqrt(var + eps), mean, var


def _layer_norm_backward(grad: Any, x: Any, mean: Any, var: Any, weight: Any = None, *, dims: int, eps: float,
                         center: bool = True) -> Any:  # fmt: skip
    lead, axes = tuple(range(x.ndim - dims)), tuple(range(-dims, 0))
    scale = 1 / np.sqrt(var.reshape(*var.shape, *(1,) * dims) + eps)
    unit = (x - mean.reshape(*mean.shape, *(1,) * dims)) * scale
    inner = grad if weight is None else grad * weight
    dx = inner - unit * np.mean(inner * unit, axis=axes, keepdims=True)
    dx = dx - np.mean(inner, axis=axes, keepdims=True) if center else dx
    return dx * scale, np.sum(grad * unit, axis=lead), np.sum(grad, axis=lead)


def _channel_norm_backward(grad: Any, x: Any, mean: Any, var: Any, weight: Any = None, *, groups: int | None,
                           eps: float) -> Any:  # fmt: skip
    channels, axes = (1, -1, *(1,) * (x.ndim - 2)), (0, *range(2, x.ndim))
    shape, over = (x.shape, axes) if groups is None else ((len(x), groups, -1), (2,))
    mean, var = (t.reshape(channels if groups is None else (len(x), groups, 1)) for t in (mean, var))
    scale = 1 / np.sqrt(var + eps)
    unit = (x.reshape(shape) - mean) * scale
    inner = (grad if weight is None else grad * weight.reshape(channels)).reshape(shape)
    dx = inner - np.mean(inner, axis=over, keepdims=True) - unit * np.mean(inner * unit, axis=over, keepdims=True)
    unit = unit.reshape(x.shape)
    return (dx * scale).reshape(x.shape), np.sum(grad * unit, axis=axes), np.sum(grad, axis=axes)


def _variance(a: Any, *rest: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False, **others: Any) -> Any:
    off = a - np.mean(a, axis=axis, keepdims=True)
    squares = np.sum(off * off, axis=axis, keepdims=keepdims)
    return squares / (a.size // max(squares.size, 1) - ddof)


def _erf(x: Any) -> Any:
    from scipy import special

    return special.erf(x)


# --- the table -----------------------------------------------------------------------------------------------------

FORMULAS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    "conv": _conv,
    "biased_conv": _conv,
    "conv_weight": _conv_weight,
    "conv_transpose": _conv_transpose,
    "max_pool": _max_pool,
    "sum_pool": _sum_pool,
    "embedding": lambda weight, ids, **how: weight[ids],
    "attention": _attention,
    "attention_backward": _attention_backward,
    "lstm": _recurrent(lstm_sequence._cell_of),
    "gru": _recurrent(gru_sequence._cell_of),
    "rnn": _recurrent(rnn_sequence._cell_of),
    "softmax": _softmax,
    "softmax_backward": lambda a, b, axis=-1: b * (a - np.sum(a * b, axis=axis, keepdims=True)),
    "log_softmax": _log_softmax,
    "log_softmax_backward": lambda a, b, axis=-1: a - np.exp(b) * np.sum(a, axis=axis, keepdims=True),
    "logsumexp": _logsumexp,
    "softmax_nll": _cross_entropy,
    "softmax_nll_backward": _cross_entropy_backward,
    "bce_with_logits": _bce_with_logits,
    "layer_norm": _layer_norm,
    "layer_norm_backward": _layer_norm_backward,
    "channel_norm": _channel_norm,
    "channel_norm_backward": _channel_norm_backward,
    "var": _variance,
    "std": lambda a, *rest, **how: np.sqrt(_variance(a, *rest, **how)),
    "relu": lambda x: np.maximum(x, 0),
    "relu_backward": lambda a, b: b * np.greater(a, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "logsigmoid": lambda x: -np.logaddexp(0, -x),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x, beta=1.0, threshold=20.0: np.logaddexp(0, x * beta) / beta,
    "leaky_relu": lambda x, negative_slope=0.01: np.where(np.greater(x, 0), x, x * negative_slope),
    "elu": lambda x, alpha=1.0: np.where(np.greater(x, 0), x, alpha * np.expm1(x)),
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
    "gelu": lambda x: x / 2 * (1 + _erf(x * math.sqrt(0.5))),
    "gelu_backward": lambda a, b: a * (
        (1 + _erf(b * math.sqrt(0.5))) / 2 + b * np.exp(b * b * -0.5) / math.sqrt(2 * math.pi)),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}  # fmt: skip
