"""The layers and losses as plain functions of tensors, under the names of torch.nn.functional; one family per file."""

from autodiff import log_softmax as log_softmax
from autodiff import sigmoid as sigmoid
from autodiff import softmax as softmax
from autodiff.kernels import linear as linear
from nn.functional.activation import relu as relu
from nn.functional.activation import tanh as tanh
from nn.functional.dropout import dropout as dropout
from nn.functional.loss import cross_entropy as cross_entropy
from nn.functional.loss import mse_loss as mse_loss
from nn.functional.shape import flatten as flatten
