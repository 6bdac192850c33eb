"""Losses of sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor
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
    targets = as_tensor(targets).data
    lengths, sizes = (np.atleast_1d(as_tensor(x).data) for x in (input_lengths, target_lengths))
    if log_probs.ndim == 2:
        targets = targets.reshape(1, -1)
        losses = _ctc(log_probs[:, None], targets, lengths, sizes, blank)[0]
        sizes = sizes[0]
    else:
        losses = _ctc(log_probs, targets, lengths, sizes, blank)
    if zero_infinity:
        losses = np.where(np.isinf(losses.data), 0, losses)
    if reduction == "mean":
        losses = losses / np.maximum(sizes, 1)
    return reduced(losses, reduction)


def _ctc(log_probs: Any, targets: Any, lengths: Any, sizes: Any, blank: int) -> Any:
    """Return the negative log-likelihood of each sequence (N), by the forward recursion over time.

    The states of a target are its classes with blanks between and around them: 2 S + 1. A state is reached from itself,
    the one before, and, if it is no blank and differs from the class before, from the one before that.
    """
    labels = _padded(log_probs.shape, targets, lengths, sizes, blank)
    steps, n, _ = log_probs.shape
    width = 2 * labels.shape[1] + 1
    states = np.full((n, width), blank)
    states[:, 1::2] = labels
    running = np.arange(steps)[:, None, None] < lengths[:, None]
    emitted = np.take_along_axis(log_probs, np.broadcast_to(states, (steps, n, width)), 2)
    emitted = np.where(running, emitted, 0)
    skips = np.full((n, width), -np.inf, log_probs.dtype)
    skips[:, 2:][(states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])] = 0
    alpha = np.where(np.arange(width) == 0, 0, -np.inf).astype(log_probs.dtype) * np.ones_like(skips)
    nothing = np.full((n, 2), -np.inf, log_probs.dtype)
    history = [alpha]
    for t in range(steps):
        ahead = np.concatenate([nothing, alpha], 1)
        alpha = logsumexp(np.stack([alpha, ahead[:, 1:-1], ahead[:, :-2] + skips]), 0) + emitted[t]
        history.append(alpha)
    ends = np.stack([2 * sizes, np.maximum(2 * sizes - 1, 0)], 1)
    last = np.stack(history)[lengths[:, None], np.arange(n)[:, None], ends]
    both = np.where(np.stack([sizes >= 0, sizes > 0], 1), last, -np.inf)
    return -logsumexp(both, 1)


def _padded(shape: tuple[int, ...], targets: Any, lengths: Any, sizes: Any, blank: int) -> Any:
    """Return the targets as (N, S), what lies behind their ends being blank; demand that all fits together."""
    if len(shape) != 3:
        raise RuntimeError(f"ctc_loss: log_probs has shape {shape}; expected (T, N, C), or (T, C) for one sequence.")
    steps, n, classes = shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank must be in label range, 0 to {classes - 1}, got {blank}.")
    for what, given, most in (("input_lengths", lengths, steps), ("target_lengths", sizes, np.inf)):
        if given.shape != (n,):
            raise RuntimeError(f"ctc_loss: {what} must be of size batch_size ({n}), got shape {given.shape}.")
        if given.dtype.kind not in "iu":
            raise RuntimeError(f"ctc_loss: {what} must be integral, got {given.dtype}.")
        if (given < 0).any() or (given > most).any():
            raise RuntimeError(
                f"ctc_loss: expected {what} to have values from 0 to {most}, got {given.min()} to {given.max()}."
            )
    longest = int(sizes.max(initial=0))
    real = np.arange(longest) < sizes[:, None]
    if targets.ndim == 1 and targets.size == sizes.sum():
        given = targets
    elif targets.ndim == 2 and targets.shape[0] == n and targets.shape[1] >= longest:
        given = targets[:, :longest][real]
    else:
        raise RuntimeError(
            f"ctc_loss: targets has shape {targets.shape}; expected ({n}, {longest} or more), padded, or "
            f"({sizes.sum()},), one after the other."
        )
    if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= classes):
        raise RuntimeError(
            f"ctc_loss: targets must be integers from 0 to {classes - 1}, got {given.dtype} from {given.min()} to "
            f"{given.max()}."
        )
    labels = np.full((n, longest), blank, dtype=np.intp)
    labels[real] = given
    return labels
