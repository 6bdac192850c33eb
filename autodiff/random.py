"""Random tensors. Every function takes `generator=`; without one it draws from the default generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from autodiff import creation, devices, tape
from autodiff.tensor import Tensor


class Generator:
    """A stream of random numbers, `numpy.random.Generator` (`rng`) with PyTorch's `manual_seed`."""

    _rng: np.random.Generator | None

    def __init__(self, seed: int | None = None) -> None:
        self.manual_seed(seed)

    def manual_seed(self, seed: int | None) -> Generator:
        """Start the stream anew from a seed."""
        self._seed, self._rng = seed, None
        return self

    @property
    def rng(self) -> np.random.Generator:
        """NumPy's generator behind the stream, made at the first draw (importing numpy.random takes 10 ms)."""
        if self._rng is None:
            self._rng = np.random.default_rng(self._seed)
        return self._rng

    def get_state(self) -> dict[str, Any]:
        """Return where the stream stands."""
        return dict(self.rng.bit_generator.state)

    def set_state(self, state: dict[str, Any]) -> None:
        """Put the stream back to where it stood."""
        self.rng.bit_generator.state = state


_generator = Generator()
_instead: ContextVar[Generator | None] = ContextVar("generator", default=None)


def default_generator() -> Generator:
    """Return the generator that functions without `generator=` draw from."""
    return _instead.get() or _generator


@contextmanager
def use(generator: Generator) -> Iterator[Generator]:
    """Let functions without `generator=` draw from this one, in this thread, until the block ends.

    >>> with use(Generator(0)):
    ...     first = rand(2)
    >>> with use(Generator(0)):
    ...     assert (rand(2) == first).all()
    """
    before = _instead.set(generator)
    try:
        yield generator
    finally:
        _instead.reset(before)


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, so that a program draws the same numbers again."""
    return default_generator().manual_seed(seed)


def _rng(generator: Generator | None) -> np.random.Generator:
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator must be an ad.random.Generator; got {type(generator).__name__}.")
    generator = generator or default_generator()
    now = tape.mode.get()
    if now is not None and now.segment is not None:
        now.segment.drew(generator)
    return generator.rng


def normal(
    loc: float = 0.0, scale: float = 1.0, size: Any = (), *, dtype: Any = None, generator: Generator | None = None
) -> Tensor:
    """Draw from the normal distribution with mean loc and standard deviation scale."""
    return _drawn("normal", _rng(generator).normal(loc, scale, size), dtype)


def uniform(
    low: float = 0.0, high: float = 1.0, size: Any = (), *, dtype: Any = None, generator: Generator | None = None
) -> Tensor:
    """Draw uniformly from [low, high)."""
    return _drawn("uniform", _rng(generator).uniform(low, high, size), dtype)


def bernoulli(p: Any = 0.5, size: Any = None, *, dtype: Any = None, generator: Generator | None = None) -> Tensor:
    """Draw 1 with probability p, else 0, in the shape `size` (that of p if left out)."""
    p = np.asarray(p._data if isinstance(p, Tensor) else p)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"bernoulli: p must lie in [0, 1]; got values from {p.min()} to {p.max()}.")
    return _drawn("bernoulli", _rng(generator).random(p.shape if size is None else size) < p, dtype)


def randint(
    low: int,
    high: Any = None,
    size: Any = (),
    *,
    dtype: Any = np.int64,
    device: Any = None,
    generator: Generator | None = None,
) -> Tensor:
    """Draw integers from [low, high), or from [0, low) if high is left out: `randint(10, (2, 3))`, `randint(5, 10)`."""
    if isinstance(high, (tuple, list)):
        high, size = None, high
    devices.device(device)
    return _drawn("randint", _rng(generator).integers(low, high, size, dtype=dtype), dtype)


def permutation(x: Any, *, generator: Generator | None = None) -> Tensor:
    """Return the numbers below x, or the rows of x, in random order."""
    drawn = _rng(generator).permutation(x._data if isinstance(x, Tensor) else x)
    return _drawn("permutation", drawn, drawn.dtype)


def randperm(n: int, *, device: Any = None, generator: Generator | None = None) -> Tensor:
    """Return the numbers below n in random order."""
    devices.device(device)
    return permutation(n, generator=generator)


def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw places of a vector, or of each row of a matrix, with the chances that its weights (of any sum) give them.

    >>> multinomial([0.0, 3.0, 0.0], 2, replacement=True)
    tensor([1, 1])
    """
    weights = np.array(input._data if isinstance(input, Tensor) else input, float)
    if weights.ndim not in (1, 2) or not weights.size:
        raise ValueError(f"multinomial: expected a vector or a matrix of weights; got shape {weights.shape}.")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("multinomial: weights must be finite and at least 0 (probabilities, not logits).")
    chances = (weights > 0).sum(-1).min()
    if num_samples < 1 or chances < (1 if replacement else num_samples):
        raise ValueError(
            f"multinomial: {num_samples} samples asked of {chances} weights above 0; expected at least one, and "
            "without replacement no more than there are; pass replacement=True."
        )
    rng, rows = _rng(generator), weights.reshape(-1, weights.shape[-1])
    rows /= rows.max(-1, keepdims=True)  # so that sums stay finite
    places = [rng.choice(row.size, num_samples, replacement, row / row.sum()) for row in rows]
    return _drawn("multinomial", np.reshape(places, (*weights.shape[:-1], num_samples)), np.int64)


def randn(
    *size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None, generator: Generator | None = None
) -> Tensor:
    """Draw from the standard normal distribution: `randn(2, 3)`."""
    devices.device(device)
    return normal(size=creation._size(size), dtype=dtype, generator=generator).requires_grad_(requires_grad)


def rand(
    *size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None, generator: Generator | None = None
) -> Tensor:
    """Draw uniformly from [0, 1): `rand(2, 3)`."""
    devices.device(device)
    return uniform(size=creation._size(size), dtype=dtype, generator=generator).requires_grad_(requires_grad)


def randn_like(
    x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None, generator: Generator | None = None
) -> Tensor:
    """Draw from the standard normal distribution, with the shape and dtype of x."""
    return randn(*x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device, generator=generator)


def rand_like(
    x: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None, generator: Generator | None = None
) -> Tensor:
    """Draw from [0, 1), with the shape and dtype of x.

    >>> rand_like(np.zeros((2, 3))).shape
    (2, 3)
    """
    return rand(*x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device, generator=generator)


def _drawn(name: str, values: Any, dtype: Any) -> Tensor:
    """Return a draw as a tensor; a graph being traced is told of it."""
    drawn = Tensor(np.asarray(values).astype(dtype or creation.get_default_dtype(), copy=False))
    now = tape.mode.get()
    if now is not None and now.graph is not None:
        now.graph.drew(drawn, name)
    return drawn
