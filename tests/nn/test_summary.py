"""nn.summary: the table, its counts against known ones, and a model left as it was."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import models

MULT_ADDS = {"resnet18": 1.814e9, "mobilenet": 0.569e9}  # of one image of 224 x 224, as torchvision and the paper say


def test_the_table_lists_layers_shapes_and_parameters() -> None:
    first = nn.Linear(1000, 1000)
    model = nn.Sequential(nn.Flatten(), nn.Sequential(first, nn.ReLU()), nn.Linear(1000, 10, bias=False), nn.Tanh())
    first.bias.requires_grad_(False)
    model[2].weight.requires_grad_(False)
    table = nn.summary(
        model,
        ad.zeros(2, 10, 100),
        col_names=("output_size", "num_params", "params_percent", "mult_adds", "output_bytes", "trainable"),
    )
    assert str(table).split("\n")[1:-1] == [
        "Layer (type (name): depth-index)  Output Shape    Param #  Param %  Mult-Adds  Output Bytes  Trainable",
        "=" * 102,
        "Sequential                        (2, 10)              --       --         --            80    Partial",
        "├─Flatten (0): 1-1                (2, 1000)            --       --         --         8,000         --",
        "├─Sequential (1): 1-2             (2, 1000)            --       --         --         8,000    Partial",
        "│    ├─Linear (0): 2-1            (2, 1000)     1,001,000   99.01%  2,000,000         8,000    Partial",
        "│    ├─ReLU (1): 2-2              (2, 1000)            --       --         --         8,000         --",
        "├─Linear (2): 1-3                 (2, 10)        (10,000)    0.99%     20,000            80      False",
        "├─Tanh (3): 1-4                   (2, 10)              --       --         --            80         --",
        "=" * 102,
        "Total params: 1,011,000",
        "Trainable params: 1,000,000",
        "Non-trainable params: 11,000",
        "Total mult-adds: 2.02 M",
        "=" * 102,
        "Input size (MB): 0.01",
        "Forward/backward pass size (MB): 0.02",
        "Params size (MB): 4.04",
        "Estimated Total Size (MB): 4.07",
    ]
    assert (table.total_params, table.trainable_params, table.total_mult_adds) == (1_011_000, 1_000_000, 2_020_000)
    assert (table.total_input, table.total_output_bytes, table.total_param_bytes) == (8000, 2 * 8080, 4_044_000)


def test_a_table_cut_off_at_a_depth_counts_what_is_below() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), nn.Tanh())
    table = nn.summary(model, input_size=(5, 4), col_names=("input_size", "num_params", "mult_adds"), depth=1)
    lines = str(table).split("\n")
    assert [line.split()[-2:] for line in lines[3:6]] == [["--", "--"], ["23", "90"], ["--", "--"]]
    assert table.total_mult_adds == 5 * (12 + 6)


def test_shared_and_repeated_layers_are_counted_once_and_unused_ones_have_no_shape() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(2, 2)
            self.b = nn.Linear(2, 2)
            self.b.weight = self.a.weight
            self.again = self.a
            self.unused = nn.Tanh()

        def forward(self, x, scale=1):
            return self.b(self.a(self.a(x))) * scale, None

    table = nn.summary(Odd(), ad.zeros(1, 2), col_names=("output_size", "num_params", "mult_adds"), scale=2)
    cells = [line.split("  ") for line in str(table).split("\n")[3:8]]
    cells = [[cell.strip() for cell in row if cell] for row in cells]
    assert cells == [
        ["Odd", "(1, 2)", "--", "--"],
        ["├─Linear (a): 1-1 x2", "(1, 2)", "6", "8"],
        ["├─Linear (b): 1-2", "(1, 2)", "2", "4"],
        ["├─Linear (again): 1-3", "(1, 2)", "(recursive)", "--"],
        ["├─Tanh (unused): 1-4", "--", "--", "--"],
    ]
    assert table.total_params == 8


def test_multiply_adds_of_each_kind_of_layer() -> None:
    x = ad.ones(2, 4, 5, 6)
    attention = nn.MultiheadAttention(4, 2)
    cases = [
        (nn.Conv2d(4, 6, 3, padding=1, groups=2), (x,), 2 * 6 * 5 * 6 * (2 * 9)),
        (nn.ConvTranspose2d(4, 3, 2, stride=2), (x,), 2 * 4 * 5 * 6 * (3 * 4)),
        (nn.Linear(6, 7), (x,), 2 * 4 * 5 * 6 * 7),
        (nn.Linear(6, 7), (x[:0],), 0),
        (nn.Embedding(3, 4), (ad.tensor([[0, 1]]),), 0),
        (nn.LayerNorm((5, 6)), (x,), 0),
        (nn.BatchNorm2d(4), (x,), 0),
        (nn.LSTM(3, 4), (ad.ones(5, 2, 3),), 5 * 2 * 4 * 4 * (3 + 4)),
        (nn.GRUCell(3, 4), (ad.ones(2, 3),), 2 * 3 * 4 * (3 + 4)),
        (attention, (ad.ones(5, 2, 4), ad.ones(3, 2, 4), ad.ones(3, 2, 4)), 2 * (5 * 32 + 3 * 32 + 2 * 5 * 3 * 4)),
    ]
    for layer, inputs, expected in cases:
        assert nn.summary(layer, *inputs).total_mult_adds == expected, layer


@pytest.mark.parametrize("name", MULT_ADDS)
def test_published_multiply_adds(name: str) -> None:
    table = nn.summary(getattr(models, name)(), input_size=(1, 3, 224, 224))
    assert abs(table.total_mult_adds / MULT_ADDS[name] - 1) < 1e-3


def test_model_modes_gradients_hooks_and_random_state_are_untouched() -> None:
    class Noisy(nn.Module):
        def forward(self, x):
            return x + ad.randn(*x.shape)

    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), Noisy(), nn.BatchNorm1d(2))
    model[1].eval()
    seen: list[int] = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    ad.manual_seed(0)
    expected = ad.randn(3).tolist()
    ad.manual_seed(0)
    nn.summary(model, ad.zeros(1, 2))
    assert ad.randn(3).tolist() == expected
    assert [m.training for m in model.modules()] == [True, True, False, True, True]
    assert model[0].weight.grad is None
    assert model[3].num_batches_tracked.item() == 0
    nn.summary(model, ad.zeros(1, 2))
    assert seen == [1, 1]
    assert model[1]._hooks is None
    with pytest.raises((RuntimeError, ValueError)):
        nn.summary(model, ad.zeros(1, 3))
    assert [m.training for m in model.modules()] == [True, True, False, True, True]
    assert model[1]._hooks is None


def test_inputs_by_size_and_bad_arguments() -> None:
    model = nn.Embedding(5, 2)
    assert nn.summary(model, input_size=(2, 3), dtypes=[np.int64]).rows[0].output_size == "(2, 3, 2)"
    assert nn.summary(nn.MSELoss(), input_size=[(5, 2), (5, 2)]).rows[0].input_size == "(5, 2), (5, 2)"
    half = nn.summary(nn.Linear(2, 2).to(np.float16), input_size=(1, 2))
    assert half.total_input == 4
    with pytest.raises(ValueError, match="unknown columns .'flops'.; expected some of"):
        nn.summary(model, input_size=(1,), col_names=("flops",))
    with pytest.raises(ValueError, match="give inputs or input_size"):
        nn.summary(model, ad.zeros(1), input_size=(1,))
    with pytest.raises(ValueError, match="2 input sizes, but 1 dtypes"):
        nn.summary(model, input_size=[(1,), (2,)], dtypes=[np.float32])
