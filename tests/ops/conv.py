"""Convolutions of images, their transposes and weight gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.convolution import biased_conv, channel_sum, conv, conv_transpose, conv_weight
from autodiff.kernels.convolution.geometry import geometry
from tests.ops.row import Op, op

DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
PLAIN: dict[str, Any] = {}
GROUPED = {"groups": 2}
UNEVEN = {"stride": 2, "padding": 1}  # the stride leaves elements out
WIDE = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)}
STEPPED = {"stride": 3, "dilation": 2, "padding": 2}
DEPTHWISE = {"groups": 3, "padding": 1}
DEPTHWISE_UNEVEN = {"groups": 2, "stride": (1, 2), "dilation": (2, 1), "padding": (1, 0)}

CASES = [  # label, images, weights, keywords
    ("1d", "235", "432", PLAIN),
    ("1d stepped", "127", "322", STEPPED),
    ("1d of no images", "025", "322", PLAIN),
    ("2d", "2344", "2323", PLAIN),
    ("2d one channel", "2155", "3133", PLAIN),
    ("2d one element", "2344", "2311", PLAIN),
    ("2d one element, stride", "2345", "2311", {"stride": 2}),
    ("2d uneven", "2246", "3233", UNEVEN),
    ("2d wide", "1256", "2232", WIDE),
    ("2d groups", "1434", "4223", GROUPED),
    ("2d depthwise", "2334", "3133", DEPTHWISE),
    ("2d depthwise, uneven", "2256", "4123", DEPTHWISE_UNEVEN),
    ("3d", "12333", "22232", {"padding": (0, 0, 0)}),
    ("3d stepped", "11445", "21223", {"stride": 2, "padding": (0, 0, 1)}),
]


def _torchs(dims: int, **keywords: Any) -> Any:
    return lambda torch: lambda *xs: getattr(torch.nn.functional, f"conv{dims}d")(*xs, **keywords)


def _torchs_adjoint(operand: int, size: tuple[int, ...], keywords: dict[str, Any]) -> Any:
    """Return torch's gradient of a convolution by one operand, as a function of the other and the output's gradient."""

    def adjoint(torch: Any) -> Any:
        def function(a: Any, b: Any) -> Any:
            other, g = (b, a) if operand == 0 else (a, b)
            dims = len(size)
            groups = keywords.get("groups", 1)
            if operand == 0:
                shape = (g.shape[0], other.shape[1] * groups, *size)
            else:
                shape = (g.shape[1], other.shape[1] // groups, *size)
            dead = torch.zeros(shape, dtype=g.dtype, requires_grad=True)
            operands = (dead, other) if operand == 0 else (other, dead)
            y = getattr(torch.nn.functional, f"conv{dims}d")(*operands, **keywords)
            return torch.autograd.grad(y, dead, g, create_graph=True)[0]

        return function

    return adjoint


def _rows() -> list[Op]:
    rows = []
    for label, x, w, keywords in CASES:
        dims, size, kernel = len(x) - 2, tuple(map(int, x[2:])), tuple(map(int, w[2:]))
        given = [keywords.get(name, plain) for name, plain in DEFAULTS.items()]
        out = geometry(tuple(map(int, x)), tuple(map(int, w)), *given).out
        y = "".join(map(str, (x[0], w[0], *out)))
        rows += [
            op(conv, _with(conv, keywords), f"{x}, {w}", label=label, torch=_torchs(dims, **keywords)),
            op(biased_conv, _with(biased_conv, keywords), f"{x}, {w}, {w[0]}", label=label,
               torch=_torchs(dims, **keywords)),
            op(conv_transpose, _with(conv_transpose, keywords | {"size": size}), f"{y}, {w}", label=label,
               torch=_torchs_adjoint(0, size, keywords) if int(x[0]) else None),
            op(conv_weight, _with(conv_weight, keywords | {"size": kernel}), f"{x}, {y}", label=label,
               torch=_torchs_adjoint(1, kernel, keywords) if int(x[0]) else None),
        ]  # fmt: skip
    return rows


def _with(function: Any, keywords: dict[str, Any]) -> Any:
    return lambda *xs: function(*xs, **keywords)


CONV = [
    *_rows(),
    op(conv, lambda x, w: conv(x, w, padding=((1, 2), (0, 1)), stride=(2, 1)), "1233, 2232", label="2d, uneven pads"),
    op(conv, lambda x, w: conv(x, w, padding=(0, 0, 0, 0)), "112222, 111212", label="4d"),
    op(conv, lambda x: conv(x, x[:, :, 1:]), "123", label="with itself"),
    op(conv, lambda x, w: conv(np.moveaxis(x, -1, 1), w), "2442, 3222", label="channels last"),
    op(conv, conv, "124, 322", "complex", label="complex", torch=_torchs(1)),
    op(conv, conv, "124, 322", "complex", "real", label="complex with real"),
    op(conv_transpose, lambda y, w: conv_transpose(y, w, size=(5,), stride=2), "132, 322", "complex", label="complex"),
    op(conv_weight, lambda x, y: conv_weight(x, y, size=(2,), stride=2), "125, 132", "complex", label="complex"),
    op(channel_sum, channel_sum, "nm", torch=lambda torch: lambda x: x.sum(0)),
    op(channel_sum, channel_sum, "2345", label="of images", torch=lambda torch: lambda x: x.sum((0, 2, 3))),
    op(channel_sum, lambda x: channel_sum(np.moveaxis(x, -1, 1)), "2345", label="of images, channels last"),
    op(channel_sum, channel_sum, "234", "complex", label="complex"),
]  # fmt: skip
