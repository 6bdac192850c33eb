"""op_inputs: every operation of the registry can be drawn, with NumPy's values, where its operands are meant to lie."""

from __future__ import annotations

import functools
import inspect
import operator
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff import kernels
from autodiff.kernels import indexing
from autodiff.primitive import Primitive, registry
from autodiff.testing import gradcheck, op_inputs
from autodiff.testing.report import Verdict
from autodiff.testing.strategies import linalg, recurrent, scipy_linalg
from autodiff.testing.strategies.arrays import CLEAR, DISTANCES
from autodiff.testing.strategies.drawing import NOT_DRAWN
from autodiff.testing.strategies.operations import Call, no_strategy, operations, takes_complex
from autodiff.tree import leaves

OPS = operations()
each_op = pytest.mark.parametrize("entry", OPS, ids=lambda e: e.name)
only_draw = settings(phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))


@functools.cache
def drawn(op: Any, count: int = 40, **options: Any) -> list[Call]:
    """Return some calls that the strategy draws; ten an example, which is faster."""
    calls: list[Call] = []

    @settings(only_draw, max_examples=count // 10, derandomize=True, deadline=None)
    @given(st.lists(op_inputs(op, **options), min_size=10, max_size=10))
    def draw(some: list[Call]) -> None:
        calls.extend(some)

    draw()
    return calls


def agrees(call: Call) -> None:
    """Assert that the engine's values, and those of the call's source, are those of the function on plain arrays."""
    *made, line = call.source.splitlines()
    scope: dict[str, Any] = {}
    exec("\n".join(made), scope)
    with np.errstate(all="ignore"):
        again = leaves([eval(line, scope)])
        expected, found = leaves([call()]), leaves([call.function(*map(ad.as_tensor, call.inputs))])
    for y, e, z in zip(found, expected, again, strict=True):
        assert isinstance(y, ad.Tensor)
        assert (y.shape, y.dtype) == (np.shape(e), e.dtype)
        np.testing.assert_allclose(y.numpy(), e, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(z, e, rtol=1e-12)  # another layout in memory may add up in another order


# --- every operation -------------------------------------------------------------------------------------------------


@each_op
@settings(max_examples=2)
@given(data=st.data())
def test_drawn_calls_have_numpys_values_and_the_right_derivative(entry: Primitive, data: st.DataObject) -> None:
    call = data.draw(op_inputs(entry))
    agrees(call)
    with np.errstate(all="ignore"):
        assert gradcheck(call.function, *call.inputs)


@each_op
@settings(max_examples=2)
@given(data=st.data())
def test_calls_drawn_at_kinks_and_singular_points_have_numpys_values(entry: Primitive, data: st.DataObject) -> None:
    agrees(data.draw(op_inputs(entry, smooth=False)))


@pytest.mark.parametrize("entry", [e for e in OPS if takes_complex(e)], ids=lambda e: e.name)
@settings(max_examples=2)
@given(data=st.data())
def test_complex_calls_too(entry: Primitive, data: st.DataObject) -> None:
    call = data.draw(op_inputs(entry, complex=True))
    assert call.inputs[0].dtype.kind == "c"
    agrees(call)
    with np.errstate(all="ignore"):
        assert gradcheck(call.function, *call.inputs, exhaustive=False, directions=1)


# --- nothing is left out ---------------------------------------------------------------------------------------------


def test_every_operation_has_a_strategy() -> None:
    assert {e.name: reason for e in OPS if (reason := no_strategy(e)) is not None} == {}


def _registered(**facts: Any) -> Any:
    form = facts.pop("form", ad.primitive)
    return form(lambda g: g, **facts)(lambda *xs, **words: xs[0])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"sig": "x; tolerance=1.0"}, "keywords no strategy draws .tolerance."),
        ({"form": ad.sequence, "sig": "*xs;"}, "takes a sequence of operands"),
        ({"bind": lambda x, *, size: ((x,), {"size": size})}, "sorts its arguments itself"),
    ],
)
def test_an_operation_without_a_strategy_is_found(entry: Any, reason: str) -> None:
    with pytest.raises(LookupError, match=reason):
        op_inputs(_registered(**entry))


