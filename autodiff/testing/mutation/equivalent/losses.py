"""Equivalent mutants of softmax, its losses and attention."""

from __future__ import annotations

ONE_SHAPE = "skip un-broadcasting"
SAME = "the operands have one shape"

EQUIVALENT: dict[str, dict[str, str]] = {
    "weighted_logsumexp": {"operand 1: drop the factor b (in _through)": "b is 1 here"},
    "softmax_nll_backward": {
        f"operand 1: {ONE_SHAPE}": SAME,
        f"operand 3: {ONE_SHAPE}": "the gradient by the row weights has their shape",
        "operand 3: flip the sign of -1 (in _by_rows)": "of a matrix the last axis is axis 1",
        "operand 3: flip the sign of -1 (in _by_rows) (2)": "of a matrix the last axis is axis 1",
        "operand 3: skip zeros_like in np.zeros_like(d[:, 1:-1]) (in _by_rows)": "between two columns there is none",
    },
    "attention_backward": {
        "skip total in total(f, axis=-1, keepdims=True)": "the sweep sums over the axis where the operand has length 1",
    },
} | {name: {f"operand {i}: {ONE_SHAPE}": SAME for i in (0, 1)} for name in ("softmax_backward", "log_softmax_backward")}
