"""The formulas that fused operations open into compute what the operations do."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph import trace
from autodiff.graph.expansions import FORMULAS

F = nn.functional


def drawn(*shape):
    return ad.tensor(np.random.default_rng(len(shape)).normal(size=shape))


LABELS, SOME = ad.tensor([2, 0, 3, 1, 1]), ad.tensor([2, -100, 3, 1, -100])
MASK = np.random.default_rng(3).random((2, 4, 5)) < 0.7
MASK5 = np.tri(5, dtype=bool)


def swept(y):
    """Run the backward pass of a sum with weights of its own."""
    (y * np.cos(np.arange(y.size)).reshape(y.shape)).sum().backward()


CASES = {
    "linear": [lambda: F.linear(drawn(2, 3), drawn(4, 3)), lambda: F.linear(drawn(5, 2, 3), drawn(4, 3), drawn(4))],
    "conv": [
        lambda: F.conv2d(drawn(2, 4, 7, 6), drawn(6, 2, 3, 2), stride=(2, 1), padding=(1, 2), dilation=2, groups=2),
        lambda: F.conv1d(drawn(2, 3, 8), drawn(4, 3, 3), stride=3),
    ],
    "biased_conv": [lambda: F.conv2d(drawn(1, 2, 5, 5), drawn(3, 2, 3, 3), drawn(3), padding=1)],
    "conv_transpose": [
        lambda: F.conv_transpose2d(drawn(2, 6, 3, 4), drawn(6, 2, 3, 2), None, (2, 1), (1, 2), (1, 0), 2, 1),
        lambda: F.conv_transpose2d(drawn(2, 6, 3, 4), drawn(6, 2, 3, 3), None, 2, 0, 0, 3, (1, 2)),
        lambda: swept(F.conv1d(drawn(2, 3, 8).requires_grad_(), drawn(4, 3, 3), stride=3, padding=4)),
    ],
    "conv_weight": [
        lambda: swept(F.conv2d(drawn(2, 4, 7, 6), drawn(6, 2, 3, 2).requires_grad_(), None, (2, 1), (1, 2), 2, 2)),
    ],
    "attention_backward": [
        lambda: swept(F.scaled_dot_product_attention(*(drawn(2, 3, 5, 4).requires_grad_() for _ in range(3)), MASK5)),
        lambda: swept(F.scaled_dot_product_attention(*(drawn(5, 4).requires_grad_(),) * 3, is_causal=True, scale=0.3)),
    ],
    "channel_norm_backward": [
        lambda: swept(F.batch_norm(drawn(4, 3, 2, 2).requires_grad_(), None, None, drawn(3), drawn(3), training=True)),
        lambda: swept(F.group_norm(drawn(4, 6, 2).requires_grad_(), 3, drawn(6).requires_grad_(), drawn(6))),
    ],
    "max_pool": [lambda: F.max_pool2d(drawn(2, 3, 7, 6), 3, stride=2, padding=1, ceil_mode=True)],
    "sum_pool": [lambda: F.avg_pool2d(drawn(2, 3, 7, 6), 2)],
    "embedding": [lambda: F.embedding(ad.tensor([[0, 2], [1, 1]]), drawn(3, 4))],
    "attention": [
        lambda: F.scaled_dot_product_attention(drawn(2, 4, 3), drawn(2, 5, 3), drawn(2, 5, 6), attn_mask=MASK),
        lambda: F.scaled_dot_product_attention(*(drawn(2, 3, 5, 4),) * 3, is_causal=True),
        lambda: F.scaled_dot_product_attention(drawn(4, 3), drawn(5, 3), drawn(5, 3), drawn(4, 5), scale=0.3),
    ],
    "lstm": [lambda: nn.LSTM(3, 4, dtype=np.float64)(drawn(5, 2, 3))],
    "gru": [lambda: nn.GRU(3, 4, dtype=np.float64, bidirectional=True)(drawn(5, 2, 3))],
    "rnn": [lambda: nn.RNN(3, 4, nonlinearity="relu", bias=False, dtype=np.float64)(drawn(5, 2, 3), drawn(1, 2, 4))],
    "softmax": [lambda: ad.softmax(drawn(3, 4)), lambda: ad.softmax(drawn(3, 4, 2), axis=1)],
    "log_softmax": [lambda: ad.log_softmax(drawn(3, 4), axis=0)],
    "logsumexp": [lambda: ad.logsumexp(drawn(3, 4)), lambda: ad.logsumexp(drawn(3, 4), axis=1, keepdims=True)],
    "softmax_nll": [
        lambda: F.cross_entropy(drawn(5, 4), LABELS),
        lambda: F.cross_entropy(drawn(5, 4), SOME, weight=abs(drawn(4)), label_smoothing=0.2),
        lambda: F.cross_entropy(drawn(5, 4), SOME, reduction="sum"),
        lambda: F.cross_entropy(drawn(5, 4), LABELS, weight=abs(drawn(4)), reduction="none"),
    ],
    "bce_with_logits": [
        lambda: F.binary_cross_entropy_with_logits(drawn(5), drawn(5) > 0),
        lambda: F.binary_cross_entropy_with_logits(drawn(5, 4), drawn(5, 4) * 0 + 0.3, pos_weight=abs(drawn(4))),
    ],
    "layer_norm": [
        lambda: F.layer_norm(drawn(5, 2, 3), (2, 3), drawn(2, 3), drawn(2, 3)),
        lambda: F.rms_norm(drawn(5, 3), (3,), drawn(3)),
    ],
    "channel_norm": [
        lambda: F.batch_norm(drawn(4, 3, 2, 2), None, None, drawn(3), drawn(3), training=True),
        lambda: F.group_norm(drawn(4, 6, 2), 3, drawn(6), drawn(6)),
    ],
    "var": [lambda: np.var(drawn(3, 4)), lambda: np.var(drawn(3, 4), axis=1, ddof=1, keepdims=True)],
    "std": [lambda: np.std(drawn(3, 4), axis=0)],
    "relu": [lambda: F.relu(drawn(3, 4))],
    "sigmoid": [lambda: ad.sigmoid(drawn(3, 4))],
    "logsigmoid": [lambda: F.logsigmoid(drawn(3, 4))],
    "silu": [lambda: F.silu(drawn(3, 4))],
    "softplus": [lambda: F.softplus(drawn(3, 4), beta=2.0)],
    "leaky_relu": [lambda: F.leaky_relu(drawn(3, 4), 0.2)],
    "elu": [lambda: F.elu(drawn(3, 4), 0.7)],
    "hardtanh": [lambda: F.hardtanh(drawn(3, 4), -0.5, 0.5)],
    "gelu": [lambda: F.gelu(drawn(3, 4))],
    "gelu_tanh": [lambda: F.gelu(drawn(3, 4), approximate="tanh")],
}
BACKWARD = {
    "gelu_backward": [F.gelu],
    "relu_backward": [lambda x: F.relu(x)],
    "softmax_backward": [lambda x: ad.softmax(x, axis=0)],
    "log_softmax_backward": [lambda x: ad.log_softmax(x)],
    "softmax_nll_backward": [
        lambda x: F.cross_entropy(x, LABELS[:3]),
        lambda x: F.cross_entropy(x, LABELS[:3], weight=abs(drawn(4)), label_smoothing=0.2),
    ],
    "layer_norm_backward": [
        lambda x: F.layer_norm(x, (4,), drawn(4).requires_grad_(), drawn(4).requires_grad_()),
        lambda x: F.rms_norm(x, (4,)),
    ],
}


def gradient(f):
    return lambda: (f(drawn(3, 4).requires_grad_()) * 2.5).sum().backward()


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_its_operation(name):
    for f in CASES[name] if name in CASES else map(gradient, BACKWARD[name]):
        graph = trace(f)()
        op = next(op for op in graph.ops if op.name == name)
        opened = op.expansion()
        assert opened.ops
        assert name not in {inner.name for inner in opened.ops}
        inputs = list(dict.fromkeys(op.inputs))
        assert opened.sources[: len(inputs)] == inputs
        assert {inner.line for inner in opened.ops} == {op.line}
        made = opened.replay()
        for value, known in zip(opened.outputs, op.outputs, strict=False):
            np.testing.assert_allclose(made[value], known.array, rtol=1e-12, atol=1e-14)
            assert value.type == known.type


def test_plain_operations_do_not_open():
    assert trace(lambda x: np.exp(x))(ad.ones(2)).ops[0].expansion() is None
