"""`op_inputs`: calls of any operation of the registry, drawn from what its entry says of itself."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff.kernels import indexing
from autodiff.primitive import Primitive, is_numpys, registry
from autodiff.protocols import lookup
from autodiff.source import spelled
from autodiff.testing.strategies import (
    attention,
    conv,
    convolution,
    elementwise,
    fourier,
    joining,
    linalg,
    normalization,
    ordering,
    pooling,
    products,
    rearranging,
    recurrent,
    reductions,
    scans,
    special,
    statistics,
)
from autodiff.testing.strategies.drawing import KEYWORDS, Draw, by_signature, keywords_of
from autodiff.tree import leaves, rebuild

ARGUMENTS = (
    elementwise.ARGUMENTS
    | special.ARGUMENTS
    | reductions.ARGUMENTS
    | scans.ARGUMENTS
    | statistics.ARGUMENTS
    | ordering.ARGUMENTS
    | rearranging.ARGUMENTS
    | joining.ARGUMENTS
    | convolution.ARGUMENTS
    | conv.ARGUMENTS
    | pooling.ARGUMENTS
    | normalization.ARGUMENTS
    | products.ARGUMENTS
    | recurrent.ARGUMENTS
    | linalg.ARGUMENTS
    | fourier.ARGUMENTS
    | attention.ARGUMENTS
)


@dataclass(frozen=True)
class Call:
    """A call of an operation: `gradcheck(call.function, *call.inputs)` checks it.

    Every floating array among the arguments is an input; integers, masks and numbers are constants.
    """

    entry: Primitive
    fun: Callable[..., Any]
    args: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> list[Any]:
        """The arrays to differentiate by."""
        return [x for x in leaves([self.args, self.keywords]) if _floating(x)]

    @property
    def function(self) -> Callable[..., Any]:
        """The operation as a function of its inputs alone."""

        def function(*inputs: Any) -> Any:
            waiting = iter(inputs)
            given = [next(waiting) if _floating(x) else x for x in leaves([self.args, self.keywords])]
            args, keywords = rebuild([self.args, self.keywords], iter(given))
            return self.fun(*args, **keywords)

        function.__name__ = self.entry.name
        return function

    def __call__(self) -> Any:
        """Return what the operation makes of the arrays themselves: NumPy's own result for NumPy's functions."""
        return self.fun(*self.args, **self.keywords)

    @property
    def names(self) -> list[str]:
        """The inputs' names in the text of the call."""
        count = len(self.inputs)
        return ["x"] if count == 1 else ["abcdefgh"[i] if count <= 8 else f"x{i}" for i in range(count)]

    @property
    def source(self) -> str:
        """A program that makes the inputs and the call."""
        homes = {"np.": "numpy as np", "ad.": "autodiff as ad", "autodiff.": "autodiff", "scipy.": "scipy.special"}
        lines = [*self._definitions, self.line]
        imports = [f"import {module}" for word, module in homes.items() if re.search(rf"\b{word}", "\n".join(lines))]
        return "\n".join([*imports, *lines])

    @property
    def _definitions(self) -> list[str]:
        return [f"{name} = {_text(x, iter(()))}" for name, x in zip(self.names, self.inputs, strict=True)]

    @property
    def line(self) -> str:
        """The call as Python code, e.g. `np.sum(x, axis=(0, 2))`."""
        names = iter(self.names)
        texts = [_text(x, names) for x in self.args]
        if self.fun is operator.getitem:
            return f"{texts[0]}[{_subscript(self.args[1])}]"
        texts += [f"{word}={_text(x, names)}" for word, x in self.keywords.items()]
        return f"{spelled(self.fun)}({', '.join(texts)})"

    def __repr__(self) -> str:
        if not self.inputs:
            return self.line
        return self.line + "  # " + "; ".join(self._definitions)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print a falsifying example as that code, not field by field."""
        printer.text(repr(self))


def op_inputs(
    op: Callable[..., Any] | Primitive, smooth: bool = True, *, complex: bool = False
) -> st.SearchStrategy[Call]:
    """Calls of a NumPy function or another operation the registry knows: operands of fitting shapes, and its keywords.

    Operands lie in the domain the entry states, in any memory layout, 0-d and empty ones too. With `smooth` they keep
    clear of kinks, ties and singular points; else they stand exactly there as well. With `complex` some are complex.

    >>> from autodiff.testing import gradcheck
    >>> from hypothesis import given
    >>> @given(op_inputs(np.sum))
    ... def test(call):
    ...     assert gradcheck(call.function, *call.inputs)
    >>> test()
    """
    entry = entry_of(op)
    if (reason := no_strategy(entry)) is not None:
        raise LookupError(f"{entry.name} {reason}")
    if complex and not takes_complex(entry):
        raise ValueError(f"{entry.name} has no derivative at complex numbers; leave out complex=True.")
    return _calls(entry, smooth, complex)


@st.composite
def _calls(draw: st.DrawFn, entry: Primitive, smooth: bool, complex: bool) -> Call:
    arguments = ARGUMENTS.get(entry.fun, by_signature)
    with np.errstate(all="ignore"):
        answer = arguments(Draw(draw, smooth, entry, complex))
    args, keywords, *fun = answer
    return Call(entry, fun[0] if fun else entry.fun, tuple(args), keywords)


def entry_of(op: Callable[..., Any] | Primitive) -> Primitive:
    """Return the registry's entry for a function."""
    entry = op if isinstance(op, Primitive) else lookup(op)
    if entry is None:
        raise LookupError(f"{getattr(op, '__name__', op)} has no entry in the registry; see ad.primitive.")
    return entry


