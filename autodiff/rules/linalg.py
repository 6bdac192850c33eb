"""Linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitive import outputs, primitive

primitive(np.linalg.inv, lambda g, y: -np.matmul(np.matmul(y.mT, g), y.mT), sig="a;",
          shapes="(n,n)->(n,n)", singular=("no inverse",), analytic=True)  # fmt: skip
outputs(np.linalg.slogdet, lambda g, x: None if g[1] is None else _times(g[1], np.linalg.inv(x).mT), sig="a;",
        shapes="(n,n)->(),()", singular=("no inverse",))  # fmt: skip


def _times(g: Any, matrix: Any) -> Any:
    return g[..., None, None] * matrix
