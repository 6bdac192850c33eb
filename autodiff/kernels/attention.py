"""Scaled dot-product attention as one operation: softmax(q k^T scale + mask) v, by blocks of rows.

While a row of probabilities is no longer than a row of k and one of v, they are kept for the backward pass. Else only
the logarithm of each row's sum is, and the backward pass computes them again block by block (Dao et al., 2022), so
that memory grows with the length and not with its square. Blocks of a causal mask skip what lies right of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.kernels import compiled
from autodiff.kernels.compiled import loop
from autodiff.kernels.scalars import INFINITY, ZERO, exp, largest
from autodiff.primitive import outputs
from autodiff.summation import total

BLOCK = 1 << 17  # scores at a time, 512 KiB of float32: they stay in a core's cache from one product to the next
ROWS = 64  # at least so many rows at a time: fewer make thin products
SAFE = 60.0  # exp of scores within this range neither overflows nor vanishes in float32, so no row is shifted

Piece = tuple[tuple[slice, ...], slice, slice]  # which of the leading axes, rows, columns


def _scale(q: Any, scale: float | None) -> float:
    return 1 / math.sqrt(q.shape[-1] or 1) if scale is None else scale


def keeps(q: Any, k: Any, v: Any) -> bool:
    """Say whether probabilities of this shape are kept for the backward pass."""
    return int(k.shape[-2]) <= max(1, int(k.shape[-1]) + int(v.shape[-1]))


def _pieces(lead: tuple[int, ...], rows: int, columns: int, causal: bool) -> Iterator[Piece]:
    """Cut the scores into pieces of about BLOCK elements, in each of which rows come in falling order."""
    if 0 in lead or not rows:
        return
    each = rows * columns
    if each > BLOCK or (causal and rows > 2 * ROWS):
        step = max(ROWS, min(rows, BLOCK // max(columns, 1)) // ROWS * ROWS)
        step = min(step, 2 * ROWS) if causal else step
        for where in np.ndindex(lead):
            first = tuple([slice(i, i + 1) for i in where])
            for start in range((rows - 1) // step * step, -1, -step):
                stop = min(rows, start + step)
                yield first, slice(start, stop), slice(0, min(columns, stop) if causal else columns)
        return
    whole = slice(0, rows), slice(0, columns)
    inner = each * math.prod(lead[1:])
    if lead and inner > BLOCK:
        for i in range(lead[0]):
            for rest, *parts in _pieces(lead[1:], rows, columns, causal):
                yield (slice(i, i + 1), *rest), parts[0], parts[1]
    elif lead:
        step = max(1, BLOCK // max(inner, 1))
        for i in range(0, lead[0], step):
            yield (slice(i, i + step),), *whole
    else:
        yield (), *whole


def _looped(s: Any) -> bool:
    """Say whether compiled loops take scores as they lie (and mask them, if they are causal)."""
    return bool(s.dtype == np.float32 and s.flags.c_contiguous) and compiled.available()


def _broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    return None if x is None else np.broadcast_to(x, shape)


def _scores(q: Any, k: Any, over: tuple[Any, Any], piece: Any, out: Any, causal: bool) -> bool:
    """Write q k^T, masked, to `out`; return whether no row need be shifted before exp."""
    np.matmul(q, k.mT, out=out)
    (mask, bias), looped = over, _looped(out)
    safe = not looped and bias is None and bool(out.min(initial=0.0) > -SAFE and out.max(initial=0.0) < SAFE)
    if bias is not None:
        np.add(out, bias[piece], out=out)
    if mask is not None:
        np.copyto(out, -np.inf, where=~mask[piece])
    if causal and not looped:
        rows, columns = piece[-2:]
        np.copyto(out, -np.inf, where=np.arange(columns.stop) > np.arange(rows.start, rows.stop)[:, None])
    return safe


def _softmax(s: Any, start: int, causal: bool, safe: bool) -> tuple[Any, Any]:
    """Turn scores into exp(scores - top) in place; return the sums of the rows and their tops, (..., rows, 1)."""
    sums, tops = (np.zeros((*s.shape[:-1], 1), s.dtype) for _ in range(2))
    if _looped(s):
        _rows(s.reshape(-1, s.shape[-1]), sums.reshape(-1), tops.reshape(-1), s.shape[-2], start if causal else -1)
        return sums, tops
    if not safe:
        np.max(s, axis=-1, keepdims=True, initial=-np.inf, out=tops)
        np.copyto(tops, 0, where=tops == -np.inf)
        np.subtract(s, tops, out=s)
    np.exp(s, out=s)
    np.matmul(s, np.ones((s.shape[-1], 1), s.dtype), out=sums)  # a product sums six times faster than np.sum
    return sums, tops


@loop
def _rows(s: Any, sums: Any, tops: Any, rows: int, start: int) -> None:
    for i in range(s.shape[0]):
        count = s.shape[1] if start < 0 else min(s.shape[1], start + i % rows + 1)
        row = s[i]
        top = largest(row[:count])
        top = ZERO if top == -INFINITY else top
        mass = ZERO
        for j in range(count):
            row[j] = exp(row[j] - top)
        for j in range(count):
            mass += row[j]
        row[count:] = ZERO
        sums[i], tops[i] = mass, top


def _attention_rule(g: Any, y: Any, q: Any, k: Any, v: Any, mask: Any, bias: Any, needs: Any, causal: bool,
                    scale: Any) -> Any:  # fmt: skip
    grads = [None] * 5
    if g[0] is not None:
        grads[:3] = attention_backward(g[0], q, k, v, y[1], mask, bias, causal=causal, scale=scale)
    if g[1] is None and not needs[4]:
        return grads
    # under a second derivative, or where the bias has a gradient: the scores' gradient as a whole
    p, c = _probabilities(q, k, v, y[1], mask, bias, causal, scale), _scale(q, scale)
    ds = None
    if g[1] is not None:
        ds = p * (g[1] - total(p * g[1], axis=-1, keepdims=True) if keeps(q, k, v) else g[1])
        more = np.matmul(ds, k) * c, np.matmul(ds.mT, q) * c
        grads[:2] = [m if h is None else h + m for h, m in zip(grads, more, strict=False)]
    if needs[4]:
        if g[0] is not None:
            dp = np.matmul(g[0], v.mT)
            own = p * (dp - total(p * dp, axis=-1, keepdims=True))
            ds = own if ds is None else ds + own
        grads[4] = ds
    return grads


@outputs(_attention_rule, together=True, constants=(3,), shapes="(n,k),(m,k),(m,c)->(n,c),(n,m)")
def attention(q: Any, k: Any, v: Any, mask: Any = None, bias: Any = None, *, causal: bool = False,
              scale: float | None = None) -> Any:  # fmt: skip
    """Return softmax(q k^T scale + bias) v for q (..., n, e), k (..., m, e), v (..., m, f), and what backward needs.

    mask: True where a pair takes part; it and the bias broadcast to (..., n, m). causal: query i sees keys 0 to i.
    scale: 1 / sqrt(e) unless given. A query that sees no key gets 0. The second result holds the
    probabilities, or of long rows the logarithms of their sums.
    """
    dtype = np.result_type(q, k, v)
    if dtype == np.float16:
        wide = [x.astype(np.float32) for x in (q, k, v)]
        o, kept = attention.__wrapped__(*wide, mask, bias, causal=causal, scale=scale)
        return o.astype(dtype), kept
    *lead, n, _ = q.shape
    m, f = v.shape[-2:]
    keep = keeps(q, k, v)
    kept = np.empty((*lead, n, m if keep else 1), dtype)
    o = np.empty_like(q, shape=(*lead, n, f), dtype=dtype)  # laid out as q is, so that heads are joined for free
    c = np.asarray(_scale(q, scale), dtype)
    over = _broadcast(mask, (*lead, n, m)), _broadcast(bias, (*lead, n, m))
    scratch = None
    for where, rows, columns in _pieces(tuple(lead), n, m, causal and not keep):
        piece: Any = (*where, ..., rows, columns)
        own: Any = (*where, ..., rows, slice(None))
        other: Any = (*where, ..., columns, slice(None))
        queries = q[own]
        if keep:
            s = kept[piece]
        else:
            size = math.prod(queries.shape[:-1]) * columns.stop
            scratch = np.empty(size, dtype) if scratch is None or scratch.size < size else scratch
            s = scratch[:size].reshape(*queries.shape[:-1], columns.stop)
        safe = _scores(np.multiply(queries, c), k[other], over, piece, s, causal)
        sums, tops = _softmax(s, rows.start, causal, safe)
        target, values = o[own], v[other]
        none = sums == 0
        if keep:
            np.divide(s, np.where(none, 1, sums), out=s)
            np.matmul(s, values, out=target)
        else:
            np.matmul(s, values, out=target)
            np.divide(target, np.where(none, 1, sums), out=target)
            with np.errstate(divide="ignore"):
                np.add(tops, np.log(sums), out=sums)
            np.copyto(kept[own], np.where(none, np.finfo(dtype).max, sums))
    return o, kept


def _probabilities(q: Any, k: Any, v: Any, kept: Any, mask: Any, bias: Any, causal: bool, scale: Any) -> Any:
    """Return all probabilities, written in registered functions."""
    if keeps(q, k, v):
        return kept
    s = np.matmul(q, k.mT) * _scale(q, scale)
    if bias is not None:
        s = s + bias
    p = np.exp(s - kept)
    p = p if mask is None else np.where(mask, p, 0)
    return np.tril(p) if causal else p


def _backward_rule(g: Any, a: Any, q: Any, k: Any, v: Any, kept: Any, mask: Any, bias: Any, needs: Any, causal: bool,
                   scale: Any) -> Any:  # fmt: skip
    """Return the gradients of sum(g0 dq + g1 dk + g2 dv): g0, g1, g2 are a direction, along which scores move by t."""
    c, zero = _scale(q, scale), np.zeros_like
    g0, g1, g2 = (zero(x) if h is None else h for h, x in zip(g, (q, k, v), strict=True))
    p = _probabilities(q, k, v, kept, mask, bias, causal, scale)
    t = (np.matmul(g0, k.mT) + np.matmul(q, g1.mT)) * c
    dp = np.matmul(a, v.mT)
    pt, pdp = total(p * t, axis=-1, keepdims=True), total(p * dp, axis=-1, keepdims=True)
    ds, moved = p * (dp - pdp), p * (t - pt)
    e = dp * t - pdp * t - pt * dp + np.matmul(a, g2.mT)  # by p
    ga = np.matmul(moved, v) + np.matmul(p, g2)
    gq, gk, gv = np.matmul(ds, g1) * c, np.matmul(ds.mT, g0) * c, np.matmul(moved.mT, a)
    if keeps(q, k, v):
        return [ga, gq, gk, gv, e, None, None]
    f = p * e
    gq, gk = gq + np.matmul(f, k) * c, gk + np.matmul(f.mT, q) * c
    return [ga, gq, gk, gv, -total(f, axis=-1, keepdims=True), None, f if needs[6] else None]


@outputs(_backward_rule, together=True, constants=(5,), shapes="(n,c),(n,k),(m,k),(m,c),(n,m)->(n,k),(m,k),(m,c)")
def attention_backward(a: Any, q: Any, k: Any, v: Any, kept: Any, mask: Any = None, bias: Any = None, *,
                       causal: bool = False, scale: float | None = None) -> Any:  # fmt: skip
    """Return the gradients of q, k and v, from that of attention's output (a) and what it kept."""
    dtype = np.result_type(q, k, v)
    if dtype == np.float16:
        wide = [x.astype(np.float32) for x in (a, q, k, v, kept)]
        run = attention_backward.__wrapped__
        return tuple(x.astype(dtype) for x in run(*wide, mask, bias, causal=causal, scale=scale))
    *lead, n, _ = q.shape
    m = v.shape[-2]
    keep = keeps(q, k, v)
    dq, dk, dv = (np.empty_like(x, dtype=dtype) for x in (q, k, v))
    if not n or 0 in lead:
        dk[...], dv[...] = 0, 0
    c = np.asarray(_scale(q, scale), dtype)
    over = _broadcast(mask, (*lead, n, m)), _broadcast(bias, (*lead, n, m))
    for where, rows, columns in _pieces(tuple(lead), n, m, causal and not keep):
        piece: Any = (*where, ..., rows, columns)
        own: Any = (*where, ..., rows, slice(None))
        other: Any = (*where, ..., columns, slice(None))
        queries, keys, values, ga = np.multiply(q[own], c), k[other], v[other], a[own]
        if keep:
            p = kept[piece]
        else:
            p = np.empty((*queries.shape[:-1], columns.stop), dtype)
            _scores(queries, keys, over, piece, p, causal)
            _again(p, kept[own], rows.start, causal)
        ds = np.matmul(ga, values.mT)
        _scores_gradient(p, ds)
        np.matmul(ds, keys, out=dq[own])
        np.multiply(dq[own], c, out=dq[own])
        for target, left, right in ((dk[other], ds, queries), (dv[other], p, ga)):
            if rows.stop == n:  # the first piece of these leading axes, and the widest
                np.matmul(left.mT, right, out=target)
            else:
                np.add(target, np.matmul(left.mT, right), out=target)
        if rows.stop == n and columns.stop < m:
            beyond: Any = (*where, ..., slice(columns.stop, m), slice(None))
            dk[beyond] = dv[beyond] = 0
    return dq, dk, dv


