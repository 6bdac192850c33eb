"""Mutants: a derivative rule with one small error in it, made from its source.

A mutant shows whether tests would notice such an error. Errors are flipped signs, dropped terms and factors, zeros,
skipped calls, transposes and sums, swapped operands, functions and comparisons taken for their neighbours, results in
the wrong places.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from autodiff import summation
from autodiff.primitive import registry
from autodiff.source import Definition, definition_of
from autodiff.testing.mutation.changes import changes, last_name, replaced, tool

EFFECTS = {"add_at"}  # what works on its arguments is not run beside what stands in its place


class Tools:
    """What a mutant's source calls, and what it notes: was the changed place reached, and did its value differ."""

    def __init__(self) -> None:
        self.reached = False
        self.differed = False

    def mark(self, instead: Any, original: Any) -> Any:
        """Note what the change does to a value, and return the changed one."""
        self.reached = True
        self.differed = self.differed or not _same(instead, original)
        return instead

    def scaled(self, x: Any, factor: float) -> Any:
        """Return a result, or each of several, times a number."""
        return self.parts(x, lambda part: -part if factor == -1 else part * factor)

    def parts(self, x: Any, change: Callable[[Any], Any]) -> Any:
        """Return a result, or each of several, changed."""
        if x is None:
            return None
        if isinstance(x, dict):
            return {key: self.parts(part, change) for key, part in x.items()}
        return [self.parts(part, change) for part in x] if isinstance(x, (list, tuple)) else change(x)

    def rolled(self, x: Any) -> Any:
        """Return a result whose elements stand one place further, as of an index that is wrong by one."""
        return self.parts(x, lambda part: np.roll(part, 1))

    def reversed(self, x: Any) -> Any:
        """Return a result whose elements stand in the opposite order."""
        return self.parts(x, lambda part: np.flip(part))

    def shifted(self, x: Any, by: float) -> Any:
        """Return a result to which a number is added."""
        return self.parts(x, lambda part: part + by)

    def first(self, x: Any, axis: Any = None, keepdims: bool = False, dim: Any = None, **_: Any) -> Any:
        """Return the first element along the axes of a sum, in the sum's shape."""
        axis = dim if axis is None else axis
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
        index: list[Any] = [slice(None)] * x.ndim
        for i in axes:
            index[i] = slice(0, 1) if keepdims else 0
        return x[tuple(index)]

    def narrowed(self, g: Any, to: Any) -> Any:
        """Return a gradient in its operand's shape by the first element along broadcast axes, where a sum is due."""
        lead = g.ndim - len(to.shape)
        if g.shape == to.shape or lead < 0:
            return g
        kept = [slice(0, 1) if n == 1 else slice(None) for n in to.shape]
        return g[(*[0] * lead, *kept)]


@dataclass(frozen=True)
class Mutant:
    """A rule with one error: what the error is, the line it is in, and the function, to be called as the rule is."""

    name: str
    line: str
    function: Callable[..., Any]
    tools: Tools

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Mutant: {self.name} ({self.line})>"

    @property
    def effect(self) -> str:
        """What the error did when the mutant ran: it was not reached, it changed no value, or it changed one."""
        if not self.tools.reached:
            return "it was not reached"
        return "a value differed" if self.tools.differed else "it changed no value"


def mutate(rule: Callable[..., Any]) -> list[Mutant]:
    """Return the mutants of a rule, helpers of its own package that it calls included.

    `rule` is a rule of the registry, any function that returns derivatives, or a class with a `backward`. Changes that
    can be seen to change nothing (a factor 1, the sign of a zero) are not made; others, which only mathematics shows to
    be equivalent, are: a mutant's `effect` says whether it ever changed a value.

    >>> from autodiff.testing import mutate
    >>> import autodiff as ad, numpy as np
    >>> rule, = ad.registry[np.exp].rules  # lambda g, y: g * y
    >>> [mutant.name for mutant in mutate(rule)][-2:]
    ['drop the factor y', 'drop the factor g']
    >>> mutate(rule)[-1](2.0, 3.0)
    3.0
    """
    root = rule_of(rule)
    family = _family(root)
    made: list[Mutant] = []
    counts: Counter[str] = Counter()
    for function in family:
        definition = definition_of(function)
        seen = {ast.dump(definition)}
        for change in changes(definition, *_surroundings(function, family)):
            instead = change.instead
            if isinstance(change.node, ast.expr) and isinstance(instead, ast.expr):
                effective = isinstance(change.node, ast.Call) and last_name(change.node) in EFFECTS
                instead = tool("mark", instead, ast.Constant(None) if effective else change.node)
            dumped = ast.dump(replaced(definition, change.node, change.instead))
            if dumped in seen:
                continue
            seen.add(dumped)
            name = change.name if function is root else f"{change.name} (in {function.__name__})"
            counts[name] += 1
            name += f" ({counts[name]})" if counts[name] > 1 else ""
            made.append(_mutant(name, family, function, definition, [(change.node, instead)]))
    return made


