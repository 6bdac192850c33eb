"""Long short-term memory (Hochreiter & Schmidhuber, 1997; its forget gate is Gers's, 2000)."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels import compiled
from autodiff.kernels.activation import sigmoid
from autodiff.kernels.affine import linear
from autodiff.kernels.recurrent import sequence
from autodiff.kernels.scalars import HALF, ONE
from autodiff.kernels.scalars import tanh as tanh_of_one
from autodiff.primitive import outputs


def _rule(g: Any, y: Any, xs: Any, needs: Any, reverse: Any) -> Any:
    return sequence.first_order(g, xs, (y[0], *y[3:]), needs, lstm_backward, reverse=reverse)


@outputs(_rule, together=True)
def lstm(
    x: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    h0: Any = None,
    c0: Any = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any, Any, Any, Any]:
    """Return y (T, N, H), h_n and c_n (N, H) of x (T, N, in), then what the backward pass needs.

    Weights are PyTorch's: w_ih (4H, in), w_hh (4H, H), biases (4H), their rows those of the gates i, f, g, o. A state
    that is None is zero; `reverse` reads the sequence from its end. Kept are the gates (T, 4H, N), in the order i, f,
    o, g, and the cells (T + 1, H, N) in the order of reading, the initial one first.
    """
    dtype = sequence.checked("lstm", 4, x, w_ih, w_hh, b_ih, b_hh, h0, c0)
    x, w_ih, w_hh, b_ih, b_hh, h0, c0 = sequence.in_dtype(dtype, x, w_ih, w_hh, b_ih, b_hh, h0, c0)
    (count, columns, _), hidden = x.shape, w_hh.shape[1]
    w_ih, w_hh, bias = map(_halved, (w_ih, w_hh, sequence.total(4 * hidden, x.dtype, b_ih, b_hh)))
    block, step = sequence.block(bias, columns), np.empty((4 * hidden, columns), x.dtype)
    gates, (states, cells) = np.empty((count, *step.shape), x.dtype), np.empty((2, count + 1, hidden, columns), x.dtype)
    np.matmul(w_ih, x.transpose(0, 2, 1), out=gates)
    sequence.first(h0, states)
    sequence.first(c0, cells)
    cell = _cell_compiled if sequence.fast(x.dtype) else _cell
    for n, t in enumerate(sequence.steps(count, reverse)):
        np.matmul(w_hh, states[n], out=step)
        cell(gates[t], step, block, cells[n], cells[n + 1], states[n + 1])
    y, h, c = sequence.untransposed(states, reverse), states[count].T.copy(), cells[count].T.copy()
    return sequence.out_dtype(dtype, y, h, c, gates, cells)


def _halved(w: Any) -> Any:
    """Return rows in the order i, f, o, g, those of i, f, o halved: sigmoid(x) is tanh(x / 2) / 2 + 1 / 2."""
    hidden = len(w) // 4
    w = np.concatenate([w[: 2 * hidden], w[3 * hidden :], w[2 * hidden : 3 * hidden]])
    w[: 3 * hidden] *= 0.5
    return w


def _cell(gates: Any, step: Any, bias: Any, before: Any, after: Any, state: Any) -> None:
    """Make a step's gates, out of the input's share of them and the state's, the new cell and the new state."""
    hidden = len(before)
    gates += step
    gates += bias
    np.tanh(gates, out=gates)
    sigmoids = gates[: 3 * hidden]
    sigmoids *= 0.5
    sigmoids += 0.5
    np.multiply(gates[hidden : 2 * hidden], before, out=after)
    np.multiply(gates[:hidden], gates[3 * hidden :], out=state)
    after += state
    np.tanh(after, out=state)
    state *= gates[2 * hidden : 3 * hidden]


@compiled.loop  # one pass: 6 us for 4 x 128 x 32, and NumPy 16
def _cell_compiled(gates: Any, step: Any, bias: Any, before: Any, after: Any, state: Any) -> None:
    size, flat, share, add = before.size, gates.reshape(-1), step.reshape(-1), bias.reshape(-1)
    old, new, out = before.reshape(-1), after.reshape(-1), state.reshape(-1)
    for k in range(size):
        i = tanh_of_one(flat[k] + share[k] + add[k]) * HALF + HALF
        f = tanh_of_one(flat[size + k] + share[size + k] + add[size + k]) * HALF + HALF
        o = tanh_of_one(flat[2 * size + k] + share[2 * size + k] + add[2 * size + k]) * HALF + HALF
        g = tanh_of_one(flat[3 * size + k] + share[3 * size + k] + add[3 * size + k])
        c = f * old[k] + i * g
        flat[k], flat[size + k], flat[2 * size + k], flat[3 * size + k] = i, f, o, g
        new[k] = c
        out[k] = o * tanh_of_one(c)


