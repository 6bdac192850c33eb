"""Neural networks on top of `autodiff`, under the names of torch.nn.

>>> import autodiff as ad
>>> import nn
>>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
>>> loss = nn.CrossEntropyLoss()(model(ad.ones(2, 4)), [0, 2])
>>> loss.backward()
>>> model[0].weight.grad.shape
(8, 4)
"""

from autodiff.serialization import load as load
from autodiff.serialization import save as save
from nn import data as data
from nn import functional as functional
from nn import init as init
from nn import models as models
from nn import optim as optim
from nn import utils as utils
from nn.data import DataLoader as DataLoader
from nn.data import Dataset as Dataset
from nn.data import IterableDataset as IterableDataset
from nn.data import Subset as Subset
from nn.data import TensorDataset as TensorDataset
from nn.data import random_split as random_split
from nn.layers import CELU as CELU
from nn.layers import ELU as ELU
from nn.layers import GELU as GELU
from nn.layers import GLU as GLU
from nn.layers import GRU as GRU
from nn.layers import LSTM as LSTM
from nn.layers import RNN as RNN
from nn.layers import SELU as SELU
from nn.layers import AdaptiveAvgPool1d as AdaptiveAvgPool1d
from nn.layers import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from nn.layers import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from nn.layers import AdaptiveMaxPool1d as AdaptiveMaxPool1d
from nn.layers import AdaptiveMaxPool2d as AdaptiveMaxPool2d
from nn.layers import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from nn.layers import AlphaDropout as AlphaDropout
from nn.layers import AvgPool1d as AvgPool1d
from nn.layers import AvgPool2d as AvgPool2d
from nn.layers import AvgPool3d as AvgPool3d
from nn.layers import BatchNorm1d as BatchNorm1d
from nn.layers import BatchNorm2d as BatchNorm2d
from nn.layers import BatchNorm3d as BatchNorm3d
from nn.layers import ChannelShuffle as ChannelShuffle
from nn.layers import Conv1d as Conv1d
from nn.layers import Conv2d as Conv2d
from nn.layers import Conv3d as Conv3d
from nn.layers import ConvTranspose1d as ConvTranspose1d
from nn.layers import ConvTranspose2d as ConvTranspose2d
from nn.layers import ConvTranspose3d as ConvTranspose3d
from nn.layers import Dropout as Dropout
from nn.layers import Dropout1d as Dropout1d
from nn.layers import Dropout2d as Dropout2d
from nn.layers import Dropout3d as Dropout3d
from nn.layers import Embedding as Embedding
from nn.layers import FeatureAlphaDropout as FeatureAlphaDropout
from nn.layers import Flatten as Flatten
from nn.layers import Fold as Fold
from nn.layers import GroupNorm as GroupNorm
from nn.layers import GRUCell as GRUCell
from nn.layers import Hardshrink as Hardshrink
from nn.layers import Hardsigmoid as Hardsigmoid
from nn.layers import Hardswish as Hardswish
from nn.layers import Hardtanh as Hardtanh
from nn.layers import Identity as Identity
from nn.layers import InstanceNorm1d as InstanceNorm1d
from nn.layers import InstanceNorm2d as InstanceNorm2d
from nn.layers import InstanceNorm3d as InstanceNorm3d
from nn.layers import LayerNorm as LayerNorm
from nn.layers import LeakyReLU as LeakyReLU
from nn.layers import Linear as Linear
from nn.layers import LogSigmoid as LogSigmoid
from nn.layers import LogSoftmax as LogSoftmax
from nn.layers import LSTMCell as LSTMCell
from nn.layers import Maxout as Maxout
from nn.layers import MaxPool1d as MaxPool1d
from nn.layers import MaxPool2d as MaxPool2d
from nn.layers import MaxPool3d as MaxPool3d
from nn.layers import Mish as Mish
from nn.layers import ModuleDict as ModuleDict
from nn.layers import ModuleList as ModuleList
from nn.layers import MultiheadAttention as MultiheadAttention
from nn.layers import ParameterDict as ParameterDict
from nn.layers import ParameterList as ParameterList
from nn.layers import PixelShuffle as PixelShuffle
from nn.layers import PixelUnshuffle as PixelUnshuffle
from nn.layers import PReLU as PReLU
from nn.layers import ReLU as ReLU
from nn.layers import ReLU6 as ReLU6
from nn.layers import RMSNorm as RMSNorm
from nn.layers import RNNCell as RNNCell
from nn.layers import RReLU as RReLU
from nn.layers import Sequential as Sequential
from nn.layers import Sigmoid as Sigmoid
from nn.layers import SiLU as SiLU
from nn.layers import Softmax as Softmax
from nn.layers import Softmax2d as Softmax2d
from nn.layers import Softmin as Softmin
from nn.layers import Softplus as Softplus
from nn.layers import Softshrink as Softshrink
from nn.layers import Softsign as Softsign
from nn.layers import Tanh as Tanh
from nn.layers import Tanhshrink as Tanhshrink
from nn.layers import Threshold as Threshold
from nn.layers import Unfold as Unfold
from nn.layers import Upsample as Upsample
from nn.layers import UpsamplingBilinear2d as UpsamplingBilinear2d
from nn.layers import UpsamplingNearest2d as UpsamplingNearest2d
from nn.losses import BCEWithLogitsLoss as BCEWithLogitsLoss
from nn.losses import CrossEntropyLoss as CrossEntropyLoss
from nn.losses import MSELoss as MSELoss
from nn.module import Module as Module
from nn.module import Parameter as Parameter
from nn.summary import summary as summary
