"""Lazy layers, drawn as the layers that they become at a first call."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import tape

Layer = Callable[[Any, Any], Any]

_LAZY = re.compile(r"Linear|(Conv|ConvTranspose|BatchNorm|InstanceNorm)\dd")


class _Unfilled:
    """A Draw that leaves parameters as they are, since they are not there yet."""

    def __init__(self, d: Any) -> None:
        self._d = d

    def __getattr__(self, name: str) -> Any:
        return getattr(self._d, name)

    def filled(self, module: Any) -> Any:
        return module


class _Lazily:
    """`nn` with the lazy layers in place of others, made without the first argument."""

    def __init__(self, nn: Any) -> None:
        self._nn = nn

    def __getattr__(self, name: str) -> Any:
        return lambda first, *args, **kwargs: getattr(self._nn, f"Lazy{name}")(*args, **kwargs)


def _perhaps(layer: Layer) -> Layer:
    """Return what draws a layer, or the lazy one that has become it."""

    def drawn(d: Any, nn: Any) -> Any:
        if not d.choice(False, True):
            return layer(d, nn)
        made, x = layer(_Unfilled(d), _Lazily(nn))
        with tape.no_grad():
            made(x.to(np.float64))
        return d.filled(made), x

    return drawn


def perhaps_lazy(layers: dict[str, Layer]) -> dict[str, Layer]:
    """Return what draws layers, those that have a lazy form in either form."""
    return {name: _perhaps(layer) if _LAZY.fullmatch(name) else layer for name, layer in layers.items()}
