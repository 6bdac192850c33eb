"""Two vocabularies: ndarray's methods mean what ndarray means; PyTorch's spellings mean what PyTorch means."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.numeric import check, listed, values

RNG = np.random.default_rng(4)
(A,) = values(RNG, [(2, 3, 4)], ["unit"])
M = A[0]
P = np.abs(A)
PICK = np.array([[0, 2, 1], [1, 1, 0]])
MASK = A > 0.2

# each row: what is called, on what; the same expression is run on the ndarray

PLAIN: dict[str, tuple[Any, Any]] = {
    "shape": (lambda x: x.shape, A),
    "ndim": (lambda x: x.ndim, A),
    "size": (lambda x: x.size, A),
    "dtype": (lambda x: x.dtype, A),
    "itemsize": (lambda x: x.itemsize, A),
    "nbytes": (lambda x: x.nbytes, A),
    "strides": (lambda x: x.strides[0], A),
    "len": (len, A),
    "item": (lambda x: x.item(3), A),
    "item of an index": (lambda x: x.item(1, 2, 3), A),
    "tolist": (lambda x: x.tolist(), A),
    "tobytes": (lambda x: x.tobytes(), A),
}

INDICES: dict[str, tuple[Any, Any]] = {
    "argmax": (lambda x: x.argmax(), A),
    "argmax axis": (lambda x: x.argmax(1), A),
    "argmin": (lambda x: x.argmin(axis=-1), A),
    "all": (lambda x: (x > -1).all(), A),
    "any": (lambda x: (x > 0).any(0), A),
    "argsort": (lambda x: x.argsort(), A),
    "argsort axis": (lambda x: x.argsort(0), A),
    "astype string": (lambda x: x.astype("int64"), A * 10),
    "nonzero": (lambda x: (x > 0).nonzero(), A),
}

STEPS: dict[str, tuple[Any, Any]] = {
    "sum dtype": (lambda x: x.sum(dtype=np.float32), A),
    "round": (lambda x: x.round(), A),
    "round decimals": (lambda x: x.round(1), A),
    "astype": (lambda x: x.astype(np.float32), A),
}

SMOOTH: dict[str, tuple[Any, Any]] = {
    "T": (lambda x: x.T, A),
    "mT": (lambda x: x.mT, A),
    "real": (lambda x: x.real, A),
    "imag": (lambda x: x.imag, A + 1j),
    "sum": (lambda x: x.sum(), A),
    "sum axis": (lambda x: x.sum(1), A),
    "sum axes": (lambda x: x.sum(axis=(0, 2)), A),
    "sum keepdims": (lambda x: x.sum(1, keepdims=True), A),
    "mean": (lambda x: x.mean(axis=-1), A),
    "prod": (lambda x: x.prod(0), A),
    "var": (lambda x: x.var(), A),
    "var ddof": (lambda x: x.var(axis=1, ddof=1), A),
    "std": (lambda x: x.std(0), A),
    "std ddof": (lambda x: x.std(ddof=1), A),
    "max": (lambda x: x.max(), A),
    "max axis": (lambda x: x.max(1), A),
    "min": (lambda x: x.min(axis=(0, 1), keepdims=True), A),
    "cumsum": (lambda x: x.cumsum(), A),
    "cumsum axis": (lambda x: x.cumsum(1), A),
    "cumprod": (lambda x: x.cumprod(axis=2), A),
    "clip": (lambda x: x.clip(-0.5, 0.5), A),
    "clip max": (lambda x: x.clip(max=0.5), A),
    "conj": (lambda x: x.conj(), A + 1j),
    "conjugate": (lambda x: x.conjugate(), A + 1j),
    "reshape": (lambda x: x.reshape(6, 4), A),
    "reshape tuple": (lambda x: x.reshape((-1, 2)), A),
    "ravel": (lambda x: x.ravel(), A),
    "flatten": (lambda x: x.flatten(), A),
    "flatten order": (lambda x: x.flatten("C"), A),
    "transpose": (lambda x: x.transpose(), A),
    "transpose axes": (lambda x: x.transpose(2, 0, 1), A),
    "transpose tuple": (lambda x: x.transpose((1, 0, 2)), A),
    "transpose matrix": (lambda x: x.transpose(1, 0), M),
    "swapaxes": (lambda x: x.swapaxes(0, 2), A),
    "squeeze": (lambda x: x.squeeze(), A[:1, :, :1]),
    "squeeze axis": (lambda x: x.squeeze(0), A[:1]),
    "repeat": (lambda x: x.repeat(2), A),
    "repeat axis": (lambda x: x.repeat([1, 2, 0], axis=1), A),
    "take": (lambda x: x.take([0, 2], axis=1), A),
    "take flat": (lambda x: x.take([5, 0]), A),
    "diagonal": (lambda x: x.diagonal(), M),
    "diagonal axes": (lambda x: x.diagonal(1, 1, 2), A),
    "trace": (lambda x: x.trace(), M),
    "dot": (lambda x: x.dot(np.ones(4)), A),
    "copy": (lambda x: x.copy(), A),
}
NUMPY = INDICES | STEPS | SMOOTH


@pytest.mark.parametrize("name", PLAIN)
def test_questions_about_a_tensor_are_answered_as_ndarray_does(name: str) -> None:
    call, x = PLAIN[name]
    assert call(ad.tensor(x, requires_grad=True)) == call(x)


@pytest.mark.parametrize("name", NUMPY)
def test_ndarrays_methods_mean_what_they_mean_there(name: str) -> None:
    call, x = NUMPY[name]
    for y, expected in zip(listed(call(ad.tensor(x))), listed(call(x)), strict=True):
        assert isinstance(y, ad.Tensor)
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-14)


@pytest.mark.parametrize("name", SMOOTH)
def test_ndarrays_methods_have_derivatives(name: str) -> None:
    call, x = SMOOTH[name]
    check(call, x, order=2, exhaustive=False, directions=1)


@pytest.mark.parametrize("name", INDICES)
def test_indices_truths_and_integers_carry_no_gradient(name: str) -> None:
    call, x = INDICES[name]
    assert not any(y.requires_grad for y in listed(call(ad.tensor(x, requires_grad=True))))


# each row: an expression that means the same on a Tensor of ours and of PyTorch's
TORCH: dict[str, tuple[Any, Any]] = {
    "size()": (lambda t: tuple(t.size()), A),
    "size(0)": (lambda t: t.size(0), A),
    "size(-1)": (lambda t: t.size(-1), A),
    "dim": (lambda t: t.dim(), A),
    "numel": (lambda t: t.numel(), A),
    "shape": (lambda t: tuple(t.shape), A),
    "sum dim": (lambda t: t.sum(dim=1), A),
    "sum keepdim": (lambda t: t.sum(dim=(0, 1), keepdim=True), A),
    "mean": (lambda t: t.mean(dim=-1, keepdim=True), A),
    "prod": (lambda t: t.prod(dim=1), A),
    "var correction": (lambda t: t.var(dim=1, correction=1), A),
    "std correction": (lambda t: t.std(dim=0, correction=0), A),
    "amax": (lambda t: t.amax(dim=1), A),
    "amin": (lambda t: t.amin(dim=(0, 1)), A),
    "argmax": (lambda t: t.argmax(dim=1, keepdim=True), A),
    "argmin": (lambda t: t.argmin(dim=-1), A),
    "argmax flat": (lambda t: t.argmax(), A),
    "all": (lambda t: (t > 0).all(dim=1), A),
    "any": (lambda t: (t > 0).any(), A),
    "logsumexp": (lambda t: t.logsumexp(dim=1), A),
    "norm": (lambda t: t.norm(), A),
    "norm of an axis": (lambda t: t.norm(1, dim=1, keepdim=True), A),
    "norm kept": (lambda t: t.norm(p="fro", keepdim=True), A),
    "cumsum": (lambda t: t.cumsum(dim=1), A),
    **{name: (lambda t, name=name: getattr(t, name)(t.round()), A) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "cumprod": (lambda t: t.cumprod(dim=0), A),
    "softmax": (lambda t: t.softmax(dim=1), A),
    "softmax last": (lambda t: t.softmax(-1), A),
    "log_softmax": (lambda t: t.log_softmax(dim=0), A),
    "argsort": (lambda t: t.argsort(dim=1), A),
    "view": (lambda t: t.view(6, 4), A),
    "view -1": (lambda t: t.view(2, -1), A),
    "view_as": (lambda t: t.view_as(t.reshape(4, 6)), A),
    "permute": (lambda t: t.permute(2, 0, 1), A),
    "permute tuple": (lambda t: t.permute((1, 2, 0)), A),
    "t": (lambda t: t.t(), M),
    "t of a vector": (lambda t: t.t(), M[0]),
    "mT": (lambda t: t.mT, A),
    "swapdims": (lambda t: t.swapdims(0, 1), A),
    "unsqueeze": (lambda t: t.unsqueeze(1), A),
    "unsqueeze -1": (lambda t: t.unsqueeze(-1), A),
    "squeeze dim": (lambda t: t.squeeze(dim=0), A[:1]),
    "squeeze dim of another length": (lambda t: t.squeeze(dim=1), A),
    "flatten": (lambda t: t.flatten(), A),
    "flatten start": (lambda t: t.flatten(1), A),
    "flatten start_dim, end_dim": (lambda t: t.flatten(start_dim=0, end_dim=1), A),
    "flatten of 0-d": (lambda t: t.flatten(), A[0, 0, 0]),
    "flatten of size 0": (lambda t: t.flatten(1), A[:0]),
    "flatten of size 0, all": (lambda t: t.flatten(), A[:0]),
    "expand": (lambda t: t.expand(5, 2, 3, 4), A),
    "expand -1": (lambda t: t.expand(-1, 3, 4), A[:, :1]),
    "expand_as": (lambda t: t[:, :1].expand_as(t), A),
    "tile": (lambda t: t.tile(2, 1, 2), A),
    "tile fewer": (lambda t: t.tile(2), A),
    "split": (lambda t: t.split(2, dim=1), A),
    "split sizes": (lambda t: t.split([1, 3], dim=2), A),
    "chunk": (lambda t: t.chunk(2, dim=1), A),
    "unbind": (lambda t: t.unbind(1), A),
    "unbind 0": (lambda t: t.unbind(), A),
    "contiguous": (lambda t: t.contiguous(), A),
    "clone": (lambda t: t.clone(), A),
    "index_select": None,
    "gather": None,
    "masked_fill": (lambda t: t.masked_fill(t > 0, -1.0), A),
    "masked_select": (lambda t: t.masked_select(t > 0), A),
    "where": (lambda t: t.where(t > 0, -t), A),
    "diagonal": (lambda t: t.diagonal(1), M),
    "trace": (lambda t: t.trace(), M),
    "tril": (lambda t: t.tril(-1), M),
    "triu": (lambda t: t.triu(1), M),
    "mm": (lambda t: t.mm(t.t()), M),
    "bmm": (lambda t: t.bmm(t.mT), A),
    "mv": (lambda t: t.mv(t[0]), M),
    "matmul": (lambda t: t.matmul(t.mT), A),
    "float": (lambda t: t.float(), A),
    "double": (lambda t: t.double(), A),
    "half": (lambda t: t.half(), A),
    "long": (lambda t: (t * 10).long(), A),
    "int": (lambda t: (t * 10).int(), A),
    "bool": (lambda t: (t > 0).bool(), A),
    "type_as": (lambda t: t.type_as(t.float()), A),
    "cpu": (lambda t: t.cpu(), A),
    "to cpu": (lambda t: t.to("cpu"), A),
    "to other's": (lambda t: t.to(t.half().dtype), A),
    "exp": (lambda t: t.exp(), A),
    "expm1": (lambda t: t.expm1(), A),
    "log": (lambda t: t.log(), P),
    "log1p": (lambda t: t.log1p(), P),
    "log2": (lambda t: t.log2(), P),
    "log10": (lambda t: t.log10(), P),
    "sqrt": (lambda t: t.sqrt(), P),
    "square": (lambda t: t.square(), A),
    "abs": (lambda t: t.abs(), A),
    "sign": (lambda t: t.sign(), A),
    "reciprocal": (lambda t: t.reciprocal(), A),
    "sin": (lambda t: t.sin(), A),
    "cos": (lambda t: t.cos(), A),
    "tan": (lambda t: t.tan(), A),
    "asin": (lambda t: t.asin(), A),
    "acos": (lambda t: t.acos(), A),
    "atan": (lambda t: t.atan(), A),
    "arcsin": (lambda t: t.arcsin(), A),
    "sinh": (lambda t: t.sinh(), A),
    "cosh": (lambda t: t.cosh(), A),
    "tanh": (lambda t: t.tanh(), A),
    "floor": (lambda t: t.floor(), A),
    "ceil": (lambda t: t.ceil(), A),
    "trunc": (lambda t: t.trunc(), A),
    "round": (lambda t: t.round(decimals=1), A),
    "isnan": (lambda t: t.isnan(), A),
    "isinf": (lambda t: t.isinf(), A),
    "isfinite": (lambda t: t.isfinite(), A),
    "neg": (lambda t: t.neg(), A),
    "relu": (lambda t: t.relu(), A),
    "sigmoid": (lambda t: t.sigmoid(), A),
    "add": (lambda t: t.add(t, alpha=2), A),
    "sub": (lambda t: t.sub(1.0), A),
    "mul": (lambda t: t.mul(t), A),
    "div": (lambda t: t.div(2), A),
    "pow": (lambda t: t.pow(3), A),
    "pow tensor": (lambda t: t.pow(t), P),
    "maximum": (lambda t: t.maximum(-t), A),
    "minimum": (lambda t: t.minimum(-t), A),
    "clamp": (lambda t: t.clamp(-0.5, 0.5), A),
    "clamp min": (lambda t: t.clamp(min=0.0), A),
    "clip": (lambda t: t.clip(max=0.4), A),
    "is_leaf": (lambda t: t.is_leaf, A),
    "dot": (lambda t: t.dot(t), M[0]),
    "T": (lambda t: t.T, M),
    "size of a slice": (lambda t: t[:, 0].size(1), A),
    "float of integers": (lambda t: t.float(), PICK),
    "numpy": (lambda t: t.detach().numpy(), A),
}
TORCH = {name: row for name, row in TORCH.items() if row is not None}


@pytest.mark.parametrize("name", TORCH)
def test_torchs_methods_mean_what_they_mean_there(name: str, torch: ModuleType) -> None:
    call, x = TORCH[name]
    floating = np.asarray(x).dtype.kind == "f"
    t, u = ad.tensor(x, requires_grad=floating), torch.tensor(x, requires_grad=floating)
    given, expected = call(t), call(u)
    if not isinstance(expected, (torch.Tensor, tuple)) or name in ("size()", "shape"):
        assert np.array_equal(given, expected)
        return
    assert type(given) is type(expected) or isinstance(given, ad.Tensor)
    for y, z in zip(listed(given), listed(expected), strict=True):
        assert isinstance(y, ad.Tensor)
        assert (y.dtype, y.shape) == (z.detach().numpy().dtype, tuple(z.shape))
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-12)
        if z.requires_grad and z.numel():
            (g,), (h,) = ad.grad(y.sum(), t, retain_graph=True), torch.autograd.grad(z.sum(), u, retain_graph=True)
            np.testing.assert_allclose(g.numpy(), h.numpy(), rtol=1e-5, atol=1e-7)


INDEXED: dict[str, Any] = {
    "gather 0": lambda t, i: t.gather(0, i),
    "gather 1": lambda t, i: t.gather(1, i),
    "gather -1": lambda t, i: t.gather(-1, i),
    "index_select": lambda t, i: t.index_select(1, i[0]),
    "scatter of a number": lambda t, i: t.scatter(1, i[:, :1], 9.0),
    "scatter": lambda t, i: t.scatter(1, i[:, :2], t[:, 1:] * 2),
    "scatter of fewer": lambda t, i: t.scatter(0, i[:1], t[1:]),
    "scatter_add 1": lambda t, i: t.scatter_add(1, i, t * 2),
    "scatter_add 0": lambda t, i: t.scatter_add(0, i[:1], t[:1]),
    "take_along by gather": lambda t, i: t.gather(1, t.argsort(1)),
}


@pytest.mark.parametrize("as_tensor", [True, False], ids=["Tensor index", "ndarray index"])
@pytest.mark.parametrize("name", INDEXED)
def test_gather_and_scatter_are_torchs(name: str, as_tensor: bool, torch: ModuleType) -> None:
    call, x, pick = INDEXED[name], A[:, :, 0], np.array([[0, 1, 0], [1, 0, 1]])
    t, u = ad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = call(t, ad.tensor(pick) if as_tensor else pick), call(u, torch.tensor(pick))
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy())
    v = RNG.normal(size=y.shape)
    (g,), (h,) = ad.grad(y, t, ad.tensor(v)), torch.autograd.grad(z, u, torch.tensor(v))
    np.testing.assert_allclose(g.numpy(), h.numpy())


FUNCTIONS: dict[str, Any] = {
    "cat": lambda lib, t: lib.cat([t, t * 2], dim=1),
    "cat default": lambda lib, t: lib.cat((t, t)),
    "stack": lambda lib, t: lib.stack([t, t], dim=2),
    "relu": lambda lib, t: lib.relu(t),
    "sigmoid": lambda lib, t: lib.sigmoid(t),
    "softmax": lambda lib, t: lib.softmax(t, 1),
    "log_softmax": lambda lib, t: lib.log_softmax(t, -1),
    "logsumexp": lambda lib, t: lib.logsumexp(t, 1),
    "where": lambda lib, t: lib.where(t > 0, t, -t),
    "matmul": lambda lib, t: lib.matmul(t, t.mT),
    "einsum": lambda lib, t: lib.einsum("bij,bkj->bik", t, t),
    "flatten": lambda lib, t: lib.flatten(t, 1),
    "exp": lambda lib, t: lib.exp(t),
    "maximum": lambda lib, t: lib.maximum(t, t * 2),
    "sum": lambda lib, t: lib.sum(t, dim=1),
    "mean": lambda lib, t: lib.mean(t, 1, keepdim=True),
    "argmax": lambda lib, t: lib.argmax(t, dim=1),
    "unsqueeze": lambda lib, t: lib.unsqueeze(t, 1),
    "a dtype": lambda lib, t: t.to(lib.float),
    "zeros_like": lambda lib, t: lib.zeros_like(t),
    "ones": lambda lib, t: lib.ones(2, 3),
    "eye": lambda lib, t: lib.eye(3),
    "arange": lambda lib, t: lib.arange(1, 4),
    "full": lambda lib, t: lib.full((2, 2), 1.5),
    "linspace": lambda lib, t: lib.linspace(0, 1, 5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_torchs_functions_are_here_under_their_names(name: str, torch: ModuleType) -> None:
    t, u = ad.tensor(A, requires_grad=True), torch.tensor(A, requires_grad=True)
    y, z = FUNCTIONS[name](ad, t), FUNCTIONS[name](torch, u)
    assert y.dtype == z.detach().numpy().dtype
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-6)
    if z.requires_grad:
        (g,), (h,) = ad.grad((y * y).sum(), t), torch.autograd.grad((z * z).sum(), u)
        np.testing.assert_allclose(g.numpy(), h.numpy(), rtol=1e-10, atol=1e-12)


def test_what_numpy_and_torch_name_alike_is_numpys_function() -> None:
    assert ad.exp is np.exp
    assert ad.bool == np.bool_
    with pytest.raises(TypeError, match="norm takes one axis"):
        ad.ones(2, 2).norm(dim=(0, 1))


def test_two_axes_of_more_are_exchanged_and_those_of_a_matrix_are_listed() -> None:
    x = ad.tensor(A)
    assert x.transpose(1, 2).shape == x.transpose(-1, -2).shape == (2, 4, 3)
    np.testing.assert_array_equal(x.transpose(0, 2).numpy(), A.swapaxes(0, 2))
    assert ad.tensor(M).transpose(1, 0).shape == (4, 3)
    for axes in ((0, 1), (-2, -1)):
        with pytest.warns(UserWarning, match=rf"transpose\({axes[0]}, {axes[1]}\) of a matrix.*swapaxes"):
            assert ad.tensor(M).transpose(*axes).shape == M.transpose(*axes).shape


def test_where_the_vocabularies_differ_ndarray_is_followed() -> None:
    t = ad.tensor(A)
    assert t.std().item() == pytest.approx(A.std())  # ddof 0, PyTorch: 1
    assert t.repeat(2).shape == (48,)  # PyTorch repeats the whole
    assert t.max(1).shape == (2, 4)  # PyTorch also gives indices
    assert isinstance(t.nonzero(), tuple)
    assert t.size == 24
    assert (ad.tensor(PICK) / 2).dtype == np.float64  # PyTorch: float32
    assert isinstance(t.data, np.ndarray)
    assert t.sort() is None
    np.testing.assert_array_equal(t.numpy(), np.sort(A))


def test_a_source_larger_than_its_index_is_read_in_part(torch: ModuleType) -> None:
    x, pick = A[:, :, 0], np.array([[0, 1]])
    for name in ("scatter", "scatter_add"):
        y, z = (
            getattr(ad.tensor(x), name)(0, pick, ad.tensor(x)),
            getattr(torch.tensor(x), name)(0, torch.tensor(pick), torch.tensor(x)),
        )
        np.testing.assert_allclose(y.numpy(), z.numpy())
        check(lambda t, name=name: getattr(t, name)(0, pick, t * 2), x)


def test_casts_stay_in_the_graph_and_a_cast_to_the_same_dtype_is_free() -> None:
    x = ad.tensor(A, requires_grad=True)
    (x.float() * 2).sum().backward()
    assert x.grad.dtype == np.float64
    np.testing.assert_array_equal(x.grad.numpy(), np.full(A.shape, 2.0))
    assert x.double() is x
    assert x.to(np.float64) is x
    assert x.astype(np.float64) is not x
    assert not x.long().requires_grad


def test_clone_and_copy_are_new_memory_in_the_graph() -> None:
    x = ad.tensor(A, requires_grad=True)
    for made in (x.clone(), x.copy(), np.copy(x)):
        assert not np.shares_memory(made.detach().numpy(), A)
        assert ad.grad(made.sum(), x)[0].shape == A.shape


def test_methods_can_be_listed() -> None:
    names = dir(ad.tensor(1.0))
    for name in ("sum", "backward", "unsqueeze", "requires_grad_", "add_"):
        assert name in names
