"""Every optimizer with any of its options takes torch's way, 50 steps long."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from nn import optim

BETAS = [(0.9, 0.999), (0.0, 0.5), (0.5, 0.9)]
DECAY = [0, 0.1]
ADAM = {"betas": BETAS, "eps": [1e-8, 1e-2], "weight_decay": DECAY, "maximize": [False, True]}
MEAN = [0.99, 0.5]
OPTIONS: dict[str, dict[str, list[Any]]] = {
    "SGD": {
        "momentum": [0, 0.9], "dampening": [0, 0.3], "weight_decay": DECAY, "nesterov": [False, True],
        "maximize": [False, True],
    },
    "Adam": {**ADAM, "amsgrad": [False, True], "decoupled_weight_decay": [False, True]},
    "AdamW": {**ADAM, "amsgrad": [False, True]},
    "Adamax": ADAM,
    "NAdam": {**ADAM, "momentum_decay": [4e-3, 0.5], "decoupled_weight_decay": [False, True]},
    "RAdam": {**ADAM, "decoupled_weight_decay": [False, True]},
    "Adagrad": {
        "lr_decay": [0, 0.1], "weight_decay": DECAY, "initial_accumulator_value": [0, 0.5], "eps": [1e-10, 1e-2],
        "maximize": [False, True],
    },
    "Adadelta": {"rho": [0.9, 0.5], "eps": [1e-6, 1e-2], "weight_decay": DECAY, "maximize": [False, True]},
    "RMSprop": {
        "alpha": MEAN, "eps": [1e-8, 1e-2], "weight_decay": DECAY, "momentum": [0, 0.9], "centered": [False, True],
        "maximize": [False, True],
    },
    "Rprop": {"etas": [(0.5, 1.2), (0.3, 1.5)], "step_sizes": [(1e-6, 50), (0.05, 0.2)], "maximize": [False, True]},
    "ASGD": {
        "lambd": [1e-4, 0.1], "alpha": [0.75, 0.5], "t0": [1e6, 10.0], "weight_decay": DECAY, "maximize": [False, True],
    },
    "Adafactor": {
        "beta2_decay": [-0.8, -0.1], "eps": [(None, 1e-3), (1e-2, 0.5)], "d": [1.0, 2.0], "weight_decay": DECAY,
        "maximize": [False, True],
    },
}  # fmt: skip
SHAPES = [(3, 2), (3,), (), (2, 2, 3)]


@pytest.fixture(autouse=True, scope="module")
def _wide_numbers(torch: Any) -> Any:
    """Let torch keep step counts and such in float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def trajectory(lib: Any, tensor: Any, parameter: Any, name: str, options: dict[str, Any]) -> list[Any]:
    """Return the parameters and the state after 50 steps on seeded gradients, some of them absent or 0."""
    rng = np.random.default_rng(1)
    params = [parameter(tensor(np.asarray(rng.normal(size=shape)))) for shape in SHAPES]
    optimizer = getattr(lib, name)([{"params": params[:2]}, {"params": params[2:], "lr": 0.03}], lr=0.1, **options)
    for step in range(50):
        for i, p in enumerate(params):
            g = np.asarray(rng.normal(size=p.shape))
            p.grad = None if i == 1 and step in (0, 7, 8) else tensor(g * (step != 11))
        optimizer.step()
    state = [optimizer.state[p] for p in params]
    return [*params, *[s[key] for s in state for key in sorted(s) if s[key] is not None]]


@pytest.mark.parametrize("name", OPTIONS)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_trajectories_and_state_are_torchs(torch: Any, name: str, data: st.DataObject) -> None:
    options = {key: data.draw(st.sampled_from(choices), key) for key, choices in OPTIONS[name].items()}
    if name == "SGD" and (not options["momentum"] or options["dampening"]):
        options["nesterov"] = False
    ours = trajectory(optim, ad.tensor, nn.Parameter, name, options)
    theirs = trajectory(torch.optim, torch.tensor, torch.nn.Parameter, name, options)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", OPTIONS)
