"""Recurrent layers: whole sequences, several layers deep and in both directions, and single cells."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.errors import ArgumentError
from autodiff.kernels import linear, recurrent
from autodiff.random import Generator
from nn import _checks, functional, init
from nn.module import Module, Parameter
from nn.utils.rnn import PackedSequence

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


class Kind(NamedTuple):
    """What sets the recurrent networks apart."""

    gates: int  # blocks of rows in a weight
    states: int  # what a step hands on to the next: h, or h and c
    run: Callable[..., Any]  # of a sequence, weights and first states: y, the last states, and more


KINDS = {
    "LSTM": Kind(4, 2, recurrent.lstm),
    "GRU": Kind(3, 1, recurrent.gru),
    "RNN_TANH": Kind(1, 1, functools.partial(recurrent.rnn, nonlinearity="tanh")),
    "RNN_RELU": Kind(1, 1, functools.partial(recurrent.rnn, nonlinearity="relu")),
}


class _Recurrent(Module):
    """What layers and cells share: the weights of a cell, how they start, and the states they are given."""

    _first = ""  # what the names of the first weights end in
    mode: str
    input_size: int
    hidden_size: int
    bias: bool
    proj_size = 0

    def _add_weights(self, suffix: str, inputs: int, device: Any, dtype: Any) -> None:
        rows, out = KINDS[self.mode].gates * self.hidden_size, self.proj_size or self.hidden_size
        for name, shape in zip(NAMES, ((rows, inputs), (rows, out), (rows,), (rows,)), strict=False):
            kept = self.bias or name.startswith("weight")
            self.register_parameter(
                name + suffix, Parameter(ad.empty(*shape, device=device, dtype=dtype)) if kept else None
            )
        if self.proj_size:
            self.register_parameter(
                NAMES[4] + suffix, Parameter(ad.empty(out, self.hidden_size, device=device, dtype=dtype))
            )

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw all weights anew, uniformly on ±1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters(recurse=False):
            init.uniform_(parameter, -bound, bound, generator)

    def _sequence(self, x: Any, suffix: str, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Run a sequence (T, N, in) from its first states, each (N, size) or None; return y and the last states."""
        kind, reverse = KINDS[self.mode], suffix.endswith("_reverse")
        weights: list[Any] = [getattr(self, name + suffix) for name in NAMES[:4]]
        if self.proj_size:
            return _projected(x, weights, getattr(self, NAMES[4] + suffix), states, reverse)
        y, *last = kind.run(x, *weights, *states, reverse=reverse)
        return y, last[: kind.states]

    def _check_input(self, input: Any, features: tuple[int, ...]) -> None:
        """Refuse an input of another size or dtype."""
        name = type(self).__name__
        if features[-1] != self.input_size:
            raise ArgumentError(
                f"{name}: input has {features[-1]} features on its last axis; expected input_size={self.input_size}"
            )
        weight = getattr(self, NAMES[0] + self._first)
        _checks.same_dtype(name, input, weight)

    def _batched(self, input: Any, ndims: tuple[int, int]) -> bool:
        """Say whether an input has a batch axis; refuse one of another shape or dtype."""
        if not isinstance(input, Tensor) or input.ndim not in ndims:
            given = f"{input.ndim}D" if isinstance(input, Tensor) else type(input).__name__
            name = type(self).__name__
            raise ArgumentError(f"{name}: Expected input to be {ndims[0]}D or {ndims[1]}D, got {given} instead")
        self._check_input(input, input.shape)
        return input.ndim == ndims[1]

    def _states(self, hx: Any, lead: tuple[int, ...]) -> list[Any]:
        """Return the states to start from, each (*lead, size); None stands for zeros."""
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: KINDS[self.mode].states]
        if hx is None:
            return [None for _ in sizes]
        given = list(hx) if len(sizes) > 1 and isinstance(hx, (tuple, list)) else [hx]
        name = type(self).__name__
        if len(given) != len(sizes) or not all(isinstance(state, Tensor) for state in given):
            expected = "a Tensor" if len(sizes) == 1 else "a tuple of two Tensors, (h_0, c_0)"
            raise TypeError(f"{name}: hx is a {type(hx).__name__}; expected {expected}")
        for k, (state, size) in enumerate(zip(given, sizes, strict=True)):
            if state.shape != (*lead, size):
                raise ArgumentError(f"{name}: Expected hidden[{k}] size {(*lead, size)}, got {state.shape}")
            _checks.same_dtype(f"{name}, hidden[{k}]", state, getattr(self, NAMES[0] + self._first))
        return given

    def _named(self, **options: Any) -> str:
        """Return sizes, and those options that are not at their defaults, as PyTorch prints them."""
        default = {"num_layers": 1, "bias": True, "nonlinearity": "tanh", "proj_size": 0}
        kept = [f"{name}={value!r}" for name, value in options.items() if value != default.get(name, False)]
        return ", ".join([str(self.input_size), str(self.hidden_size), *kept])


