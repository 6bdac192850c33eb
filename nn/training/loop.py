"""`nn.fit`: epochs of steps and validation, and a state on disk from which a training goes on bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from autodiff import Tensor, no_grad, random
from autodiff.random import Generator
from autodiff.serialization import load, save
from nn.data.dataset import Dataset, IterableDataset
from nn.metrics import Metric
from nn.module import Module
from nn.optim.lr_scheduler import ReduceLROnPlateau
from nn.optim.optimizer import Optimizer
from nn.training.history import History
from nn.utils import clip_grad_norm_

Forward = Callable[[Module, Any], tuple[Any, Any]]


def fit(
    model: Module,
    train: Iterable[Any],
    *,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Optimizer,
    epochs: int,
    validation: Iterable[Any] | None = None,
    metrics: Mapping[str, Metric | Callable[[Any, Any], Any]] | None = None,
    scheduler: Any = None,
    schedule: str = "epoch",
    clip_norm: float | None = None,
    monitor: str | None = None,
    mode: str = "min",
    patience: int | None = None,
    min_delta: float = 0.0,
    folder: str | Path | None = None,
    save_every: int | None = None,
    resume: bool = True,
    writer: Any = None,
    progress: bool = True,
    forward: Forward | None = None,
    extras: Mapping[str, Any] | None = None,
    callback: Callable[[dict[str, Any]], Any] | None = None,
) -> History:
    """Train a model and return a row of numbers for each epoch; the model is left as the last step made it.

    A batch is (inputs…, target): the loss is `loss(model(*inputs), target)`, a mean over the batch. Others need
    `forward(model, batch)`, which returns output and target. Each of `metrics`, named as in the history, is an object
    of `nn.metrics` or a function of output and target, of which the mean over all samples is taken; the names of what
    is measured on `validation` begin with `val_`. `scheduler` is stepped after each 'epoch' or each 'batch'
    (`schedule`), and gradients are scaled down to a norm of `clip_norm`.

    `monitor` (by default 'val_loss', or 'loss' without validation) decides by `mode` which epoch is the best; after
    `patience` epochs that are not better than it by more than `min_delta`, training stops. So it does when
    `callback(row)` returns True.

    In `folder` lie `history.jsonl`, the weights of the best epoch, `best.npz` (for `nn.load`), and after each epoch, or
    also each `save_every` batches, `last.npz`. The same call with new objects goes on from there (`resume`), also in
    the middle of an epoch, and gives the numbers of a training that was never interrupted: model, optimizer, scheduler,
    loaders, metrics and generators (the default one, and those that modules of the model have as attributes) are put
    back, and so are other objects with a `state_dict`, given as `extras`. `writer` is a SummaryWriter of TensorBoard's
    (torch.utils.tensorboard or tensorboardX).

    >>> from autodiff import manual_seed
    >>> from nn import CrossEntropyLoss, Linear, data, metrics, optim
    >>> _ = manual_seed(0)
    >>> model = Linear(2, 3)
    >>> loader = data.DataLoader(data.synthetic.blobs(90), batch_size=30, shuffle=True)
    >>> history = fit(
    ...     model,
    ...     loader,
    ...     loss=CrossEntropyLoss(),
    ...     optimizer=optim.Adam(model.parameters(), lr=0.1),
    ...     epochs=10,
    ...     metrics={"accuracy": metrics.Accuracy()},
    ...     progress=False,
    ... )
    >>> history[-1]["accuracy"] > 0.9
    True
    """
    metrics, monitor = metrics or {}, monitor or ("loss" if validation is None else "val_loss")
    measured = [prefix + name for prefix in ["", "val_"][: 1 + (validation is not None)] for name in ("loss", *metrics)]
    if monitor not in measured:
        raise ValueError(f"fit: monitor={monitor!r} is not measured; expected one of {', '.join(measured)}")
    _check(train, validation, epochs, schedule, mode, patience, folder, save_every)
    if schedule == "batch" and isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError("fit: ReduceLROnPlateau looks at epochs; give schedule='epoch'")
    run = _Run(model, train, validation, loss, optimizer, scheduler, metrics, forward or _forward, extras or {})
    last = None if folder is None else Path(folder, "last.npz")
    if last is not None:
        last.parent.mkdir(parents=True, exist_ok=True)
        if resume and last.exists():
            run.load(load(last))
    while run.epoch < epochs and not run.stopped:
        start = time.perf_counter()
        model.train()
        with _bar(run, epochs, progress) as bar:
            for batch in _batches(train, f"training loader (epoch {run.epoch + 1})", passed=run.batch):
                value = run.step(batch, clip_norm)
                if schedule == "batch" and scheduler is not None:
                    scheduler.step()
                bar.update()
                bar.set_postfix(loss=f"{value:.4g}", refresh=False)
                if last is not None and save_every is not None and run.batch % save_every == 0:
                    save(run.state(), last)
            row = {"epoch": run.epoch + 1, **run.tally.compute(), **run.validate()}
            row["lr"] = float(optimizer.param_groups[0]["lr"])
            bar.set_postfix({name: f"{row[name]:.4g}" for name in measured if isinstance(row[name], float)})
        better = run.judge(monitor, row[monitor], mode, min_delta, patience)
        if scheduler is not None and schedule == "epoch":
            scheduler.step(row[monitor]) if isinstance(scheduler, ReduceLROnPlateau) else scheduler.step()
        row["seconds"] = round(time.perf_counter() - start, 3)
        run.rows.append(row)
        run.stopped |= callback is not None and callback(row) is True
        run.next_epoch()
        if writer is not None:
            _show(row, writer)
        if last is not None:
            History(run.rows).write(last.with_name("history.jsonl"))
            if better:
                save(model.state_dict(), last.with_name("best.npz"))
            save(run.state(), last)
    return History(run.rows)


class _Run:
    """All that a training consists of, and how far it has come."""

    def __init__(
        self,
        model: Module,
        train: Any,
        validation: Any,
        loss: Any,
        optimizer: Any,
        scheduler: Any,
        metrics: Any,
        forward: Any,
        extras: Any,
    ) -> None:
        self.model, self.loss, self.optimizer, self.forward = model, loss, optimizer, forward
        self.train, self.validation = train, validation
        self.tally, self.held_out = _Tally(metrics), _Tally(metrics)
        self.epoch = self.batch = self.waited = 0
        self.best: float | None = None
        self.stopped = False
        self.rows: list[dict[str, Any]] = []
        parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "train": train}
        parts |= {"validation": validation, "tally": self.tally, **{f"extra {k}": v for k, v in extras.items()}}
        self.parts = {name: part for name, part in parts.items() if hasattr(part, "state_dict")}

    def step(self, batch: Any, clip_norm: float | None) -> float:
        """Make one step of the optimizer, which may ask for the loss several times; return the first loss."""
        first: list[Any] = []

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            output, target = self.forward(self.model, batch)
            loss: Tensor = self.loss(output, target)
            if loss.size != 1:
                raise ValueError(f"fit: loss has shape {loss.shape}, expected one number: reduction='mean'")
            value = loss.item()
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"fit: the loss is {value} in epoch {self.epoch + 1}, batch {self.batch + 1}; lower the learning "
                    "rate, give clip_norm, or find the operation with ad.detect_anomaly() "
                    "or ad.explain(ad.trace(step)(batch))"
                )
            first[:] = first or [output, target, value]
            loss.backward()
            if clip_norm is not None:
                clip_grad_norm_(self.model.parameters(), clip_norm)
            return loss

        self.optimizer.step(closure)
        self.tally.update(*first)
        self.batch += 1
        return float(first[2])

    def validate(self) -> dict[str, Any]:
        """Return what is measured on data that the model does not learn from."""
        if self.validation is None:
            return {}
        self.model.eval()
        self.held_out.reset()
        with no_grad():
            for batch in _batches(self.validation, "validation loader"):
                output, target = self.forward(self.model, batch)
                self.held_out.update(output, target, self.loss(output, target).item())
        self.model.train()
        return {f"val_{name}": value for name, value in self.held_out.compute().items()}

    def judge(self, name: str, value: Any, mode: str, min_delta: float, patience: int | None) -> bool:
        """Say whether this epoch is the best so far, and stop if there was none for too long."""
        if not isinstance(value, (int, float)):
            raise TypeError(f"fit: {name} is no number, so monitor={name!r} cannot say which epoch is best")
        sign = -1 if mode == "max" else 1
        better = not math.isnan(value) and (self.best is None or sign * value < sign * self.best - min_delta)
        self.best = value if better else self.best
        self.waited = 0 if better else self.waited + 1
        self.stopped |= patience is not None and self.waited >= patience
        return better

    def next_epoch(self) -> None:
        """Begin to count anew."""
        self.epoch, self.batch = self.epoch + 1, 0
        self.tally.reset()

    # --- going on later ---

    def state(self) -> dict[str, Any]:
        """Return all that the rest of the training depends on."""
        own = {name: getattr(self, name) for name in _PROGRESS}
        generators = {name: generator.get_state() for name, generator in self._generators()}
        return {"run": own, "generators": generators, **{name: p.state_dict() for name, p in self.parts.items()}}

    def load(self, state: dict[str, Any]) -> None:
        """Put everything back to where it stood."""
        if missing := sorted(set(self.parts) ^ (set(state) - {"run", "generators"})):
            raise ValueError(
                f"fit: the training in folder was not one with the same parts ({', '.join(missing)}); "
                "give another folder, or resume=False to begin anew"
            )
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        for name, generator in self._generators():
            generator.set_state(state["generators"][name])
        for name in _PROGRESS:
            setattr(self, name, state["run"][name])
        self.optimizer.stepped = True  # before the interruption

    def _generators(self) -> Iterator[tuple[str, Generator]]:
        for path, module in self.model.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Generator):
                    yield f"{path}.{name}", value
        yield "", random.default_generator()


_PROGRESS = ("epoch", "batch", "waited", "best", "stopped", "rows")


class _Tally:
    """The mean loss, and metrics, over the batches so far."""

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        self.metrics = {name: deepcopy(m) if hasattr(m, "update") else _Mean(m) for name, m in metrics.items()}
        self.loss = _Mean(None)

    def update(self, output: Any, target: Any, loss: float) -> None:
        self.loss.add(loss, _samples(target))
        output = output.detach() if isinstance(output, Tensor) else output
        for metric in self.metrics.values():
            metric.update(output, target)

    def compute(self) -> dict[str, Any]:
        values = {"loss": self.loss.compute(), **{name: m.compute() for name, m in self.metrics.items()}}
        return {name: _plain(value) for name, value in values.items()}

    def reset(self) -> None:
        for metric in (self.loss, *self.metrics.values()):
            metric.reset()

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self.loss.state_dict()} | {f"metric {k}": m.state_dict() for k, m in self.metrics.items()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.loss.load_state_dict(state_dict["loss"])
        for name, metric in self.metrics.items():
            metric.load_state_dict(state_dict[f"metric {name}"])


class _Mean:
    """The mean over all samples of a function of output and target that is a mean over a batch."""

    def __init__(self, function: Any) -> None:
        self.function, self.sum, self.count = function, 0.0, 0

    def add(self, value: float, samples: int) -> None:
        self.sum, self.count = self.sum + value * samples, self.count + samples

    def update(self, output: Any, target: Any) -> None:
        with no_grad():
            self.add(float(self.function(output, target)), _samples(target))

    def compute(self) -> float:
        return self.sum / max(self.count, 1)

    def reset(self) -> None:
        self.sum, self.count = 0.0, 0

    def state_dict(self) -> dict[str, Any]:
        return {"sum": self.sum, "count": self.count}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.sum, self.count = state_dict["sum"], state_dict["count"]


def _forward(model: Module, batch: Any) -> tuple[Any, Any]:
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        given = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else f"a {type(batch).__name__}"
        raise TypeError(f"fit: a batch is (inputs…, target), got {given}; give forward(model, batch) -> output, target")
    *inputs, target = batch
    return model(*inputs), target


def _batches(loader: Iterable[Any], what: str, passed: int = 0) -> Iterator[Any]:
    """Yield batches, of which some were there before the training went on; none at all is an error."""
    for batch in loader:
        passed += 1
        yield batch
    if not passed:
        raise ValueError(f"fit: the {what} gave no batches: its data set is empty, used up, or drop_last left nothing")


def _check(
    train: Any, validation: Any, epochs: int, schedule: str, mode: str, patience: Any, folder: Any, save_every: Any
) -> None:
    for name, loader in (("train", train), ("validation", validation)):
        whole = isinstance(loader, Dataset) and not isinstance(loader, IterableDataset)
        if isinstance(loader, (tuple, Tensor, np.ndarray)) or whole:
            raise TypeError(f"fit: {name} is a {type(loader).__name__}; put it into a DataLoader, which gives batches")
    if epochs < 0 or (patience is not None and patience < 1) or (save_every is not None and save_every < 1):
        raise ValueError(f"fit: epochs={epochs}, patience={patience}, save_every={save_every} must be positive")
    if schedule not in ("epoch", "batch") or mode not in ("min", "max"):
        raise ValueError(f"fit: schedule={schedule!r} must be 'epoch' or 'batch', and mode={mode!r} 'min' or 'max'")
    if save_every is not None and (folder is None or not hasattr(train, "state_dict")):
        raise ValueError("fit: save_every needs a folder, and a train loader with a state_dict to go on from")


def _bar(run: _Run, epochs: int, progress: bool) -> Any:
    from tqdm import tqdm

    try:
        total = len(run.train)
    except TypeError:
        total = None
    return tqdm(total=total, initial=run.batch, desc=f"Epoch {run.epoch + 1}/{epochs}", disable=not progress)


def _show(row: Mapping[str, Any], writer: Any) -> None:
    for name, value in row.items():
        if isinstance(value, (int, float)) and name not in ("epoch", "seconds"):
            plain = name.removeprefix("val_")
            tag = plain if plain == "lr" else f"{plain}/{'train' if plain == name else 'validation'}"
            writer.add_scalar(tag, value, row["epoch"])


def _samples(target: Any) -> int:
    """Return how many samples a batch has, as far as its target tells."""
    try:
        return len(target)
    except TypeError:
        return 1


def _plain(value: Any) -> Any:
    """Return a number, or nested lists of numbers, of Python's own."""
    return value.tolist() if hasattr(value, "tolist") else value
