"""Attention and activations: parity with torch over drawn options, errors, long rows, dropout."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff.kernels import compiled
from nn import functional

ACTIVATIONS = [
    ("GELU", {}), ("GELU", {"approximate": "tanh"}), ("SiLU", {}), ("Softplus", {}), ("ELU", {"alpha": 0.7}),
    ("Softplus", {"beta": 3.0, "threshold": 2.0}), ("LogSigmoid", {}), ("LeakyReLU", {"negative_slope": 0.2}),
    ("Hardtanh", {"min_val": -0.5, "max_val": 2.0}), ("Softmax", {"dim": 0}), ("Softmax", {"dim": -1}),
    ("LogSoftmax", {"dim": 1}), ("ReLU", {}), ("Sigmoid", {}), ("Tanh", {}),
]  # fmt: skip
SPECIAL = [0.0, -0.0, 1e-40, -1e-40, 1e-8, 3.0, -3.0, 5.45, -5.45, 9.0, -9.0, 30.0, -30.0, 100.0, -100.0, 1e30, -1e30]


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize(("dtype", "close"), [(np.float64, 1e-9), (np.float32, 1e-5)])
@pytest.mark.parametrize(("name", "options"), ACTIVATIONS, ids=str)
def test_an_activation_is_torchs(torch, name, options, dtype, close, loops) -> None:
    array = np.random.default_rng(0).normal(size=(40, 30)).astype(dtype) * 3
    if "oft" not in name:
        special = SPECIAL[: -2 if options else None]  # torch's slope of the approximation is NaN at 1e30
        array[0, : len(special)] = special
    g = np.random.default_rng(1).normal(size=(40, 30)).astype(dtype)
    x, y = ad.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    with compiled.without() if not loops else contextlib.nullcontext():
        ours, theirs = getattr(nn, name)(**options)(x), getattr(torch.nn, name)(**options)(y)
        ours.backward(ad.tensor(g))
    theirs.backward(torch.tensor(g))
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=close, atol=close)
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=close, atol=close)


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu", "softplus", "elu", "leaky_relu", "relu"])
@pytest.mark.parametrize("size", [9, 900])
def test_nan_stays_and_infinity_has_its_limit(name, size) -> None:
    fun = getattr(ad.kernels, name)
    x = ad.tensor(np.resize(np.array([np.nan, np.inf, 2.0], np.float32), size), requires_grad=True)
    y = fun(x)
    assert np.isnan(y.tolist()[0])
    assert y.tolist()[1] == np.inf


@pytest.mark.parametrize("name", ["SiLU", "LeakyReLU", "ELU", "Hardtanh"])
def test_an_activation_in_place_gives_its_input_the_value(name) -> None:
    h = ad.tensor([-1.0, 2.0], requires_grad=True) * 3
    assert getattr(nn, name)(inplace=True)(h) is h


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.GELU("exact"), "'none' or 'tanh'; got 'exact'"),
        (lambda: functional.gelu(ad.ones(2), "exact"), "'none' or 'tanh'; got 'exact'"),
        (lambda: nn.Hardtanh(1.0, -1.0), "min_val 1.0 is above max_val -1.0"),
        (lambda: functional.hardtanh(ad.ones(2), 1.0, -1.0), "min_val 1.0 is above max_val -1.0"),
    ],
)
def test_wrong_options_are_refused(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_softmax_of_no_such_axis_is_refused() -> None:
    with pytest.raises(IndexError, match=r"dim 2 is out of range for shape \(2, 3\)"):
        nn.Softmax(2)(ad.ones(2, 3))


# --- attention -----------------------------------------------------------------------------------------------------


def both(torch, arrays, mask=None, **options):
    """Return our result and gradients, and torch's."""
    xs = [ad.tensor(a, requires_grad=True) for a in arrays]
    ys = [torch.tensor(np.ascontiguousarray(a), requires_grad=True) for a in arrays]
    floats = mask is not None and mask.dtype.kind == "f"
    ours_mask = None if mask is None else ad.tensor(mask, requires_grad=floats)
    theirs_mask = None if mask is None else torch.tensor(mask, requires_grad=floats)
    ours = functional.scaled_dot_product_attention(*xs, attn_mask=ours_mask, **options)
    theirs = torch.nn.functional.scaled_dot_product_attention(*ys, attn_mask=theirs_mask, **options)
    g = np.random.default_rng(9).normal(size=ours.shape).astype(arrays[0].dtype)
    ours.backward(ad.tensor(g))
    theirs.backward(torch.tensor(g))
    leaves = list(zip([*xs, *([ours_mask] * floats)], [*ys, *([theirs_mask] * floats)], strict=True))
    return [(ours.detach().numpy(), theirs.detach().numpy()), *((x.grad.numpy(), y.grad.numpy()) for x, y in leaves)]


