"""Convolutions, cross products, unwrapped phases and polynomials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.kernels.sequences import convolve
from autodiff.rules import polynomials
from autodiff.rules.convolution import cross
from tests.ops.row import op, t

TURNS = 2 * math.pi * np.array([0, 2, -1, 1])


def _torchs_convolve(padding: int, turned: bool = True) -> Any:
    """Return torch's convolution, which turns nothing around."""

    def function(torch: Any) -> Any:
        def convolved(a: Any, v: Any) -> Any:
            kernel = v.flip(0) if turned else v.conj()
            return torch.nn.functional.conv1d(a[None, None], kernel[None, None], padding=padding)[0, 0]

        return convolved

    return function


def _torchs_vander(n: int, down: bool = False) -> Any:
    """Return powers of torch's; its own vander is not differentiable twice."""
    powers = range(n)[::-1] if down else range(n)
    return lambda torch: lambda x: torch.stack([x**k for k in powers], -1)


CONVOLUTIONS = [
    op(convolve, convolve, "5, 3", label="of the engine", reference=np.convolve, torch=_torchs_convolve(2)),
    op(np.convolve, np.convolve, "N, M"),
    op(np.convolve, np.convolve, "5, 3", label="full", torch=_torchs_convolve(2)),
    op(np.convolve, lambda a, v: np.convolve(a, v, "same"), "5, 3", label="same", torch=_torchs_convolve(1)),
    op(np.convolve, lambda a, v: np.convolve(a, v, mode="valid"), "5, 3", label="valid", torch=_torchs_convolve(0)),
    op(np.convolve, lambda a, v: np.convolve(a, v, mode="same"), "3, 6", label="same, even and longer"),
    op(np.convolve, lambda a, v: np.convolve(a, v, mode="valid"), "2, 5", label="valid, longer"),
    op(np.convolve, np.convolve, "5, 3", "complex", label="complex", torch=_torchs_convolve(2)),
    op(np.convolve, np.convolve, "3, 2", "complex", "real", label="complex with real"),
    op(np.convolve, lambda a: np.convolve(a, a), "3", label="with itself"),
    op(np.convolve, lambda a: np.convolve(a, [1.0, 2.0]), "N", label="with a list"),
    op(np.correlate, np.correlate, "5, 3", torch=_torchs_convolve(0, turned=False)),
    op(np.correlate, lambda a, v: np.correlate(a, v, "full"), "5, 3", label="full",
       torch=_torchs_convolve(2, turned=False)),
    op(np.correlate, lambda a, v: np.correlate(a, v, mode="same"), "5, 4", label="same"),
    op(np.correlate, lambda a, v: np.correlate(a, v, mode="same"), "4, 6", label="same, longer"),
    op(np.correlate, lambda a, v: np.correlate(a, v, mode="full"), "2, 3", label="full, longer"),
    op(np.correlate, np.correlate, "5, 3", "complex", label="complex", torch=_torchs_convolve(0, turned=False)),
    op(np.correlate, lambda a, v: np.correlate(a, v, "same"), "2, 5", "complex", label="complex, longer"),
    op(cross, cross, "n3, n3", label="of the engine", torch=t("linalg.cross"), reference=np.cross),
    op(np.cross, np.cross, "...3, ...3"),
    op(np.cross, lambda a, b: np.cross(a, b, axis=0), "3n, 3n", label="axis", torch=t("linalg.cross", dim=0)),
    op(np.cross, lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=-2), "3n, n3", label="axes"),
    op(np.cross, np.cross, "n3, n3", "complex", label="complex", torch=t("linalg.cross")),
    op(np.unwrap, lambda x: np.unwrap(x + TURNS), "n4", "unit", small=""),
    op(np.unwrap, lambda x: np.unwrap(x + TURNS[:, None], axis=0), "4n", "unit", label="axis", small=""),
    op(np.unwrap, lambda x: np.unwrap(x + 2 * TURNS / math.pi, period=4.0), "4", "unit", label="period", small=""),
    op(np.unwrap, lambda x: np.unwrap(x + TURNS, discont=8.0), "4", "unit", label="discont", small=""),
]  # fmt: skip

