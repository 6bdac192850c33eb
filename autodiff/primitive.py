"""The registry: what a differentiable operation is, its rules and facts, and the forms an entry may take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import inf, pi
from typing import Any, NamedTuple, Protocol, TypeVar, cast, overload

import numpy as np

from autodiff import apply as engine
from autodiff import errors, signature, tape
from autodiff.plan import WORDS, Plan, Rule, parameters
from autodiff.signature import Signature
from autodiff.tree import leaves

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """What a registration returns: given rules alone, what registers the function that follows; else that function."""

    @overload
    def __call__(self, function: F, /) -> F: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


registry: dict[Callable[..., Any], Primitive] = {}


class Domain(NamedTuple):
    """Where an operand may lie: an interval, and its points where the derivative is infinite or undefined."""

    low: float
    high: float
    singular: tuple[float, ...]


DOMAINS: dict[str | None, Domain] = {
    None: Domain(-inf, inf, ()),
    "nonzero": Domain(-inf, inf, (0.0,)),
    "positive": Domain(0.0, inf, (0.0,)),
    "above minus one": Domain(-1.0, inf, (-1.0,)),
    "above one": Domain(1.0, inf, (1.0,)),
    "unit": Domain(-1.0, 1.0, (-1.0, 1.0)),
    "open unit": Domain(0.0, 1.0, (0.0, 1.0)),
    "double unit": Domain(0.0, 2.0, (0.0, 2.0)),
    "negative": Domain(-inf, 0.0, (0.0,)),
    "below one": Domain(-inf, 1.0, (1.0,)),
    "above a quarter": Domain(0.25, inf, ()),
    "well above one": Domain(1.25, inf, ()),
    "fraction": Domain(0.25, 0.75, ()),
    "order": Domain(0.0, 1.0, ()),
    "quarter turn": Domain(-pi / 2, pi / 2, (-pi / 2, pi / 2)),
}


class Primitive:
    """One entry of the registry: an operation, its rules and its facts. Called, it computes and records.

    `kind` is the class of its rules (elementwise, linear, bilinear, reduction, zero, boolean, other), `form` how its
    arguments lie (operands, sequence, outputs, composite). Where its rules hold, say:

    domain    a name in DOMAINS, or one name an operand; None is all reals
    kinks     where the derivative is a convention: numbers, or "tie" (of the largest), "bounds" (of an interval),
              "integers", "halves" (between integers), "quotient" (a / b whole), "origin" (all operands 0),
              "equal" (all that is reduced), "cut" (the negative real axis), "knots" (of a table), "binades"
              (powers of 2), "step" (first operand 0)
    singular  where it is infinite or undefined: the domain's points unless given; "origin", "no inverse"
    shapes    how operands fit together, as in np.matmul.signature; None where they broadcast
    analytic  whether it is complex differentiable and its kernel takes complex arrays; of a composite, ask its parts
    complex   whether complex operands have a derivative at all: as analytic says unless given
    masked    what runs in its place when one of the keywords `masks` is given: written in registered functions
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        rules: tuple[Rule | None, ...] = (),
        *,
        kind: str,
        form: str = "operands",
        joint: Rule | None = None,
        kernel: Callable[..., Any] | None = None,
        sig: str | None = None,
        bind: Callable[..., Any] | None = None,
        name: str | None = None,
        takes: tuple[str, ...] = (),
        constants: tuple[int, ...] = (),
        domain: str | tuple[str | None, ...] | None = None,
        kinks: tuple[float | str, ...] = (),
        singular: tuple[float | str, ...] | None = None,
        shapes: str | None = None,
        analytic: bool | None = None,
        complex: bool | None = None,
        masked: Callable[..., Any] | None = None,
        masks: tuple[str, ...] = ("where", "initial", "mean"),
    ) -> None:
        self.fun: Callable[..., Any] = fun
        self.rules, self.joint, self.kind, self.form = rules, joint, kind, form
        self.name = name or fun.__name__
        self.kernel: Callable[..., Any] = kernel or fun
        self.constants, self.domain, self.kinks = constants, domain, kinks
        self.singular: tuple[float | str, ...] = self._singular() if singular is None else singular
        self.shapes: str | None = shapes or getattr(fun, "signature", None)
        self.differentiable = joint is not None or any(rule is not None for rule in rules)
        self.analytic = self._analytic() if analytic is None else analytic
        whole = self.analytic or (form == "composite" and not kinks)
        self.complex: bool = whole if complex is None else complex
        self.masked, self.masks = masked, frozenset(masks)
        self.unruled = sum(1 << i for i in (constants if joint else range(len(rules))) if joint or rules[i] is None)
        self.plans: dict[int, Plan] = {}
        self._written = sig, bind, takes
        for rule in (*rules, joint):
            if rule is not None and parameters(rule)[:1] != ("g",):
                raise TypeError(f"{self.name}: a rule's first parameter is g, the output's gradient; got {rule}.")
        if not is_numpys(fun) and (clash := WORDS.intersection(self.signature.operands)):
            raise TypeError(f"{self.name}: {', '.join(clash)} means something else in a rule; rename the operand.")
        self.call: Any = self._call
        alone = isinstance(fun, np.ufunc) or (sig is None and bind is None and form == "operands" and _arrays_only(fun))
        if alone and form == "operands" and joint is None:
            if len(rules) in (1, 2) and None not in rules and not getattr(fun, "__defaults__", None):
                self.call = engine.unary(self) if len(rules) == 1 else engine.binary(self)
            elif not isinstance(fun, np.ufunc):
                self.call = engine.positional(self, len(rules))

    @functools.cached_property
    def signature(self) -> Signature:
        """How arguments are sorted into operands and keywords; read at the first use."""
        sig, bind, takes = self._written
        if bind is not None or self.form == "composite":
            return Signature(bind, (), None, {})
        if isinstance(self.fun, np.ufunc):
            return Signature(None, (), len(self.rules), {})
        return signature.parse(sig if sig is not None else signature.own(self.fun), takes)

    @functools.cached_property
    def keywords(self) -> tuple[str, ...]:
        """The names of the arguments it takes beside arrays; others are refused by name."""
        import inspect

        masks = sorted(self.masks) if self.masked is not None else []
        if isinstance(self.fun, np.ufunc):
            own = (word for word in masks if word not in ("initial", "mean"))  # those are keywords of reductions
            return ("out", "dtype", *own) if self.form == "operands" else ("dtype",)
        function: Any = self.kernel if self.form == "composite" else self.signature.bind
        if function is None or self.kind == "plain":
            return ()
        every = inspect.signature(function).parameters.values()  # those that may only be None are there to be refused
        given = [p for p in every if p.kind < p.VAR_KEYWORD and p.annotation != "None"]
        operands = self.signature.operands
        if not operands:  # a binder sorts its arguments itself: those without a default are the arrays
            operands = tuple(p.name for p in given if p.default is p.empty or p.kind is p.VAR_POSITIONAL)
        refused = {name for name in self.signature.extras if name not in ("out", "dtype", *masks)}
        return tuple(p.name for p in given if p.name not in (*operands, *refused))

    @property
    def path(self) -> str:
        """How it is called in Python code, e.g. `np.linalg.inv`."""
        from autodiff.source import spelled

        return spelled(self.fun)

    @property
    def aliases(self) -> list[str]:
        """The other names it is called by, e.g. `np.abs` of `np.absolute`."""
        from autodiff.source import aliases

        return aliases(self, registry)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        from autodiff.reading import rule

        return str(rule(self))

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        if self.form == "composite":
            now = tape.mode.get()
            try:
                if now is None or now.graph is None:
                    return self.kernel(*args, **kwargs)
                return self._grouped(now, args, kwargs)
            except (TypeError, ValueError, IndexError, ZeroDivisionError) as error:
                if better := self._misused(self.kernel, args, kwargs):
                    raise TypeError(better) from error
                if hasattr(error, "operation") or self.name in str(error):
                    raise
                plain = {name: x for name, x in kwargs.items() if not hasattr(x, "shape")}
                raise errors.explained(error, self.name, values(args), plain) from error
        bind, _, _, extras = self.signature
        if bind is None:
            return engine.apply(self, args, kwargs)
        try:
            operands, params = bind(*args, **kwargs)
        except TypeError:
            if (better := self._misused(bind, args, kwargs)) is None:
                raise
            raise TypeError(better) from None
        for name, value in params.items():
            if isinstance(value, engine.Tensor):
                params[name] = self._metadata(name, value)
        if not extras:
            return engine.apply(self, operands, params)
        given = {n: v for n, default in extras.items() if (v := params.pop(n)) is not default}
        return engine.with_extras(self, operands, params, given) if given else engine.apply(self, operands, params)

    def _grouped(self, now: tape.Mode, args: Any, kwargs: Any) -> Any:
        """Call a composite while a graph is traced, where it is a group."""
        with now.graph.grouped(self.name, "composite", self.fun, args, kwargs):
            answer = self.kernel(*args, **kwargs)
        outputs = [t for t in leaves(answer) if isinstance(t, engine.Tensor)]
        now.graph.answered(outputs, [False] * len(outputs))
        return answer

    def _misused(self, function: Callable[..., Any], args: Any, kwargs: Any) -> str | None:
        """Say what is wrong with the arguments of a call, and what is supported; None where they fit the function."""
        import inspect

        if self.kind == "plain":
            return None
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            return f"{self.path} of a Tensor: {error}. {self.supported}"
        return None

    @property
    def supported(self) -> str:
        """The keywords it supports, as a sentence."""
        return f"It supports {', '.join(self.keywords)}." if self.keywords else "It takes no keywords."

    def _metadata(self, name: str, value: Any) -> Any:
        """Return a tensor given where no gradient can flow as an array; refuse one that requires a gradient."""
        if name not in self.signature.extras and (value._node is not None or engine.tracing()):
            live = value._node is not None
            what = "requires a gradient" if live else "is being traced"
            way = f"{name}=t.detach()" if live else "a number or an ndarray"
            raise TypeError(
                f"{self.name}: {name} is given a Tensor that {what}, and only its value would be used; pass {way} if "
                "that is meant."
            )
        return value if name in self.signature.extras else value._data

    def domain_of(self, i: int) -> Domain:
        """Return where operand i may lie."""
        return DOMAINS[self.domain[i] if isinstance(self.domain, tuple) else self.domain]

    def _singular(self) -> tuple[float | str, ...]:
        count = len(self.domain) if isinstance(self.domain, tuple) else 1
        return tuple(dict.fromkeys(point for i in range(count) for point in self.domain_of(i).singular))

    def _analytic(self) -> bool:
        """Say whether the facts show an analytic function: ufuncs list the types they take, linear maps are."""
        if self.kinks or not self.differentiable or self.kind == "zero":
            return False
        if isinstance(self.fun, np.ufunc):
            return "D" * self.fun.nin + "->" + "D" * self.fun.nout in self.fun.types
        return self.kind in ("linear", "bilinear", "multilinear")

    def carries(self, i: int) -> bool:
        """Say whether a gradient can flow to operand i (not to a condition, an index or a label)."""
        if self.joint is not None:
            return i not in self.constants
        return i < len(self.rules) and self.rules[i] is not None

    def plan(self, key: int) -> Plan:
        """Return the plan for the operands whose bits are set in `key` (0 for a joint rule, which answers for all)."""
        active = tuple(i for i in range(key.bit_length()) if key >> i & 1)
        self.plans[key] = plan = Plan(self, active if self.joint is None else None)
        return plan


