"""The layers, one family per file."""

from nn.layers.activation import ReLU as ReLU
from nn.layers.activation import Sigmoid as Sigmoid
from nn.layers.activation import Tanh as Tanh
from nn.layers.container import Sequential as Sequential
from nn.layers.convolution import Conv1d as Conv1d
from nn.layers.convolution import Conv2d as Conv2d
from nn.layers.convolution import Conv3d as Conv3d
from nn.layers.convolution import ConvTranspose1d as ConvTranspose1d
from nn.layers.convolution import ConvTranspose2d as ConvTranspose2d
from nn.layers.convolution import ConvTranspose3d as ConvTranspose3d
from nn.layers.dropout import Dropout as Dropout
from nn.layers.linear import Linear as Linear
from nn.layers.shape import Flatten as Flatten