def test_a_composite_operation_without_a_strategy_is_found() -> None:
    with pytest.raises(LookupError, match="is composite"):
        op_inputs(ad.composite(lambda x: x * x))


def test_an_operation_of_a_known_form_needs_no_strategy_of_its_own() -> None:
    @ad.reduction(lambda g, x, axis, keepdims: g, sig="x; axis=None, keepdims=False")
    def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return np.sum(x, axis=axis, keepdims=keepdims)

    words = {word for call in drawn(total) for word in call.keywords}
    assert words == {"axis", "keepdims"}


def given_words(entry: Primitive, call: Call) -> dict[str, Any]:
    """Return the arguments of a call by the names the function gives them."""
    if entry.fun not in (call.fun, getattr(call.fun, "__wrapped__", None)):
        return {}
    function: Any = entry.kernel if entry.form == "composite" else entry.signature.bind
    return inspect.signature(function).bind(*call.args, **call.keywords).arguments


PREPARED = linalg.ARGUMENTS | scipy_linalg.ARGUMENTS | recurrent.ARGUMENTS  # the rows of tests/ops vary their keywords
WITH_WORDS = [e for e in OPS if (e.form == "composite" or e.signature.bind is not None) and e.fun not in PREPARED]
NO_EFFECT = ("check_finite", "overwrite_a", "overwrite_b", "overwrite_ab", "workers", "name")  # on values
FIXED = {(np.clip, "dtype")}  # the engine has one choice
if "sorted" not in inspect.signature(np.unique).parameters:  # NumPy before 2.3
    FIXED |= {(np.unique, "sorted"), (np.trim_zeros, "axis")}


@pytest.mark.parametrize("entry", WITH_WORDS, ids=lambda e: e.name)
def test_every_keyword_the_engine_supports_is_varied(entry: Primitive) -> None:
    function: Any = entry.kernel if entry.form == "composite" else entry.signature.bind
    parameters = inspect.signature(function).parameters.values()
    expected = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD and (entry.fun, p.name) not in FIXED}
    if entry.fun is indexing.getitem:  # called as x[index]
        return
    seen = defaultdict(set)
    for count in (20, 40):  # half of them at the simplest point
        for call in drawn(entry, count):
            words = given_words(entry, call)
            for name in expected:
                seen[name].add(repr(words.get(name, "left out")))
        constant = {name for name in expected if len(seen[name]) < 2} - {*NOT_DRAWN, *NO_EFFECT}
        if not constant:
            return
    assert not constant


# --- where operands lie ----------------------------------------------------------------------------------------------


def points_of(entry: Primitive, i: int) -> list[Any]:
    kinks = [k for k in entry.kinks if isinstance(k, float) or k in DISTANCES]
    return [*entry.domain_of(i).singular, *kinks]


def distance(x: Any, point: Any) -> Any:
    return DISTANCES[point](x) if isinstance(point, str) else np.abs(x - point)


POINTED = [
    e for e in OPS if e.form != "composite" and e.fun is not np.round and any(points_of(e, 0) + points_of(e, -1))
]


@pytest.mark.parametrize("entry", POINTED, ids=lambda e: e.name)
def test_smooth_calls_keep_clear_and_others_stand_exactly_there(entry: Primitive) -> None:
    def distances(smooth: bool) -> list[float]:
        found = [np.inf]
        for call in drawn(entry, smooth=smooth):
            operands = [x for x in call.args if isinstance(x, np.ndarray)]
            carried = [i for i in range(len(entry.rules)) if entry.carries(i)] or [0]
            pairs = zip(carried * len(operands), operands, strict=False)
            if isinstance(entry.fun, np.ufunc):  # an operand without a rule may be an array as well
                pairs = ((i, x) for i, x in enumerate(call.args) if isinstance(x, np.ndarray) and entry.carries(i))
            for i, x in pairs:
                if entry.fun in (np.power, np.float_power) and len(operands) == 1 and call.args[1] >= 0:
                    continue  # x**2 has no singular point
                found += [float(d) for point in points_of(entry, i) for d in np.ravel(distance(x, point))]
        return found

    assert CLEAR <= min(distances(smooth=True)) < np.inf
    assert min(distances(smooth=False)) == 0


