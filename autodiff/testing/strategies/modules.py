"""`modules` and `losses`: layers and losses of nn with any of their options, and inputs they take.

LAYERS, LOSSES and FUNCTIONS say how each is drawn; `missing` names what nn has beyond them.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

import hypothesis.strategies as st
import numpy as np

from autodiff import creation, tape
from autodiff.primitive import registry
from autodiff.random import Generator
from autodiff.tensor import Tensor
from autodiff.testing.strategies import (
    modules_activations,
    modules_attention,
    modules_images,
    modules_lazy,
    modules_losses,
    modules_padding,
    modules_spatial,
    modules_vectors,
)
from autodiff.testing.strategies.arrays import GRID, Shape, drawn, levels
from autodiff.testing.strategies.drawing import Choices
from autodiff.testing.strategies.modules_activations import SameMask

NOT_ZERO = levels(away_from=(0.0,))


class Draw(Choices):
    """What draws a layer and its input."""

    def tensor(self, shape: Shape, among: Any = GRID) -> Any:
        """Draw a tensor whose elements are among some values."""
        return creation.as_tensor(self.values(shape, among))

    def filled(self, module: Any) -> Any:
        """Draw the parameters of a module."""
        with tape.no_grad():
            for parameter in module.parameters():
                parameter[...] = drawn(self.draw, parameter.shape, GRID / 2)
        return module


# --- layers: how each is made, and the input it takes ----------------------------------------------------------------


def linear(d: Draw, nn: Any) -> Any:
    """Draw a Linear with a bias or none, and an input of any number of axes."""
    inside, outside = d.integer(0, 3), d.integer(0, 3)
    layer = nn.Linear(inside, outside, d.choice(True, False), dtype=np.float64, generator=Generator(0))
    return d.filled(layer), d.tensor((*d.shape()[:2], inside))


def flatten(d: Draw, nn: Any) -> Any:
    """Draw the first and the last axis to join."""
    shape = d.shape(dims=1)
    start = d.integer(0, len(shape) - 1)
    end = d.integer(start, len(shape) - 1)
    signed = [axis - len(shape) * d.integer(0, 1) for axis in (start, end)]
    return nn.Flatten(*d.choice((), signed) if len(shape) > 1 else signed), d.tensor(shape)


def sequential(d: Draw, nn: Any) -> Any:
    """Draw a small network, or an empty one; a layer that works in place comes second, since the first has a leaf."""

    def written() -> Any:
        name = d.choice("Dropout", "ReLU", "SiLU", "LeakyReLU", "ELU", "Hardtanh")
        return nn.Dropout(0.5, True, generator=SameMask()) if name == "Dropout" else getattr(nn, name)(inplace=True)

    inside = d.integer(1, 3)
    first = d.choice(nn.Tanh, nn.ReLU, nn.Sigmoid)()
    affine = nn.Linear(inside, 2, dtype=np.float64, generator=Generator(0))
    second = d.choice(
        written(),
        written(),
        nn.Flatten(),
        d.filled(affine),
    )
    layers = [first, second, d.choice(nn.Tanh(), written())][: d.choice(2, 3, 1, 0, 3)]
    return nn.Sequential(*layers), d.tensor((d.integer(0, 3), inside), NOT_ZERO)


def convolution(n: int) -> Callable[[Draw, Any], Any]:
    """Return what draws a convolution over n axes with any of its options, and some images or one."""

    def layer(d: Draw, nn: Any) -> Any:
        groups, stride, dilation = d.choice(1, 2), d.integer(1, 2), d.integer(1, 2)
        inside, outside = groups * d.integer(1, 2), groups * d.integer(1, 2)
        kernel = tuple(d.integer(1, 2) for _ in range(n))
        words = ("valid",) if stride > 1 else ("same", "valid")
        padding = d.choice(0, 1, *words)
        mode = d.choice("zeros", "reflect", "replicate", "circular")
        bias = d.choice(True, False)
        options = (stride, padding, dilation, groups, bias, mode, None, np.float64)
        size = tuple(dilation * (k - 1) + 1 + d.integer(1, 2) for k in kernel)
        made = getattr(nn, f"Conv{n}d")(inside, outside, kernel, *options, generator=Generator(0))
        return d.filled(made), d.tensor((*d.shape()[:1], inside, *size))

    return layer


def transposed_convolution(n: int) -> Callable[[Draw, Any], Any]:
    """Return what draws a transposed convolution over n axes with any of its options, and some images or one."""

    def layer(d: Draw, nn: Any) -> Any:
        groups, stride, dilation = d.choice(1, 2), d.integer(1, 2), d.integer(1, 2)
        inside, outside = groups * d.integer(1, 2), groups * d.integer(1, 2)
        kernel, padding, extra = tuple(d.integer(1, 2) for _ in range(n)), d.integer(0, 1), d.integer(0, 1)
        extra = min(extra, max(stride, dilation) - 1)
        options = (stride, padding, extra, groups, d.choice(True, False), dilation, "zeros", None, np.float64)
        made = getattr(nn, f"ConvTranspose{n}d")(inside, outside, kernel, *options, generator=Generator(0))
        size = tuple(2 * padding + d.integer(1, 2) for _ in kernel)
        return d.filled(made), d.tensor((*d.shape()[:1], inside, *size))

    return layer


def recurrent(name: str) -> Callable[[Draw, Any], Any]:
    """Return what draws recurrent layers with any of their options, and sequences or one."""

    def layer(d: Draw, nn: Any) -> Any:
        inside, options = d.integer(1, 2), {"num_layers": d.integer(1, 2), "bias": d.choice(True, False)}
        options |= {"batch_first": d.choice(False, True), "bidirectional": d.choice(False, True)}
        size, relu = d.integer(1, 2), [] if d.smooth else ["relu"]
        if options["num_layers"] > 1:
            options["dropout"] = d.choice(0.0, 0.5)
        if name == "RNN":
            options["nonlinearity"] = d.choice("tanh", *relu)
        if name == "RNNBase":
            options["mode"] = d.choice("LSTM", "GRU", "RNN_TANH", *(f"RNN_{word.upper()}" for word in relu))
        if name == "LSTM" or options.get("mode") == "LSTM":
            options["proj_size"] = d.integer(0, size - 1)
        made = getattr(nn, name)(input_size=inside, hidden_size=size, dtype=np.float64, generator=SameMask(), **options)
        shape = (d.integer(0, 3), d.integer(0, 2), inside)
        return d.filled(made).train(d.choice(True, False)), d.tensor(d.choice(shape, shape[1:]))

    return layer


def cell(name: str) -> Callable[[Draw, Any], Any]:
    """Return what draws a recurrent cell with any of its options, and a step of some sequences or of one."""

    def layer(d: Draw, nn: Any) -> Any:
        inside = d.integer(1, 2)
        options: dict[str, Any] = {}
        if name == "RNNCell":
            options["nonlinearity"] = d.choice("tanh", *([] if d.smooth else ["relu"]))
        if name == "RNNCellBase":
            options["num_chunks"] = d.choice(1, 3, 4)
        made = getattr(nn, name)(inside, d.integer(1, 2), d.choice(True, False), dtype=np.float64, **options)
        return d.filled(made), d.tensor(d.choice((d.integer(0, 2), inside), (inside,)))

    return layer


LAYERS: dict[str, Callable[[Draw, Any], Any]] = modules_images.LAYERS | {
    "Conv1d": convolution(1),
    "Conv2d": convolution(2),
    "Conv3d": convolution(3),
    "ConvTranspose1d": transposed_convolution(1),
    "ConvTranspose2d": transposed_convolution(2),
    "ConvTranspose3d": transposed_convolution(3),
    "Flatten": flatten,
    "GRU": recurrent("GRU"),
    "GRUCell": cell("GRUCell"),
    "LSTM": recurrent("LSTM"),
    "LSTMCell": cell("LSTMCell"),
    "Linear": linear,
    "RNN": recurrent("RNN"),
    "RNNBase": recurrent("RNNBase"),
    "RNNCell": cell("RNNCell"),
    "RNNCellBase": cell("RNNCellBase"),
    "Sequential": sequential,
}


FAMILIES = (modules_activations, modules_attention, modules_padding, modules_spatial, modules_vectors)
for family in FAMILIES:
    LAYERS |= family.LAYERS
LAYERS = modules_lazy.perhaps_lazy(LAYERS)
LOSSES = modules_losses.LOSSES
FUNCTIONS = {name: draw for family in (modules_losses, *FAMILIES) for name, draw in family.FUNCTIONS.items()}


def _cast(x: Any, dtype: Any) -> Any:
    """Return a floating tensor in a dtype, anything else as it is."""
    return x.to(dtype) if isinstance(x, Tensor) and x.dtype.kind == "f" else x


# --- the strategies --------------------------------------------------------------------------------------------------


@st.composite
def modules(
    draw: st.DrawFn, smooth: bool = True, *, among: Iterable[str] | None = None, dtype: Any = np.float64
) -> tuple[Any, tuple[Any, ...]]:
    """Layers of nn, all or those named, with any options and drawn parameters; and inputs, clear of kinks if `smooth`.

    >>> from autodiff.testing import gradcheck
    >>> from hypothesis import given
    >>> @given(modules(among=["Linear", "Sequential"]))
    ... def test(drawn):
    ...     module, inputs = drawn
    ...     assert gradcheck(module, *inputs)
    >>> test()
    """
    import nn

    names = sorted(LAYERS) if among is None else list(among)
    if unknown := set(names) - set(LAYERS):
        raise LookupError(f"no strategy draws {sorted(unknown)}; there is one for {sorted(LAYERS)}.")
    module, x = LAYERS[draw(st.sampled_from(names))](Draw(draw, smooth), nn)
    inputs = x if isinstance(x, tuple) else (x,)
    return module.to(dtype), tuple(_cast(x, dtype) for x in inputs)


@st.composite
def losses(
    draw: st.DrawFn, smooth: bool = True, *, among: Iterable[str] | None = None, dtype: Any = np.float64
) -> tuple[Any, tuple[Any, ...]]:
    """Losses of nn, all or those named, as modules or as functions with options given; and what they compare.

    >>> from autodiff.testing import gradcheck
    >>> from hypothesis import given
    >>> @given(losses(among=["mse_loss", "MSELoss"]))
    ... def test(drawn):
    ...     loss, inputs = drawn
    ...     assert gradcheck(loss, *inputs)
    >>> test()
    """
    import nn

    tables = LOSSES | FUNCTIONS
    names = sorted(tables) if among is None else list(among)
    if unknown := set(names) - set(tables):
        raise LookupError(f"no strategy draws {sorted(unknown)}; there is one for {sorted(tables)}.")
    name = draw(st.sampled_from(names))
    options, inputs = tables[name](Draw(draw, smooth))
    given = {word: x.to(dtype) if isinstance(x, Tensor) else x for word, x in options.items()}
    function = (
        getattr(nn, name)(**given) if name in LOSSES else functools.partial(getattr(nn.functional, name), **given)
    )
    return function, tuple(_cast(x, dtype) for x in inputs)


def missing() -> list[str]:
    """Name the layers, losses and functions of nn that no strategy draws.

    A function is drawn with the layer of its name, or with the registry's operations if it is one of them; a container
    without a forward cannot be called; a lazy layer is drawn with what it becomes.
    """
    import nn

    modules = {
        name: value for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, nn.Module)
    }
    layers = [
        name
        for name, value in modules.items()
        if value.__module__.startswith("nn.layers") and value.forward is not nn.Module.forward
    ]
    classes = [value.__name__ for value in modules.values() if value.__module__.startswith("nn.loss")]
    own = [f for f in vars(nn.functional).values() if inspect.isfunction(f) and f not in registry]
    own = [f for f in own if f is not nn.functional.one_hot]  # of integers: it has no derivative
    drawn_elsewhere = {text for name in layers for text in (name.lower(), re.sub(r"\dd$", "", name.lower()))}
    functions = [
        f.__name__
        for f in own
        if f.__module__.startswith("nn.")
        and not f.__name__.startswith("_")
        and f.__name__.replace("_", "").removesuffix("forward") not in drawn_elsewhere
    ]
    tables = ((layers, LAYERS), (classes, LOSSES), (functions, FUNCTIONS))
    return [f"nn.{name}" for names, table in tables for name in names if name.removeprefix("Lazy") not in table]
