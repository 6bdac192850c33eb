"""Parameters that are computed from others: what a layer sees as `weight` is a function of what is trained.

While a layer is parametrized its class is a subclass with a property of the parameter's name.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autodiff import Tensor, no_grad
from nn.layers.container import ModuleDict, ModuleList
from nn.module import Module, Parameter

_cache: dict[tuple[int, str], Any] = {}
_cached = 0  # how many `with cached():` are open


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once for the time of a `with` block."""
    global _cached
    _cached += 1
    try:
        yield
    finally:
        _cached -= 1
        if not _cached:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The functions that lead from what is trained (`original`, or `original0`, `original1`, ...) to a parameter.

    Calling it gives the parameter's value; `right_inverse` sets what is trained so that a value comes out.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not len(modules):
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        with no_grad():
            start = self._inverted(original.detach())
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        self._names = names
        for name, value in zip(names, [start] if self.is_tensor else start, strict=True):
            kept = self._like(original, value)
            if isinstance(original, Parameter):
                self.register_parameter(name, kept)
            else:
                self.register_buffer(name, kept)
        if not unsafe:
            with no_grad():
                _demand_same(original, self())

    def _like(self, original: Tensor, value: Any) -> Any:
        """Return a value as what the original is, and where it is the original's own, in the same object."""
        if not isinstance(value, Tensor):
            raise ValueError(f"right_inverse must return a Tensor or a sequence of tensors, got {type(value).__name__}")
        if not isinstance(original, Parameter):
            return value.detach()
        if self.is_tensor and (value.shape, value.dtype) == (original.shape, original.dtype):
            original.data = value.data
            return original
        return Parameter(value.detach(), original.requires_grad)

    def _inverted(self, value: Any) -> Any:
        """Return what is trained so that a value comes out."""
        for module in reversed(list(self)):
            if hasattr(module, "right_inverse"):
                value = module.right_inverse(value)
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Set what is trained so that `value` comes out."""
        with no_grad():
            start = self._inverted(value)
            for name, part in zip(self._names, [start] if self.is_tensor else start, strict=True):
                held = vars(self)[name]
                if not isinstance(part, Tensor) or part.dtype != held.dtype or part.shape != held.shape:
                    given = f"{part.dtype} {part.shape}" if isinstance(part, Tensor) else type(part).__name__
                    raise ValueError(f"right_inverse gave {given} for {name}, which is {held.dtype} {held.shape}")
                held[...] = part

    def forward(self) -> Any:
        first, *others = self
        value = first(*(vars(self)[name] for name in self._names))
        for module in others:
            value = module(value)
        return value


# --- the classes of parametrized layers ------------------------------------------------------------------------------


def _value(name: str) -> property:
    """Return the property that computes a parameter."""

    def get(self: Any) -> Any:
        if not _cached:
            return self.parametrizations[name]()
        key = id(self), name
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    return property(get)


@functools.cache
def _parametrized(base: Any, names: tuple[str, ...]) -> type[Module]:
    """Return the subclass of a layer whose tensors of some names are computed."""

    def set_(self: Any, name: str, value: Any) -> None:
        if name in names:
            self.parametrizations[name].right_inverse(value)
        else:
            base.__setattr__(self, name, value)

    def reduce(self: Any, protocol: Any) -> Any:
        return _made, (base, names), vars(self)

    contents = {"__setattr__": set_, "__reduce_ex__": reduce, "__module__": base.__module__, "_of": (base, names)}
    return type(f"Parametrized{base.__name__}", (base,), contents | {name: _value(name) for name in names})


def _made(base: Any, names: tuple[str, ...]) -> Module:
    cls = _parametrized(base, names)
    return cls.__new__(cls)


def _become(module: Module, base: Any, names: tuple[str, ...]) -> None:
    before = type(module).__name__
    module.__class__ = _parametrized(base, names) if names else base
    vars(module)["_label"] = module._label.removesuffix(before) + type(module).__name__


def _of(module: Any) -> tuple[type[Module], tuple[str, ...]]:
    """Return a layer's own class, and the names that are computed."""
    of: tuple[type[Module], tuple[str, ...]] = vars(type(module)).get("_of", (type(module), ()))
    return of


# --- for the user ----------------------------------------------------------------------------------------------------