def _arrays_only(fun: Any) -> bool:
    """Say whether a Python function takes a limited number of arrays and nothing else."""
    return not (fun.__code__.co_kwonlyargcount or fun.__code__.co_flags & 0x0C)


def is_numpys(fun: Any) -> bool:
    """Say whether a function is NumPy's or SciPy's own."""
    return isinstance(fun, np.ufunc) or (getattr(fun, "__module__", None) or "numpy").split(".")[0] in (
        "numpy",
        "scipy",
    )


# --- registration --------------------------------------------------------------------------------------------------


def register(fun: Any, *rules: Rule | None, kind: str, **facts: Any) -> Decorator:
    """Enter a function and its rules; given rules alone, return a decorator for the function that follows."""
    if fun is None or (not is_numpys(fun) and parameters(fun)[:1] == ("g",)):
        decorator: Any = lambda function: register(function, fun, *rules, kind=kind, **facts)  # noqa: E731
        return decorator  # type: ignore[no-any-return]
    if not rules:
        raise TypeError(f"{kind}({fun.__name__}): no rules are given. A rule is a function whose first parameter is g.")
    if facts.get("form") == "sequence" or facts.pop("together", False):
        (joint,), rules = rules, ()
        facts["joint"] = joint
    if fun in registry:
        raise ValueError(
            f"{fun.__name__} has an entry already: {registry[fun]}. To replace it, first del ad.registry[f]."
        )
    entry = Primitive(fun, rules, kind=kind, **facts)
    registry[fun] = entry
    if is_numpys(fun):
        return entry
    dispatched = _dispatched(fun, entry)
    entry.fun = dispatched
    registry[dispatched] = entry
    return dispatched


