"""Modules made of modules, in order or by name, and parameters kept in the same two ways."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Self

from autodiff import Tensor
from nn.module import Module, Parameter


class Identity(Module):
    """Return the input; any arguments are taken, so that it can stand in for another layer.

    >>> Identity(54, unused=0.1)(3)
    3
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


# --- modules in order ------------------------------------------------------------------------------------------------


class _Listed(Module):
    """What a Sequential and a ModuleList share: the modules are attributes, and one's name is its position."""

    def _items(self) -> list[tuple[str, Module]]:
        """Return the modules by name; unlike `named_children`, one that stands twice is listed twice."""
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def _fill(self, modules: Iterable[Module]) -> None:
        """Hold these modules in place of those that are held."""
        listed = list(modules)
        for name, _ in self._items():
            delattr(self, name)
        for i, module in enumerate(listed):
            self.add_module(str(i), module)

    def _position(self, index: Any) -> int:
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"index {position} is out of range for {len(self)} modules")
        return position % len(self)

    def _part(self, index: slice) -> Self:
        raise NotImplementedError

    def __getitem__(self, index: int | slice) -> Any:
        return self._part(index) if isinstance(index, slice) else self._items()[self._position(index)][1]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._items()[self._position(index)][0], module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index if isinstance(index, slice) else self._position(index)]
        self._fill(modules)

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Any]:
        return iter([value for value in vars(self).values() if isinstance(value, Module)])

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in _several(self, "extend", modules):
            self.append(module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module

    def _insert(self, index: int, module: Module) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}.insert takes a Module, got {type(module).__name__}")
        modules = list(self)
        modules.insert(index, module)
        self._fill(modules)

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)


def _several(owner: Module, method: str, given: Any) -> list[Any]:
    if isinstance(given, (str, Tensor)) or not isinstance(given, Iterable):
        raise TypeError(f"{type(owner).__name__}.{method} takes an iterable, got {type(given).__name__}")
    return list(given)


