"""Transforms of pictures under the names of torchvision.transforms.

A NumPy array is a picture as files hold it, (H, W) or (H, W, C); a Tensor is one as models take it, (..., C, H, W), and
all of a batch is treated alike. What goes in as an array, of bytes say, comes out as one. Random transforms draw from
`generator`, or without one from the default generator of `ad.random`, which a DataLoader seeds anew for each batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, get_default_dtype, random
from autodiff.random import Generator
from nn.functional.interpolation import sources

Array = np.ndarray[Any, Any]


class Transform:
    """The base of transforms: subclasses define `apply(planes)` for an array (..., H, W), or `__call__` itself."""

    def __call__(self, image: Any) -> Any:
        if isinstance(image, Tensor):
            if image.ndim < 2:
                raise ValueError(f"{type(self).__name__}: expected a Tensor (..., C, H, W), got shape {image.shape}")
            return as_tensor(np.ascontiguousarray(self.apply(image.data)))
        image = np.asarray(image)
        if image.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: expected an array (H, W) or (H, W, C), got shape {image.shape}")
        if image.ndim == 2:
            return np.ascontiguousarray(self.apply(image))
        return np.ascontiguousarray(np.moveaxis(self.apply(np.moveaxis(image, -1, 0)), 0, -1))

    def apply(self, planes: Array) -> Array:
        """Return the transformed planes."""
        raise NotImplementedError(f"{type(self).__name__} must define apply(self, planes)")

    def __repr__(self) -> str:
        settings = {k: v for k, v in vars(self).items() if k != "generator"}
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in settings.items())})"


class Compose:
    """Transforms one after the other.

    >>> prepare = Compose([CenterCrop(2), ToTensor(), Normalize(0.5, 0.5)])
    >>> prepare(np.full((4, 4), 255, np.uint8)).tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        return "\n    ".join(["Compose(", *map(repr, self.transforms)]) + "\n)"


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)

    def __repr__(self) -> str:
        return "Lambda()"


class ToTensor:
    """An array (H, W) or (H, W, C), or a picture of Pillow's, as a Tensor (C, H, W); bytes 0 to 255 become 0 to 1.

    >>> ToTensor()(np.array([[0, 255]], np.uint8)).tolist()
    [[[0.0, 1.0]]]
    """

    def __call__(self, image: Any) -> Tensor:
        array = np.asarray(image)
        if array.ndim not in (2, 3):
            raise ValueError(f"ToTensor: expected a picture (H, W) or (H, W, C), got shape {array.shape}")
        planes = np.moveaxis(array.reshape(*array.shape[:2], -1), -1, 0)
        if planes.dtype == np.uint8:
            dtype = get_default_dtype()
            return as_tensor(np.ascontiguousarray(planes, dtype) / dtype.type(255))
        return as_tensor(np.array(planes, order="C"))

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize(Transform):
    """(x - mean) / std, with a number for each channel or one for all; takes Tensors of floats.

    >>> Normalize([1.0], [2.0])(as_tensor(np.full((1, 1, 1), 5.0))).item()
    2.0
    """

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace
        if not np.all(np.asarray(std)):
            raise ValueError(f"Normalize: std={std} would divide by zero")

    def __call__(self, image: Any) -> Tensor:
        if not isinstance(image, Tensor) or image.dtype.kind != "f":
            given = f"a Tensor of {image.dtype}" if isinstance(image, Tensor) else type(image).__name__
            raise TypeError(f"Normalize: expected a Tensor of floats, got {given}; put ToTensor() before it")
        mean, std = (np.asarray(v, image.dtype).reshape(-1, 1, 1) for v in (self.mean, self.std))
        channels = image.shape[-3] if image.ndim > 2 else 0
        if {len(mean), len(std)} - {1, channels} or image.ndim < 3:
            raise ValueError(
                f"Normalize: mean and std have {len(mean)} and {len(std)} numbers, which a Tensor of shape "
                f"{image.shape} does not fit: it needs (..., C, H, W), and a number for each channel or one for all"
            )
        out = image.data if self.inplace else None
        result = np.divide(np.subtract(image.data, mean, out=out), std, out=out)
        return image if self.inplace else as_tensor(result)


# --- flips -----------------------------------------------------------------------------------------------------------


class _RandomFlip(Transform):
    axis: int

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p has to be between 0 and 1, got {p}")
        self.p, self.generator = p, generator

    def apply(self, planes: Array) -> Array:
        return np.flip(planes, self.axis) if _chance(self.p, self.generator) else planes


class RandomHorizontalFlip(_RandomFlip):
    """Left and right are exchanged with probability p.

    >>> RandomHorizontalFlip(p=1)(np.array([[1, 2]])).tolist()
    [[2, 1]]
    """

    axis = -1


class RandomVerticalFlip(_RandomFlip):
    """Top and bottom are exchanged with probability p."""

    axis = -2


# --- crops -----------------------------------------------------------------------------------------------------------


