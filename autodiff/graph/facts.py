"""What operations cost, from shapes alone: multiply-adds, floating-point operations, bytes, parameters.

One row of the table an operation: its multiply-adds in terms of the shapes of its operands, by their names (`a`, `b`
where they have none), and of `y`, that of its first output. `nn.summary` and `ad.profile` read the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import log2, prod
from typing import Any

import numpy as np

from autodiff.graph.record import Graph, Op, Value
from autodiff.plan import LETTERS

Shape = tuple[int, ...]


def _recurrent(times: int) -> Callable[..., int]:
    return lambda x, w_ih, w_hh: times * prod(x[:2]) * (prod(w_ih) + prod(w_hh))


def _attention(times: int) -> Callable[..., int]:
    return lambda q, k, v: times * prod(q[:-1]) * k[-2] * (k[-1] + v[-1])  # masked pairs count as well


MULTIPLY_ADDS: dict[str, Callable[..., int]] = {
    "matmul": lambda y, a: prod(y) * a[-1],
    "matvec": lambda y, a: prod(y) * a[-1],
    "vecmat": lambda y, a: prod(y) * a[-1],
    "vecdot": lambda y, a: prod(y) * a[-1],
    "linear": lambda x, weight: prod(x) * weight[0],
    "convolve": lambda a, b: prod(a) * prod(b),
    "conv": lambda y, w: prod(y) * prod(w[1:]),
    "biased_conv": lambda y, w: prod(y) * prod(w[1:]),
    "conv_transpose": lambda x, w: prod(x) * prod(w[1:]),
    "conv_weight": lambda z, y: prod(z) * prod(y[1:]),
    "attention": _attention(1),
    "attention_backward": _attention(2),
    "lstm": _recurrent(1),
    "lstm_backward": _recurrent(2),
    "gru": _recurrent(1),
    "gru_backward": _recurrent(2),
    "rnn": _recurrent(1),
    "rnn_backward": _recurrent(2),
}

MOVES = {
    "getitem", "put", "pick", "unpool", "reshape", "ravel", "squeeze", "expand_dims", "transpose", "matrix_transpose",
    "swapaxes", "moveaxis", "broadcast_to", "flip", "fliplr", "flipud", "roll", "rot90", "tril", "triu", "repeat",
    "copy", "astype", "concatenate", "stack", "split", "array_split", "unstack", "pad_constant", "choose", "overlay",
    "embedding", "conjugate", "real", "imag", "positive",
}  # fmt: skip
REDUCTIONS = {
    "sum", "mean", "cumsum", "scatter_add", "channel_sum", "sum_pool", "spread_pool", "bincount", "max_pool", "cumprod",
}  # fmt: skip

# floating-point operations an element of the largest operand or output, where several passes are fused into one
PASSES = {
    "softmax": 4, "softmax_backward": 4, "log_softmax": 5, "log_softmax_backward": 5, "softmax_nll": 6,
    "softmax_nll_backward": 3, "logsumexp": 4, "layer_norm": 7, "layer_norm_backward": 12, "channel_norm": 7,
    "channel_norm_backward": 12, "var": 4, "std": 4, "p_norm": 3,
}  # fmt: skip

# of n x n matrices, times the leading axes: Golub & Van Loan, Matrix Computations, 4th edition
MATRICES: dict[str, float] = {
    "cholesky": 1 / 3, "det": 2 / 3, "slogdet": 2 / 3, "solve": 2 / 3, "inv": 2, "qr": 4 / 3, "eigh": 9, "eig": 25,
    "svd": 22, "pinv": 24,
}  # fmt: skip


def multiply_adds(op: Op) -> int:
    """Return the multiply-adds of a product of matrices, a convolution or what is made of them; 0 of anything else.

    >>> import autodiff as ad
    >>> multiply_adds(ad.trace(lambda a, b: a @ b)(ad.ones(2, 3), ad.ones(3, 5)).ops[0])
    30
    """
    if op.name == "einsum":
        return _contraction(op)
    count = MULTIPLY_ADDS.get(op.name)
    if count is None or op.outputs[0].dtype is None:
        return 0
    names = op.primitive.signature.operands or tuple(LETTERS)[1:]  # a, b, ...
    shapes = {name: _shape(x) for name, x in zip(names, op.operands, strict=False)} | {"y": op.outputs[0].shape}
    wanted = count.__code__.co_varnames[: count.__code__.co_argcount]
    return count(*(shapes[name] for name in wanted))


def flops(op: Op) -> int:
    """Return the floating-point operations of an operation: two a multiply-add, one an element of an elementwise one.

    A reduction takes one an element that it reads, what moves data none; fused ones are counted by their passes, and
    factorizations by their leading term.
    """
    if (products := multiply_adds(op)) or op.name in MULTIPLY_ADDS:
        return 2 * products
    if op.name in MOVES or op.outputs[0].dtype is None:
        return 0
    made = sum(v.size for v in op.outputs)
    largest = max(v.size for v in (*op.inputs, *op.outputs))
    if op.name in MATRICES and op.inputs:
        *lead, n, m = op.inputs[0].shape
        return int(MATRICES[op.name] * prod(lead) * max(n, m) * min(n, m) ** 2)
    if op.name.removeprefix("i").removeprefix("r").startswith("fft"):
        return int(5 * made * log2(max(op.outputs[0].shape[-1], 2)))
    if op.name in PASSES:
        return PASSES[op.name] * largest
    return largest if op.kind == "reduction" or op.name in REDUCTIONS else made


def parameters(values: Iterable[Value]) -> int:
    """Return the number of elements of the parameters among some values, each counted once."""
    return sum(v.size for v in dict.fromkeys(values) if v.role == "parameter")


def saved_bytes(graph: Graph) -> int:
    """Return the bytes that the operations of a graph keep alive for the backward pass, beside its sources."""
    return sum(op.saved for op in graph.ops)


def _contraction(op: Op) -> int:
    """Return the multiply-adds of an einsum in the order that it contracts its operands in."""
    given, _, _ = op.params["subscripts"].partition("->")
    terms = given.split(",")
    lengths: dict[str, int] = {}
    for term, x in zip(terms, op.operands, strict=True):
        lengths |= {k: max(n, lengths.get(k, 1)) for k, n in zip(term, _shape(x), strict=True)}
    if len(terms) < 3:
        return prod(lengths.values()) if len(terms) == 2 else 0
    arrays = [np.broadcast_to(np.empty((), np.float32), _shape(x)) for x in op.operands]
    total = 0
    for pair in np.einsum_path(op.params["subscripts"], *arrays, optimize=op.params.get("optimize", True))[0][1:]:
        taken = [terms.pop(i) for i in sorted(pair, reverse=True)]
        used = dict.fromkeys("".join(taken))
        total += prod(lengths[k] for k in used)
        rest = "".join(terms) + op.params["subscripts"].partition("->")[2]
        terms.append("".join(k for k in used if k in rest))
    return total


def _shape(x: Any) -> Shape:
    return x.shape if isinstance(x, Value) else np.shape(x)
