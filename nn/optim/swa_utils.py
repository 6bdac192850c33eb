"""Averages of a model's weights over training, under the names of torch.optim.swa_utils."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, no_grad
from nn.layers.normalization import BatchNormNd
from nn.module import Module
from nn.optim.lr_scheduler.scheduler import LRScheduler, checked, each
from nn.optim.optimizer import Optimizer

Mean = Callable[[Tensor, Tensor, Any], Any]
Means = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_swa_avg_fn() -> Mean:
    """Return the update of a plain mean: `f(average, current, count)` is the new average."""

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Any:
        with no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Mean:
    """Return the update of an exponential average: decay * average + (1 - decay) * current."""
    if not 0 <= decay <= 1:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Any:
        with no_grad():
            return ema_param * decay + current_param * (1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> Means:
    """Return `get_swa_avg_fn` for lists of tensors, in place."""
    return _in_place(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Means:
    """Return `get_ema_avg_fn` for lists of tensors, in place."""
    return _in_place(get_ema_avg_fn(decay))


def _in_place(mean: Mean) -> Means:
    def update(averaged_params: Sequence[Tensor], current_params: Sequence[Tensor], num_averaged: Any) -> None:
        for average, current in zip(averaged_params, current_params, strict=True):
            _put(average, mean(average, current, num_averaged))

    return update


def _put(target: Tensor, value: Any) -> None:
    with no_grad():
        target[...] = value.astype(target.dtype)


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's, taken at each `update_parameters(model)`.

    avg_fn: `f(average, current, count)` that returns the new average of one parameter.
    multi_avg_fn: the same for lists, in place; at most one of them. Default: the mean of all
        (https://arxiv.org/abs/1803.05407).
    use_buffers: average buffers as well; else they are the model's last ones (see `update_bn`).

    >>> import nn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> average.module.weight.item(), average.n_averaged.item()
    (3.0, 3)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Mean | None = None,
        multi_avg_fn: Means | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if device is not None and str(device) != "cpu":
            raise ValueError(f"AveragedModel: there is no device but the CPU; device is None or 'cpu', got {device}")
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", as_tensor(np.zeros((), np.int64)))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters into the averages."""
        means, values = _tensors(self.module, self.use_buffers), _tensors(model, self.use_buffers)
        if [t.shape for t in means] != [t.shape for t in values]:
            raise ValueError("update_parameters takes a model of the same parameters as the one that was copied")
        if self.n_averaged.item() == 0:
            for mean, value in zip(means, values, strict=True):
                _put(mean, value)
        else:
            update = self.multi_avg_fn or _in_place(self.avg_fn or get_swa_avg_fn())
            kinds = {mean.dtype: None for mean in means}
            for kind in kinds:
                pairs = [(a.detach(), b.detach()) for a, b in zip(means, values, strict=True) if a.dtype == kind]
                with no_grad():
                    update([a for a, _ in pairs], [b for _, b in pairs], self.n_averaged)
        if not self.use_buffers:
            for mean, value in zip(self.module.buffers(), model.buffers(), strict=True):
                _put(mean, value)
        _put(self.n_averaged, self.n_averaged + 1)


def _tensors(model: Module, buffers: bool) -> list[Tensor]:
    return [*chain(model.parameters(), model.buffers() if buffers else ())]


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Take the running statistics of a model's batch normalisations anew, as plain means over the batches of a loader.

    Of a batch that is a tuple or list, the first is the input.
    """
    layers = [module for module in model.modules() if isinstance(module, BatchNormNd)]
    if not layers:
        return
    momenta, training = [layer.momentum for layer in layers], model.training
    try:
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None
        model.train()
        with no_grad():
            for batch in loader:
                model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        model.train(training)


class SWALR(LRScheduler):
    """Goes from the rates to `swa_lr` in `anneal_epochs` steps, along a cosine or a line, and stays there.

    >>> import nn
    >>> optimizer = nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(checked(optimizer).param_groups, each("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """Return how much of the way is gone."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def _chained(self) -> list[float]:
        step = max(self._step_count - 1, 0 if self.anneal_epochs else 1)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, end = float(group["lr"]), group["swa_lr"]
            start = end if before == 1 else (lr - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates

    _closed = _chained