class Pad(Transform):
    """Rows and columns around the picture: as many on all sides, or two numbers, or four.

    Two are left/right and top/bottom, four left, top, right, bottom. `padding_mode` is 'constant' (with `fill`),
    'edge', 'reflect' or 'symmetric'.

    >>> Pad(1)(np.ones((1, 1))).sum()
    np.float64(1.0)
    """

    def __init__(self, padding: Any, fill: float = 0, padding_mode: str = "constant") -> None:
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError(f"padding_mode should be constant, edge, reflect or symmetric, got {padding_mode!r}")
        sides = (padding,) if isinstance(padding, int) else tuple(padding)
        if len(sides) not in (1, 2, 4) or any(n < 0 for n in sides):
            raise ValueError(f"padding must be 1, 2 or 4 numbers >= 0, got {padding!r}")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode
        self._sides = sides * (4 // len(sides))

    def apply(self, planes: Array) -> Array:
        left, top, right, bottom = self._sides
        widths = [(0, 0)] * (planes.ndim - 2) + [(top, bottom), (left, right)]
        options = {"constant_values": self.fill} if self.padding_mode == "constant" else {}
        return np.pad(planes, widths, self.padding_mode, **options)  # type: ignore[call-overload, no-any-return]


class CenterCrop(Transform):
    """The middle of the picture, padded with zeros where the picture is smaller.

    >>> CenterCrop((1, 2))(np.arange(12).reshape(3, 4)).tolist()
    [[5, 6]]
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = _pair(size)

    def apply(self, planes: Array) -> Array:
        (h, w), (height, width) = planes.shape[-2:], self.size
        if width > w or height > h:
            extra_w, extra_h = max(width - w, 0), max(height - h, 0)
            planes = Pad((extra_w // 2, extra_h // 2, (extra_w + 1) // 2, (extra_h + 1) // 2)).apply(planes)
            h, w = planes.shape[-2:]
        return _crop(planes, round((h - height) / 2), round((w - width) / 2), height, width)


class RandomCrop(Transform):
    """A piece of the given size from anywhere in the picture, which may be padded before.

    >>> RandomCrop(32, padding=4)(np.zeros((32, 32, 3), np.uint8)).shape
    (32, 32, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
        generator: Generator | None = None,
    ) -> None:
        self.size, self.padding, self.pad_if_needed = _pair(size), padding, pad_if_needed
        self.fill, self.padding_mode, self.generator = fill, padding_mode, generator
        self._pad(0 if padding is None else padding)

    def _pad(self, padding: Any) -> Pad:
        return Pad(padding, self.fill, self.padding_mode)

    def apply(self, planes: Array) -> Array:
        if self.padding is not None:
            planes = self._pad(self.padding).apply(planes)
        (height, width), (h, w) = self.size, planes.shape[-2:]
        if self.pad_if_needed:
            planes = self._pad((max(width - w, 0), max(height - h, 0))).apply(planes)
            h, w = planes.shape[-2:]
        if h < height or w < width:
            raise ValueError(
                f"Required crop size {(height, width)} is larger than input image size {(h, w)}; "
                "resize the picture, or give padding or pad_if_needed=True"
            )
        top, left = (_integer(n, self.generator) for n in (h - height + 1, w - width + 1))
        return _crop(planes, top, left, height, width)


# --- scale and rotation ----------------------------------------------------------------------------------------------


class Resize(Transform):
    """The picture at another size; with one number, its shorter side gets it and the longer one follows.

    `interpolation` is 'bilinear' or 'nearest'. Smaller pictures are averages of the larger one's pixels (`antialias`).

    >>> Resize(2)(np.arange(16.0).reshape(4, 4)).tolist()
    [[3.57..., 5.14...], [9.85..., 11.42...]]
    """

    def __init__(self, size: int | Sequence[int], interpolation: str = "bilinear", antialias: bool = True) -> None:
        if interpolation not in ("bilinear", "nearest"):
            raise ValueError(f"interpolation should be 'bilinear' or 'nearest', got {interpolation!r}")
        self.size = size if isinstance(size, int) else _pair(size)
        if isinstance(size, int) and size < 1:
            raise ValueError(f"size should be positive, got {size}")
        self.interpolation, self.antialias = interpolation, antialias

    def apply(self, planes: Array) -> Array:
        h, w = planes.shape[-2:]
        size = self.size
        if isinstance(size, int):
            size = (size, size * w // h) if h <= w else (size * h // w, size)
        return _resized(planes, size, self.interpolation, self.antialias)


class RandomResizedCrop(Transform):
    """A piece of random area (`scale`, as a share of the picture) and width to height (`ratio`), brought to one size.

    >>> RandomResizedCrop(8)(np.zeros((3, 20, 3), np.uint8)).shape
    (8, 8, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
        antialias: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not (0 < scale[0] <= scale[1] and 0 < ratio[0] <= ratio[1]):
            raise ValueError(f"scale and ratio should be of kind (min, max), above 0; got {scale} and {ratio}")
        self.size, self.scale, self.ratio = _pair(size), tuple(scale), tuple(ratio)
        self.interpolation, self.antialias, self.generator = interpolation, antialias, generator

    def apply(self, planes: Array) -> Array:
        piece = _crop(planes, *self._box(*planes.shape[-2:]))
        return _resized(piece, self.size, self.interpolation, self.antialias)

    def _box(self, h: int, w: int) -> tuple[int, int, int, int]:
        for _ in range(10):
            area = h * w * _uniform(self.scale, self.generator)
            aspect = math.exp(_uniform([*map(math.log, self.ratio)], self.generator))
            width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < width <= w and 0 < height <= h:
                top, left = (_integer(n, self.generator) for n in (h - height + 1, w - width + 1))
                return top, left, height, width
        aspect = min(max(w / h, self.ratio[0]), self.ratio[1])  # the largest piece in the middle
        width, height = min(w, round(h * aspect)), min(h, round(w / aspect))
        return (h - height) // 2, (w - width) // 2, height, width


class RandomRotation(Transform):
    """The picture turned about its middle, counter-clockwise, by an angle drawn from `degrees`.

    `degrees` is (low, high), or n for (-n, n). What comes from outside is `fill`. `interpolation` is 'nearest' or
    'bilinear'.

    >>> RandomRotation((90, 90))(np.array([[1, 2], [3, 4]])).tolist()
    [[2, 4], [1, 3]]
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: str = "nearest",
        fill: float = 0,
        generator: Generator | None = None,
    ) -> None:
        if isinstance(degrees, (int, float)):
            if degrees < 0:
                raise ValueError(f"If degrees is a single number, it must be positive, got {degrees}")
            degrees = (-degrees, degrees)
        if len(degrees) != 2:
            raise ValueError(f"degrees should be a number or a pair, got {degrees!r}")
        if interpolation not in ("bilinear", "nearest"):
            raise ValueError(f"interpolation should be 'bilinear' or 'nearest', got {interpolation!r}")
        self.degrees, self.interpolation, self.fill = tuple(degrees), interpolation, fill
        self.generator = generator

    def apply(self, planes: Array) -> Array:
        return rotated(planes, _uniform(self.degrees, self.generator), self.interpolation, self.fill)


def rotated(planes: Array, angle: float, interpolation: str = "nearest", fill: float = 0) -> Array:
    """Turn planes (..., H, W) about their middle, counter-clockwise, by an angle in degrees."""
    from scipy import ndimage

    (h, w), turn = planes.shape[-2:], math.radians(angle)
    cos, sin = round(math.cos(turn), 12), round(math.sin(turn), 12)  # a right angle is to land on the pixels
    y, x = np.mgrid[:h, :w] - np.array([(h - 1) / 2, (w - 1) / 2]).reshape(2, 1, 1)
    source = np.stack([sin * x + cos * y + (h - 1) / 2, cos * x - sin * y + (w - 1) / 2])
    order = 1 if interpolation == "bilinear" else 0
    flat = planes.reshape(-1, h, w)
    work = flat if flat.dtype.kind == "f" and flat.dtype.itemsize > 2 else flat.astype(np.float32)
    turned = [ndimage.map_coordinates(p, source, order=order, mode="grid-constant", cval=fill) for p in work]
    return _as(np.array(turned, work.dtype).reshape(planes.shape), planes.dtype)


# --- what they share -------------------------------------------------------------------------------------------------


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    given = (size, size) if isinstance(size, int) else tuple(size)
    if len(given) == 1:
        given *= 2
    if len(given) != 2 or min(given) < 1:
        raise ValueError(f"size should be a positive integer or a pair (height, width) of them, got {size!r}")
    return given


def _crop(planes: Array, top: int, left: int, height: int, width: int) -> Array:
    return planes[..., top : top + height, left : left + width]


def _resized(planes: Array, size: tuple[int, int], interpolation: str, antialias: bool) -> Array:
    """Resize (..., H, W) by one matrix product for each of the two axes."""
    dtype = np.result_type(planes.dtype, np.float32)
    rows, columns = (
        _weights(n, m, interpolation, antialias).astype(dtype) for n, m in zip(planes.shape[-2:], size, strict=True)
    )
    return _as(rows @ planes.astype(dtype) @ columns.T, planes.dtype)


def _weights(n: int, m: int, interpolation: str, antialias: bool) -> Array:
    """Return the matrix that takes n pixels to m: each row holds a pixel's weights."""
    places, weights = sources(n, m, None, interpolation.removeprefix("bi"), False, antialias)
    matrix = np.zeros((m, n))
    np.add.at(matrix, (np.arange(m), places), 1.0 if weights is None else weights)
    return matrix


def _as(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return values in a picture's own dtype, rounded into its range if that is of integers."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(dtype, copy=False)


def _uniform(limits: Sequence[float], generator: Generator | None) -> float:
    low, high = limits
    return float(random.uniform(low, high, dtype=np.float64, generator=generator))


def _integer(high: int, generator: Generator | None) -> int:
    return int(random.randint(high, generator=generator))


def _chance(p: float, generator: Generator | None) -> bool:
    return _uniform((0, 1), generator) < p
