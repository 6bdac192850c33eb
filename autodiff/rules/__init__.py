"""Derivative tables, one file per chapter of NumPy. A rule is one line, keyed by the function it differentiates."""

from autodiff.rules import (
    arithmetic,
    comparison,
    creation,
    exponential,
    indexing,
    linalg,
    products,
    reductions,
    shapes,
    trigonometric,
)

__all__ = [
    "arithmetic",
    "comparison",
    "creation",
    "exponential",
    "indexing",
    "linalg",
    "products",
    "reductions",
    "shapes",
    "trigonometric",
]
