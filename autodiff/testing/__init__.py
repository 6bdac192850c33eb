"""Property tests of derivatives: checks that need no tuning, strategies, laws, fuzzing, localisation, mutation.

>>> import numpy as np
>>> from autodiff import testing
>>> bool(testing.gradcheck(np.tanh, np.linspace(-2, 2, 5)))
True

`gradcheck` and its relatives need nothing but NumPy; what draws examples is built on hypothesis, the `test` extra.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "report": "Entry Report Verdict",
    "checks.gradcheck": "gradcheck gradgradcheck hessian_symmetry jvpcheck",
    "adapters": "from_jax from_numpy from_torch",
    "strategies.arrays": "axes broadcastable_operands cotangents_for index_expressions tensors",
    "strategies.matrices": "distinct_eigenvalues spd_matrices well_conditioned",
    "strategies.operations": "op_inputs",
    "strategies.modules": "losses modules",
    "strategies.programs": "programs",
    "plugin.properties": "gradient_property",
    "fuzzing": "fuzz",
    "locating": "locate",
    "mutation.mutants": "mutate",
    "mutation.score": "mutation_score",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES = {"laws": "laws", "profiles": "plugin.profiles"}

__all__ = [*_HOME_OF, *_MODULES]  # noqa: PLE0604 (names)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return _load(_MODULES[name])
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(sorted(__all__))}.")
    value = getattr(_load(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _load(home: str) -> Any:
    try:
        return importlib.import_module(f"{__name__}.{home}")
    except ModuleNotFoundError as error:
        if error.name in ("hypothesis", "pytest"):
            raise ModuleNotFoundError(
                f"autodiff.testing.{home} needs {error.name}: pip install 'ndtape[test]'.", name=error.name
            ) from error
        raise
