"""VGG (Simonyan & Zisserman, 2015), its weights under torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodiff import Tensor
from nn import init
from nn.layers import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Linear, MaxPool2d, ReLU, Sequential
from nn.module import Module

POOL = 0  # stands for a pooling layer among the numbers of channels
VGG11 = (64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL)
VGG13 = (64, 64, POOL, 128, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL)
VGG16 = (64, 64, POOL, 128, 128, POOL, *[256] * 3, POOL, *[512] * 3, POOL, *[512] * 3, POOL)
VGG19 = (64, 64, POOL, 128, 128, POOL, *[256] * 4, POOL, *[512] * 4, POOL, *[512] * 4, POOL)


class VGG(Module):
    """3x3 convolutions and poolings on images (N, in_channels, H, W), then three affine layers to (N, num_classes).

    `channels` lists the convolutions' widths, 0 for a pooling; `hidden` is the width of the affine layers, which see
    the image at `pooled` x `pooled`.

    >>> import autodiff as ad
    >>> VGG([8, 0, 16, 0], num_classes=10, hidden=32, pooled=2)(ad.zeros(2, 3, 16, 16)).shape
    (2, 10)
    """

    def __init__(
        self,
        channels: Sequence[int],
        num_classes: int = 1000,
        dropout: float = 0.5,
        batch_norm: bool = False,
        *,
        hidden: int = 4096,
        pooled: int = 7,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        features: list[Module] = []
        last = in_channels
        for width in channels:
            if width == POOL:
                features.append(MaxPool2d(2, 2))
                continue
            features += [Conv2d(last, width, 3, padding=1), *([BatchNorm2d(width)] if batch_norm else []), ReLU()]
            last = width
        self.features = Sequential(*features)
        self.avgpool = AdaptiveAvgPool2d((pooled, pooled))
        self.classifier = Sequential(
            Linear(last * pooled * pooled, hidden),
            ReLU(),
            Dropout(dropout),
            Linear(hidden, hidden),
            ReLU(),
            Dropout(dropout),
            Linear(hidden, num_classes),
        )
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                init.zeros_(module.bias)  # type: ignore[type-var]
            elif isinstance(module, Linear):
                init.normal_(module.weight, 0.0, 0.01)
                init.zeros_(module.bias)  # type: ignore[type-var]

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits


def vgg11(**options: Any) -> VGG:
    """VGG-11: 132,863,336 parameters."""
    return VGG(VGG11, **options)


def vgg13(**options: Any) -> VGG:
    """VGG-13: 133,047,848 parameters."""
    return VGG(VGG13, **options)


def vgg16(**options: Any) -> VGG:
    """VGG-16: 138,357,544 parameters."""
    return VGG(VGG16, **options)


def vgg19(**options: Any) -> VGG:
    """VGG-19: 143,667,240 parameters."""
    return VGG(VGG19, **options)
