"""Normalization and its backward passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.kernels.normalization import channel_norm, channel_norm_backward, layer_norm, layer_norm_backward
from tests.ops.row import op


def _channels(groups: int | None = None) -> Callable[..., Any]:
    return lambda *xs: channel_norm(*xs, groups=groups, eps=0.1)


def _rows(dims: int = 1, center: bool = True) -> Callable[..., Any]:
    return lambda *xs: layer_norm(*xs, dims=dims, eps=0.1, center=center)


def _first(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: call(*xs)[0]


def _torchs_batch(torch: Any) -> Any:
    return lambda x, w=None, b=None: torch.nn.functional.batch_norm(x, None, None, w, b, True, eps=0.1)


def _torchs_group(torch: Any) -> Any:
    return lambda x, w=None, b=None: torch.nn.functional.group_norm(x, 2, w, b, eps=0.1)


def _torchs_layer(dims: int) -> Any:
    return lambda torch: lambda x, w=None, b=None: torch.nn.functional.layer_norm(x, x.shape[-dims:], w, b, eps=0.1)


def _torchs_rms(torch: Any) -> Any:
    return lambda x, w=None: torch.nn.functional.rms_norm(x, x.shape[-1:], w, eps=0.1)


BACK = ("real", "real", "real", "positive", "real")

NORMALIZATION = [
    op(channel_norm, _first(_channels()), "3425, 4, 4", torch=_torchs_batch),
    op(channel_norm, _first(_channels()), "34", label="without a weight, of rows", torch=_torchs_batch),
    op(channel_norm, _first(_channels()), "342, 4", label="without a bias", torch=_torchs_batch),
    op(channel_norm, _first(_channels(2)), "2432, 4, 4", label="groups", torch=_torchs_group),
    op(channel_norm, _first(_channels(2)), "243", label="groups, without a weight", torch=_torchs_group),
    op(channel_norm, _channels(), "243, 4, 4", label="with means and variances"),
    op(channel_norm, lambda x: _channels(2)(x)[1:], "243", label="means and variances of groups"),
    op(channel_norm_backward, lambda *xs: channel_norm_backward(*xs, groups=None, eps=0.1), "243, 243, 4, 4, 4",
       *BACK),
    op(channel_norm_backward, lambda *xs: channel_norm_backward(*xs, groups=2, eps=0.1), "243, 243, 22, 22, 4", *BACK,
       label="groups"),
    op(channel_norm_backward, lambda *xs: channel_norm_backward(*xs, groups=2, eps=0.1), "243, 243, 22, 22",
       *BACK[:4], label="without a weight"),
    op(layer_norm, _first(_rows()), "n34, 4, 4", torch=_torchs_layer(1)),
    op(layer_norm, _first(_rows(2)), "n34", label="of two axes, without a weight", torch=_torchs_layer(2)),
    op(layer_norm, _first(_rows(center=False)), "n34, 4", label="of mean squares", torch=_torchs_rms),
    op(layer_norm, _rows(), "34, 4, 4", label="with means and variances"),
    op(layer_norm, _rows(center=False), "34", label="with mean squares"),
    op(layer_norm_backward, lambda *xs: layer_norm_backward(*xs, dims=1, eps=0.1), "34, 34, 3, 3, 4", *BACK),
    op(layer_norm_backward, lambda *xs: layer_norm_backward(*xs, dims=2, eps=0.1, center=False), "234, 234, 2, 2",
       *BACK[:4], label="of mean squares"),
]  # fmt: skip
