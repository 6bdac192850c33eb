"""Gradients kept from growing too large, many at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, no_grad


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale gradients in place so that the norm of all of them together is at most `max_norm`; return what it was.

    A norm that is not finite makes every gradient NaN or zero, as in PyTorch, or raises with `error_if_nonfinite`.
    `foreach` chooses among torch's loops and changes nothing here.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> clip_grad_norm_([x], 2.5).item()
    5.0
    >>> x.grad.numpy().round(3).tolist()
    [1.5, 2.0]
    """
    listed = _listed(parameters)
    total = get_total_norm(_grads(listed), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of tensors, as if their elements were one vector.

    >>> import autodiff as ad
    >>> get_total_norm([ad.ones(4), ad.zeros(3), ad.ones(4, 3)]).item()
    4.0
    """
    listed = _listed(tensors)
    if not listed:
        return as_tensor(np.zeros((), np.float32))
    with no_grad():
        norms = np.stack([np.linalg.norm(t.reshape(-1), norm_type) for t in listed])
        total: Tensor = np.linalg.norm(norms, norm_type)  # type: ignore[assignment]
    if error_if_nonfinite and not np.isfinite(total.item()):
        raise RuntimeError(
            f"the norm of order {norm_type} of the gradients is {total.item()}, so they cannot be clipped; find "
            "the first NaN with ad.detect_anomaly() or ad.explain, or pass error_if_nonfinite=False."
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale gradients in place by `max_norm / total_norm` where that is below 1."""
    with no_grad():
        scale: Any = np.minimum(max_norm / (as_tensor(total_norm) + 1e-6), 1.0)
        for g in _grads(_listed(parameters)):
            g *= scale.astype(g.dtype)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clip every element of the gradients to [-clip_value, clip_value], in place.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0, 0.5], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> clip_grad_value_([x], 1.0)
    >>> x.grad
    tensor([1. , 0.5])
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value is a number >= 0; got {clip_value}.")
    with no_grad():
        for g in _grads(_listed(parameters)):
            g[...] = np.clip(g, -clip_value, clip_value)


def _listed(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for i, p in enumerate(listed):
        if not isinstance(p, Tensor):
            raise TypeError(f"parameters are Tensors; number {i} is a {type(p).__name__}.")
    return listed


def _grads(parameters: list[Tensor]) -> list[Any]:
    return [p.grad for p in parameters if p.grad is not None]
