"""What layers and losses demand of their arguments, and the errors that say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor
from autodiff.errors import ArgumentError


class DomainError(RuntimeError, ArithmeticError):
    """Numbers outside a function's domain: PyTorch's RuntimeError, and to a check of derivatives no value."""


def unit_interval(name: str, what: str, x: Any, remedy: str) -> None:
    """Demand numbers in [0, 1]."""
    if not ((x >= 0) & (x <= 1)).all():
        raise DomainError(
            f"{name}: all elements of {what} should be between 0 and 1, got {x.min()} to {x.max()}; {remedy}"
        )


def array(name: str, input: Any) -> None:
    """Demand a Tensor, or an array in its place."""
    if not hasattr(input, "dtype"):
        raise TypeError(f"{name}: expected a Tensor, got a {type(input).__name__}; make one with ad.tensor(x)")


def same_dtype(name: str, input: Any, *weights: Any, half: bool = False) -> None:
    """Demand an input of the weights' dtype; `half` lets float16 through beside float32, as normalization does."""
    given: Any = getattr(input, "dtype", None)
    if given is None:
        array(name, input)
    for weight in weights:
        if weight is None or weight.dtype is given or weight.dtype == given:
            continue
        if half and (given, weight.dtype) == (np.float16, np.float32):
            continue
        model = f", or the model with .to({str(given)!r})" if given.kind in "fc" else ""
        raise ArgumentError(
            f"{name}: input is {given} and the weights are {weight.dtype}; convert the input with "
            f".to({str(weight.dtype)!r}){model}"
        )


def probability(what: str, p: float) -> None:
    """Demand a number in [0, 1]."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"{what} has to be between 0 and 1, but got {p}")


def reduction(name: str) -> None:
    """Demand one of the reductions."""
    if name not in ("none", "mean", "sum"):
        raise ArgumentError(f"{name!r} is not a valid value for reduction; use 'none', 'mean' or 'sum'")


def floating(name: str, input: Tensor) -> None:
    """Demand floating-point numbers."""
    array(name, input)
    if input.dtype.kind not in "fc":
        raise NotImplementedError(
            f"{name}: expected floating-point numbers, got {input.dtype}; cast with .to('float32')"
        )


def sizes(what: str, value: Any, dims: int, least: int) -> tuple[int, ...]:
    """Return one integer for each of some axes, given one for all or a sequence; demand that none is too small."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    given = given * dims if len(given) == 1 else given
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in given)
    if len(given) != dims or not whole:
        kind = ArgumentError if whole else TypeError
        raise kind(f"{what} must be an integer or a tuple of {dims} integers, got {value!r}")
    if min(given) < least:
        raise ArgumentError(f"{what} must be at least {least}, got {value!r}")
    return given


def integers(name: str, target: Tensor) -> None:
    """Demand classes that are whole numbers."""
    if target.dtype.kind not in "iu":
        raise ArgumentError(
            f"{name}: target must hold classes (integers), got {target.dtype}; convert with .astype(int)"
        )


def broadcast(name: str, *tensors: Tensor) -> tuple[int, ...]:
    """Return the shape that tensors have together; demand that there is one."""
    try:
        return np.broadcast_shapes(*(x.shape for x in tensors))
    except ValueError:
        shapes = " and ".join(str(x.shape) for x in tensors)
        raise ArgumentError(f"{name}: shapes {shapes} do not broadcast; reshape one, e.g. with x[:, None]") from None


def within(name: str, what: str, x: Any, low: float, high: float) -> None:
    """Demand numbers between two, both included."""
    if ((x < low) | (x > high)).any():
        raise ArgumentError(f"{name}: {what} must be from {low} to {high}, got {x.min()} to {x.max()}.")


def margin_power(p: int) -> None:
    """Demand 1 or 2."""
    if p not in (1, 2):
        raise ArgumentError(f"multi_margin_loss: only p == 1 and p == 2 supported, got {p!r}")


def focusing(name: str, gamma: float) -> None:
    """Demand a power that is not negative."""
    if not gamma >= 0:
        raise ArgumentError(f"{name}: gamma has to be at least 0, got {gamma}")


