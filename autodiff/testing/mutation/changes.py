"""The small errors a derivative rule is given: what may stand in the place of each expression of its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")

# Functions of two factors, of a numerator and a divisor, and so on, wherever they come from (np, kernels, operators).
PRODUCTS = {"multiply", "product", "matmul", "outer", "inner", "dot", "vdot"}
QUOTIENTS = {"divide", "true_divide", "ratio"}
ORDERED = {"matmul", "dot", "outer"}  # products that do not commute
SUMS = {"sum", "reduce", "nansum"}
NEIGHBOURS = {
    "sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "exp": "expm1", "log": "log1p", "maximum": "minimum",
    "minimum": "maximum", "greater": "greater_equal", "greater_equal": "greater", "less": "less_equal",
    "less_equal": "less", "equal": "not_equal", "not_equal": "equal",
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
SIGNS = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
TRANSPOSES = {"T", "mT", "H", "mH"}
# What changes no value (or is not about values) when it is left out.
NEUTRAL = {
    "astype", "copy", "asarray", "array", "ascontiguousarray", "positive", "ones_like",
    "len", "range", "int", "float", "bool", "tuple", "list", "dict", "set", "max", "min", "zip", "enumerate", "iter",
    "next", "map", "slice", "isinstance", "getattr", "hasattr", "type", "super", "index", "items", "values", "get",
    "split", "join", "format", "append", "shape", "ndim", "size",
}  # fmt: skip


class Change(NamedTuple):
    """A node of a rule's source (an expression or a statement), what stands there instead, and what to call that."""

    node: ast.AST
    instead: ast.AST
    name: str


def changes(
    function: ast.Lambda | ast.FunctionDef, modules: set[str], helpers: set[str] | None = None
) -> Iterator[Change]:
    """Yield the changes to a function that knows modules by these names.

    Its results are changed as a whole where they are not a helper's, and not at all if `helpers` is None.
    """
    imported = {a.asname or a.name for n in ast.walk(function) if isinstance(n, ast.Import) for a in n.names}
    search = _Search(modules | imported, helpers)
    if isinstance(function, ast.Lambda):
        yield from search.result(function.body)
    else:
        yield from search.statements(function.body)


