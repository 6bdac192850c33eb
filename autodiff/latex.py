"""Derivative rules as formulas: the source of a rule, read as mathematics."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from autodiff import protocols
from autodiff.plan import LETTERS, WORDS, Rule, parameters
from autodiff.primitive import Primitive, registry
from autodiff.source import definition_of

SUM, TERM, FACTOR, ATOM = range(4)  # how strongly a formula holds together
Piece = tuple[str, int]

GREEK = {"pi": r"\pi", "eps": r"\varepsilon", "inf": r"\infty", "nan": r"\mathrm{NaN}"}
# what a function of one argument is written as; {} stands for the argument, without brackets around it
WRAPPED = {
    "exp": "e^{{{}}}", "exp2": "2^{{{}}}", "sqrt": r"\sqrt{{{}}}", "cbrt": r"\sqrt[3]{{{}}}",
    "absolute": r"\left|{}\right|", "abs": r"\left|{}\right|", "fabs": r"\left|{}\right|",
    "conjugate": r"\overline{{{}}}", "conj": r"\overline{{{}}}",
    "floor": r"\lfloor {} \rfloor", "ceil": r"\lceil {} \rceil",
}  # fmt: skip
# a name that stands before its argument
NAMED = {
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "arcsin": r"\arcsin", "arccos": r"\arccos",
    "arctan": r"\arctan", "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh", "log": r"\log",
    "log2": r"\log_2", "log10": r"\log_{10}", "digamma": r"\psi", "gamma": r"\Gamma", "gammaln": r"\log\Gamma",
    "sum": r"\sum", "prod": r"\prod", "total": r"\sum", "zeta": r"\zeta", "expit": r"\sigma", "sigmoid": r"\sigma",
    "max": r"\max", "min": r"\min", "maximum": r"\max", "minimum": r"\min", "real": r"\operatorname{Re}",
    "imag": r"\operatorname{Im}", "det": r"\det", "trace": r"\operatorname{tr}", "fft": r"\mathcal{F}",
    "ifft": r"\mathcal{F}^{-1}",
}  # fmt: skip
OPERATORS = {
    "add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "product": ast.Mult, "matmul": ast.MatMult,
    "divide": ast.Div, "true_divide": ast.Div, "ratio": ast.Div, "power": ast.Pow, "float_power": ast.Pow,
}  # fmt: skip
RELATIONS = {
    "greater": ">", "greater_equal": r"\ge", "less": "<", "less_equal": r"\le", "equal": "=", "not_equal": r"\ne",
}  # fmt: skip
COMPARED = {
    ast.Gt: ">", ast.GtE: r"\ge", ast.Lt: "<", ast.LtE: r"\le", ast.Eq: "=", ast.NotEq: r"\ne", ast.In: r"\in",
    ast.NotIn: r"\notin", ast.Is: "=", ast.IsNot: r"\ne",
}  # fmt: skip
TRANSPOSED = {"T": r"\top", "mT": r"\top", "H": r"*", "mH": r"*"}
CASES, END = r"\begin{cases}", r"\end{cases}"
DEEPEST = 3  # helpers of one line are read through this far


class Formula(str):
    """A formula in LaTeX; it shows itself as it is, and a notebook typesets it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self}$" if r"\\" not in self else f"$$\\begin{{aligned}}{self}\\end{{aligned}}$$"


def latex(fun: Callable[..., Any] | Primitive) -> Formula:
    r"""Return a function's rules in LaTeX: the gradients of its operands by that of its output, one a line.

    A bar marks a gradient: of the output y, and of operands x, or a, b and c. Helpers that are no formulas keep
    their names. Of a function that has no gradient the result is empty.

    >>> import autodiff as ad, numpy as np
    >>> ad.latex(np.exp)
    \bar{x} = \bar{y} y
    >>> print(ad.latex(np.divide))
    \bar{a} &= \frac{\bar{y}}{b} \\
    \bar{b} &= -\frac{\bar{y} y}{b}
    """
    entry = fun if isinstance(fun, Primitive) else protocols.lookup(fun)
    if entry is None:
        raise KeyError(protocols.unknown(fun))
    if not entry.differentiable or entry.kind == "zero":
        return Formula("")
    if entry.joint is not None:
        return Formula(rf"\bar{{x}}_1, \bar{{x}}_2, \ldots = {_formula(entry, entry.joint)}")
    lines = [(_operand(entry, i), _formula(entry, r, i)) for i, r in enumerate(entry.rules) if r is not None]
    align = "&" if len(lines) > 1 else ""
    return Formula(" \\\\\n".join(rf"\bar{{{name}}} {align}= {formula}" for name, formula in lines))


