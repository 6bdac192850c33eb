"""The mutation score: how many small errors in a derivative the tests of it notice, and which they do not."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from autodiff import protocols
from autodiff.primitive import Primitive, registry
from autodiff.testing import report
from autodiff.testing.mutation.deadline import Late, deadline
from autodiff.testing.mutation.equivalent import reason
from autodiff.testing.mutation.examples import Test, default_tests
from autodiff.testing.mutation.mutants import Mutant, Tools, misplaced, mutate, rule_of, skip_unbroadcasting
from autodiff.testing.report import Report, Verdict

LEAST = 5  # mutants of a rule

__all__ = ["Mutant", "MutationScore", "Total", "mutate", "mutation_score"]


@dataclass
class MutationScore:
    """Which mutants the tests noticed; true if all that are not known to be equivalent.

    `killed` holds what noticed each, `survived` what is known of each that nothing noticed, by the mutants' names;
    `explained` says why some of the survivors are no errors.
    """

    subject: str
    mutants: list[Mutant] = field(default_factory=list)
    killed: dict[str, str] = field(default_factory=dict)
    survived: dict[str, str] = field(default_factory=dict)
    explained: dict[str, str] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)  # how many mutants each rule has
    seconds: float = 0.0

    @property
    def late(self) -> list[str]:
        """The mutants that were noticed only because a test of them took too long."""
        return [name for name, how in self.killed.items() if "ran for more than" in how]

    @property
    def score(self) -> float:
        """The part of the mutants that the tests noticed, known equivalent ones left out; 1 if there are none."""
        judged = len(self.mutants) - len(self.explained)
        return len(self.killed) / judged if judged else 1.0

    @property
    def missed(self) -> dict[str, str]:
        """The survivors that are not known to be equivalent."""
        return {name: effect for name, effect in self.survived.items() if name not in self.explained}

    def __bool__(self) -> bool:
        return not self.missed

    def __repr__(self) -> str:
        missed = f"; missed: {', '.join(self.missed)}" if self.missed else ""
        line = f"<{self.subject}: {len(self.killed)} of {len(self.mutants)} mutants killed{missed}>"
        return line if len(line) < 200 else line[:195] + "...>"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the table of mutants as lines of text."""
        head = f"{self.subject}: {len(self.killed)} of {len(self.mutants)} mutants killed, score {self.score:.1%}"
        rows = [("SURVIVED", n, w) for n, w in self.missed.items()]
        rows += [("equivalent", n, w) for n, w in self.explained.items()]
        rows += [("killed", n, w) for n, w in self.killed.items()]
        width = min(max([len(name) for _, name, _ in rows], default=0), 60)
        return [head, *(f"  {what:<10}  {name:<{width}}  {why}" for what, name, why in rows)]


def mutation_score(
    subject: Any, tests: Iterable[Test] | Test | None = None, *, examples: int = 24, seconds: float = 10.0
) -> MutationScore:
    """Put each mutant of a derivative in its place in turn, run the tests, and report which mutants they noticed.

    `subject` is an operation (its rules are mutated) or one rule of the registry, a function of Python that returns
    derivatives, or a class with `forward` and `backward`. A test is a function of no arguments; it notices by raising
    an exception or by returning something false, other than None. An inconclusive gradcheck has not noticed. The
    default tests, for an operation of the registry, are gradchecks of both orders on `examples` drawn from its domain
    (about two times as many in all, with those at kinks and of complex numbers).

    A mutant that makes a test run for more than `seconds` counts as noticed. Equivalent mutants of this package's own
    rules are listed with reasons in `testing.mutation.equivalent`; of others, those that changed no value are marked.

    >>> import numpy as np
    >>> from autodiff.testing import gradcheck, mutation_score
    >>> mutation_score(np.tanh, lambda: gradcheck(np.tanh, np.array([0.5, -1.0]))).score
    1.0
    """
    entry = _entry(subject)
    if tests is None:
        if entry is None:
            raise TypeError("mutation_score: tests are needed for a function that is not in the registry; pass tests=.")
        with _quietly():
            tests = default_tests(entry, examples)
    listed = [tests] if callable(tests) else list(tests)
    name = entry.name if entry is not None else getattr(subject, "__name__", repr(subject))
    if not listed:
        raise ValueError(f"mutation_score({name}): no tests are given; pass functions of no arguments.")
    if entry is not None and not _rules(entry):
        raise ValueError(f"mutation_score({name}): {name} is {entry.kind} and has no rules of its own to mutate.")
    started = time.perf_counter()
    score = MutationScore(name)
    _require_passing(name, [test for test in listed if not getattr(test, "passed", False)], seconds)
    for mutant_name, mutant, install in _places(subject, entry):
        with install(mutant), _quietly():
            noticed = _noticed(listed, seconds)
        score.mutants.append(mutant)
        rule = mutant_name.partition(": ")[0] if mutant_name.startswith("operand ") else ""
        score.rules[rule] = score.rules.get(rule, 0) + 1
        if noticed:
            score.killed[mutant_name] = noticed
            continue
        score.survived[mutant_name] = mutant.effect
        if entry is not None and (why := reason(entry.name, mutant_name)):
            score.explained[mutant_name] = why
    score.seconds = time.perf_counter() - started
    return score


