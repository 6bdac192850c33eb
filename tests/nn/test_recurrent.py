"""Recurrent layers and cells: torch's values, gradients, parameters and names, over drawn configurations."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff.kernels import compiled

KINDS = ("LSTM", "GRU", "RNN")


def theirs_of(torch: Any, ours: Any, *args: Any, **options: Any) -> Any:
    """Return torch's module of the same class and weights."""
    made = getattr(torch.nn, type(ours).__name__)(*args, dtype=torch.float64, **options)
    made.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
    return made


def flat(tree: Any) -> list[Any]:
    """Return the tensors of nested tuples."""
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, tuple) else [tree]


def compared(torch: Any, ours: Any, theirs: Any, x: Any, states: list[Any]) -> None:
    """Hold outputs, gradients of the input, the states and the weights to torch's."""
    pair = "LSTM" in type(ours).__name__
    arrays = [x, *states]
    xs = [ad.tensor(a, requires_grad=True) for a in arrays]
    us = [torch.tensor(a, requires_grad=True) for a in arrays]
    given = [tuple(v[1:]) if pair else v[1] for v in (xs, us)] if states else [None, None]
    ys, zs = flat(ours(xs[0], given[0])), flat(theirs(us[0], given[1]))
    rng = np.random.default_rng(1)
    seeds = [rng.normal(size=y.shape) for y in ys]
    gs = ad.grad(ys, [*xs, *ours.parameters()], seeds)
    hs = torch.autograd.grad(zs, [*us, *theirs.parameters()], [torch.tensor(s) for s in seeds])
    for a, b in zip([*ys, *gs], [*zs, *hs], strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-11)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_layers_and_their_gradients_are_torchs(torch: Any, kind: str, data: st.DataObject) -> None:
    inside, hidden = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    flags = {word: data.draw(st.booleans(), label=word) for word in ("bias", "batch_first", "bidirectional")}
    options = {"num_layers": data.draw(st.integers(1, 3)), **flags}
    if kind == "RNN":
        options["nonlinearity"] = data.draw(st.sampled_from(["tanh", "relu"]))
    sizes = [hidden]
    if kind == "LSTM":
        options["proj_size"] = data.draw(st.integers(0, hidden - 1))
        sizes = [options["proj_size"] or hidden, hidden]
    ours = getattr(nn, kind)(inside, hidden, dtype=np.float64, **options)
    theirs = theirs_of(torch, ours, inside, hidden, **options)
    rng, length, batch = np.random.default_rng(0), data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    lead = options["num_layers"] * (1 + options["bidirectional"])
    if batched := data.draw(st.booleans(), label="batched"):
        shape = (batch, length, inside) if options["batch_first"] else (length, batch, inside)
    else:
        shape = (length, inside)
    first = (lead, batch) if batched else (lead,)
    states = [rng.normal(size=(*first, size)) for size in sizes] if data.draw(st.booleans()) else []
    compared(torch, ours, theirs, rng.normal(size=shape), states)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_states", [True, False])
@pytest.mark.parametrize("shape", [(3, 2), (2,)])
def test_cells_and_their_gradients_are_torchs(torch: Any, kind: str, with_states: bool, shape: Any) -> None:
    ours = getattr(nn, f"{kind}Cell")(2, 4, dtype=np.float64)
    rng = np.random.default_rng(0)
    states = [rng.normal(size=(*shape[:-1], 4)) for _ in range(1 + (kind == "LSTM"))] if with_states else []
    compared(torch, ours, theirs_of(torch, ours, 2, 4), rng.normal(size=shape), states)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_have_torchs_names_order_and_text(torch: Any, kind: str) -> None:
    projected = {"num_layers": 2, "proj_size": 2} if kind == "LSTM" else {"dropout": 0.5, "num_layers": 2}
    for options in ({}, projected, {"num_layers": 2, "bidirectional": True, "batch_first": True}, {"bias": False}):
        ours, theirs = getattr(nn, kind)(3, 5, **options), getattr(torch.nn, kind)(3, 5, **options)
        assert [(n, p.shape) for n, p in ours.named_parameters()] == [
            (n, tuple(p.shape)) for n, p in theirs.named_parameters()
        ]
        assert repr(ours) == repr(theirs)
    assert repr(getattr(nn, f"{kind}Cell")(3, 5, False)) == repr(getattr(torch.nn, f"{kind}Cell")(3, 5, False))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"])
