"""Well-known networks, with the parameter counts and the state_dict keys under which their weights are published.

Each file reads as its PyTorch source would; arguments give the published size unless they say otherwise.

>>> from nn import models
>>> model = models.resnet18()  # as published; models.resnet18(num_classes=10, width=16) is a small one
>>> sum(p.size for p in model.parameters())
11689512
"""

from nn.models.densenet import DenseNet as DenseNet
from nn.models.densenet import densenet121 as densenet121
from nn.models.densenet import densenet169 as densenet169
from nn.models.densenet import densenet201 as densenet201
from nn.models.googlenet import GoogLeNet as GoogLeNet
from nn.models.googlenet import googlenet as googlenet
from nn.models.gpt2 import GPT2LMHeadModel as GPT2LMHeadModel
from nn.models.gpt2 import GPT2Model as GPT2Model
from nn.models.gpt2 import gpt2 as gpt2
from nn.models.mobilenet import MobileNet as MobileNet
from nn.models.mobilenet import mobilenet as mobilenet
from nn.models.resnet import BasicBlock as BasicBlock
from nn.models.resnet import Bottleneck as Bottleneck
from nn.models.resnet import ResNet as ResNet
from nn.models.resnet import resnet18 as resnet18
from nn.models.resnet import resnet34 as resnet34
from nn.models.resnet import resnet50 as resnet50
from nn.models.resnet import resnet101 as resnet101
from nn.models.resnet import resnet152 as resnet152
from nn.models.transformer import Seq2SeqTransformer as Seq2SeqTransformer
from nn.models.transformer import transformer as transformer
from nn.models.vgg import VGG as VGG
from nn.models.vgg import vgg11 as vgg11
from nn.models.vgg import vgg13 as vgg13
from nn.models.vgg import vgg16 as vgg16
from nn.models.vgg import vgg19 as vgg19
from nn.models.xception import Xception as Xception
from nn.models.xception import xception as xception