def ruled() -> list[Primitive]:
    """Return the operations that have rules to mutate, each once."""
    from autodiff.testing.strategies.operations import operations

    return [entry for entry in operations() if entry.differentiable and all(map(_in_a_file, _rules(entry).values()))]


def _rules(entry: Primitive) -> dict[Any, FunctionType]:
    """Return an entry's rules by their place: an operand's number, or "joint"."""
    places: dict[Any, Any] = {**dict(enumerate(entry.rules)), "joint": entry.joint}
    return {place: rule for place, rule in places.items() if rule is not None}


def _in_a_file(rule: FunctionType) -> bool:
    return not rule.__code__.co_filename.startswith("<")


# --- the mutants of a subject, and how each is put in its place ----------------------------------------------------

Install = Callable[[Mutant], Any]


def _entry(subject: Any) -> Primitive | None:
    if isinstance(subject, Primitive):
        return subject
    if isinstance(subject, type) or not callable(subject):
        return None
    try:
        return protocols.lookup(subject)  # type: ignore[no-any-return]
    except TypeError:  # not hashable
        return None


def _places(subject: Any, entry: Primitive | None) -> Iterator[tuple[str, Mutant, Install]]:
    """Yield each mutant with its name and the context manager that puts it in the rule's place."""
    if entry is None:
        owners = ((e, place) for e in registry.values() for place, rule in _rules(e).items() if rule is subject)
        owner = next(owners, None)
        for mutant in mutate(subject):
            if owner is not None:
                yield mutant.name, mutant, _in_entry(*owner)
            else:
                yield mutant.name, mutant, (_in_class if isinstance(subject, type) else _in_function)(subject)
        return
    rules = _rules(entry)
    broadcasts = entry.form == "operands" and (len(entry.rules) > 1 or entry.fun is np.broadcast_to)
    for place, rule in rules.items():
        mutants = mutate(rule) + (skip_unbroadcasting(rule) if broadcasts else [])
        mutants += misplaced(rule, max(0, LEAST - len(mutants)))
        of = f"operand {place}: " if len(rules) > 1 else ""
        for mutant in mutants:
            yield of + mutant.name, mutant, _in_entry(entry, place)


def _in_entry(entry: Primitive, place: Any) -> Install:
    @contextmanager
    def install(mutant: Mutant) -> Iterator[None]:
        before = entry.rules, entry.joint
        if place == "joint":
            entry.joint = mutant.function
        else:
            entry.rules = tuple(mutant.function if i == place else rule for i, rule in enumerate(entry.rules))
        entry.plans.clear()  # the operation's unrolled call holds this very dict
        try:
            yield
        finally:
            entry.rules, entry.joint = before
            entry.plans.clear()

    return install


def _in_class(cls: Any) -> Install:
    @contextmanager
    def install(mutant: Mutant) -> Iterator[None]:
        own = "backward" in vars(cls)
        before: Any = vars(cls).get("backward")
        kind = type(before) if isinstance(before, (staticmethod, classmethod)) else staticmethod
        cls.backward = mutant.function if isinstance(before, FunctionType) else kind(mutant.function)
        try:
            yield
        finally:
            if own:
                cls.backward = before
            else:
                del cls.backward

    return install


def _in_function(function: Any) -> Install:
    """Put mutants in the place of a function for whoever holds it: its code becomes a call of the mutant."""
    original = rule_of(function)
    code = original.__code__
    calling: CodeType = (lambda *args, **kwargs: _mutant_(*args, **kwargs)).__code__  # type: ignore[name-defined]  # noqa: F821

    @contextmanager
    def install(mutant: Mutant) -> Iterator[None]:
        original.__globals__["_mutant_"] = mutant.function
        original.__code__ = calling.replace(co_freevars=code.co_freevars)
        try:
            yield
        finally:
            original.__code__ = code
            del original.__globals__["_mutant_"]

    return install


# --- running the tests ---------------------------------------------------------------------------------------------


def _require_passing(name: str, tests: list[Test], seconds: float) -> None:
    with _quietly():
        noticed = _noticed(tests, 10 * seconds)
    if noticed:
        raise ValueError(
            f"mutation_score({name}): the tests must pass on the derivative as it is, but: {noticed}. Only then does a "
            "failure say that a mutant was noticed."
        )