def _operand(entry: Primitive, i: int) -> str:
    """Return how an operand is called in formulas."""
    if len(entry.rules) == 1:
        return "x"
    names = entry.signature.operands
    return _word(names[i]) if i < len(names) and len(names[i]) > 1 else "abcdefgh"[i]


def _formula(entry: Primitive, rule: Rule, i: int | None = None) -> str:
    function = inspect.unwrap(rule)
    assert isinstance(function, FunctionType)
    try:
        body = single(definition_of(function))
    except (ValueError, OSError):
        body = None
    if body is None:
        return rf"\operatorname{{{_plain(function.__name__.lstrip('_'))}}}\left(\ldots\right)"
    symbols = {name: _symbol(entry, name) for name in parameters(function)}
    if i is not None and "s" in symbols:
        symbols["s"] = _operand(entry, i)
    return _Reader(symbols, function).text(body)


def _symbol(entry: Primitive, name: str) -> str:
    """Return what a rule's parameter is written as."""
    words = {"g": r"\bar{y}", "y": "y", "s": "x", "xs": r"(x_1, x_2, \ldots)", "rest": r"(x_2, \ldots)"}
    if name in words or name in WORDS:
        return words.get(name, _word(name))
    operands = entry.signature.operands
    number = operands.index(name) if name in operands else LETTERS.get(name)
    if number is None:
        return _word(name)
    return _operand(entry, number) if entry.joint is None else name


def single(function: ast.Lambda | ast.FunctionDef) -> ast.expr | None:
    """Return the one expression that a function returns; None where it has more to say."""
    if isinstance(function, ast.Lambda):
        return function.body
    body = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    last = body[0] if len(body) == 1 else None
    return last.value if isinstance(last, ast.Return) else None