def _again(s: Any, kept: Any, start: int, causal: bool) -> None:
    """Turn scores into probabilities, in place, by the logarithms of the rows' sums."""
    if _looped(s):
        _rows_again(s.reshape(-1, s.shape[-1]), kept.reshape(-1), s.shape[-2], start if causal else -1)
    else:
        np.exp(np.subtract(s, kept, out=s), out=s)


@loop
def _rows_again(s: Any, kept: Any, rows: int, start: int) -> None:
    for i in range(s.shape[0]):
        count = s.shape[1] if start < 0 else min(s.shape[1], start + i % rows + 1)
        row, shift = s[i], kept[i]
        for j in range(count):
            row[j] = exp(row[j] - shift)
        row[count:] = ZERO


def _scores_gradient(p: Any, dp: Any) -> None:
    """Turn the probabilities' gradient into that of the scores, p (dp - sum(p dp)), in place."""
    if _looped(p):
        _rows_gradient(p.reshape(-1, p.shape[-1]), dp.reshape(-1, p.shape[-1]))
        return
    np.subtract(dp, np.vecdot(p, dp)[..., None], out=dp)
    np.multiply(dp, p, out=dp)


@loop
def _rows_gradient(p: Any, dp: Any) -> None:
    for i in range(p.shape[0]):
        a, b, mean = p[i], dp[i], ZERO
        for j in range(a.size):
            mean += a[j] * b[j]
        for j in range(a.size):
            b[j] = a[j] * (b[j] - mean)
