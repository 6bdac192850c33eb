"""MobileNet, version 1 (Howard et al., 2017), its weights under timm's names (`mobilenetv1_100`)."""

from __future__ import annotations

from typing import Any

from autodiff import Tensor
from nn import init
from nn.layers import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear, ReLU6, Sequential
from nn.module import Module

# Channels and stride of each separable convolution, in stages of one resolution.
STAGES = [[(64, 1)], [(128, 2), (128, 1)], [(256, 2), (256, 1)], [(512, 2), *[(512, 1)] * 5], [(1024, 2), (1024, 1)]]


class SeparableBlock(Module):
    """A 3x3 convolution of each channel for itself, and a 1x1 that mixes them."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False)
        self.bn1 = BatchNorm2d(in_channels)
        self.conv_pw = Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = BatchNorm2d(out_channels)
        self.act = ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.bn1(self.conv_dw(x)))
        output: Tensor = self.act(self.bn2(self.conv_pw(x)))
        return output


class MobileNet(Module):
    """Separable convolutions on images (N, in_channels, H, W), to logits (N, num_classes).

    `width_mult` scales every number of channels (the paper's alpha).

    >>> import autodiff as ad
    >>> MobileNet(num_classes=10, width_mult=0.25)(ad.zeros(2, 3, 32, 32)).shape
    (2, 10)
    """

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0, *, in_channels: int = 3) -> None:
        super().__init__()
        last = int(32 * width_mult)
        self.conv_stem = Conv2d(in_channels, last, 3, 2, 1, bias=False)
        self.bn1 = BatchNorm2d(last)
        self.act = ReLU6()
        stages = []
        for stage in STAGES:
            blocks = []
            for channels, stride in stage:
                blocks.append(SeparableBlock(last, int(channels * width_mult), stride))
                last = int(channels * width_mult)
            stages.append(Sequential(*blocks))
        self.blocks = Sequential(*stages)
        self.global_pool = AdaptiveAvgPool2d((1, 1))
        self.classifier = Linear(last, num_classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.act(self.bn1(self.conv_stem(x))))
        logits: Tensor = self.classifier(self.global_pool(x).flatten(1))
        return logits


def mobilenet(**options: Any) -> MobileNet:
    """MobileNet-v1: 4,231,976 parameters."""
    return MobileNet(**options)
