"""Gated recurrent units (Cho et al., 2014), in PyTorch's form: the reset gate is applied after the product."""

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
    return sequence.first_order(g, xs, (y[0], y[2]), needs, gru_backward, reverse=reverse)


@outputs(_rule, together=True)
def gru(
    x: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    h0: Any = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any, Any]:
    """Return y (T, N, H) and h_n (N, H) of x (T, N, in), then what the backward pass needs.

    Weights are PyTorch's: w_ih (3H, in), w_hh (3H, H), biases (3H), their rows those of the gates r, z, n. A state that
    is None is zero; `reverse` reads the sequence from its end. Kept are (T, 4H, N): the gates, and what r multiplies.
    """
    dtype = sequence.checked("gru", 3, x, w_ih, w_hh, b_ih, b_hh, h0)
    x, w_ih, w_hh, b_ih, b_hh, h0 = sequence.in_dtype(dtype, x, w_ih, w_hh, b_ih, b_hh, h0)
    (count, columns, _), hidden = x.shape, w_hh.shape[1]
    w_ih, w_hh = _halved(w_ih), _halved(w_hh)
    b_ih, b_hh = (_halved(sequence.total(3 * hidden, x.dtype, b)) for b in (b_ih, b_hh))
    bias = np.concatenate([b_ih, b_hh[2 * hidden :]])
    bias[: 2 * hidden] += b_hh[: 2 * hidden]
    block, step = sequence.block(bias, columns), np.empty((3 * hidden, columns), x.dtype)
    gates, states = np.empty((count, *block.shape), x.dtype), np.empty((count + 1, hidden, columns), x.dtype)
    np.matmul(w_ih, x.transpose(0, 2, 1), out=gates[:, : 3 * hidden])
    sequence.first(h0, states)
    cell = _cell_compiled if sequence.fast(x.dtype) else _cell
    for n, t in enumerate(sequence.steps(count, reverse)):
        np.matmul(w_hh, states[n], out=step)
        cell(gates[t], step, block, states[n], states[n + 1])
    return sequence.out_dtype(dtype, sequence.untransposed(states, reverse), states[count].T.copy(), gates)


