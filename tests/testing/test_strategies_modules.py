"""modules and losses: every layer and loss of nn with its options; what nn gains without a strategy is found."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff import kernels
from autodiff.testing import gradcheck, losses, modules
from autodiff.testing.report import Verdict
from autodiff.testing.strategies.modules import FUNCTIONS, LAYERS, LOSSES, missing

LAYER_CLASSES = [
    value
    for value in vars(nn).values()
    if getattr(value, "__module__", "").startswith("nn.layers.") and value.forward is not nn.Module.forward
]


@functools.cache
def drawn(strategy: Any, count: int = 40, **options: Any) -> list[Any]:
    """Return some values that a strategy draws."""
    values: list[Any] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy(**options))
    def draw(value: Any) -> None:
        values.append(value)

    draw()
    return values


@pytest.mark.parametrize("name", sorted(LAYERS))
@settings(max_examples=2)
@given(data=st.data())
def test_layers_have_the_right_derivative(name: str, data: st.DataObject) -> None:
    module, inputs = data.draw(modules(among=[name]))
    assert type(module).__name__ == name
    assert all(p.dtype == np.float64 for p in module.parameters())
    assert gradcheck(module, *inputs)


@pytest.mark.parametrize("name", sorted(LAYERS))
@settings(max_examples=2)
@given(data=st.data())
def test_layers_at_kinks_have_no_wrong_derivative(name: str, data: st.DataObject) -> None:
    module, inputs = data.draw(modules(smooth=False, among=[name]))
    assert gradcheck(module, *inputs).verdict is not Verdict.FAIL


@pytest.mark.parametrize("name", sorted(LOSSES | FUNCTIONS))
@settings(max_examples=3)
@given(data=st.data())
def test_losses_have_the_right_derivative(name: str, data: st.DataObject) -> None:
    loss, inputs = data.draw(losses(among=[name]))
    assert gradcheck(loss, *inputs)


# --- nothing is left out -------------------------------------------------------------------------------------------


def test_every_layer_loss_and_function_of_nn_has_a_strategy() -> None:
    assert missing() == []
    assert {c.__name__.removeprefix("Lazy") for c in LAYER_CLASSES} == set(LAYERS)


@pytest.mark.parametrize(
    ("home", "kind", "place"),
    [("nn.layers.new", nn.Module, nn), ("nn.losses", nn.Module, nn), ("nn.functional", None, nn)],
)
def test_a_layer_a_loss_or_a_function_without_a_strategy_is_found(
    home: str, kind: Any, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind is None:

        def brand_new(x: Any) -> Any:
            return x

        brand_new.__module__ = home
        monkeypatch.setattr(nn.functional, "brand_new", brand_new, raising=False)
        assert missing() == ["nn.brand_new"]
    else:
        body = {"__module__": home, "forward": lambda self, x: x}
        monkeypatch.setattr(place, "BrandNew", type("BrandNew", (kind,), body), raising=False)
        assert missing() == ["nn.BrandNew"]


def has_bias(module: Any) -> bool:
    """Say whether a layer has a bias, of whatever name."""
    return any("bias" in name for name, _ in module.named_parameters())


def constant(words: set[str], value: Any, draw: Any) -> set[str]:
    """Return the words that have one value in all that is drawn; a few draws tell most of them."""
    for count in (10, 30, 60):
        found = draw(count)
        words = {word for word in words if len({value(x, word) for x in found}) < 2}
        if not words:
            break
    return words


def test_every_option_of_a_layer_is_varied() -> None:
    def value(module: Any, word: str) -> str:
        return repr(has_bias(module) if word == "bias" else getattr(module, word))

    for cls in LAYER_CLASSES:
        name = cls.__name__
        if cls is nn.Sequential or name.startswith("Lazy"):
            continue

        def draw(count: int, cls: Any = cls, name: str = name) -> list[Any]:
            pairs = drawn(modules, count, among=(name,))
            if name.startswith("RNN"):  # relu has a kink
                pairs = pairs + drawn(modules, count, among=(name,), smooth=False)
            return [m for module, _ in pairs for m in module.modules() if type(m) is cls]

        words = set(inspect.signature(cls.__init__).parameters) - {"self", "generator", "dtype", "args", "kwargs"}
        words -= {"_weight", "_freeze"}  # what from_pretrained gives
        words -= {"inplace"}  # for which tests/nn/test_activations.py has a test of all layers
        words -= {"proj_size", "enable_nested_tensor"}  # 0 alone is supported; has no effect
        words -= {"padding_mode"} if "Transpose" in name else set()  # there is one alone
        words = {w for w in words if w == "bias" or all(hasattr(m, w) for m in draw(10))}  # not kept in its layers
        assert not constant(words, value, draw), f"{name} has one value of these alone"


def test_every_option_of_a_loss_is_varied() -> None:
    def value(loss: Any, word: str) -> str:
        return repr(getattr(loss, word) is not None and getattr(loss, word))

    for name in LOSSES:
        words = set(inspect.signature(getattr(nn, name).__init__).parameters) - {"self"}
        kept = constant(
            words, value, lambda count, name=name: [loss for loss, _ in drawn(losses, count, among=(name,))]
        )
        assert not kept, f"{name} has one value of these alone"


def test_targets_are_labels_and_probabilities_of_all_ranks_and_some_are_ignored() -> None:
    found = drawn(losses, count=100, among=("CrossEntropyLoss",))
    assert {x.ndim for _, (x, _) in found} == {1, 2, 3}
    assert {t.dtype.kind for _, (_, t) in found} == {"f", "i"}
    labels = [(loss, t.numpy()) for loss, (_, t) in found if t.dtype.kind == "i"]
    assert any((t == loss.ignore_index).any() for loss, t in labels)
    assert any(t.size == 0 for _, t in labels)


def test_a_layer_that_draws_gives_the_same_again_and_leaves_the_global_generator_alone() -> None:
    before = ad.random.default_generator().get_state()
    dropped = 0
    for module, (x,) in drawn(modules, among=("Dropout",)):
        first, again = module(x).numpy(), module(x).numpy()
        np.testing.assert_array_equal(first, again)
        dropped += module.training and 0 < np.count_nonzero(first) < np.count_nonzero(x.numpy())
    assert dropped
    assert ad.random.default_generator().get_state() == before


def test_parameters_are_drawn_not_left_as_initialised() -> None:
    weights = [m.weight.detach().numpy() for m, _ in drawn(modules, among=("Linear",)) if m.weight.size]
    assert any((w == 0).any() for w in weights)
    assert len({w.tobytes() for w in weights}) > 5


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_another_precision_on_demand(dtype: Any) -> None:
    for module, inputs in drawn(modules, count=20, dtype=dtype):
        assert {inputs[0].dtype, *(p.dtype for p in module.parameters())} == {np.dtype(dtype)}
        y = module(*inputs)
        assert (y[0] if isinstance(y, tuple) else y).dtype == dtype
    for loss, inputs in drawn(losses, count=20, dtype=dtype):
        with np.errstate(all="ignore"):
            y = loss(*inputs)
        assert (y[0] if isinstance(y, tuple) else y).dtype == dtype


def test_names_that_no_strategy_draws_are_refused() -> None:
    with pytest.raises(LookupError, match="no strategy draws .'Conv7d'"):
        drawn(modules, among=("Conv7d",))
    with pytest.raises(LookupError, match="no strategy draws .'loss'"):
        drawn(losses, among=("loss",))


def test_a_wrong_layer_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ad.primitive(lambda g, b: np.matmul(g, b) * 1.001, lambda g, x: np.matmul(g.mT, x), lambda g: g)(
        lambda x, weight, bias=None: x @ weight.T + bias if bias is not None else x @ weight.T
    )
    monkeypatch.setattr(kernels, "linear", wrong)
    cases = [c for c in drawn(modules, among=("Linear",)) if c[1][0].ndim == 2]
    assert any(gradcheck(module, *inputs).verdict is Verdict.FAIL for module, inputs in cases)
