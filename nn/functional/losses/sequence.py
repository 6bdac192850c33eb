"""Losses of sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor
from autodiff.errors import ArgumentError
from autodiff.kernels.logits import logsumexp
from nn import _checks
from nn.functional.losses.reducing import reduced


def ctc_loss(
    log_probs: Tensor,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return -log of the probability that classes, read without repetitions and blanks, spell the targets.

    log_probs: logarithms of probabilities (T, N, C), or (T, C) for one sequence. targets: class indices, padded (N, S)
    or one after the other (sum of target_lengths). Lengths: (N), or (). The mean divides each by its target's length
    first. A target that does not fit into its input costs inf, or with zero_infinity 0, with gradient 0.
    Graves et al., "Connectionist temporal classification", 2006.

    The gradient is that by log_probs as they are. PyTorch's adds exp(log_probs), which log_softmax takes away again, so
    that the gradients of logits agree.

    >>> import autodiff as ad
    >>> even = np.log(ad.full((2, 1, 2), 0.5))  # of the 4 readings of two steps, -1, 1- and 11 spell "1"
    >>> round(ctc_loss(even, [[1]], [2], [1]).item(), 4)
    0.2877
    """
    _checks.reduction(reduction)
    lengths, sizes = (as_tensor(x).reshape(-1) for x in (input_lengths, target_lengths))
    single = log_probs.ndim == 2
    given: Any = log_probs[:, None] if single else log_probs
    labels = _padded(given.shape, as_tensor(targets), lengths, sizes, blank)
    losses = _ctc(given, labels, lengths, sizes, blank)
    if zero_infinity:
        losses = np.where(np.isinf(losses), 0, losses)
    if reduction == "mean":
        losses = losses / np.maximum(sizes, 1)
    return reduced(losses[0] if single else losses, reduction)


def _ctc(log_probs: Any, labels: Any, lengths: Any, sizes: Any, blank: int) -> Any:
    """Return the negative log-likelihood of each sequence (N), by the forward recursion over time.

    The states of a target are its classes with blanks between and around them: 2 S + 1. A state is reached from itself,
    the one before, and, if it is no blank and differs from the class before, from the one before that.
    """
    dtype = log_probs.dtype
    if dtype == np.float16:
        return _ctc(log_probs.astype(np.float32), labels, lengths, sizes, blank).astype(dtype)
    steps, (n, longest) = len(log_probs), labels.shape
    width = 2 * longest + 1
    blanks = np.full((n, longest + 1), blank)
    states = np.stack([blanks[:, :-1], labels], -1).reshape(n, 2 * longest)
    states = np.concatenate([states, blanks[:, -1:]], 1)
    running = np.arange(steps)[:, None, None] < lengths[:, None]
    emitted = np.take_along_axis(log_probs, np.broadcast_to(states, (steps, n, width)), 2)
    emitted = np.where(running, emitted, 0)
    nothing = np.full((n, 2), -np.inf, dtype)
    alpha: Any = as_tensor(np.where(np.arange(width) == 0, np.zeros((n, 1), dtype), -np.inf).astype(dtype))
    skipped = np.concatenate([blanks[:, :1], blanks[:, :1], states[:, :-2]], 1)[:, :width]
    skips = np.where((states != blank) & (states != skipped), 0, nothing[:, :1])
    history = [alpha]
    for t in range(steps):
        ahead = np.concatenate([nothing, alpha], 1)
        alpha = logsumexp(np.stack([alpha, ahead[:, 1:-1], ahead[:, :-2] + skips]), 0) + emitted[t]
        history.append(alpha)
    ends = np.stack([2 * sizes, np.maximum(2 * sizes - 1, 0)], 1)
    last = np.stack(history)[lengths[:, None], np.arange(n)[:, None], ends]
    # an empty target has one end, not two
    return -logsumexp(np.where(np.stack([sizes >= 0, sizes > 0], 1), last, nothing), 1)


def _padded(shape: tuple[int, ...], targets: Any, lengths: Any, sizes: Any, blank: int) -> Any:
    """Return the targets as (N, S), what lies behind their ends being blank; demand that all fits together."""
    if len(shape) != 3:
        raise ArgumentError(f"ctc_loss: log_probs has shape {shape}; expected (T, N, C), or (T, C) for one sequence.")
    steps, n, classes = shape
    if not 0 <= blank < classes:
        raise ArgumentError(f"ctc_loss: blank must be in label range, 0 to {classes - 1}, got {blank}.")
    for what, x in (("input_lengths", lengths), ("target_lengths", sizes), ("targets", targets)):
        if x.dtype.kind not in "iu" and x.size:
            raise ArgumentError(f"ctc_loss: {what} must be integral, got {x.dtype}; convert with .astype(int).")
        if what != "targets" and x.shape != (n,):
            raise ArgumentError(f"ctc_loss: {what} must be of size batch_size ({n}), got shape {x.shape}.")
    _checks.within("ctc_loss", "input_lengths", lengths.data, 0, steps)
    _checks.within("ctc_loss", "target_lengths", sizes.data, 0, np.inf)
    longest, total = int(sizes.data.max(initial=0)), int(sizes.data.sum())
    place = np.arange(longest)
    real = place < sizes[:, None]
    if targets.ndim == 2 and targets.shape[0] == n and targets.shape[1] >= longest:
        labels = targets[:, :longest]
    elif targets.ndim == 1 and targets.size == total:
        start = np.cumsum(sizes) - sizes
        labels = targets[np.where(real, start[:, None] + place, 0)]
    else:
        raise ArgumentError(
            f"ctc_loss: targets has shape {targets.shape}; expected ({n}, {longest} or more), padded, or ({total},), "
            "one after the other."
        )
    _checks.within("ctc_loss", "targets", labels.data[real.data], 0, classes - 1)
    if (labels.data[real.data] == blank).any():
        raise ArgumentError(f"ctc_loss: targets must not hold the blank, {blank}; give blank= another class.")
    return np.where(real, labels, blank)
