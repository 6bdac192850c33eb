"""The layers, one family per file."""

from nn.layers.activation import ReLU as ReLU
from nn.layers.activation import Sigmoid as Sigmoid
from nn.layers.activation import Tanh as Tanh
from nn.layers.container import Sequential as Sequential
from nn.layers.dropout import Dropout as Dropout
from nn.layers.linear import Linear as Linear
from nn.layers.shape import Flatten as Flatten
