"""Optimizers: torch's updates over many steps, groups, state dicts, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from nn import optim

SHAPES = [(3, 2), (3,), ()]


def arrays(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in SHAPES]


def trajectories(torch, make, steps=6, dtype=np.float64, skip=lambda step, i: False, groups=lambda ps: ps):
    """Run one optimizer in both libraries on the same gradients; return both lists of final parameters."""
    finals = []
    for library, tensor, parameter in (
        (optim, ad.tensor, nn.Parameter),
        (torch.optim, torch.tensor, torch.nn.Parameter),
    ):
        params = [parameter(tensor(a)) for a in arrays(dtype)]
        optimizer = make(library, groups(params))
        for step in range(steps):
            for i, (p, g) in enumerate(zip(params, arrays(dtype, step + 1), strict=True)):
                p.grad = None if skip(step, i) else tensor(g)
            optimizer.step()
        finals.append(([p.detach().numpy() for p in params], optimizer, params))
    return finals


def assert_equal_trajectories(torch, *args, rtol=1e-11, **kwargs) -> None:
    (ours, *_), (theirs, *_) = trajectories(torch, *args, **kwargs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@settings(deadline=None)
@given(
    momentum=st.sampled_from([0, 0.9]),
    dampening=st.sampled_from([0, 0.3]),
    nesterov=st.booleans(),
    weight_decay=st.sampled_from([0, 0.1]),
    maximize=st.booleans(),
)
def test_sgd_is_torchs(torch, momentum, dampening, nesterov, weight_decay, maximize) -> None:
    nesterov = nesterov and momentum > 0 and dampening == 0
    assert_equal_trajectories(
        torch, lambda lib, params: lib.SGD(params, 0.1, momentum, dampening, weight_decay, nesterov, maximize=maximize)
    )


@settings(deadline=None)
@given(
    betas=st.sampled_from([(0.9, 0.999), (0.0, 0.5), (0.5, 0.0)]),
    eps=st.sampled_from([1e-8, 1e-2]),
    weight_decay=st.sampled_from([0, 0.1]),
    amsgrad=st.booleans(),
    maximize=st.booleans(),
    name=st.sampled_from(["Adam", "AdamW"]),
)
def test_adam_is_torchs(torch, betas, eps, weight_decay, amsgrad, maximize, name) -> None:
    assert_equal_trajectories(
        torch,
        lambda lib, params: getattr(lib, name)(params, 0.1, betas, eps, weight_decay, amsgrad, maximize=maximize),
    )


@settings(deadline=None)
@given(
    alpha=st.sampled_from([0.99, 0.5]),
    eps=st.sampled_from([1e-8, 1e-2]),
    weight_decay=st.sampled_from([0, 0.1]),
    momentum=st.sampled_from([0, 0.9]),
    centered=st.booleans(),
    maximize=st.booleans(),
)
def test_rmsprop_is_torchs(torch, alpha, eps, weight_decay, momentum, centered, maximize) -> None:
    assert_equal_trajectories(
        torch,
        lambda lib, ps: lib.RMSprop(ps, 0.1, alpha, eps, weight_decay, momentum, centered, maximize=maximize),
        rtol=1e-9,  # the variance is a difference
    )


@settings(deadline=None)
@given(
    lr_decay=st.sampled_from([0, 0.1]),
    weight_decay=st.sampled_from([0, 0.1]),
    start=st.sampled_from([0, 0.5]),
    eps=st.sampled_from([1e-10, 1e-2]),
    maximize=st.booleans(),
)
def test_adagrad_is_torchs(torch, lr_decay, weight_decay, start, eps, maximize) -> None:
    assert_equal_trajectories(
        torch, lambda lib, ps: lib.Adagrad(ps, 0.1, lr_decay, weight_decay, start, eps, maximize=maximize)
    )


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_float32_agrees_to_rounding(torch, name) -> None:
    options = {"momentum": 0.9} if name == "SGD" else {}
    assert_equal_trajectories(
        torch, lambda lib, params: getattr(lib, name)(params, lr=0.01, **options), steps=50, dtype=np.float32, rtol=2e-6
    )


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_a_parameter_without_a_gradient_is_left_alone_and_keeps_its_own_step_count(torch, name) -> None:
    options = {"momentum": 0.9} if name == "SGD" else {}
    assert_equal_trajectories(
        torch,
        lambda lib, params: getattr(lib, name)(params, lr=0.1, **options),
        steps=8,
        skip=lambda step, i: (i == 0 and step in (2, 3)) or (i == 1 and step < 3),
    )


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_parameter_groups_have_their_own_settings(torch, name) -> None:
    assert_equal_trajectories(
        torch,
        lambda lib, groups: getattr(lib, name)(groups, lr=0.1),
        groups=lambda ps: [{"params": ps[:1]}, {"params": ps[1:], "lr": 0.5, "weight_decay": 0.2}],
    )


def test_the_defaults_are_torchs(torch) -> None:
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad"):
        ours = getattr(optim, name)([nn.Parameter(np.ones(1))]).defaults
        theirs = getattr(torch.optim, name)([torch.nn.Parameter(torch.ones(1))]).defaults
        assert ours == {key: theirs[key] for key in ours}


@pytest.mark.parametrize(
    "make", [lambda ps: optim.SGD(ps, 0.1, momentum=0.9), lambda ps: optim.Adam(ps, 1e-2, eps=1e-8)]
)
def test_half_precision_parameters_move_without_losing_small_gradients(make) -> None:
    p = nn.Parameter(np.ones(3, np.float16))
    start, optimizer = p.data.copy(), make([p])
    for _ in range(20):
        p.grad = ad.tensor(np.full(3, 1e-3 if isinstance(optimizer, optim.SGD) else 1e-6, np.float16))
        optimizer.step()
    assert p.dtype == np.float16
    assert np.isfinite(p.data).all()
    assert (p.data < start).all()


def test_the_parameter_array_is_updated_in_place() -> None:
    p = nn.Parameter(np.ones(2, np.float32))
    array = p.data
    for make in (optim.SGD, optim.Adam):
        p.grad = ad.ones(2)
        make([p], lr=0.1).step()
        assert p.data is array
    assert p.is_leaf
    assert p.requires_grad


def test_the_gradient_is_not_changed() -> None:
    p = nn.Parameter(np.ones(2))
    p.grad = ad.tensor(np.array([1.0, 2.0]))
    for optimizer in (optim.SGD([p], 0.1, 0.9, weight_decay=0.1), optim.Adam([p], weight_decay=0.1, maximize=True)):
        optimizer.step()
    assert p.grad.tolist() == [1.0, 2.0]


def test_a_learning_rate_changed_between_steps_is_used() -> None:
    p = nn.Parameter(np.zeros(1))
    optimizer = optim.SGD([p], lr=1.0)
    for lr in (1.0, 0.5, 0.25):
        optimizer.param_groups[0]["lr"] = lr
        p.grad = ad.tensor(np.ones(1))
        optimizer.step()
    assert p.item() == -1.75


def test_a_learning_rate_may_be_a_tensor() -> None:
    p = nn.Parameter(np.zeros(1))
    lr = ad.tensor(np.array(0.5))
    optimizer = optim.SGD([p], lr=lr)
    p.grad = ad.tensor(np.ones(1))
    optimizer.step()
    with ad.no_grad():
        lr *= 2
    optimizer.step()
    assert p.item() == -1.5


def test_a_closure_is_called_with_gradients_on_and_its_loss_returned() -> None:
    p = nn.Parameter(np.array([3.0]))
    optimizer = optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    with ad.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert p.item() == 0.0
    assert optimizer.step() is None


def test_zero_grad_forgets_or_fills() -> None:
    p = nn.Parameter(np.ones(1))
    optimizer = optim.SGD([p])
    p.grad = ad.tensor(np.ones(1))
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_a_graph_that_saved_a_parameter_notices_the_step() -> None:
    p, x = nn.Parameter(np.ones(2)), ad.tensor(np.ones(2), requires_grad=True)
    y = (p * x).sum()
    y.backward(retain_graph=True)
    optim.SGD([p], 0.1).step()
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


# --- state -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda ps: optim.SGD(ps, 0.1, momentum=0.9), lambda ps: optim.Adam(ps, 0.1, amsgrad=True)]
)
def test_training_resumes_exactly_from_a_state_dict(make) -> None:
    def advance(optimizer, params, steps):
        for step in steps:
            for p, g in zip(params, arrays(seed=step + 1), strict=True):
                p.grad = ad.tensor(g)
            optimizer.step()

    straight = [nn.Parameter(a) for a in arrays()]
    advance(make(straight), straight, range(6))

    first = [nn.Parameter(a) for a in arrays()]
    saved = make(first)
    advance(saved, first, range(3))
    second = [nn.Parameter(p.data.copy()) for p in first]
    resumed = make(second)
    resumed.load_state_dict(saved.state_dict())
    advance(saved, first, range(3, 4))  # what was loaded is a copy
    advance(resumed, second, range(3, 6))
    for a, b in zip(straight, second, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_state_dicts_have_torchs_structure_and_torchs_load(torch) -> None:
    for name, options in (("SGD", {"momentum": 0.9}), ("Adam", {})):
        (_, ours, params), (_, theirs, _) = trajectories(
            torch, lambda lib, ps, name=name, options=options: getattr(lib, name)(ps, lr=0.1, **options)
        )
        mine, other = ours.state_dict(), theirs.state_dict()
        assert mine["state"].keys() == other["state"].keys()
        for i, state in other["state"].items():
            assert mine["state"][i].keys() == state.keys()
            for key, value in state.items():
                np.testing.assert_allclose(mine["state"][i][key].numpy(), value.numpy(), rtol=1e-11)
        assert mine["param_groups"][0]["params"] == other["param_groups"][0]["params"]
        assert mine["param_groups"][0].items() <= other["param_groups"][0].items()

        arrays_of = {i: {k: v.numpy() for k, v in state.items()} for i, state in other["state"].items()}
        fresh = getattr(optim, name)([nn.Parameter(p.data.copy()) for p in params], lr=0.1, **options)
        fresh.load_state_dict({"state": arrays_of, "param_groups": mine["param_groups"]})
        for optimizer in (ours, fresh):
            for p, g in zip(optimizer.param_groups[0]["params"], arrays(seed=9), strict=True):
                p.grad = ad.tensor(g)
            optimizer.step()
        for p, q in zip(params, fresh.param_groups[0]["params"], strict=True):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-11)


def test_a_state_dict_of_other_groups_is_refused() -> None:
    p, q = nn.Parameter(np.ones(1)), nn.Parameter(np.ones(1))
    one, two, split = optim.SGD([p]), optim.SGD([p, q]), optim.SGD([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group: 2 parameters, expected 1"):
        one.load_state_dict(two.state_dict())
    with pytest.raises(ValueError, match="different number of parameter groups: 2, expected 1"):
        two.load_state_dict(split.state_dict())


def test_groups_can_be_added_while_training() -> None:
    p, q = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(5))
    optimizer = optim.Adam([p], lr=0.1)
    p.grad = ad.tensor(np.ones(1))
    optimizer.step()
    optimizer.add_param_group({"params": q, "lr": 0.2})
    q.grad = ad.tensor(np.ones(5))
    optimizer.step()
    assert q.tolist() == pytest.approx([-0.2] * 5)


def test_repr_is_torchs_but_for_torchs_own_switches() -> None:
    p = nn.Parameter(np.ones(1))
    assert repr(optim.SGD([p], lr=0.5, momentum=0.9)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.5\n    maximize: False\n    momentum: 0.9\n"
        "    nesterov: False\n    weight_decay: 0\n)"
    )


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: optim.SGD([]), ValueError, "empty parameter list"),
        (optim.SGD, TypeError, "should be an iterable of Tensors or dicts, but got Parameter"),
        (lambda p: optim.SGD([3]), TypeError, "one of the params is int"),
        (lambda p: optim.SGD([p * 2]), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda p: optim.SGD([p, p]), ValueError, "duplicate parameters"),
        (lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]), ValueError, "more than one parameter group"),
        (lambda p: optim.SGD([p], lr=-1), ValueError, "Invalid lr value: -1"),
        (lambda p: optim.SGD([p], momentum=-1), ValueError, "Invalid momentum value: -1"),
        (
            lambda p: optim.SGD([p], nesterov=True),
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        (lambda p: optim.Adam([p], betas=(0.9, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
        (lambda p: optim.Adam([p], eps=-1), ValueError, "Invalid eps value: -1"),
        (lambda p: optim.Adam([p], weight_decay=float("nan")), ValueError, "Invalid weight_decay value: nan"),
        (lambda p: optim.Adam([nn.Parameter(np.ones(1, complex))]), TypeError, "floating tensors, got complex128"),
    ],
)
def test_bad_settings_are_refused_by_name(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make(nn.Parameter(np.ones(2)))


# --- a loop from a PyTorch tutorial -----------------------------------------------------------------------------------


def test_a_hand_written_loop_from_a_pytorch_tutorial_works_unchanged() -> None:
    torch = ad
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 100).unsqueeze(1)
    y = 3 * x + 0.5
    w = torch.randn(1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(100):
        loss = ((x * w + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.5 * w.grad
            b -= 0.5 * b.grad
            w.grad = None
            b.grad.zero_()
    assert w.item() == pytest.approx(3, abs=1e-3)
    assert b.item() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, 0.3, momentum=0.9), lambda ps: optim.Adam(ps, 0.05)])
def test_a_network_learns_xor(make) -> None:
    ad.manual_seed(0)
    x, y = ad.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), ad.tensor([0, 1, 1, 0])
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer, criterion = make(model.parameters()), nn.CrossEntropyLoss()
    for _ in range(200):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert model(x).argmax(1).tolist() == [0, 1, 1, 0]