def test_weights_start_uniform_within_one_over_root_hidden_size(name: str) -> None:
    layer = getattr(nn, name)(30, 64, generator=ad.random.Generator(0))
    for parameter in layer.parameters():
        values = parameter.detach().numpy()
        assert values.dtype == np.float32
        assert np.abs(values).max() <= 1 / 8
        assert values.std() == pytest.approx(1 / 8 / np.sqrt(3), rel=0.2)
    again = getattr(nn, name)(30, 64, generator=ad.random.Generator(0))
    assert all(p.tolist() == q.tolist() for p, q in zip(layer.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_runs_its_cell_step_by_step(kind: str) -> None:
    layer, cell = getattr(nn, kind)(3, 4, dtype=np.float64), getattr(nn, f"{kind}Cell")(3, 4, dtype=np.float64)
    cell.load_state_dict({name.removesuffix("_l0"): w for name, w in layer.state_dict().items()})
    x = ad.random.randn(5, 2, 3, dtype=np.float64)
    y, _ = layer(x)
    state = None
    for t in range(5):
        state = cell(x[t], state)
        h = state[0] if kind == "LSTM" else state
        np.testing.assert_allclose(y[t].detach().numpy(), h.detach().numpy(), atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3), (0, 0, 3)])
def test_empty_sequences_and_batches(kind: str, shape: tuple[int, ...]) -> None:
    layer = getattr(nn, kind)(3, 5)
    x = ad.ones(*shape, requires_grad=True)
    y, _ = layer(x)
    y.sum().backward()
    assert y.shape == (*shape[:2], 5)
    assert x.grad.shape == shape
    assert all(not p.grad.numpy().any() for p in layer.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_the_compiled_loops_and_numpys_agree(kind: str) -> None:
    layer = getattr(nn, kind)(3, 20)
    x = ad.random.randn(6, 5, 3)

    def found() -> list[Any]:
        layer.zero_grad()
        y, _ = layer(x)
        (y * y).sum().backward()
        return [y.detach().numpy(), *[p.grad.numpy() for p in layer.parameters()]]

    first = found()
    with compiled.without():
        second = found()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_dropout_works_between_layers_while_training() -> None:
    layer = nn.LSTM(3, 50, num_layers=2, dropout=0.5, generator=ad.random.Generator(0))
    x = ad.ones(4, 2, 3)
    assert layer(x)[0].tolist() != layer(x)[0].tolist()
    first = copy.deepcopy(layer).eval()
    assert first(x)[0].tolist() == first(x)[0].tolist()
    with pytest.warns(UserWarning, match="num_layers is 1"):
        nn.GRU(3, 4, dropout=0.5)


def test_second_derivatives_through_a_layer() -> None:
    layer = nn.GRU(2, 3, num_layers=2, bidirectional=True, dtype=np.float64)
    x = ad.random.randn(3, 2, 2, dtype=np.float64)
    hessian = ad.functional.hessian(lambda x: (layer(x)[0] ** 2).sum())(x).numpy().reshape(12, 12)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)
    assert np.abs(hessian).max() > 1e-3


def test_a_step_learns() -> None:
    ad.manual_seed(0)
    layer, head = nn.LSTM(1, 8), nn.Linear(8, 1)
    optimizer = nn.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.02)
    x = ad.random.randn(10, 16, 1)
    target = np.cumsum(x.numpy(), 0).astype(np.float32) / 4
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(head(layer(x)[0]), ad.as_tensor(target))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("mode", ["LSTM", "GRU", "RNN_TANH", "RNN_RELU"])
def test_the_base_runs_what_its_mode_names(mode: str) -> None:
    made, rest = (nn.RNN, {"nonlinearity": mode[4:].lower()}) if mode.startswith("RNN") else (getattr(nn, mode), {})
    ours = made(2, 3, generator=ad.random.Generator(0), **rest)
    base = nn.RNNBase(mode, 2, 3, generator=ad.random.Generator(0))
    x = ad.random.randn(4, 2, 2)
    assert isinstance(ours, nn.RNNBase)
    assert base(x)[0].tolist() == ours(x)[0].tolist()
    assert [w.shape for w in base.all_weights[0]] == [w.shape for w in ours.parameters()]
    assert base.flatten_parameters() is None


