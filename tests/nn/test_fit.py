"""nn.fit: learns, stops, remembers, and goes on bit for bit; its history and the picture of it."""

from __future__ import annotations

import json
from collections import Counter
from typing import ClassVar

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import data, metrics, optim
from nn.optim import lr_scheduler


class Noisy(data.Dataset):
    """Samples that are changed at random each time, like augmented pictures."""

    def __init__(self, n=20):
        self.x, self.y = data.synthetic.blobs(n, generator=ad.random.Generator(0))[:]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] + 0.1 * ad.randn(2), self.y[i].item()


class Interrupted(Exception):
    """Somebody pulled the plug."""


class Training:
    """Everything that a training needs, made anew from one seed."""

    def __init__(self, optimizer="Adam", scheduler=None, schedule="epoch", loader="noisy", num_workers=0):
        ad.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 3))
        self.model[3].own = ad.random.Generator(3)
        make = {
            "Adam": lambda ps: optim.Adam(ps, 0.01),
            "SGD": lambda ps: optim.SGD(ps, 0.1, momentum=0.9),
            "AdamW": lambda ps: optim.AdamW(ps, 0.01, amsgrad=True),
        }
        self.optimizer = make[optimizer](self.model.parameters())
        self.scheduler = None if scheduler is None else scheduler(self.optimizer)
        self.schedule = schedule
        generator = ad.random.Generator(5) if loader == "generator" else None
        self.train = nn.DataLoader(Noisy(), 4, shuffle=True, generator=generator, num_workers=num_workers)
        generator = ad.random.Generator(6) if loader == "generator" else None
        self.validation = nn.DataLoader(Noisy(9), 4, shuffle=True, generator=generator)

    def run(self, folder, epochs=3, crash=None, save_every=2, **options):
        count = Counter()

        def forward(model, batch):
            count["batches"] += 1
            if crash is not None and count["batches"] > crash:
                raise Interrupted
            x, y = batch
            if model.training:
                x = x + 0.01 * ad.randn(2, generator=model[3].own)
            return model(x), y

        self.history = nn.fit(
            self.model, self.train, loss=nn.CrossEntropyLoss(), optimizer=self.optimizer, epochs=epochs,
            validation=self.validation, scheduler=self.scheduler, schedule=self.schedule, folder=folder,
            metrics={"accuracy": metrics.Accuracy(), "table": metrics.ConfusionMatrix(3), "mse": spread},
            save_every=save_every, progress=False, clip_norm=1.0, forward=forward, **options,
        )  # fmt: skip
        return self.history


def spread(output, target):
    return (output**2).mean()