def operations() -> list[Primitive]:
    """Return the engine's own entries that have a derivative, SciPy's chapter included."""
    from autodiff.rules import special  # noqa: F401 (registers)

    own = [e for e in dict.fromkeys(registry.values()) if is_numpys(e.fun) or e.fun.__module__.startswith("autodiff.")]
    return [e for e in own if e.differentiable or e.kind == "composite"]


def no_strategy(entry: Primitive) -> str | None:
    """Say why an operation's arguments cannot be drawn; None where they can."""
    if entry.fun in ARGUMENTS:
        return None
    where = "write how its arguments are drawn in ARGUMENTS of autodiff.testing.strategies"
    if not entry.differentiable:
        return "has no strategy: it has no derivative." if entry.form != "composite" else f"is composite: {where}."
    if entry.form not in ("operands", "outputs"):
        return f"takes a {entry.form} of operands: {where}."
    if not entry.signature.operands and not isinstance(entry.fun, np.ufunc):
        return f"sorts its arguments itself (bind=): {where}."
    unknown = [word for word in keywords_of(entry) if word not in KEYWORDS and (entry.fun, word) not in KEYWORDS]
    return (
        f"has keywords no strategy draws ({', '.join(unknown)}): name them in KEYWORDS, or {where}."
        if unknown
        else None
    )


def takes_complex(entry: Primitive) -> bool:
    """Say whether an operation has a derivative at complex operands."""
    return entry.complex


# --- as text ---------------------------------------------------------------------------------------------------------


def _floating(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def _text(x: Any, names: Any) -> str:
    """Write a value as Python code; a floating array is called by its name while there are names."""
    if isinstance(x, np.ndarray):
        name = next(names, None) if _floating(x) else None
        if name is not None:
            return str(name)
        numbers = re.sub(r"\b(nan|inf)\b", r"np.\1", str(x.tolist()))
        return f"np.array({numbers})" if x.size else f"np.zeros({x.shape}, np.{x.dtype})"
    if isinstance(x, (list, tuple)):
        inner = ", ".join(_text(part, names) for part in x)
        return f"[{inner}]" if isinstance(x, list) else f"({inner}{',' * (len(x) == 1)})"
    if isinstance(x, type) and issubclass(x, np.generic):
        return f"np.{x.__name__}"
    if callable(x):
        return spelled(x)
    if isinstance(x, float) and not math.isfinite(x):
        return f"float('{x}')"
    return "autodiff.kernels.indexing.ARRAY" if x is indexing.ARRAY else repr(x)


def _subscript(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(map(_part, parts)) + "," * (isinstance(index, tuple) and len(index) == 1) or "()"


def _part(part: Any) -> str:
    if isinstance(part, slice):
        ends = ["" if p is None else str(p) for p in (part.start, part.stop, part.step)]
        return ":".join(ends[: 3 if ends[2] else 2])
    return "..." if part is Ellipsis else _text(part, iter(()))