POLYNOMIALS = [
    op(np.vander, np.vander, "3", torch=_torchs_vander(3, down=True)),
    op(np.vander, lambda x: np.vander(x, 4, increasing=True), "n", label="N, increasing",
       torch=_torchs_vander(4)),
    op(np.vander, lambda x: np.vander(x, N=1), "n", label="one power", torch=_torchs_vander(1)),
    op(np.vander, np.vander, "3", "complex", label="complex", torch=_torchs_vander(3, down=True)),
    op(np.polyval, np.polyval, "3, nm",
       torch=lambda torch: lambda p, x: p[0] * x**2 + p[1] * x + p[2]),
    op(np.polyval, lambda p: np.polyval(p, 2.0), "4", label="at a number"),
    op(np.polyval, lambda x: np.polyval([1, 0, 2], x), "n", label="of numbers"),
    op(np.polyval, np.polyval, "31n, m1", label="several"),
    op(np.polyval, np.polyval, "3, n", "complex", label="complex"),
    op(np.polyadd, np.polyadd, "2, 4", torch=lambda torch: lambda a, b: torch.nn.functional.pad(a, (2, 0)) + b),
    op(np.polyadd, np.polyadd, "4, ", label="a number"),
    op(np.polyadd, np.polyadd, "2, 3", "complex", "real", label="complex with real"),
    op(np.polysub, np.polysub, "4, 2", torch=lambda torch: lambda a, b: a - torch.nn.functional.pad(b, (2, 0))),
    op(np.polysub, np.polysub, "2, 2", "complex", label="complex"),
    op(np.polymul, np.polymul, "3, 2", torch=_torchs_convolve(1)),
    op(np.polymul, lambda a: np.polymul(a, [0, 0, 1, 2]), "3", label="leading zeros"),
    op(np.polymul, np.polymul, "3, 2", "complex", label="complex"),
    op(np.polydiv, np.polydiv, "4, 2"),
    op(np.polydiv, lambda u, v: np.polydiv(u, v)[0], "5, 3", label="quotient"),
    op(np.polydiv, lambda u, v: np.polydiv(u, v)[1], "2, 3", label="of a lower degree"),
    op(np.polydiv, np.polydiv, "3, ", label="by a number"),
    op(np.polydiv, np.polydiv, "4, 2", "complex", label="complex"),
    op(np.polyder, np.polyder, "4", torch=lambda torch: lambda p: p[:-1] * torch.tensor([3, 2, 1])),
    op(np.polyder, lambda p: np.polyder(p, m=2), "4", label="twice"),
    op(np.polyder, lambda p: np.polyder(p, 0), "4", "complex", label="complex, not at all"),
    op(np.polyint, np.polyint, "3",
       torch=lambda torch: lambda p: torch.nn.functional.pad(p / torch.tensor([3, 2, 1]), (0, 1))),
    op(np.polyint, lambda p, k: np.polyint(p, m=2, k=k), "2, 2", label="constants"),
    op(np.polyint, lambda p, k: np.polyint(p, 2, k), "2, ", label="one constant"),
    op(np.polyint, lambda p, k: np.polyint(p, 2, [k, 1.0]), "2, ", label="list of constants"),
    op(np.polyint, np.polyint, "3", "complex", label="complex"),
    op(np.poly, np.poly, "N"),
    op(np.poly, np.poly, "33", label="of a matrix", torch=lambda torch: lambda x: torch.stack(
        [torch.ones(()), -x.trace(), (x.trace() ** 2 - (x @ x).trace()) / 2, -torch.linalg.det(x)])),
    op(np.poly, np.poly, "3", "complex", label="complex"),
    op(np.poly, np.poly, "33", "complex", label="complex matrix"),
    op(polynomials.characteristic, polynomials.characteristic, "33", reference=np.poly),
    op(np.roots, lambda r: np.roots(np.poly(r)), "3", label="real", small="f"),
    op(np.roots, lambda p: np.roots(np.stack([1.0 + 0 * p[0], p[0] / 8, 2.0 + p[1] / 8])), "2", label="in pairs"),
    op(np.roots, lambda p: np.roots(np.polymul(p, [1.0, 0.0])), "3", label="0 among them", small="f"),
    op(np.roots, np.roots, "4", "complex", label="complex"),
    op(polynomials.roots, lambda p: polynomials.roots(p * 0.1 + np.array([1.0, -6.0, 11.0, -6.0])), "4",
       label="of the engine", small=""),
    op(polynomials.over_slope, polynomials.over_slope, "n, n, n", "real", "nonzero", "real",
       reference=lambda a, b, c: a / b, small="f"),
    op(np.polyfit, lambda x, y: np.polyfit(x, y, 2), "5, 5", small="f"),
    op(np.polyfit, lambda x, y, w: np.polyfit(x, y, 1, w=w), "5, 52, 5", "real", "real", "positive",
       label="weights", small="f"),
    op(np.polyfit, lambda x, y: np.polyfit(x, y, 1, rcond=1e-12, full=True)[:2], "4, 42", label="residuals", small="f"),
    op(np.polyfit, lambda x, y: np.polyfit(x, y, 1, cov=True), "5, 5", label="covariance", small="f"),
    op(np.polyfit, lambda x, y: np.polyfit(x, y, 1, cov="unscaled"), "5, 52", label="unscaled covariance", small="f"),
]  # fmt: skip

CONVOLUTION = CONVOLUTIONS + POLYNOMIALS
