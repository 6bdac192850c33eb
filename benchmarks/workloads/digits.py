"""MLP 64-32-10 of the digits example, with ReLU, cross-entropy and SGD on a batch of 32, float32."""

from __future__ import annotations

from functools import partial

from benchmarks.engines.arrays import Update
from benchmarks.steps import Step
from benchmarks.workloads import mlp

SIZES, BATCH = (64, 32, 10), 32
problem = partial(mlp.problem, SIZES, BATCH, Update("SGD", lr=0.1))

STEP = Step(
    "digits MLP 64-32-10, batch 32, SGD",
    problem,
    mlp.by_hand(problem),
    mlp.layers(SIZES, BATCH),
    BATCH * sum(SIZES[1:]),
    limits={"best eager": 0.6, "autograd": 0.25, "mygrad": 0.4},
)
ROWS = (STEP.row(),)