@settings(deadline=None, max_examples=60)
@given(
    lead=st.sampled_from([(), (3,), (2, 3), (1, 2, 2)]),
    lengths=st.sampled_from([(5, 5), (1, 7), (7, 3), (70, 70), (65, 130), (130, 65), (200, 200)]),
    sizes=st.sampled_from([(4, 4), (2, 5), (40, 40)]),
    mask=st.sampled_from([None, "bool", "float", "whole"]),
    causal=st.booleans(),
    scale=st.sampled_from([None, 0.3]),
    dtype=st.sampled_from([np.float32, np.float64]),
    loops=st.booleans(),
    seed=st.integers(0, 100),
)
def test_attention_is_torchs(torch, lead, lengths, sizes, mask, causal, scale, dtype, loops, seed) -> None:
    rng, (n, m), (e, f) = np.random.default_rng(seed), lengths, sizes
    arrays = [rng.normal(size=(*lead, *shape)).astype(dtype) for shape in ((n, e), (m, e), (m, f))]
    given_mask = None
    if mask == "bool" and not causal:
        given_mask = rng.random((n, m)) < 0.6
        given_mask[0] = False  # a query that sees no key
    elif mask is not None and not causal:
        given_mask = rng.normal(size=(*(lead if mask == "whole" else ()), n, m)).astype(dtype)
    with contextlib.nullcontext() if loops else compiled.without():
        pairs = both(torch, arrays, given_mask, is_causal=causal, scale=scale)
    close = 1e-9 if dtype == np.float64 else 2e-4
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=close, atol=close)


def test_heads_of_one_projection_are_not_copied_and_come_out_ready_to_be_joined() -> None:
    qkv = ad.tensor(np.random.default_rng(0).normal(size=(2, 5, 24)).astype(np.float32), requires_grad=True)
    q, k, v = (part.reshape(2, 5, 2, 4).transpose(0, 2, 1, 3) for part in np.split(qkv, 3, -1))
    o = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    joined = o.transpose(0, 2, 1, 3).reshape(2, 5, 8)
    assert np.shares_memory(joined.detach().numpy(), o.detach().numpy())
    joined.sum().backward()
    assert qkv.grad.shape == (2, 5, 24)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_that_overflow_exp_are_shifted(dtype) -> None:
    q = ad.tensor(np.array([[300.0], [-300.0], [1.0]], dtype), requires_grad=True)
    v = ad.tensor(np.array([[1.0], [2.0], [3.0]], dtype))
    for loops in (True, False):
        with contextlib.nullcontext() if loops else compiled.without():
            y = functional.scaled_dot_product_attention(q, q, v, scale=1.0)
        np.testing.assert_allclose(y.tolist()[:2], [[1.0], [2.0]])


def test_a_nan_reaches_its_own_rows_and_no_others() -> None:
    q = np.zeros((4, 2), np.float32)
    q[1] = np.nan
    for loops in (True, False):
        with contextlib.nullcontext() if loops else compiled.without():
            y = functional.scaled_dot_product_attention(ad.tensor(q), ad.zeros(4, 2), ad.ones(4, 2))
        assert np.isnan(y.numpy()).any(-1).tolist() == [False, True, False, False]


