"""Functions of one float32 that compiled loops are written in: selects in place of branches, so that they vectorise."""

# ruff: noqa: FURB136
# of NaN and a number max and min may return the number; these selects return NaN

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.kernels.compiled import part

f32 = np.float32


def coefficients(*values: float) -> tuple[Any, ...]:
    """Return numbers as float32, which a loop does not widen."""
    return tuple(map(np.float32, values))


ZERO, HALF, ONE, TWO, INFINITY = coefficients(0.0, 0.5, 1.0, 2.0, np.inf)
# of GELU: sqrt(1 / 2); the argument of its tanh, sqrt(2 / pi) (x + 0.044715 x**3)
ROOT_HALF, SLOPE, CUBE, THREE_CUBES = coefficients(
    0.5**0.5, 0.7978845608, 0.7978845608 * 0.044715, 0.7978845608 * 0.134145
)
LOW, HIGH, NINE, TEN = coefficients(-86.6, 88.722, 9.02, 10.0)  # beyond these exp is taken for 0 or infinite
LOG2_E, LN2_HIGH, LN2_LOW = coefficients(1.44269504, 0.693359375, -2.12194440e-4)
# minimax on |r| <= log(2) / 2, of (exp(r) - 1 - r) / r**2
EXP = coefficients(5.0000001e-1, 1.6666666e-1, 4.1665796e-2, 8.3334519e-3, 1.3981999e-3, 1.9875691e-4)


@part
def power_of_e(x: Any) -> Any:
    """Return e**x as 2**n * e**r within 1.1 ulp, for x from -86.6 to 88.7 alone."""
    n = np.floor(x * LOG2_E + HALF)
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = ((((EXP[5] * r + EXP[4]) * r + EXP[3]) * r + EXP[2]) * r + EXP[1]) * r + EXP[0]
    half = np.int32((np.int32(n) + np.int32(126)) << np.int32(23)).view(f32)  # 2**(n - 1): n reaches 128
    return (p * r * r + r + ONE) * half * TWO


@part
def exp(x: Any) -> Any:
    """Return e**x within 1.1 ulp; 0 below -86.6 in place of the last normal numbers and the denormal ones."""
    y = power_of_e(HIGH if x > HIGH else (LOW if x < LOW else x))
    return INFINITY if x > HIGH else (ZERO if x < LOW else y)


# erf(x) / x in x**2 on |x| <= 0.9, relative error 1.2e-8; and -log(erfc(x)) on 0.9...4, where erfc is at most 0.2
NEAR = coefficients(
    1.12837915379, -0.376125232625, 0.112821407134, -0.0267789060222, 0.00501195910740, -0.000609034268871
)
TAIL = coefficients(1.664477e-4, 1.1277972436, 0.6369760788, 0.1041136853, -0.0223152176, 0.00306549182, -1.98219853e-4)
NINE_TENTHS, FOUR = coefficients(0.9, 4.0)


@part
def erf(x: Any) -> Any:
    """Return the error function within 2.5 ulp."""
    a = np.abs(x)
    b = NINE_TENTHS if a > NINE_TENTHS else a
    t = b * b
    near = (((((NEAR[5] * t + NEAR[4]) * t + NEAR[3]) * t + NEAR[2]) * t + NEAR[1]) * t + NEAR[0]) * b
    b = FOUR if a > FOUR else a
    tail = (((((TAIL[6] * b + TAIL[5]) * b + TAIL[4]) * b + TAIL[3]) * b + TAIL[2]) * b + TAIL[1]) * b + TAIL[0]
    far = ONE - power_of_e(-tail)
    chosen = ONE if a > NINE_TENTHS else ZERO  # a product: of two long branches LLVM makes no select
    return np.copysign(far * chosen + near * (ONE - chosen), x)


# (distribution(x) - 1/2) / x of the normal distribution in x**2 on |x| <= 5.5, absolute error of the product 7e-9;
# all coefficients are positive, so nothing cancels
CDF_P = coefficients(
    3.9894223465e-1, 3.3852343363e-2, 4.6772420839e-3, 1.6882265067e-4, 6.3521008813e-6, 2.2749651634e-8
)
CDF_Q = coefficients(1.0, 2.5152115967e-1, 2.8645698093e-2, 1.8844275740e-3, 7.3646559135e-5, 1.1975111661e-6)
CDF_END = np.float32(5.5)  # from here on 0 or 1 in float32


