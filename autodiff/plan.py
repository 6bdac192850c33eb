"""From a rule's signature to what a node saves: two small functions, `save` and `pull`, per set of active operands.

A rule asks for what it needs by the names of its parameters:

    g       gradient of the output (for several outputs: one entry each, None where unused)
    y       the output; of an operation with several, the tuple of them; y0, y1, ... one of them
    x, a    the first operand; b, c, d, e the next ones; or the operand's own name in the entry's signature
    s       the node of the operand being differentiated: its shape, dtype, ndim, size, and no array
    shapes  the shapes of all operands
    xs      all operands; rest: all but the first
    needs   which operands need a gradient (joint rules)

Any other name is a keyword of the operation. Generated code ends in this file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.tape import Node

LETTERS = {"x": 0, "a": 0, "b": 1, "c": 2, "d": 3, "e": 4}
RESULTS = {f"y{i}": i for i in range(8)}
WORDS = {"g", "y", "s", "shapes", "xs", "rest", "needs"}
IDENTITY = (lambda g: g).__code__.co_code

Rule = Callable[..., Any]


class Plan:
    """How one operation, with a given set of operands that need gradients, saves and pulls back."""

    __slots__ = ("active", "foreign", "name", "origins", "parents", "primitive", "pull", "save")

    def __init__(self, primitive: Any, active: tuple[int, ...] | None) -> None:
        """Plan for the operands numbered in `active`; None plans a joint rule, which answers for all of them."""
        self.primitive, self.name, self.active = primitive, primitive.name, active
        rules = [primitive.rules[i] for i in active] if active is not None else [primitive.joint]
        names = [[read(name, primitive.signature.operands) for name in parameters(rule)] for rule in rules]
        several = primitive.form == "outputs"
        # by law our rules return g itself, a view or a fresh array; other people's may return anything they hold
        self.foreign = several or any(not r.__module__.startswith("autodiff.") for r in rules)
        self.origins: list[Any] = []  # where each saved value came from: an operand's number, or a word
        for name in (n for group in names for n in group):
            kept = isinstance(name, int) or name in ("y", "xs", "rest", "shapes") or (several and name in RESULTS)
            if kept and name not in self.origins:
                self.origins.append(name)
        # the parents a node of this plan keeps, out of its operands' nodes
        self.parents: Callable[[list[Node | None]], tuple[Node | None, ...]]
        self.parents = tuple if active is None else eval(f"lambda n: ({''.join(f'n[{i}], ' for i in active)})")
        self.save = self._save(primitive.signature.arity)
        self.pull = self._pull(rules, names, several)

    def _save(self, arity: int | None) -> Callable[..., tuple[Any, ...]]:
        given = "*o" if arity is None else ", ".join(f"o{i}" for i in range(arity))
        every = "o" if arity is None else f"({given},)"
        words = {name: f"y[{i}]" for name, i in RESULTS.items()}
        words |= {"y": "y", "xs": every, "rest": f"{every}[1:]", "shapes": f"tuple([shape(x) for x in {every}])"}
        one = "o[{}]" if arity is None else "o{}"
        kept = "".join(f"{words.get(name) or one.format(name)}, " for name in self.origins)
        function: Callable[..., tuple[Any, ...]] = eval(f"lambda y, {given}: ({kept})", {"shape": _shape})
        return function

    def _pull(self, rules: list[Rule], names: list[list[Any]], several: bool) -> Callable[..., Any]:
        saved = {name: f"v[{n}]" for n, name in enumerate(self.origins)}
        scope: dict[str, Any] = {f"r{j}": rule for j, rule in enumerate(rules)}
        calls = []
        for j, (rule, wanted) in enumerate(zip(rules, names, strict=True)):
            words = saved | {"g": "g", "s": f"p[{j}]", "needs": "[q is not None for q in p]"}
            arguments = ", ".join(words.get(name) or f"k[{name!r}]" for name in wanted)
            calls.append("g" if rule.__code__.co_code == IDENTITY else f"r{j}({arguments})")
        if self.active is None:
            pairs = f"[(q, h) for q, h in zip(p, {calls[0]}) if q is not None and h is not None]"
        elif several:  # a rule answers None where the outputs it differentiates were not used
            listed = "".join(f"(p[{j}], {call}), " for j, call in enumerate(calls))
            pairs = f"[(q, h) for q, h in ({listed}) if h is not None]"
        else:
            pairs = "(" + "".join(f"(p[{j}], {call}), " for j, call in enumerate(calls)) + ")"
        function: Callable[..., Any] = eval(f"lambda g, v, p, k: {pairs}", scope)
        return function

    def parent(self, node: Node, operand: Any) -> Node | None:
        """Return the node of an operand, None where it needs no gradient (or is no operand's number)."""
        if self.active is None:
            return node.parents[operand] if isinstance(operand, int) else None
        return node.parents[self.active.index(operand)] if operand in self.active else None

    def lift(self, node: Node, wrap: Callable[[Any, Node | None], Any]) -> tuple[Any, ...]:
        """Return the saved values as tensors with their history, so that the same rules record themselves."""

        def operand(i: int, value: Any) -> Any:
            return wrap(value, self.parent(node, i))

        lifted: list[Any] = []
        for origin, value in zip(self.origins, node.saved, strict=True):
            if origin == "y":
                lifted.append(wrap(value, node))
            elif origin in RESULTS:
                i = RESULTS[origin]
                lifted.append(wrap((value,) * (i + 1), node)[i])  # the last of so many outputs
            elif origin == "xs":
                lifted.append(tuple(operand(i, v) for i, v in enumerate(value)))
            elif origin == "rest":
                lifted.append(tuple(operand(i, v) for i, v in enumerate(value, start=1)))
            else:
                lifted.append(value if origin == "shapes" else operand(origin, value))
        return tuple(lifted)


def parameters(rule: Rule) -> tuple[str, ...]:
    """Return the names of a rule's parameters."""
    return rule.__code__.co_varnames[: rule.__code__.co_argcount]


def read(name: str, operands: tuple[str, ...]) -> str | int:
    """Say what a rule's parameter stands for: one of the words, an operand's number, or a keyword's own name."""
    if name in WORDS:
        return name
    return operands.index(name) if name in operands else LETTERS.get(name, name)


def _shape(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", ())
