"""Recurrent layers: whole sequences, several layers deep and in both directions, and single cells."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.kernels import recurrent
from autodiff.random import Generator
from nn import _checks, functional, init
from nn.module import Module, Parameter

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class _Recurrent(Module):
    """What layers and cells share: the weights of a cell, how they start, and the states they are given."""

    gates: ClassVar[int] = 1  # blocks of rows in a weight
    states: ClassVar[int] = 1  # what a step hands on to the next: h, or h and c
    input_size: int
    hidden_size: int
    bias: bool

    def _sequence(self, *operands: Any, **how: Any) -> Any:
        """Run a sequence: return y, the last states, and more."""
        raise NotImplementedError

    def _add_weights(self, suffix: str, inputs: int, dtype: Any) -> None:
        rows = self.gates * self.hidden_size
        for name, shape in zip(NAMES, ((rows, inputs), (rows, self.hidden_size), (rows,), (rows,)), strict=True):
            kept = self.bias or name.startswith("weight")
            self.register_parameter(name + suffix, Parameter(ad.empty(*shape, dtype=dtype)) if kept else None)

    def _weights(self, suffix: str = "") -> list[Parameter | None]:
        return [getattr(self, name + suffix) for name in NAMES]

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw all weights anew, uniformly on ±1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters(recurse=False):
            init.uniform_(parameter, -bound, bound, generator)

    def _input(self, input: Any, ndims: tuple[int, int]) -> bool:
        """Say whether an input has a batch axis; refuse one of another size."""
        name = type(self).__name__
        if not isinstance(input, Tensor) or input.ndim not in ndims:
            given = f"{input.ndim}D" if isinstance(input, Tensor) else type(input).__name__
            raise ValueError(f"{name}: Expected input to be {ndims[0]}D or {ndims[1]}D, got {given} instead")
        if input.shape[-1] != self.input_size:
            raise ValueError(
                f"{name}: input has {input.shape[-1]} features on its last axis; expected input_size={self.input_size}"
            )
        return input.ndim == ndims[1]

    def _states(self, hx: Any, shape: tuple[int, ...]) -> list[Any]:
        """Return the states to start from, each of a shape; None stands for zeros."""
        if hx is None:
            return [None] * self.states
        given = list(hx) if self.states > 1 and isinstance(hx, (tuple, list)) else [hx]
        name = type(self).__name__
        if len(given) != self.states or not all(isinstance(state, Tensor) for state in given):
            expected = "a Tensor" if self.states == 1 else "a tuple of two Tensors, (h_0, c_0)"
            raise TypeError(f"{name}: hx is a {type(hx).__name__}; expected {expected}")
        for k, state in enumerate(given):
            if state.shape != shape:
                raise ValueError(f"{name}: Expected hidden[{k}] size {shape}, got {state.shape}")
        return given

    def _named(self, **options: Any) -> str:
        """Return sizes, and those options that are not at their defaults, as PyTorch prints them."""
        default = {"num_layers": 1, "bias": True, "nonlinearity": "tanh"}
        kept = [f"{name}={value!r}" for name, value in options.items() if value != default.get(name, False)]
        return ", ".join([str(self.input_size), str(self.hidden_size), *kept])


class _Layers(_Recurrent):
    """A stack of recurrent layers over whole sequences."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        _checks.probability("dropout probability", dropout)
        for what, size in (("hidden_size", hidden_size), ("num_layers", num_layers)):
            if size <= 0:
                raise ValueError(f"{what} must be greater than zero, got {size}")
        if proj_size:
            raise NotImplementedError(
                f"{type(self).__name__}: proj_size={proj_size} is not supported; expected 0. Put nn.Linear behind it."
            )
        if dropout and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} works between layers, and num_layers is 1: nothing is dropped. Add nn.Dropout.",
                stacklevel=3,
            )
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, float(dropout), bidirectional
        self.generator = generator
        for suffixes in self._suffixes():
            for suffix in suffixes:
                first = suffix.startswith("_l0")
                self._add_weights(suffix, input_size if first else hidden_size * len(suffixes), dtype)
        self.reset_parameters(generator)

    def _suffixes(self) -> list[list[str]]:
        """Return what the names of weights end in: a list for each layer, of its directions."""
        ends = ("", "_reverse") if self.bidirectional else ("",)
        return [[f"_l{layer}{end}" for end in ends] for layer in range(self.num_layers)]

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        batched = self._input(input, (2, 3))
        y: Any = input if batched else np.expand_dims(input, 1)
        if batched and self.batch_first:
            y = np.swapaxes(y, 0, 1)
        suffixes = self._suffixes()
        lead = len(suffixes) * len(suffixes[0])
        shape = (lead, y.shape[1], self.hidden_size) if batched else (lead, self.hidden_size)
        first = self._states(hx, shape)
        last: list[Any] = []
        for layer, directions in enumerate(suffixes):
            if layer:
                y = functional.dropout(y, self.dropout, self.training, generator=self.generator)
            ways = []
            for suffix in directions:
                k = len(last)
                states = [None if s is None else s[k] if batched else s[k : k + 1] for s in first]
                way, *rest = self._sequence(y, *self._weights(suffix), *states, reverse=suffix.endswith("_reverse"))
                ways.append(way)
                last.append(rest[: self.states])
            y = ways[0] if len(ways) == 1 else np.concatenate(ways, axis=-1)
        stacked: list[Any] = [np.stack(states) for states in zip(*last, strict=True)]
        if not batched:
            y, stacked = np.squeeze(y, 1), [np.squeeze(states, 1) for states in stacked]
        elif self.batch_first:
            y = np.swapaxes(y, 0, 1)
        return y, tuple(stacked) if self.states > 1 else stacked[0]

    def extra_repr(self) -> str:
        words = ("num_layers", "bias", "batch_first", "dropout", "bidirectional")
        return self._named(**{word: getattr(self, word) for word in words})