@part
def ndtr(x: Any) -> Any:
    """Return the distribution function of the normal distribution, absolute error below 1e-7."""
    b = CDF_END if x > CDF_END else (-CDF_END if x < -CDF_END else x)
    t = b * b
    p = ((((CDF_P[5] * t + CDF_P[4]) * t + CDF_P[3]) * t + CDF_P[2]) * t + CDF_P[1]) * t + CDF_P[0]
    q = ((((CDF_Q[5] * t + CDF_Q[4]) * t + CDF_Q[3]) * t + CDF_Q[2]) * t + CDF_Q[1]) * t + CDF_Q[0]
    y = HALF + b * (p / q)
    return ONE if x > CDF_END else (ZERO if x < -CDF_END else y)


# (d/dx (x distribution(x)) - 1/2) / x in x**2 on |x| <= 5.6, absolute error of the product 1.3e-9
GELU_P = coefficients(7.9788455038e-1, -2.9250697723e-2, 1.4132961044e-2, 7.8762961272e-5, 3.4118646055e-5,
                      6.0186933762e-7, 1.5010415367e-8)  # fmt: skip
GELU_Q = coefficients(1.0, 2.9667288498e-1, 4.1604407842e-2, 3.6205842019e-3, 2.1479314925e-4, 8.7102581315e-6,
                      2.5468958419e-7, 1.2881085046e-9)  # fmt: skip
GELU_END = np.float32(5.6)


@part
def gelu_slope(x: Any) -> Any:
    """Return the derivative of x ndtr(x), absolute error below 4e-7."""
    b = GELU_END if x > GELU_END else (-GELU_END if x < -GELU_END else x)
    t = b * b
    p = ((((GELU_P[6] * t + GELU_P[5]) * t + GELU_P[4]) * t + GELU_P[3]) * t + GELU_P[2]) * t + GELU_P[1]
    q = ((((GELU_Q[7] * t + GELU_Q[6]) * t + GELU_Q[5]) * t + GELU_Q[4]) * t + GELU_Q[3]) * t + GELU_Q[2]
    y = HALF + b * ((p * t + GELU_P[0]) / ((q * t + GELU_Q[1]) * t + GELU_Q[0]))
    return ONE if x > GELU_END else (ZERO if x < -GELU_END else y)


@part
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), at least 1e-37."""
    b = -LOW if x < LOW else (LOW if x > -LOW else -x)
    return ONE / (ONE + power_of_e(b))


@part
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent, absolute error below 1e-7."""
    b = NINE if x > NINE else (-NINE if x < -NINE else x)
    return ONE - TWO / (ONE + power_of_e(b + b))


# log(1 + e) / e on 0 <= e <= 1, relative error 1e-9; all coefficients are positive
LOG_P = coefficients(1.0, 1.0662186286, 0.2381576193, 0.0034172846723)
LOG_Q = coefficients(1.0, 1.5662184981, 0.6879364617, 0.075287320632)


@part
def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)) as max(x, 0) + log(1 + exp(-|x|))."""
    a = np.abs(x)
    e = power_of_e(LOW if a > -LOW else -a)
    p = ((LOG_P[3] * e + LOG_P[2]) * e + LOG_P[1]) * e + LOG_P[0]
    q = ((LOG_Q[3] * e + LOG_Q[2]) * e + LOG_Q[1]) * e + LOG_Q[0]
    return (x if x > ZERO else ZERO) + e * p / q


@part
def largest(row: Any) -> Any:
    """Return the largest number of a row; a NaN is passed over.

    Four in turn, so that one comparison need not wait for the last: 65 numbers take 11 ns, against 17 with `max`.
    """
    a = b = c = d = -INFINITY
    whole = row.size // 4 * 4
    for i in range(0, whole, 4):
        a = row[i] if row[i] > a else a
        b = row[i + 1] if row[i + 1] > b else b
        c = row[i + 2] if row[i + 2] > c else c
        d = row[i + 3] if row[i + 3] > d else d
    for i in range(whole, row.size):
        a = row[i] if row[i] > a else a
    a = a if a > b else b
    c = c if c > d else d
    return a if a > c else c
