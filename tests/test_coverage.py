"""Every public callable has a status, what is said to have no gradient has none, and the page of it all is fresh."""

from __future__ import annotations

import functools
import inspect
import re
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.coverage import CONSTANT, DIFFERENTIABLE, MEANS, PLAIN, UNSUPPORTED, ZERO, status
from autodiff.primitive import is_numpys, refused, registry
from autodiff.protocols import unknown
from autodiff.rules.others import CATEGORIES
from autodiff.source import spelled
from autodiff.testing.strategies.arrays import operand_shapes
from autodiff.testing.strategies.drawing import Draw
from autodiff.testing.strategies.operations import no_strategy, op_inputs
from autodiff.tree import leaves, map_leaves

TABLE = ad.coverage()
ENTRIES = list(dict.fromkeys(registry.values()))
PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
MOST = 8  # of NumPy's differentiable functions may be unsupported


def public(module: Any) -> dict[str, Callable[..., Any]]:
    return {name: f for name, f in vars(module).items() if callable(f) and not name.startswith("_")}


def dispatches(fun: Any) -> bool:
    """Say whether a Tensor among the arguments of a function reaches the registry."""
    return isinstance(fun, np.ufunc) or hasattr(fun, "_implementation")


# --- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [np, np.linalg, np.fft], ids=lambda m: m.__name__)
def test_every_public_callable_of_numpy_has_a_status(module: Any) -> None:
    assert not [name for name, fun in public(module).items() if status(fun) is None]


@pytest.mark.parametrize("module", [np, np.linalg, np.fft], ids=lambda m: m.__name__)
def test_every_function_of_numpy_that_dispatches_is_in_the_registry_or_listed_as_unsupported(module: Any) -> None:
    known = registry.keys() | refused.keys()
    assert not [name for name, fun in public(module).items() if dispatches(fun) and fun not in known]


def test_every_ufunc_of_scipy_special_and_every_function_of_scipy_linalg_has_a_status() -> None:
    funs = [f for f in public(scipy.special).values() if isinstance(f, np.ufunc)]
    funs += public(scipy.linalg).values()
    assert not [getattr(f, "__name__", f) for f in funs if status(f) is None]


def test_few_functions_of_numpy_are_unsupported_and_each_says_why() -> None:
    listed = [f for f in refused if (getattr(f, "__module__", None) or "numpy").startswith("numpy")]
    assert len(listed) <= MOST
    for fun, (reason, instead) in refused.items():
        assert reason
        assert not reason.endswith(".")
        assert reason in unknown(fun)
        assert instead in unknown(fun)
        assert ad.help(fun).startswith(f"{spelled(fun)}: {UNSUPPORTED}")


@pytest.mark.parametrize("fun", list(refused), ids=spelled)
def test_an_unsupported_function_refuses_a_tensor_by_name(fun: Any) -> None:
    t = ad.tensor([1.0, 2.0], requires_grad=True)
    if isinstance(fun, np.ufunc):
        call = partial(fun, *[t] * fun.nin)
    else:
        call = partial(t.__array_function__, fun, (ad.Tensor,), (t,), {})
    with pytest.raises(TypeError, match=rf"{re.escape(spelled(fun))} of a Tensor is not supported: "):
        call()


NAMED = [row.instead for row in CATEGORIES] + [line.instead for line in refused.values()]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b(?:ad|np|scipy)(?:\.\w+)+", " ".join(NAMED)))))
def test_what_is_named_as_an_alternative_exists(path: str) -> None:
    assert eval(path, {"ad": ad, "np": np, "scipy": scipy}) is not None


def test_a_function_has_one_status() -> None:
    modules = {m.__name__: m for m in (np, np.linalg, np.fft, scipy.special, scipy.linalg)}
    for row in CATEGORIES:
        funs = {name: vars(modules[row.module]).get(name) for name in row.names.split()}
        twice = [name for name, f in funs.items() if f is not None and (f in registry or f in refused)]
        assert not twice, f"{row.title} lists {twice}, which have an entry"
    names = [(row.module, name) for row in CATEGORIES for name in row.names.split()]
    assert len(names) == len(set(names))


@functools.cache
def newest() -> bool:
    """Say whether the NumPy and SciPy installed are those that the page was written of."""
    head = PAGE.read_text()[:2000]
    return all(f"{name} {'.'.join(version(name).split('.')[:2])}" in head for name in ("NumPy", "SciPy"))


