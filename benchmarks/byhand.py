"""Forward and backward passes written out in NumPy, nothing recorded: the floor that an engine on NumPy can reach.

Each pair is as fast as plain NumPy was found to be at the sizes of the workloads: in place where an array is ours, sums
over rows as products with ones, no power and no `where`. Images are (N, H, W, C) here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from benchmarks.engines.arrays import Arrays, Problem, Training, Update

Array = np.ndarray


class InPlace:
    """An optimizer over one flat array of all parameters, of which `p` and `g` hold views."""

    def __init__(self, update: Update, parameters: Mapping[str, Array]) -> None:
        """Copy the parameters side by side."""
        self.update, self.count = update, 0
        self.flat = np.concatenate([value.reshape(-1) for value in parameters.values()])
        self.gradient = np.zeros_like(self.flat)
        self.scratch, self.first, self.second = (np.zeros_like(self.flat) for _ in range(3))
        self.p, self.g = self.views(self.flat, parameters), self.views(self.gradient, parameters)

    @staticmethod
    def views(flat: Array, like: Mapping[str, Array]) -> Arrays:
        """Cut a flat array up."""
        pieces = np.split(flat, np.cumsum([value.size for value in like.values()])[:-1])
        return {name: piece.reshape(value.shape) for (name, value), piece in zip(like.items(), pieces, strict=True)}

    def step(self, gradients: Mapping[str, Array] | None = None) -> None:
        """Update by `g`, or by gradients that are copied there first."""
        if gradients is not None:
            for name, value in gradients.items():
                self.g[name][...] = value
        self.count += 1
        (self.sgd if self.update.kind == "SGD" else self.adam)()

    def sgd(self) -> None:
        """Three passes, or two."""
        g, how = self.gradient, self.update
        if how.momentum:
            g = self.first
            g *= how.momentum
            g += self.gradient
        np.multiply(g, how.lr, out=self.scratch)
        self.flat -= self.scratch

    def adam(self) -> None:
        """Eleven passes; with decoupled decay twelve."""
        g, s, m, v, how = self.gradient, self.scratch, self.first, self.second, self.update
        beta1, beta2 = how.betas
        root = math.sqrt(1 - beta2**self.count)
        if how.weight_decay:
            self.flat *= 1 - how.lr * how.weight_decay
        np.subtract(g, m, out=s)
        s *= 1 - beta1
        m += s
        np.multiply(g, g, out=s)
        s *= 1 - beta2
        v *= beta2
        v += s
        np.sqrt(v, out=s)
        s += how.eps * root
        np.divide(m, s, out=s)
        s *= how.lr * root / (1 - beta1**self.count)
        self.flat -= s


def training(problem: Problem, passes: Callable[[Arrays, Arrays, Arrays], Any]) -> Training:
    """A step from `passes(p, g, s)`, which fills gradients g of parameters p, moves the state s, returns the loss."""
    update = InPlace(problem.update, problem.parameters)
    state = {name: value.copy() for name, value in problem.state.items()}
    last: list[Any] = []

    def step() -> None:
        last[:] = [passes(update.p, update.g, state)]
        update.step()

    def gradients() -> list[Any]:
        value = passes(update.p, update.g, {name: v.copy() for name, v in state.items()})
        return [value, *(g.copy() for g in update.g.values())]

    return Training(step, lambda: last, gradients=gradients)


def sum_rows(x: Array, out: Array | None = None) -> Array:
    """Column sums of (rows, columns) as a product with ones: 1.5 to 5 times as fast as sum(0)."""
    return np.dot(np.ones(len(x), x.dtype), x, out)


def linear(x: Array, w: Array, b: Array) -> Array:
    """Weights are (to, from)."""
    y = x @ w.T
    y += b
    return y


def linear_back(g: Array, x: Array, w: Array, gw: Array, gb: Array, *, first: bool = False) -> Array:
    """Fill the weights' gradients, return the input's."""
    np.dot(g.T, x, gw)
    sum_rows(g, gb)
    return g if first else g @ w


def cross_entropy(logits: Array, labels: Array) -> tuple[Any, Array]:
    """The mean loss, and the gradient of the logits, whose memory it takes."""
    rows = np.arange(len(labels))
    logits -= logits.max(1, keepdims=True)
    picked = logits[rows, labels].sum()
    np.exp(logits, out=logits)
    total = logits.sum(1, keepdims=True)
    loss = (np.log(total).sum() - picked) / len(labels)
    logits /= total * len(labels)
    logits[rows, labels] -= np.float32(1 / len(labels))
    return loss, logits


def windows(x: Array, k: int, stride: int = 1, padding: int = 0) -> Array:
    """Patches of images (N, H, W, C) as rows (N x OH x OW, k x k x C)."""
    n, h, w, c = x.shape
    if padding:
        padded = np.zeros((n, h + 2 * padding, w + 2 * padding, c), x.dtype)
        padded[:, padding:-padding, padding:-padding] = x
        x, h, w = padded, h + 2 * padding, w + 2 * padding
    oh, ow = (h - k) // stride + 1, (w - k) // stride + 1
    b, sh, sw, sc = x.strides
    if c == 1:  # whole lines of positions at a time, a transposed view: 5 times as fast as runs of k
        columns = np.empty((k, k, n, oh, ow), x.dtype)
        np.copyto(columns, as_strided(x, columns.shape, (sh, sw, b, stride * sh, stride * sw)))
        return columns.reshape(k * k, -1).T
    rows = np.empty((n, oh, ow, k, k * c), x.dtype)
    np.copyto(rows, as_strided(x, rows.shape, (b, stride * sh, stride * sw, sh, sc)))  # a run of k x C at a time
    return rows.reshape(n * oh * ow, k * k * c)


class Conv:
    """One convolution without bias; its weights are (F, C, k, k) where the parameters are."""

    def __init__(self, stride: int = 1, padding: int = 0, *, first: bool = False) -> None:
        """The first of a network has no gradient of its input."""
        self.stride, self.padding, self.first = stride, padding, first

    def forward(self, x: Array, w: Array) -> Array:
        """(N, H, W, C) to (N, OH, OW, F)."""
        self.shape, self.w = x.shape, w
        n, h, width, _ = x.shape
        f, c, k, _ = w.shape
        self.rows = x.reshape(-1, c)[::1] if k == self.stride == 1 else windows(x, k, self.stride, self.padding)
        oh, ow = ((s + 2 * self.padding - k) // self.stride + 1 for s in (h, width))
        return (self.rows @ w.transpose(2, 3, 1, 0).reshape(-1, f)).reshape(n, oh, ow, f)

    def backward(self, g: Array, gw: Array) -> Array:
        """Fill the weights' gradient, return the input's: by turned weights, or with fewer channels below by taps."""
        f, c, k, _ = self.w.shape
        n, oh, ow, _ = g.shape
        flat = g.reshape(-1, f)
        gw[...] = (self.rows.T @ flat).reshape(k, k, c, f).transpose(3, 2, 0, 1)
        if self.first:
            return g
        if self.stride == 1 and f <= c:
            turned = self.w[:, :, ::-1, ::-1].transpose(2, 3, 0, 1).reshape(-1, c)
            return (windows(g, k, 1, k - 1 - self.padding) @ turned).reshape(self.shape)
        s, p, (_, h, w, _) = self.stride, self.padding, self.shape
        gx = np.zeros((n, h + 2 * p, w + 2 * p, c), g.dtype)
        for i in range(k):
            for j in range(k):
                tap = (flat @ self.w[:, :, i, j]).reshape(n, oh, ow, c)
                gx[:, i : i + (oh - 1) * s + 1 : s, j : j + (ow - 1) * s + 1 : s] += tap
        return gx[:, p : p + h, p : p + w]


class MaxPoolReLU:
    """2 x 2 pooling of images (N, H, W, C), then ReLU: the same as the other way round, on a quarter of the numbers."""

    def forward(self, x: Array) -> Array:
        """By four strided views."""
        self.views = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        a, b, c, d = self.views
        self.top = np.maximum(a, b)
        np.maximum(self.top, c, out=self.top)
        np.maximum(self.top, d, out=self.top)
        self.y = np.maximum(self.top, 0)
        return self.y

    def backward(self, g: Array) -> Array:
        """To the largest; ties of positive numbers do not occur in these workloads."""
        n, h, w, c = g.shape
        g = g * (self.top > 0)
        gx = np.empty((n, 2 * h, 2 * w, c), g.dtype)
        for at, (i, j) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            np.multiply(g, self.views[at] == self.top, out=gx[:, i::2, j::2])
        return gx


class BatchNorm:
    """Over the rows of (..., C)."""

    def forward(self, x: Array, w: Array, b: Array, s: Arrays, name: str) -> Array:
        """One product with ones for each moment, and y = x a + c."""
        self.x = flat = x.reshape(-1, x.shape[-1])
        count = len(flat)
        mean = sum_rows(flat) / np.float32(count)
        var = np.einsum("rc,rc->c", flat, flat) / np.float32(count) - mean * mean
        self.inverse, self.mean, self.w = 1 / np.sqrt(var + np.float32(1e-5)), mean, w
        for moment, value in (("mean", mean), ("var", var * (count / (count - 1)))):
            s[f"{name}.{moment}"] *= 0.9
            s[f"{name}.{moment}"] += 0.1 * value
        scale = w * self.inverse
        y = flat * scale
        y += b - mean * scale
        return y.reshape(x.shape)

    def backward(self, g: Array, gw: Array, gb: Array) -> Array:
        """G a + x b + c, with the three vectors made of two sums."""
        flat = g.reshape(self.x.shape)
        sum_rows(flat, gb)
        np.multiply(np.einsum("rc,rc->c", flat, self.x) - self.mean * gb, self.inverse, out=gw)
        scale = self.w * self.inverse
        slope = scale * self.inverse * gw / np.float32(len(flat))
        gx = self.x * -slope
        gx += slope * self.mean - scale * gb / np.float32(len(flat))
        gx += flat * scale
        return gx.reshape(g.shape)


class LayerNorm:
    """Over the last axis of (rows, columns)."""

    def forward(self, x: Array, w: Array, b: Array) -> Array:
        """Keep what is normalised."""
        over = np.full(x.shape[1], 1 / x.shape[1], x.dtype)
        self.x = x - (x @ over)[:, None]
        self.inverse = 1 / np.sqrt(np.einsum("rc,rc->r", self.x, self.x) * over[0] + np.float32(1e-5))
        self.x *= self.inverse[:, None]
        self.w = w
        y = self.x * w
        y += b
        return y

    def backward(self, g: Array, gw: Array, gb: Array) -> Array:
        """(h - mean(h) - x mean(h x)) / deviation, with h = g w."""
        np.einsum("rc,rc->c", g, self.x, out=gw)
        sum_rows(g, gb)
        gx = g * self.w
        over = np.full(g.shape[1], 1 / g.shape[1], g.dtype)
        along = np.einsum("rc,rc->r", gx, self.x) * over[0]
        gx -= (gx @ over)[:, None]
        gx -= self.x * along[:, None]
        gx *= self.inverse[:, None]
        return gx


class GELU:
    """By tanh."""

    def forward(self, x: Array) -> Array:
        """Keep the tanh."""
        self.x, u = x, x * x
        u *= math.sqrt(2 / math.pi) * 0.044715
        u += math.sqrt(2 / math.pi)
        u *= x
        self.tanh = np.tanh(u, out=u)
        y = u + 1
        y *= x
        y *= 0.5
        return y

    def backward(self, g: Array) -> Array:
        """0.5 (1 + t) + 0.5 x (1 - t t) u'."""
        slope = self.x * self.x
        slope *= math.sqrt(2 / math.pi) * 0.5 * 3 * 0.044715
        slope += math.sqrt(2 / math.pi) * 0.5
        slope *= self.x
        rest = self.tanh * self.tanh
        np.subtract(1, rest, out=rest)
        slope *= rest
        np.multiply(self.tanh, 0.5, out=rest)
        rest += 0.5
        slope += rest
        slope *= g
        return slope


