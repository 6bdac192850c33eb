"""What becomes of every function: its status, read from the registry, and the table of them all."""

from __future__ import annotations

import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff import protocols
from autodiff.primitive import DOMAINS, Primitive, is_numpys, refused, registry
from autodiff.rules import others
from autodiff.rules.others import BY_A_DATA_TYPE, category
from autodiff.source import aliases, public, spelled

MODULES = "numpy", "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg"
CHAPTERS = "autodiff.rules.special", "autodiff.special", "autodiff.linalg"  # those that load SciPy

DIFFERENTIABLE, ZERO, CONSTANT, PLAIN = "differentiable", "derivative zero", "no gradient", "plain values"
UNSUPPORTED, NO_RULE, ASIDE = "unsupported", "no rule", "no tensors"
MEANS = {
    DIFFERENTIABLE: "has a derivative, of any order",
    ZERO: "is piecewise constant: the derivative is 0 wherever it exists",
    CONSTANT: "gives a Tensor that carries no gradient: an index, a count, a truth",
    PLAIN: "takes Tensors and gives NumPy's or Python's own values",
    UNSUPPORTED: "could have a derivative and has no rule; a Tensor is refused by name",
    NO_RULE: "is SciPy's and has no derivative rule; a Tensor is refused",
    ASIDE: "is no function of arrays: it takes no Tensor, or refuses one",
}


class Status(NamedTuple):
    """What a function is to this package, why, and what to call in its place."""

    kind: str
    reason: str
    instead: str = ""

    def __str__(self) -> str:
        return f"{self.reason}." + (f" Use {self.instead}." if self.instead else "")


def status(fun: Callable[..., Any]) -> Status | None:
    """Return a function's status; None if nothing is known of it.

    >>> import autodiff as ad, numpy as np
    >>> [status(f).kind for f in (np.exp, np.floor, np.argmax, np.shape, np.zeros)]
    ['differentiable', 'derivative zero', 'no gradient', 'plain values', 'no tensors']
    """
    entry = protocols.lookup(fun)
    if entry is not None:
        kind = _kind(entry)
        return Status(kind, MEANS[kind], others.SMOOTH.get(entry.fun, ""))
    if fun in refused:
        return Status(UNSUPPORTED, *refused[fun])
    if _is_offered(fun):
        return Status(ASIDE, "SciPy's: it makes plain arrays of tensors", f"ad.special.{fun.__name__}")
    row = category(fun)
    if row is None:
        return None
    return Status(ASIDE if row.reason is not others.NO_RULE else NO_RULE, f"{row.title}: {row.reason}", row.instead)


def _is_offered(fun: Any) -> bool:
    """Say whether ad.special has a function of scipy.special's that is written in Python."""
    name = getattr(fun, "__name__", "test")
    offered = getattr(sys.modules.get("autodiff.special"), "__all__", ())
    return name in offered and getattr(sys.modules["scipy.special"], name, None) is fun


def _kind(entry: Primitive) -> str:
    if entry.kind == "plain":
        return PLAIN
    if entry.kind == "zero" or (entry.rules and all(map(_gives_zeros, entry.rules))):
        return ZERO
    return DIFFERENTIABLE if entry.differentiable or entry.kind == "composite" else CONSTANT


def _gives_zeros(rule: Any) -> bool:
    """Say whether a rule is `lambda g: np.zeros_like(g)`."""
    code = getattr(rule, "__code__", None)
    return code is not None and code.co_varnames == ("g",) and code.co_names[-1:] == ("zeros_like",)


# --- the table -------------------------------------------------------------------------------------------------------

COLUMNS = ("function", "status", "class", "domain", "kinks and singular points", "keywords", "note")
WIDEST = 40  # characters of a column


