"""Normalization layers are torch's: values, gradients, running averages, states; in either memory layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.kernels import compiled
from nn import functional

LAYERS = [
    ("BatchNorm1d", (4,), {}, (5, 4)),
    ("BatchNorm1d", (4,), {"momentum": None}, (5, 4, 3)),
    ("BatchNorm2d", (4,), {"momentum": 0.3, "eps": 0.01}, (2, 4, 3, 5)),
    ("BatchNorm2d", (4,), {"affine": False}, (2, 4, 3, 5)),
    ("BatchNorm2d", (4,), {"bias": False}, (2, 4, 3, 5)),
    ("BatchNorm2d", (16,), {"track_running_stats": False}, (2, 16, 4, 4)),
    ("BatchNorm3d", (4,), {}, (2, 4, 3, 2, 2)),
    ("InstanceNorm1d", (4,), {}, (2, 4, 3)),
    ("InstanceNorm1d", (4,), {"affine": True}, (4, 3)),
    ("InstanceNorm2d", (4,), {"affine": True, "track_running_stats": True}, (2, 4, 3, 5)),
    ("InstanceNorm3d", (4,), {"track_running_stats": True, "momentum": 0.4}, (2, 4, 3, 2, 2)),
    ("GroupNorm", (2, 4), {}, (2, 4, 3, 5)),
    ("GroupNorm", (4, 4), {"affine": False}, (2, 4, 3)),
    ("GroupNorm", (1, 6), {"eps": 0.1, "bias": False}, (2, 6, 3, 2)),
    ("LayerNorm", (6,), {}, (2, 5, 6)),
    ("LayerNorm", ((5, 6),), {"eps": 0.1}, (2, 5, 6)),
    ("LayerNorm", (6,), {"bias": False}, (6,)),
    ("LayerNorm", (6,), {"elementwise_affine": False}, (0, 6)),
    ("RMSNorm", (6,), {}, (2, 5, 6)),
    ("RMSNorm", ([5, 6],), {"eps": 0.1, "elementwise_affine": False}, (2, 5, 6)),
]


def last(x: Any) -> Any:
    """Lay images out with their channels last."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim > 2 else x


def pair(torch: Any, name: str, args: Any, options: Any, dtype: Any) -> tuple[Any, Any]:
    """Return a layer of ours and torch's in the same drawn state."""
    ours = getattr(nn, name)(*args, **options, dtype=dtype)
    theirs = getattr(torch.nn, name)(*args, **options, dtype=getattr(torch, np.dtype(dtype).name))
    rng = np.random.default_rng(7)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    state = {k: np.asarray(rng.uniform(0.5, 2, v.shape), v.dtype) for k, v in ours.state_dict().items()}
    ours.load_state_dict(state)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    return ours, theirs


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, last], ids=["first", "last"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS, ids=lambda v: str(v))
def test_layers_are_torchs(torch, name, args, options, shape, dtype, layout, fast) -> None:
    ours, theirs = pair(torch, name, args, options, dtype)
    assert repr(ours) == repr(theirs)
    rng, close = np.random.default_rng(0), {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"atol": 1e-4}
    for mode in (True, True, False):
        ours.train(mode)
        theirs.train(mode)
        array = layout(rng.normal(1.5, size=shape).astype(dtype))
        x, u = ad.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
        g = rng.normal(size=shape).astype(dtype)
        with np.errstate(all="raise"), compiled.without() if not fast else np.errstate():
            y = ours(x)
            y.backward(ad.tensor(g))
        z = theirs(u)
        z.backward(torch.tensor(g))
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
        np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), **close)
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), **close)
        for key, value in ours.state_dict().items():
            np.testing.assert_allclose(value.numpy(), theirs.state_dict()[key].numpy(), **close)
            assert value.dtype == theirs.state_dict()[key].numpy().dtype


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, last], ids=["first", "last"])
def test_a_layout_is_kept_both_ways(layout, fast) -> None:
    x = ad.as_tensor(layout(np.random.default_rng(0).normal(size=(2, 16, 4, 4)).astype("f"))).requires_grad_()
    with compiled.without() if not fast else np.errstate():
        y = functional.batch_norm(x, None, None, training=True)
        (g,) = ad.grad(y, x, ad.as_tensor(layout(np.ones((2, 16, 4, 4), "f"))), create_graph=False)
    assert y.detach().numpy().strides == g.numpy().strides == x.detach().numpy().strides


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
@pytest.mark.parametrize("shape", [(64, 16, 4, 4), (64, 16)])
def test_a_mean_far_from_zero_leaves_the_variance_exact(shape, fast) -> None:
    x = last(np.random.default_rng(0).normal(1000, 1, size=shape)).astype("f")
    with compiled.without() if not fast else np.errstate():
        y = functional.batch_norm(ad.as_tensor(x), None, None, training=True).numpy()
    axes = (0, *range(2, x.ndim))
    exact = x.astype(float)
    exact = (exact - exact.mean(axes, keepdims=True)) / np.sqrt(exact.var(axes, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, exact, atol=2e-3)  # x itself is known to 6e-5


@pytest.mark.parametrize("fast", [True, False], ids=["compiled", "NumPy"])
def test_nan_stays_within_what_is_normalized_together(fast) -> None:
    x = np.ones((2, 16, 2, 2), "f")
    x[0, 3, 0, 0] = np.nan
    with compiled.without() if not fast else np.errstate():
        over_batch = functional.batch_norm(ad.as_tensor(last(x)), None, None, training=True).numpy()
        over_groups = functional.group_norm(ad.as_tensor(last(x)), 4).numpy()
    assert np.isnan(over_batch).sum() == 8
    assert np.isnan(over_batch[:, 3]).all()
    assert np.isnan(over_groups[0, :4]).all()
    assert np.isnan(over_groups).sum() == 16


def test_float16_is_computed_in_float32() -> None:
    x = np.random.default_rng(0).normal(200, 1, size=(4, 300)).astype(np.float16)  # the sum of squares overflows
    y = functional.layer_norm(ad.as_tensor(x), 300).numpy()
    wide = x.astype(float)
    expected = (wide - wide.mean(1, keepdims=True)) / wide.std(1, keepdims=True)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, expected, atol=5e-3)


