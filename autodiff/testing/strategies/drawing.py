"""How the arguments of a call are drawn: Draw, and the default, from an entry's facts and the names of its keywords."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff.primitive import Domain, Primitive
from autodiff.testing.layouts import LAYOUTS, laid_out
from autodiff.testing.strategies import arrays
from autodiff.testing.strategies.arrays import GRID, axes, distinct, drawn, levels

Shape = tuple[int, ...]
Arguments = tuple[Any, ...]  # positional arguments, keywords, and what is called if not the entry's own function

IMAGINARY = np.array([0.5, -0.5, 0.25, -0.25, 0.75, -0.75, 0.125, -0.625])  # clear of 0, and of branch cuts beyond 1
NOT_EMPTY = {"max", "min", "mean", "logsumexp"}  # reductions of nothing have no value

# parameters that the engine refuses, or writes to (out), or has no choice for (device)
NOT_DRAWN = ("out", "casting", "order", "subok", "where", "initial", "mean", "like", "device")


@dataclass
class Choices:
    """Hypothesis' draw under short names, and whether kinks are kept clear of."""

    draw: st.DrawFn
    smooth: bool

    def __call__(self, strategy: st.SearchStrategy[Any]) -> Any:
        """Draw from a strategy."""
        return self.draw(strategy)

    def choice(self, *values: Any) -> Any:
        """Draw one of a few values, the first the simplest."""
        return self.draw(st.sampled_from(values))

    def chance(self) -> bool:
        """Draw a truth, False the simpler."""
        return self.draw(st.booleans())

    def integer(self, low: int, high: int) -> int:
        """Draw an integer, both ends included."""
        return self.draw(st.integers(low, high))

    def shape(self, dims: int = 0, sides: int = 0, max_dims: int = 3) -> Shape:
        """Draw a shape of at least some dimensions and elements a side."""
        return self.draw(arrays.shapes(dims, sides, max_dims))

    def values(self, shape: Shape, among: Any = GRID) -> Any:
        """Draw an array whose elements are among some values, in any memory layout."""
        return laid_out(drawn(self.draw, shape, among), self.choice(*LAYOUTS))


@dataclass
class Draw(Choices):
    """What draws one call: the operation, and where its operands may lie."""

    entry: Primitive
    complex: bool

    def integers(self, shape: Shape, low: int, high: int) -> Any:
        """Draw an array of integers, both ends included."""
        return drawn(self.draw, shape, np.arange(low, high + 1))

    def shapes(self, n: int) -> list[Shape]:
        """Draw shapes that broadcast together."""
        return self.draw(arrays.operand_shapes(n))

    def axis(self, ndim: int) -> int:
        """Draw one axis, counted from either end."""
        return self.integer(-ndim, ndim - 1)

    def array(self, shape: Shape, operand: int = 0, domain: Domain | None = None) -> Any:
        """Draw an operand's values where its entry allows them."""
        domain = self.entry.domain_of(operand) if domain is None else domain
        points = (*domain.singular, *(k for k in self.entry.kinks if isinstance(k, float) or k in arrays.DISTANCES))
        values = levels(domain, away_from=points) if self.smooth else levels(domain, at=points)
        return self.finished(drawn(self.draw, shape, values), operand)

    def arrays(self, shapes: list[Shape]) -> list[Any]:
        """Draw all operands: no two values near each other where ties are kinks, or else with many ties."""
        if not {"tie", "equal"} & set(self.entry.kinks):
            return [
                self.array(shape, i) if self.entry.form == "composite" or self.entry.carries(i) else self.constant()
                for i, shape in enumerate(shapes)
            ]
        if self.smooth:
            return [self.finished(x) for x in distinct(self.draw, shapes)]
        return [self.finished(drawn(self.draw, shape, GRID[:3])) for shape in shapes]

    def constant(self) -> Any:
        """Draw a number for an operand to which no gradient flows."""
        return self.choice(2.0, 3.0, 1.5)

    def finished(self, x: Any, operand: int = 0) -> Any:
        """Add an imaginary part where one is asked for, and lay the array out in memory."""
        if self.complex and (operand == 0 or self.chance()):
            imaginary = IMAGINARY if self.smooth else np.append(0.0, IMAGINARY)
            x = x + 1j * drawn(self.draw, x.shape, imaginary)
        return laid_out(x, self.choice(*LAYOUTS))

    def optional(self, shape: Shape, *words: str) -> dict[str, Any]:
        """Draw some of these keywords, for a first operand of a shape."""
        rows = {word: KEYWORDS.get((self.entry.fun, word)) or KEYWORDS[word] for word in words}
        given: dict[str, Any] = self.draw(
            st.fixed_dictionaries({}, optional={word: row(self, shape) for word, row in rows.items()})
        )
        return given


# what a keyword may be, by its name alone or for one function
KEYWORDS: dict[Any, Callable[[Draw, Shape], st.SearchStrategy[Any]]] = {
    "axis": lambda d, shape: axes(len(shape)),
    "deg": lambda d, shape: st.booleans(),
    "dtype": lambda d, shape: st.sampled_from([None, np.complex128] if d.complex else [None, np.float64]),
    "k": lambda d, shape: st.integers(-3, 3),
    "keepdims": lambda d, shape: st.booleans(),
    (np.cumsum, "axis"): lambda d, shape: axes(len(shape), several=False),
    (np.cumprod, "axis"): lambda d, shape: axes(len(shape), several=False),
    (np.std, "dtype"): lambda d, shape: st.sampled_from([None] if d.complex else [None, np.float64]),
    (np.var, "dtype"): lambda d, shape: st.sampled_from([None] if d.complex else [None, np.float64]),
    (np.nanstd, "dtype"): lambda d, shape: st.sampled_from([None] if d.complex else [None, np.float64]),
    (np.nanvar, "dtype"): lambda d, shape: st.sampled_from([None] if d.complex else [None, np.float64]),
}


def by_signature(d: Draw) -> Arguments:
    """Draw operands that fit together, and some of the keywords; an operand without a rule is a number."""
    entry = d.entry
    count, sides = entry.signature.arity or 1, int(entry.name in NOT_EMPTY)
    shapes = [d.shape(sides=sides)] if count == 1 and entry.shapes is None else (
        d(arrays.operand_shapes(count, entry.shapes, sides)))  # fmt: skip
    return d.arrays(shapes), d.optional(shapes[0], *keywords_of(entry))


def keywords_of(entry: Primitive) -> list[str]:
    """Return the names of the keywords that an operation supports and that are drawn."""
    if isinstance(entry.fun, np.ufunc):
        return []
    return [name for name in entry.keywords if name not in NOT_DRAWN]
