"""Layers without initial values."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from nn.module import Module

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """Make a layer and leave its parameters unset, for values that are loaded next; nothing is drawn.

    >>> from nn import Linear
    >>> skip_init(Linear, 2, 3)
    Linear(in_features=2, out_features=3, bias=True)
    """
    if not (inspect.isclass(module_cls) and issubclass(module_cls, Module)):
        raise RuntimeError(f"skip_init expects a Module class; got {module_cls!r}")
    if "reset_parameters" not in dir(module_cls):
        return module_cls(*args, **kwargs)
    unset = type(module_cls.__name__, (module_cls,), {"reset_parameters": lambda self, *given: None})
    module: Any = unset(*args, **kwargs)
    module.__class__ = module_cls
    vars(module)["_label"] = module_cls.__name__
    return module  # type: ignore[no-any-return]
