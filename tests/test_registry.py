"""The registry: its four forms of entries, open to third parties; readable; and closed to what it does not know."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.kernels.bessel import scaled_bessel_i
from autodiff.kernels.pooling import max_pool, windows
from autodiff.primitive import DOMAINS, registry
from autodiff.testing.strategies.arrays import DISTANCES, levels
from autodiff.testing.strategies.operations import op_inputs, operations
from autodiff.tree import leaves
from tests.numeric import check

RNG = np.random.default_rng(5)
A, B = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2))


# --- the four forms, registered from outside ---


@ad.elementwise(lambda g, x, y: g * y * (1 + np.log(x)))
def self_power(x: Any) -> Any:
    """Return x**x."""
    return np.power(x, x)


@ad.bilinear(lambda g, b: np.matmul(g, b.mT), lambda g, a: np.matmul(a.mT, g))
def product(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


@ad.primitive(lambda g, x, power: g * power * x ** (power - 1))
def raised(x: Any, *, power: int = 2) -> Any:
    return x**power


@ad.sequence(
    lambda g, xs, needs: [g * np.cos(x) if need else None for x, need in zip(xs, needs, strict=True)], sig="*xs;"
)
def sum_of_sines(*xs: Any) -> Any:
    return sum(np.sin(x) for x in xs)


@ad.joint(lambda g, x, b: [g * b, g * x])
def multiplied(x: Any, b: Any) -> Any:
    return x * b


def _halves_rule(g: Any, x: Any) -> Any:
    parts = [h * f for h, f in zip(g, (np.cos(x), -np.sin(x)), strict=True) if h is not None]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


@ad.outputs(_halves_rule)
def sine_cosine(x: Any) -> Any:
    return np.sin(x), np.cos(x)


@ad.composite
def softplus(x: Any) -> Any:
    return np.log1p(np.exp(x))


FORMS = {
    "operands, elementwise": (self_power, (np.abs(A) + 0.5,)),
    "operands, bilinear": (product, (A, B.T)),
    "operands, with a keyword": (lambda x: raised(x, power=3), (A,)),
    "operands, default keyword": (raised, (A,)),
    "sequence": (lambda a, b: sum_of_sines([a, b, a]), (A, B)),
    "sequence, with a constant": (lambda a: sum_of_sines([a, B]), (A,)),
    "joint": (multiplied, (A, B)),
    "outputs": (sine_cosine, (A,)),
    "outputs, one used": (lambda x: sine_cosine(x)[1], (A,)),
    "composite": (softplus, (A,)),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_third_partys_function_of_any_form_has_derivatives_of_any_order(name: str) -> None:
    f, operands = FORMS[name]
    check(f, *operands, order=3)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (self_power, 4.0),
        (softplus, np.log1p(np.exp(2.0))),
        (lambda x: raised(x, power=3), 8.0),
        (lambda x: sine_cosine(x)[0], np.sin(2.0)),
    ],
)
def test_the_same_function_takes_arrays_and_answers_with_arrays(f: Any, expected: float) -> None:
    y = f(np.array([2.0]))
    assert type(y) is np.ndarray
    np.testing.assert_allclose(y, [expected])


def test_a_first_operand_may_be_without_a_rule() -> None:
    @ad.primitive(None, lambda g, condition: np.where(condition, g, 0))
    def masked(condition: Any, values: Any) -> Any:
        return np.where(condition, values, 0)

    check(lambda x: masked(A > 0, x), B)
    check(lambda x: masked(ad.tensor(A > 0), x), B)


def test_a_registered_function_keeps_its_name_and_text() -> None:
    assert self_power.__name__ == "self_power"
    assert self_power.__doc__ == "Return x**x."


def test_numpys_own_functions_can_be_registered_too() -> None:
    own = registry.pop(np.heaviside)
    ad.elementwise(np.heaviside, lambda g: np.zeros_like(g), lambda g, a: np.where(np.equal(a, 0), g, 0))
    try:
        x = ad.tensor([0.5, 0.0], requires_grad=True)
        (g,) = ad.grad(np.heaviside(ad.tensor([0.0, 0.0]), x).sum(), x)
        np.testing.assert_array_equal(g.numpy(), [1.0, 1.0])
    finally:
        registry[np.heaviside] = own


def test_grad_fn_names_the_function_its_parents_and_what_it_saved() -> None:
    x = ad.tensor(np.ones((2, 3)), requires_grad=True)
    x.name = "x"
    y = self_power(x)
    z = y + 1.0
    assert z.grad_fn.name == "add"
    ((parent, number),) = z.grad_fn.next_functions
    assert (parent, number) == (y.grad_fn, 0)
    assert parent.name == "self_power"
    assert parent.saved_shapes == ((2, 3), (2, 3))
    assert [p.name for p, _ in parent.next_functions] == ["x"]
    assert repr(z.grad_fn) == "<add>"


# --- what registration refuses ---


def test_a_rule_that_does_not_begin_with_g_is_refused() -> None:
    with pytest.raises(TypeError, match="first parameter is g"):
        ad.primitive(lambda x: x)(lambda y: y)
    with pytest.raises(TypeError, match="wrong: a rule's first parameter is g"):
        ad.elementwise(scipy.special.kolmogorov, lambda x: x, name="wrong")


def test_an_operand_with_a_rules_word_for_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match="y means something else in a rule"):
        ad.primitive(lambda g: g)(lambda y: y)


def test_a_function_of_any_number_of_operands_must_write_its_signature() -> None:
    with pytest.raises(TypeError, match="any number of operands"):
        ad.primitive(lambda g: g)(lambda *arrays: arrays[0])


# --- reading ---


@pytest.mark.parametrize(
    ("fun", "line"),
    [
        (np.tanh, "elementwise(np.tanh, lambda g, y: g - g * (y * y))"),
        (np.exp, "elementwise(np.exp, lambda g, y: g * y)"),
        (np.add, "linear(np.add, lambda g: g, lambda g: g)"),
    ],
)
def test_rule_prints_the_line_of_the_table(fun: Any, line: str) -> None:
    assert repr(ad.rule(fun)) == line


def test_every_entry_can_be_read() -> None:
    lengths = {fun: len(str(ad.rule(fun))) for fun in registry}
    assert not [fun for fun, length in lengths.items() if not 0 < length < 2000]


def test_rule_of_a_third_partys_function_is_its_source() -> None:
    assert "lambda g, x, y: g * y * (1 + np.log(x))" in ad.rule(self_power)
    assert "def softplus" in ad.rule(softplus)


def test_rule_of_a_function_without_one_says_what_to_call() -> None:
    with pytest.raises(KeyError, match=r"np\.zeros has no derivative rule.*ad\.zeros"):
        ad.rule(np.zeros)


def test_entries_state_their_facts() -> None:
    entry = registry[np.multiply]
    assert (entry.name, entry.kind, entry.form) == ("multiply", "bilinear", "operands")
    assert registry[np.absolute].kinks == (0.0,)
    assert registry[np.log].domain == "positive"
    assert registry[np.amax] is registry[np.max]


# --- what it does not know ---


def test_a_function_of_numpys_without_an_entry_refuses_a_tensor_and_names_its_nearest_relative() -> None:
    def nancumprodd(x: Any) -> Any:
        return x

    nancumprodd.__module__ = "numpy"
    t = ad.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(
        TypeError, match=r"nancumprodd has no derivative rule.*np\.nancumprod.*t\.numpy\(\).*ad\.primitive"
    ):
        t.__array_function__(nancumprodd, (ad.Tensor,), (t,), {})


def test_the_first_miss_of_a_foreign_ufunc_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"scipy\.special\.kolmogorov has no derivative rule"):
        scipy.special.kolmogorov(ad.tensor([1.0]))


# --- what entries state of themselves: domain, kinks, singular points, shapes, analytic ---

OPS = operations()
H = 1e-30  # the complex step takes no difference, so nothing cancels
KINKS: dict[Any, Any] = {  # a call at each named kink, and a direction through it
    "tie": {
        1: (([3.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0],), ([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0],)),
        2: ((1.0, 1.0), (1.0, 0.0)),
    },
    "bounds": {3: ((1.0, -1.0, 1.0), (1.0, 0.0, 0.0))},
    "integers": {1: ((2.0,), (1.0,))},
    "halves": {1: ((0.5,), (1.0,))},
    "quotient": {2: ((4.0, 2.0), (1.0, 0.0))},
    "origin": {1: (([0.0, 0.0],), ([1.0, 0.0],)), 2: ((0.0, 0.0), (1.0, 0.0))},
    "equal": {1: (([2.0, 2.0],), ([1.0, 0.0],))},
    "knots": {1: ((1.0,), (1.0,))},
    "binades": {1: ((2.0,), (1.0,))},
    "step": {2: ((0.0, 0.25), (1.0, 0.0))},
    "cut": {1: ((-1.0 + 0j,), (1j,)), 2: ((0.0, -1.0), (1.0, 0.0))},
}


RANKED = {  # with the arguments that they take beside the array
    "scaled_bessel_i": lambda x: scaled_bessel_i(x, order=0),
    "interp": lambda x: np.interp(x, [0, 1, 2], [0, 1, 0]),
    "partition": lambda x: np.partition(x, 0),
    "max_pool": lambda x: max_pool(x[None, None], windows=windows((len(x),), (2,), (1,), (0,), (1,)))[0],
    "topk": lambda x: ad.topk(x, 1)[0],
    "kthvalue": lambda x: ad.kthvalue(x, 1)[0],
    "quantile": lambda x: np.quantile(x, 0.5),
    "nanquantile": lambda x: np.nanquantile(x, 0.5),
    "percentile": lambda x: np.percentile(x, 50),
    "nanpercentile": lambda x: np.nanpercentile(x, 50),
}


def moved(entry: Any, at: Any, along: Any, h: float) -> list[Any]:
    """Return an operation's outputs at a point moved along a direction."""
    with np.errstate(all="ignore"):
        function = RANKED.get(entry.name, entry.fun)
        ys = function(*[np.asarray(x) + h * np.asarray(u) if np.any(u) else x for x, u in zip(at, along, strict=True)])
    return [np.asarray(y, dtype=np.result_type(y, float)) for y in (ys if isinstance(ys, tuple) else (ys,))]