# --- what is said to have no gradient --------------------------------------------------------------------------------

# how functions with more than arrays to their name are called, as functions of floating arrays
CALLS: dict[Any, Callable[..., Any]] = {
    np.ix_: lambda x: np.ix_(np.ravel(x) > 0, np.ravel(x) > 0),
    np.searchsorted: lambda a, v: np.searchsorted(np.sort(np.ravel(a)), v),
    np.argpartition: lambda x: np.argpartition(x, 0),
    np.digitize: lambda x, bins: np.digitize(x, np.sort(np.ravel(bins))),
}
UNDEFINED = {np.empty_like}  # its values are whatever was in memory
H = 1e-6


def of_numpy(entry: Any) -> bool:
    """Say whether an entry is of a function of NumPy's."""
    if isinstance(entry.fun, np.ufunc):
        return getattr(np, entry.fun.__name__, None) is entry.fun
    return (entry.fun.__module__ or "numpy").startswith("numpy")


FLAT = [e for e in ENTRIES if is_numpys(e.fun) and status(e.fun).kind in (ZERO, CONSTANT) and e.fun not in UNDEFINED]


@st.composite
def points(draw: st.DrawFn, entry: Any) -> list[Any]:
    """Draw operands clear of an entry's kinks, no two of their elements equal or equal up to sign."""
    d = Draw(draw, smooth=True, entry=entry, complex=False)
    count = entry.signature.arity or 1
    shapes = draw(operand_shapes(count, entry.shapes, 1)) if count > 1 or entry.shapes else [d.shape(1, 1, 2)]
    arrays = [d.array(shape, i) for i, shape in enumerate(shapes)]
    return [x + 1e-3 * np.arange(1, x.size + 1).reshape(x.shape) + 1e-2 * i for i, x in enumerate(arrays)]


def results(call: Callable[..., Any], xs: list[Any]) -> list[Any]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a NumPy that is about to drop a name
        return [y for y in leaves([call(*[ad.tensor(x, requires_grad=True) for x in xs])]) if y is not None]


@pytest.mark.parametrize("entry", FLAT, ids=lambda e: e.path)
@settings(max_examples=10)
@given(data=st.data())
def test_what_is_said_to_have_no_gradient_does_not_change_with_its_operands(entry: Any, data: st.DataObject) -> None:
    xs = data.draw(points(entry))
    call = CALLS.get(entry.fun, entry)
    try:
        here = results(call, xs)
    except (TypeError, ValueError):  # it takes no floating numbers, so there is nothing to differentiate by
        with pytest.raises(TypeError, match="not supported for the input|contain a loop|only defined for|integer|byte"):
            entry.fun(*xs)
        return
    assert here
    rng = np.random.default_rng(0)
    for sign in (1, -1):
        moved = results(call, [x + sign * H * rng.uniform(0.5, 1, x.shape) for x in xs])
        for y, z in zip(here, moved, strict=True):
            np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    for y in here:
        assert isinstance(y, ad.Tensor)
        assert not y.requires_grad or status(entry.fun).kind == ZERO


# --- keywords --------------------------------------------------------------------------------------------------------


def numpys_parameters(fun: Any) -> list[str]:
    """Return the names of a NumPy function's optional parameters, as far as it can tell."""
    if isinstance(fun, np.ufunc):
        return ["out", "where", "casting", "order", "dtype", "subok"]
    try:
        parameters = inspect.signature(fun).parameters.values()
    except ValueError:
        return []
    return [p.name for p in parameters if p.default is not p.empty and p.kind is not p.POSITIONAL_ONLY]


DRAWN = [e for e in ENTRIES if of_numpy(e) and e.kind != "plain" and no_strategy(e) is None]
REFUSED = [(e, word) for e in DRAWN for word in numpys_parameters(e.fun) if word not in e.keywords]


@pytest.mark.parametrize(("entry", "word"), REFUSED, ids=[f"{e.path}-{word}" for e, word in REFUSED])
@settings(max_examples=1)
@given(data=st.data())
def test_a_keyword_that_is_not_supported_is_refused_by_name(entry: Any, word: str, data: st.DataObject) -> None:
    call = data.draw(op_inputs(entry))
    args = map_leaves(lambda x: ad.tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x, call.args)
    with pytest.raises(TypeError, match=rf"{word}\b|multiple values"):
        entry.fun(*args, **{**call.keywords, word: object()})


