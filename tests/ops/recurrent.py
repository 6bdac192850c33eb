"""Recurrent networks over whole sequences, and their backward passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.kernels.recurrent import gru, lstm, rnn
from autodiff.kernels.recurrent.gru_sequence import gru_backward
from autodiff.kernels.recurrent.lstm_sequence import lstm_backward
from autodiff.kernels.recurrent.rnn_sequence import rnn_backward
from autodiff.testing.strategies.recurrent import gru_gradients, lstm_gradients, rnn_gradients
from tests.ops.row import op


def _torchs(kind: str, reverse: bool = False, **options: Any) -> Callable[..., Any]:
    """Return torch's function of the operands, whose layers hold their weights as parameters."""

    def layer(torch: Any) -> Any:
        def function(x: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, *states: Any) -> Any:
            given = {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b_ih, "bias_hh_l0": b_hh}
            made = getattr(torch.nn, kind)(x.shape[2], w_hh.shape[1], bias=b_ih is not None, dtype=x.dtype, **options)
            weights = {name: w for name, w in given.items() if w is not None}
            hx = [state[None] for state in states]
            first = () if not hx else (tuple(hx),) if kind == "LSTM" else (hx[0],)
            y, last = torch.func.functional_call(made, weights, (x.flip(0) if reverse else x, *first))
            last = last if kind == "LSTM" else (last,)
            return [y.flip(0) if reverse else y, *(state[0] for state in last)]

        return function

    return layer


def _of(cell: Callable[..., Any], outputs: int, **options: Any) -> Callable[..., Any]:
    return lambda *operands: cell(*operands, **options)[:outputs]


def _gradients(both: Callable[..., Any], operands: int, **options: Any) -> Callable[..., Any]:
    return lambda *given: both(*given, wanted=(True,) * operands, reverse=False, **options)


LSTM, GRU, RNN = "232, 82, 82, 8, 8, 32, 32", "232, 62, 62, 6, 6, 32", "232, 22, 22, 2, 2, 32"

RECURRENT = [
    op(lstm, _of(lstm, 3), LSTM, torch=_torchs("LSTM")),
    op(lstm, _of(lstm, 3, reverse=True), LSTM, label="reverse", torch=_torchs("LSTM", reverse=True)),
    op(lstm, _of(lstm, 3), "qp2, 82, 82", label="of any length", small="f"),
    op(lstm, lambda *xs: lstm(*xs)[0], "131, 41, 41, 4, 4", label="one step, y alone"),
    op(gru, _of(gru, 2), GRU, torch=_torchs("GRU")),
    op(gru, _of(gru, 2, reverse=True), GRU, label="reverse", torch=_torchs("GRU", reverse=True)),
    op(gru, _of(gru, 2), "qp2, 62, 62", label="of any length", small="f"),
    op(gru, lambda *xs: gru(*xs)[1], "231, 31, 31, 3, 3", label="last state alone"),
    op(rnn, _of(rnn, 2), RNN, torch=_torchs("RNN")),
    op(rnn, _of(rnn, 2, reverse=True), RNN, label="reverse", torch=_torchs("RNN", reverse=True)),
    op(rnn, _of(rnn, 2, nonlinearity="relu"), RNN, "positive", label="relu", torch=_torchs("RNN", nonlinearity="relu")),
    op(rnn, _of(rnn, 2), "qp2, 22, 22", label="of any length", small="f"),
    op(lstm_backward, _gradients(lstm_gradients, 7), f"232, 32, 32, {LSTM}", small="f"),
    op(gru_backward, _gradients(gru_gradients, 6), f"232, 32, {GRU}", small="f"),
    op(rnn_backward, _gradients(rnn_gradients, 6, nonlinearity="tanh"), f"232, 32, {RNN}", small="f"),
]