def positive_margin(name: str, margin: float) -> None:
    """Demand a margin above 0."""
    if not margin > 0:
        raise ArgumentError(f"{name}: expected margin to be greater than 0, got {margin} instead")


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction_name: str,
    label_smoothing: float,
    name: str = "cross_entropy",
) -> None:
    """Demand shapes and dtypes that make sense together."""
    reduction(reduction_name)
    probability("label_smoothing", label_smoothing)
    if input.ndim == 0:
        raise ArgumentError(f"{name}: input needs a class axis, shape (C), (N, C) or (N, C, d1, …); got a scalar")
    axis = min(1, input.ndim - 1)
    classes, expected = input.shape[axis], input.shape[:axis] + input.shape[axis + 1 :]
    if target.dtype.kind == "f" and name == "cross_entropy":
        kind, expected = "probabilities", input.shape
    elif target.dtype.kind in "iu":
        kind = "class indices"
    else:
        or_else = " or probabilities (floats)" if name == "cross_entropy" else ""
        raise TypeError(
            f"{name}: target must hold class indices (integers){or_else}, got {target.dtype}; "
            "convert it with .astype(int)"
        )
    if target.shape != expected:
        hint = ""
        if kind == "probabilities" and target.shape == input.shape[:axis] + input.shape[axis + 1 :]:
            hint = "; if it holds class indices, convert it with .astype(int)"
        elif target.shape == input.shape and name == "cross_entropy":
            hint = f"; if it is one-hot, convert it with .argmax({axis}), or to probabilities with .astype(float)"
        raise ArgumentError(
            f"{name}: for an input of shape {input.shape} a target of {kind} has shape {expected}, "
            f"got {target.shape}{hint}"
        )
    if weight is None:
        return
    if weight.shape != (classes,):
        raise ArgumentError(f"{name}: weight needs one value for each of {classes} classes, got {weight.shape}")
    if weight.dtype != input.dtype:
        raise ArgumentError(
            f"{name}: the class weights are {weight.dtype} and the input {input.dtype}; convert the weights with "
            f".to({str(input.dtype)!r})"
        )


def attention(query: Tensor, key: Tensor, value: Tensor, grouped: bool) -> None:
    """Demand queries, keys and values that fit together."""
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 2 + grouped:
        axes = "(..., heads, length, size)" if grouped else "(..., length, size)"
        raise ArgumentError(f"scaled_dot_product_attention: {shapes}; each needs the axes {axes}")
    if query.shape[-1] != key.shape[-1]:
        raise ArgumentError(f"scaled_dot_product_attention: {shapes}; query and key need the same last axis")
    if key.shape[-2] != value.shape[-2]:
        raise ArgumentError(f"scaled_dot_product_attention: {shapes}; key and value need the same length, axis -2")
    if grouped and any(not x.shape[-3] or query.shape[-3] % x.shape[-3] for x in (key, value)):
        raise ArgumentError(
            f"scaled_dot_product_attention: {shapes}; the heads of key and value must divide the query's"
        )
    if not query.dtype == key.dtype == value.dtype:
        dtypes = f"query {query.dtype}, key {key.dtype}, value {value.dtype}"
        raise ArgumentError(f"scaled_dot_product_attention: {dtypes}; they need one dtype, cast with .to()")
    leads = [x.shape[: -2 - grouped] for x in (query, key, value)]
    if any(m not in (n, 1) and n != 1 for a in leads for b in leads for m, n in zip(a[::-1], b[::-1], strict=False)):
        raise ArgumentError(f"scaled_dot_product_attention: {shapes}; the leading axes do not broadcast")


def attention_mask(mask: Tensor, scores: tuple[int, ...]) -> None:
    """Demand a mask that broadcasts to the scores."""
    if mask.dtype.kind not in "bf":
        raise TypeError(
            f"attn_mask holds {mask.dtype}; expected booleans, True where a pair takes part, or numbers to add to the "
            "scores: convert it with .astype(bool) or .astype(float)"
        )
    tail = scores[len(scores) - mask.ndim :] if mask.ndim <= len(scores) else ()
    if mask.ndim > len(scores) or any(m not in (n, 1) for m, n in zip(mask.shape, tail, strict=True)):
        raise ArgumentError(f"attn_mask of shape {mask.shape} does not broadcast to the scores, {scores}")


def heads(query: Tensor, key: Tensor, value: Tensor, size: int, count: int, batch_first: bool) -> None:
    """Demand queries, keys and values that attention of several heads takes, before their projection."""
    shapes = f"MultiheadAttention: query {query.shape}, key {key.shape}, value {value.shape}"
    if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
        raise ArgumentError(f"{shapes}; expected three axes in each, or two without a batch")
    if query.shape[-1] != size or size % count:
        raise ArgumentError(
            f"{shapes}; the query's last axis must be embed_dim {size}, a multiple of num_heads {count}"
        )
    batch = 0 if batch_first else 1
    if key.shape[:-1] != value.shape[:-1] or (query.ndim == 3 and key.shape[batch] != query.shape[batch]):
        raise ArgumentError(f"{shapes}; key and value need one length, and all the same batch")


def class_indices(target: Tensor, valid: Tensor, classes: int) -> None:
    """Demand that every target that counts is one of the classes."""
    labels = target.data
    wrong = labels[valid.data & ((labels < 0) | (labels >= classes))]
    if wrong.size:
        raise IndexError(f"target {wrong[0]} is out of bounds for {classes} classes; use 0 to {classes - 1}.")
