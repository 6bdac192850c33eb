"""What is done to the gradients of many parameters at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, no_grad


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale gradients in place so that the norm of all of them together is at most `max_norm`; return what it was.

    A norm that is not finite makes every gradient NaN or zero, as in PyTorch, or raises with `error_if_nonfinite`.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> clip_grad_norm_([x], 2.5).item()
    5.0
    >>> x.grad.numpy().round(3).tolist()
    [1.5, 2.0]
    """
    grads = _grads(parameters)
    if not grads:
        return as_tensor(np.zeros((), np.float32))
    with no_grad():
        norms = np.stack([np.linalg.norm(g.reshape(-1), norm_type) for g in grads])
        total: Tensor = np.linalg.norm(norms, norm_type)  # type: ignore[assignment]
        if error_if_nonfinite and not np.isfinite(total.item()):
            raise RuntimeError(
                f"the norm of order {norm_type} of the gradients is {total.item()}, so they cannot be clipped; find "
                "the first NaN with ad.detect_anomaly(), or pass error_if_nonfinite=False."
            )
        scale = np.minimum(max_norm / (total + 1e-6), 1.0)
        for g in grads:
            g *= scale.astype(g.dtype)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
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
        for g in _grads(parameters):
            g[...] = np.clip(g, -clip_value, clip_value)


def _grads(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for i, p in enumerate(listed):
        if not isinstance(p, Tensor):
            raise TypeError(f"parameters are Tensors; number {i} is a {type(p).__name__}.")
    return [p.grad for p in listed if p.grad is not None]