@pytest.mark.parametrize("fun", [np.maximum, np.fmin, np.max, np.min, np.sort, np.std])
def test_ties_are_kept_apart_or_drawn(fun: Any) -> None:
    def gaps(smooth: bool) -> list[float]:
        pooled = [np.sort(np.concatenate([np.ravel(x) for x in c.inputs])) for c in drawn(fun, smooth=smooth)]
        return [float(np.min(np.diff(pool))) for pool in pooled if pool.size > 1]

    assert min(gaps(smooth=True)) > 0.02
    assert 0 in gaps(smooth=False)


@pytest.mark.parametrize("fun", [np.remainder, np.fmod, np.divmod, np.floor_divide])
def test_quotients_are_kept_from_whole_numbers_or_drawn_there(fun: Any) -> None:
    def distances(smooth: bool) -> Any:
        quotients = [np.ravel(c.inputs[0] / c.inputs[1]) for c in drawn(fun, smooth=smooth)]
        return DISTANCES["integers"](np.concatenate(quotients))

    assert distances(smooth=True).min() > 0.1
    assert distances(smooth=False).min() == 0


def test_bounds_the_origin_and_the_cut_are_kept_clear_of_or_met() -> None:
    def at_bound(call: Call) -> bool:
        low, high = (list(call.args[1:]) + list(call.keywords.values()))[:2]
        return any(np.any(call.args[0] == bound) for bound in (low, high) if bound is not None)

    assert not any(map(at_bound, drawn(np.clip)))
    assert any(map(at_bound, drawn(np.clip, smooth=False)))
    for fun in (np.hypot, np.arctan2):
        assert not any(np.any((c.args[0] == 0) & (c.args[1] <= 0)) for c in drawn(fun))
        assert any(np.any((c.args[0] == 0) & (c.args[1] == 0)) for c in drawn(fun, smooth=False))
    assert any(np.any((c.args[0] == 0) & (c.args[1] > 0)) for c in drawn(np.arctan2, 200))


@pytest.mark.parametrize(
    "entry", [registry[f] for f in (np.add, np.sum, np.matmul, kernels.relu)], ids=lambda e: e.name
)
def test_layouts_and_small_shapes_are_drawn(entry: Primitive) -> None:
    inputs = [x for call in drawn(entry, 200) for x in call.inputs]
    assert any(x.size == 0 for x in inputs)
    assert any(x.ndim >= 2 and x.size > 3 and x.flags.f_contiguous and not x.flags.c_contiguous for x in inputs)
    assert any(min(x.strides, default=0) < 0 for x in inputs)
    assert any(not x.flags.writeable for x in inputs)
    assert any(x.size > 1 and not x.flags.forc for x in inputs)
    assert entry.fun is np.matmul or any(x.ndim == 0 for x in inputs)
    assert all(type(x) is np.ndarray for x in inputs)


# --- what is drawn can be read, replayed and shrunk ------------------------------------------------------------------


def test_a_call_reads_as_the_code_that_makes_it() -> None:
    x = np.array([[1.0, 2.0]])
    assert Call(registry[np.sum], np.sum, (x,), {"axis": (0, 1), "keepdims": True}).line == (
        "np.sum(x, axis=(0, 1), keepdims=True)"
    )
    joined = Call(registry[np.concatenate], np.concatenate, ([x, x],), {"axis": 1})
    assert joined.line == "np.concatenate([a, b], axis=1)"
    assert joined.source.splitlines() == [
        "import numpy as np", "a = np.array([[1.0, 2.0]])", "b = np.array([[1.0, 2.0]])", joined.line
    ]  # fmt: skip
    assert repr(joined) == joined.line + "  # a = np.array([[1.0, 2.0]]); b = np.array([[1.0, 2.0]])"


