"""The table of operations: a row for every entry of the registry that has a derivative, and for its keyword variants.

Shapes are written with letters: `nm, mk` (0 to 3 elements a side; capitals at least 1), digits for fixed lengths,
`...` for a shape that broadcasts with the other operands' `...`.
"""

from __future__ import annotations

from tests.ops.complex_numbers import COMPLEX
from tests.ops.elementwise import SELECTION, UFUNCS
from tests.ops.indexing import INDEXING
from tests.ops.products import LINALG, PRODUCTS
from tests.ops.reductions import REDUCTIONS
from tests.ops.row import Op as Op
from tests.ops.shapes import SHAPES

OPS = UFUNCS + SELECTION + COMPLEX + REDUCTIONS + SHAPES + INDEXING + PRODUCTS + LINALG
