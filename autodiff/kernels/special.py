"""What the derivatives of SciPy's special functions are written in.

Where a derivative taken term by term would lose its digits, a function of an `order` gives all derivatives of one
function, each the next one's.
"""

# mypy: disable-error-code=has-type
# (a rule calls the very function that it stands above)

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from autodiff.kernels.division import product
from autodiff.primitive import elementwise

TINY = 50.0  # exp(-TINY) is nothing beside 1


@elementwise(lambda g, x, order: product(g, bell(x, order=order + 1)), analytic=True)
def bell(x: Any, *, order: int) -> Any:
    """Return the derivative of exp(-x**2) of an order, by the recurrence of Hermite's polynomials; 0 at infinity."""
    with np.errstate(all="ignore"):
        below, y = 0.0, np.exp(-x * x)
        for n in range(order):
            below, y = y, -2 * (x * y + n * below)
    return np.where(np.isinf(x), 0, y) if np.isinf(x).any() else y


@elementwise(lambda g, x, order: product(g, faddeeva(x, order=order + 1)), complex=True)
def faddeeva(z: Any, *, order: int) -> Any:
    """Return the derivative of scipy.special.wofz, exp(-z**2) erfc(-i z), of an order.

    By w' = -2 z w + 2i / sqrt(pi) differentiated; where the two cancel, by the asymptotic series of w (DLMF 7.12).
    """
    z = np.asarray(z)
    z = z.astype(np.result_type(z, np.complex64))
    squares = z.real * z.real - z.imag * z.imag
    with np.errstate(all="ignore"):
        far = (np.abs(z) > 8) & ((z.imag >= 0) | (squares > TINY))
        near = np.where(far, 0, z)
        below, y = np.zeros_like(z), special.wofz(near)
        for n in range(order):
            below, y = y, -2 * (near * y + n * below) + (2j / math.sqrt(math.pi) if n == 0 else 0)
        total, inverse = np.zeros_like(z), 1 / np.where(far, z, 1)
        coefficient = 1j / math.sqrt(math.pi) * (-1) ** order * math.factorial(order)
        power = inverse ** (order + 1)
        for k in range(16):
            total = total + coefficient * power
            power = power * inverse * inverse
            coefficient *= (2 * k + 1) / 2 * (2 * k + order + 1) * (2 * k + order + 2) / ((2 * k + 1) * (2 * k + 2))
        return np.where(np.isinf(z), 0, np.where(far, total, y))


# analytic, but the higher orders cancel: 6e-13 at order 3
@elementwise(lambda g, x, order: product(g, hazard(x, order=order + 1)), analytic=False, complex=True)
def hazard(x: Any, *, order: int) -> Any:
    """Return the derivative of the normal density over the normal distribution function, of an order.

    h' = -h (x + h), of which x + h loses no digits where h is about -x.
    """
    root = math.sqrt(0.5)
    with np.errstate(all="ignore"):
        scaled = special.erfcx(x * -root)
        h = [math.sqrt(2 / math.pi) / scaled]
        far = faddeeva(x * (-1j * root), order=1) * 1j
        excess = np.where(np.real(x) < 0, (far if x.dtype.kind == "c" else far.real) * -root / scaled, x + h[0])
        rest = [excess]
        for n in range(order):
            h.append(-sum(math.comb(n, k) * product(h[k], rest[n - k]) for k in range(n + 1)))
            rest.append(h[-1] + (n == 0))
    limit = -x if order == 0 else -1 if order == 1 else 0
    return np.where(np.real(x) < -1e8, limit, h[order])


@elementwise(lambda g, x: product(g, special.erfinv(x)) * -2, domain="unit", singular=())
def erfinv_slope(x: Any) -> Any:
    """Return 1 over the derivative of erfinv, 0 at its ends: so its own derivative is -2 erfinv(x)."""
    return np.exp(-np.square(special.erfinv(x))) * (2 / math.sqrt(math.pi))


@elementwise(lambda g, x: product(g, special.erfcinv(x)) * -2, domain="double unit", singular=())
def erfcinv_slope(x: Any) -> Any:
    """Return 1 over the derivative of erfcinv, 0 at its ends."""
    return np.exp(-np.square(special.erfcinv(x))) * (-2 / math.sqrt(math.pi))


@elementwise(lambda g, x: -product(g, special.ndtri(x)), domain="open unit", singular=())
def ndtri_slope(x: Any) -> Any:
    """Return 1 over the derivative of ndtri: the normal density at a quantile."""
    return np.exp(np.square(special.ndtri(x)) * -0.5) / math.sqrt(2 * math.pi)