@pytest.mark.parametrize("entry", [e for e in DRAWN if e.keywords], ids=lambda e: e.path)
@settings(max_examples=1)
@given(data=st.data())
def test_a_keyword_that_is_supported_is_not_refused(entry: Any, data: st.DataObject) -> None:
    """A value may be refused, the keyword itself not."""
    if not newest():
        pytest.skip("an entry takes the keywords of the newest NumPy")
    call = data.draw(op_inputs(entry))
    args = map_leaves(lambda x: ad.tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x, call.args)
    for word in entry.keywords:
        try:
            entry.fun(*args, **{**call.keywords, word: object()})
        except Exception as error:
            said = str(error)
            assert not re.search(rf"support[^;]*\b{word}=(?!<)|unexpected keyword argument '{word}'", said), said


@pytest.mark.parametrize("entry", [e for e in ENTRIES if of_numpy(e) and e.kind != "plain"], ids=lambda e: e.path)
def test_an_entry_supports_no_keyword_that_numpys_function_does_not_have(entry: Any) -> None:
    if not newest():
        pytest.skip("an entry takes the keywords of the newest NumPy")
    known = numpys_parameters(entry.fun)
    try:
        parameters = inspect.signature(entry.fun).parameters
    except ValueError:
        pytest.skip("NumPy does not tell the function's signature")
    if isinstance(entry.fun, np.ufunc) or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        parameters = {*parameters, *known, *entry.keywords} if "kwargs" in parameters else {*parameters, *known}
    assert set(entry.keywords) <= set(parameters)


def test_a_wrong_keyword_of_a_function_of_ours_names_it_and_those_that_are_supported() -> None:
    with pytest.raises(TypeError, match=r"ad\.softmax of a Tensor: .*'temperature'.* It supports axis\."):
        ad.softmax(ad.tensor([1.0]), temperature=2.0)
    with pytest.raises(TypeError, match=r"np\.exp of a Tensor does not support casting=.* It supports out, dtype"):
        np.exp(ad.tensor([1.0]), casting="no")


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_has_every_function_once_and_counts_them() -> None:
    names = [name for row in TABLE for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    assert {"np.tanh", "np.abs", "np.linalg.inv", "np.fft.fft", "scipy.special.erf", "ad.softmax"} <= set(names)
    assert sum(TABLE.counts.values()) == len(TABLE)
    assert TABLE.counts[DIFFERENTIABLE] > 250
    assert set(TABLE.counts) <= set(MEANS)


def test_the_table_prints_its_columns_its_rows_and_the_counts() -> None:
    lines = repr(ad.coverage("np.tan")).splitlines()
    assert lines[0].split()[:4] == ["function", "status", "class", "domain"]
    assert [line.split()[0] for line in lines[2:-1]] == ["np.tan", "np.tanh"]
    assert lines[-1] == "2 functions: 2 differentiable."


def test_a_part_of_the_table_is_chosen_by_name_status_class_or_chapter() -> None:
    assert {row.name.rpartition(".")[0] for row in ad.coverage("np.fft")} == {"np.fft"}
    assert {row.status for row in ad.coverage(PLAIN)} == {PLAIN}
    assert {row.kind for row in ad.coverage("bilinear")} == {"bilinear"}
    assert "np.tanh" in {row.name for row in ad.coverage("trigonometric")}
    assert [row.name for row in ad.coverage("np.abs")] == ["np.absolute"]


def test_the_table_as_html_has_a_row_a_function_and_escapes_what_it_shows() -> None:
    page = TABLE._repr_html_()
    assert page.count("<tr>") == len(TABLE) + 1
    row = TABLE.rows[0]._replace(note="a < b")
    assert "a &lt; b" in ad.coverage("np.tanh").__class__([row])._repr_html_()


def test_the_page_is_what_the_registry_says() -> None:
    if not newest():
        pytest.skip("docs/coverage.md is of another version of NumPy or SciPy")
    assert PAGE.read_text() == TABLE.markdown(), "docs/coverage.md is stale: run scripts/coverage"