def test_grouped_heads_are_torchs(torch) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s) for s in ((2, 4, 3, 5), (2, 2, 6, 5), (2, 2, 6, 5))]
    for ours, theirs in both(torch, arrays, enable_gqa=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_dropout_falls_on_the_probabilities_and_keeps_their_mean() -> None:
    q = ad.zeros(1, 400, 4)
    v = ad.ones(1, 400, 1)
    y = functional.scaled_dot_product_attention(q, q, v, dropout_p=0.5, generator=ad.random.Generator(0))
    assert y.numpy().std() > 0
    assert y.numpy().mean() == pytest.approx(1.0, abs=0.02)
    causal = functional.scaled_dot_product_attention(q, q, v, dropout_p=0.5, is_causal=True)
    assert causal.numpy()[0, 0, 0] in (0.0, 2.0)  # the first query sees one key
    blind = functional.scaled_dot_product_attention(q, q, v, np.zeros((400, 400), bool), dropout_p=0.5)
    assert not blind.numpy().any()


@pytest.mark.parametrize(
    ("shapes", "options", "error", "message"),
    [
        (((2, 3), (2, 4), (2, 3)), {}, ValueError, "the same last axis"),
        (((2, 3), (4, 3), (2, 3)), {}, ValueError, "the same length, axis -2"),
        (((3,), (2, 3), (2, 3)), {}, ValueError, r"each needs the axes \(..., length, size\)"),
        (((2, 2, 3), (3, 2, 3), (3, 2, 3)), {}, ValueError, "leading axes do not broadcast"),
        (((4, 2, 3), (3, 2, 3), (3, 2, 3)), {"enable_gqa": True}, ValueError, "heads of key and value must divide"),
        (((2, 3),) * 3, {"attn_mask": np.ones((2, 2), bool), "is_causal": True}, RuntimeError, "not both"),
        (((2, 3),) * 3, {"attn_mask": np.ones((2, 2), int)}, TypeError, "expected booleans"),
        (((2, 3),) * 3, {"attn_mask": np.ones((3, 2))}, ValueError, "does not broadcast to the scores"),
        (((2, 3),) * 3, {"attn_mask": np.ones((1, 2, 2))}, ValueError, "does not broadcast to the scores"),
        (((2, 3),) * 3, {"dropout_p": 2.0}, ValueError, "between 0 and 1"),
    ],
)
def test_wrong_arguments_are_explained(shapes, options, error, message) -> None:
    with pytest.raises(error, match=message):
        functional.scaled_dot_product_attention(*[ad.ones(*shape) for shape in shapes], **options)


# --- several heads -------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    batch_first=st.booleans(), bias=st.booleans(), need_weights=st.booleans(), average=st.booleans(),
    same=st.booleans(), single=st.booleans(), padding=st.booleans(),
    mask=st.sampled_from([None, "bool", "float", "heads"]), seed=st.integers(0, 50),
)  # fmt: skip
def test_multihead_attention_is_torchs(
    torch, batch_first, bias, need_weights, average, same, single, padding, mask, seed
) -> None:
    rng, (n, length, keys, e, heads) = np.random.default_rng(seed), (2, 3, 5, 8, 2)
    keys = length if same else keys
    ours = nn.MultiheadAttention(e, heads, bias=bias, batch_first=batch_first, dtype=np.float64)
    theirs = torch.nn.MultiheadAttention(e, heads, bias=bias, batch_first=batch_first, dtype=torch.float64)
    assert set(ours.state_dict()) == set(theirs.state_dict())
    ours.load_state_dict({name: ad.tensor(x.numpy()) for name, x in theirs.state_dict().items()})
    batch = 1 if single else n

    def drawn(size):
        x = rng.normal(size=(batch, size, e))
        return x[0] if single else x if batch_first else x.swapaxes(0, 1).copy()

    q, k = drawn(length), drawn(keys)
    options = {"need_weights": need_weights, "average_attn_weights": average}
    if padding:
        hidden = rng.random((batch, keys)) < 0.4
        hidden[:, 0] = False
        options["key_padding_mask"] = hidden[0] if single else hidden
    if mask is not None:
        shape = (batch * heads, length, keys) if mask == "heads" else (length, keys)
        options["attn_mask"] = rng.random(shape) < 0.4 if mask != "float" else rng.normal(size=shape)
        if mask != "float":
            options["attn_mask"][..., 0] = False
        if padding and mask == "float":
            options.pop("key_padding_mask")  # torch wants both of one kind
    x, z = ad.tensor(q, requires_grad=True), torch.tensor(q, requires_grad=True)
    xs = (x, x, x) if same else (x, ad.tensor(k), ad.tensor(k))
    zs = (z, z, z) if same else (z, torch.tensor(k), torch.tensor(k))
    y, w = ours(*xs, **options)
    given_torch = {name: torch.tensor(v) if isinstance(v, np.ndarray) else v for name, v in options.items()}
    theirs_y, theirs_w = theirs(*zs, **given_torch)
    np.testing.assert_allclose(y.detach().numpy(), theirs_y.detach().numpy(), rtol=1e-8, atol=1e-10)
    assert (w is None) == (theirs_w is None)
    if w is not None:
        np.testing.assert_allclose(w.detach().numpy(), theirs_w.detach().numpy(), rtol=1e-8, atol=1e-10)
    g = rng.normal(size=y.shape)
    y.backward(ad.tensor(g))
    theirs_y.backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), rtol=1e-8, atol=1e-10)
    for name, parameter in ours.named_parameters():
        expected = dict(theirs.named_parameters())[name].grad.numpy()
        np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: nn.MultiheadAttention(5, 2), "embed_dim 5 must be a positive multiple of num_heads 2"),
        (lambda m, x: nn.MultiheadAttention(4, 2, dropout=2), "between 0 and 1"),
        (lambda m, x: m(x[..., :3], x, x), "the query's last axis must be embed_dim 4"),
        (lambda m, x: m(x, x[..., :3], x), "its last axis must be kdim 4"),
        (lambda m, x: m(x[0, 0], x, x), "expected three axes in each"),
        (lambda m, x: m(x, x, x[:, :1]), "key and value need one length"),
        (lambda m, x: m(x, x, x, attn_mask=np.ones((2, 2), bool)), "attn_mask has shape"),
        (lambda m, x: m(x, x, x, key_padding_mask=np.ones((2, 2), bool)), "key_padding_mask has shape"),
        (lambda m, x: m(x, x, x, is_causal=True), "give that mask as well"),
    ],
)
def test_wrong_uses_of_multihead_attention_are_explained(call, message) -> None:
    with pytest.raises((ValueError, RuntimeError), match=message):
        call(nn.MultiheadAttention(4, 2, batch_first=True), ad.ones(2, 3, 4))


def test_dropout_of_multihead_attention_rests_in_eval() -> None:
    layer, x = nn.MultiheadAttention(4, 2, dropout=0.9, batch_first=True), ad.ones(1, 30, 4)
    for need_weights in (True, False):
        assert layer.train()(x, x, x, need_weights=need_weights)[0].numpy().std(1).max() > 0
        assert layer.eval()(x, x, x, need_weights=need_weights)[0].numpy().std(1).max() < 1e-6
