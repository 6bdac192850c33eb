"""Learning rate schedules: torch's rates step by step, alone and together, resumed, and bad settings."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import optim
from nn.optim import lr_scheduler

Make = Callable[[Any, Any], Any]
CHAINABLE: dict[str, Make] = {
    "Step": lambda lib, opt: lib.StepLR(opt, 3, 0.5),
    "MultiStep": lambda lib, opt: lib.MultiStepLR(opt, [2, 5, 5, 9], 0.5),
    "MultiStep, from 0": lambda lib, opt: lib.MultiStepLR(opt, [0, 3]),
    "Constant": lambda lib, opt: lib.ConstantLR(opt, 0.25, 4),
    "Linear": lambda lib, opt: lib.LinearLR(opt, 0.25, 0.75, 6),
    "Linear, to 0": lambda lib, opt: lib.LinearLR(opt, 1.0, 0.0, 6),
    "Linear, of no length": lambda lib, opt: lib.LinearLR(opt, 0.5, total_iters=0),
    "Exponential": lambda lib, opt: lib.ExponentialLR(opt, 0.9),
    "Polynomial": lambda lib, opt: lib.PolynomialLR(opt, 8, 2.0),
    "Cosine": lambda lib, opt: lib.CosineAnnealingLR(opt, 5, 0.01),
    "Cosine, to 0": lambda lib, opt: lib.CosineAnnealingLR(opt, 4),
    "Multiplicative": lambda lib, opt: lib.MultiplicativeLR(opt, lambda t: 0.9 if t % 2 else 1.1),
}
OTHERS: dict[str, Make] = {
    "Lambda": lambda lib, opt: lib.LambdaLR(opt, [lambda t: 0.9**t, lambda t: 1 / (1 + t)]),
    "Warm restarts": lambda lib, opt: lib.CosineAnnealingWarmRestarts(opt, 3, 2, 0.01),
    "Warm restarts, equal": lambda lib, opt: lib.CosineAnnealingWarmRestarts(opt, 4),
    "triangular": lambda lib, opt: lib.CyclicLR(opt, 0.1, 0.5, 3, 5),
    "triangular2": lambda lib, opt: lib.CyclicLR(opt, [0.1, 0.2], [0.5, 0.3], 3, mode="triangular2"),
    "exp_range": lambda lib, opt: lib.CyclicLR(
        opt, 0.1, 0.5, 3, mode="exp_range", gamma=0.9, base_momentum=0.5, max_momentum=0.7
    ),
    "scale_fn": lambda lib, opt: lib.CyclicLR(
        opt, 0.1, 0.5, 3, scale_fn=lambda x: 1 / (2 + x), scale_mode="iterations"
    ),
    "Cyclic, rates alone": lambda lib, opt: lib.CyclicLR(opt, 0.1, 0.5, 3, cycle_momentum=False),
    "One cycle": lambda lib, opt: lib.OneCycleLR(opt, 0.5, 20),
    "One cycle, linear": lambda lib, opt: lib.OneCycleLR(
        opt, [0.5, 0.2], epochs=5, steps_per_epoch=4, anneal_strategy="linear", pct_start=0.25
    ),
    "One cycle, three phases": lambda lib, opt: lib.OneCycleLR(opt, 0.5, 20, three_phase=True, final_div_factor=10.0),
    "One cycle, rates alone": lambda lib, opt: lib.OneCycleLR(opt, 0.5, 20, cycle_momentum=False),
    "Sequential": lambda lib, opt: lib.SequentialLR(
        opt, [lib.LinearLR(opt, 0.1, total_iters=4), lib.CosineAnnealingLR(opt, 8, 0.01)], [4]
    ),
    "Sequential, three": lambda lib, opt: lib.SequentialLR(
        opt, [lib.ConstantLR(opt, 0.1, 3), lib.ExponentialLR(opt, 0.9), lib.StepLR(opt, 2)], [3, 7]
    ),
    "Sequential, functions": lambda lib, opt: lib.SequentialLR(
        opt, [lib.LambdaLR(opt, lambda t: 1 / (1 + t)), lib.CosineAnnealingWarmRestarts(opt, 3)], [2]
    ),
    "Sequential in Sequential": lambda lib, opt: lib.SequentialLR(
        opt,
        [lib.SequentialLR(opt, [lib.LinearLR(opt, 0.1), lib.ExponentialLR(opt, 0.9)], [2]), lib.StepLR(opt, 2)],
        [5],
    ),
    "Chained": lambda lib, opt: lib.ChainedScheduler([lib.ConstantLR(opt, 0.1, 3), lib.ExponentialLR(opt, 0.9)]),
}
MAKERS = CHAINABLE | OTHERS


def optimizers(torch: Any, name: str = "SGD") -> list[tuple[Any, Any]]:
    """Return both libraries' optimizers of two groups, with their schedulers' modules."""
    made = []
    for lib, parameter in ((optim, nn.Parameter), (torch.optim, lambda a: torch.nn.Parameter(torch.tensor(a)))):
        groups = [{"params": [parameter(np.ones(2))]}, {"params": [parameter(np.ones(1))], "lr": 0.3}]
        options = {"momentum": 0.9} if name == "SGD" else {}
        made.append((lib.lr_scheduler, getattr(lib, name)(groups, lr=0.8, **options)))
    return made


def settings(optimizer: Any) -> list[Any]:
    """Return what schedules move."""
    return [[float(g["lr"]), g.get("momentum"), *g.get("betas", ())] for g in optimizer.param_groups]


def same(ours: Any, theirs: Any) -> None:
    assert [*map(len, ours)] == [*map(len, theirs)]
    np.testing.assert_allclose(np.array(ours, float), np.array(theirs, float), rtol=1e-10, atol=1e-15)


def run(scheduler: Any, optimizer: Any, steps: int = 20) -> list[Any]:
    rows = [settings(optimizer)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        rows.append(settings(optimizer))
        assert [row[0] for row in rows[-1]] == scheduler.get_last_lr()
    return rows


@pytest.mark.filterwarnings("ignore:Detected call of")  # torch, of a composed schedule that is part of another
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("method", ["SGD", "Adam"])
def test_rates_and_momenta_are_torchs(torch: Any, name: str, method: str) -> None:
    rows = [run(MAKERS[name](lib, optimizer), optimizer) for lib, optimizer in optimizers(torch, method)]
    for ours, theirs in zip(*rows, strict=True):
        same(ours, theirs)


@pytest.mark.parametrize("pair", [("Step", "Cosine"), ("Linear", "Exponential"), ("Polynomial", "MultiStep")])
def test_schedulers_of_one_optimizer_compound_as_torchs(torch: Any, pair: tuple[str, str]) -> None:
    results = []
    for lib, optimizer in optimizers(torch):
        both = [MAKERS[name](lib, optimizer) for name in pair]
        for _ in range(7):
            optimizer.step()
            for scheduler in both:
                scheduler.step()
        results.append(settings(optimizer))
    same(*results)


@pytest.mark.parametrize("name", [name for name in CHAINABLE if "no length" not in name])
def test_an_epoch_that_is_given_sets_the_closed_form(torch: Any, name: str) -> None:
    results = []
    for lib, optimizer in optimizers(torch):
        scheduler = MAKERS[name](lib, optimizer)
        optimizer.step()
        rows = []
        for epoch in (3, 1, 7):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scheduler.step(epoch)
            rows += settings(optimizer)
        results.append(rows)
    same(*results)


def test_warm_restarts_take_parts_of_epochs(torch: Any) -> None:
    for name in ("Warm restarts", "Warm restarts, equal"):
        results = []
        for lib, optimizer in optimizers(torch):
            scheduler, rows = MAKERS[name](lib, optimizer), []
            for epoch in (0.5, 2.9, 3.25, 8.5, 9.0, 25.75, 1.5):
                scheduler.step(epoch)
                rows += settings(optimizer)
            results.append(rows)
        same(*results)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LinearLR", {"start_factor": 0.25, "total_iters": 6}),
        ("StepLR", {"step_size": 5}),
        ("ExponentialLR", {"gamma": 0.5}),
        ("CosineAnnealingLR", {"T_max": 7}),
    ],
)
def test_a_schedule_made_in_the_middle_goes_on_as_torchs(torch: Any, kind: str, options: dict[str, Any]) -> None:
    results = []
    for lib, optimizer in optimizers(torch):
        for group in optimizer.param_groups:
            group["initial_lr"] = 1.0
        results.append(run(getattr(lib, kind)(optimizer, **options, last_epoch=4), optimizer, 5)[-1])
    same(*results)


@pytest.mark.filterwarnings("ignore:Detected call of")  # torch, of a composed schedule that is part of another
@pytest.mark.parametrize("name", MAKERS)
def test_a_state_dict_resumes_ours_and_torchs_loads(torch: Any, name: str) -> None:
    (lib, first), (torchs, theirs) = optimizers(torch)
    scheduler, other = MAKERS[name](lib, first), MAKERS[name](torchs, theirs)
    run(scheduler, first, 5)
    run(other, theirs, 5)
    for state in (scheduler.state_dict(), other.state_dict()):
        second = optimizers(torch)[0][1]
        resumed = MAKERS[name](lib, second)
        second.load_state_dict(first.state_dict())
        given = copy.deepcopy(state) if state is not other.state_dict() else state
        resumed.load_state_dict(given)
        assert resumed.last_epoch == scheduler.last_epoch if name != "Chained" else True
        start = copy.deepcopy(first.state_dict()), copy.deepcopy(scheduler.state_dict())
        for a, b in zip(run(scheduler, first, 8), run(resumed, second, 8), strict=True):
            same(a, b)
        first.load_state_dict(start[0])
        scheduler.load_state_dict(start[1])


def test_the_attributes_of_callable_objects_are_saved() -> None:
    class Decay:
        def __init__(self, rate: float) -> None:
            self.rate = rate

        def __call__(self, t: float) -> float:
            return float(self.rate**t)

    optimizer = optim.SGD([nn.Parameter(np.ones(1))], momentum=0.5)
    for make in (lr_scheduler.LambdaLR, lambda o, f: lr_scheduler.CyclicLR(o, 0.1, 0.2, scale_fn=f)):
        state = make(optimizer, Decay(0.5)).state_dict()
        other = Decay(0.25)
        make(optimizer, other).load_state_dict(state)
        assert other.rate == 0.5
    assert lr_scheduler.LambdaLR(optimizer, lambda t: 1.0).state_dict()["lr_lambdas"] == [None]


@pytest.mark.parametrize(("mode", "threshold_mode"), [("min", "rel"), ("min", "abs"), ("max", "rel"), ("max", "abs")])
def test_a_plateau_reduces_the_rates_as_torchs(torch: Any, mode: str, threshold_mode: str) -> None:
    metrics = [
        1.0,
        0.99,
        0.5,
        0.52,
        float("nan"),
        0.51,
        0.5,
        0.7,
        0.7,
        0.2,
        0.2,
        0.2,
        0.2,
        0.2,
        0.9,
        0.9,
        0.9,
        0.9,
        0.9,
    ]
    results = []
    for lib, optimizer in optimizers(torch):
        scheduler = lib.ReduceLROnPlateau(
            optimizer, mode, 0.5, 1, 0.02, threshold_mode, cooldown=1, min_lr=[0.01, 0.1], eps=1e-3
        )
        rows = []
        for metric in metrics:
            scheduler.step(metric)
            rows.append([*scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.cooldown_counter])
        resumed = lib.ReduceLROnPlateau(optimizer)
        resumed.load_state_dict(scheduler.state_dict())
        assert resumed.state_dict() == scheduler.state_dict()
        results.append((rows, scheduler.state_dict()))
    same(results[0][0], results[1][0])
    assert results[0][1].keys() == results[1][1].keys()


def test_a_plateau_takes_a_tensor_and_groups_that_come_later() -> None:
    optimizer = optim.SGD([nn.Parameter(np.ones(1))], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    optimizer.add_param_group({"params": [nn.Parameter(np.ones(1))]})
    for _ in range(2):
        scheduler.step(ad.tensor(1.0))
    assert scheduler.get_last_lr() == [0.1, 0.1]
    fixed = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0])
    optimizer.add_param_group({"params": [nn.Parameter(np.ones(1))]})
    fixed.step(1.0)
    with pytest.raises(RuntimeError, match="3 parameter groups, and 2 when ReduceLROnPlateau"):
        fixed.step(1.0)


def test_a_rate_that_is_a_tensor_is_written_in_place() -> None:
    lr = ad.tensor(0.5)
    optimizer = optim.SGD([nn.Parameter(np.ones(1))], lr=lr)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is lr
    assert lr.item() == 0.25
    assert scheduler.get_last_lr() == [0.25]


def test_a_schedule_of_ones_own_overrides_get_lr() -> None:
    class Halved(lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    optimizer = optim.SGD([nn.Parameter(np.ones(1))], lr=1.0)
    scheduler = Halved(optimizer)
    assert [row[0][0] for row in run(scheduler, optimizer, 2)] == [1.0, 0.5, 0.25]
    scheduler.step(5)
    assert scheduler.get_last_lr() == [0.5**5]


def test_what_is_called_at_the_wrong_time_warns() -> None:
    optimizer = optim.SGD([nn.Parameter(np.ones(1))], lr=1.0)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        scheduler.step()
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


SGD = optim.SGD([nn.Parameter(np.ones(1))], lr=1.0, momentum=0.5)
BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: lr_scheduler.StepLR(3, 1), TypeError, "int is not an Optimizer"),  # type: ignore[arg-type]
    (lambda: lr_scheduler.LinearLR(SGD, start_factor=0), ValueError, "start_factor is expected to be in"),
    (lambda: lr_scheduler.LinearLR(SGD, end_factor=2), ValueError, "end_factor is expected to be in"),
    (lambda: lr_scheduler.ConstantLR(SGD, 2), ValueError, "between 0 and 1, got 2"),
    (lambda: lr_scheduler.LambdaLR(SGD, [lambda t: t] * 2), ValueError, "got 2"),
    (lambda: lr_scheduler.MultiplicativeLR(SGD, 3), TypeError, "should be a function, but got int"),  # type: ignore[arg-type]
    (lambda: lr_scheduler.CosineAnnealingWarmRestarts(SGD, 0), ValueError, "positive integer T_0, but got 0"),
    (lambda: lr_scheduler.CosineAnnealingWarmRestarts(SGD, 1, 0), ValueError, "integer T_mult >= 1, but got 0"),
    (lambda: lr_scheduler.CosineAnnealingWarmRestarts(SGD, 1).step(-1), ValueError, "non-negative epoch, but got -1"),
    (lambda: lr_scheduler.CyclicLR(SGD, 0.1, 0.2, mode="saw"), ValueError, "mode is 'triangular'"),
    (lambda: lr_scheduler.CyclicLR(optim.Adagrad(SGD.param_groups[0]["params"]), 0.1, 0.2), ValueError, "neither"),
    (lambda: lr_scheduler.OneCycleLR(SGD, 1.0), ValueError, "total_steps OR"),
    (lambda: lr_scheduler.OneCycleLR(SGD, 1.0, -1), ValueError, "positive integer total_steps, but got -1"),
    (lambda: lr_scheduler.OneCycleLR(SGD, 1.0, 5, pct_start=2.0), ValueError, "pct_start, but got 2.0"),
    (lambda: lr_scheduler.OneCycleLR(SGD, 1.0, 5, anneal_strategy="x"), ValueError, "'cos' or 'linear', got 'x'"),
    (lambda: lr_scheduler.OneCycleLR(SGD, 1.0, 2)._update_lr(3), ValueError, "Tried to step 3 times"),
    (lambda: lr_scheduler.ReduceLROnPlateau(SGD, "up"), ValueError, "mode is 'min' or 'max', got 'up'"),
    (lambda: lr_scheduler.ReduceLROnPlateau(SGD, factor=1.0), ValueError, "Factor should be < 1.0"),
    (lambda: lr_scheduler.SequentialLR(SGD, [], []), ValueError, "at least one scheduler"),
    (lambda: lr_scheduler.SequentialLR(SGD, [lr_scheduler.StepLR(SGD, 1)], [1]), ValueError, "1 schedulers and 1 mile"),
    (
        lambda: lr_scheduler.SequentialLR(
            SGD, [lr_scheduler.StepLR(SGD, 1), lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(SGD, 1)])], [1]
        ),
        NotImplementedError,
        "ChainedScheduler at a milestone.*index 1: list the schedulers",
    ),
    (lambda: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(SGD)]), ValueError, "takes a metric"),
    (
        lambda: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(SGD, 1)], optim.SGD([nn.Parameter(np.ones(1))])),
        ValueError,
        "belong to the same optimizer",
    ),
    (
        lambda: lr_scheduler.StepLR(optim.SGD([nn.Parameter(np.ones(1))]), 1, last_epoch=3),
        KeyError,
        "initial_lr' is not specified in param_groups",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_bad_settings_are_refused(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_chain_begins_a_sequence_at_its_epoch_0() -> None:
    optimizer = optim.SGD([nn.Parameter(np.ones(1))], lr=1.0)
    chain = lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(optimizer, 0.5, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)]
    )
    scheduler, rates = lr_scheduler.SequentialLR(optimizer, [chain, lr_scheduler.StepLR(optimizer, 2)], [3]), []
    for _ in range(4):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates, [0.5, 0.45, 0.81, 1.0])
