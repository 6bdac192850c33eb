"""Every model of nn.models at its published size against PyTorch's, from one state; the report is docs/models.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import models
from tests.nn.twins import twin

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("full size")]

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
HEAD = """# The models

`nn.models` at their published sizes, each beside the same file run under PyTorch {version} with its import lines
changed, from one state dict: the largest difference of the outputs, divided by the largest output, and the largest of
the gradients, divided by the largest number in that parameter's gradient. In float64 the models train, batch
normalization by the batch's own statistics, without dropout; in float32 they are in evaluation mode. There the
gradients differ by a ReLU here and there whose input is 0 up to rounding.
`./scripts/test --long` writes this page.

| model | input | parameters | multiply-adds | dtype | outputs | gradients |
|---|---|---|---|---|---|---|
"""
IMAGE = (2, 3, 224, 224)
NO_DROPOUT = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
CASES: dict[str, tuple[tuple[Any, ...], dict[str, Any], Any, int]] = {
    "resnet18": ((models.BasicBlock, [2, 2, 2, 2]), {}, IMAGE, 11_689_512),
    "resnet50": ((models.Bottleneck, [3, 4, 6, 3]), {}, IMAGE, 25_557_032),
    "vgg16": ((models.vgg.VGG16,), {"dropout": 0.0}, IMAGE, 138_357_544),
    "mobilenet": ((), {}, IMAGE, 4_231_976),
    "densenet121": ((), {}, IMAGE, 7_978_856),
    "googlenet": ((), {"dropout": 0.0}, IMAGE, 6_624_904),
    "xception": ((), {}, (2, 3, 299, 299), 22_855_952),
    "gpt2": ((), NO_DROPOUT, "tokens", 124_439_808),
    "transformer": ((37000,), {"dropout": 0.0}, "pairs", 63_084_544),
}
RUNS = [(name, dtype) for name in CASES for dtype in (np.float32, np.float64)]
LIMITS = {np.float32: (1e-5, 2e-2), np.float64: (1e-10, 1e-8)}  # of outputs, of gradients


@pytest.fixture(scope="module")
def report(torch: Any) -> Iterator[dict[tuple[str, str], str]]:
    """Collect a row a run, and put them into the page in place of those of an earlier run."""
    rows: dict[tuple[str, str], str] = {}
    yield rows
    old = PAGE.read_text().splitlines() if PAGE.exists() else []
    for line in old:
        cells = [cell.strip(" `") for cell in line.split("|")[1:-1]]
        if cells and cells[0] in CASES:
            rows.setdefault((cells[0], cells[4]), line)
    lines = [rows[key] for key in sorted(rows, key=lambda key: (list(CASES).index(key[0]), key[1]))]
    PAGE.write_text(HEAD.format(version=torch.__version__.partition("+")[0]) + "\n".join(lines) + "\n")


def inputs_of(kind: Any, dtype: Any) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    if kind == "tokens":
        return (rng.integers(0, 50257, (2, 64)),)
    if kind == "pairs":
        return rng.integers(1, 37000, (2, 32)), rng.integers(1, 37000, (2, 30))
    return (rng.standard_normal(kind).astype(dtype),)


def apart(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest number."""
    scale = float(np.abs(b).max())
    return float(np.abs(a - b).max()) / scale if scale else float(np.abs(a).max())


@pytest.mark.parametrize(("name", "dtype"), RUNS, ids=lambda x: getattr(x, "__name__", x))
def test_full_size(name: str, dtype: Any, torch: Any, report: dict[tuple[str, str], str]) -> None:
    args, options, kind, count = CASES[name]
    make = getattr(models, name)
    ours = make(*(args if name == "transformer" else ()), **options).to(dtype)
    theirs = twin(torch, ours, *args, **options)
    arrays = inputs_of(kind, dtype)
    for model in (ours, theirs):
        model.train(dtype == np.float64)
    table = nn.summary(ours, *map(ad.tensor, arrays))
    y, z = ours(*map(ad.tensor, arrays)), theirs(*map(torch.tensor, arrays))
    outputs = apart(y.detach().numpy(), z.detach().numpy())
    seed = np.cos(np.arange(y.size)).reshape(y.shape).astype(dtype)
    (y * ad.tensor(seed)).sum().backward()
    (z * torch.tensor(seed)).sum().backward()
    largest = max(float(q.grad.abs().max()) for q in theirs.parameters())
    gradients = max(
        float(np.abs(p.grad.numpy() - q.grad.numpy()).max()) / max(float(q.grad.abs().max()), 1e-6 * largest)
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True)
    )
    shapes, counts = ", ".join(str(x.shape) for x in arrays), f"{count:,} | {table.total_mult_adds / 1e9:.2f} G"
    report[name, np.dtype(dtype).name] = (
        f"| `{name}` | {shapes} | {counts} | {np.dtype(dtype).name} | {outputs:.1e} | {gradients:.1e} |"
    )
    assert table.total_params == count
    assert outputs < LIMITS[dtype][0]
    assert gradients < LIMITS[dtype][1]
