"""Optimizers alone: one update of the parameters of the MLP (101,770) and of the GPT (811,264), float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.byhand import InPlace
from benchmarks.engines import BEST, FLOOR, VARIANTS, on
from benchmarks.engines.arrays import Arrays, Update, moments
from benchmarks.row import Row, Timed
from benchmarks.workloads import gpt, mlp

UPDATES = {
    "SGD": Update("SGD", lr=0.01),
    "SGD with momentum": Update("SGD", lr=0.01, momentum=0.9),
    "Adam": Update("Adam", lr=1e-3),
    "AdamW": Update("AdamW", lr=1e-3, weight_decay=0.1),
}


def gradients(parameters: Arrays) -> Arrays:
    """Any will do, none near zero: Adam's first step has their sign."""
    rng = np.random.default_rng(1)
    return {
        name: (rng.uniform(0.5, 1.5, p.shape) * rng.choice([-1, 1], p.shape)).astype(np.float32)
        for name, p in parameters.items()
    }


def by_hand(update: Update, parameters: Arrays) -> Timed:
    """Over one flat array."""
    made = InPlace(update, parameters)
    for name, value in gradients(parameters).items():
        made.g[name][...] = value
    return Timed(made.step, made.p.values)


def row(name: str, update: Update, of: str, problem: Callable[[], Any]) -> Row:
    """One optimizer, one set of parameters."""
    parameters = problem().parameters
    size = sum(p.size for p in parameters.values())
    return Row(
        f"{name}, {of}",
        "us",
        {
            **on((*VARIANTS, "torch", "jax"), lambda m: m.updating(update, parameters, gradients(parameters))),
            FLOOR: lambda: by_hand(update, parameters),
        },
        limits={BEST: 1.0, FLOOR: 1.15},
        moved=4 * size * (3 + 2 * len(moments(update))),
        rounds=15,
        absent={
            "autograd": "brings none for arrays in place",
            "mygrad": "brings none",
            "torch.compile": "the fused optimizer is one kernel already",
            "tinygrad": "part of its step",
        },
    )


ROWS = tuple(
    row(name, update, of, problem)
    for of, problem in (("MLP", mlp.problem), ("GPT", gpt.problem))
    for name, update in UPDATES.items()
)
