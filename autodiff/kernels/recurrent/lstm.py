"""Long short-term memory (Hochreiter & Schmidhuber, 1997; its forget gate is Gers's, 2000)."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels import compiled
from autodiff.kernels.activation import sigmoid
from autodiff.kernels.affine import linear
from autodiff.kernels.recurrent import sequence
from autodiff.primitive import outputs


@outputs(
    lambda g, y, xs, needs, reverse: sequence.first_order(g, xs, (y[0], *y[3:]), needs, lstm_backward, reverse=reverse),
    together=True,
    shapes="(t,n,i),(g,i),(g,h),(g),(g),(n,h),(n,h)->(t,n,h),(n,h),(n,h),(t,g,n),(u,h,n)",
)
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
    block, step = np.repeat(bias[:, None], columns, 1), np.empty((4 * hidden, columns), x.dtype)
    gates, cells = np.empty((count, *step.shape), x.dtype), np.empty((count + 1, hidden, columns), x.dtype)
    y, h, squashed = np.empty((count, columns, hidden), x.dtype), *np.empty((2, hidden, columns), x.dtype)
    np.matmul(w_ih, x.transpose(0, 2, 1), out=gates)
    h[...], cells[0] = 0 if h0 is None else h0.T, 0 if c0 is None else c0.T
    add, cell, emit = _COMPILED if compiled.available() else _PLAIN
    for n, t in enumerate(sequence.steps(count, reverse)):
        np.matmul(w_hh, h, out=step)
        add(gates[t], step, block)
        np.tanh(gates[t], out=gates[t])
        cell(gates[t], cells[n], cells[n + 1], squashed)
        np.tanh(cells[n + 1], out=squashed)
        emit(gates[t], squashed, h, y[t])
    return sequence.out_dtype(dtype, y, h.T.copy(), cells[count].T.copy(), gates, cells)


def _halved(w: Any) -> Any:
    """Return rows in the order i, f, o, g, those of i, f, o halved: sigmoid(x) is tanh(x / 2) / 2 + 1 / 2."""
    hidden = len(w) // 4
    w = np.concatenate([w[: 2 * hidden], w[3 * hidden :], w[2 * hidden : 3 * hidden]])
    w[: 3 * hidden] *= 0.5
    return w


def _add(gates: Any, step: Any, bias: Any) -> None:
    gates += step
    gates += bias


def _cell(gates: Any, before: Any, after: Any, scratch: Any) -> None:
    """Make sigmoids of the gates i, f, o, and the new cell."""
    hidden = len(before)
    sigmoids = gates[: 3 * hidden]
    sigmoids *= 0.5
    sigmoids += 0.5
    np.multiply(gates[hidden : 2 * hidden], before, out=after)
    np.multiply(gates[:hidden], gates[3 * hidden :], out=scratch)
    after += scratch


def _emit(gates: Any, squashed: Any, h: Any, y: Any) -> None:
    """Make the new state, and put it where it belongs."""
    hidden = len(h)
    np.multiply(gates[2 * hidden : 3 * hidden], squashed, out=h)
    y[...] = h.T


@compiled.loop
def _add_compiled(gates: Any, step: Any, bias: Any) -> None:
    flat, steps, biases = gates.reshape(-1), step.reshape(-1), bias.reshape(-1)
    for k in range(flat.size):
        flat[k] += steps[k] + biases[k]


@compiled.loop
def _cell_compiled(gates: Any, before: Any, after: Any, scratch: Any) -> None:
    size, half = before.size, gates.dtype.type(0.5)
    flat, old, new = gates.reshape(-1), before.reshape(-1), after.reshape(-1)
    for k in range(size):
        i, f = flat[k] * half + half, flat[size + k] * half + half
        flat[k], flat[size + k], flat[2 * size + k] = i, f, flat[2 * size + k] * half + half
        new[k] = f * old[k] + i * flat[3 * size + k]


@compiled.loop
def _emit_compiled(gates: Any, squashed: Any, h: Any, y: Any) -> None:
    hidden, columns = h.shape
    for j in range(hidden):
        for n in range(columns):
            h[j, n] = y[n, j] = gates[2 * hidden + j, n] * squashed[j, n]


_PLAIN, _COMPILED = (_add, _cell, _emit), (_add_compiled, _cell_compiled, _emit_compiled)


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
    """Return the gradients of those of lstm's operands that are wanted, given those of y, h_n and c_n (None: unused)."""
    dtype = x.dtype
    gy, gh, gc, x, w_ih, w_hh, h0, out, gates, cells = sequence.in_dtype(
        dtype, gy, gh, gc, x, w_ih, w_hh, h0, out, gates, cells
    )
    (count, columns, _), hidden = x.shape, w_hh.shape[1]
    transposed, dgates = np.ascontiguousarray(w_hh.T), sequence.padded(4 * hidden, count, columns, x.dtype)
    dh, dc = (np.zeros((hidden, columns), x.dtype) if s is None else np.array(s.T, order="C") for s in (gh, gc))
    squashed, silent = np.empty_like(dc), np.zeros((columns, hidden), x.dtype)
    scratch = np.empty((7 * hidden, columns), x.dtype)
    cell = _cell_back_compiled if compiled.available() else _cell_back
    for n, t in sequence.backwards(count, reverse):
        np.tanh(cells[n + 1], out=squashed)
        cell(silent if gy is None else gy[t], dh, dc, gates[t], cells[n], squashed, dgates[:, t], scratch)
        np.matmul(transposed, dgates[:, t], out=dh)
    found = sequence.gradients(wanted, dgates, dgates, x, w_ih, out, h0, (dh, dc), reverse)
    return sequence.out_dtype(dtype, *found)


def _cell_back(gy: Any, dh: Any, dc: Any, gates: Any, before: Any, squashed: Any, made: Any, scratch: Any) -> None:
    """Make the gradients of a step's gates, in PyTorch's order, and of the cell before; dh is used up."""
    hidden = len(dc)
    i, f, o, g = gates[:hidden], gates[hidden : 2 * hidden], gates[2 * hidden : 3 * hidden], gates[3 * hidden :]
    sigmoids, step = gates[: 3 * hidden], scratch[3 * hidden :]  # a block of its own: made lies in strips
    di, df, dg, do = step[:hidden], step[hidden : 2 * hidden], step[2 * hidden : 3 * hidden], step[3 * hidden :]
    slopes = np.multiply(sigmoids, sigmoids, out=scratch[: 3 * hidden])
    np.subtract(sigmoids, slopes, out=slopes)
    dh += gy.T
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
    made[...] = step


@compiled.loop
def _cell_back_compiled(
    gy: Any, dh: Any, dc: Any, gates: Any, before: Any, squashed: Any, made: Any, scratch: Any
) -> None:
    (hidden, columns), one = dh.shape, gates.dtype.type(1)
    for j in range(hidden):
        for k in range(columns):
            i, f, o, g = gates[j, k], gates[hidden + j, k], gates[2 * hidden + j, k], gates[3 * hidden + j, k]
            t, d = squashed[j, k], dh[j, k] + gy[k, j]
            c = dc[j, k] + d * o * (one - t * t)
            made[j, k] = c * g * (i - i * i)
            made[hidden + j, k] = c * before[j, k] * (f - f * f)
            made[2 * hidden + j, k] = c * i * (one - g * g)
            made[3 * hidden + j, k] = d * t * (o - o * o)
            dc[j, k] = c * f