def skip_unbroadcasting(rule: Callable[..., Any]) -> list[Mutant]:
    """Return the mutant of a registry's rule that takes one of many gradients of a broadcast operand, not their sum.

    The sum is the sweep's work (`sweep.fit`); where a gradient has its operand's shape, nothing changes. A rule that
    returns zeros has no such mutant.
    """
    root = rule_of(rule)
    definition = definition_of(root)
    if isinstance(definition, ast.Lambda) and last_name(definition.body) == "zeros_like":
        return []
    names = [a.arg for a in definition.args.args]
    asked: Definition = definition
    if "s" not in names:  # the operand's shape is asked for as a rule does: by the parameter's name
        more = ast.arguments(
            **{**dict(ast.iter_fields(definition.args)), "args": [*definition.args.args, ast.arg("s")]}
        )
        asked = type(definition)(**{**dict(ast.iter_fields(definition)), "args": more})
        ast.copy_location(asked, definition)
    answers = [definition.body] if isinstance(definition, ast.Lambda) else list(_returned(definition))
    narrowed = [(x, tool("mark", tool("narrowed", x, ast.Name("s", ast.Load())), x)) for x in answers]
    return [_mutant("skip un-broadcasting", [root], root, asked, narrowed)]


def misplaced(rule: Callable[..., Any], count: int) -> list[Mutant]:
    """Return some more mutants of a rule that has few: its elements in other places, or a number added to them.

    A rule that returns zeros has no places to exchange; numbers are added to it.
    """
    root = rule_of(rule)
    definition = definition_of(root)
    answers = [definition.body] if isinstance(definition, ast.Lambda) else list(_returned(definition))
    moved: list[tuple[str, str, list[ast.expr]]] = [
        ("roll the result by one place", "rolled", []),
        ("reverse the result", "reversed", []),
    ]
    zeros = len(answers) == 1 and last_name(answers[0]) == "zeros_like"
    kinds = [] if zeros else moved
    kinds += [(f"add {n} to the result", "shifted", [ast.Constant(n)]) for n in (1.0, 0.01, -1.0, -0.01)]
    made = []
    for name, change, numbers in kinds:
        changed = [(x, tool("mark", tool(change, x, *numbers), x)) for x in answers]
        made.append(_mutant(name, [root], root, definition, changed))
    return made[:count]


def rule_of(rule: Any) -> FunctionType:
    """Return the Python function that gives the derivatives of what was passed: itself, or a class's `backward`."""
    if isinstance(rule, type) and hasattr(rule, "backward"):
        rule = rule.backward
    function = inspect.unwrap(getattr(rule, "__func__", rule)) if callable(rule) else rule
    if rule in registry or isinstance(rule, np.ufunc):
        raise TypeError(
            f"mutate: {rule.__name__} is an operation, not a rule. Pass one of ad.registry[f].rules, or use "
            "mutation_score(f), which tries the mutants of all of them."
        )
    if not isinstance(function, FunctionType):
        raise TypeError(
            f"mutate: got a {type(rule).__name__}; expected a rule or another function written in Python, or a class "
            "with a backward method."
        )
    return function


# --- finding the source --------------------------------------------------------------------------------------------