class _Reader:
    """Writes expressions of one function's source as formulas."""

    def __init__(self, symbols: dict[str, str], function: FunctionType, depth: int = 0) -> None:
        self.symbols, self.function, self.depth = symbols, function, depth

    def text(self, node: ast.AST, least: int = SUM) -> str:
        """Write an expression, in brackets where it holds together less than it must."""
        piece, strength = self.piece(node)
        return piece if strength >= least else rf"\left({piece}\right)"

    def piece(self, node: ast.AST) -> Piece:
        match node:
            case ast.Name(id=name):
                return self.symbols.get(name) or GREEK.get(name) or _word(name), ATOM
            case ast.Constant(value=value):
                return _constant(value), ATOM if not isinstance(value, (int, float)) or value >= 0 else SUM
            case ast.BinOp(left=left, op=op, right=right):
                return self.operation(left, op, right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"-{self.text(operand, TERM)}", SUM
            case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand):
                return rf"\neg {self.text(operand, FACTOR)}", FACTOR
            case ast.BoolOp(op=bool_op, values=values):
                sign = r" \land " if isinstance(bool_op, ast.And) else r" \lor "
                return sign.join(self.text(v, TERM) for v in values), SUM
            case ast.IfExp(body=ast.Constant(None), orelse=known) | ast.IfExp(body=known, orelse=ast.Constant(None)):
                return self.piece(known)  # an output that nobody used has no gradient
            case ast.IfExp(test=test, body=yes, orelse=no):
                return self.cases(test, yes, no)
            case ast.Compare(left=ast.Attribute(ast.Attribute(x, "dtype"), "kind"), comparators=[ast.Constant("c")]):
                return rf"{self.text(x)} \in \mathbb{{C}}", SUM
            case ast.Compare(left=left, ops=ops, comparators=others):
                parts = [self.text(left)]
                parts += [f"{COMPARED[type(op)]} {self.text(x)}" for op, x in zip(ops, others, strict=True)]
                return " ".join(parts), SUM
            case ast.Attribute(value=value, attr=attr):
                return self.attribute(value, attr)
            case ast.Subscript(value=ast.Name(id="g"), slice=ast.Constant(value=int(k))):
                return rf"\bar{{y}}_{{{k + 1}}}", ATOM
            case ast.Subscript(value=value, slice=index):
                return rf"{self.text(value, ATOM)}_{{[{_plain(ast.unparse(index))}]}}", ATOM
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return rf"\left({', '.join(self.text(p) for p in parts)}\right)", ATOM
            case ast.Starred(value=value):
                return self.piece(value)
            case ast.Call():
                return self.call(node)
        return rf"\texttt{{{_plain(ast.unparse(node))}}}", ATOM

    def operation(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Piece:
        match op:
            case ast.Add() | ast.Sub():
                plus = isinstance(op, ast.Add)
                second = self.text(right, SUM if plus else TERM)
                if second.startswith("-"):
                    plus, second = not plus, second[1:]
                return f"{self.text(left)} {'+' if plus else '-'} {second}", SUM
            case ast.Mult() | ast.MatMult():
                for one, other in ((left, right), (right, left)):  # signs and numbers come first
                    if isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.USub):
                        return f"-{self.text(_times(one.operand, other, op, first=one is left), TERM)}", SUM
                if isinstance(right, ast.Constant) and not isinstance(left, ast.Constant):
                    return self.piece(left) if right.value == 1 else self.operation(right, op, left)
                if ast.dump(left) == ast.dump(right) and isinstance(op, ast.Mult):
                    return rf"{self.text(left, ATOM)}^{{2}}", FACTOR
                chained = isinstance(right, ast.BinOp) and isinstance(right.op, ast.Mult | ast.MatMult)
                first, second = self.text(left, TERM), self.text(right, TERM if chained else FACTOR)
                if second == "1":
                    return self.piece(left)
                between = r" \cdot " if second[:1].isdigit() else " "
                return f"{first}{between}{second}", TERM
            case ast.Div():
                return rf"\frac{{{self.text(left)}}}{{{self.text(right)}}}", FACTOR
            case ast.FloorDiv():
                return rf"\left\lfloor \frac{{{self.text(left)}}}{{{self.text(right)}}} \right\rfloor", FACTOR
            case ast.Pow():
                return f"{self.text(left, ATOM)}^{{{self.text(right)}}}", FACTOR
            case ast.Mod():
                return rf"{self.text(left, FACTOR)} \bmod {self.text(right, FACTOR)}", TERM
            case ast.BitAnd() | ast.BitOr():
                sign = r"\land" if isinstance(op, ast.BitAnd) else r"\lor"
                return f"{self.text(left, TERM)} {sign} {self.text(right, TERM)}", SUM
        return rf"\texttt{{{_plain(ast.unparse(ast.BinOp(left, op, right)))}}}", ATOM

    def attribute(self, value: ast.expr, attr: str) -> Piece:
        if attr in TRANSPOSED:
            return rf"{self.text(value, ATOM)}^{{{TRANSPOSED[attr]}}}", FACTOR
        if attr in ("real", "imag"):
            return rf"\operatorname{{{attr[:2].title()}}} {self.text(value, ATOM)}", FACTOR
        if isinstance(value, ast.Name) and value.id in ("np", "math"):
            return GREEK.get(attr) or _word(attr), ATOM
        return rf"\operatorname{{{_plain(attr)}}}\left({self.text(value)}\right)", ATOM

    def cases(self, test: ast.expr, yes: ast.expr, no: ast.expr) -> Piece:
        rows = rf"{self.text(yes)} & \text{{if }} {self.text(test)} \\ "
        rest = self.text(no)
        nested = rest.startswith(CASES) and rest.endswith(END) and rest.count(CASES) == 1
        rows += rest.removeprefix(CASES).removesuffix(END).strip() if nested else rf"{rest} & \text{{else}}"
        return f"{CASES} {rows} {END}", ATOM

    def call(self, node: ast.Call) -> Piece:
        """Write a call: an operator, a function with a notation, a helper of one line as that line, else by name."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        args: list[ast.expr] = list(node.args)
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value, self.function):
            args = [node.func.value, *args]
        if (body := self.helper(name, node)) is not None:
            return body
        match name, args:
            case _, [a, b] if name in OPERATORS:
                return self.operation(a, OPERATORS[name](), b)
            case _, [a, b] if name in RELATIONS:
                return f"{self.text(a)} {RELATIONS[name]} {self.text(b)}", SUM
            case "logical_and" | "logical_or", [a, b]:
                return self.operation(a, ast.BitAnd() if name == "logical_and" else ast.BitOr(), b)
            case "where", [a, b, c]:
                return self.cases(a, b, c)
            case "negative", [a]:
                return f"-{self.text(a, TERM)}", SUM
            case "square", [a]:
                return f"{self.text(a, ATOM)}^{{2}}", FACTOR
            case "reciprocal", [a]:
                return rf"\frac{{1}}{{{self.text(a)}}}", FACTOR
            case "inv", [a]:
                return f"{self.text(a, ATOM)}^{{-1}}", FACTOR
            case "expm1", [a]:
                return f"e^{{{self.text(a)}}} - 1", SUM
            case "log1p", [a]:
                return rf"\log\left(1 + {self.text(a)}\right)", FACTOR
            case "zeros_like", [_, *_]:
                return "0", ATOM
            case "ones_like", [_, *_]:
                return "1", ATOM
            case "matrix_transpose", [a]:
                return rf"{self.text(a, ATOM)}^{{\top}}", FACTOR
            case "astype" | "asarray" | "copy" | "spread" | "broadcast_to", [a, *_]:
                return self.piece(a)
            case _, [a] if name in WRAPPED and not node.keywords:
                return WRAPPED[name].format(self.text(a)), FACTOR
            case "sum" | "prod" | "total", [a, *_]:
                return f"{NAMED[name]} {self.text(a, TERM)}", TERM
        called = NAMED.get(name) or rf"\operatorname{{{_plain(name.lstrip('_') or 'f')}}}"
        given = [self.text(a) for a in args]
        given += [f"{_word(k.arg)} = {self.text(k.value)}" for k in node.keywords if k.arg]
        return rf"{called}\left({', '.join(given)}\right)", FACTOR

    def helper(self, name: str, node: ast.Call) -> Piece | None:
        """Read through a helper that is one expression, its parameters replaced by what they are given."""
        known = self.function.__globals__.get(name) if isinstance(node.func, ast.Name) else None
        if not isinstance(known, FunctionType) or known in registry or self.depth >= DEEPEST:
            return None
        if name in {*OPERATORS, *WRAPPED, *NAMED, "spread"} or any(isinstance(a, ast.Starred) for a in node.args):
            return None
        try:
            body = single(definition_of(known))
            given = inspect.signature(known).bind(*node.args, **{k.arg: k.value for k in node.keywords if k.arg})
        except (ValueError, TypeError):
            return None
        if body is None or any(map(_is_bookkeeping, ast.walk(body))):
            return None
        given.apply_defaults()
        inner = {n: a for n, a in given.arguments.items() if isinstance(a, ast.expr)}
        plain = {n: _constant(a) for n, a in given.arguments.items() if n not in inner}
        body = _Inlined(inner).visit(copy.deepcopy(body))
        return _Reader(self.symbols | plain, known, self.depth + 1).piece(body)


class _Inlined(ast.NodeTransformer):
    """Puts arguments in the place of parameters."""

    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.given.get(node.id, node)


def _is_module(node: ast.AST, function: FunctionType) -> bool:
    """Say whether a dotted name begins with a module that a function's file imports."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and inspect.ismodule(function.__globals__.get(node.id))


