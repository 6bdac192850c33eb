"""What the cells share: the layout of a sequence, its products with the weights, and derivatives of higher order.

x is (T, N, in) and y (T, N, H), as PyTorch has them. In between, a step is held transposed: gates (rows of the weight,
N), the state (H, N). One product W @ h.T of a step (512 x 128 by 128 x 32, two threads) then takes 15 us, where h @ W.T
takes 31 with W as it lies and 23 with a transposed copy, and each gate is one contiguous block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff import apply as engine
from autodiff.errors import AutodiffError
from autodiff.kernels import compiled


def steps(count: int, reverse: bool) -> range:
    """Return the order in which a sequence is read."""
    return range(count - 1, -1, -1) if reverse else range(count)


def backwards(count: int, reverse: bool) -> Iterator[tuple[int, int]]:
    """Return the steps with their places in time, the last one read first."""
    return zip(range(count - 1, -1, -1), steps(count, not reverse), strict=True)


def checked(name: str, gates: int, x: Any, w_ih: Any, w_hh: Any, *rest: Any) -> Any:
    """Return the dtype to compute in; refuse operands that do not fit together."""
    if np.ndim(x) != 3:
        raise ValueError(f"x has shape {np.shape(x)}; expected (T, N, in)")
    if np.ndim(w_hh) != 2 or w_hh.shape[0] != gates * w_hh.shape[1]:
        raise ValueError(f"w_hh has shape {np.shape(w_hh)}; expected {gates} H rows of H")
    rows, hidden = w_hh.shape
    shapes = (rows, x.shape[2]), (rows,), (rows,), (x.shape[1], hidden), (x.shape[1], hidden)
    for which, given, shape in zip(("w_ih", "b_ih", "b_hh", "h0", "c0"), (w_ih, *rest), shapes, strict=False):
        if given is not None and np.shape(given) != shape:
            raise ValueError(f"{which} has shape {np.shape(given)}; expected {shape}")
    dtypes = [v.dtype for v in (x, w_ih, w_hh, *rest) if v is not None]
    dtype = dtypes[0] if dtypes.count(dtypes[0]) == len(dtypes) else np.result_type(*dtypes)
    if dtype.kind != "f":
        raise TypeError(f"{name} takes real floating operands; got {dtype}")
    return dtype


def fast(dtype: Any) -> bool:
    """Say whether compiled loops are there for a dtype: their tanh is one of float32."""
    return compiled.available() and dtype == np.float32


def in_dtype(dtype: Any, *operands: Any) -> list[Any]:
    """Return operands in one dtype, and those that are None as they are; float16 is computed in float32."""
    dtype = np.float32 if dtype == np.float16 else dtype
    return [None if x is None else np.asarray(x, dtype) for x in operands]


def out_dtype(dtype: Any, *arrays: Any) -> tuple[Any, ...]:
    """Return results in the operands' dtype."""
    return tuple(x if x is None or x.dtype == dtype else x.astype(dtype) for x in arrays)


def total(rows: int, dtype: Any, *biases: Any) -> Any:
    """Return the sum of those biases that are not None."""
    return sum([b for b in biases if b is not None], np.zeros(rows, dtype))


def block(bias: Any, columns: int) -> Any:
    """Return a bias as large as a step's gates: adding it takes 1.5 us for 512 x 32, and 5 from a column."""
    return np.repeat(bias[:, None], columns, 1)


def first(given: Any, states: Any) -> None:
    """Write the initial state, zero if it is None, before those of the steps."""
    states[0] = 0 if given is None else given.T


def untransposed(states: Any, reverse: bool) -> Any:
    """Return y from the states (T + 1, H, N): all at once takes 80 us for 1 MB, step by step 150."""
    return np.ascontiguousarray((states[:0:-1] if reverse else states[1:]).transpose(0, 2, 1))


def transposed(gy: Any, like: Any) -> Any:
    """Return the gradient of y as (T, H, N); zeros if it is None."""
    return np.zeros_like(like) if gy is None else np.ascontiguousarray(gy.transpose(0, 2, 1))


def last(given: Any, like: Any) -> Any:
    """Return the gradient of a last state as an array of its own, (H, N); zeros if it is None."""
    return np.zeros_like(like) if given is None else np.array(given.T, order="C")


class Strips:
    """The gradients of all gates, (rows, T, N): what each weight's gradient needs for one product.

    A step's share is a strip of each row. Rows a power of two apart would share cache lines, so they are padded.
    """

    def __init__(self, rows: int, count: int, columns: int, dtype: Any) -> None:
        self.whole = np.empty((rows, count * columns + 16), dtype)
        self.shape = rows, count, columns
        self._put = _put_compiled if fast(np.dtype(dtype)) else _put

    def put(self, step: Any, t: int) -> None:
        """Write one step's gradients, (rows, N)."""
        self._put(self.whole, step, t * self.shape[2])

    def rows(self, start: int, stop: int) -> Any:
        """Return some rows, (rows, T, N)."""
        _, count, columns = self.shape
        return self.whole[start:stop, : count * columns].reshape(stop - start, count, columns)


