"""Layers, losses and functions give torch's numbers, with any options that a strategy draws."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff.testing.strategies.modules import FUNCTIONS, LAYERS, LOSSES, Draw
from tests.nn.parity import Recorder, compare

pytestmark = [
    *(pytest.mark.filterwarnings(f"ignore::UserWarning:torch{part}") for part in ("", ".nn.functional")),
    pytest.mark.filterwarnings("ignore:.*deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*affine_grid:UserWarning"),
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning"),
]
ALONE = {  # what torch has not, or where the two draw different random numbers; each has tests of its own
    "AlphaDropout",
    "CTCLoss",
    "DiceLoss",
    "CrossMapLRN2d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
    "FocalLoss",
    "Maxout",
    "RNNBase",
    "RNNCellBase",
    "RReLU",
    "Sequential",
    "ctc_loss",
    "dice_loss",
    "focal_loss",
    "gumbel_softmax",
    "native_channel_shuffle",
    "sigmoid_focal_loss",
}
once = {"max_examples": 15, "deadline": None, "derandomize": True, "database": None, "phases": [Phase.generate]}
often = settings(**once, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)


def wide(x: Any) -> Any:
    """Return a floating tensor in float64, anything else as it is."""
    return x.to(float) if isinstance(x, ad.Tensor) and x.dtype.kind == "f" else x


@pytest.mark.parametrize("name", sorted(set(LAYERS) - ALONE))
def test_a_layer_is_torchs(torch: Any, name: str) -> None:
    @often
    @given(st.data())
    def check(data: Any) -> None:
        recorder = Recorder()
        layer, x = LAYERS[name](Draw(data.draw, False), recorder)
        layer = layer.to(float)
        if getattr(layer, "dropout", 0):
            layer.eval()
        inputs = tuple(wide(v) for v in (x if isinstance(x, tuple) else (x,)))
        compare(torch, layer, recorder.twin(torch, layer), inputs)

    check()


@pytest.mark.parametrize("name", sorted((LOSSES | FUNCTIONS).keys() - ALONE))
def test_a_loss_or_a_function_is_torchs(torch: Any, name: str) -> None:
    @often
    @given(st.data())
    def check(data: Any) -> None:
        options, inputs = (LOSSES | FUNCTIONS)[name](Draw(data.draw, False))
        options = {word: wide(x) for word, x in options.items()}
        given_to_torch = {word: Recorder().theirs(torch, x) for word, x in options.items()}
        if name in LOSSES:
            ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**given_to_torch)
        else:
            ours = functools.partial(getattr(nn.functional, name), **options)
            theirs = functools.partial(getattr(torch.nn.functional, name), **given_to_torch)
        inputs = tuple(wide(v) for v in inputs)
        compare(torch, ours, theirs, inputs)

    check()