def _returned(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what a function returns, not what functions inside it do."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value
        elif not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _family(root: FunctionType) -> list[FunctionType]:
    """Return a function and the functions of its own package that it calls, and so on, but no registered operation.

    Sums by BLAS (`summation`) are left alone, as NumPy's own are.
    """
    package = (root.__module__ or "").partition(".")[0]
    family = [root]
    for function in family:  # grows on the way
        for name in _names(function.__code__):
            helper = function.__globals__.get(name)
            if (
                isinstance(helper, FunctionType)
                and (helper.__module__ or "").partition(".")[0] == package
                and helper.__module__ != summation.__name__
                and helper not in registry
                and helper not in family
            ):
                family.append(helper)
    return family


def _surroundings(function: FunctionType, family: list[FunctionType]) -> tuple[set[str], set[str] | None]:
    """Return the names by which a function knows modules, and those of the helpers whose results are changed in them.

    Those are the helpers that take the gradient; of another helper (None), the result as a whole is not changed.
    """
    known = function.__globals__
    helpers = {name for name, value in known.items() if isinstance(value, FunctionType) and value in family[1:]}
    helpers = {name for name in helpers if known[name].__code__.co_varnames[:1] == ("g",)}
    modules = {name for name, value in known.items() if isinstance(value, ModuleType)}
    root = function is family[0]
    return modules, helpers if root or function.__code__.co_varnames[:1] == ("g",) else None


@functools.lru_cache(256)
def _names(code: CodeType) -> tuple[str, ...]:
    """Return the global names that code uses, functions inside it included."""
    own = [step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"]
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)]
    return tuple(dict.fromkeys(own + inner))


# --- making the function -------------------------------------------------------------------------------------------


def _mutant(
    name: str,
    family: list[FunctionType],
    changed: FunctionType,
    definition: Definition,
    exchanged: Sequence[tuple[ast.AST, ast.AST]],
) -> Mutant:
    """Return the root of a family with other nodes in one member's source; all of them call one another's copies."""
    tools = Tools()
    tree: ast.AST = definition
    for node, instead in exchanged:
        tree = replaced(tree, node, instead)
    copies = {f: _copy(f, compiled(tree, f) if f is changed else f.__code__, tools) for f in family}
    for function in copies.values():
        for name_used in _names(function.__code__):
            helper = function.__globals__.get(name_used)
            if isinstance(helper, FunctionType) and helper in copies:
                function.__globals__[name_used] = copies[helper]
    place = exchanged[0][0]
    line = f"{_short(changed.__code__.co_filename)}:{getattr(place, 'lineno', definition.lineno)}"
    return Mutant(name, line, copies[family[0]], tools)


def _copy(function: FunctionType, code: CodeType, tools: Tools) -> FunctionType:
    """Return a function with other code, and with globals of its own in which a mutant finds its tools."""
    cells: dict[str, CellType] = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    names = {**function.__globals__, "_mutation_": tools}
    copy = FunctionType(code, names, function.__name__, function.__defaults__, closure)
    copy.__kwdefaults__, copy.__qualname__ = function.__kwdefaults__, function.__qualname__
    return copy


def compiled(tree: Any, like: FunctionType) -> CodeType:
    """Compile a changed definition as it stood: under its file and lines, its free variables still free."""
    bare = [ast.Constant(None)] * len(tree.args.defaults)
    arguments = ast.arguments(**{**dict(ast.iter_fields(tree.args)), "defaults": bare})
    facts = {**dict(ast.iter_fields(tree)), "args": arguments}
    if isinstance(tree, ast.FunctionDef):
        inner: list[ast.stmt] = [ast.FunctionDef(**{**facts, "name": "<mutant>", "decorator_list": []})]
    else:
        inner = [ast.Expr(ast.Lambda(**facts))]
    free = ast.arguments([], [ast.arg(name) for name in like.__code__.co_freevars], None, [], [], None, [])
    for node in (outer := ast.FunctionDef("outer", free, inner, [], None)), *inner:
        ast.copy_location(node, tree)
    module = ast.fix_missing_locations(ast.Module([outer], []))
    code = compile(module, like.__code__.co_filename, "exec", dont_inherit=True)
    for _ in range(2):  # the module's code holds that of `outer`, which holds the function's
        code = [c for c in code.co_consts if isinstance(c, CodeType)][-1]
    return code.replace(co_name=like.__name__, co_qualname=like.__qualname__)


def _short(path: str) -> str:
    """Return a file's path from the working directory, if it is in there."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative


def _same(a: Any, b: Any) -> bool:
    """Say whether two values are equal up to round-off."""
    if a is b:
        return True
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    try:
        x, y = (np.asarray(getattr(v, "_data", v)) for v in (a, b))
        return x.shape == y.shape and np.allclose(x, y, rtol=1e-13, atol=0.0, equal_nan=True)
    except Exception:  # no numbers, or another library's that cannot be read here
        return False