def slopes(entry: Any, at: Any, along: Any, h: float) -> tuple[Any, Any]:
    """Return the difference quotients of all outputs behind a point and before it, as vectors."""
    behind, here, before = (np.hstack([y.ravel() for y in moved(entry, at, along, s * h)]) for s in (-1, 0, 1))
    with np.errstate(all="ignore"):
        return (here - behind) / h, (before - here) / h


def between(entry: Any, i: int) -> float:
    """Return an ordinary point of an operand's domain; of an order or a degree that may be any, 1."""
    domain = entry.domain_of(i)
    if not entry.carries(i) and domain == DOMAINS[None]:
        return 1
    return next(x for x in (0.5, 1.5) if domain.low < x < domain.high)


def test_entries_state_facts_that_have_a_meaning() -> None:
    for entry in OPS:
        domains = entry.domain if isinstance(entry.domain, tuple) else (entry.domain,)
        assert set(domains) <= set(DOMAINS), entry.name
        assert not isinstance(entry.domain, tuple) or len(domains) == len(entry.rules), entry.name
        assert all(isinstance(k, float) or k in KINKS for k in entry.kinks), entry.name
        assert all(isinstance(p, float) or p in ("origin", "no inverse") for p in entry.singular), entry.name


@pytest.mark.parametrize(("name", "domain"), DOMAINS.items(), ids=lambda d: str(d) if isinstance(d, str) else "")
def test_singular_points_of_a_domain_lie_in_it_and_all_domains_are_used(name: Any, domain: Any) -> None:
    assert all(domain.low <= point <= domain.high for point in domain.singular)
    assert any(name in (e.domain if isinstance(e.domain, tuple) else (e.domain,)) for e in OPS)