def test_an_input_of_another_dtype_is_refused_and_the_cast_named() -> None:
    x = ad.ones(4, 2, 3, dtype=np.float64)
    message = r"LSTM: input is float64 and the weights are float32; convert the input with \.to\('float32'\)"
    with pytest.raises(ValueError, match=message):
        nn.LSTM(3, 5)(x)
    with pytest.raises(ValueError, match="GRUCell: input is float64"):
        nn.GRUCell(3, 5)(x[0])


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_input_says_what_was_expected(kind: str) -> None:
    layer = getattr(nn, kind)(3, 5)
    with pytest.raises(ValueError, match="Expected input to be 2D or 3D, got 1D"):
        layer(ad.ones(3))
    with pytest.raises(RuntimeError, match="input has 4 features on its last axis; expected input_size=3"):
        layer(ad.ones(2, 2, 4))
    state = ad.ones(2, 2, 5)
    with pytest.raises(RuntimeError, match=r"Expected hidden\[0\] size \(1, 2, 5\), got \(2, 2, 5\)"):
        layer(ad.ones(4, 2, 3), (state, state) if kind == "LSTM" else state)
    with pytest.raises(TypeError, match="expected a"):
        layer(ad.ones(4, 2, 3), 3)
    with pytest.raises(ValueError, match="Expected input to be 1D or 2D, got 3D"):
        getattr(nn, f"{kind}Cell")(3, 5)(ad.ones(1, 1, 3))


def test_wrong_options_are_refused() -> None:
    for size in (5, -1):
        with pytest.raises(ValueError, match="proj_size has to be 0 or positive and smaller than hidden_size"):
            nn.LSTM(3, 5, proj_size=size)
    for kind in (nn.GRU, nn.RNN):
        with pytest.raises(ValueError, match="proj_size argument is only supported for LSTM"):
            kind(3, 5, proj_size=2)
    with pytest.raises(TypeError, match="hidden_size should be of type int, got: float"):
        nn.LSTM(3, 5.0)
    with pytest.raises(ValueError, match="Unrecognized RNN mode: 'MGU'; expected one of LSTM, GRU, RNN_TANH, RNN_RELU"):
        nn.RNNBase("MGU", 3, 5)
    with pytest.raises(ValueError, match=r"num_chunks must be one of \[1, 3, 4\]"):
        nn.RNNCellBase(3, 5, True, 2)
    with pytest.raises(ValueError, match="hidden_size must be greater than zero"):
        nn.LSTM(3, 0)
    with pytest.raises(ValueError, match="num_layers must be greater than zero"):
        nn.RNN(3, 4, 0)
    with pytest.raises(ValueError, match="Unknown nonlinearity 'elu'"):
        nn.RNN(3, 4, nonlinearity="elu")
    with pytest.raises(ValueError, match="hidden_size must be greater than zero"):
        nn.GRUCell(3, 0)
    with pytest.raises(ValueError, match="dropout probability"):
        nn.GRU(3, 4, 2, dropout=1.5)


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ([(2, 3), (8, 3), (8, 2)], r"x has shape \(2, 3\); expected \(T, N, in\)"),
        ([(4, 2, 3), (8, 4), (8, 2)], r"w_ih has shape \(8, 4\); expected \(8, 3\)"),
        ([(4, 2, 3), (8, 3), (8, 3)], r"w_hh has shape \(8, 3\); expected 4 H rows of H"),
        ([(4, 2, 3), (8, 3), (8, 2), (4,)], r"b_ih has shape \(4,\); expected \(8,\)"),
        ([(4, 2, 3), (8, 3), (8, 2), (8,), (8,), (1, 2)], r"h0 has shape \(1, 2\); expected \(2, 2\)"),
    ],
)
def test_the_kernel_refuses_operands_that_do_not_fit(operands: Any, message: str) -> None:
    from autodiff.kernels.recurrent import lstm

    with pytest.raises(ValueError, match=message):
        lstm(*[ad.ones(*shape) for shape in operands])