class LSTM(_Layers):
    """Layers of long short-term memory: `output, (h_n, c_n) = lstm(input, (h_0, c_0))`.

    input: (L, N, input_size), (N, L, input_size) with `batch_first`, or (L, input_size). output: the last layer's
    states h, in the same form, hidden_size features for each direction. States: (layers * directions, N, hidden_size),
    without N where the input has none; zeros if not given. `dropout` works between layers, while training.

    >>> output, (h, c) = LSTM(3, 5, num_layers=2, bidirectional=True)(ad.ones(7, 4, 3))
    >>> output.shape, h.shape, c.shape
    ((7, 4, 10), (4, 4, 5), (4, 4, 5))
    """

    gates, states = 4, 2

    def _sequence(self, *operands: Any, **how: Any) -> Any:
        return recurrent.lstm(*operands, **how)


class GRU(_Layers):
    """Layers of gated recurrent units: `output, h_n = gru(input, h_0)`, with shapes as LSTM has them.

    >>> output, h = GRU(3, 5, batch_first=True)(ad.ones(4, 7, 3))
    >>> output.shape, h.shape
    ((4, 7, 5), (1, 4, 5))
    """

    gates = 3

    def _sequence(self, *operands: Any, **how: Any) -> Any:
        return recurrent.gru(*operands, **how)


class RNN(_Layers):
    """Layers of plain recurrent cells: `output, h_n = rnn(input, h_0)`, with shapes as LSTM has them.

    >>> RNN(3, 5, nonlinearity="relu")
    RNN(3, 5, nonlinearity='relu')
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        _nonlinearity(nonlinearity)
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            dtype=dtype,
            generator=generator,
        )
        self.nonlinearity = nonlinearity

    def _sequence(self, *operands: Any, **how: Any) -> Any:
        return recurrent.rnn(*operands, nonlinearity=self.nonlinearity, **how)

    def extra_repr(self) -> str:
        kind = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}"
        return super().extra_repr() + kind


class _Cell(_Recurrent):
    """One step of a recurrent layer."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if hidden_size <= 0:
            raise ValueError(f"hidden_size must be greater than zero, got {hidden_size}")
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._add_weights("", input_size, dtype)
        self.reset_parameters(generator)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        batched = self._input(input, (1, 2))
        states = self._states(hx, (*input.shape[:-1], self.hidden_size))
        if not batched:
            states = [None if s is None else np.expand_dims(s, 0) for s in states]
        x: Any = np.expand_dims(input, 0 if batched else (0, 1))
        last = self._sequence(x, *self._weights(), *states)[1 : 1 + self.states]
        found = last if batched else [np.squeeze(s, 0) for s in last]
        return tuple(found) if self.states > 1 else found[0]

    def extra_repr(self) -> str:
        return self._named(bias=self.bias)


class LSTMCell(_Cell):
    """One step of an LSTM: `h, c = cell(input, (h, c))`, of shapes (N, size) or (size).

    >>> h, c = LSTMCell(3, 5)(ad.ones(4, 3))
    >>> h.shape, c.shape
    ((4, 5), (4, 5))
    """

    gates, states = 4, 2

    def _sequence(self, *operands: Any, **how: Any) -> Any:
        return recurrent.lstm(*operands, **how)


class GRUCell(_Cell):
    """One step of a GRU: `h = cell(input, h)`, of shapes (N, size) or (size)."""

    gates = 3

    def _sequence(self, *operands: Any, **how: Any) -> Any:
        return recurrent.gru(*operands, **how)


class RNNCell(_Cell):
    """One step of a plain recurrent network: `h = cell(input, h)`, of shapes (N, size) or (size)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        _nonlinearity(nonlinearity)
        super().__init__(input_size, hidden_size, bias, dtype, generator=generator)
        self.nonlinearity = nonlinearity

    def _sequence(self, *operands: Any, **how: Any) -> Any:
        return recurrent.rnn(*operands, nonlinearity=self.nonlinearity, **how)

    def extra_repr(self) -> str:
        return self._named(bias=self.bias, nonlinearity=self.nonlinearity)


def _nonlinearity(name: str) -> None:
    if name not in ("tanh", "relu"):
        raise ValueError(f"Unknown nonlinearity {name!r}; expected 'tanh' or 'relu'")
