"""Linear algebra."""

from __future__ import annotations

import numpy as np

from tests.ops.row import op

REGULAR = 4 * np.eye(3)  # added to small numbers: a matrix far from singular

LINALG = [
    op(
        np.linalg.inv,
        lambda x: np.linalg.inv(x + REGULAR),
        "33",
        torch=lambda torch: lambda x: torch.linalg.inv(x + torch.tensor(REGULAR)),
    ),
    op(np.linalg.inv, lambda x: np.linalg.inv(x + REGULAR), "n33", label="stack"),
    op(np.linalg.slogdet, lambda x: np.linalg.slogdet(x + REGULAR), "n33"),
    op(
        np.linalg.slogdet,
        lambda x: np.linalg.slogdet(x + REGULAR).logabsdet,
        "33",
        label="logarithm alone",
        torch=lambda torch: lambda x: torch.linalg.slogdet(x + torch.tensor(REGULAR))[1],
    ),
]
