"""Array functions that NumPy lacks, each registered with its rules exactly as NumPy's own functions are."""

from autodiff.kernels import attention as attention
from autodiff.kernels import embedding as embedding
from autodiff.kernels import normalization as normalization
from autodiff.kernels import pooling as pooling
from autodiff.kernels import recurrent as recurrent
from autodiff.kernels.activation import elu as elu
from autodiff.kernels.activation import gelu as gelu
from autodiff.kernels.activation import gelu_tanh as gelu_tanh
from autodiff.kernels.activation import hardtanh as hardtanh
from autodiff.kernels.activation import leaky_relu as leaky_relu
from autodiff.kernels.activation import logsigmoid as logsigmoid
from autodiff.kernels.activation import relu as relu
from autodiff.kernels.activation import sigmoid as sigmoid
from autodiff.kernels.activation import silu as silu
from autodiff.kernels.activation import softplus as softplus
from autodiff.kernels.affine import linear as linear
from autodiff.kernels.convolution import biased_conv as biased_conv
from autodiff.kernels.convolution import channel_sum as channel_sum
from autodiff.kernels.convolution import conv as conv
from autodiff.kernels.convolution import conv_transpose as conv_transpose
from autodiff.kernels.convolution import conv_weight as conv_weight
from autodiff.kernels.crossentropy import cross_entropy as cross_entropy
from autodiff.kernels.division import ratio as ratio
from autodiff.kernels.logits import log_softmax as log_softmax
from autodiff.kernels.logits import logsumexp as logsumexp
from autodiff.kernels.logits import softmax as softmax