@elementwise(None, lambda g, a, b: product(g, polygamma(a + 1, b)), domain=(None, "positive"), analytic=True)
def polygamma(n: Any, x: Any) -> Any:
    """Return the n-th derivative of the digamma function, n = 0, 1, 2, ...; of complex x too.

    >>> import numpy as np
    >>> polygamma(1, np.array([1.0]))
    array([1.64493407])
    """
    x = np.asarray(x)
    if x.dtype.kind == "c":
        return _complex_polygamma(n, x)
    k = np.maximum(n, 1).astype(x.dtype) if x.dtype.kind == "f" else np.maximum(n, 1) * 1.0
    with np.errstate(all="ignore"):
        tail = (1 - 2 * ((k + 1) % 2)) * special.gamma(k + 1) * special.zeta(k + 1, x)
    return np.where(np.equal(n, 0), special.digamma(x), tail).astype(x.dtype)


def _complex_polygamma(n: Any, z: Any) -> Any:
    """Return polygamma at complex numbers: moved to the right by its recurrence, then its asymptotic series."""
    k = np.maximum(n, 1)
    total, sign = np.zeros(np.broadcast_shapes(np.shape(n), z.shape), z.dtype), np.where(k % 2 == 1, 1.0, -1.0)
    digamma = special.digamma(z)
    for _ in range(max(int(np.ceil(15 - np.min(z.real, initial=15))), 0)):
        low = z.real < 15
        total = total + np.where(low, sign * special.gamma(k + 1) * np.where(low, z, 1) ** (-k - 1.0), 0)
        z = np.where(low, z + 1, z)
    series = special.gamma(k) * z ** (-1.0 * k) + special.gamma(k + 1) * 0.5 * z ** (-k - 1.0)
    for j, bernoulli in enumerate(special.bernoulli(24)[2::2], start=1):
        series = series + bernoulli * special.gamma(2 * j + k) / math.factorial(2 * j) * z ** (-2.0 * j - k)
    return np.where(np.equal(n, 0), digamma, total + sign * series)


@elementwise(
    lambda g, x, b, c, y: product(g, product(b, gamma_kernel(x, b - 1, c)) - y),
    lambda g, x, y: product(g, special.xlogy(y, x)),
    lambda g, y: -g * y,
    domain=("positive", None, None),
    analytic=True,
)
def gamma_kernel(x: Any, power: Any, scale: Any) -> Any:
    """Return x**power exp(-x - scale), which is 0 at infinity: the density of a gamma distribution."""
    with np.errstate(all="ignore"):
        y = np.exp(special.xlogy(power, x) - x - scale)
    return np.where(np.isinf(x), 0, y).astype(y.dtype)


@elementwise(
    lambda g, x, b, c, d: product(g, product(b, beta_kernel(x, b - 1, c, d)) - product(c, beta_kernel(x, b, c - 1, d))),
    lambda g, x, y: product(g, special.xlogy(y, x)),
    lambda g, x, y: product(g, special.xlog1py(y, -x)),
    lambda g, y: -g * y,
    domain=("open unit", None, None, None),
    analytic=True,
)
def beta_kernel(x: Any, power: Any, other: Any, scale: Any) -> Any:
    """Return x**power (1 - x)**other exp(-scale): the density of a beta distribution."""
    with np.errstate(all="ignore"):
        return np.exp(special.xlogy(power, x) + special.xlog1py(other, -x) - scale)


@elementwise(None, lambda g, a, b: -product(g, exponential_integral(a - 1, b)), domain=(None, "positive"))
def exponential_integral(n: Any, x: Any) -> Any:
    """Return scipy.special.expn, for negative whole n too."""
    with np.errstate(all="ignore"):
        y = special.expn(np.maximum(n, 0), x)
        for k in range(-1, int(np.min(n, initial=0)) - 1, -1):
            y = np.where(np.less_equal(n, k), (np.exp(-x) - k * y) / x, y)
    return y


@elementwise(lambda g, y: product(g, np.exp(-y) / (y + 1)), sig="z; k=0, tol=1e-8", domain="above a quarter",
             analytic=True)  # fmt: skip
def lambertw(z: Any, k: int = 0, tol: float = 1e-8) -> Any:
    """Return w with w exp(w) = z, of branch k; always complex, as SciPy's is."""
    z = np.asarray(z)
    return special.lambertw(z, k, tol).astype(np.result_type(z, np.complex64))
