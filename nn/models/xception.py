"""Xception (Chollet, 2017), its weights under timm's names (`legacy_xception`)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from autodiff import Tensor
from nn import init
from nn.layers import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear, MaxPool2d, ReLU, Sequential
from nn.module import Module


class SeparableConv2d(Module):
    """A 3x3 convolution of each channel for itself, and a 1x1 that mixes them."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, in_channels, 3, 1, 1, groups=in_channels, bias=False)
        self.pointwise = Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.pointwise(self.conv1(x))
        return output


class Block(Module):
    """Separable convolutions `widths[0]` -> `widths[1]` -> ..., a pooling where `stride` is 2, and a shortcut."""

    def __init__(self, *widths: int, stride: int = 1, start_with_relu: bool = True) -> None:
        super().__init__()
        self.skip: Conv2d | None = None
        if widths[0] != widths[-1] or stride != 1:
            self.skip = Conv2d(widths[0], widths[-1], 1, stride, bias=False)
            self.skipbn = BatchNorm2d(widths[-1])
        layers: list[Module] = []
        for before, after in pairwise(widths):
            layers += [ReLU(), SeparableConv2d(before, after), BatchNorm2d(after)]
        layers += [MaxPool2d(3, stride, 1)] if stride != 1 else []
        self.rep = Sequential(*(layers if start_with_relu else layers[1:]))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.skip is None else self.skipbn(self.skip(x))
        output: Tensor = self.rep(x) + shortcut
        return output


class Xception(Module):
    """Separable convolutions with shortcuts on images (N, in_channels, H, W), to logits (N, num_classes).

    `width` scales every number of channels, `middle` counts the blocks of one size in the middle.

    >>> import autodiff as ad
    >>> Xception(num_classes=10, width=0.125, middle=1)(ad.zeros(2, 3, 32, 32)).shape
    (2, 10)
    """

    def __init__(self, num_classes: int = 1000, *, width: float = 1.0, middle: int = 8, in_channels: int = 3) -> None:
        super().__init__()
        a, b, c, d, e, f, g, h = [int(n * width) for n in (32, 64, 128, 256, 728, 1024, 1536, 2048)]
        self.conv1 = Conv2d(in_channels, a, 3, 2, bias=False)
        self.bn1 = BatchNorm2d(a)
        self.relu = ReLU()
        self.conv2 = Conv2d(a, b, 3, bias=False)
        self.bn2 = BatchNorm2d(b)
        self.block1 = Block(b, c, c, stride=2, start_with_relu=False)
        self.block2 = Block(c, d, d, stride=2)
        self.block3 = Block(d, e, e, stride=2)
        self.last = middle + 4
        for i in range(4, self.last):
            setattr(self, f"block{i}", Block(e, e, e, e))
        setattr(self, f"block{self.last}", Block(e, e, f, stride=2))
        self.conv3 = SeparableConv2d(f, g)
        self.bn3 = BatchNorm2d(g)
        self.conv4 = SeparableConv2d(g, h)
        self.bn4 = BatchNorm2d(h)
        self.global_pool = AdaptiveAvgPool2d((1, 1))
        self.fc = Linear(h, num_classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        for i in range(1, self.last + 1):
            x = getattr(self, f"block{i}")(x)
        x = self.relu(self.bn3(self.conv3(x)))
        x = self.relu(self.bn4(self.conv4(x)))
        logits: Tensor = self.fc(self.global_pool(x).flatten(1))
        return logits


def xception(**options: Any) -> Xception:
    """Xception: 22,855,952 parameters."""
    return Xception(**options)