def _halved(w: Any) -> Any:
    """Return rows of which those of r and z are halved: sigmoid(x) is tanh(x / 2) / 2 + 1 / 2."""
    w = np.copy(w)
    w[: len(w) // 3 * 2] *= 0.5
    return w


def _cell(gates: Any, step: Any, bias: Any, before: Any, after: Any) -> None:
    """Make a step's gates, out of the input's share of them and the state's, and the new state, between n and the old.

    The state's share of n waits for r; it is kept behind the gates.
    """
    hidden = len(before)
    sigmoids, n, q = gates[: 2 * hidden], gates[2 * hidden : 3 * hidden], gates[3 * hidden :]
    sigmoids += step[: 2 * hidden]
    q[...] = step[2 * hidden :]
    gates += bias
    np.tanh(sigmoids, out=sigmoids)
    sigmoids *= 0.5
    sigmoids += 0.5
    np.multiply(gates[:hidden], q, out=after)
    n += after
    np.tanh(n, out=n)
    np.subtract(before, n, out=after)
    after *= gates[hidden : 2 * hidden]
    after += n


@compiled.loop
def _cell_compiled(gates: Any, step: Any, bias: Any, before: Any, after: Any) -> None:
    size, flat, share, add = before.size, gates.reshape(-1), step.reshape(-1), bias.reshape(-1)
    old, new = before.reshape(-1), after.reshape(-1)
    for k in range(size):
        r = tanh_of_one(flat[k] + share[k] + add[k]) * HALF + HALF
        z = tanh_of_one(flat[size + k] + share[size + k] + add[size + k]) * HALF + HALF
        q = share[2 * size + k] + add[3 * size + k]
        n = tanh_of_one(flat[2 * size + k] + add[2 * size + k] + r * q)
        flat[k], flat[size + k], flat[2 * size + k], flat[3 * size + k] = r, z, n, q
        new[k] = n + z * (old[k] - n)


def _cell_of(x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any, *, reverse: bool) -> Any:
    """Return y and h_n by operations one after the other: what the kernel computes, in registered functions."""
    h, ys = sequence.zero_state(x, w_hh) if h is None else h, []
    for t in sequence.steps(len(x), reverse):
        r, z, n = np.split(linear(x[t], w_ih, b_ih), 3, axis=1)
        reset, update, q = np.split(linear(h, w_hh, b_hh), 3, axis=1)
        n, z = np.tanh(n + sigmoid(r + reset) * q), sigmoid(z + update)
        h = n + z * (h - n)
        ys.append(h)
    return sequence.stacked(ys, x, (0, *h.shape), reverse), h


@outputs(
    lambda g, xs, wanted, reverse: sequence.second_order(g, xs, 2, _cell_of, wanted, reverse=reverse),
    together=True,
)
def gru_backward(
    gy: Any,
    gh: Any,
    x: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    h0: Any,
    out: Any,
    gates: Any,
    *,
    wanted: tuple[bool, ...],
    reverse: bool,
) -> tuple[Any, ...]:
    """Return the gradients of the wanted ones of gru's operands, given those of y and h_n (None: unused)."""
    dtype = x.dtype
    gy, gh, x, w_ih, w_hh, h0, out, gates = sequence.in_dtype(dtype, gy, gh, x, w_ih, w_hh, h0, out, gates)
    (count, columns, _), hidden = x.shape, w_hh.shape[1]
    transposed = np.ascontiguousarray(np.roll(w_hh, hidden, 0).T)
    strips = sequence.Strips(4 * hidden, count, columns, x.dtype)  # of q, r, z, n: those of a product lie together
    states = np.empty((count + 1, hidden, columns), x.dtype)
    sequence.first(h0, states)
    states[1:] = (out[::-1] if reverse else out).transpose(0, 2, 1)
    gy, dh = sequence.transposed(gy, states[1:]), sequence.last(gh, states[0])
    through, step = np.empty_like(dh), np.empty((4 * hidden, columns), x.dtype)
    scratch = np.empty((2 * hidden, columns), x.dtype)
    cell = _cell_back_compiled if sequence.fast(x.dtype) else _cell_back
    for n, t in sequence.backwards(count, reverse):
        cell(gy[t], dh, gates[t], states[n], step, scratch)
        strips.put(step, t)
        np.matmul(transposed, step[: 3 * hidden], out=through)
        dh += through
    shares = strips.rows(hidden, 4 * hidden), strips.rows(0, 3 * hidden)
    found = sequence.gradients(wanted, *shares, x, w_ih, out, h0, (dh,), reverse, turned=hidden)
    return sequence.out_dtype(dtype, *found)


def _cell_back(gy: Any, dh: Any, gates: Any, before: Any, step: Any, scratch: Any) -> None:
    """Make the gradients of a step's gates, in the order q, r, z, n, and of the state before, short of its product."""
    hidden = len(dh)
    r, z, n, q = gates[:hidden], gates[hidden : 2 * hidden], gates[2 * hidden : 3 * hidden], gates[3 * hidden :]
    dq, dr, dz, dn = step[:hidden], step[hidden : 2 * hidden], step[2 * hidden : 3 * hidden], step[3 * hidden :]
    dh += gy
    np.subtract(before, n, out=dz)
    dz *= dh
    np.multiply(dh, z, out=dq)
    np.subtract(dh, dq, out=dn)
    dh[...] = dq
    np.multiply(n, n, out=dr)
    dr *= dn
    dn -= dr
    np.multiply(dn, q, out=dr)
    np.multiply(dn, r, out=dq)
    sigmoids = gates[: 2 * hidden]
    np.multiply(sigmoids, sigmoids, out=scratch)
    step[hidden : 3 * hidden] *= np.subtract(sigmoids, scratch, out=scratch)


@compiled.loop
def _cell_back_compiled(gy: Any, dh: Any, gates: Any, before: Any, step: Any, scratch: Any) -> None:
    size = dh.size
    upper, below, old = gy.reshape(-1), dh.reshape(-1), before.reshape(-1)
    flat, made = gates.reshape(-1), step.reshape(-1)
    for k in range(size):
        r, z, n, d = flat[k], flat[size + k], flat[2 * size + k], upper[k] + below[k]
        dn = d * (ONE - z) * (ONE - n * n)
        made[k] = dn * r
        made[size + k] = dn * flat[3 * size + k] * (r - r * r)
        made[2 * size + k] = d * (old[k] - n) * (z - z * z)
        made[3 * size + k] = dn
        below[k] = d * z