SINGULAR = [
    (e, i, point) for e in OPS for i in range(len(e.rules)) if e.carries(i) for point in e.domain_of(i).singular
]


@pytest.mark.parametrize(("entry", "i", "point"), SINGULAR, ids=[f"{e.name}-{i}-{p}" for e, i, p in SINGULAR])
def test_at_a_singular_point_the_difference_quotient_grows_without_bound(entry: Any, i: int, point: float) -> None:
    at = [between(entry, j) if j != i else point for j in range(len(entry.rules))]
    along = [float(j == i) for j in range(len(entry.rules))]
    near, nearer = slopes(entry, at, along, 1e-4), slopes(entry, at, along, 1e-10)
    grows = [np.any(~np.isfinite(b) | (np.abs(b) > 2 * np.abs(a))) for a, b in zip(near, nearer, strict=True)]
    assert any(grows)


def test_arctan2_has_no_derivative_at_the_origin_and_inv_none_at_a_singular_matrix() -> None:
    assert registry[np.arctan2].singular == ("origin",)
    assert np.arctan2(1e-300, 0.0) - np.arctan2(0.0, 1e-300) > 1.5
    for fun in (np.linalg.inv, np.linalg.slogdet):
        assert registry[fun].singular == ("no inverse",)
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            ad.grad(fun(t := ad.zeros(2, 2, requires_grad=True))[-1].sum(), t)