def test_an_index_reads_as_a_subscript() -> None:
    def text(index: Any) -> str:
        return Call(registry[indexing.getitem], operator.getitem, (np.ones((2, 3)), index)).line

    assert text((slice(1, None), None, ..., -1)) == "x[1:, None, ..., -1]"
    assert text(np.array([0, 1])) == "x[np.array([0, 1])]"
    assert text((slice(None, None, -2),)) == "x[::-2,]"
    assert text(()) == "x[()]"


def test_a_call_shrinks_to_the_simplest_one() -> None:
    plain = settings(database=None, max_examples=300)
    least = find(op_inputs(np.multiply), lambda c: any(x.size > 1 for x in c.inputs), settings=plain)
    assert sum(x.size for x in least.inputs) <= 3
    assert all(np.all(x == 0) for x in least.inputs)
    kinked = find(op_inputs(np.log), lambda c: np.any(c.inputs[0] > 1), settings=plain)
    np.testing.assert_array_equal(kinked.inputs[0], 2.0)


def test_drawing_leaves_the_global_generators_alone() -> None:
    drawn.cache_clear()
    before, own = np.random.get_state()[1].copy(), ad.random.default_generator().get_state()  # noqa: NPY002
    drawn(np.subtract, 10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert ad.random.default_generator().get_state() == own


# --- what cannot be drawn --------------------------------------------------------------------------------------------


def test_a_function_the_registry_does_not_know_is_refused() -> None:
    with pytest.raises(LookupError, match="zeros has no entry in the registry"):
        op_inputs(np.zeros)


def test_an_operation_without_a_derivative_is_refused() -> None:
    with pytest.raises(LookupError, match="greater has no strategy: it has no derivative"):
        op_inputs(np.greater)


def test_complex_operands_are_refused_where_there_is_no_derivative() -> None:
    with pytest.raises(ValueError, match="maximum has no derivative at complex numbers"):
        op_inputs(np.maximum, complex=True)


# --- a wrong rule is caught by what is drawn -------------------------------------------------------------------------

WRONG = {
    "sign": (np.tanh, lambda x: ad.elementwise(lambda g, y: -(g - g * y * y))(lambda x: np.tanh(x))(x)),
    "no sum over an axis": (
        np.max,
        lambda x, axis=None, keepdims=False: ad.reduction(
            lambda g, x, axis, keepdims: x * 0 + 1, sig="x; axis, keepdims"
        )(lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims))(x, axis, keepdims),
    ),
    "negative inputs": (
        np.square,
        lambda x: ad.elementwise(lambda g, x: g * 2 * np.abs(x))(lambda x: np.square(x))(x),
    ),
    "exact zeros": (
        np.square,
        lambda x: ad.elementwise(lambda g, x: np.where(np.equal(x, 0), 1.0, g * 2 * x))(lambda x: np.square(x))(x),
    ),
    "size-1 axes": (
        np.negative,
        lambda x: ad.linear(lambda g, s: g if 1 in s.shape else -g)(lambda x: np.negative(x))(x),
    ),
    "non-contiguous input": (
        np.negative,
        lambda x: ad.linear(lambda g, x: -g if np.ndim(x) < 1 or x.flags.c_contiguous else g)(lambda x: np.negative(x))(
            x
        ),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_fails_on_a_drawn_call(name: str) -> None:
    fun, wrong = WRONG[name]

    def fails(call: Call) -> bool:
        f = Call(call.entry, wrong, call.args, call.keywords).function
        with np.errstate(all="ignore"):
            return gradcheck(f, *call.inputs).verdict is Verdict.FAIL

    assert any(fails(call) for call in drawn(fun))
