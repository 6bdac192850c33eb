"""The plain recurrent network of Elman (1990)."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.activation import relu
from autodiff.kernels.affine import linear
from autodiff.kernels.recurrent import sequence
from autodiff.primitive import outputs


def _rule(g: Any, y: Any, xs: Any, needs: Any, nonlinearity: Any, reverse: Any) -> Any:
    how = {"nonlinearity": nonlinearity, "reverse": reverse}
    return sequence.first_order(g, xs, y[:1], needs, rnn_backward, **how)


@outputs(_rule, together=True)
def rnn(
    x: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    h0: Any = None,
    *,
    nonlinearity: str = "tanh",
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Return y (T, N, H) and h_n (N, H) of x (T, N, in): h = tanh(w_ih @ x + b_ih + w_hh @ h + b_hh), or its relu.

    Weights are PyTorch's: w_ih (H, in), w_hh (H, H), biases (H). A state that is None is zero; `reverse` reads the
    sequence from its end.
    """
    dtype = sequence.checked("rnn", 1, x, w_ih, w_hh, b_ih, b_hh, h0)
    x, w_ih, w_hh, b_ih, b_hh, h0 = sequence.in_dtype(dtype, x, w_ih, w_hh, b_ih, b_hh, h0)
    (count, columns, _), hidden = x.shape, w_hh.shape[1]
    block = sequence.block(sequence.total(hidden, x.dtype, b_ih, b_hh), columns)
    share, states = np.empty((count, hidden, columns), x.dtype), np.empty((count + 1, hidden, columns), x.dtype)
    step, zero = np.empty_like(block), np.zeros_like(block)
    np.matmul(w_ih, x.transpose(0, 2, 1), out=share)
    sequence.first(h0, states)
    for n, t in enumerate(sequence.steps(count, reverse)):
        np.matmul(w_hh, states[n], out=step)
        step += share[t]
        step += block
        if nonlinearity == "tanh":
            np.tanh(step, out=states[n + 1])
        else:
            np.maximum(step, zero, out=states[n + 1])
    return sequence.out_dtype(dtype, sequence.untransposed(states, reverse), states[count].T.copy())


def _cell_of(x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any, *, nonlinearity: str, reverse: bool) -> Any:
    """Return y and h_n by operations one after the other: what the kernel computes, in registered functions."""
    h, ys, bent = sequence.zero_state(x, w_hh) if h is None else h, [], np.tanh if nonlinearity == "tanh" else relu
    for t in sequence.steps(len(x), reverse):
        h = bent(linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh))
        ys.append(h)
    return sequence.stacked(ys, x, (0, *h.shape), reverse), h


@outputs(
    lambda g, xs, wanted, nonlinearity, reverse: sequence.second_order(
        g, xs, 2, _cell_of, wanted, nonlinearity=nonlinearity, reverse=reverse
    ),
    together=True,
)
def rnn_backward(
    gy: Any,
    gh: Any,
    x: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    h0: Any,
    out: Any,
    *,
    wanted: tuple[bool, ...],
    nonlinearity: str,
    reverse: bool,
) -> tuple[Any, ...]:
    """Return the gradients of the wanted ones of rnn's operands, given those of y and h_n (None: unused)."""
    dtype = x.dtype
    gy, gh, x, w_ih, w_hh, h0, out = sequence.in_dtype(dtype, gy, gh, x, w_ih, w_hh, h0, out)
    (count, columns, _), hidden = x.shape, w_hh.shape[1]
    transposed, strips = np.ascontiguousarray(w_hh.T), sequence.Strips(hidden, count, columns, x.dtype)
    states = np.ascontiguousarray(out.transpose(0, 2, 1))
    dh = np.zeros((hidden, columns), x.dtype) if gh is None else np.array(gh.T, order="C")
    gy, step = sequence.transposed(gy, states), np.empty_like(dh)
    for _, t in sequence.backwards(count, reverse):
        dh += gy[t]
        if nonlinearity == "tanh":
            np.multiply(states[t], states[t], out=step)
            step *= dh
            np.subtract(dh, step, out=step)
        else:
            np.multiply(dh, states[t] > 0, out=step)
        strips.put(step, t)
        np.matmul(transposed, step, out=dh)
    dgates = strips.rows(0, hidden)
    found = sequence.gradients(wanted, dgates, dgates, x, w_ih, out, h0, (dh,), reverse)
    return sequence.out_dtype(dtype, *found)
