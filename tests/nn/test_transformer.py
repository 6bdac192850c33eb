"""The Transformer family: causal masks, copies that differ in what they drop, initial weights, errors, names."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor")
SMALL = {"d_model": 8, "nhead": 2, "dim_feedforward": 16}


def small(**options: Any) -> Any:
    return nn.Transformer(num_encoder_layers=2, num_decoder_layers=1, **SMALL | options)


def numbers(*shape: int, dtype: Any = np.float64) -> Any:
    return ad.tensor(np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype))


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_transformer_with_causal_masks_is_torchs(torch, norm_first) -> None:
    ours = small(dtype=np.float64, norm_first=norm_first).eval()
    theirs = torch.nn.Transformer(num_encoder_layers=2, num_decoder_layers=1, norm_first=norm_first,
                                  dtype=torch.float64, **SMALL).eval()  # fmt: skip
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
    src, tgt = numbers(5, 3, 8), numbers(4, 3, 8)
    make = torch.nn.Transformer.generate_square_subsequent_mask
    y = ours(src, tgt, tgt_mask=ours.generate_square_subsequent_mask(4), tgt_is_causal=True)
    z = theirs(torch.tensor(src.numpy()), torch.tensor(tgt.numpy()), tgt_mask=make(4).double(), tgt_is_causal=True)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(ours.generate_square_subsequent_mask(4).numpy(), make(4).numpy())


def test_a_causal_mask_hides_what_comes_later_whether_it_is_recognized_or_not() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**SMALL, dtype=np.float64), 2).eval()
    mask, x = nn.Transformer.generate_square_subsequent_mask(5, dtype=np.float64), numbers(5, 3, 8)
    found = [encoder(x, mask), encoder(x, mask, is_causal=False), encoder(x, mask, is_causal=True)]
    found += [encoder(x, np.isinf(mask.numpy())), encoder(x, mask, np.zeros((3, 5), bool))]
    for y in found[1:]:
        np.testing.assert_allclose(y.detach().numpy(), found[0].detach().numpy(), rtol=1e-12)
    later = x.numpy().copy()
    later[3:] += 1
    np.testing.assert_array_equal(encoder(ad.tensor(later), mask).numpy()[:3], found[0].detach().numpy()[:3])


def test_a_learned_mask_of_numbers_gets_a_gradient() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**SMALL), 1).eval()
    bias = ad.zeros(3, 3, requires_grad=True)
    (encoder(ad.random.randn(3, 2, 8), bias) ** 2).sum().backward()
    assert np.abs(bias.grad.numpy()).max() > 0


def test_the_copies_of_a_layer_start_alike_and_drop_differently() -> None:
    generator = ad.random.Generator(0)
    layer = nn.TransformerEncoderLayer(**SMALL, dropout=0.5, generator=generator)
    encoder = nn.TransformerEncoder(layer, 2)
    first, second = encoder.layers
    assert first.linear1.weight.tolist() == second.linear1.weight.tolist() == layer.linear1.weight.tolist()
    assert first.linear1.weight is not second.linear1.weight
    assert first.dropout.generator is second.dropout.generator is first.self_attn.generator is generator
    x = ad.random.randn(6, 4, 8)
    assert first(x).tolist() != second(x).tolist()
    state = generator.get_state()
    y = encoder(x).tolist()
    generator.set_state(state)
    assert encoder(x).tolist() == y
    encoder.eval()
    assert encoder(x).tolist() == encoder(x).tolist()


def test_dropout_leaves_the_mean_where_it_is() -> None:
    layer = nn.TransformerEncoderLayer(2, 1, 400, dropout=0.3, norm_first=True, generator=ad.random.Generator(0))
    x = ad.zeros(1, 4000, 2)
    with ad.no_grad():
        dropped, kept = layer(x), layer.eval()(x)
    np.testing.assert_allclose(dropped.numpy().mean((0, 1)), kept.numpy().mean((0, 1)), atol=0.02)
    assert dropped.numpy().std(1).min() > 0.01


def test_weights_start_as_torchs_do() -> None:
    model = small(generator=ad.random.Generator(0), d_model=32)
    for name, p in model.named_parameters():
        values = p.detach().numpy()
        if p.ndim > 1:
            bound = np.sqrt(6 / sum(p.shape))
            assert np.abs(values).max() <= bound, name
            assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.15), name
        elif "norm" in name:
            assert (values == (1.0 if name.endswith("weight") else 0.0)).all()
    again = small(generator=ad.random.Generator(0), d_model=32)
    assert all(p.tolist() == q.tolist() for p, q in zip(model.parameters(), again.parameters(), strict=True))
    assert model.encoder.layers[0].linear1.weight.tolist() != model.encoder.layers[1].linear1.weight.tolist()


def test_the_text_lists_torchs_parts(torch) -> None:
    ours, theirs = repr(small()), repr(torch.nn.Transformer(num_encoder_layers=2, num_decoder_layers=1, **SMALL))
    assert ours.count("LayerNorm((8,), eps=1e-05, elementwise_affine=True") == theirs.count("LayerNorm((8,)")
    assert "Linear(in_features=8, out_features=16, bias=True)" in ours


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_dtype_is_kept(dtype) -> None:
    model, x = small(dtype=dtype, batch_first=True), numbers(2, 3, 8, dtype=dtype)
    y = model(x, x, tgt_mask=model.generate_square_subsequent_mask(3))
    y.sum().backward()
    assert y.dtype == dtype
    assert all(p.grad.dtype == dtype for p in model.parameters())


def test_an_empty_batch_is_an_empty_result() -> None:
    y = small()(ad.ones(5, 0, 8), ad.ones(4, 0, 8, requires_grad=True))
    y.sum().backward()
    assert y.shape == (4, 0, 8)


def test_encoders_and_decoders_of_ones_own() -> None:
    class Doubled(nn.Module):
        def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: Any = None) -> Any:
            return src * 2

    model = small(custom_encoder=Doubled()).eval()
    x = numbers(3, 2, 8, dtype=np.float32)
    assert model(x, x).tolist() == model.decoder(x, x * 2).tolist()
    assert copy.deepcopy(model)(x, x).tolist() == model(x, x).tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: small(activation="tanh"), RuntimeError, "activation should be relu/gelu, or a function, not tanh"),
        (lambda: small(nhead=3), ValueError, "embed_dim 8 must be a positive multiple of num_heads 3"),
        (lambda: small()(ad.ones(5, 3, 8), ad.ones(4, 2, 8)), RuntimeError, "batch number of src and tgt"),
        (lambda: small()(ad.ones(5, 3, 7), ad.ones(4, 3, 8)), RuntimeError, "must be equal to d_model 8"),
        (lambda: small()(ad.ones(5, 3, 8), ad.ones(4, 3, 8), np.ones((4, 4), bool)), RuntimeError, "attn_mask has"),
        (lambda: small()(ad.ones(5, 3, 8), ad.ones(4, 3, 8), np.ones((5, 5), int)), TypeError, "a mask holds int64"),
        (lambda: nn.TransformerEncoderLayer(8, 2)(ad.ones(3, 2, 8), is_causal=True), RuntimeError, "give that mask"),
    ],
)  # fmt: skip
def test_wrong_uses_are_explained(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()


# --- multi_head_attention_forward, with what the layer has no option for --------------------------------------------


@pytest.mark.parametrize("static", [False, True])
def test_attention_of_given_weights_is_torchs(torch, static) -> None:
    rng, arrays = np.random.default_rng(0), {}
    arrays["x"], arrays["w"], arrays["b"] = rng.normal(size=(3, 2, 4)), rng.normal(size=(12, 4)), rng.normal(size=12)
    arrays["out"], arrays["k"], arrays["v"] = (
        rng.normal(size=(4, 4)),
        rng.normal(size=(4, 3, 2)),
        rng.normal(size=(4, 3, 2)),
    )
    found = []
    for library in (ad, torch):
        t = {name: library.tensor(a, requires_grad=True) for name, a in arrays.items()}
        given = {"static_k": t["k"], "static_v": t["v"]} if static else {}
        forward = (nn if library is ad else torch.nn).functional.multi_head_attention_forward
        y, w = forward(t["x"], t["x"], t["x"], 4, 2, t["w"], t["b"], None, None, True, 0.0, t["out"], None, **given)
        (y**2).sum().backward()
        used = [t["k"], t["v"]] if static else []
        found.append([y.detach(), w.detach(), *(x.grad for x in (t["x"], t["w"], t["b"], t["out"], *used))])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bias_k": ad.ones(1, 1, 4)}, "bias_k and bias_v go together"),
        ({"use_separate_proj_weight": True}, "needs q_proj_weight, k_proj_weight and v_proj_weight"),
        ({"in_proj_weight": None}, "needs in_proj_weight"),
    ],
)
def test_weights_that_do_not_go_together_are_refused(options, message) -> None:
    x, given = ad.ones(3, 1, 4), {"in_proj_weight": ad.ones(12, 4), "in_proj_bias": None, "bias_k": None} | options
    with pytest.raises(ValueError, match=message):
        nn.functional.multi_head_attention_forward(
            x, x, x, 4, 2, bias_v=None, add_zero_attn=False, dropout_p=0.0, out_proj_weight=ad.ones(4, 4),
            out_proj_bias=None, **given,
        )  # fmt: skip


def test_dropout_leaves_a_query_without_keys_at_zero_with_either_mask() -> None:
    x = ad.ones(2, 3)
    for mask in (np.zeros((2, 2), bool), np.full((2, 2), -np.inf, np.float32)):
        y = nn.functional.scaled_dot_product_attention(x, x, x, mask, dropout_p=0.5)
        assert y.tolist() == [[0.0] * 3] * 2