def _noticed(tests: list[Test], seconds: float) -> str:
    """Return which test noticed an error, and how; "" if none did, or if a check was inconclusive."""
    for i, test in enumerate(tests):
        name = getattr(test, "__name__", type(test).__name__)
        name = f"test {i}" if name == "<lambda>" else name
        reports: list[Report] = []
        report.observers.append(reports.append)
        try:
            with deadline(seconds):
                answer = test()
            if answer is None or answer:
                continue
            how = answer.reason if isinstance(answer, Report) else f"returned {answer!r}"
            inconclusive = isinstance(answer, Report) and _undecided(answer)
        except KeyboardInterrupt:
            raise
        except Late:
            how, inconclusive = f"ran for more than {seconds:g} s", False
        except BaseException as error:  # pytest's outcomes are no Exceptions
            how = f"{type(error).__name__}: {error}".splitlines()[0]
            how = how if len(how) <= 80 else how[:77] + "..."
            inconclusive = isinstance(error, AssertionError) and bool(reports) and _undecided(reports[-1])
        finally:
            report.observers.remove(reports.append)
        if not inconclusive:
            tests.insert(0, tests.pop(i))  # what notices one error is likely to notice the next
            return f"{name}: {how}"
    return ""


def _undecided(found: Report) -> bool:
    return found.verdict is Verdict.INCONCLUSIVE


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the warnings about wrong numbers, and the reports of them, to ourselves."""
    observers = report.observers[:]
    report.observers.clear()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        report.observers[:] = observers


# --- a whole registry ----------------------------------------------------------------------------------------------


def measured(entries: Sequence[Primitive], *, examples: int, seconds: float, jobs: int = 1) -> Iterator[MutationScore]:
    """Yield the mutation scores of operations, in their order; with several jobs, processes share them."""
    if jobs == 1:
        yield from (_scored(entry, examples, seconds) for entry in entries)
        return
    from multiprocessing import get_context

    work = [(list(registry.values()).index(entry), examples, seconds) for entry in entries]
    with get_context("fork").Pool(jobs) as pool:  # forked, so that a number says which entry is meant
        yield from pool.imap(_measure, work)


def _measure(work: tuple[int, int, float]) -> MutationScore:
    """Return a score that can be sent to another process: its mutants cannot be called any more."""
    number, examples, seconds = work
    score = _scored(list(registry.values())[number], examples, seconds)
    score.mutants = [replace(mutant, function=_elsewhere) for mutant in score.mutants]
    return score


def _scored(entry: Primitive, examples: int, seconds: float) -> MutationScore:
    """Return an operation's score; where its tests fail on the rules as they are, that counts as missed."""
    try:
        return mutation_score(entry, examples=examples, seconds=seconds)
    except Exception as error:
        return MutationScore(entry.name, survived={"not measured": f"{type(error).__name__}: {error}".splitlines()[0]})


def keep(path: str, score: MutationScore) -> None:
    """Add a score to a file of JSON lines; of the mutants, what they are called."""
    facts = vars(score) | {"mutants": [mutant.name for mutant in score.mutants]}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")


def kept(path: str) -> list[MutationScore]:
    """Return the scores that a file holds; none if there is no such file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        scores = [MutationScore(**json.loads(line)) for line in file]
    for score in scores:
        score.explained = {name: why for name in score.survived if (why := reason(score.subject, name))}
        score.mutants = [Mutant(str(name), "", _elsewhere, Tools()) for name in score.mutants]
    return scores


def _elsewhere(*_: Any, **__: Any) -> Any:
    raise RuntimeError("this mutant was made in another process; call mutate to make it here.")


class Total:
    """The scores of several operations taken together."""

    def __init__(self, scores: Sequence[MutationScore]) -> None:
        self.scores = list(scores)
        self.mutants = sum(len(s.mutants) for s in scores)
        self.killed = sum(len(s.killed) for s in scores)
        self.explained = sum(len(s.explained) for s in scores)
        self.missed = {s.subject: s.missed for s in scores if s.missed}
        self.late = sum(len(s.late) for s in scores)
        self.least = min([n for s in scores for n in s.rules.values()], default=0)

    @property
    def score(self) -> float:
        """The part of the mutants that were noticed, equivalent ones left out."""
        judged = self.mutants - self.explained
        return self.killed / judged if judged else 1.0

    def __bool__(self) -> bool:
        return not self.missed

    def __str__(self) -> str:
        lines = [f"SURVIVED  {name}: {m}  ({why})" for name, missed in self.missed.items() for m, why in missed.items()]
        last = (
            f"{self.killed:,} of {self.mutants:,} mutants of {len(self.scores)} operations killed, "
            f"{self.explained} equivalent, {self.mutants - self.killed - self.explained} missed: "
            f"mutation score {self.score:.2%}; {sum(len(s.rules) for s in self.scores):,} rules with at least "
            f"{self.least} mutants each; {self.late} killed by the clock"
        )
        return "\n".join([*lines, last])
