"""nn.models: published parameter counts, published keys, and small twins of each compared with PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import init, models
from tests.nn import parity
from tests.nn.twins import twin

COUNTS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "mobilenet": 4_231_976,
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "googlenet": 6_624_904,
    "xception": 22_855_952,
    "gpt2": 124_439_808,
    "transformer": 63_084_544,
}
IMAGE = (2, 3, 32, 32)
SMALL: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = {
    "resnet18": (models.ResNet, (models.BasicBlock, [2, 1, 1, 1]), {"num_classes": 5, "width": 4}, IMAGE),
    "resnet50": (models.ResNet, (models.Bottleneck, [1, 2, 1, 1]), {"num_classes": 5, "width": 4}, IMAGE),
    "vgg": (models.VGG, ([4, 0, 6, 6, 0],), {"num_classes": 5, "dropout": 0.0, "hidden": 8, "pooled": 3}, IMAGE),
    "vgg_bn": (models.VGG, ([4, 0],), {"dropout": 0.0, "batch_norm": True, "hidden": 8, "pooled": 2}, IMAGE),
    "mobilenet": (models.MobileNet, (), {"num_classes": 5, "width_mult": 0.125}, (6, 3, 32, 32)),
    "densenet": (models.DenseNet, (4, (2, 3), 6), {"bn_size": 2, "num_classes": 5}, IMAGE),
    "googlenet": (models.GoogLeNet, (5,), {"dropout": 0.0, "width": 0.0625}, IMAGE),
    "googlenet_aux": (models.GoogLeNet, (5, True, 0.0, 0.0), {"width": 0.0625}, IMAGE),
    "xception": (models.Xception, (5,), {"width": 0.0625, "middle": 1}, (2, 3, 40, 40)),
}
TINY_GPT = {"vocab_size": 11, "n_positions": 8, "n_embd": 8, "n_layer": 2, "n_head": 2}
NO_DROPOUT = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)


@pytest.mark.parametrize("name", COUNTS)
def test_published_parameter_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for draw in ("uniform_", "normal_"):  # memory that is never written is never there
        monkeypatch.setattr(init, draw, lambda tensor, *args, **kwargs: tensor)
    model = getattr(models, name)()
    assert sum(p.size for p in model.parameters()) == COUNTS[name]


@pytest.mark.parametrize("name", SMALL)
def test_small_twins_agree(name: str, torch: Any) -> None:
    make, args, options, shape = SMALL[name]
    ours = make(*args, **options).to(np.float64)
    for buffer in ours.buffers():
        if buffer.dtype.kind == "f":
            buffer.data[...] = np.random.default_rng(0).uniform(0.5, 2.0, buffer.shape)
    theirs = twin(torch, ours, *args, **options)
    x = ad.randn(*shape, dtype=np.float64)
    parity.compare(torch, ours, theirs, (x,), rtol=1e-7, steps=1)
    parity.compare(torch, ours.eval(), theirs.eval(), (x,), rtol=1e-7, steps=1)


def test_small_gpt2_agrees(torch: Any) -> None:
    ours = models.GPT2LMHeadModel(**TINY_GPT, **NO_DROPOUT).to(np.float64)
    theirs = twin(torch, ours, **TINY_GPT, **NO_DROPOUT)
    tokens = np.random.default_rng(0).integers(0, 11, (2, 8))
    parity.compare(torch, ours, theirs, (ad.tensor(tokens),))


def test_small_transformer_agrees(torch: Any) -> None:
    options = {"d_model": 8, "nhead": 2, "num_layers": 2, "dim_feedforward": 6, "dropout": 0.0, "max_length": 7}
    ours = models.Seq2SeqTransformer(11, **options).to(np.float64)
    theirs = twin(torch, ours, 11, **options)
    src, tgt = np.random.default_rng(0).integers(1, 11, (2, 3, 7))
    src[0, 5:] = tgt[1, 4:] = 0  # padding
    parity.compare(torch, ours, theirs, (ad.tensor(src), ad.tensor(tgt[:, :6])))
    with pytest.raises(ValueError, match="8 tokens, but max_length is 7"):
        ours(ad.ones(1, 8, dtype=np.int64), ad.tensor(tgt))


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_of_a_model_gets_a_gradient(name: str) -> None:
    make, args, options, shape = SMALL[name]
    model = make(*args, **options)
    outputs = list(parity.tensors(model(ad.randn(*shape))))
    sum((y * y).sum() for y in outputs).backward()
    assert all(p.grad is not None and np.isfinite(p.grad.data).all() for p in model.parameters())
    assert {y.dtype for y in outputs} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("name", "keys"),
    {
        "resnet18": ["conv1.weight", "bn1.running_mean", "layer2.0.downsample.1.num_batches_tracked", "fc.bias"],
        "vgg": ["features.0.weight", "classifier.6.bias"],
        "mobilenet": ["conv_stem.weight", "blocks.3.4.conv_dw.weight", "blocks.4.1.bn2.bias", "classifier.weight"],
        "densenet": ["features.conv0.weight", "features.denseblock1.denselayer2.norm2.bias", "features.norm5.weight"],
        "googlenet_aux": ["conv1.conv.weight", "inception4b.branch3.1.bn.bias", "aux2.fc2.weight", "fc.weight"],
        "xception": ["block1.rep.0.pointwise.weight", "block5.skip.weight", "block3.skipbn.bias", "conv4.conv1.weight"],
    }.items(),
)
def test_published_keys(name: str, keys: list[str]) -> None:
    make, args, options, _ = SMALL[name]
    state = make(*args, **options).state_dict()
    assert [key for key in keys if key not in state] == []


def test_gpt2_ties_its_tables_and_loads_the_published_file() -> None:
    model, other = models.GPT2LMHeadModel(**TINY_GPT).eval(), models.GPT2LMHeadModel(**TINY_GPT).eval()
    assert model.lm_head.weight is model.transformer.wte.weight
    published = {
        **model.transformer.state_dict(),
        "h.0.attn.bias": ad.ones(1, 1, 8, 8),
        "h.0.attn.masked_bias": ad.tensor(-1e4),
    }
    other.load_state_dict(published)
    tokens = ad.tensor([[1, 2, 3]])
    np.testing.assert_array_equal(model(tokens).data, other(tokens).data)
    other.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match=r"Missing key.*transformer.wpe.weight"):
        other.load_state_dict({key: x for key, x in published.items() if key != "wpe.weight"})


def test_gpt2_sees_no_later_token() -> None:
    model = models.GPT2LMHeadModel(**TINY_GPT).eval()
    a, b = model(ad.tensor([[1, 2, 3, 4]])), model(ad.tensor([[1, 2, 9, 9]]))
    np.testing.assert_allclose(a.data[:, :2], b.data[:, :2], rtol=1e-5, atol=1e-6)
    assert np.abs(a.data[:, 2:] - b.data[:, 2:]).max() > 1e-3


def test_bad_input_is_named() -> None:
    model = models.GPT2LMHeadModel(**TINY_GPT)
    with pytest.raises(ValueError, match="9 tokens, but n_positions is 8"):
        model(ad.zeros(1, 9, dtype=np.int64))
    with pytest.raises(ValueError, match="n_embd 8 must be a multiple of n_head 3"):
        models.GPT2LMHeadModel(**(TINY_GPT | {"n_head": 3}))
    make, args, options, _ = SMALL["resnet18"]
    with pytest.raises((RuntimeError, ValueError), match="channels"):
        make(*args, **options)(ad.zeros(1, 1, 32, 32))


def test_initial_values_keep_the_scale_of_what_passes() -> None:
    model = models.ResNet(models.BasicBlock, [1, 1, 1, 1], width=16, zero_init_residual=True)
    assert abs(model.conv1.weight.data.std() - (2 / (16 * 49)) ** 0.5) < 0.003
    assert not model.layer1[0].bn2.weight.data.any()
    gpt = models.GPT2LMHeadModel(**(TINY_GPT | {"n_embd": 64}))
    block = gpt.transformer.h[0]
    assert abs(block.mlp.c_fc.weight.data.std() - 0.02) < 0.001
    assert abs(block.mlp.c_proj.weight.data.std() - 0.01) < 0.001  # 0.02 / sqrt(2 layers x 2)
    assert isinstance(gpt.transformer.h[0].mlp.act, nn.GELU)