def _cell_of(x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any, c: Any, *, reverse: bool) -> Any:
    """Return y, h_n and c_n by operations one after the other: what the kernel computes, in registered functions."""
    h, c = (sequence.zero_state(x, w_hh) if s is None else s for s in (h, c))
    ys = []
    for t in sequence.steps(len(x), reverse):
        i, f, g, o = np.split(linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh), 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        ys.append(h)
    return sequence.stacked(ys, x, (0, *h.shape), reverse), h, c


@outputs(
    lambda g, xs, wanted, reverse: sequence.second_order(g, xs, 3, _cell_of, wanted, reverse=reverse),
    together=True,
)
def lstm_backward(
    gy: Any,
    gh: Any,
    gc: Any,
    x: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    h0: Any,
    c0: Any,
    out: Any,
    gates: Any,
    cells: Any,
    *,
    wanted: tuple[bool, ...],
    reverse: bool,
) -> tuple[Any, ...]:
    """Return the gradients of the wanted ones of lstm's operands, given those of y, h_n and c_n (None: unused)."""
    dtype = x.dtype
    gy, gh, gc, x, w_ih, w_hh, h0, out, gates, cells = sequence.in_dtype(
        dtype, gy, gh, gc, x, w_ih, w_hh, h0, out, gates, cells
    )
    (count, columns, _), hidden = x.shape, w_hh.shape[1]
    transposed, strips = np.ascontiguousarray(w_hh.T), sequence.Strips(4 * hidden, count, columns, x.dtype)
    gy, dh, dc = sequence.transposed(gy, cells[1:]), sequence.last(gh, cells[0]), sequence.last(gc, cells[0])
    step, scratch = np.empty((4 * hidden, columns), x.dtype), np.empty((4 * hidden, columns), x.dtype)
    cell = _cell_back_compiled if sequence.fast(x.dtype) else _cell_back
    for n, t in sequence.backwards(count, reverse):
        cell(gy[t], dh, dc, gates[t], cells[n], cells[n + 1], step, scratch)
        strips.put(step, t)
        np.matmul(transposed, step, out=dh)
    dgates = strips.rows(0, 4 * hidden)
    found = sequence.gradients(wanted, dgates, dgates, x, w_ih, out, h0, (dh, dc), reverse)
    return sequence.out_dtype(dtype, *found)


def _cell_back(gy: Any, dh: Any, dc: Any, gates: Any, before: Any, after: Any, step: Any, scratch: Any) -> None:
    """Make the gradients of a step's gates, in PyTorch's order, and of the cell before; dh is used up."""
    hidden = len(dc)
    i, f, o, g = gates[:hidden], gates[hidden : 2 * hidden], gates[2 * hidden : 3 * hidden], gates[3 * hidden :]
    di, df, dg, do = step[:hidden], step[hidden : 2 * hidden], step[2 * hidden : 3 * hidden], step[3 * hidden :]
    sigmoids, slopes = gates[: 3 * hidden], scratch[: 3 * hidden]
    np.multiply(sigmoids, sigmoids, out=slopes)
    np.subtract(sigmoids, slopes, out=slopes)
    squashed = np.tanh(after, out=scratch[3 * hidden :])
    dh += gy
    np.multiply(dh, squashed, out=do)
    do *= slopes[2 * hidden :]
    dh *= o
    squashed *= squashed
    squashed *= dh
    dh -= squashed
    dc += dh
    np.multiply(dc, g, out=di)
    np.multiply(dc, before, out=df)
    step[: 2 * hidden] *= slopes[: 2 * hidden]
    np.multiply(dc, i, out=dg)
    np.multiply(g, g, out=squashed)
    squashed *= dg
    dg -= squashed
    dc *= f


@compiled.loop
def _cell_back_compiled(
    gy: Any, dh: Any, dc: Any, gates: Any, before: Any, after: Any, step: Any, scratch: Any
) -> None:
    size, flat, made = before.size, gates.reshape(-1), step.reshape(-1)
    upper, below, cell = gy.reshape(-1), dh.reshape(-1), dc.reshape(-1)
    old, new = before.reshape(-1), after.reshape(-1)
    for k in range(size):
        i, f, o, g = flat[k], flat[size + k], flat[2 * size + k], flat[3 * size + k]
        t, d = tanh_of_one(new[k]), upper[k] + below[k]
        c = cell[k] + d * o * (ONE - t * t)
        made[k] = c * g * (i - i * i)
        made[size + k] = c * old[k] * (f - f * f)
        made[2 * size + k] = c * i * (ONE - g * g)
        made[3 * size + k] = d * t * (o - o * o)
        cell[k] = c * f
