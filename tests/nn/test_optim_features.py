"""What optimizers share: named parameters, hooks, resuming, updates in a trace, one's own, and bad settings."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import optim

ALL: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda ps: optim.SGD(ps, 0.1, momentum=0.9),
    "Adam": lambda ps: optim.Adam(ps, 0.1, amsgrad=True),
    "AdamW": lambda ps: optim.AdamW(ps, 0.1),
    "Adamax": lambda ps: optim.Adamax(ps, 0.1),
    "NAdam": lambda ps: optim.NAdam(ps, 0.1),
    "RAdam": lambda ps: optim.RAdam(ps, 0.1),
    "Adagrad": lambda ps: optim.Adagrad(ps, 0.1),
    "Adadelta": lambda ps: optim.Adadelta(ps, 0.1),
    "RMSprop": lambda ps: optim.RMSprop(ps, 0.1, centered=True, momentum=0.5),
    "Rprop": lambda ps: optim.Rprop(ps, 0.1),
    "ASGD": lambda ps: optim.ASGD(ps, 0.1, t0=2),
    "Lion": lambda ps: optim.Lion(ps, 0.1),
    "Adafactor": lambda ps: optim.Adafactor(ps, 0.1),
    "Muon": lambda ps: optim.Muon(ps, 0.1),
    "LBFGS": lambda ps: optim.LBFGS(ps, 0.1, max_iter=3),
}
SHAPES = [(3, 2), (2, 4)]


def parameters(dtype: Any = np.float64) -> list[nn.Parameter]:
    rng = np.random.default_rng(0)
    return [nn.Parameter(rng.normal(size=shape).astype(dtype)) for shape in SHAPES]


def advance(optimizer: optim.Optimizer, params: Any, steps: range, run: Any = None) -> None:
    """Take steps on a seeded loss that is another one each step."""
    for step in steps:
        rng = np.random.default_rng(step)
        weights = [ad.tensor(rng.normal(size=p.shape).astype(p.dtype)) for p in params]

        def closure(weights: Any = weights) -> Any:
            optimizer.zero_grad()
            loss = sum((p * p + p * w).sum() for p, w in zip(params, weights, strict=True))
            loss.backward()
            return loss

        if isinstance(optimizer, optim.LBFGS):
            optimizer.step(closure)
        else:
            closure()
            (run or optimizer.step)()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("way", ["state dict", "pickle", "deepcopy"])
def test_training_resumes_bit_for_bit(name: str, way: str) -> None:
    straight = parameters()
    optimizer = ALL[name](straight)
    advance(optimizer, straight, range(6))
    params = parameters()
    first = ALL[name](params)
    advance(first, params, range(3))
    if way == "pickle":
        params, resumed = pickle.loads(pickle.dumps((params, first)))
    elif way == "deepcopy":
        params, resumed = copy.deepcopy((params, first))
    else:
        saved = copy.deepcopy(first.state_dict())
        params = [nn.Parameter(p.data.copy()) for p in params]
        resumed = ALL[name](params)
        resumed.load_state_dict(first.state_dict())
        advance(first, first.param_groups[0]["params"], range(3, 4))  # what was loaded is a copy
        assert saved["param_groups"] == resumed.state_dict()["param_groups"]
    advance(resumed, params, range(3, 6))
    for a, b in zip(straight, params, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("name", [name for name in ALL if name != "LBFGS"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_traced_step_is_the_plain_one(name: str, dtype: Any) -> None:
    finals = []
    for traced in (False, True):
        params = parameters(dtype)
        optimizer = ALL[name](params)
        advance(optimizer, params, range(4), ad.trace(optimizer.step) if traced else None)
        finals.append([*params, *[s[key] for s in optimizer.state.values() for key in sorted(s)]])
    for a, b in zip(*finals, strict=True):
        np.testing.assert_array_equal(a.data, b.data, strict=True)
    assert {x.dtype for x in finals[0][: len(SHAPES)]} == {np.dtype(dtype)}


def test_lbfgs_says_that_it_cannot_be_traced() -> None:
    p = nn.Parameter(np.ones(2))
    optimizer = optim.LBFGS([p])
    with pytest.raises(RuntimeError, match="LBFGS depends on the values of the loss"):
        ad.trace(lambda: optimizer.step(lambda: (p * p).sum()))()


def test_lbfgs_goes_on_in_another_dtype_and_without_gradients() -> None:
    p, q = nn.Parameter(np.ones(2, np.float16)), nn.Parameter(np.ones(1, np.float32))
    optimizer = optim.LBFGS([p, q], line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((p.float() - 3) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    assert p.dtype == np.float16
    np.testing.assert_allclose(p.data, 3, rtol=1e-2)
    assert q.tolist() == [1.0]


def test_muon_makes_an_update_orthogonal() -> None:
    rng = np.random.default_rng(0)
    for shape in ((4, 7), (7, 4)):
        p = nn.Parameter(np.zeros(shape))
        p.grad = ad.tensor(rng.normal(size=shape))
        optim.Muon([p], 1.0, 0.0, ns_coefficients=(2.0, -1.5, 0.5), ns_steps=30, adjust_lr_fn="match_rms_adamw").step()
        np.testing.assert_allclose(np.linalg.svd(p.data)[1], 0.2 * np.sqrt(7), rtol=1e-6)


# --- names and groups -------------------------------------------------------------------------------------------------


def test_parameters_may_have_names(torch: Any) -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.5)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][0] is model.weight
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    other = optim.SGD([{"params": [("a", nn.Parameter(np.ones(2)))]}, {"params": [("b", nn.Parameter(np.ones(2)))]}])
    assert [group["param_names"] for group in other.param_groups] == [["a"], ["b"]]
    with pytest.raises(ValueError, match="have names, or none"):
        other.add_param_group({"params": [nn.Parameter(np.ones(2))]})
    unnamed = optim.SGD(nn.Linear(2, 1).parameters()).state_dict()
    optimizer.load_state_dict(unnamed)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    theirs = torch.optim.SGD(torch.nn.Linear(2, 1).named_parameters(), lr=0.5).state_dict()["param_groups"][0]
    assert theirs["param_names"] == ["weight", "bias"]


def test_torchs_choices_of_implementation_are_taken() -> None:
    p = nn.Parameter(np.ones(2))
    optim.AdamW([p], lr=0.1, fused=True)
    optim.Adam([p], foreach=True, capturable=True)
    optim.SGD([p], 0.1, foreach=False, fused=None, differentiable=False)
    with pytest.raises(NotImplementedError, match="differentiable=True is not supported"):
        optim.Adamax([p], differentiable=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        optim.Adagrad([p], foreach=True, fused=True)


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_hooks_are_called_in_order_until_they_are_removed() -> None:
    p = nn.Parameter(np.ones(1))
    optimizer, seen = optim.SGD([p], 0.5), []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("pre")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("post")),
    ]
    p.grad = ad.ones(1)
    optimizer.step()
    assert seen == ["pre", "post"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert seen == ["pre", "post"]
    with (
        optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 7,), kwargs)),
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(args[0]())),
    ):
        assert optimizer.step() == 7
    with optimizer.register_step_pre_hook(lambda o, args, kwargs: 3), pytest.raises(RuntimeError, match="got 3"):
        optimizer.step()


def test_a_copy_of_an_optimizer_has_no_hooks_as_in_torch() -> None:
    optimizer = optim.SGD([nn.Parameter(np.ones(1))], 0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: pytest.fail("a hook of another optimizer"))
    pickle.loads(pickle.dumps(optimizer)).step()
    copy.deepcopy(optimizer).step()


def test_hooks_of_state_dicts_may_replace_them() -> None:
    optimizer, seen = optim.SGD([nn.Parameter(np.ones(1))], 0.5), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: seen.append(sorted(state)), prepend=True)
    state = optimizer.state_dict()
    assert state["more"] == 1
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(state.pop("more")))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    optimizer.load_state_dict(state)
    assert seen == ["pre", ["param_groups", "state"], 1, "loaded"]
    assert "more" in state


def test_an_optimizer_of_ones_own_writes_its_step() -> None:
    class Signs(optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        @ad.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])
                    self.state[p]["seen"] = self.state[p].get("seen", 0) + 1

    p, seen = nn.Parameter(np.ones(2)), []
    optimizer = Signs([p], 0.5)
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(1))
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(2):
        p.grad = ad.ones(2)
        optimizer.step()
        scheduler.step()
    assert p.tolist() == [0.25, 0.25]
    assert len(seen) == optimizer.state[p]["seen"] == 2


BAD: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda p: optim.NAdam([p], momentum_decay=-1), ValueError, "Invalid momentum_decay value: -1"),
    (lambda p: optim.RAdam([p], betas=(1.0, 0.5)), ValueError, "Invalid beta parameter at index 0: 1.0"),
    (lambda p: optim.Adamax([p], eps=-1), ValueError, "Invalid eps value: -1"),
    (lambda p: optim.Adadelta([p], rho=2), ValueError, "Invalid rho value: 2"),
    (lambda p: optim.Rprop([p], etas=(1.5, 1.2)), ValueError, "Invalid eta values: 1.5, 1.2"),
    (lambda p: optim.ASGD([p], lr=-1), ValueError, "Invalid lr value: -1"),
    (lambda p: optim.Lion([p], betas=(0.5, -1)), ValueError, "Invalid beta parameter at index 1: -1"),
    (lambda p: optim.Adafactor([p], d=0.5), ValueError, "clipping threshold d: 0.5"),
    (lambda p: optim.Adafactor([p], beta2_decay=0.5), ValueError, "Invalid beta2_decay value: 0.5"),
    (lambda p: optim.Muon([p], adjust_lr_fn="x"), ValueError, "function x is not supported"),
    (lambda p: optim.Muon([p], ns_steps=100), ValueError, "less than 100, got 100"),
    (lambda p: optim.Muon([nn.Parameter(np.ones(3))]), ValueError, "only supports 2D parameters .* size: \\(3,\\)"),
    (lambda p: optim.LBFGS([p], line_search_fn="x"), RuntimeError, "only 'strong_wolfe' is supported"),
    (lambda p: optim.LBFGS([{"params": [p]}, {"params": [nn.Parameter(np.ones(1))]}]), ValueError, "parameter groups"),
    (lambda p: optim.Muon([nn.Parameter(np.ones((2, 2), complex))]), TypeError, "floating tensors, got complex128"),
    (lambda p: optim.SGD({p}), TypeError, "pass a list instead of a set"),
    (lambda p: optim.SGD([("a", p), nn.Parameter(np.ones(1))]), ValueError, "with/without names"),
    (lambda p: optim.SGD([("a", p), ("a", nn.Parameter(np.ones(1)))]), ValueError, "the same name"),
    (lambda p: optim.SGD([p]).add_param_group([p]), TypeError, "param_group must be a dict"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_bad_settings_are_refused(make: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(nn.Parameter(np.ones((2, 2))))
