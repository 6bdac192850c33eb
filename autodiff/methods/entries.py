"""NumPy's functions as methods reach them."""

from __future__ import annotations

from typing import Any

import numpy

from autodiff.primitive import registry


class _Functions:
    """NumPy's functions as the registry's entries: what `np.sum(t)` reaches, without NumPy's dispatch in between."""

    def __getattr__(self, name: str) -> Any:
        fun = getattr(numpy, name)
        entry = registry.get(fun) if callable(fun) else None
        setattr(self, name, fun if entry is None else entry.call)
        return getattr(self, name)


np: Any = _Functions()
