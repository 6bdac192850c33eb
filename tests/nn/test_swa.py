"""Averages of weights: torch's numbers, buffers, batch normalisation afterwards, and the schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import optim
from nn.optim import swa_utils

WAYS: dict[str, Any] = {
    "mean": lambda lib: {},
    "mean, of lists": lambda lib: {"multi_avg_fn": lib.get_swa_multi_avg_fn()},
    "mean, by its function": lambda lib: {"avg_fn": lib.get_swa_avg_fn()},
    "exponential": lambda lib: {"avg_fn": lib.get_ema_avg_fn(0.9)},
    "exponential, of lists": lambda lib: {"multi_avg_fn": lib.get_ema_multi_avg_fn(0.9)},
    "own": lambda lib: {"avg_fn": lambda average, current, count: (average + 2 * current) / (3 + count)},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("use_buffers", [False, True])
def test_averages_are_torchs(torch: Any, way: str, use_buffers: bool) -> None:
    results = []
    for lib, utils, tensor in ((nn, swa_utils, ad.tensor), (torch.nn, torch.optim.swa_utils, torch.tensor)):

        class Scaled(lib.Linear):  # type: ignore[misc, name-defined]
            def __init__(self, tensor: Any = tensor) -> None:
                super().__init__(3, 2)
                self.register_buffer("scale", tensor(np.ones(2, np.float32)))

            def forward(self, x: Any) -> Any:
                return super().forward(x) * self.scale

        model = Scaled()
        average = utils.AveragedModel(model, use_buffers=use_buffers, **WAYS[way](utils))
        for seed in range(4):
            rng = np.random.default_rng(seed)
            shapes = {name: tuple(t.shape) for name, t in model.state_dict().items()}
            model.load_state_dict({k: tensor(rng.random(shape).astype(np.float32)) for k, shape in shapes.items()})
            average.update_parameters(model)
        x = tensor(np.random.default_rng(9).normal(size=(5, 3)).astype(np.float32))
        average.eval()
        results.append([*average.state_dict().items(), ("output", average(x))])
    assert [name for name, _ in results[0]] == [name for name, _ in results[1]]
    for (_, a), (_, b) in zip(*results, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_the_model_goes_on_alone() -> None:
    model = nn.Linear(1, 1)
    average = swa_utils.AveragedModel(model)
    average.update_parameters(model)
    nn.init.constant_(model.weight, 7.0)
    assert average.module.weight.item() != 7.0
    assert average.module.weight.requires_grad
    average.update_parameters(model)
    resumed = swa_utils.AveragedModel(nn.Linear(1, 1))
    resumed.load_state_dict(average.state_dict())
    assert resumed.n_averaged.item() == 2
    for each in (average, resumed):
        each.update_parameters(model)
    assert average.module.weight.item() == resumed.module.weight.item()


def test_batch_normalisation_is_measured_anew(torch: Any) -> None:
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(4, 3)) for _ in range(3)]
    results = []
    for lib, utils, tensor in ((nn, swa_utils, ad.tensor), (torch.nn, torch.optim.swa_utils, torch.tensor)):
        model = lib.Sequential(lib.BatchNorm1d(3, momentum=0.3), lib.Linear(3, 1), lib.BatchNorm1d(1))
        state = {name: tensor(np.full(t.shape, 0.5, np.float32)) for name, t in model.state_dict().items()}
        model.load_state_dict({name: t if "batches" not in name else tensor(4) for name, t in state.items()})
        model.eval()
        utils.update_bn([(tensor(b.astype(np.float32)), 0) for b in batches], model)
        assert not model.training
        assert [model[0].momentum, model[2].momentum] == [0.3, 0.1]
        results.append(model.state_dict())
    for name, a in results[0].items():
        np.testing.assert_allclose(a.numpy(), results[1][name].numpy(), rtol=1e-4, atol=1e-6)
    swa_utils.update_bn(iter([]), nn.Linear(1, 1))


def test_buffers_of_integers_are_followed_or_averaged() -> None:
    for use_buffers, expected in ((False, 8), (True, 6)):
        model = nn.BatchNorm1d(2)
        average = swa_utils.AveragedModel(model, use_buffers=use_buffers)
        for count in (4, 8):
            model.num_batches_tracked = ad.tensor(count)
            average.update_parameters(model)
        assert average.module.num_batches_tracked.item() == expected
        assert average.module.num_batches_tracked.dtype == np.int64


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 5])
def test_the_schedule_is_torchs(torch: Any, strategy: str, epochs: int) -> None:
    results = []
    for lib, parameter in ((optim, nn.Parameter), (torch.optim, lambda a: torch.nn.Parameter(torch.tensor(a)))):
        optimizer = lib.SGD([{"params": [parameter(np.ones(1))]}, {"params": [parameter(np.ones(1))], "lr": 0.3}], 0.8)
        decay = lib.lr_scheduler.ExponentialLR(optimizer, 0.9)
        scheduler, rows = lib.swa_utils.SWALR(optimizer, [0.05, 0.1], epochs, strategy), []
        for step in range(8):
            optimizer.step()
            scheduler.step()
            if step == 2:
                decay.step()
            rows += [group["lr"] for group in optimizer.param_groups]
        assert scheduler.get_last_lr() == rows[-2:]
        results.append(rows)
    np.testing.assert_allclose(*results, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda m, o: swa_utils.get_ema_avg_fn(2.0), ValueError, "Invalid decay value 2.0"),
        (lambda m, o: swa_utils.get_ema_multi_avg_fn(-1), ValueError, "Invalid decay value -1"),
        (lambda m, o: swa_utils.AveragedModel(m, None, max, max), AssertionError, "Only one of"),
        (lambda m, o: swa_utils.AveragedModel(m, "cuda"), ValueError, "device is None or 'cpu', got cuda"),
        (lambda m, o: swa_utils.AveragedModel(m).update_parameters(nn.Linear(3, 1)), ValueError, "same parameters"),
        (lambda m, o: swa_utils.SWALR(o, 0.1, anneal_strategy="x"), ValueError, "'cos' or 'linear', instead got x"),
        (lambda m, o: swa_utils.SWALR(o, 0.1, -1), ValueError, "equal or greater than 0, got -1"),
        (lambda m, o: swa_utils.SWALR(o, [0.1, 0.2]), ValueError, "one for each of the 1 parameter groups, got 2"),
    ],
)
def test_bad_settings_are_refused(make: Any, error: type[Exception], message: str) -> None:
    model = nn.Linear(2, 1)
    with pytest.raises(error, match=message):
        make(model, optim.SGD(model.parameters(), 0.1))
