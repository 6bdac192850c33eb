"""DenseNet (Huang et al., 2017), its weights under torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autodiff as ad
from autodiff import Tensor
from nn import functional as F
from nn import init
from nn.layers import AvgPool2d, BatchNorm2d, Conv2d, Dropout, Linear, MaxPool2d, ReLU, Sequential
from nn.module import Module


class DenseLayer(Module):
    """Computes `growth_rate` new channels from all that are there, by a 1x1 and a 3x3 convolution."""

    def __init__(self, channels: int, growth_rate: int, bn_size: int, drop_rate: float) -> None:
        super().__init__()
        self.norm1 = BatchNorm2d(channels)
        self.relu1 = ReLU()
        self.conv1 = Conv2d(channels, bn_size * growth_rate, 1, bias=False)
        self.norm2 = BatchNorm2d(bn_size * growth_rate)
        self.relu2 = ReLU()
        self.conv2 = Conv2d(bn_size * growth_rate, growth_rate, 3, padding=1, bias=False)
        self.dropout = Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.relu1(self.norm1(x)))
        new: Tensor = self.dropout(self.conv2(self.relu2(self.norm2(y))))
        return new


class DenseBlock(Module):
    """Layers, each of which sees the outputs of all before it."""

    def __init__(self, num_layers: int, channels: int, growth_rate: int, bn_size: int, drop_rate: float) -> None:
        super().__init__()
        for i in range(num_layers):
            layer = DenseLayer(channels + i * growth_rate, growth_rate, bn_size, drop_rate)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = ad.cat([x, layer(x)], 1)
        return x


class Transition(Sequential):
    """Halves the channels and the size of the image."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = BatchNorm2d(channels)
        self.relu = ReLU()
        self.conv = Conv2d(channels, out_channels, 1, bias=False)
        self.pool = AvgPool2d(2, 2)


class DenseNet(Module):
    """Dense blocks on images (N, in_channels, H, W), to logits (N, num_classes).

    `block_config` counts the layers of each block; each layer adds `growth_rate` channels, through a bottleneck
    `bn_size` times as wide.

    >>> import autodiff as ad
    >>> DenseNet(4, (2, 2), 8, num_classes=10)(ad.zeros(2, 3, 32, 32)).shape
    (2, 10)
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0.0,
        num_classes: int = 1000,
        *,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        channels = num_init_features
        self.features = Sequential()
        self.features.add_module("conv0", Conv2d(in_channels, channels, 7, 2, 3, bias=False))
        self.features.add_module("norm0", BatchNorm2d(channels))
        self.features.add_module("relu0", ReLU())
        self.features.add_module("pool0", MaxPool2d(3, 2, 1))
        for i, num_layers in enumerate(block_config, 1):
            block = DenseBlock(num_layers, channels, growth_rate, bn_size, drop_rate)
            self.features.add_module(f"denseblock{i}", block)
            channels += num_layers * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module("norm5", BatchNorm2d(channels))
        self.classifier = Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight)
        init.zeros_(self.classifier.bias)  # type: ignore[type-var]

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(F.relu(self.features(x)), (1, 1))
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


def densenet121(**options: Any) -> DenseNet:
    """DenseNet-121: 7,978,856 parameters."""
    return DenseNet(**options)


def densenet169(**options: Any) -> DenseNet:
    """DenseNet-169: 14,149,480 parameters."""
    return DenseNet(block_config=(6, 12, 32, 32), **options)


def densenet201(**options: Any) -> DenseNet:
    """DenseNet-201: 20,013,928 parameters."""
    return DenseNet(block_config=(6, 12, 48, 32), **options)