def _is_bookkeeping(node: ast.AST) -> bool:
    """Say whether a piece of source is about arguments and shapes, so that a helper's name says more."""
    if isinstance(node, ast.Compare):
        return isinstance(node.ops[0], ast.Is | ast.IsNot)
    loops = ast.ListComp, ast.GeneratorExp, ast.Tuple, ast.List, ast.Slice
    return isinstance(node, loops) or (isinstance(node, ast.Name) and node.id in ("isinstance", "len", "range"))


def _times(a: ast.expr, b: ast.expr, op: ast.operator, *, first: bool) -> ast.BinOp:
    return ast.BinOp(a, op, b) if first else ast.BinOp(b, op, a)


def _constant(value: object) -> str:
    if isinstance(value, complex) and not value.real:
        return {1j: "i", -1j: "-i"}.get(value) or f"{_constant(value.imag)} i"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return rf"\text{{{_plain(value)}}}"
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else rf"\mathrm{{{value}}}"


def _word(name: str) -> str:
    return name if len(name) == 1 else rf"\mathit{{{_plain(name)}}}"


def _plain(text: str) -> str:
    """Escape what LaTeX would read as its own."""
    return "".join({"\\": r"\backslash "}.get(c, f"\\{c}" if c in "_{}%#&$^~" else c) for c in text)
