"""Arguments of recurrent networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.kernels import recurrent
from autodiff.kernels.recurrent.gru_sequence import gru_backward
from autodiff.kernels.recurrent.lstm_sequence import lstm_backward
from autodiff.kernels.recurrent.rnn_sequence import rnn_backward
from autodiff.tensor import Tensor
from autodiff.testing.strategies.arrays import GRID, Shape, drawn
from autodiff.testing.strategies.drawing import Arguments, Draw


def _values(*kept: Any) -> list[Any]:
    """Return what a forward pass keeps as values: its dependence on the operands is the backward pass's own affair."""
    return [x.detach() if isinstance(x, Tensor) else x for x in kept]


def lstm_gradients(gy: Any, gh: Any, gc: Any, *operands: Any, wanted: tuple[bool, ...], reverse: bool) -> Any:
    """Return what an LSTM's backward pass gives after the forward pass it needs."""
    y, _, _, *kept = recurrent.lstm(*operands, reverse=reverse)
    return lstm_backward(gy, gh, gc, *operands, *_values(y, *kept), wanted=wanted, reverse=reverse)


def gru_gradients(gy: Any, gh: Any, *operands: Any, wanted: tuple[bool, ...], reverse: bool) -> Any:
    """Return what a GRU's backward pass gives after the forward pass it needs."""
    y, _, kept = recurrent.gru(*operands, reverse=reverse)
    return gru_backward(gy, gh, *operands, *_values(y, kept), wanted=wanted, reverse=reverse)


def rnn_gradients(gy: Any, gh: Any, *operands: Any, wanted: tuple[bool, ...], nonlinearity: str, reverse: bool) -> Any:
    """Return what an RNN's backward pass gives after the forward pass it needs."""
    y, _ = recurrent.rnn(*operands, nonlinearity=nonlinearity, reverse=reverse)
    return rnn_backward(gy, gh, *operands, *_values(y), wanted=wanted, nonlinearity=nonlinearity, reverse=reverse)


def lstm_outputs(*operands: Any, **how: Any) -> Any:
    """Return those outputs of an LSTM that have a derivative."""
    return recurrent.lstm(*operands, **how)[:3]


def gru_outputs(*operands: Any, **how: Any) -> Any:
    """Return those outputs of a GRU that have a derivative."""
    return recurrent.gru(*operands, **how)[:2]


def _array(d: Draw, shape: Shape) -> Any:
    """Draw values that leave the gates half open: where one is shut, differences show nothing but rounding."""
    return d.finished(drawn(d.draw, shape, GRID / 4))


def _sequence(d: Draw, gates: int, states: int) -> tuple[tuple[int, int, int], list[Any]]:
    """Draw the lengths of the outputs' axes, and operands; biases and states may be left out."""
    (count, columns, inputs), hidden = (d.integer(0, 3), d.integer(0, 2), d.integer(1, 2)), d.integer(1, 2)
    rows, state = (gates * hidden,), (columns, hidden)
    operands = [_array(d, (count, columns, inputs)), _array(d, (*rows, inputs)), _array(d, (*rows, hidden))]
    operands += [_array(d, shape) if d.chance() else None for shape in (rows, rows, *[state] * states)]
    return (count, columns, hidden), operands


def forward(gates: int, states: int, outputs: Callable[..., Any]) -> Callable[[Draw], Arguments]:
    """Return what draws the arguments of a sequence."""

    def arguments(d: Draw) -> Arguments:
        keywords = {"reverse": d.chance()} if d.chance() else {}
        return _sequence(d, gates, states)[1], keywords | _bent(d, gates), outputs

    return arguments


def backward(gates: int, states: int, both: Callable[..., Any]) -> Callable[[Draw], Arguments]:
    """Return what draws the arguments of a backward pass: those of the forward pass, and gradients, or None."""

    def arguments(d: Draw) -> Arguments:
        shape, operands = _sequence(d, gates, states)
        given = [_array(d, shape)] + [_array(d, shape[1:]) if d.chance() else None for _ in range(states)]
        if d.chance():
            given[0] = None if any(g is not None for g in given[1:]) else given[0]
        wanted = tuple(operand is not None and not (k and d.chance()) for k, operand in enumerate(operands))
        keywords = {"wanted": wanted, "reverse": d.chance()} | (_bent(d, gates) or _tanh(gates))
        return [*given, *operands], keywords, both

    return arguments


def _bent(d: Draw, gates: int) -> dict[str, Any]:
    """Draw the nonlinearity of a plain cell; relu, which has a kink, only where kinks are not kept clear of."""
    return {"nonlinearity": d.choice("tanh", *[] if d.smooth else ["relu"])} if gates == 1 and d.chance() else {}


def _tanh(gates: int) -> dict[str, Any]:
    return {"nonlinearity": "tanh"} if gates == 1 else {}


ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {
    recurrent.lstm: forward(4, 2, lstm_outputs),
    recurrent.gru: forward(3, 1, gru_outputs),
    recurrent.rnn: forward(1, 1, recurrent.rnn),
    lstm_backward: backward(4, 2, lstm_gradients),
    gru_backward: backward(3, 1, gru_gradients),
    rnn_backward: backward(1, 1, rnn_gradients),
}
