"""Transforms of pictures: against torch's own resampling, closed forms, dtypes, seeds and bad input."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from autodiff.random import Generator
from nn import data
from nn.data import transforms as T

IMAGE = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
TENSOR = ad.tensor(np.moveaxis(IMAGE, -1, 0).astype(np.float32))

SOME = {
    "flip": lambda g: T.RandomHorizontalFlip(0.5, generator=g),
    "vertical": lambda g: T.RandomVerticalFlip(0.5, generator=g),
    "center": lambda g: T.CenterCrop((3, 8)),
    "crop": lambda g: T.RandomCrop(4, padding=2, generator=g),
    "needed": lambda g: T.RandomCrop((9, 3), pad_if_needed=True, fill=7, generator=g),
    "pad": lambda g: T.Pad((1, 2, 3, 0), padding_mode="reflect"),
    "resize": lambda g: T.Resize((3, 9)),
    "nearest": lambda g: T.Resize(3, "nearest"),
    "resized crop": lambda g: T.RandomResizedCrop(4, generator=g),
    "rotation": lambda g: T.RandomRotation(30, "bilinear", generator=g),
}
each = pytest.mark.parametrize("make", SOME.values(), ids=SOME)


@each
def test_pictures_and_tensors_are_treated_alike_and_keep_their_dtype(make) -> None:
    picture = make(Generator(3))(IMAGE)
    planes = make(Generator(3))(TENSOR)
    assert isinstance(picture, np.ndarray)
    assert picture.dtype == np.uint8
    assert planes.dtype == np.float32
    np.testing.assert_allclose(np.moveaxis(picture, -1, 0), planes.numpy(), atol=0.5001)
    np.testing.assert_array_equal(make(Generator(3))(IMAGE[..., 0]), picture[..., 0])  # grey
    batch = make(Generator(3))(ad.tensor(np.stack([TENSOR.numpy()] * 2)))  # all of it alike
    np.testing.assert_array_equal(batch.numpy()[1], planes.numpy())
    assert repr(make(None)).startswith(type(make(None)).__name__ + "(")


@each
def test_seeds_replay_also_the_default_generators(make) -> None:
    def several(generator):
        transform = make(generator)
        return [transform(IMAGE) for _ in range(8)]

    for a, b in zip(several(Generator(1)), several(Generator(1)), strict=True):
        np.testing.assert_array_equal(a, b)
    ad.manual_seed(5)
    first = several(None)
    ad.manual_seed(5)
    for a, b in zip(first, several(None), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(3, 4), (9, 3), (10, 13), (1, 1)])
def test_resize_equals_torch(torch, size, antialias) -> None:
    x = np.random.default_rng(0).random((2, 7, 8)).astype(np.float32)
    ours = T.Resize(size, antialias=antialias)(ad.tensor(x)).numpy()
    theirs = torch.nn.functional.interpolate(torch.tensor(x)[None], size, mode="bilinear", antialias=antialias)[0]
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)
    ours = T.Resize(size, "nearest")(ad.tensor(x)).numpy()
    np.testing.assert_array_equal(ours, torch.nn.functional.interpolate(torch.tensor(x)[None], size)[0].numpy())


@pytest.mark.parametrize("angle", [0, 17.0, -40.0, 90, 180, 270])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_rotation_equals_torch(torch, angle, mode) -> None:
    h, w = 7, 9
    x = np.random.default_rng(0).random((2, h, w))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    theta = torch.tensor([[[cos, -sin * h / w, 0], [sin * w / h, cos, 0]]])
    grid = torch.nn.functional.affine_grid(theta, (1, 2, h, w), align_corners=False)
    theirs = torch.nn.functional.grid_sample(torch.tensor(x)[None], grid, mode=mode, align_corners=False)[0].numpy()
    ours = T.RandomRotation((angle, angle), mode)(ad.tensor(x)).numpy()
    if mode == "bilinear" or angle % 90:
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    square = x[:, :, :7]
    turned = T.RandomRotation((angle, angle), mode)(ad.tensor(square)).numpy()
    if angle % 90 == 0:
        np.testing.assert_allclose(turned, np.rot90(square, angle // 90, (1, 2)), atol=1e-6)


def test_crops_come_from_everywhere_and_flips_at_their_rate() -> None:
    crop, flip = T.RandomCrop(2, generator=Generator(0)), T.RandomHorizontalFlip(0.3, generator=Generator(0))
    picture = np.arange(9).reshape(3, 3)
    assert {crop(picture)[0, 0].item() for _ in range(100)} == {0, 1, 3, 4}
    assert abs(np.mean([flip(picture)[0, 0] == 2 for _ in range(2000)]) - 0.3) < 0.04
    assert T.CenterCrop(1)(picture).tolist() == [[4]]
    areas = [T.RandomResizedCrop(1, scale=(0.25, 0.5), generator=Generator(i))._box(100, 80) for i in range(200)]
    for top, left, height, width in areas:
        assert 0.24 <= height * width / 8000 <= 0.51
        assert 0 <= top <= 100 - height
        assert 0 <= left <= 80 - width
        assert 0.73 <= width / height <= 1.36


def test_to_tensor_and_normalize() -> None:
    x = T.ToTensor()(IMAGE)
    assert x.shape == (3, 5, 6)
    np.testing.assert_array_equal(x.numpy(), np.moveaxis(IMAGE, -1, 0).astype(np.float32) / np.float32(255))
    assert T.ToTensor()(IMAGE.astype(np.float64)).dtype == np.float64
    assert T.ToTensor()(IMAGE[..., 0]).shape == (1, 5, 6)
    y = T.Normalize([0.1, 0.2, 0.3], [1.0, 2.0, 4.0])(x)
    np.testing.assert_allclose(y.numpy()[2], (x.numpy()[2] - 0.3) / 4, rtol=1e-6)
    assert y.dtype == np.float32
    assert T.Normalize(0.5, 0.5, inplace=True)(x) is x
    pillow = pytest.importorskip("PIL.Image")
    np.testing.assert_array_equal(T.ToTensor()(pillow.fromarray(IMAGE)).numpy(), T.ToTensor()(IMAGE).numpy())


def test_a_loader_seeds_random_transforms_for_each_batch() -> None:
    prepare = T.Compose([T.RandomCrop(3), T.Lambda(lambda p: p[::-1]), T.ToTensor()])
    assert repr(prepare).count("\n") == 4

    class Pictures(data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return prepare(IMAGE)

    def run(**options):
        ad.manual_seed(0)
        return [batch.tolist() for batch in data.DataLoader(Pictures(), 2, shuffle=True, **options)]

    assert run() == run() == run(num_workers=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: T.RandomCrop(9)(IMAGE), ValueError, r"crop size \(9, 9\) is larger than .* \(5, 6\)"),
        (lambda: T.RandomCrop(0), ValueError, "size should be a positive"),
        (lambda: T.CenterCrop((1, 2, 3)), ValueError, r"pair .* got \(1, 2, 3\)"),
        (lambda: T.RandomHorizontalFlip(2), ValueError, "RandomHorizontalFlip: p has to be between 0 and 1"),
        (lambda: T.Pad((1, 2, 3)), ValueError, "1, 2 or 4 numbers"),
        (lambda: T.Pad(1, padding_mode="wrap"), ValueError, "'wrap'"),
        (lambda: T.Resize(3, "cubic"), ValueError, "'cubic'"),
        (lambda: T.Resize(0), ValueError, "positive, got 0"),
        (lambda: T.RandomResizedCrop(3, scale=(1, 0.5)), ValueError, "kind .min, max."),
        (lambda: T.RandomRotation(-3), ValueError, "must be positive, got -3"),
        (lambda: T.RandomRotation((1, 2, 3)), ValueError, "a number or a pair"),
        (lambda: T.Normalize(0, 0), ValueError, "divide by zero"),
        (lambda: T.Normalize(0, 1)(IMAGE), TypeError, "got ndarray; put ToTensor"),
        (lambda: T.Normalize(0, 1)(ad.arange(3)), TypeError, "Tensor of int64"),
        (lambda: T.Normalize([0, 1], 1)(TENSOR), ValueError, r"2 and 1 numbers.* \(3, 5, 6\)"),
        (lambda: T.ToTensor()(np.ones(3)), ValueError, r"\(H, W, C\), got shape \(3,\)"),
        (lambda: T.CenterCrop(1)(np.ones(3)), ValueError, r"CenterCrop: .* got shape \(3,\)"),
        (lambda: T.CenterCrop(1)(ad.ones(3)), ValueError, r"CenterCrop: .* got shape \(3,\)"),
        (lambda: T.Lambda(3), TypeError, "callable, got int"),
        (lambda: T.Transform()(IMAGE), NotImplementedError, "must define apply"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()
