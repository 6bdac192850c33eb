"""What is done to a model's parameters: clipping, vectors, parametrizations, calls with others in their place."""

from nn.utils import parametrizations as parametrizations
from nn.utils import parametrize as parametrize
from nn.utils import rnn as rnn
from nn.utils import stateless as stateless
from nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from nn.utils.clip_grad import clip_grads_with_norm_ as clip_grads_with_norm_
from nn.utils.clip_grad import get_total_norm as get_total_norm
from nn.utils.convert_parameters import parameters_to_vector as parameters_to_vector
from nn.utils.convert_parameters import vector_to_parameters as vector_to_parameters
from nn.utils.fusion import fuse_conv_bn_eval as fuse_conv_bn_eval
from nn.utils.fusion import fuse_conv_bn_weights as fuse_conv_bn_weights
from nn.utils.fusion import fuse_linear_bn_eval as fuse_linear_bn_eval
from nn.utils.fusion import fuse_linear_bn_weights as fuse_linear_bn_weights
from nn.utils.init import skip_init as skip_init
from nn.utils.reparametrized import remove_spectral_norm as remove_spectral_norm
from nn.utils.reparametrized import remove_weight_norm as remove_weight_norm
from nn.utils.reparametrized import spectral_norm as spectral_norm
from nn.utils.reparametrized import weight_norm as weight_norm
from nn.utils.stateless import functional_call as functional_call
