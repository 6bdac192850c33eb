"""Convolution in one to three dimensions, its transpose and its weight gradient."""

from autodiff.kernels.convolution.operations import biased_conv as biased_conv
from autodiff.kernels.convolution.operations import channel_sum as channel_sum
from autodiff.kernels.convolution.operations import conv as conv
from autodiff.kernels.convolution.operations import conv_transpose as conv_transpose
from autodiff.kernels.convolution.operations import conv_weight as conv_weight