def test_arguments_and_defaults_are_torchs(torch: Any, name: str) -> None:
    ours, theirs = (inspect.signature(getattr(lib, name)).parameters for lib in (optim, torch.optim))
    assert [(p.name, p.kind, p.default) for p in ours.values()] == [
        (p.name, p.kind, p.default) for p in theirs.values()
    ]
    assert set(OPTIONS[name]) >= set(ours) - {"params", "lr", "foreach", "fused", "capturable", "differentiable"}


@pytest.mark.parametrize("name", OPTIONS)
def test_half_precision_parameters_keep_float32_state(name: str) -> None:
    p = nn.Parameter(np.ones(3, np.float16))
    start, optimizer = p.data.copy(), getattr(optim, name)([p], lr=0.01)
    for _ in range(5):
        p.grad = ad.tensor(np.full(3, 1e-4, np.float16))
        optimizer.step()
    assert p.dtype == np.float16
    assert np.isfinite(p.data).all()
    assert {value.dtype for value in optimizer.state[p].values() if value.ndim} <= {np.dtype(np.float32)}
    if name not in ("SGD", "ASGD", "RAdam", "Adadelta"):  # of these a step is as small as the gradient
        assert (p.data < start).all()


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("adjust", [None, "original", "match_rms_adamw"])
def test_muon_is_torchs_but_for_bfloat16(torch: Any, monkeypatch: Any, nesterov: bool, adjust: str | None) -> None:
    """Compare with torch's twice: rounded as it is, and with its rounding taken out."""

    def run(lib: Any, tensor: Any, parameter: Any, steps: int) -> list[Any]:
        rng = np.random.default_rng(1)
        params = [parameter(tensor(rng.normal(size=shape))) for shape in ((3, 5), (6, 2), (3, 3))]
        optimizer = lib.Muon(params, 0.1, nesterov=nesterov, adjust_lr_fn=adjust, ns_coefficients=(2.0, -1.5, 0.5))
        for _ in range(steps):
            for p in params:
                p.grad = tensor(rng.normal(size=p.shape))
            optimizer.step()
        return [x.detach().numpy() for p in params for x in (p, optimizer.state[p]["momentum_buffer"])]

    for a, b in zip(
        run(optim, ad.tensor, nn.Parameter, 1), run(torch.optim, torch.tensor, torch.nn.Parameter, 1), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=0.03)
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    for a, b in zip(
        run(optim, ad.tensor, nn.Parameter, 50), run(torch.optim, torch.tensor, torch.nn.Parameter, 50), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


LBFGS_CASES = [
    (search, options, problem)
    for search in (None, "strong_wolfe")
    for options in ({}, {"history_size": 2, "max_iter": 3, "lr": 0.5}, {"max_eval": 6})
    for problem in ("valley", "waves", "network")
    if not (search and problem == "waves" and not options)  # 60 searches among waves: rounding decides where they end
]


@pytest.mark.parametrize(("search", "options", "problem"), LBFGS_CASES)
def test_lbfgs_is_torchs(torch: Any, search: str | None, options: dict[str, Any], problem: str) -> None:
    """Compare parameters, losses and counts of evaluations over several steps, on a Rosenbrock's valley and others."""
    rng = np.random.default_rng(0)
    start = {"valley": [(4,)], "waves": [(3,), (2,)], "network": [(4, 3), (4,), (1, 4)]}[problem]
    arrays = [np.asarray(rng.normal(size=shape)) for shape in start]
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
    rate = {"lr": 1e-3, **options} if search is None and problem == "valley" else options
    rate = rate if search or problem == "network" else {**rate, "lr": 1e-3}

    def run(lib: Any, tensor: Any, parameter: Any) -> list[Any]:
        params = [parameter(tensor(a)) for a in arrays]
        optimizer = lib.LBFGS(params, line_search_fn=search, **rate)

        def closure() -> Any:
            optimizer.zero_grad()
            if problem == "valley":
                p = params[0]
                loss = ((1 - p[:-1]) ** 2 + 100 * (p[1:] - p[:-1] ** 2) ** 2).sum()
            elif problem == "waves":
                loss = ((params[0] * 3).sin() + params[0] ** 2 / 5).sum() + (params[1] * params[0][:2]).cos().sum()
            else:
                w, b, v = params
                loss = (((tensor(x) @ w.T + b).tanh() @ v.T - tensor(y)) ** 2).mean()
                loss = loss + sum((p**2).sum() for p in params) / 50
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(3)]
        state = optimizer.state[params[0]]
        return [*losses, state["func_evals"], state["n_iter"], *[p.detach().numpy() for p in params]]

    ours, theirs = run(optim, ad.tensor, nn.Parameter), run(torch.optim, torch.tensor, torch.nn.Parameter)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