def replaced(tree: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """Return a tree with another node in the place of one of its own; nothing is changed in place."""
    if tree is old:
        return new
    fields = dict(ast.iter_fields(tree))
    changed = {name: v for name, value in fields.items() if (v := _replaced(value, old, new)) is not value}
    return ast.copy_location(type(tree)(**fields | changed), tree) if changed else tree


def _replaced(value: object, old: ast.AST, new: ast.AST) -> object:
    if isinstance(value, list):
        parts = [_replaced(v, old, new) for v in value]
        return value if all(p is v for p, v in zip(parts, value, strict=True)) else parts
    return replaced(value, old, new) if isinstance(value, ast.AST) else value


def tool(name: str, *args: ast.expr) -> ast.Call:
    """Return a call of one of the tools that a mutant is given (see `mutants.Tools`)."""
    called = ast.Attribute(ast.Name("_mutation_", ast.Load()), name, ast.Load())
    return ast.Call(called, list(args), [])


def text(node: ast.AST) -> str:
    """Return a piece of source, short."""
    line = " ".join(ast.unparse(node).split())
    return line if len(line) <= 48 else line[:45] + "..."


class _Search:
    """Walks through a function's statements and expressions and yields changes."""

    def __init__(self, modules: set[str], helpers: set[str] | None) -> None:
        self.modules, self.helpers = modules, helpers

    # --- statements ---

    def statements(self, body: list[ast.stmt]) -> Iterator[Change]:
        for node in body:
            match node:
                case ast.Return(value=value) if value is not None:
                    yield from self.result(value)
                case ast.Assign(value=value, targets=targets):
                    yield from self.expression(value)
                    if isinstance(targets[0], ast.Subscript):
                        yield _left_out(node)
                case ast.AnnAssign(value=value) if value is not None:
                    yield from self.expression(value)
                case ast.AugAssign(value=value, op=op):
                    yield from self.expression(value)
                    yield _left_out(node)
                    if isinstance(op, ast.Add | ast.Sub):
                        other = ast.AugAssign(node.target, _opposite(op), tool("mark", value, ast.Constant(None)))
                        yield Change(node, other, f"flip the sign of {text(value)}")
                case ast.Expr(value=ast.Call()):
                    yield _left_out(node)
                case ast.If() | ast.For() | ast.While():
                    yield from self.statements(node.body)
                    yield from self.statements(node.orelse)
                case ast.With(body=inner) | ast.FunctionDef(body=inner):
                    yield from self.statements(inner)
                case ast.Try():
                    yield from self.statements(node.body)

    def result(self, node: ast.expr) -> Iterator[Change]:
        """Yield the changes to what a function returns: its sign, its size, nothing at all; then those inside it."""
        match node:
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Dict(values=parts) if parts:
                for part in parts:
                    yield from self.result(part)
                return
            case ast.IfExp(body=first, orelse=second):
                yield from self.result(first)
                yield from self.result(second)
                return
        known = (
            self.helpers is None or isinstance(node, ast.Constant) or last_name(node) in {"zeros_like", *self.helpers}
        )
        if not known:
            yield Change(node, _negative(node), f"flip the sign of {text(node)}")
            yield Change(node, tool("scaled", node, ast.Constant(0.0)), f"return zero for {text(node)}")
            yield Change(node, tool("scaled", node, ast.Constant(1.001)), f"scale {text(node)} by 1.001")
        yield from self.expression(node, signed=True)

    # --- expressions ---

    def expression(self, node: ast.AST, signed: bool = False) -> Iterator[Change]:
        """Yield the changes within an expression; `signed` says that its sign is flipped as a whole already."""
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                if not signed:
                    yield Change(node, operand, f"flip the sign of {text(node)}")
                yield from self.expression(operand, signed=True)
            case ast.BinOp(left=left, right=right):
                if not (_is_sequence(left) or _is_sequence(right)):
                    yield from _arithmetic(node)
                    through = signed and isinstance(node.op, ast.Mult | ast.Div)
                    own = isinstance(node.op, ast.Add | ast.Sub)
                    yield from self.expression(left, signed=through or own)
                    yield from self.expression(right, signed=through or own)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                other = COMPARISONS[type(op)]
                name = f"replace {SIGNS[type(op)]} by {SIGNS[other]} in {text(node)}"
                yield Change(node, ast.Compare(left, [other()], [right]), name)
                yield from self.expression(left)
                yield from self.expression(right)
            case ast.Call():
                yield from self.call(node)
                for part in [*node.args, *(k.value for k in node.keywords)]:
                    yield from self.expression(part)
                if isinstance(node.func, ast.Attribute):
                    yield from self.expression(node.func.value)
            case ast.Attribute(value=value, attr=attr):
                if attr in TRANSPOSES:
                    yield Change(node, value, f"skip the transpose .{attr} of {text(value)}")
                    yield from self.expression(value)
            case ast.Subscript(value=value, slice=index):
                if any(isinstance(part, ast.Slice) for part in ast.walk(index)) and not _is_metadata(value):
                    yield Change(node, value, f"skip the index [{text(index)}]")
                yield from self.expression(value, signed)
            case ast.IfExp(body=first, orelse=second):
                yield from self.expression(first)
                yield from self.expression(second)
            case ast.ListComp(elt=elt) | ast.GeneratorExp(elt=elt):
                yield from self.expression(elt)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    yield from self.expression(part)
            case ast.Starred(value=value) | ast.Lambda(body=value):
                yield from self.expression(value)

    def call(self, node: ast.Call) -> Iterator[Change]:
        """Yield the changes to a call as a whole, by the name of what is called."""
        name, args = last_name(node), node.args
        if name in PRODUCTS and len(args) == 2:
            for kept, gone in (args, args[::-1]):
                if not _is_one(gone):
                    yield Change(node, kept, f"drop the factor {text(gone)}")
            if name in ORDERED:
                yield Change(node, _called(node, args[::-1]), f"swap the operands of {text(node)}")
        elif name in QUOTIENTS and len(args) == 2:
            if not _is_one(args[1]):
                yield Change(node, args[0], f"drop the divisor {text(args[1])}")
            yield Change(node, _called(node, args[::-1]), f"swap the operands of {text(node)}")
        elif name == "where" and len(args) == 3:
            yield Change(node, _called(node, [args[0], args[2], args[1]]), f"swap the branches of {text(node)}")
            for branch in args[1:]:
                if not isinstance(branch, ast.Constant):
                    yield Change(node, branch, f"always take the branch {text(branch)}")
        elif name in SUMS and (summed := self.subject(node)) is not None:
            sliced = tool("first", summed, *(args[1:] if args[:1] == [summed] else args))
            sliced.keywords = node.keywords
            yield Change(node, summed, f"skip the sum {text(node)}")
            yield Change(node, sliced, f"take the first instead of the sum {text(node)}")
        elif name and name not in NEUTRAL and (skipped := self.subject(node)) is not None:
            yield Change(node, skipped, f"skip {name} in {text(node)}")
        if name in NEIGHBOURS and isinstance(node.func, ast.Attribute):
            other = ast.Attribute(node.func.value, NEIGHBOURS[name], ast.Load())
            yield Change(node, ast.Call(other, args, node.keywords), f"replace {name} by {NEIGHBOURS[name]}")

    def subject(self, node: ast.Call) -> ast.expr | None:
        """Return what a call works on: the first argument of `f(x)` and `np.f(x)`, x itself in `x.f()`."""
        base: ast.expr = node.func
        while isinstance(base, ast.Attribute):
            base = base.value
        if isinstance(node.func, ast.Attribute) and not (isinstance(base, ast.Name) and base.id in self.modules):
            return None if _is_metadata(node.func.value) else node.func.value
        return node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None


def _arithmetic(node: ast.BinOp) -> Iterator[Change]:
    """Yield the changes to a sum, product, quotient or power of two."""
    left, right = node.left, node.right
    match node.op:
        case ast.Add() | ast.Sub():
            plus = isinstance(node.op, ast.Add)
            other = ast.BinOp(left, _opposite(node.op), right)
            yield Change(node, left, f"drop the term {'+' if plus else '-'} {text(right)}")
            yield Change(node, right if plus else ast.UnaryOp(ast.USub(), right), f"drop the term {text(left)}")
            yield Change(node, other, f"flip the sign of the term {text(right)}")
            yield Change(left, _negative(left), f"flip the sign of the term {text(left)}")
        case ast.Mult() | ast.MatMult():
            for kept, gone in ((left, right), (right, left)):
                if not _is_one(gone):
                    yield Change(node, kept, f"drop the factor {text(gone)}")
            if isinstance(node.op, ast.MatMult):
                yield Change(node, ast.BinOp(right, node.op, left), f"swap the operands of {text(node)}")
        case ast.Div():
            if not _is_one(right):
                yield Change(node, left, f"drop the divisor {text(right)}")
            yield Change(node, ast.BinOp(right, node.op, left), f"swap the operands of {text(node)}")
        case ast.Pow():
            yield Change(node, left, f"drop the exponent {text(right)}")
        case ast.BitAnd() | ast.BitOr():
            yield Change(node, left, f"drop the condition {text(right)}")
            yield Change(node, right, f"drop the condition {text(left)}")


def _negative(node: ast.expr) -> ast.expr:
    """Return an expression with its sign flipped: a minus that is there is taken away, else one is put before it."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return operand
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            return ast.BinOp(_negative(left), op, right)
        case ast.BinOp() | ast.Constant() | ast.Name() | ast.Subscript():
            return ast.UnaryOp(ast.USub(), node)
    return tool("scaled", node, ast.Constant(-1.0))


def _left_out(node: ast.stmt) -> Change:
    return Change(node, ast.Expr(tool("mark", ast.Constant(None), ast.Constant(True))), f"leave out {text(node)}")


def _called(node: ast.Call, args: list[ast.expr]) -> ast.Call:
    return ast.Call(node.func, args, node.keywords)


def _opposite(op: ast.operator) -> ast.operator:
    return ast.Sub() if isinstance(op, ast.Add) else ast.Add()


def last_name(node: ast.AST) -> str:
    """Return the last name of what is called: `sum` for `np.sum(x)` and for `x.sum()`."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_sequence(node: ast.AST) -> bool:
    """Say whether + and * join and repeat here instead of computing."""
    return isinstance(node, ast.Tuple | ast.List | ast.ListComp | ast.JoinedStr) or _is_text(node)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_metadata(node: ast.AST) -> bool:
    return _is_sequence(node) or (isinstance(node, ast.Attribute) and node.attr == "shape")


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1