class Sequential(_Listed):
    """Modules applied one after the other, given in order or as an OrderedDict of names.

    >>> from nn.layers.activation import Tanh
    >>> model = Sequential(Tanh(), Tanh(), Tanh())
    >>> model[1], len(model[1:]), len(model + model)
    (Tanh(), 2, 6)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], (list, tuple)):
            raise TypeError("Sequential takes modules one by one, not in a list: write Sequential(*modules)")
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def _part(self, index: slice) -> Self:
        return type(self)(OrderedDict(self._items()[index]))

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at a position; the modules are numbered anew."""
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index} for {len(self)} modules")
        self._insert(index, module)
        return self

    def __add__(self, other: Any) -> Sequential:
        self._only(other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Self:
        self._only(other)
        return self.extend(other)

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*(list(self) * self._times(times)))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self) * (self._times(times) - 1))

    def _only(self, other: Any) -> None:
        if not isinstance(other, Sequential):
            raise ValueError(f"only a Sequential can be added to a Sequential, got {type(other).__name__}")

    def _times(self, times: Any) -> int:
        if not isinstance(times, int):
            raise TypeError(f"a Sequential is repeated an integer number of times, got {type(times).__name__}")
        if times <= 0:
            raise ValueError(f"a Sequential is repeated at least once, got {times}")
        return times

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleList(_Listed):
    """A list whose modules belong to the model; it has no forward of its own.

    >>> from nn.layers.activation import ReLU, Tanh
    >>> layers = ModuleList([Tanh(), Tanh()])
    >>> layers.append(ReLU())
    ModuleList(
      (0-1): 2 x Tanh()
      (2): ReLU()
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, index: slice) -> Self:
        return type(self)(list(self)[index])

    def insert(self, index: int, module: Module) -> None:
        """Put a module before the one at a position, as list.insert does."""
        self._insert(index, module)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *_several(self, "__add__", other)])

    def _lines(self) -> list[str]:
        """Return a line for each run of modules that read alike."""
        lines, start = [], 0
        for text, run in groupby(map(repr, self)):
            count = len(list(run))
            name = f"({start})" if count == 1 else f"({start}-{start + count - 1})"
            lines.append(f"{name}: " + (f"{count} x " if count > 1 else "") + text.replace("\n", "\n  "))
            start += count
        return lines


# --- modules by name -------------------------------------------------------------------------------------------------


class ModuleDict(Module):
    """A dictionary whose modules belong to the model, in the order they were given.

    >>> from nn.layers.activation import ReLU, Tanh
    >>> choices = ModuleDict({"relu": ReLU(), "tanh": Tanh()})
    >>> list(choices), choices["tanh"]
    (['relu', 'tanh'], Tanh())
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def _held(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Module)}

    def __getitem__(self, key: str) -> Any:
        return self._held()[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[str]:
        return iter(self._held())

    def __contains__(self, key: object) -> bool:
        return key in self._held()

    def clear(self) -> None:
        """Take all modules out."""
        for key in self:
            delattr(self, key)

    def pop(self, key: str) -> Any:
        """Take a module out and return it."""
        module = self[key]
        delattr(self, key)
        return module

    def keys(self) -> Any:
        return self._held().keys()

    def items(self) -> Any:
        return self._held().items()

    def values(self) -> Any:
        return self._held().values()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping, or of pairs of a key and a module; those of the same keys are replaced."""
        for key, module in _pairs(self, modules):
            self[key] = module


def _pairs(owner: Module, given: Any) -> list[tuple[str, Any]]:
    """Return the pairs of a mapping or of an iterable of pairs."""
    if isinstance(given, (Mapping, ModuleDict, ParameterDict)):
        return list(given.items())
    pairs = _several(owner, "update", given)
    for i, pair in enumerate(pairs):
        if not isinstance(pair, Iterable) or len(pair) != 2:  # type: ignore[arg-type]
            raise TypeError(
                f"{type(owner).__name__}.update takes a mapping or pairs of a key and a value; number {i} is no pair"
            )
    return pairs


# --- parameters ------------------------------------------------------------------------------------------------------


def _held(value: Any) -> Any:
    """Return a tensor as a parameter, and anything else as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else type(value).__name__
    return f"{kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"


class ParameterList(Module):
    """A list whose tensors are parameters of the model; it holds other things as well.

    >>> import autodiff as ad
    >>> ParameterList([ad.ones(2), ad.zeros(3)])
    ParameterList(
        (0): Parameter containing: [float32 of size 2]
        (1): Parameter containing: [float32 of size 3]
    )
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name(self, index: Any) -> str:
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"index {position} is out of range for {len(self)} parameters")
        return str(position % len(self))

    def __getitem__(self, index: int | slice) -> Any:
        return type(self)(list(self)[index]) if isinstance(index, slice) else getattr(self, self._name(index))

    def __setitem__(self, index: int, param: Any) -> None:
        setattr(self, self._name(index), _held(param))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, str(i)) for i in range(self._size)])

    def __iadd__(self, parameters: Iterable[Any]) -> Self:
        return self.extend(parameters)

    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end."""
        for value in _several(self, "extend", values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(f"  ({i}): {_described(value)}" for i, value in enumerate(self))


class ParameterDict(Module):
    """A dictionary whose tensors are parameters of the model; it holds other things as well.

    >>> import autodiff as ad
    >>> ParameterDict({"gain": ad.ones(2)})
    ParameterDict(  (gain): Parameter containing: [float32 of size 2])
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return vars(self)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._check_new(key, self._keys)
        setattr(self, key, _held(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __or__(self, other: ParameterDict) -> ParameterDict:
        both = self.copy()
        both.update(other)
        return both

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self

    def copy(self) -> ParameterDict:
        """Return a dictionary of the same parameters."""
        return ParameterDict(self.items())

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default."""
        return vars(self)[key] if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, setting it to the default if it is not there."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Take everything out."""
        for key in self:
            del self[key]

    def pop(self, key: str) -> Any:
        """Take a value out and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last key and value out and return them."""
        key, _ = self._keys.popitem()
        value = vars(self)[key]
        delattr(self, key)
        return key, value

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a dictionary of these keys, all with one value."""
        return ParameterDict([(key, default) for key in keys])

    def keys(self) -> Any:
        return self._keys.keys()

    def items(self) -> list[tuple[str, Any]]:
        return [(key, self[key]) for key in self]

    def values(self) -> list[Any]:
        return [self[key] for key in self]

    def update(self, parameters: Any) -> None:
        """Add the values of pairs, or of a mapping; a plain dict is taken in the order of its sorted keys."""
        ordered = isinstance(parameters, (OrderedDict, ParameterDict)) or not isinstance(parameters, Mapping)
        pairs = _pairs(self, parameters)
        for key, value in pairs if ordered else sorted(pairs, key=operator.itemgetter(0)):
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(f"  ({key}): {_described(value)}" for key, value in self.items())
