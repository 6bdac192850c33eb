"""Pooling and its adjoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.kernels.pooling import max_pool, pick, spread_pool, sum_pool, unpool, windows
from tests.ops.row import op, t

HALVES = windows((4, 4), (2, 2), (2, 2), (0, 0), (1, 1))
OVERLAP = windows((4, 5), (3, 2), (2, 1), (1, 1), (1, 1))
LINE = windows((5,), (2,), (1,), (0,), (2,))
HANGING = windows((5, 4), (2, 3), (2, 2), (0, 0), (1, 1), ceil_mode=True)
SOLID = windows((3, 2, 3), (2, 1, 2), (1, 1, 1), (0, 0, 1), (1, 1, 1))
WHOLE = windows((3, 2), (3, 2), (3, 2), (0, 0), (1, 1))


def _max(found: Any) -> Callable[..., Any]:
    return lambda x: max_pool(x, windows=found)[0]


def _chosen(shape: tuple[int, ...], found: Any) -> Any:
    return max_pool(np.random.default_rng(3).normal(size=shape), windows=found)[1]


OF_HALVES, OF_OVERLAP = _chosen((2, 3, 4, 4), HALVES), _chosen((2, 3, 4, 5), OVERLAP)
OVER = "nn.functional.{}_pool{}d".format

POOLING = [
    op(max_pool, _max(HALVES), "2344", label="2x2", torch=t(OVER("max", 2), 2)),
    op(max_pool, _max(OVERLAP), "2345", label="that overlap", torch=t(OVER("max", 2), (3, 2), (2, 1), (1, 1))),
    op(max_pool, _max(LINE), "235", label="dilated", torch=t(OVER("max", 1), 2, 1, dilation=2)),
    op(max_pool, _max(HANGING), "2354", label="ceil_mode", torch=t(OVER("max", 2), (2, 3), 2, ceil_mode=True)),
    op(max_pool, _max(SOLID), "22323", label="3-D", torch=t(OVER("max", 3), (2, 1, 2), 1, (0, 0, 1))),
    op(max_pool, lambda x: max_pool(x, windows=OVERLAP), "2345", label="with places"),
    op(unpool, lambda x: unpool(x, OF_HALVES, windows=HALVES, lengths=(4, 4)), "2322", label="2x2"),
    op(unpool, lambda x: unpool(x, OF_OVERLAP, windows=OVERLAP, lengths=(4, 5)), "2326", label="that overlap"),
    op(pick, lambda x: pick(x, OF_HALVES, windows=HALVES), "2344", label="2x2"),
    op(pick, lambda x: pick(x, OF_OVERLAP, windows=OVERLAP), "2345", label="that overlap"),
    op(sum_pool, lambda x: sum_pool(x, windows=HALVES, scale=0.25), "2344", label="2x2", torch=t(OVER("avg", 2), 2)),
    op(sum_pool, lambda x: sum_pool(x, windows=OVERLAP, scale=1 / 6), "2345", label="that overlap",
       torch=t(OVER("avg", 2), (3, 2), (2, 1), (1, 1))),
    op(sum_pool, lambda x: sum_pool(x, windows=WHOLE), "n332", label="whole",
       torch=lambda torch: lambda x: x.sum((2, 3), keepdim=True)),
    op(sum_pool, lambda x: sum_pool(x, windows=SOLID, scale=0.25), "22323", label="3-D",
       torch=t(OVER("avg", 3), (2, 1, 2), 1, (0, 0, 1))),
    op(spread_pool, lambda x: spread_pool(x, windows=HALVES, lengths=(4, 4), scale=0.25), "2322", label="2x2",
       torch=lambda torch: lambda x: torch.nn.functional.interpolate(x, scale_factor=2) / 4),
    op(spread_pool, lambda x: spread_pool(x, windows=OVERLAP, lengths=(4, 5)), "2326", label="that overlap"),
    op(spread_pool, lambda x: spread_pool(x, windows=WHOLE, lengths=(3, 2), scale=0.5), "n311", label="whole",
       torch=lambda torch: lambda x: x.expand(-1, -1, 3, 2) / 2),
]  # fmt: skip
