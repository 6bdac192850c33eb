"""Weight and spectral normalization by their older names, whose hooks compute the weight before each call.

The state dict holds `weight_g` and `weight_v`, or `weight_orig`, `weight_u` and `weight_v`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import as_tensor, no_grad, random
from autodiff.random import Generator
from nn.layers.convolution import ConvTransposeNd
from nn.module import Module, Parameter
from nn.utils.parametrizations import as_matrix, lengths, normalized, of_length, power_iteration


class _Computed:
    """A hook that computes an attribute of a layer; what it is computed from are parameters and buffers beside it."""

    suffixes: tuple[str, ...]

    def __init__(self, name: str) -> None:
        self.name = name

    def compute(self, module: Any, training: bool) -> Any:
        raise NotImplementedError

    def install(self, module: Module, parts: dict[str, Any]) -> None:
        delattr(module, self.name)
        for name, part in parts.items():
            register = module.register_parameter if isinstance(part, Parameter) else module.register_buffer
            register(name, part)
        setattr(module, self.name, self.compute(module, False))
        self.handle = module.register_forward_pre_hook(self)

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute(module, module.training))

    def remove(self, module: Module) -> None:
        with no_grad():
            value = self.compute(module, False).detach().clone()
        for suffix in self.suffixes:
            delattr(module, self.name + suffix)
        delattr(module, self.name)
        module.register_parameter(self.name, Parameter(value))
        for table in vars(module._hooks).values():
            for key in [key for key, hook in table.items() if isinstance(hook, tuple) and hook[0] is self]:
                del table[key]


def _find(module: Module, kind: type[_Computed], name: str) -> _Computed | None:
    hooks = () if module._hooks is None else module._hooks.before.values()
    return next((hook for hook, _ in hooks if isinstance(hook, kind) and hook.name == name), None)


def _taken(module: Module, kind: type[_Computed], name: str, what: str) -> Parameter:
    if _find(module, kind, name) is not None:
        raise RuntimeError(f"Cannot register two {what} hooks on the same parameter {name}")
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter):
        raise ValueError(f"{what}: {type(module).__name__} has no parameter '{name}'")
    return weight


def _removed(module: Any, kind: type[_Computed], name: str, what: str) -> Any:
    hook = _find(module, kind, name)
    if hook is None:
        raise ValueError(f"{what} of '{name}' not found in {type(module).__name__}")
    hook.remove(module)
    return module


# --- weight normalization --------------------------------------------------------------------------------------------


class _WeightNorm(_Computed):
    suffixes = ("_g", "_v")

    def __init__(self, name: str, dim: int | None) -> None:
        super().__init__(name)
        self.dim = dim

    def compute(self, module: Any, training: bool) -> Any:
        return of_length(getattr(module, self.name + "_g"), getattr(module, self.name + "_v"), self.dim)


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Train a weight's length (`weight_g`) and direction (`weight_v`) apart; `parametrizations.weight_norm` is newer.

    >>> from nn import Linear
    >>> list(weight_norm(Linear(20, 40)).state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    weight = _taken(module, _WeightNorm, name, "weight_norm")
    with no_grad():
        length = Parameter(lengths(weight, dim))
    _WeightNorm(name, dim).install(module, {name + "_g": length, name + "_v": Parameter(weight.data)})
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight one parameter again."""
    return _removed(module, _WeightNorm, name, "weight_norm")


# --- spectral normalization ------------------------------------------------------------------------------------------


class _SpectralNorm(_Computed):
    suffixes = ("_orig", "_u", "_v")

    def __init__(self, name: str, steps: int, eps: float, dim: int) -> None:
        super().__init__(name)
        self.n_power_iterations, self.eps, self.dim = steps, eps, dim

    def compute(self, module: Any, training: bool) -> Any:
        weight, u, v = (getattr(module, self.name + suffix) for suffix in self.suffixes)
        matrix = as_matrix(weight, self.dim)
        if training:
            with no_grad():
                left, right = u.data.copy(), v.data.copy()
                power_iteration(matrix.data.T, right, left, self.n_power_iterations, self.eps)  # v is moved first
                u[...], v[...] = left, right
        return weight / np.einsum("i,ij,j->", u.detach().clone(), matrix, v.detach().clone())


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    generator: Generator | None = None,
) -> Any:
    """Divide a weight by its largest singular value; `parametrizations.spectral_norm` is newer.

    >>> from nn import Linear
    >>> list(spectral_norm(Linear(20, 40)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    weight = _taken(module, _SpectralNorm, name, "spectral_norm")
    if n_power_iterations <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got {n_power_iterations}")
    axis = (1 if isinstance(module, ConvTransposeNd) else 0) if dim is None else dim
    sizes = as_matrix(weight.data, axis).shape
    u, v = (
        as_tensor(normalized(random.normal(size=(n,), dtype=weight.dtype, generator=generator).data, eps))
        for n in sizes
    )
    hook = _SpectralNorm(name, n_power_iterations, eps, axis)
    hook.install(module, {name + "_orig": weight, name + "_u": u, name + "_v": v})
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight one parameter again, with its present value."""
    return _removed(module, _SpectralNorm, name, "spectral_norm")
