"""How nonlinearities and layers that drop values are drawn, with any of their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.creation import as_tensor
from autodiff.random import Generator
from autodiff.testing.strategies.arrays import distinct, levels

Layer = Callable[[Any, Any], Any]


class SameMask(Generator):
    """A generator that starts anew at every draw, so that a layer that draws is a function."""

    @property
    def rng(self) -> np.random.Generator:
        """NumPy's generator, always at its start."""
        return np.random.default_rng(0)


def activation(name: str, kinks: Callable[..., Any], *options: dict[str, Any]) -> Layer:
    """Return what draws a layer's options, and values clear of its kinks or with many there."""

    def layer(d: Any, nn: Any) -> Any:
        given = d.choice(*options)
        points = tuple(kinks(**given))
        module = getattr(nn, name)(**given)
        return module, d.tensor(d.shape(), levels(away_from=points) if d.smooth else levels(at=points))

    return layer


def along(name: str) -> Layer:
    """Return what draws the axis of a softmax."""

    def layer(d: Any, nn: Any) -> Any:
        shape = d.shape(dims=1, sides=1)
        return getattr(nn, name)(d.choice(-1, d.integer(-len(shape), len(shape) - 1))), d.tensor(shape)

    return layer


def softmax2d(d: Any, nn: Any) -> Any:
    """Draw some images, or one."""
    return nn.Softmax2d(), d.tensor((*d.choice((), (d.integer(0, 2),)), *(d.integer(1, 3) for _ in range(3))))


def glu(d: Any, nn: Any) -> Any:
    """Draw an axis of even length."""
    shape = list(d.shape(dims=1))
    dim = d.integer(-len(shape), len(shape) - 1)
    shape[dim] *= 2
    return nn.GLU(*d.choice((dim,), ()) if dim == -1 else (dim,)), d.tensor(tuple(shape))


def maxout(d: Any, nn: Any) -> Any:
    """Draw a number of pieces, and an axis that divides by it."""
    shape, pieces = list(d.shape(dims=2)), d.integer(1, 3)
    dim = d.choice(1, 0, -1)
    shape[dim] *= pieces
    x = distinct(d.draw, [tuple(shape)])[0] if d.smooth else d.values(tuple(shape))
    return nn.Maxout(pieces, dim), as_tensor(x)


def prelu(d: Any, nn: Any) -> Any:
    """Draw one slope, or one for each channel."""
    shape = d.shape(dims=2)
    many = shape[1] > 1 and d.choice(True, False)
    layer = nn.PReLU(shape[1] if many else 1, d.choice(0.25, 0.5), dtype=np.float64)
    return d.filled(layer), d.tensor(shape if many else d.shape(), zeros(d))


def rrelu(d: Any, nn: Any) -> Any:
    """Draw the range of the slopes; the same are drawn at every call."""
    options = d.choice((), (0.25, 0.5), (0.0, 0.0))
    layer = nn.RReLU(*options, generator=SameMask())
    return layer.train(d.choice(True, False)), d.tensor(d.shape(), zeros(d))


def dropping(name: str, dims: tuple[int, int]) -> Layer:
    """Return what draws a probability and whether the layer trains; it drops the same at every call."""

    def layer(d: Any, nn: Any) -> Any:
        made = getattr(nn, name)(d.choice(0.5, 0.0, 0.25, 1.0), generator=SameMask())
        return made.train(d.choice(True, False)), d.tensor(tuple(d.integer(0, 3) for _ in range(d.integer(*dims))))

    return layer


def gumbel_softmax(d: Any) -> tuple[dict[str, Any], list[Any]]:
    """Draw a temperature and an axis."""
    shape = d.shape(dims=1, sides=1)
    options = {"tau": d.choice(1, 0.5), "dim": d.integer(-len(shape), len(shape) - 1), "generator": SameMask()}
    return options, [d.tensor(shape)]


def zeros(d: Any) -> Any:
    """Return values clear of 0, or many of them 0."""
    return levels(away_from=(0.0,)) if d.smooth else levels(at=(0.0,))


def _at(*points: float) -> Callable[..., Any]:
    """Return what gives the kinks of a function without options that move them."""
    return lambda **_: points


LAYERS: dict[str, Layer] = {
    "AlphaDropout": dropping("AlphaDropout", (0, 3)),
    "CELU": activation("CELU", _at(), {}, {"alpha": 0.5}, {"alpha": 2.0}),
    "Dropout": dropping("Dropout", (0, 3)),
    "Dropout1d": dropping("Dropout1d", (2, 3)),
    "Dropout2d": dropping("Dropout2d", (4, 4)),
    "Dropout3d": dropping("Dropout3d", (4, 5)),
    "ELU": activation("ELU", _at(0.0), {}, {"alpha": 0.5}),
    "FeatureAlphaDropout": dropping("FeatureAlphaDropout", (2, 5)),
    "GELU": activation("GELU", _at(), {}, {"approximate": "tanh"}),
    "GLU": glu,
    "Hardshrink": activation("Hardshrink", lambda lambd=0.5: (-lambd, lambd), {}, {"lambd": 1.0}),
    "Hardsigmoid": activation("Hardsigmoid", _at(-3.0, 3.0), {}),
    "Hardswish": activation("Hardswish", _at(-3.0, 3.0), {}),
    "Hardtanh": activation(
        "Hardtanh", lambda min_val=-1.0, max_val=1.0: (min_val, max_val), {}, {"min_val": -0.5, "max_val": 2.0}
    ),
    "Identity": activation("Identity", _at(), {}),
    "LeakyReLU": activation("LeakyReLU", _at(0.0), {}, {"negative_slope": 0.5}),
    "LogSigmoid": activation("LogSigmoid", _at(), {}),
    "LogSoftmax": along("LogSoftmax"),
    "Maxout": maxout,
    "Mish": activation("Mish", _at(), {}),
    "PReLU": prelu,
    "RReLU": rrelu,
    "ReLU": activation("ReLU", _at(0.0), {}),
    "ReLU6": activation("ReLU6", _at(0.0, 6.0), {}),
    "SELU": activation("SELU", _at(0.0), {}),
    "SiLU": activation("SiLU", _at(), {}),
    "Sigmoid": activation("Sigmoid", _at(), {}),
    "Softmax": along("Softmax"),
    "Softmax2d": softmax2d,
    "Softmin": along("Softmin"),
    "Softplus": activation(
        "Softplus", lambda beta=1.0, threshold=20.0: (threshold / beta,), {}, {"beta": 2.0, "threshold": 1.0}
    ),
    "Softshrink": activation("Softshrink", lambda lambd=0.5: (-lambd, lambd), {}, {"lambd": 1.0}),
    "Softsign": activation("Softsign", _at(), {}),
    "Tanh": activation("Tanh", _at(), {}),
    "Tanhshrink": activation("Tanhshrink", _at(), {}),
    "Threshold": activation(
        "Threshold", lambda threshold, value: (threshold,), {"threshold": 0.5, "value": 2.0},
        {"threshold": -1.0, "value": 0.0},
    ),
}  # fmt: skip
FUNCTIONS = {"gumbel_softmax": gumbel_softmax}