def register_parametrization(module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Any:
    """Compute a parameter or buffer of a module by `parametrization(what is trained)`; after others, of their result.

    A `right_inverse(value)` of the parametrization gives what is trained at first, a tensor or several; without one it
    is the value itself. The result must have the parameter's shape and dtype, unless `unsafe`.

    >>> import autodiff as ad
    >>> from nn import Linear, Module
    >>> class Symmetric(Module):
    ...     def forward(self, x):
    ...         return (x + x.mT) / 2
    >>> layer = register_parametrization(Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.mT).all()), list(layer.state_dict())
    (True, ['bias', 'parametrizations.weight.original'])
    """
    if not isinstance(parametrization, Module):
        raise TypeError(f"a parametrization is a Module, got {type(parametrization).__name__}")
    parametrization.train(module.training)
    base, names = _of(module)
    if tensor_name in names:
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            with no_grad():
                before = getattr(module, tensor_name)
                _demand_same(before, parametrization(before))
        if hasattr(parametrization, "right_inverse"):
            with no_grad():
                value = parametrization.right_inverse(getattr(module, tensor_name).detach())
            chain.right_inverse(value)
        chain.append(parametrization)
        chain.unsafe = chain.unsafe or unsafe
        return module
    original = vars(module).get(tensor_name)
    if original is None and tensor_name in (*module._slots, *module._buffers):
        raise ValueError(f"'{tensor_name}' of {type(module).__name__} is None; there is nothing to parametrize")
    if not isinstance(original, Parameter) and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    chain = ParametrizationList([parametrization], original, unsafe=unsafe)
    chain.train(module.training)
    if not names:
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = chain
    delattr(module, tensor_name)
    _become(module, base, (*names, tensor_name))
    return module


def _demand_same(before: Tensor, after: Any) -> None:
    """Demand that a parametrization keeps dtype and shape."""
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    if (after.shape, after.dtype) != (before.shape, before.dtype):
        raise ValueError(
            f"a parametrization must keep dtype and shape, {before.dtype} and {before.shape}; it gave {after.dtype} "
            f"and {after.shape}; use unsafe=True if that is meant"
        )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Say whether a tensor of the module, or any of them, is computed."""
    _, names = _of(module)
    return bool(names) if tensor_name is None else tensor_name in names


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make a computed tensor a parameter or buffer again, with its present value, or with the original one.

    >>> from nn import Linear
    >>> from nn.utils.parametrizations import weight_norm
    >>> remove_parametrizations(weight_norm(Linear(2, 3)), "weight")
    Linear(in_features=2, out_features=3, bias=True)
    """
    base, names = _of(module)
    if tensor_name not in names:
        raise ValueError(f"Module {type(module).__name__} does not have a parametrization on {tensor_name}")
    chain = module.parametrizations[tensor_name]
    originals = [vars(chain)[name] for name in chain._names]
    if not leave_parametrized and not chain.is_tensor:
        raise ValueError(
            "leave_parametrized=False needs one original tensor; this parametrization was made of "
            f"{len(originals)}: {', '.join(chain._names)}"
        )
    value = originals[0]
    if leave_parametrized:
        with no_grad():
            computed = chain()
        if chain.is_tensor and (computed.shape, computed.dtype) == (value.shape, value.dtype):
            value.data = computed.data.copy()
        else:
            trained = any(t.requires_grad for t in originals)
            value = Parameter(computed, trained) if isinstance(value, Parameter) else computed
    del module.parametrizations[tensor_name]
    left = tuple(name for name in names if name != tensor_name)
    _become(module, base, left)
    if not left:
        del module.parametrizations
    if isinstance(value, Parameter):
        module.register_parameter(tensor_name, value)
    else:
        module.register_buffer(tensor_name, value)
    return module


def type_before_parametrizations(module: Module) -> type:
    """Return the class that a module had before anything of it was computed."""
    return _of(module)[0]


def transfer_parametrizations_and_params(from_module: Any, to_module: Any, tensor_name: str | None = None) -> Any:
    """Give a module the parametrizations of another, and the values that they are computed from."""
    import copy

    _, names = _of(from_module)
    if tensor_name is not None and tensor_name not in names:
        raise ValueError(f"Module {type(from_module).__name__} has no parametrization of '{tensor_name}'")
    for name in names if tensor_name is None else (tensor_name,):
        chain = copy.deepcopy(from_module.parametrizations[name])
        base, have = _of(to_module)
        if not have:
            to_module.parametrizations = ModuleDict()
        to_module.parametrizations[name] = chain
        if name not in have:
            if name in vars(to_module):
                delattr(to_module, name)
            _become(to_module, base, (*have, name))
    return to_module
