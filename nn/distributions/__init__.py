"""Probability distributions under the names of torch.distributions: densities, draws, divergences, all differentiable.

>>> import autodiff as ad
>>> from nn.distributions import Normal, kl_divergence
>>> scale = ad.tensor(2.0, requires_grad=True)
>>> (Normal(0.0, scale).rsample((100,)) ** 2).mean().backward()  # reparameterized: the gradient reaches the scale
>>> scale.grad is not None
True
"""

from nn.distributions.discrete import Bernoulli as Bernoulli
from nn.distributions.discrete import Binomial as Binomial
from nn.distributions.discrete import Categorical as Categorical
from nn.distributions.distribution import Distribution as Distribution
from nn.distributions.gamma import Beta as Beta
from nn.distributions.gamma import Gamma as Gamma
from nn.distributions.gamma import StudentT as StudentT
from nn.distributions.kl import kl_divergence as kl_divergence
from nn.distributions.kl import register_kl as register_kl
from nn.distributions.location import Exponential as Exponential
from nn.distributions.location import Laplace as Laplace
from nn.distributions.location import Logistic as Logistic
from nn.distributions.location import Normal as Normal
from nn.distributions.location import Uniform as Uniform
from nn.distributions.multivariate import MultivariateNormal as MultivariateNormal
