"""Reading the registry: the line that gives a function its derivative, and all that is known of a function."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import protocols
from autodiff.coverage import DIFFERENTIABLE, status
from autodiff.latex import latex
from autodiff.primitive import Primitive
from autodiff.source import parsed, spelled


class Source(str):  # noqa: SLOT000 (str allows no slots)
    """A piece of text that shows itself as it is; a notebook typesets the formula of its entry below."""

    entry: Primitive | None = None

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        formula = latex(self.entry) if self.entry is not None else ""
        return f"```python\n{self}\n```" + f"\n\n$$\\begin{{aligned}}{formula}\\end{{aligned}}$$" * bool(formula)


def rule(fun: Callable[..., Any] | Primitive) -> Source:
    """Return the registry's line for a function, as it stands in the table of rules.

    >>> import autodiff as ad, numpy as np
    >>> ad.rule(np.tanh)
    elementwise(np.tanh, lambda g, y: g - g * (y * y))
    """
    entry = fun if isinstance(fun, Primitive) else protocols.lookup(fun)
    if entry is None:
        raise KeyError(protocols.unknown(fun))
    source = Source(_source(entry))
    source.entry = entry
    return source


def _source(entry: Primitive) -> str:
    written = [r for r in (*entry.rules, entry.joint) if r is not None]
    if not written and entry.form == "composite" and entry.kind != "plain":
        written = [entry.kernel]
    name = entry.name if not isinstance(entry.fun, np.ufunc) else f"np.{entry.name}"
    if not written or entry.kind == "zero":
        return f"{entry.kind}({name})"
    code = getattr(written[0], "__wrapped__", written[0]).__code__
    lines = linecache.getlines(code.co_filename)
    if not lines:
        return f"{entry.kind}({name}, ...)"
    around = [n for n in parsed(tuple(lines)).body if _first(n) <= code.co_firstlineno <= (n.end_lineno or 0)]
    if not around:
        return lines[code.co_firstlineno - 1].strip() or f"{entry.kind}({name}, ...)"
    return "".join(lines[_first(around[0]) - 1 : around[0].end_lineno]).rstrip()


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def help(fun: Callable[..., Any] | Primitive) -> Source:
    r"""Return what is known of a function: its status, rule, domain, kinks and keywords, or what to call instead.

    >>> import autodiff as ad, numpy as np
    >>> ad.help(np.tanh)
    np.tanh: differentiable, elementwise, complex
      rule      elementwise(np.tanh, lambda g, y: g - g * (y * y))
      LaTeX     \bar{x} = \bar{y} - \bar{y} y^{2}
      domain    all reals
      kinks     none
      singular  none
      keywords  out, dtype
      see       https://numpy.org/doc/stable/reference/generated/numpy.tanh.html
    >>> ad.help(np.zeros)
    np.zeros: no tensors
      why       array creation: it makes arrays from shapes, numbers or data
      instead   ad.tensor, ad.zeros, ad.ones, ad.full, ad.arange, ad.eye or the np.*_like functions
      see       https://numpy.org/doc/stable/reference/generated/numpy.zeros.html
    """
    entry = fun if isinstance(fun, Primitive) else protocols.lookup(fun)
    known = status(fun if entry is None else entry.fun)
    if known is None:
        raise KeyError(protocols.unknown(fun))
    smooth = entry is not None and known.kind == DIFFERENTIABLE
    name = spelled(fun if entry is None else entry.fun)
    heading = [f"{name}: {known.kind}"]
    lines = [] if smooth else [("why", known.reason), ("instead", known.instead)]
    if entry is not None:
        heading += [entry.kind] * smooth + ["complex"] * (smooth and entry.complex)
        lines += _facts(entry, smooth)
    lines.append(("see", _link(name)))
    page = Source("\n".join([", ".join(heading), *(_line(word, text) for word, text in lines if text)]))
    page.entry = entry
    return page


def _facts(entry: Primitive, smooth: bool) -> list[tuple[str, str]]:
    also = ("also", ", ".join(entry.aliases))
    if not smooth:
        return [also]
    parts = entry.domain if isinstance(entry.domain, tuple) else (entry.domain,)
    return [
        also,
        ("rule", rule(entry)),
        ("LaTeX", latex(entry)),
        ("shapes", entry.shapes or ""),
        ("domain", ", ".join(part or "all reals" for part in parts)),
        ("kinks", _points(entry.kinks)),
        ("singular", _points(entry.singular)),
        ("keywords", ", ".join(entry.keywords) or "none"),
    ]


def _points(points: tuple[float | str, ...]) -> str:
    return ", ".join(f"{point:g}" if isinstance(point, float) else point for point in points) or "none"


def _line(word: str, text: str) -> str:
    return f"  {word:<8}  " + text.replace("\n", "\n" + " " * 12)


def _link(name: str) -> str:
    """Return where NumPy or SciPy describes a function; of ours, where rules are."""
    home, _, last = name.partition(".")
    if home == "scipy":
        return f"https://docs.scipy.org/doc/scipy/reference/generated/{name}.html"
    known = f"https://numpy.org/doc/stable/reference/generated/numpy.{last}.html"
    return known if home == "np" else "docs/rules.md"
