"""Bad input: every error names the operation, what was given, what was expected and the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import kernels


def written(t: Any, y: Any) -> None:
    t[:] = y


def leaf(*shape: int, dtype: Any = np.float32) -> ad.Tensor:
    return ad.tensor(np.ones(shape, dtype), requires_grad=True)


def mentions(error: type[BaseException], *parts: str) -> Any:
    """Expect an error whose message has all these parts in this order."""
    return pytest.raises(error, match="(?s)" + ".*".join(re.escape(part) for part in parts))


# each row: a call, the error, and what its message says in order
SHAPES: dict[str, tuple[Callable[[], Any], type[Exception], tuple[str, ...]]] = {
    "add": (lambda: leaf(2, 3) + leaf(4), ValueError, ("add(f32[2,3], f32[4])", "broadcast", "must agree, or be 1")),
    "multiply by an array": (lambda: leaf(2, 3) * np.ones(4, np.float32), ValueError, ("multiply(f32[2,3], f32[4])",)),
    "np.subtract": (lambda: np.subtract(np.ones(4), leaf(3)), ValueError, ("subtract(", "[4]", "[3]")),
    "matmul": (lambda: leaf(2, 3) @ leaf(2, 3), ValueError, ("matmul(f32[2,3], f32[2,3])", "last axis", ".mT")),
    "dot": (lambda: np.dot(leaf(2, 3), leaf(2)), ValueError, ("f32[2,3]", "f32[2]")),
    "where": (
        lambda: np.where(np.ones(3, bool), leaf(2), 0.0),
        ValueError,
        ("where(", "f32[2]", "must agree, or be 1"),
    ),
    "reshape": (lambda: leaf(2, 3).reshape(4), ValueError, ("reshape(f32[2,3]", "(4,)", "as many elements")),
    "concatenate": (
        lambda: np.concatenate([leaf(2, 3), leaf(2, 4)]),
        ValueError,
        ("concatenate(f32[2,3], f32[2,4]", "except along the joined axis"),
    ),
    "stack": (lambda: np.stack([leaf(2), leaf(3)]), ValueError, ("stack(f32[2], f32[3]", "must be equal")),
    "broadcast_to": (lambda: np.broadcast_to(leaf(2), (3,)), ValueError, ("broadcast_to(f32[2]", "(3,)")),
    "einsum": (lambda: np.einsum("ij,jk", leaf(2, 3), leaf(2, 3)), ValueError, ("einsum(f32[2,3], f32[2,3]", "ij,jk")),
    "einsum, operands": (lambda: np.einsum("ij,jk", leaf(2, 3)), ValueError, ("einsum", "2 operands; 1 were given")),
    "tensordot": (
        lambda: np.tensordot(leaf(2, 3), leaf(2, 3), 1),
        ValueError,
        ("tensordot", "(2, 3)", "equal lengths"),
    ),
    "sum over an axis it lacks": (
        lambda: leaf(2, 3).sum(axis=5),
        ValueError,
        ("sum(f32[2,3]", "axis=5", "out of bounds"),
    ),
    "transpose": (lambda: np.transpose(leaf(2, 3), (0, 0)), ValueError, ("transpose(f32[2,3]",)),
    "transpose of an axis it lacks": (
        lambda: leaf(2, 3, 4).transpose(0, 3),
        ValueError,
        ("f32[2,3,4]", "out of bounds"),
    ),
    "index out of bounds": (
        lambda: leaf(2, 3)[2],
        IndexError,
        ("getitem(f32[2,3]", "out of bounds", "within its axis"),
    ),
    "too many indices": (lambda: leaf(2)[0, 0], IndexError, ("getitem(f32[2]", "too many indices")),
    "an index array into a number": (lambda: leaf()[np.array([0])], IndexError, ("getitem(f32[]", "too many indices")),
    "mask of another shape": (lambda: leaf(2)[np.ones(3, bool)], IndexError, ("getitem(f32[2]", "mask")),
    "a float index": (lambda: leaf(2)[ad.tensor([0.0])], IndexError, ("index of dtype float32", ".astype(int)")),
    "linear": (
        lambda: kernels.linear(leaf(2, 3), leaf(4, 5), leaf(4)),
        ValueError,
        ("linear(f32[2,3], f32[4,5], f32[4]",),
    ),
    "cross_entropy labels": (
        lambda: kernels.cross_entropy(leaf(2, 3), ad.tensor([0, 3])),
        IndexError,
        ("softmax_nll(f32[2,3], i64[2]", "out of bounds for 3 classes"),
    ),
    "setitem": (
        lambda: written(leaf(2) * 1, np.ones(3)),
        ValueError,
        ("put(f32[2]", "[3]", "broadcast"),
    ),
    "in place, larger result": (
        lambda: (leaf(2) * 1).__iadd__(leaf(3, 2)),
        ValueError,
        ("f32[3,2]", "does not fit into f32[2]", "x = x + y"),
    ),
    "in place, wider kind": (lambda: ad.tensor([1, 2]).__iadd__(1.5), ValueError, ("does not fit into i64[2]",)),
    "len of 0-d": (lambda: len(leaf()), TypeError, ("len() of a 0-d Tensor",)),
}

DTYPES = {
    "integers cannot require a gradient": (
        lambda: ad.tensor([1, 2], requires_grad=True),
        ad.AutodiffError,
        ("dtype int64 cannot carry a gradient", "floating or complex", "t.float()"),
    ),
    "booleans neither": (
        lambda: ad.tensor([True]).requires_grad_(),
        ad.AutodiffError,
        ("dtype bool cannot carry a gradient",),
    ),
    "strings are no tensor": (lambda: ad.tensor(["a"]), TypeError, ("<U1", "booleans, integers, floats or complex")),
    "objects are no tensor": (lambda: ad.tensor([{}]), TypeError, ("object",)),
    "a list of tensors is no tensor": (lambda: ad.tensor([leaf(), leaf()]), TypeError, ("np.stack",)),
    "an operand of a foreign type": (lambda: np.add(leaf(2), "text"), TypeError, ("add",)),
    "a sequence of tensors as an operand": (lambda: leaf(2) * [leaf(), leaf()], TypeError, ("np.stack",)),
    "a Tensor as a keyword": (lambda: np.reshape(leaf(2), leaf()), TypeError, ("reshape",)),
    "default dtype": (lambda: ad.set_default_dtype(np.int32), TypeError, ("floating dtype; got int32",)),
}


def _freed() -> None:
    y = (leaf(2) ** 2.5).sum()
    y.backward()
    y.backward()


def _stale() -> None:
    w = leaf(3, 2)
    w.name = "W"
    y = (leaf(4, 2) @ w.T).sum()
    with ad.no_grad():
        w *= 3
    y.backward()


def _stale_leaf_itself() -> None:
    w = leaf(3)
    w.name = "weight"
    y = (w * w).sum()
    with ad.no_grad():
        w += 1
    y.backward()


def _stale_output() -> None:
    y = np.exp(leaf(3))
    z = y.sum()
    with ad.no_grad():
        y.mul_(2)
    z.backward()


BACKWARD = {
    "from several elements": (
        lambda: (leaf(2) * 2).backward(),
        ad.AutodiffError,
        ("shape (2,)", "gradient=", "y.sum().backward()"),
    ),
    "grad from several elements": (
        lambda: ad.grad(leaf(2) * 2, leaf(2)),
        ad.AutodiffError,
        ("shape (2,)", "needs its gradient"),
    ),
    "a gradient of another shape": (
        lambda: (leaf(2) * 2).backward(ad.ones(3)),
        ad.AutodiffError,
        ("gradient given has shape (3,)", "output has (2,)"),
    ),
    "a tensor without history": (
        lambda: ad.tensor([1.0]).sum().backward(),
        ad.AutodiffError,
        ("f32[] has no history", "requires a gradient", "no_grad", "detach()"),
    ),
    "an integer output": (lambda: np.argmax(leaf(2)).backward(), ad.AutodiffError, ("i64[] has no history",)),
    "an input without a gradient": (
        lambda: ad.grad(leaf().sum(), ad.tensor(1.0)),
        ad.AutodiffError,
        ("input 0 f32[] does not require a gradient", "requires_grad_()"),
    ),
    "an input that was not used": (
        lambda: ad.grad(leaf().sum(), leaf(3)),
        ad.AutodiffError,
        ("input 0", "f32[3]", "not used", "allow_unused=True"),
    ),
    "an input that is no tensor": (
        lambda: ad.grad(leaf().sum(), [3.0]),
        TypeError,
        ("inputs[0] is a float; expected a Tensor",),
    ),
    "too few gradients": (
        lambda: ad.grad([leaf(), leaf()], leaf(), [None]),
        ad.AutodiffError,
        ("1 gradients were given for 2 outputs",),
    ),
    "a freed graph": (_freed, ad.AutodiffError, ("swept before", "power f32[2]", "retain_graph=True")),
    "a saved value changed through a view": (
        _stale,
        ad.AutodiffError,
        ("matmul saved operand 1", "f32[2,3]", "changed in place", "w = w * 2"),
    ),
    "a saved leaf changed": (
        _stale_leaf_itself,
        ad.AutodiffError,
        ("multiply saved operand", "'weight'", "f32[3]", "changed in place"),
    ),
    "a saved output changed": (_stale_output, ad.AutodiffError, ("exp saved its output", "f32[3]", "changed in place")),
    "requires_grad off on an inner tensor": (
        lambda: (leaf(2) * 2).requires_grad_(False),
        ad.AutodiffError,
        ("only on a leaf", "detach()"),
    ),
    "a hook where nothing flows": (lambda: ad.tensor(1.0).register_hook(print), ad.AutodiffError, ("never be called",)),
    "retain_grad where nothing flows": (
        lambda: ad.tensor(1.0).retain_grad(),
        ad.AutodiffError,
        ("nothing will flow back",),
    ),
    "grad of another shape": (
        lambda: setattr(leaf(2), "grad", ad.ones(3)),
        ad.AutodiffError,
        ("Tensor of shape (2,)", "f32[3]"),
    ),
    "grad as an ndarray": (lambda: setattr(leaf(2), "grad", np.ones(2)), ad.AutodiffError, ("Tensor of shape (2,)",)),
    "deepcopy of an inner tensor": (
        lambda: __import__("copy").deepcopy(leaf(2) * 2),
        TypeError,
        ("history", "clone()", "detach()"),
    ),
    "a leaf changed while recording": (
        lambda: leaf(2).__iadd__(1.0),
        ad.AutodiffError,
        ("leaf that requires a gradient", "no_grad", "x = x + y"),
    ),
    "a leaf's element changed while recording": (
        lambda: leaf(2).__setitem__(0, 1.0),
        ad.AutodiffError,
        ("leaf that requires a gradient", "no_grad"),
    ),
}

SILENT_DETACH = {
    "np.asarray": (lambda: np.asarray(leaf(2)), TypeError, ("requires a gradient", "t.detach()", "np.stack")),
    "np.array": (lambda: np.array(leaf(2)), TypeError, ("t.detach()",)),
    "np.array of tensors": (lambda: np.array([leaf(), leaf()]), TypeError, ("t.detach()", "np.stack")),
    "np.sum of a list": (lambda: np.sum([leaf(2), leaf(2)]), TypeError, ("np.stack",)),
    "a nested list": (lambda: np.concatenate([[leaf(), leaf()], [1.0]]), TypeError, ("np.stack",)),
    "ndarray +=": (lambda: np.ones(2).__iadd__(leaf(2)), TypeError, ("ndarray += Tensor", "a = a + t", "t.detach()")),
    "ndarray @=": (lambda: np.ones((2, 2)).__imatmul__(leaf(2, 2)), TypeError, ("ndarray @= Tensor",)),
    "ndarray **=": (lambda: np.ones(2).__ipow__(leaf(2)), TypeError, ("ndarray **= Tensor",)),
    "ndarray //=": (lambda: np.ones(2).__ifloordiv__(leaf(2)), TypeError, ("ndarray //= Tensor",)),
    "out= an ndarray": (
        lambda: np.multiply(leaf(2), 2.0, out=np.empty(2, np.float32)),
        TypeError,
        ("multiply", "out=ndarray", "f32[2]", "no_grad"),
    ),
    "sum with out= an ndarray": (
        lambda: np.sum(leaf(2), out=np.empty(())),
        TypeError,
        ("sum", "out=ndarray", "no_grad"),
    ),
    "an unregistered function": (
        lambda: np.zeros(2, like=leaf(2)),
        TypeError,
        ("np.zeros has no derivative rule", "ad.zeros", "t.numpy()"),
    ),
    "ufunc.at": (lambda: np.add.at(leaf(2), [0], 1.0), TypeError, ("np.add.at", "no derivative rule")),
    "ufunc.reduceat": (lambda: np.add.reduceat(leaf(2), [0]), TypeError, ("np.add.reduceat", "no derivative rule")),
    "ufunc.reduce without a function": (lambda: np.subtract.reduce(leaf(2)), TypeError, ("np.subtract.reduce",)),
    "ufunc where=": (
        lambda: np.add(leaf(2), 1.0, where=np.array([True, False])),
        TypeError,
        ("add of a Tensor does not support where=",),
    ),
    "ufunc casting=": (
        lambda: np.add(leaf(2), 1.0, casting="unsafe"),
        TypeError,
        ("add of a Tensor does not support casting=",),
    ),
    "truth of several elements": (lambda: bool(leaf(2) > 0), ValueError, ("shape (2,)", "t.any(), t.all()")),
    "float of several elements": (lambda: float(leaf(2)), TypeError, ("one element", "float", "(2,)")),
    "a float as an index": (lambda: [1, 2][leaf()], TypeError, ("integer Tensor of one element",)),
    "an attribute ndarray has and Tensor lacks": (
        lambda: leaf(2).byteswap(),
        AttributeError,
        ("no attribute 'byteswap'",),
    ),
    "an unknown attribute": (lambda: leaf(2).nonsense, AttributeError, ("no attribute 'nonsense'",)),
    "another device": (lambda: leaf(2).to("cuda"), ValueError, ("'cuda'", "the only device is 'cpu'")),
    "torch's second argument of sum": (lambda: leaf(2).sum(0, True), TypeError, ("NumPy's dtype", "keepdims=True")),
}

ALL = {"shape": SHAPES, "dtype": DTYPES, "backward": BACKWARD, "silent detach": SILENT_DETACH}


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [row for table in ALL.values() for row in table.values()],
    ids=[f"{chapter}: {name}" for chapter, table in ALL.items() for name in table],
)
def test_bad_input_is_named_and_the_way_out_said(call: Any, error: Any, parts: Any) -> None:
    with mentions(error, *parts):
        call()


@pytest.mark.parametrize("kind", [float, int, complex])
def test_python_numbers_of_a_tensor_that_needs_a_gradient_warn(kind: Any) -> None:
    t = leaf()
    with pytest.warns(UserWarning, match=rf"{kind.__name__}\(\) of a Tensor .* t\.item\(\)"):
        assert kind(t) == 1
    assert kind(t.detach()) == 1  # without a warning


def test_assigning_a_tensor_to_an_arrays_element_warns() -> None:
    array = np.zeros(2)
    with pytest.warns(UserWarning, match="loses its history"):
        array[0] = leaf()


def test_item_and_tolist_are_the_quiet_exits() -> None:
    t = leaf(2)
    assert t.tolist() == [1.0, 1.0]
    assert t.sum().item() == 2.0
    assert t.numpy().sum() == 2.0


def test_an_error_in_a_rule_says_which_rule_and_what_it_saved() -> None:
    def broken(g: Any, x: Any) -> Any:
        raise ZeroDivisionError("oops")

    f = ad.primitive(broken, name="broken")(lambda x: x)
    with pytest.raises(ZeroDivisionError, match="oops") as caught:
        f(leaf(2)).sum().backward()
    assert any("rule of broken" in note and "(2,)" in note for note in caught.value.__notes__)


def test_an_error_class_of_its_own_survives_with_the_operations_name() -> None:
    with mentions(np.linalg.LinAlgError, "inv(f64[2,2])", "Singular"):
        np.linalg.inv(ad.tensor(np.zeros((2, 2))))


def test_what_failed_changes_nothing() -> None:
    x = leaf(2)
    y = x * 2
    for call in (lambda: y.backward(), lambda: x.__iadd__(1), lambda: y + leaf(3), lambda: np.zeros(2, like=x)):
        with pytest.raises(Exception, match="."):
            call()
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 2.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.sum(t, foo=1), r"sum.*'foo'"),
        (lambda t: t.var(unbiased=False), r"var.*'unbiased'"),
        (lambda t: np.split(t), r"split.*'indices_or_sections'"),
    ],
)
def test_a_wrong_keyword_is_named_with_its_operation(call, message) -> None:
    with pytest.raises(TypeError, match=message):
        call(ad.ones(2))


def test_copying_a_tensor_that_requires_a_gradient_warns_that_its_history_stays_behind() -> None:
    with pytest.warns(UserWarning, match=r"t\.detach\(\)\.clone\(\)"):
        ad.tensor(ad.ones(2, requires_grad=True))


def test_wrapping_a_computed_tensor_anew_is_refused() -> None:
    with pytest.raises(ad.AutodiffError, match=r"Tensor\(t\.detach\(\)\)"):
        ad.Tensor(ad.ones(2, requires_grad=True) * 2)


def test_a_stale_view_is_named_by_the_tensor_it_views() -> None:
    W = ad.ones(2, 3, requires_grad=True)
    W.name = "W"
    y = (ad.ones(4, 3) @ W.T).sum()
    x = ad.ones(4, 3, requires_grad=True)
    z = (x @ W.T).sum()
    with ad.no_grad():
        W *= 3
    y.backward()  # saved only x, which nobody touched
    with pytest.raises(ad.AutodiffError, match=r"matmul saved operand 1 'W' f32\[3,2\].*changed in place"):
        z.backward()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.median(t, "a"), r"median\(f64\[3,2\], str\): 'str' object cannot be interpreted as an integer"),
        (lambda t: np.rollaxis(t, None), r"rollaxis\(f64\[3,2\], None\)"),
        (lambda t: np.fft.fft2(t, 5), r"fft2\(f64\[3,2\], 5\): 'int' object is not iterable"),
    ],
)
def test_an_error_inside_a_composite_names_it_and_what_it_was_given(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(ad.tensor(np.ones((3, 2))))


def test_a_tensor_as_metadata_is_refused_where_its_value_would_be_frozen() -> None:
    shift = ad.tensor(1)
    assert np.roll(ad.tensor([1.0, 2.0, 3.0]), shift).tolist() == [3.0, 1.0, 2.0]
    with pytest.raises(TypeError, match=r"roll: shift is given a Tensor that is being traced.*a number or an ndarray"):
        ad.trace(lambda t, n: np.roll(t, n))(ad.tensor([1.0, 2.0]), shift)
