"""A tensor as a notebook shows it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff import errors

if TYPE_CHECKING:
    from autodiff.tensor import Tensor

MOST = 8  # rows and columns shown; of a longer axis, its first and last
CELL = "text-align: right; font-family: monospace"


def tensor_table(t: Tensor) -> str:
    """Return a tensor's type, history and values as HTML: a table for a vector or matrix, a summary beyond that."""
    facts = [errors.short(t.dtype, t.shape)]
    if not t.is_leaf:
        facts.append(f"grad_fn={t.grad_fn!r}")
    elif t.requires_grad:
        facts.append("requires_grad=True")
    name = f"<b>{html.escape(t.name)}</b> " if t.name else ""
    heading = f"<div>{name}<code>{html.escape(', '.join(facts))}</code></div>"
    return f"<div>{heading}{_table(t.data) if 0 < t.ndim <= 2 and t.size else _summary(t.data)}</div>"


def _table(array: np.ndarray[Any, Any]) -> str:
    rows = array if array.ndim == 2 else array[None]
    down, across = map(_shown, rows.shape)
    lines = []
    for i in down:
        cells = ("&#8942;" if i is None else "&#8943;" if j is None else _number(rows[i, j]) for j in across)
        lines.append("<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>")
    return f"<table>{''.join(lines)}</table>"


def _shown(n: int) -> list[int | None]:
    """Return the places along an axis that are shown, None for those left out."""
    half = MOST // 2
    return [*range(n)] if n <= MOST else [*range(half), None, *range(n - half, n)]


def _summary(array: np.ndarray[Any, Any]) -> str:
    if array.size == 1:
        return f"<code>{_number(array.reshape(-1)[0])}</code>"
    text = np.array2string(array, separator=", ", threshold=64, edgeitems=2)
    if not array.size or array.dtype.kind not in "iuf":
        return f"<pre>{html.escape(text)}</pre>"
    with np.errstate(all="ignore"):
        facts = {"min": array.min(), "mean": array.mean(dtype=np.float64), "max": array.max()}
    heads = "".join(f"<th>{name}</th>" for name in facts)
    cells = "".join(f'<td style="{CELL}">{_number(x)}</td>' for x in facts.values())
    return f"<table><tr>{heads}</tr><tr>{cells}</tr></table><pre>{html.escape(text)}</pre>"


def _number(x: Any) -> str:
    return html.escape(f"{x:.5g}" if x.dtype.kind in "fc" else str(x))