KINKED = [(e, kink) for e in OPS for kink in e.kinks]


@pytest.mark.parametrize(("entry", "kink"), KINKED, ids=[f"{e.name}-{k}" for e, k in KINKED])
def test_at_a_kink_the_one_sided_derivatives_differ_and_near_it_they_do_not(entry: Any, kink: Any) -> None:
    arity = len(entry.rules) or 1
    if isinstance(kink, str):
        kinked = [KINKS[kink][arity]]
    else:
        kinked = [
            ([kink if j == i else 1.5 for j in range(arity)], [float(j == i) for j in range(arity)])
            for i in range(arity)
        ]
    for at, along in kinked:
        behind, before = slopes(entry, at, along, 1e-6)
        assert np.abs(behind - before).max() > 1e-3 or np.abs(before).max() > 1e5  # a kink or a jump
    off = [np.asarray(x) + 0.1 * np.asarray(u) for x, u in zip(at, along, strict=True)]
    behind, before = slopes(entry, off, along, 1e-6)
    assert np.abs(behind - before).max() < 1e-3


POINTWISE = [
    e for e in OPS
    if isinstance(e.fun, np.ufunc) and e.shapes is None and all(isinstance(k, float) or k in DISTANCES for k in e.kinks)
]  # fmt: skip


STEEP = {"erfcx": 2e5}  # 2 exp(x**2) on the left