class Row(NamedTuple):
    """One function of the table."""

    name: str
    aliases: tuple[str, ...]
    status: str
    kind: str = ""
    domain: str = ""
    points: str = ""
    keywords: tuple[str, ...] = ()
    note: str = ""
    chapter: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in the columns."""
        return self.name, self.status, self.kind, self.domain, self.points, ", ".join(self.keywords), self.note


class Coverage:
    """The table of functions: printed as text, in a notebook as HTML, in the documentation as Markdown."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many functions there are of each status."""
        found = Counter(row.status for row in self.rows)
        return {kind: found[kind] for kind in MEANS if kind in found}

    @property
    def summary(self) -> str:
        """The counts as a sentence."""
        return f"{len(self):,} functions: " + ", ".join(f"{n} {kind}" for kind, n in self.counts.items()) + "."

    def __repr__(self) -> str:
        lines = [COLUMNS, *(row.cells for row in self.rows)]
        widths = [min(max(map(len, column)), WIDEST) for column in zip(*lines, strict=True)]
        lines.insert(1, tuple("-" * width for width in widths))
        texts = ("  ".join(_fitted(c, w) for c, w in zip(cells, widths, strict=True)).rstrip() for cells in lines)
        return "\n".join([*texts, self.summary])

    def _repr_html_(self) -> str:
        import html

        heads = "".join(f"<th>{c}</th>" for c in COLUMNS)
        rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row.cells) for row in self.rows)
        body = "".join(f"<tr>{cells}</tr>" for cells in rows)
        return f"<div>{html.escape(self.summary)}<table><tr>{heads}</tr>{body}</table></div>"

    def markdown(self) -> str:
        """Return the table as the documentation has it: counts, a section a chapter, then what has no gradient."""
        chapters = {_section(row) for row in self.rows if row.status == DIFFERENTIABLE}
        cells: list[Sequence[str]]
        parts = [HEAD.format(numpy=_version("numpy"), scipy=_version("scipy")), _counted(self.rows), _legend()]
        for chapter in sorted(chapters, key=lambda c: (c in (OWN, PARTS), _title(c))):
            rows = [row for row in self.rows if (_section(row), row.status) == (chapter, DIFFERENTIABLE)]
            cells = [(_named(r), r.kind, r.domain, r.points, _code(r.keywords), r.note) for r in rows]
            parts += [f"## {_title(chapter)}", _table(("function", *COLUMNS[2:]), cells)]
        for kind in (ZERO, CONSTANT, PLAIN):
            names = [_named(row) for row in self.rows if row.status == kind]
            parts += [f"## {kind.capitalize()}", f"Each {MEANS[kind]}.", ", ".join(names) + "."]
        cells = [(_named(row), row.note) for row in self.rows if row.status == UNSUPPORTED]
        parts += [f"## {UNSUPPORTED.capitalize()}", f"Each {MEANS[UNSUPPORTED]}.", _table(("function", "why"), cells)]
        for kind in (NO_RULE, ASIDE):
            cells = [(f"{key[0]}, of `{key[1]}`", _code(names), key[2]) for key, names in _grouped(self.rows, kind)]
            parts += [f"## {kind.capitalize()}", f"Each {MEANS[kind]}.", _table(("what", "functions", "why"), cells)]
        return "\n\n".join(parts) + "\n"


def coverage(only: str = "") -> Coverage:
    """Return the table of all functions and their statuses; `only` those whose name, status, class or chapter it is.

    >>> import autodiff as ad
    >>> ad.coverage("np.tanh").counts
    {'differentiable': 1}
    """
    for module in (*MODULES, *CHAPTERS):
        importlib.import_module(module)
    names = public()
    rows = {row.name: row for row in (_row(fun, names) for fun in _functions())}
    return Coverage(sorted((row for row in rows.values() if _fits(row, only)), key=lambda row: _order(row.name)))


def _order(name: str) -> tuple[int, str]:
    """Sort by home, those of NumPy first, then by name."""
    homes = ["np", "np.linalg", "np.fft", "scipy.special", "scipy.linalg", "ad"]
    return homes.index(home) if (home := _home(name)) in homes else len(homes), name.lower()


def _functions() -> list[Callable[..., Any]]:
    """Return every public callable once: NumPy's, SciPy's of its two modules, and the engine's own operations."""
    found = {
        id(fun): fun
        for module in MODULES
        for name, fun in vars(sys.modules[module]).items()
        if callable(fun) and not name.startswith("_") and (module != "scipy.special" or _is_special(fun))
    }
    own = {id(e.fun): e.fun for e in registry.values() if not is_numpys(e.fun) and e.fun.__module__[:9] == "autodiff."}
    return list((found | own).values())


def _is_special(fun: Callable[..., Any]) -> bool:
    """Say whether a function of scipy.special is a ufunc of its own, or is offered here."""
    return (
        fun in registry
        or _is_offered(fun)
        or (isinstance(fun, np.ufunc) and getattr(np, fun.__name__, None) is not fun)
    )


def _row(fun: Any, names: dict[int, list[str]]) -> Row:
    entry, known = registry.get(fun), status(fun)
    if known is None:
        return Row(spelled(fun, names), (), "unknown")
    if entry is None:
        others = tuple(name for name in names.get(id(fun), []) if name != spelled(fun, names))
        return Row(spelled(fun, names), others, known.kind, note=str(known))
    kind = entry.kind if known.kind == DIFFERENTIABLE else ""
    facts = (kind, _domain(entry), _points(entry), entry.keywords) if known.kind != PLAIN else ()
    called = [spelled(entry.fun, names), *aliases(entry, registry, names)]
    called = [name for name in called if _is_public(name)] or called[:1]
    silent = [name for name in called if name.startswith("scipy.") and called[0].startswith("ad.")]
    others = tuple(name for name in called[1:] if name not in silent)
    notes = ["complex"] * (entry.complex and known.kind == DIFFERENTIABLE)
    notes += [f"in place of {' and '.join(silent)}, which knows no Tensor"] * bool(silent)
    return Row(called[0], others, known.kind, *facts)._replace(note="; ".join(notes), chapter=_chapter(entry))


