"""The table of operations: a row for every entry of the registry that has a derivative, and for its keyword variants.

Shapes are written with letters: `nm, mk` (0 to 3 elements a side; capitals at least 1), digits for fixed lengths,
`...` for a shape that broadcasts with the other operands' `...`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.ops.attention import ATTENTION
from tests.ops.complex_numbers import COMPLEX
from tests.ops.conv import CONV
from tests.ops.convolution import CONVOLUTION
from tests.ops.elementwise import SELECTION, UFUNCS
from tests.ops.fourier import FOURIER
from tests.ops.indexing import INDEXING
from tests.ops.joining import JOINING
from tests.ops.linalg import LINALG
from tests.ops.normalization import NORMALIZATION
from tests.ops.ordering import ORDERING
from tests.ops.pooling import POOLING
from tests.ops.products import PRODUCTS
from tests.ops.recurrent import RECURRENT
from tests.ops.reductions import REDUCTIONS
from tests.ops.row import Op as Op
from tests.ops.scans import SCANS
from tests.ops.shapes import SHAPES
from tests.ops.special import SPECIAL
from tests.ops.statistics import STATISTICS

OPS = (
    UFUNCS
    + SELECTION
    + SPECIAL
    + COMPLEX
    + REDUCTIONS
    + SCANS
    + STATISTICS
    + ORDERING
    + SHAPES
    + JOINING
    + INDEXING
    + CONVOLUTION
    + CONV
    + POOLING
    + NORMALIZATION
    + PRODUCTS
    + RECURRENT
    + LINALG
    + FOURIER
    + ATTENTION
)


FIRST = {(op.fun, "complex" in op.domains): op.label for op in reversed(OPS)}  # of each function, real and complex


def is_first(op: Op) -> bool:
    """Say whether a row is the first of its function."""
    return FIRST[op.fun, "complex" in op.domains] == op.label


def row(op: Op, *more: Any) -> Any:
    """Return a row, and what else a test takes, as its parameters: under --long alone unless it is a first row."""
    return pytest.param(op, *more, marks=() if is_first(op) else pytest.mark.long)


each_op = pytest.mark.parametrize("op", OPS, ids=str)
each_function = pytest.mark.parametrize("op", [row(op) for op in OPS], ids=str)