def _put(whole: Any, step: Any, start: int) -> None:
    whole[:, start : start + step.shape[1]] = step


@compiled.loop
def _put_compiled(whole: Any, step: Any, start: int) -> None:
    for j in range(step.shape[0]):  # 2.3 us for 512 strips of 32, and NumPy 7.6
        strip = whole[j, start:]
        for k in range(step.shape[1]):
            strip[k] = step[j, k]


def gradients(
    wanted: tuple[bool, ...],
    dinput: Any,
    dstate: Any,
    x: Any,
    w_ih: Any,
    y: Any,
    h0: Any,
    states: tuple[Any, ...],
    reverse: bool,
    turned: int = 0,
) -> list[Any]:
    """Return what is wanted of the gradients of x, the weights, the biases and the first states.

    Given are those of the gates (rows, T, N), before their nonlinearities: of the input's share and of the state's,
    which may be one array, or whose first rows, `turned` of them, come last in the weight.
    """
    columns = x.shape[0] * x.shape[1]
    left, right = dinput.reshape(len(dinput), columns), dstate.reshape(len(dstate), columns)
    dx = np.matmul(left.T, w_ih).reshape(x.shape) if wanted[0] else None
    dw_ih = np.matmul(left, x.reshape(columns, x.shape[2])) if wanted[1] else None
    dw_hh = _against_states(dstate, y, h0, reverse) if wanted[2] else None
    ones = np.ones(columns, x.dtype)
    db_ih = np.matmul(left, ones) if wanted[3] else None
    db_hh = None
    if wanted[4]:
        db_hh = np.copy(db_ih) if db_ih is not None and dinput is dstate else np.matmul(right, ones)
    if turned:
        dw_hh, db_hh = (None if h is None else np.roll(h, -turned, 0) for h in (dw_hh, db_hh))
    found = [dx, dw_ih, dw_hh, db_ih, db_hh, *(s.T for s in states)]
    return [h for h, asked in zip(found, wanted, strict=True) if asked]


def _against_states(dgates: Any, y: Any, h0: Any, reverse: bool) -> Any:
    """Return the product of all steps' gates with the states before them."""
    rows, count, columns = dgates.shape
    if not count:
        return np.zeros((rows, y.shape[2]), y.dtype)
    flat, states = dgates.reshape(rows, count * columns), y.reshape(count * columns, y.shape[2])
    rest = (count - 1) * columns
    flat, states = (flat[:, :rest], states[columns:]) if reverse else (flat[:, columns:], states[:rest])
    answer = np.matmul(flat, states)
    if h0 is not None:
        answer += np.matmul(dgates[:, -1 if reverse else 0], h0)
    return answer


# --- derivatives of higher order -----------------------------------------------------------------------------------


def first_order(g: Any, xs: Any, kept: Any, needs: list[bool], backward: Callable[..., Any], **how: Any) -> Any:
    """Return the gradients of a sequence's operands, from its backward pass: the rule of a cell.

    `g` are the gradients of the outputs, y and the last states first; `kept` is what the backward pass takes of them.
    """
    states = len(xs) - 4  # as many of the outputs have a derivative: y and the last states
    for h in list(g)[states:]:
        if h is not None:
            raise AutodiffError("what a sequence keeps for its backward pass has no derivative: use y and last states.")
    kept = [engine.wrap(k._data, None) if isinstance(k, engine.Tensor) else k for k in kept]
    wanted = tuple(needs)
    found = iter(backward(*list(g)[:states], *xs, *kept, wanted=wanted, **how))
    return [next(found) if need else None for need in wanted]


def second_order(g: Any, xs: Any, states: int, cell: Callable[..., Any], wanted: tuple[bool, ...], **how: Any) -> Any:
    """Return the gradients of a backward pass's operands: those of the sequence taken step by step, differentiated.

    What was kept of the forward pass depends on the other operands, so that nothing is left to be said of it.
    """
    from autodiff.functional import vjp

    count, lifted = states + len(wanted), any(isinstance(h, engine.Tensor) for h in g)

    def gradients(*operands: Any) -> list[Any]:
        seeds = [seed for seed in operands[:states] if seed is not None]
        used = [k for k, seed in enumerate(operands[:states]) if seed is not None]
        _, pull = vjp(lambda *inputs: [outputs[k] for outputs in [cell(*inputs, **how)] for k in used],
                      *operands[states:])  # fmt: skip
        return [h for h, asked in zip(pull(seeds), wanted, strict=True) if asked]

    _, pull = vjp(gradients, *xs[:count])
    answers = [h if lifted or h is None else h._data for h in pull(g.filled())]
    return answers + [None] * (len(xs) - count)


def zero_state(x: Any, w_hh: Any) -> Any:
    """Return a state of zeros, as an operation on tensors too."""
    return np.zeros_like(w_hh, shape=(x.shape[1], w_hh.shape[1]))


def stacked(parts: list[Any], like: Any, shape: tuple[int, ...], reverse: bool) -> Any:
    """Return what the steps gave, in the order of time; an empty array of a shape if there were none."""
    if not parts:
        return np.zeros_like(like, shape=shape)
    return np.stack(parts[::-1] if reverse else parts)
