"""Random programs: expressions over the registry's functions, with values used again, joins, and updates in place."""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from autodiff.creation import as_tensor
from autodiff.graph import trace
from autodiff.primitive import registry
from autodiff.testing.strategies import steps as table
from autodiff.testing.strategies.steps import Array, Draw, Form

if TYPE_CHECKING:
    from autodiff.graph.record import Graph

LETTERS = "abcdefgh"
LARGEST = 50.0  # values stay below this, so that no derivative drowns in the roundoff of another
TRIES = 6  # draws of a first step before other inputs are drawn
NUMBERS = sorted((n / 16 for n in range(-32, 33)), key=lambda x: (x.as_integer_ratio()[1], abs(x), x < 0))
SHAPES = [(), (2,), (1,), (3,), (2, 2), (2, 3), (3, 2), (3, 3), (1, 3), (2, 1), (2, 1, 3)]


@dataclass(frozen=True)
class Step:
    """One line of a program: `code` calls `op`, with {0}, {1}, ... for the operands' names.

    Operands are numbers: the inputs come first, then the steps. A step that is `in_place` changes its first operand,
    and stands for that value from then on.
    """

    op: Callable[..., Any]
    code: str
    operands: tuple[int, ...]
    in_place: bool = False


@dataclass(repr=False, eq=False)
class Program:
    """A function made of steps, at a point: `inputs` are its arrays, `outputs` the numbers of what it returns.

    Called, it runs on tensors or arrays. Steps and inputs that the outputs do not need are dropped.

    >>> double = Step(np.add, "np.add({0}, {0})", (0,))
    >>> program = Program((np.array(3.0),), (double, Step(np.sin, "np.sin({0})", (1,))), (1,))
    >>> print(program.source())
    import numpy as np
    <BLANKLINE>
    import autodiff as ad
    from autodiff.testing import gradcheck
    <BLANKLINE>
    <BLANKLINE>
    def program(a):
        v1 = np.add(a, a)
        return v1
    <BLANKLINE>
    <BLANKLINE>
    a = np.array(3.0)
    report = gradcheck(program, a)
    print(report)
    assert report
    """

    inputs: tuple[Array, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        """Drop what the outputs do not need, and number what is left anew."""
        needed, count = set(self.outputs), len(self.inputs)
        for number in reversed(range(count, count + len(self.steps))):
            if number in needed:
                needed.update(self.steps[number - count].operands)
        new = {old: number for number, old in enumerate(sorted(needed))}
        kept = [step for number, step in enumerate(self.steps, count) if number in needed]
        self.inputs = tuple(x for i, x in enumerate(self.inputs) if i in needed)
        self.steps = tuple(replace(s, operands=tuple(new[i] for i in s.operands)) for s in kept)
        self.outputs = tuple(new[i] for i in self.outputs)

    def __call__(self, *tensors: Any) -> Any:
        """Run the program."""
        return self.function(*tensors)

    @property
    def ops(self) -> list[Callable[..., Any]]:
        """The operations that the program calls, each once."""
        return list(dict.fromkeys(step.op for step in self.steps))

    @property
    def names(self) -> list[str]:
        """The name of every value: a, b, ... for the inputs, v1, v2, ... for the steps."""
        names = list(LETTERS[: len(self.inputs)])
        numbers = itertools.count(1)
        for step in self.steps:
            names.append(names[step.operands[0]] if step.in_place else f"v{next(numbers)}")
        return names

    @functools.cached_property
    def function(self) -> Callable[..., Any]:
        """The program as an ordinary function, compiled from the very lines that `source` shows."""
        scope = _scope(self.steps)
        exec(self.definition(), scope)  # noqa: S102 (a text of ours)
        function: Callable[..., Any] = scope["program"]
        return function

    def definition(self) -> str:
        """Return the program as the definition of a Python function."""
        names = self.names
        lines = [f"def program({', '.join(names[: len(self.inputs)])}):"]
        for name, step in zip(names[len(self.inputs) :], self.steps, strict=True):
            code = step.code.format(*[names[i] for i in step.operands])
            lines.append(f"    {code}" if step.in_place else f"    {name} = {code}")
        lines.append(f"    return {', '.join(names[i] for i in self.outputs)}")
        return "\n".join(lines)

    def source(self, **options: Any) -> str:
        """Return a Python script that checks the program at its inputs; `options` are gradcheck's (`order=2`)."""
        names = self.names[: len(self.inputs)]
        imports = [line for op in self.ops for line in _imports(op)]
        own = [text for op in self.ops if (text := _own_text(op))]
        points = [f"{name} = {_literal(x)}" for name, x in zip(names, self.inputs, strict=True)]
        call = ", ".join(["program", *names, *[f"{k}={v!r}" for k, v in options.items()]])
        head = ["import numpy as np", "", "import autodiff as ad", "from autodiff.testing import gradcheck"]
        check = [*points, f"report = gradcheck({call})", "print(report)", "assert report"]
        parts = [[*head, *dict.fromkeys(imports)], *[[text] for text in own], [self.definition()], check]
        return "\n\n\n".join("\n".join(part) for part in parts) + "\n"

    def graph(self) -> Graph:
        """Return the Graph of the program at its inputs, to be drawn or read."""
        return trace(self.function)(*[as_tensor(x) for x in self.inputs])

    def __repr__(self) -> str:
        names = self.names[: len(self.inputs)]
        body = "; ".join(line.strip() for line in self.definition().splitlines()[1:])
        point = ", ".join(f"{name} = {x.tolist()}" for name, x in zip(names, self.inputs, strict=True))
        return f"<Program {body}; at {point}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def _scope(steps: Sequence[Step]) -> dict[str, Any]:
    """Return what the names in the code of some steps mean."""
    import autodiff

    scope: dict[str, Any] = {"np": np, "ad": autodiff, **{step.op.__name__: step.op for step in steps}}
    if any("scipy." in step.code for step in steps):
        scope["scipy"] = importlib.import_module("scipy.special") and sys.modules["scipy"]
    return scope


def _literal(x: Array) -> str:
    return f"np.array({x.tolist()})"


def _imports(op: Callable[..., Any]) -> list[str]:
    """Return the lines that import an operation, and the modules outside autodiff that its rules are written in."""
    lines = [f"from {op.__module__} import {op.__name__}"] if _foreign(op) and _importable(op) else []
    lines += ["import scipy.special"] * table.spelled(op).startswith("scipy.")
    entry = registry.get(op)
    rules = [rule for rule in (*entry.rules, entry.joint) if rule is not None] if entry is not None else []
    homes = dict.fromkeys(rule.__module__ for rule in rules if rule.__module__ in sys.modules)
    for home in homes:
        if home == "__main__" and not _foreign(op):
            lines.append(f"# {op.__name__} has rules of its own in the script that was run: register them here")
        elif not home.startswith(("autodiff.", "__main__", getattr(op, "__module__", "autodiff."))):
            lines.append(f"import {home}  # for the rules of {op.__name__}")
    return lines


def _own_text(op: Callable[..., Any]) -> str:
    """Return the definition of a function that cannot be imported: one of a script, or inside another function."""
    if not _foreign(op) or _importable(op):
        return ""
    try:
        return textwrap.dedent(inspect.getsource(op)).rstrip()
    except (OSError, TypeError):
        return f"# define {op.__name__} here: its text is not known"


def _foreign(op: Callable[..., Any]) -> bool:
    """Say whether a program calls an operation by its bare name."""
    return op not in table.FORMS and "." not in table.spelled(op)


def _importable(op: Callable[..., Any]) -> bool:
    module = getattr(op, "__module__", None) or ""
    return module != "__main__" and getattr(sys.modules.get(module), op.__name__, None) is op


# --- drawing -------------------------------------------------------------------------------------------------------


def programs(depth: int = 8, ops: Sequence[Callable[..., Any]] | None = None) -> st.SearchStrategy[Program]:
    """Draw programs of at most `depth` steps, by default over a selection of all that the registry holds.

    A program has at least one step. Inputs are small float64 arrays, no operand lies near a kink, no value is large.
    `ops` names the operations: NumPy's functions, registered ones of your own, and `operator.getitem`, `setitem`,
    `iadd`, `imul`, `isub`, `pow`, `truediv`.
    A failure shrinks to few steps on small shapes with the numbers 0, 1, 2.

    >>> from hypothesis import given
    >>> @given(programs(depth=3, ops=[np.sin, np.multiply, np.sum]))
    ... def test_values_are_arrays_or_scalars(program):
    ...     assert np.shape(program(*program.inputs)) is not None
    """
    if depth < 1:
        raise ValueError(f"programs: depth is the largest number of steps and must be at least 1; got {depth}.")
    return _programs(depth, table.forms(ops))


@st.composite
def _programs(draw: Draw, depth: int, forms: dict[Callable[..., Any], Form]) -> Program:
    values = [draw(_array()) for _ in range(draw(st.integers(1, 3)))]
    inputs = tuple(values)
    steps: list[Step] = []
    waiting: list[int] = []  # steps that nothing has used yet
    gone: set[int] = set()  # values that an update has replaced
    length = max(draw(st.integers(1, depth)), draw(st.integers(1, depth)))  # few are short
    for attempt in range(4 * length):  # not everything that is drawn works
        if len(steps) == length:
            break
        if not steps and attempt == TRIES:
            reject()
        allowed = [i for i in range(len(values)) if i not in gone]
        own = [i for i in allowed if i >= len(inputs) and _own(i, values)]
        drawn = draw(_step(forms, values, allowed + 3 * waiting, own))
        if drawn is not None:
            step, value = drawn
            gone.update(step.operands[: step.in_place])
            waiting = [i for i in waiting if i not in step.operands] + [len(values)]
            steps.append(step)
            values.append(value)
    if not steps:
        reject()
    outputs = waiting if draw(st.integers(0, 3)) else waiting[-1:]
    return Program(inputs, tuple(steps), tuple(outputs))


@st.composite
def _array(draw: Draw) -> Array:
    shape = draw(st.sampled_from(SHAPES))
    size = int(np.prod(shape, dtype=int))
    numbers = draw(st.lists(st.sampled_from(NUMBERS), min_size=size, max_size=size))
    return np.array(numbers, dtype=np.float64).reshape(shape)


@st.composite
def _step(
    draw: Draw, forms: dict[Callable[..., Any], Form], values: list[Array], allowed: list[int], own: list[int]
) -> tuple[Step, Array] | None:
    """Draw one more step and the value it has; None where what was drawn does not work on these values.

    Operands are drawn from the numbers in `allowed`, what is changed in place from `own`.
    """
    op = draw(st.sampled_from(list(forms)))
    form = forms[op]
    operands: list[int] = []
    for k in range(form.count):
        chosen, last = [values[i] for i in operands], k == form.count - 1
        fitting = [
            i
            for i in (own if form.in_place and k == 0 else allowed)
            if form.fits(*chosen, values[i]) and (not last or form.clear(*chosen, values[i]))
        ]
        if not fitting:
            return None
        operands.append(draw(st.sampled_from(fitting)))
    arrays = [values[i] for i in operands]
    step = Step(op, form.write(draw, arrays), tuple(operands), form.in_place)
    value = _run(step, arrays)
    return None if value is None else (step, value)


def _own(number: int, values: list[Array]) -> bool:
    """Say whether a value has memory of its own: an update would show in its views under no_grad, as in NumPy."""
    return not any(np.may_share_memory(values[number], x) for i, x in enumerate(values) if i != number)


def _run(step: Step, arrays: list[Array]) -> Array | None:
    """Return the value of a step; None where it fails, or is not a moderate floating array."""
    if step.in_place:
        arrays = [arrays[0].copy(), *arrays[1:]]
    code = step.code.format(*[f"x[{i}]" for i in range(len(arrays))])
    scope = {**_scope([step]), "x": arrays}
    try:
        with np.errstate(all="ignore"):
            exec(code if step.in_place else f"y = {code}", scope)  # noqa: S102 (a text of ours)
    except (ValueError, IndexError, TypeError, ArithmeticError, np.linalg.LinAlgError):
        return None
    value = np.asarray(arrays[0] if step.in_place else scope["y"])
    sound = value.dtype == np.float64 and value.size > 0 and bool((np.abs(value) < LARGEST).all())
    return value if sound else None