def test_no_batch_at_all(torch) -> None:
    x = ad.zeros(0, 3, requires_grad=True)
    y = functional.batch_norm(x, None, None, training=True)
    assert y.shape == (0, 3)
    assert ad.grad(y.sum(), x)[0].shape == (0, 3)


def test_running_averages_are_written_where_they_are_and_are_not_trained() -> None:
    layer = nn.BatchNorm1d(2)
    memory = layer.running_mean.numpy()
    layer(ad.tensor([[1.0, 3.0], [3.0, 5.0]]))
    assert layer.running_mean.numpy() is memory
    np.testing.assert_allclose(memory, [0.2, 0.4])
    np.testing.assert_allclose(layer.running_var.tolist(), [1.1, 1.1], rtol=1e-6)
    assert layer.num_batches_tracked.item() == 1
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    layer.reset_parameters()
    assert layer.running_mean.tolist() == [0.0, 0.0]


def test_two_forward_passes_then_one_backward() -> None:
    layer, x = nn.BatchNorm1d(2), ad.tensor([[1.0, 3.0], [2.0, 5.0], [4.0, 4.0]], requires_grad=True)
    (layer(x) * layer(x * 2)).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


WRONG = [
    (lambda: nn.BatchNorm1d(3)(ad.ones(2, 3, 4, 4)), r"expected 2D or 3D input \(got 4D input of"),
    (lambda: nn.BatchNorm2d(3)(ad.ones(2, 3)), r"expected 4D input \(got 2D input of"),
    (lambda: nn.BatchNorm1d(3)(ad.ones(2, 4)), r"\(2, 4\) has 4 channels .*running_mean has shape \(3,\)"),
    (lambda: nn.BatchNorm1d(3)(ad.ones(1, 3)), r"more than 1 value per channel when training, got input size \(1, 3\)"),
    (lambda: nn.InstanceNorm1d(3)(ad.ones(2, 3, 1)), r"more than 1 spatial element when training"),
    (lambda: nn.InstanceNorm1d(3, affine=True)(ad.ones(2, 4, 5)), r"dim=1 to match num_features \(3\), but got: 4"),
    (lambda: nn.InstanceNorm2d(3)(ad.ones(2, 3)), r"expected 3D or 4D input \(got 2D input of"),
    (lambda: nn.GroupNorm(2, 3), r"num_channels \(3\) must be divisible by num_groups \(2\)"),
    (lambda: functional.group_norm(ad.ones(2, 3), 2), r"divisible by num_groups, but got input of shape \(2, 3\)"),
    (lambda: functional.group_norm(ad.ones(1, 2), 2), r"more than 1 value per channel"),
    (lambda: functional.group_norm(ad.ones(2), 1), r"expected an input of shape \(N, C, ...\), got \(2,\)"),
    (lambda: nn.LayerNorm(4)(ad.ones(2, 3)), r"expected input with shape \(..., 4\), but got input of shape \(2, 3\)"),
    (lambda: nn.RMSNorm((1, 2, 3))(ad.ones(2, 3)), r"expected input with shape \(..., 1, 2, 3\)"),
    (lambda: functional.layer_norm(ad.ones(2, 3), ()), r"given normalized_shape=\(\)"),
    (lambda: functional.layer_norm(ad.ones(2, 3), 3, ad.ones(2)), r"weight should have shape \(3,\), got \(2,\)"),
    (lambda: functional.batch_norm(ad.ones(2, 3), None, ad.ones(3)), "running_mean must be defined in evaluation mode"),
    (lambda: functional.batch_norm(ad.ones(2, 3), ad.ones(3), None), "running_var must be defined in evaluation mode"),
    (
        lambda: functional.batch_norm(ad.ones(2, 3), None, None, ad.ones(2), training=True),
        "has 3 channels .*weight has shape",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[m for _, m in WRONG])
def test_what_does_not_fit_is_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda dtype: nn.BatchNorm1d(3, dtype=dtype), (0, 3)),
        (lambda dtype: nn.BatchNorm2d(3, dtype=dtype).eval(), (0, 3, 2, 2)),
        (lambda dtype: nn.InstanceNorm1d(3, affine=True, track_running_stats=True, dtype=dtype), (0, 3, 5)),
        (lambda dtype: nn.GroupNorm(1, 3, dtype=dtype), (0, 3, 2)),
        (lambda dtype: nn.LayerNorm(3, dtype=dtype), (0, 3)),
    ],
)
def test_an_empty_batch_changes_nothing(make: Any, shape: Any, dtype: Any) -> None:
    layer, x = make(dtype), ad.ones(*shape, dtype=dtype, requires_grad=True)
    before = {name: value.numpy().copy() for name, value in layer.named_buffers()}
    y = layer(x)
    assert y.shape == shape
    y.sum().backward()
    assert x.grad.shape == shape
    assert all((p.grad.numpy() == 0).all() for p in layer.parameters())
    assert all((before[name] == b.numpy()).all() for name, b in layer.named_buffers() if name != "num_batches_tracked")