class Attention:
    """Causal, over (N, heads, T, D); keeps the probabilities."""

    def forward(self, q: Array, k: Array, v: Array) -> Array:
        """The largest score of a row is taken out."""
        length, width = q.shape[-2:]
        self.q, self.k, self.v, self.scale = q, k, v, np.float32(1 / math.sqrt(width))
        p = q @ k.swapaxes(-1, -2)
        p *= self.scale
        p += np.triu(np.full((length, length), -np.inf, q.dtype), 1)
        p -= p.max(-1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(-1, keepdims=True)
        self.p = p
        return p @ v

    def backward(self, g: Array) -> tuple[Array, Array, Array]:
        """Gradients of q, k, v."""
        gv = self.p.swapaxes(-1, -2) @ g
        gp = g @ self.v.swapaxes(-1, -2)
        gp -= np.einsum("nhij,nhij->nhi", gp, self.p)[..., None]
        gp *= self.p
        gp *= self.scale
        return gp @ self.k, gp.swapaxes(-1, -2) @ self.q, gv


class LSTM:
    """One layer over a sequence (T, N, C), from zeros; gates in PyTorch's order i f g o."""

    def forward(self, x: Array, wx: Array, wh: Array, bx: Array, bh: Array) -> Array:
        """The products with the input in one; sigmoid as half a tanh of half."""
        steps, batch, _ = x.shape
        d = wh.shape[1]
        self.x, self.wx, self.wh = x, wx, wh
        self.gates = (x.reshape(-1, x.shape[2]) @ wx.T + (bx + bh)).reshape(steps, batch, 4 * d)
        self.h, self.c = np.zeros((2, steps + 1, batch, d), x.dtype)
        self.t = np.empty((steps, batch, d), x.dtype)
        scale = np.full(4 * d, 0.5, x.dtype)
        scale[2 * d : 3 * d] = 1
        shift = 1 - scale
        product, forget = np.empty((batch, 4 * d), x.dtype), np.empty((batch, d), x.dtype)
        weights = wh.T
        for t, g in enumerate(self.gates):
            np.dot(self.h[t], weights, product)
            g += product
            g *= scale
            np.tanh(g, out=g)
            g *= scale
            g += shift
            c = np.multiply(g[:, d : 2 * d], self.c[t], out=self.c[t + 1])
            c += np.multiply(g[:, :d], g[:, 2 * d : 3 * d], out=forget)
            np.tanh(c, out=self.t[t])
            np.multiply(g[:, 3 * d :], self.t[t], out=self.h[t + 1])
        return self.h[1:]

    def backward(self, gy: Array, gwx: Array, gwh: Array, gbx: Array, gbh: Array) -> Array:
        """Gates' gradients in a loop, then one product for each weight."""
        steps, batch, d = gy.shape
        i, f, g, o = (self.gates[:, :, n * d : (n + 1) * d] for n in range(4))
        slopes = self.gates - self.gates * self.gates
        slopes[:, :, 2 * d : 3 * d] = 1 - g * g
        through = (1 - self.t * self.t) * o
        grads = np.empty_like(self.gates)
        gh, gc, scratch = (np.zeros((batch, d), gy.dtype) for _ in range(3))
        for t in range(steps - 1, -1, -1):
            gh += gy[t]
            gc += np.multiply(gh, through[t], out=scratch)
            a = grads[t]
            np.multiply(gc, g[t], out=a[:, :d])
            np.multiply(gc, self.c[t], out=a[:, d : 2 * d])
            np.multiply(gc, i[t], out=a[:, 2 * d : 3 * d])
            np.multiply(gh, self.t[t], out=a[:, 3 * d :])
            a *= slopes[t]
            gc *= f[t]
            np.dot(a, self.wh, gh)
        flat = grads.reshape(steps * batch, -1)
        np.dot(flat.T, self.x.reshape(steps * batch, -1), gwx)
        np.dot(flat.T, self.h[:-1].reshape(steps * batch, -1), gwh)
        gbh[...] = sum_rows(flat, gbx)
        return (flat @ self.wx).reshape(self.x.shape)


def add_rows(out: Array, tokens: Array, g: Array) -> None:
    """Add rows of g to those of `out` that tokens name: a sparse product, 41 us where np.add.at took 634 (65 x 128)."""
    from scipy.sparse import csr_matrix

    flat = tokens.reshape(-1)
    shape = len(out), len(flat)
    chosen = csr_matrix((np.ones(len(flat), g.dtype), flat, np.arange(len(flat) + 1)), shape=shape[::-1])
    out += chosen.T @ g