def _is_public(name: str) -> bool:
    return not name.startswith("autodiff.")


def _domain(entry: Primitive) -> str:
    parts = entry.domain if isinstance(entry.domain, tuple) else (entry.domain,)
    return ", ".join(part or "any" for part in parts) if any(parts) else ""


def _points(entry: Primitive) -> str:
    kinks = ", ".join(f"{point:g}" if isinstance(point, float) else point for point in entry.kinks)
    singular = ", ".join(f"{point:g}" if isinstance(point, float) else point for point in entry.singular)
    return "; ".join([kinks] * bool(kinks) + [f"singular: {singular}"] * bool(singular))


def _chapter(entry: Primitive) -> str:
    """Return the module that an entry's rules stand in."""
    written = [rule for rule in (*entry.rules, entry.joint) if rule is not None] or [entry.kernel]
    module: str = getattr(written[0], "__module__", None) or ""
    return module


def _title(chapter: str) -> str:
    """Return what a chapter is about: the first words of its file."""
    return re.split(r"[.:;\n]", getattr(sys.modules.get(chapter), "__doc__", None) or chapter)[0]


def _fits(row: Row, only: str) -> bool:
    named = any(only.lower() in name.lower() for name in (row.name, *row.aliases))
    return named or only in (row.status, row.kind, row.chapter.rpartition(".")[2])


def _fitted(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 3] + "..."


# --- as Markdown -----------------------------------------------------------------------------------------------------

HEAD = """# What has a derivative

<!-- Written by scripts/coverage from the registry; a test fails when it is stale. Edit the registry, not this page. -->

Every public callable of NumPy {numpy} (`np`, `np.linalg`, `np.fft`), every ufunc of SciPy {scipy}'s `scipy.special` and
every function of `scipy.linalg` has a status. `ad.coverage()` prints this table, `ad.coverage("linalg")` a part of it,
and `ad.help(np.tanh)` all that is known of one function."""

LEGEND = """| column | what it says |
| --- | --- |
| class | how the result depends on the operands: `elementwise`, `linear`, `bilinear`, `multilinear`, a `reduction`, a \
`composite` of other functions, or none of these (`other`); the rule of forward mode follows from it |
| domain | where operands lie (of orders and parameters: where examples are drawn), \
one word an operand, anywhere if there is none: {domains} |
| kinks and singular points | where the derivative is a convention: numbers, the `tie` of largest elements, the \
`bounds` of an interval, `integers`, `halves` between them, `binades` (powers of 2), a whole `quotient`, the `origin`, \
`equal` elements, the `cut` along the negative axis, the `step` at a first operand 0; then where it is infinite or \
undefined |
| keywords | what may be given beside arrays; other keywords of NumPy's are refused by name |
| note | `complex`: has a derivative at complex operands too |"""


SOME_TYPES = "bool", "int64", "float32", "float64", "complex128"
OWN, PARTS = "Functions that NumPy and SciPy lack", "Parts that rules are written with"


def _legend() -> str:
    named = (f"`{name}` ({d.low:.3g} to {d.high:.3g})" for name, d in DOMAINS.items() if name not in (None, "nonzero"))
    return LEGEND.format(domains=", ".join(named))


def _counted(rows: Sequence[Row]) -> str:
    homes = list(dict.fromkeys(_home(row.name) for row in rows))
    cells = []
    for home in homes:
        found = Counter(row.status for row in rows if _home(row.name) == home)
        cells.append((f"`{home}`", *(str(found[kind] or "") for kind in MEANS), str(found.total())))
    found = Counter(row.status for row in rows)
    cells.append(("together", *(str(found[kind]) for kind in MEANS), str(found.total())))
    return _table(("", *MEANS, "together"), cells)


def _home(name: str) -> str:
    return name.rpartition(".")[0] if _is_public(name) else "parts of rules"


def _named(row: Row) -> str:
    others = [f"`{name}`" for name in row.aliases]
    return f"`{row.name}`" + (f" (also {', '.join(others)})" if others else "")


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _grouped(rows: Iterable[Row], kind: str) -> list[tuple[tuple[str, str, str], list[str]]]:
    """Return the names of functions of a status by their category, home and reason; of data types a few alone."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.status == kind:
            title, _, why = row.note.partition(": ")
            found.setdefault((title, _home(row.name), why), []).append(row.name.rpartition(".")[2])
    types = str(Status("", BY_A_DATA_TYPE.reason, BY_A_DATA_TYPE.instead))  # there are others on other machines
    return [(key, [n for n in names if n in SOME_TYPES] if key[2] == types else names) for key, names in found.items()]


def _section(row: Row) -> str:
    """Return the section of the page that a row stands in: its chapter; what is not NumPy's or SciPy's comes last."""
    return row.chapter if row.name.startswith(("np.", "scipy.")) else OWN if _is_public(row.name) else PARTS


def _table(heads: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _version(module: str) -> str:
    return ".".join(sys.modules[module].__version__.split(".")[:2])
