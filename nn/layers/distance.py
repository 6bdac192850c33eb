"""Distances and similarities of two inputs."""

from __future__ import annotations

from autodiff import Tensor
from nn import functional
from nn.module import Module


class CosineSimilarity(Module):
    """The cosine of the angle between two inputs along an axis; a norm less than eps counts as eps.

    >>> import autodiff as ad
    >>> CosineSimilarity(dim=1)(ad.ones(4, 8), ad.ones(4, 8)).shape
    (4,)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps over the last axis.

    >>> import autodiff as ad
    >>> PairwiseDistance(keepdim=True)(ad.ones(4, 8), ad.zeros(4, 8)).shape
    (4, 1)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.p, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return functional.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)