def _projected(x: Any, weights: list[Any], w_hr: Any, states: Sequence[Any], reverse: bool) -> tuple[Any, list[Any]]:
    """Run an LSTM whose state h is multiplied by w_hr before it is handed on and returned (Sak et al., 2014).

    From the second step on the state handed on is w_hr h, so that w_hh w_hr of h is what w_hh is of it: an LSTM without
    a projection. The first state, which need not be such a product, comes as additional input of the first step.
    """
    (w_ih, w_hh, *biases), (h0, c0) = weights, states
    if h0 is not None and len(x):
        rest = np.zeros_like(h0, shape=(len(x) - 1, *h0.shape))
        more = [rest, h0[None]] if reverse else [h0[None], rest]
        x = np.concatenate([x, np.concatenate(more)], axis=-1)
        w_ih = np.concatenate([w_ih, w_hh], axis=1)
    y, h, c = recurrent.lstm(x, w_ih, np.matmul(w_hh, w_hr), *biases, None, c0, reverse=reverse)[:3]
    return linear(y, w_hr), [linear(h, w_hr) if h0 is None or len(x) else h0, c]


class RNNBase(_Recurrent):
    """A stack of recurrent layers over whole sequences; `mode` is "LSTM", "GRU", "RNN_TANH" or "RNN_RELU".

    >>> output, h = RNNBase("GRU", 3, 5)(ad.ones(7, 4, 3))
    >>> output.shape, h.shape
    ((7, 4, 5), (1, 4, 5))
    """

    _first = "_l0"

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if mode not in KINDS:
            raise ArgumentError(f"Unrecognized RNN mode: {mode!r}; expected one of {', '.join(KINDS)}")
        _checks.probability("dropout probability", dropout)
        for what, size in (("hidden_size", hidden_size), ("num_layers", num_layers)):
            if not isinstance(size, (int, np.integer)):
                raise TypeError(f"{what} should be of type int, got: {type(size).__name__}")
            if size <= 0:
                raise ArgumentError(f"{what} must be greater than zero, got {size}")
        if proj_size and mode != "LSTM":
            raise ArgumentError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if not 0 <= proj_size < hidden_size:
            raise ArgumentError(f"proj_size has to be 0 or positive and smaller than hidden_size, got {proj_size}")
        if dropout and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} works between layers, and num_layers is 1: nothing is dropped. Add nn.Dropout.",
                stacklevel=3,
            )
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, float(dropout), bidirectional
        self.proj_size, self.generator = proj_size, generator
        for suffixes in self._suffixes():
            for suffix in suffixes:
                first = suffix.startswith("_l0")
                self._add_weights(
                    suffix, input_size if first else (proj_size or hidden_size) * len(suffixes), device, dtype
                )
        self.reset_parameters(generator)

    def _suffixes(self) -> list[list[str]]:
        """Return what the names of weights end in: a list for each layer, of its directions."""
        ends = ("", "_reverse") if self.bidirectional else ("",)
        return [[f"_l{layer}{end}" for end in ends] for layer in range(self.num_layers)]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights, a list for each layer and direction."""
        own = dict(self.named_parameters(recurse=False))
        ends = [suffix for suffixes in self._suffixes() for suffix in suffixes]
        return [[own[name + end] for name in NAMES if name + end in own] for end in ends]

    def flatten_parameters(self) -> None:
        """Do nothing: where PyTorch lays the weights out for an accelerator, they are read as they lie."""

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[Any, Any]:
        lead = self.num_layers * (1 + self.bidirectional)
        if isinstance(input, PackedSequence):
            return self._packed(input, hx, lead)
        batched = self._batched(input, (2, 3))
        y: Any = input if batched else np.expand_dims(input, 1)
        if batched and self.batch_first:
            y = np.swapaxes(y, 0, 1)
        first = self._states(hx, (lead, y.shape[1]) if batched else (lead,))
        if not batched:
            first = [None if s is None else np.expand_dims(s, 1) for s in first]
        y, last = self._stacked(y, first, self._sequence)
        if not batched:
            y, last = np.squeeze(y, 1), [np.squeeze(states, 1) for states in last]
        elif self.batch_first:
            y = np.swapaxes(y, 0, 1)
        return y, tuple(last) if len(last) > 1 else last[0]

    def _stacked(self, y: Any, first: list[Any], run: Callable[..., Any]) -> tuple[Any, list[Any]]:
        """Run all layers in all directions from the first states, (layers * directions, N, size); return the last."""
        last: list[Any] = []
        for layer, directions in enumerate(self._suffixes()):
            if layer:
                y = functional.dropout(y, self.dropout, self.training, generator=self.generator)
            ways = []
            for suffix in directions:
                way, states = run(y, suffix, [None if s is None else s[len(last)] for s in first])
                ways.append(way)
                last.append(states)
            y = ways[0] if len(ways) == 1 else np.concatenate(ways, axis=-1)
        return y, [np.stack(states) for states in zip(*last, strict=True)]

    def _packed(self, input: PackedSequence, hx: Any, lead: int) -> tuple[PackedSequence, Any]:
        """Run sequences of different lengths."""
        self._check_input(input.data, input.data.shape)
        sizes = input.batch_sizes.tolist()
        first = self._states(hx, (lead, sizes[0]))
        order, back = input.sorted_indices, input.unsorted_indices
        if order is not None:
            first = [None if s is None else s[:, order] for s in first]
        y, last = self._stacked(input.data, first, functools.partial(self._pieces, sizes))
        if back is not None:
            last = [s[:, back] for s in last]
        return PackedSequence(y, *input[1:]), tuple(last) if len(last) > 1 else last[0]

    def _pieces(self, sizes: list[int], x: Any, suffix: str, first: list[Any]) -> tuple[Any, list[Any]]:
        """Run a packed sequence, all the steps of one batch size at a time."""
        starts = [t for t, size in enumerate(sizes) if not t or size != sizes[t - 1]]
        runs, row = [], 0
        for start, stop in zip(starts, [*starts[1:], len(sizes)], strict=True):
            runs.append((row, stop - start, sizes[start]))
            row += (stop - start) * sizes[start]
        reverse = suffix.endswith("_reverse")
        ys: list[Any] = []
        ended: list[list[Any]] = []
        states, count = first, sizes[0]
        for row, steps, batch in reversed(runs) if reverse else runs:
            if reverse and ys:  # sequences that end here join, from their first states
                more = [
                    np.zeros_like(s, shape=(batch - count, s.shape[1])) if f is None else f[count:batch]
                    for s, f in zip(states, first, strict=True)
                ]
                states = [np.concatenate(pair) for pair in zip(states, more, strict=True)]
            elif batch < count:
                if not reverse:
                    ended.append([s[batch:] for s in states])
                states = [None if s is None else s[:batch] for s in states]
            piece = x[row : row + steps * batch].reshape(steps, batch, x.shape[1])
            y, states = self._sequence(piece, suffix, states)
            ys.append(y.reshape(steps * batch, y.shape[2]))
            count = batch
        if not reverse:
            states = [np.concatenate(parts) for parts in zip(states, *reversed(ended), strict=True)]
        return np.concatenate(ys[::-1] if reverse else ys), states

    def extra_repr(self) -> str:
        words = ("proj_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
        return self._named(**{word: getattr(self, word) for word in words})


class _Gated(RNNBase):
    """What LSTM and GRU are given."""

    kind: ClassVar[str]

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
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(
            self.kind, *sizes, bias, batch_first, dropout, bidirectional, proj_size, device, dtype, generator=generator
        )


class LSTM(_Gated):
    """Layers of long short-term memory: `output, (h_n, c_n) = lstm(input, (h_0, c_0))`.

    input: (L, N, input_size), (N, L, input_size) with `batch_first`, (L, input_size), or a PackedSequence of sequences
    of different lengths. output: the last layer's states h, in the same form, hidden_size features for each direction.
    States: (layers * directions, N, hidden_size), without N where the input has none; zeros if not given. `dropout`
    works between layers, while training. `proj_size` gives h that many features, by a learned matrix.

    >>> output, (h, c) = LSTM(3, 5, num_layers=2, bidirectional=True)(ad.ones(7, 4, 3))
    >>> output.shape, h.shape, c.shape
    ((7, 4, 10), (4, 4, 5), (4, 4, 5))
    """

    kind = "LSTM"


class GRU(_Gated):
    """Layers of gated recurrent units: `output, h_n = gru(input, h_0)`, with shapes as LSTM has them.

    >>> output, h = GRU(3, 5, batch_first=True)(ad.ones(4, 7, 3))
    >>> output.shape, h.shape
    ((4, 7, 5), (1, 4, 5))
    """

    kind = "GRU"


class RNN(RNNBase):
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
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        mode, sizes = _mode(nonlinearity), (input_size, hidden_size, num_layers)
        super().__init__(
            mode, *sizes, bias, batch_first, dropout, bidirectional, proj_size, device, dtype, generator=generator
        )
        self.nonlinearity = nonlinearity

    def extra_repr(self) -> str:
        kind = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}"
        return super().extra_repr() + kind


class RNNCellBase(_Recurrent):
    """One step of a recurrent layer, that of an LSTM, a GRU or an RNN: `num_chunks` is 4, 3 or 1."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if hidden_size <= 0:
            raise ArgumentError(f"hidden_size must be greater than zero, got {hidden_size}")
        modes = {kind.gates: mode for mode, kind in reversed(KINDS.items())}
        if num_chunks not in modes:
            raise ArgumentError(f"num_chunks must be one of {sorted(modes)}, the gates of a cell, got {num_chunks}")
        self.mode = modes[num_chunks]
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._add_weights("", input_size, device, dtype)
        self.reset_parameters(generator)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        batched = self._batched(input, (1, 2))
        states = self._states(hx, input.shape[:-1])
        if not batched:
            states = [None if s is None else np.expand_dims(s, 0) for s in states]
        x: Any = np.expand_dims(input, 0 if batched else (0, 1))
        last = self._sequence(x, "", states)[1]
        found = last if batched else [np.squeeze(s, 0) for s in last]
        return tuple(found) if len(found) > 1 else found[0]

    def extra_repr(self) -> str:
        return self._named(bias=self.bias)


class _GatedCell(RNNCellBase):
    """What the cells of an LSTM and a GRU are given."""

    num_chunks: ClassVar[int]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, self.num_chunks, device, dtype, generator=generator)


class LSTMCell(_GatedCell):
    """One step of an LSTM: `h, c = cell(input, (h, c))`, of shapes (N, size) or (size).

    >>> h, c = LSTMCell(3, 5)(ad.ones(4, 3))
    >>> h.shape, c.shape
    ((4, 5), (4, 5))
    """

    num_chunks = 4


class GRUCell(_GatedCell):
    """One step of a GRU: `h = cell(input, h)`, of shapes (N, size) or (size)."""

    num_chunks = 3


class RNNCell(RNNCellBase):
    """One step of a plain recurrent network: `h = cell(input, h)`, of shapes (N, size) or (size)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype, generator=generator)
        self.mode, self.nonlinearity = _mode(nonlinearity), nonlinearity

    def extra_repr(self) -> str:
        return self._named(bias=self.bias, nonlinearity=self.nonlinearity)


def _mode(nonlinearity: str) -> str:
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(f"Unknown nonlinearity {nonlinearity!r}; expected 'tanh' or 'relu'")
    return f"RNN_{nonlinearity.upper()}"