def _dispatched(fun: Callable[..., Any], entry: Primitive) -> Callable[..., Any]:
    """Make a function of ours behave as NumPy's do: arrays go to the kernel, a Tensor among the arguments records."""

    @functools.wraps(fun)
    def function(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(x, engine.Tensor) or (
                type(x) in (list, tuple) and any(isinstance(t, engine.Tensor) for t in x)
            ):
                return entry._call(*args, **kwargs) if kwargs else entry.call(*args)
        return fun(*args, **kwargs)

    return function


def elementwise(fun: Any, *rules: Rule | None, **facts: Any) -> Decorator:
    """Register an operation whose output element depends on one element of each operand: one rule an operand."""
    return register(fun, *rules, kind="elementwise", **facts)


def linear(fun: Any, *rules: Rule | None, **facts: Any) -> Decorator:
    """Register an operation that is linear in all its array operands jointly."""
    return register(fun, *rules, kind="linear", **facts)


def bilinear(fun: Any, *rules: Rule | None, **facts: Any) -> Decorator:
    """Register an operation that is linear in each of its two operands."""
    return register(fun, *rules, kind="bilinear", **facts)


def reduction(fun: Any, *rules: Rule | None, **facts: Any) -> Decorator:
    """Register an operation each of whose inputs feeds one output element."""
    return register(fun, *rules, kind="reduction", **facts)


def primitive(fun: Any, *rules: Rule | None, **facts: Any) -> Decorator:
    """Register an operation of no special class; `@primitive(rule, ...)` above a function registers that function.

    >>> import autodiff as ad, numpy as np
    >>> @ad.primitive(lambda g, x: g * 2 * x)
    ... def squared(x):
    ...     return x * x
    >>> t = ad.tensor([3.0], requires_grad=True)
    >>> squared(t).backward()
    >>> t.grad
    tensor([6.])
    """
    return register(fun, *rules, kind=facts.pop("kind", "other"), **facts)


def sequence(fun: Any, rule: Rule | None = None, **facts: Any) -> Decorator:
    """Register an operation on a sequence of operands (`np.concatenate`): one rule returns the list of gradients."""
    given = () if rule is None else (rule,)
    return register(fun, *given, kind=facts.pop("kind", "other"), form="sequence", **facts)


def joint(fun: Any, rule: Rule | None = None, **facts: Any) -> Decorator:
    """Register an operation of a few operands one rule of which returns all gradients, as distinct arrays."""
    given = () if rule is None else (rule,)
    return register(fun, *given, kind=facts.pop("kind", "other"), together=True, **facts)


def outputs(fun: Any, *rules: Rule | None, **facts: Any) -> Decorator:
    """Register an operation with several outputs (`np.modf`): `g[k]` is None where output k was not used."""
    return register(fun, *rules, kind=facts.pop("kind", "other"), form="outputs", **facts)


def composite(fun: Any, written: Callable[..., Any] | None = None, **facts: Any) -> Decorator:
    """Register a function written in registered functions; a graph shows it as one group."""
    if written is None and not is_numpys(fun):
        registry[fun] = entry = Primitive(fun, kind="composite", form="composite", **facts)
        registry[function := functools.wraps(fun)(functools.partial(entry._call))] = entry
        entry.fun = function
        return cast("Decorator", function)
    if written is None:
        decorator: Any = lambda function: composite(fun, function, **facts)  # noqa: E731
        return decorator  # type: ignore[no-any-return]
    registry[fun] = Primitive(fun, kind="composite", form="composite", kernel=written, **facts)
    return cast("Decorator", written)


def zero(*funs: np.ufunc, **facts: Any) -> None:
    """Register ufuncs whose derivative is zero wherever it exists."""
    for fun in funs:
        register(fun, *[lambda g: np.zeros_like(g)] * fun.nin, kind="zero", **facts)


def boolean(*funs: np.ufunc) -> None:
    """Register ufuncs whose result carries no gradient."""
    for fun in funs:
        register(fun, *[None] * fun.nin, kind="boolean")


def constant(fun: Any, sig: str, **facts: Any) -> None:
    """Register a function whose result (an index, a count, a mask) carries no gradient but is still a Tensor."""
    operands = sig.partition(";")[0].count(",") + 1
    register(fun, *[None] * operands, kind="boolean", sig=sig, **facts)


def plain(*funs: Callable[..., Any]) -> None:
    """Register functions that answer with NumPy's or Python's own values (a shape, a truth, a text)."""
    for fun in funs:
        registry[fun] = Primitive(fun, kind="plain", form="composite", kernel=_on_values(fun))


def values(x: Any) -> Any:
    """Return the arrays of tensors, in tuples and lists too."""
    if isinstance(x, engine.Tensor):
        return x._data
    return type(x)(map(values, x)) if type(x) in (list, tuple) else x


def _on_values(fun: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fun)
    def function(*args: Any, **kwargs: Any) -> Any:
        return fun(*map(values, args), **{name: values(x) for name, x in kwargs.items()})

    return function


class Unsupported(NamedTuple):
    """Why a function has no rule, and what to call in its place."""

    reason: str
    instead: str


refused: dict[Callable[..., Any], Unsupported] = {}


def unsupported(*funs: Callable[..., Any], reason: str, instead: str = "") -> None:
    """List functions that could have a derivative and have no rule: why, and the nearest that has one."""
    refused.update({fun: Unsupported(reason, instead) for fun in funs})


def alias(name: Callable[..., Any], fun: Callable[..., Any]) -> None:
    """Give a second function the entry of the first."""
    registry[name] = registry[fun]
