"""GoogLeNet (Szegedy et al., 2015) with batch normalization, its weights under torchvision's names."""

from __future__ import annotations

from typing import Any, NamedTuple

import autodiff as ad
from autodiff import Tensor
from nn import functional as F
from nn import init
from nn.layers import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Linear, MaxPool2d, Sequential
from nn.module import Module

# Of each inception: channels of its 1x1; the narrowing 1x1 and the 3x3; once more; the 1x1 after the pooling.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class GoogLeNetOutputs(NamedTuple):
    """What a GoogLeNet with auxiliary classifiers returns in training."""

    logits: Any
    aux_logits2: Any
    aux_logits1: Any


class BasicConv2d(Module):
    """A convolution without bias, normalization and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, **options: Any) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, out_channels, bias=False, **options)
        self.bn = BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Inception(Module):
    """Four branches side by side; the third, 5x5 in the paper, is 3x3 in the published weights."""

    def __init__(self, channels: int, one: int, red3: int, three: int, red5: int, five: int, pool: int) -> None:
        super().__init__()
        self.branch1 = BasicConv2d(channels, one, kernel_size=1)
        self.branch2 = Sequential(
            BasicConv2d(channels, red3, kernel_size=1), BasicConv2d(red3, three, kernel_size=3, padding=1)
        )
        self.branch3 = Sequential(
            BasicConv2d(channels, red5, kernel_size=1), BasicConv2d(red5, five, kernel_size=3, padding=1)
        )
        self.branch4 = Sequential(MaxPool2d(3, 1, 1, ceil_mode=True), BasicConv2d(channels, pool, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = ad.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)
        return output


class InceptionAux(Module):
    """A classifier in the middle of the network, for training alone."""

    def __init__(self, channels: int, num_classes: int, width: float, dropout: float) -> None:
        super().__init__()
        self.conv = BasicConv2d(channels, int(128 * width), kernel_size=1)
        self.fc1 = Linear(int(128 * width) * 16, int(1024 * width))
        self.fc2 = Linear(int(1024 * width), num_classes)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4)))
        logits: Tensor = self.fc2(self.dropout(F.relu(self.fc1(x.flatten(1)))))
        return logits


class GoogLeNet(Module):
    """Inceptions on images (N, in_channels, H, W), to logits (N, num_classes).

    With `aux_logits` there are two more classifiers, and a call in training returns GoogLeNetOutputs; the published
    weights are without. `width` scales every number of channels.

    >>> import autodiff as ad
    >>> GoogLeNet(num_classes=10, width=0.125)(ad.zeros(2, 3, 32, 32)).shape
    (2, 10)
    """

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = False,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
        *,
        width: float = 1.0,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        narrow, wide = int(64 * width), int(192 * width)
        self.aux_logits = aux_logits
        self.conv1 = BasicConv2d(in_channels, narrow, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = BasicConv2d(narrow, narrow, kernel_size=1)
        self.conv3 = BasicConv2d(narrow, wide, kernel_size=3, padding=1)
        self.maxpool2 = MaxPool2d(3, 2, ceil_mode=True)
        sizes, last = {}, wide
        for name, channels in INCEPTIONS.items():
            scaled = [int(c * width) for c in channels]
            setattr(self, f"inception{name}", Inception(last, *scaled))
            last = sizes[name] = scaled[0] + scaled[2] + scaled[4] + scaled[5]
            if name == "3b":
                self.maxpool3 = MaxPool2d(3, 2, ceil_mode=True)
            elif name == "4e":
                self.maxpool4 = MaxPool2d(2, 2, ceil_mode=True)
        if aux_logits:
            self.aux1 = InceptionAux(sizes["4a"], num_classes, width, dropout_aux)
            self.aux2 = InceptionAux(sizes["4d"], num_classes, width, dropout_aux)
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.dropout = Dropout(dropout)
        self.fc = Linear(last, num_classes)
        for module in self.modules():
            if isinstance(module, (Conv2d, Linear)):
                init.normal_(module.weight, 0.0, 0.01)

    def forward(self, x: Tensor) -> Any:
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        middle = {}
        for name in INCEPTIONS:
            if name in ("4a", "5a"):
                x = (self.maxpool3 if name == "4a" else self.maxpool4)(x)
            x = middle[name] = getattr(self, f"inception{name}")(x)
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.aux_logits and self.training:
            return GoogLeNetOutputs(logits, self.aux2(middle["4d"]), self.aux1(middle["4a"]))
        return logits


def googlenet(**options: Any) -> GoogLeNet:
    """GoogLeNet: 6,624,904 parameters (13,004,888 with auxiliary classifiers)."""
    return GoogLeNet(**options)
