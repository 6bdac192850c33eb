"""Laws that derivatives obey, as ready-made properties: each takes a function and inputs and answers with a Report.

Laws of conduct hold exactly; laws of calculus hold up to round-off, which is measured (see `trial`), so that there is
no tolerance to choose.

>>> import numpy as np
>>> from autodiff.testing import laws
>>> bool(laws.check(np.tanh, np.linspace(-1, 1, 3)))
True
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autodiff.testing.laws.calculus import (
    adjointness,
    batch_equivariance,
    broadcast_reduce_duality,
    chain_rule,
    euler_homogeneity,
    permutation_equivariance,
    product_rule,
    sum_rule,
    vjp_linearity,
)
from autodiff.testing.laws.conduct import (
    contiguity,
    determinism,
    dtype,
    no_aliasing,
    no_mutation,
    repeat_backward,
    zero_d_and_empty,
)
from autodiff.testing.report import Report, Verdict

__all__ = [
    "adjointness",
    "batch_equivariance",
    "broadcast_reduce_duality",
    "chain_rule",
    "check",
    "contiguity",
    "determinism",
    "dtype",
    "euler_homogeneity",
    "no_aliasing",
    "no_mutation",
    "permutation_equivariance",
    "product_rule",
    "repeat_backward",
    "sum_rule",
    "universal",
    "vjp_linearity",
    "zero_d_and_empty",
]

universal: tuple[Callable[..., Report], ...] = (
    determinism,
    no_mutation,
    no_aliasing,
    repeat_backward,
    vjp_linearity,
    adjointness,
    contiguity,
    dtype,
    zero_d_and_empty,
)
"""The laws that every differentiable function obeys."""


def check(f: Any, *inputs: Any, skip: Sequence[str] = (), params: Any = None, seed: int = 0) -> Report:
    """Try all universal laws but those named in `skip`; return the first broken one's report, else one for all.

    >>> import numpy as np
    >>> check(np.multiply, np.ones(2), np.ones(2)).notes
    ['laws kept: determinism, no_mutation, no_aliasing, ...zero_d_and_empty']
    """
    names = {law.__name__ for law in universal}
    if unknown := set(skip) - names:
        raise ValueError(f"skip={sorted(unknown)}: expected names among {', '.join(sorted(names))}.")
    reports = []
    for law in universal:
        if law.__name__ not in skip:
            report = law(f, *inputs, params=params, seed=seed)
            if report.verdict is Verdict.FAIL:
                return report
            reports.append((law.__name__, report))
    kept = [name for name, report in reports if report]
    function = reports[0][1].function.rpartition(", law ")[0] if reports else getattr(f, "__name__", "f")
    whole = Report(function, Verdict.PASS, oracle="the laws of every differentiable function", seed=seed)
    whole.notes = [f"laws kept: {', '.join(kept)}"]
    for name, report in reports:
        whole.checked += report.checked
        whole.evaluations += report.evaluations
        whole.seconds += report.seconds
        whole.notes += [f"{name}: {note}" for note in report.notes]
        if not report and whole:
            whole.verdict, whole.reason, whole.detail = report.verdict, f"{name}: {report.reason}", report.detail
    return whole