@pytest.mark.parametrize("entry", POINTWISE, ids=lambda e: e.name)
def test_there_are_no_kinks_nor_singular_points_but_those_stated(entry: Any) -> None:
    """Everywhere on a grid that holds 0 and the whole numbers, the two one-sided derivatives are finite and equal."""
    arity = entry.fun.nin
    points = [(*entry.domain_of(i).singular, *entry.kinks) for i in range(arity)]
    free = [entry.carries(i) or entry.domain_of(i) != DOMAINS[None] for i in range(arity)]
    grids = [levels(entry.domain_of(i), away_from=points[i], clear=0.1)[: 400 // 4**arity] for i in range(arity)]
    at = [grid.ravel() for grid in np.meshgrid(*[x if f else [1] for x, f in zip(grids, free, strict=True)])]
    for unit in np.eye(arity)[[entry.carries(i) for i in range(arity)]]:
        along = [u * np.ones_like(x) for u, x in zip(unit, at, strict=True)]
        behind, before = slopes(entry, at, along, 1e-7)
        assert np.abs(before).max() < STEEP.get(entry.name, 2e4)
        np.testing.assert_allclose(behind, before, rtol=1e-4, atol=1e-4)


def wave(x: Any) -> Any:
    """Return a direction in the space of x that no rule treats specially."""
    return np.cos(np.arange(np.size(x)) + 1.0).reshape(np.shape(x))


def complex_step(call: Any, i: int) -> float | None:
    """Return the derivative by input i in one direction from a complex step; None where it cannot be taken."""
    inputs = list(call.inputs)
    inputs[i] = inputs[i] + 1j * H * wave(inputs[i])
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            ys = leaves([call.function(*map(ad.as_tensor, inputs))])
    except (TypeError, ValueError, np.exceptions.ComplexWarning):
        return None
    if any(y.dtype.kind != "c" for y in ys):
        return None
    return sum(float(np.sum(wave(y) * y.numpy().imag)) for y in ys) / H


def reverse(call: Any, i: int) -> float:
    """Return the same derivative from the rules."""
    xs = [ad.as_tensor(x).requires_grad_() for x in call.inputs]
    with np.errstate(all="ignore"):
        ys = [y for y in leaves([call.function(*xs)]) if y.requires_grad]
        found = ad.grad(ys, [xs[i]], [wave(y) for y in ys], allow_unused=True)[0] if ys else None
    return 0.0 if found is None else float(np.sum(found.numpy() * wave(found)))


@pytest.mark.parametrize("entry", [e for e in OPS if e.analytic], ids=lambda e: e.name)
@settings(max_examples=4)
@given(data=st.data())
def test_an_entry_said_analytic_takes_a_complex_step_in_each_of_its_operands(entry: Any, data: st.DataObject) -> None:
    call = data.draw(op_inputs(entry))
    if call.keywords.pop("dtype", None) is np.float64:  # a cast, which astype's entry speaks of
        assert not registry[np.astype].analytic
    values = leaves([call.function(*map(ad.as_tensor, call.inputs))])
    assume(not any(np.imag(y.numpy()).any() for y in values))  # a value off the real axis leaves the step no place
    for i in range(len(call.inputs)):
        np.testing.assert_allclose(complex_step(call, i), reverse(call, i), rtol=1e-9, atol=1e-9)


ROUGH = ("hazard", "fresnel", "hyp2f1")  # SciPy's complex values are not exact to the last digits
PLAIN = [e for e in OPS if not e.analytic and not e.kinks and e.form != "composite"]


@pytest.mark.parametrize("entry", PLAIN, ids=lambda e: e.name)
def test_an_entry_not_said_analytic_has_a_reason_for_it(entry: Any) -> None:
    """Its kernel refuses complex numbers somewhere, or the complex step gives something else than the derivative."""
    exact = 1e-14 if entry.name in ROUGH else 1e-9

    def refuted(call: Any) -> bool:
        for i in range(len(call.inputs)):
            step = complex_step(call, i)
            if step is None or abs(step - reverse(call, i)) > exact:
                return True
        return False

    calls = op_inputs(entry)
    assert find(calls, refuted, settings=settings(max_examples=200, database=None, phases=[Phase.generate]))


SIZES = {"n": 2, "m": 3, "k": 4, "c": 5, "f": 6}
SHAPED = [e for e in OPS if e.shapes and "?" not in e.shapes]


@pytest.mark.parametrize("entry", SHAPED, ids=lambda e: e.name)
def test_a_signature_of_shapes_is_that_of_the_function(entry: Any) -> None:
    given, made = (
        [re.findall(r"\w+", part) for part in re.findall(r"\(([^)]*)\)", s)] for s in entry.shapes.split("->")
    )
    xs = [np.resize([2.0, 1.0, 1.0], [SIZES[c] for c in letters]) for letters in given]
    if entry.name.startswith("softmax_nll"):
        place = 1 + entry.name.endswith("backward")
        xs[place] = xs[place].astype(int)
    ys = entry.fun(*xs)
    known = {c for letters in given for c in letters} | {"1"}
    for y, letters in zip(ys if isinstance(ys, tuple) else [ys], made, strict=True):
        assert np.ndim(y) == len(letters)
        for n, c in zip(np.shape(y), letters, strict=True):
            assert c not in known or n == (SIZES | {"1": 1})[c]


def test_a_matrix_products_shapes_are_numpys_own() -> None:
    assert registry[np.matmul].shapes == np.matmul.signature
    assert registry[np.add].shapes is None


@pytest.mark.parametrize(
    ("fun", "analytic"),
    [(np.exp, True), (np.matmul, True), (np.sum, True), (np.absolute, False), (np.cbrt, False), (np.conjugate, False)],
)
def test_analytic_follows_from_the_other_facts_unless_it_is_stated(fun: Any, analytic: bool) -> None:
    assert registry[fun].analytic is analytic