STEADY: list[dict[str, Any]] = [
    {"lr": 0.05, "max_iter": 1},
    {"lr": 0.05, "max_iter": 2, "history_size": 3},
    {"lr": 0.1, "max_iter": 4, "max_eval": 3},
    {"lr": 0.2, "max_iter": 3, "tolerance_grad": 1e-2},
    {"lr": 0.2, "max_iter": 3, "tolerance_change": 1e-3},
    {"line_search_fn": "strong_wolfe", "lr": 0.1, "max_iter": 1},
    {"line_search_fn": "strong_wolfe", "max_iter": 2, "history_size": 1},
    {"line_search_fn": "strong_wolfe", "lr": 0.5, "max_iter": 3, "max_eval": 2},
]


@pytest.mark.parametrize("options", STEADY, ids=str)
def test_lbfgs_is_torchs_for_fifty_steps(torch: Any, options: dict[str, Any]) -> None:
    """On a convex loss, where rounding does not grow: a robust regression and a second parameter."""
    rng = np.random.default_rng(0)
    rows, y, w0, b0 = rng.normal(size=(12, 5)), rng.normal(size=12), rng.normal(size=5) * 2, rng.normal(size=(2, 2))

    def run(lib: Any, tensor: Any, parameter: Any) -> tuple[Any, ...]:
        w, b = parameter(tensor(w0)), parameter(tensor(b0))
        optimizer, path = lib.LBFGS([w, b], **options), []

        def closure() -> Any:
            optimizer.zero_grad()
            loss = ((1 + (tensor(rows) @ w - tensor(y)) ** 2) ** 0.5).sum() + (w**2).sum() / 2
            loss = loss + ((b - 1) ** 2).sum() + ((b**2).sum() + 1) ** 0.5
            loss.backward()
            return loss

        for _ in range(50):
            loss = optimizer.step(closure).item()
            path.append(np.concatenate([[loss], w.detach().numpy(), b.detach().numpy().ravel()]))
        return path, optimizer.state[w]["func_evals"], optimizer.state[w]["n_iter"]

    ours, theirs = run(optim, ad.tensor, nn.Parameter), run(torch.optim, torch.tensor, torch.nn.Parameter)
    assert ours[1:] == theirs[1:]
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("maximize", [False, True])
def test_lion_is_its_papers(maximize: bool) -> None:
    """Compare with algorithm 2 of the paper, 50 steps."""
    rng, p = np.random.default_rng(0), nn.Parameter(np.array([1.0, -2.0, 0.5]))
    optimizer = optim.Lion([p], 0.1, (0.8, 0.6), 0.2, maximize=maximize)
    x, m = p.data.copy(), np.zeros(3)
    for _ in range(50):
        g = rng.normal(size=3)
        p.grad = ad.tensor(g)
        optimizer.step()
        g = -g if maximize else g
        x = x - 0.1 * (np.sign(0.8 * m + 0.2 * g) + 0.2 * x)
        m = 0.6 * m + 0.4 * g
    np.testing.assert_allclose(p.data, x, rtol=1e-10)
    np.testing.assert_allclose(optimizer.state[p]["exp_avg"].data, m, rtol=1e-10)
