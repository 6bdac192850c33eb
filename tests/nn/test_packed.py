"""Packed and padded sequences: torch's numbers, through recurrent layers too; round trips; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from nn.utils import rnn

MODES = ["LSTM", "GRU", "RNN_TANH", "RNN_RELU"]


def flat(tree: Any) -> list[Any]:
    """Return the tensors of tuples in tuples."""
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, tuple) else [tree]


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_layers_over_packed_sequences_are_torchs(torch: Any, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["LSTM", "GRU", "RNN"]))
    lengths = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    options = {word: data.draw(st.booleans(), label=word) for word in ("bias", "batch_first", "bidirectional")}
    options["num_layers"] = data.draw(st.integers(1, 2))
    sizes = [3, 3] if kind == "LSTM" else [3]
    if kind == "LSTM" and data.draw(st.booleans(), label="projected"):
        options["proj_size"] = sizes[0] = 2
    enforce = data.draw(st.booleans(), label="enforce_sorted")
    lengths = sorted(lengths, reverse=True) if enforce else lengths
    ours = getattr(nn, kind)(2, 3, dtype=np.float64, **options)
    theirs = getattr(torch.nn, kind)(2, 3, dtype=torch.float64, **options)
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
    rng, lead = np.random.default_rng(0), options["num_layers"] * (1 + options["bidirectional"])
    shape = (len(lengths), max(lengths), 2) if options["batch_first"] else (max(lengths), len(lengths), 2)
    arrays = [rng.normal(size=shape)]
    if data.draw(st.booleans(), label="states"):
        arrays += [rng.normal(size=(lead, len(lengths), size)) for size in sizes]
    seed, found = rng.normal(size=1000), []
    for library, layer, pack in ((ad, ours, rnn), (torch, theirs, torch.nn.utils.rnn)):
        x, *states = [library.tensor(a, requires_grad=True) for a in arrays]
        packed = pack.pack_padded_sequence(x, lengths, options["batch_first"], enforce)
        hx = (tuple(states) if kind == "LSTM" else states[0]) if states else None
        output, last = layer(packed, hx)
        padded, counts = pack.pad_packed_sequence(output, options["batch_first"], -1.0, max(lengths) + 1)
        outputs = [output.data, padded, *flat(last)]
        sum((y.reshape(-1) * library.tensor(seed[: np.prod(tuple(y.shape))])).sum() for y in outputs).backward()
        leaves = [x, *states, *layer.parameters()]
        found.append([*packed, *outputs, counts, *(leaf.grad for leaf in leaves)])
    for mine, yours in zip(*found, strict=True):
        assert (mine is None) == (yours is None)
        if mine is not None:
            np.testing.assert_allclose(mine.detach().numpy(), yours.detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("lengths", [(2, 4, 1), (3, 0, 1), (2,)])
def test_padding_is_torchs(torch: Any, batch_first: bool, side: str, lengths: tuple[int, ...]) -> None:
    arrays = [np.random.default_rng(n).normal(size=(n, 2)) for n in lengths]
    ours = rnn.pad_sequence([ad.tensor(a) for a in arrays], batch_first, 7.0, side)
    theirs = torch.nn.utils.rnn.pad_sequence([torch.tensor(a) for a in arrays], batch_first, 7.0, side)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    if side == "right":
        back = rnn.unpad_sequence(ours, list(lengths), batch_first)
        assert [x.tolist() for x in back] == [a.tolist() for a in arrays]


def test_packing_and_unpacking_give_the_sequences_again() -> None:
    sequences = [ad.tensor(np.arange(n) + 10 * n) for n in (2, 4, 1, 4)]
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    assert [x.tolist() for x in rnn.unpack_sequence(packed)] == [x.tolist() for x in sequences]
    assert packed.data.dtype == sequences[0].dtype
    assert packed.sorted_indices.tolist() == [1, 3, 0, 2]
    labels = packed._replace(data=packed.data * 2)
    assert rnn.unpack_sequence(labels)[0].tolist() == [40, 42]
    assert rnn.PackedSequence((packed.data, packed.batch_sizes)).unsorted_indices is None
    halved = packed.half()
    assert (halved.data.dtype, packed.double().data.dtype, packed.float().data.dtype) == ("f2", "f8", "f4")
    assert halved.unsorted_indices is packed.unsorted_indices
    assert rnn.invert_permutation(None) is None


@pytest.mark.parametrize("mode", MODES)
def test_padding_changes_no_sequence(mode: str) -> None:
    layer = nn.RNNBase(mode, 2, 3, num_layers=2, bidirectional=True, dtype=np.float64)
    sequences = [ad.random.randn(n, 2, dtype=np.float64) for n in (2, 5, 3)]
    output, last = layer(rnn.pack_sequence(sequences, enforce_sorted=False))
    for i, (x, y) in enumerate(zip(sequences, rnn.unpack_sequence(output), strict=True)):
        alone, ended = layer(x)
        np.testing.assert_allclose(y.detach().numpy(), alone.detach().numpy(), rtol=1e-12)
        for a, b in zip(flat(last), flat(ended), strict=True):
            np.testing.assert_allclose(a[:, i].detach().numpy(), b.detach().numpy(), rtol=1e-12)


def test_second_derivatives_through_a_packed_sequence() -> None:
    layer = nn.LSTM(1, 3, proj_size=2, bidirectional=True, dtype=np.float64)

    def loss(x: Any) -> Any:
        return (layer(rnn.pack_padded_sequence(x, [3, 1]))[0].data ** 2).sum()

    hessian = ad.functional.hessian(loss)(ad.random.randn(3, 2, 1, dtype=np.float64)).numpy().reshape(6, 6)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)
    assert np.abs(hessian).max() > 1e-4


def test_dropout_works_between_the_layers_of_a_packed_sequence() -> None:
    layer = nn.GRU(2, 50, num_layers=2, dropout=0.5, generator=ad.random.Generator(0))
    packed = rnn.pack_sequence([ad.ones(4, 2), ad.ones(2, 2)])
    assert layer(packed)[0].data.tolist() != layer(packed)[0].data.tolist()
    layer.eval()
    assert layer(packed)[0].data.tolist() == layer(packed)[0].data.tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: rnn.pack_padded_sequence(x, [2, 3]), RuntimeError, r"lengths must fall .* got \[2, 3\]"),
        (lambda x: rnn.pack_padded_sequence(x, [3, 0]), RuntimeError, r"Lengths have to be from 1 to 4"),
        (lambda x: rnn.pack_padded_sequence(x, [5, 2]), RuntimeError, r"Lengths have to be from 1 to 4"),
        (lambda x: rnn.pack_padded_sequence(x, [3]), RuntimeError, "to be equal to batch_size, but got 1 of 2"),
        (lambda x: rnn.pack_padded_sequence(x[:, :0], []), RuntimeError, "Cannot pack empty tensors"),
        (lambda x: rnn.pack_padded_sequence(x[:, 0, 0], [1]), RuntimeError, r"expected \(T, N, \*\)"),
        (lambda x: rnn.pack_padded_sequence(x, [2.5, 1.0]), TypeError, "lengths must be integers"),
        (lambda x: rnn.pad_packed_sequence(rnn.pack_sequence([x]), total_length=3), ValueError, "at least the length"),
        (lambda x: rnn.pad_sequence([]), RuntimeError, "an empty list of sequences"),
        (lambda x: rnn.pad_sequence(3), RuntimeError, "expected sequences in a list, got int"),
        (lambda x: rnn.pad_sequence([x, x[0]]), RuntimeError, "all must agree"),
        (lambda x: rnn.pad_sequence([x], padding_side="top"), RuntimeError, "either 'right' or 'left'"),
        (lambda x: rnn.unpad_sequence(x, [1]), ValueError, "1 lengths for 2 sequences"),
        (lambda x: rnn.PackedSequence(x), TypeError, "PackedSequence takes data and batch_sizes"),
        (lambda x: nn.LSTM(2, 3)(rnn.pack_sequence([x[:, 0]])), RuntimeError, "input has 1 features"),
        (
            lambda x: nn.GRU(1, 3)(rnn.pack_sequence([x[:, 0]]), ad.ones(1, 2, 3)),
            RuntimeError,
            r"Expected hidden\[0\] size \(1, 1, 3\), got \(1, 2, 3\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(ad.ones(4, 2, 1))
