"""The layers and losses as plain functions of tensors, under the names of torch.nn.functional; one family per file."""

from autodiff import log_softmax as log_softmax
from autodiff import sigmoid as sigmoid
from autodiff import softmax as softmax
from autodiff.kernels import linear as linear
from nn.functional.activation import relu as relu
from nn.functional.activation import tanh as tanh
from nn.functional.convolution import conv1d as conv1d
from nn.functional.convolution import conv2d as conv2d
from nn.functional.convolution import conv3d as conv3d
from nn.functional.convolution import conv_transpose1d as conv_transpose1d
from nn.functional.convolution import conv_transpose2d as conv_transpose2d
from nn.functional.convolution import conv_transpose3d as conv_transpose3d
from nn.functional.dropout import dropout as dropout
from nn.functional.loss import cross_entropy as cross_entropy
from nn.functional.loss import mse_loss as mse_loss
from nn.functional.shape import flatten as flatten
