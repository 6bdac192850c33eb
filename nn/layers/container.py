"""Modules made of modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Self, overload

from nn.module import Module


class Sequential(Module):
    """Modules applied one after the other, given in order or as an OrderedDict of names.

    >>> from nn.layers.activation import Tanh
    >>> model = Sequential(Tanh(), Tanh(), Tanh())
    >>> model[1], len(model[1:])
    (Tanh(), 2)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def _items(self) -> list[tuple[str, Module]]:
        """Return the modules by name; unlike `named_children`, one that stands twice is listed twice."""
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module | Self:
        items = self._items()
        if isinstance(index, slice):
            return type(self)(OrderedDict(items[index]))
        return items[self._position(index)][1]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._items()[self._position(index)][0], module)

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Module]:
        return iter([value for value in vars(self).values() if isinstance(value, Module)])

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def _position(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} modules")
        return index