def same(a, b):
    """Whether nested states are equal to the last bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (ad.Tensor, np.ndarray)):
        return a.dtype == b.dtype and np.array_equal(np.asarray(a.data), np.asarray(b.data))
    return a == b


def stripped(state):
    """A state without what the clock says."""
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in state["run"]["rows"]]
    return state | {"run": state["run"] | {"rows": rows}}


TRAININGS = {
    "Adam": {},
    "SGD, cosine": {"optimizer": "SGD", "scheduler": lambda o: lr_scheduler.CosineAnnealingLR(o, 4)},
    "AdamW, one cycle": {
        "optimizer": "AdamW", "schedule": "batch", "scheduler": lambda o: lr_scheduler.OneCycleLR(o, 0.05, 15)
    },
    "plateau": {"scheduler": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, factor=0.5)},
    "steps": {"scheduler": lambda o: lr_scheduler.MultiStepLR(o, [1, 3])},
    "sequence": {
        "scheduler": lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o), lr_scheduler.LambdaLR(o, lambda e: 0.9**e)], [2]
        )
    },
    "thread": {"num_workers": 1},
    "own generator": {"loader": "generator", "num_workers": 1},
}  # fmt: skip


@pytest.mark.parametrize("options", TRAININGS.values(), ids=TRAININGS)
def test_a_training_that_was_interrupted_ends_as_one_that_was_not(tmp_path, options) -> None:
    whole = Training(**options)
    whole.run(tmp_path / "whole")
    expected = stripped(nn.load(tmp_path / "whole" / "last.npz"))
    # an epoch has 5 batches, and 3 of validation: the plug is pulled in an epoch; twice: in the validation and after it
    for crashes, save_every in (([3], 2), ([6, 4], 1)):
        folder = tmp_path / "-".join(map(str, crashes))
        for crash in crashes:
            with pytest.raises(Interrupted):
                Training(**options).run(folder, crash=crash, save_every=save_every)
            ad.manual_seed(99)
        again = Training(**options)
        again.run(folder)
        state = stripped(nn.load(folder / "last.npz"))
        assert same(state, expected)
        assert same(again.model.state_dict(), whole.model.state_dict())
        assert nn.History.read(folder / "history.jsonl").rows == again.history.rows
        assert same(nn.load(folder / "best.npz"), nn.load(tmp_path / "whole" / "best.npz"))


OPTIMIZERS = [kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, optim.Optimizer)]


@pytest.mark.parametrize("kind", [k for k in OPTIMIZERS if k is not optim.Optimizer], ids=lambda kind: kind.__name__)
def test_every_optimizer_goes_on_from_a_file(tmp_path, kind) -> None:
    x, y = data.synthetic.blobs(12, generator=ad.random.Generator(0))[:]

    def steps(model, optimizer, count):
        def closure():
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(model(x), y)
            loss.backward()
            return loss

        for _ in range(count):
            optimizer.step(closure)

    def made():
        ad.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 4, bias=False), nn.Tanh(), nn.Linear(4, 3, bias=False))  # Muon: matrices
        return model, kind(model.parameters())

    whole, again = made(), made()
    steps(*whole, 2)
    nn.save([part.state_dict() for part in whole], tmp_path / "s")
    steps(*whole, 2)
    for part, state in zip(again, nn.load(tmp_path / "s"), strict=True):
        part.load_state_dict(state)
    steps(*again, 2)
    assert same([part.state_dict() for part in again], [part.state_dict() for part in whole])


def test_more_epochs_can_be_asked_for_later(tmp_path) -> None:
    Training().run(tmp_path / "a", epochs=2)
    assert len(Training().run(tmp_path / "a", epochs=2)) == 2  # nothing to do
    later = Training()
    assert len(later.run(tmp_path / "a", epochs=3)) == 3
    whole = Training()
    whole.run(tmp_path / "b", epochs=3)
    assert same(later.model.state_dict(), whole.model.state_dict())
    anew = Training().run(tmp_path / "a", epochs=1, resume=False)
    assert [row["epoch"] for row in anew] == [1]


def fit(model=None, train=None, **options):
    """A small training; options go to fit."""
    model = model or nn.Linear(2, 3)
    if train is None:
        train = nn.DataLoader(data.synthetic.blobs(30, generator=ad.random.Generator(0)), 10, shuffle=True)
    settings = {"loss": nn.CrossEntropyLoss(), "epochs": 3, "progress": False}
    settings["optimizer"] = optim.SGD(model.parameters(), 0.1)
    return nn.fit(model, train, **settings | options)


def test_the_loop_is_the_one_anybody_would_write() -> None:
    x, y = (t.numpy() for t in data.synthetic.blobs(25, generator=ad.random.Generator(0))[:])
    ad.manual_seed(1)
    model = nn.Linear(2, 3)
    history = fit(model, nn.DataLoader((x, y), 10, shuffle=True), metrics={"accuracy": metrics.Accuracy()})
    ad.manual_seed(1)
    twin = nn.Linear(2, 3)
    optimizer, losses, right = optim.SGD(twin.parameters(), 0.1), [], []
    loader = nn.DataLoader((x, y), 10, shuffle=True)
    for _ in range(3):
        total = hits = 0
        for a, b in loader:
            optimizer.zero_grad()
            scores = twin(a)
            loss = nn.CrossEntropyLoss()(scores, b)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(b)
            hits += (scores.argmax(1) == b).sum().item()
        losses.append(total / 25)
        right.append(hits / 25)
    assert same(model.state_dict(), twin.state_dict())
    assert history["loss"] == losses
    assert history["accuracy"] == right
    assert history["lr"] == [0.1] * 3


def test_validation_neither_learns_nor_drops_out() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    held = data.synthetic.blobs(12, generator=ad.random.Generator(1))
    history = fit(model, validation=nn.DataLoader(held, 5), metrics={"accuracy": metrics.Accuracy()})
    assert model.training
    x, y = held[:]
    scores = model.eval()(x)
    assert history[-1]["val_loss"] == pytest.approx(nn.CrossEntropyLoss()(scores, y).item(), rel=1e-6)
    assert history[-1]["val_accuracy"] == metrics.accuracy(scores, y)


def test_it_stops_early_and_keeps_the_best_weights(tmp_path) -> None:
    model = nn.Linear(2, 3)
    weights = []
    values = iter([3.0, 2.0, 2.5, 1.95, 2.2, 9.0])

    class Given(metrics.Metric):
        def count(self, output, target):
            return np.zeros(1)

        def value(self, total):
            return next(values)

    history = fit(
        model, metrics={"given": Given()}, monitor="given", patience=2, min_delta=0.1, epochs=10, folder=tmp_path,
        callback=lambda row: weights.append(model.weight.numpy().copy()),
    )  # fmt: skip
    assert history["given"] == [3.0, 2.0, 2.5, 1.95]  # 1.95 is not better by 0.1
    assert history.best("given")["epoch"] == 4
    np.testing.assert_array_equal(nn.load(tmp_path / "best.npz")["weight"].numpy(), weights[1])
    assert len(fit(nn.Linear(2, 3), metrics={"given": Given()}, monitor="given", epochs=12, folder=tmp_path)) == 4
    assert len(fit(epochs=10, callback=lambda row: row["epoch"] == 2)) == 2


def test_other_states_are_kept_too(tmp_path) -> None:
    class Count:
        n = 0

        def state_dict(self):
            return {"n": self.n}

        def load_state_dict(self, state):
            self.n = state["n"]

    first, second = Count(), Count()
    first.n = 7
    fit(folder=tmp_path, extras={"count": first})
    fit(folder=tmp_path, extras={"count": second})
    assert second.n == 7


def test_a_closure_is_given_to_the_optimizer() -> None:
    class Twice(optim.SGD):
        def step(self, closure=None):
            first = closure()
            super().step(closure)
            return first

    model = nn.Linear(2, 3)
    history = fit(model, optimizer=Twice(model.parameters(), 0.1))
    assert history["loss"][0] > history["loss"][-1]


def test_a_writer_of_tensorboards_is_told() -> None:
    class Writer:
        calls: ClassVar = []

        def add_scalar(self, tag, value, step):
            self.calls.append((tag, step))

    held = nn.DataLoader(data.synthetic.blobs(9), 9)
    fit(validation=held, writer=Writer(), metrics={"table": metrics.ConfusionMatrix(3)}, epochs=2)
    assert Writer.calls == [(tag, epoch) for epoch in (1, 2) for tag in ("loss/train", "loss/validation", "lr")]


def test_progress_is_shown(capsys) -> None:
    fit(progress=True, epochs=2)
    shown = capsys.readouterr().err
    assert "Epoch 2/2: 100%" in shown
    assert "loss=" in shown


LOADER = [(ad.ones(4, 2), np.array([0, 1, 2, 0]))]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"train": nn.DataLoader((np.ones((0, 2)), np.ones(0)), 2)}, ValueError, "loader .epoch 1. gave no batches"),
        ({"train": nn.DataLoader((np.ones((1, 2)), np.ones(1)), 2, drop_last=True)}, ValueError, "drop_last left"),
        ({"train": iter(LOADER)}, ValueError, r"\(epoch 2\) gave no batches: .* used up"),
        ({"validation": []}, ValueError, "validation loader gave no batches"),
        ({"train": (np.ones((4, 2)), np.ones(4))}, TypeError, "train is a tuple; put it into a DataLoader"),
        ({"validation": data.synthetic.blobs(3)}, TypeError, "validation is a TensorDataset"),
        ({"train": [ad.ones(4, 2)]}, TypeError, "a batch is .inputs…, target., got a Tensor; give forward"),
        ({"train": [(ad.ones(4, 2),)]}, TypeError, "got 1 parts"),
        ({"epochs": -1}, ValueError, "epochs=-1"),
        ({"patience": 0}, ValueError, "patience=0"),
        ({"save_every": 3}, ValueError, "save_every needs a folder"),
        ({"mode": "low"}, ValueError, "mode='low'"),
        ({"schedule": "step"}, ValueError, "schedule='step'"),
        ({"monitor": "val_loss"}, ValueError, "monitor='val_loss' is not measured; expected one of loss"),
        (
            {"metrics": {"table": metrics.ConfusionMatrix(3)}, "monitor": "table"}, TypeError, "table is no number"
        ),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, ValueError, r"loss has shape \(10,\).* reduction='mean'"),
        ({"train": [(ad.ones(4, 2) * np.nan, LOADER[0][1])]}, FloatingPointError, "nan in epoch 1, batch 1; lower"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(options, error, message) -> None:
    with pytest.raises(error, match=message):
        fit(**options)


def test_a_folder_of_another_training_is_refused(tmp_path) -> None:
    fit(folder=tmp_path, epochs=1)
    held = nn.DataLoader(data.synthetic.blobs(9), 9)
    with pytest.raises(ValueError, match=r"same parts \(validation\); give another folder, or resume=False"):
        fit(folder=tmp_path, validation=held)
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        fit(nn.Linear(2, 4), folder=tmp_path)


def test_history_is_a_table_and_a_picture(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    rows = [
        {"epoch": i, "loss": 10.0**-i, "val_loss": 0.3, "accuracy": 0.5, "table": [[1]], "lr": 0.1} for i in (1, 2, 3)
    ]
    history = nn.History(rows)
    history.write(tmp_path / "h.jsonl")
    assert nn.History.read(tmp_path / "h.jsonl").rows == rows
    assert json.loads((tmp_path / "h.jsonl").read_text().splitlines()[1])["loss"] == 0.01
    assert repr(history) == "History(3 epochs, epoch=3, loss=0.001, val_loss=0.3, accuracy=0.5, lr=0.1)"
    figure = nn.plot_history(history, tmp_path / "h.png")
    assert [axes.get_title("left") for axes in figure.axes] == ["Loss", "Accuracy", "Learning rate"]
    loss = figure.axes[0]
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[i, 10.0**-i] for i in (1, 2, 3)])
    assert loss.get_yscale() == "log"
    assert (tmp_path / "h.png").stat().st_size > 5000
    with pytest.raises(KeyError, match="no column 'f1'; there are epoch, loss"):
        history["f1"]
    with pytest.raises(ValueError, match="no epochs"):
        nn.plot_history([])
    with pytest.raises(ValueError, match="no epoch has a value of 'f1'"):
        history.best("f1")
