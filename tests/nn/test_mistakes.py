"""Mistakes made with layers, losses, loaders and optimizers: each error says where, what, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import data, optim


class Net(nn.Module):
    """A small model for 8 x 8 pictures of three channels and ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.MaxPool2d(2))
        self.head = nn.Linear(4 * 3 * 3, 10)

    def forward(self, x: ad.Tensor) -> ad.Tensor:
        logits: ad.Tensor = self.head(self.features(x).flatten(1))
        return logits


def trained(x: Any, y: Any, batch: int = 4) -> Any:
    net = Net()
    loader = data.DataLoader((x, y), batch)
    return nn.fit(
        net, loader, loss=nn.CrossEntropyLoss(), optimizer=optim.SGD(net.parameters()), epochs=1, progress=False
    )


LOGITS = ad.zeros(2, 10)
# what is called, the path that the note names ("" for none), and what the message says, in order
MISTAKES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "channels": (
        lambda: Net()(ad.ones(2, 1, 8, 8)),
        "features.0 (Conv2d)",
        r"\(2, 1, 8, 8\) has 1 channels.*expects 3",
    ),
    "picture size": (
        lambda: Net()(ad.ones(2, 3, 9, 12)),
        "head (Linear)",
        r"\(2, 60\) must have length 36.*in_features",
    ),
    "no batch": (lambda: Net()(ad.ones(3, 8, 8)), "features.2 (BatchNorm2d)", r"\(4, 6, 6\).*batch axis, x\[None\]"),
    "float64": (lambda: Net()(ad.tensor(np.ones((2, 3, 8, 8)))), "features.0 (Conv2d)", r"float64.*\.to\('float32'\)"),
    "a list": (lambda: Net()([[1.0]]), "features.0 (Conv2d)", "expected a Tensor, got a list; .*ad.tensor"),
    "channels in fit": (
        lambda: trained(np.ones((4, 1, 8, 8), np.float32), np.zeros(4, int)),
        "features.0 (Conv2d)",
        "has 1 channels.*expects 3",
    ),
    "target in fit": (
        lambda: trained(np.ones((4, 3, 8, 8), np.float32), np.arange(4) + 8),
        "CrossEntropyLoss",
        "target 10 is out of bounds for 10 classes; use 0 to 9",
    ),
    "batch of targets": (
        lambda: nn.CrossEntropyLoss()(LOGITS, [1, 2, 3]),
        "CrossEntropyLoss",
        r"shape \(2,\), got \(3,\)",
    ),
    "one-hot targets": (
        lambda: nn.CrossEntropyLoss()(LOGITS, LOGITS.astype(int)),
        "CrossEntropyLoss",
        r"\.argmax\(1\)",
    ),
    "float targets": (lambda: nn.CrossEntropyLoss()(LOGITS, [1.0, 2.0]), "CrossEntropyLoss", r"\.astype\(int\)"),
    "class weights": (
        lambda: nn.CrossEntropyLoss(ad.tensor(np.ones(10)))(LOGITS, [1, 2]),
        "CrossEntropyLoss",
        r"class weights are float64.*\.to\('float32'\)",
    ),
    "logits for probabilities": (lambda: nn.BCELoss()(ad.tensor([1.5]), [1.0]), "BCELoss", "with_logits"),
    "token": (lambda: nn.Sequential(nn.Embedding(9, 2))([9]), "0 (Embedding)", "table has 9 rows; got numbers 9 to 9"),
    "features": (lambda: nn.LSTM(4, 5)(ad.ones(3, 2, 3)), "LSTM", "3 features.*input_size=4"),
    "state": (lambda: nn.LSTM(4, 5)(ad.ones(3, 2, 4), (ad.ones(1, 2, 5),)), "LSTM", "tuple of two"),
    "norm": (
        lambda: nn.BatchNorm1d(3)(ad.ones(4, 5)),
        "BatchNorm1d",
        r"\(4, 5\) has 5 channels.*running_mean has.*\(3,\)",
    ),
    "kernel": (lambda: nn.Conv2d(3, 4, (1, 2, 3)), "", "Conv2d: kernel_size must be an integer or a tuple of 2"),
    "modules in a list": (lambda: nn.Sequential([nn.ReLU()]), "", r"Sequential\(\*modules\)"),
    "a class": (lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU), "", r"module '1': ReLU is a class.*ReLU\(\)"),
    "keys": (
        lambda: Net().load_state_dict({"fc": ad.ones(1)}),
        "",
        '(?s)Missing.*"head.weight".*Unexpected.*"fc".*strict',
    ),
    "a path": (lambda: Net().load_state_dict("net.npz"), "", r"nn\.load\(path\)"),
    "no tensor": (
        lambda: nn.ReLU6().load_state_dict({}) and nn.PReLU().load_state_dict({"weight": None}),
        "",
        "weight: given a None",
    ),
    "a tensor as parameter": (lambda: setattr(nn.PReLU(), "weight", ad.ones(1)), "", "write nn.Parameter"),
    "a model to optimize": (lambda: optim.SGD(Net()), "", r"got Net; write model\.parameters\(\)"),
    "no parameters": (lambda: optim.SGD([]), "", "empty parameter list"),
    "no data": (
        lambda: trained(np.ones((0, 3, 8, 8), np.float32), np.zeros(0, int)),
        "",
        "gave no batches: its data set is empty",
    ),
    "no data to shuffle": (lambda: data.DataLoader([], shuffle=True), "", "has no samples"),
    "lengths": (lambda: data.DataLoader((np.zeros((3, 2)), np.zeros(4))), "", r"equal first axes.*\(3, 2\), \(4,\)"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name: str) -> None:
    call, place, message = MISTAKES[name]
    with pytest.raises((ValueError, TypeError, RuntimeError, IndexError), match=message) as caught:
        call()
    notes = getattr(caught.value, "__notes__", [])
    assert [note.removeprefix("in ").removeprefix("model.") for note in notes] == ([place] if place else [])
