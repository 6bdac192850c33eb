"""Padding and Unflatten: values beyond the drawn ones, dtypes, empty batches, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.testing import gradcheck
from nn import functional as F

KINDS = ("Zero", "Constant", "Reflection", "Replication", "Circular")


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_show_their_options_as_torch_does(torch, kind: str, n: int) -> None:
    for padding in (1, tuple(range(2 * n))):
        given = (padding, 2.5) if kind == "Constant" else (padding,)
        ours, theirs = (getattr(place, f"{kind}Pad{n}d")(*given) for place in (nn, torch.nn))
        assert repr(ours) == repr(theirs)


@pytest.mark.parametrize(
    "pair", [(2, -1), (-1, 2), (-2, 2), (3, -3), (-1, -1), (4, 0), (-3, 3), (1, -4), (-5, 2), (0, 0)]
)
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_to_add_at_one_side_and_crop_at_the_other(torch, mode: str, pair: tuple[int, int]) -> None:
    x = np.arange(1.0, 5.0).reshape(1, 1, 4)
    try:
        expected = torch.nn.functional.pad(torch.tensor(x), pair, mode).numpy()
    except RuntimeError:
        expected = None
    if expected is None or (mode == "circular" and 4 + min(pair) < max(pair)):  # torch gives unset memory then
        with pytest.raises(RuntimeError, match="pad"):
            F.pad(ad.tensor(x), pair, mode)
    else:
        np.testing.assert_array_equal(F.pad(ad.tensor(x), pair, mode).numpy(), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_the_dtype_and_an_empty_batch_stay(mode: str, dtype: type) -> None:
    x = ad.tensor(np.arange(24).reshape(2, 3, 4).astype(dtype))
    assert F.pad(x, (1, 2), mode).dtype == dtype
    assert F.pad(x[:0], (1, 2), mode).shape == (0, 3, 7)
    across = ad.tensor(np.arange(24).reshape(4, 3, 2).T.astype(dtype))
    np.testing.assert_array_equal(F.pad(across, (1, 1), mode), F.pad(across.clone(), (1, 1), mode))


def test_a_constant_pads_any_axes_and_none() -> None:
    x = ad.ones(2)
    assert F.pad(x, ()) is x
    assert F.pad(x, (1, 0), value=-1.0).tolist() == [-1.0, 1.0, 1.0]
    assert F.pad(ad.ones(1, 1, 1, 1), (0, 1) * 4).shape == (2, 2, 2, 2)
    assert F.pad(x, (-1, -1)).shape == (0,)


def test_second_derivatives() -> None:
    x = ad.tensor([[0.3, -1.2, 2.0]], dtype=float)
    for mode in ("reflect", "replicate", "circular"):
        assert gradcheck(lambda x, mode=mode: F.pad(x, (2, 1), mode) ** 3, x, order=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.pad(x, (1, 1), "mirror"), NotImplementedError, "unknown mode 'mirror'; use one of"),
        (lambda x: F.pad(x, (1,)), RuntimeError, r"pad \(1,\) for shape \(2, 3, 4\): expected two numbers for each"),
        (lambda x: F.pad(x, (1,) * 8), RuntimeError, "of at most 3"),
        (lambda x: F.pad(x, (1, 1), "reflect", 2.0), RuntimeError, "mode 'reflect' takes no value, got 2.0"),
        (lambda x: F.pad(x, (1,) * 6, "circular"), NotImplementedError, "takes 2 numbers for"),
        (lambda x: F.pad(x, (4, 0), "reflect"), RuntimeError, r"\(4, 0\) must be less than the length 4 of axis 2"),
        (lambda x: F.pad(x, (0, 5), "circular"), RuntimeError, "goes around the length 4 of axis 2 more than once"),
        (lambda x: F.pad(x[..., :0], (1, 0), "replicate"), RuntimeError, r"\(2, 3, 0\) has no element to repeat"),
        (lambda x: F.pad(x, (-3, -2)), RuntimeError, "nothing would be left of an axis"),
        (lambda x: F.pad(x, (-5, 3)), RuntimeError, "more is cropped than there is"),
        (lambda x: nn.ZeroPad2d((1, 2)), ValueError, r"ZeroPad2d: padding must be one number or 4, .* got \(1, 2\)"),
        (lambda x: nn.ReflectionPad2d(1)(x[0, 0]), (RuntimeError, NotImplementedError), r"pad \(1, 1, 1, 1\)"),
        (lambda x: nn.Unflatten("N", (2, 2)), TypeError, "dim must be an integer, got str"),
        (lambda x: nn.Unflatten(1, 5), TypeError, "must be a tuple of ints, got 5"),
        (lambda x: nn.Unflatten(1, (2, 2))(x), RuntimeError, r"sizes \(2, 2\) do not multiply to 3, axis 1 of shape"),
        (lambda x: nn.Unflatten(1, (-1, -1))(x), RuntimeError, "do not multiply"),
        (lambda x: nn.Unflatten(1, (2, -1))(x), RuntimeError, "do not multiply"),
        (lambda x: nn.Unflatten(1, ())(x), RuntimeError, "do not multiply"),
        (lambda x: nn.Unflatten(3, (1, 1))(x), IndexError, "unflatten: dim 3 is out of range"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(ad.ones(2, 3, 4))


def test_unflatten_undoes_flatten(torch) -> None:
    x = ad.ones(2, 3, 4)
    assert nn.Unflatten(1, (3, 4))(nn.Flatten()(x)).shape == x.shape
    assert repr(nn.Unflatten(1, (3, 4))) == repr(torch.nn.Unflatten(1, (3, 4)))
    assert nn.Unflatten(1, [3, -1])(ad.ones(0, 12)).shape == (0, 3, 4)
