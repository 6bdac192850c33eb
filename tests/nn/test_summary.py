"""nn.summary: the table, and a model left as it was."""

from __future__ import annotations

import numpy as np

import autodiff as ad
import nn


def test_the_table_lists_layers_shapes_and_parameters() -> None:
    shared = nn.Linear(1000, 1000)
    model = nn.Sequential(nn.Flatten(), nn.Sequential(shared, nn.ReLU()), nn.Linear(1000, 10, bias=False), nn.Tanh())
    assert nn.summary(model, ad.zeros(2, 10, 100)).split("\n") == [
        "Layer            Output shape  Parameters",
        "-----------------------------------------",
        "Sequential       (2, 10)",
        "  0: Flatten     (2, 1000)",
        "  1: Sequential  (2, 1000)",
        "    0: Linear    (2, 1000)      1,001,000",
        "    1: ReLU      (2, 1000)",
        "  2: Linear      (2, 10)           10,000",
        "  3: Tanh        (2, 10)",
        "-----------------------------------------",
        "Total                           1,011,000",
    ]


def test_shared_parameters_are_counted_once_and_unused_layers_have_no_shape() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(2, 2)
            self.b = nn.Linear(2, 2)
            self.b.weight = self.a.weight
            self.unused = nn.Tanh()

        def forward(self, x):
            return self.b(self.a(x)), None

    lines = nn.summary(Odd(), ad.zeros(1, 2)).split("\n")
    assert [line.split()[-1] for line in lines[3:6]] == ["6", "2", "-"]
    assert lines[2].split() == ["Odd", "tuple"]
    assert lines[-1].split() == ["Total", "8"]


def test_model_modes_gradients_and_random_state_are_untouched() -> None:
    class Noisy(nn.Module):
        def forward(self, x):
            return x + ad.randn(*x.shape)

    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), Noisy())
    model[1].eval()
    ad.manual_seed(0)
    expected = ad.randn(3).tolist()
    ad.manual_seed(0)
    nn.summary(model, ad.zeros(1, 2))
    assert ad.randn(3).tolist() == expected
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert model[0].weight.grad is None
    assert "forward" not in vars(model[0])
    assert np.isfinite(model(ad.zeros(1, 2)).data).all()
