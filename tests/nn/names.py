"""What torch offers under torch.nn, torch.nn.functional, torch.nn.init and torch.optim, and what is here of it.

`python -m tests.nn.names` writes docs/nn.md, from the installed torch.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import nn
from autodiff.testing.strategies import modules

PAGE = Path(__file__).parents[2] / "docs" / "nn.md"
VERSION = "2.13"  # of torch, that the page is made of
AREAS = {
    "torch.nn": nn,
    "torch.nn.functional": nn.functional,
    "torch.nn.init": nn.init,
    "torch.optim": nn.optim,
    "torch.optim.lr_scheduler": nn.optim.lr_scheduler,
}
ABSENT = {  # the only names that may be missing, and why
    "AdaptiveLogSoftmaxWithLoss": "clusters of rare classes: a full softmax, or sampling, has taken its place",
    "LinearCrossEntropyLoss": "saves memory on an accelerator; Linear and CrossEntropyLoss give its numbers",
    "DataParallel": "distributed: this is one process on one machine",
    "SyncBatchNorm": "distributed: this is one process on one machine",
    "grouped_mm": "a product of an accelerator's own number formats; np.matmul of each group",
    "scaled_mm": "quantised",
    "scaled_grouped_mm": "quantised",
    "Container": "deprecated: Module",
    "NLLLoss2d": "deprecated: NLLLoss",
    "SparseAdam": "gradients are dense arrays",
}
HELD_ELSEWHERE = {  # what no drawn configuration can show, and the tests that compare it with torch
    "torch.nn.init": "tests/nn/test_init.py",
    "torch.optim": "tests/nn/test_optim_parity.py",
    "torch.optim.lr_scheduler": "tests/nn/test_lr_scheduler.py",
}


def public(torch: Any, area: str) -> list[str]:
    """Return the public classes, or functions, of one of torch's modules."""
    module: Any = torch
    for part in area.split(".")[1:]:
        module = getattr(module, part)
    names = [name for name in dir(module) if not name.startswith("_")]
    things = {name: getattr(module, name) for name in names}
    if area == "torch.nn":
        return [
            name for name, x in things.items() if isinstance(x, type) and issubclass(x, (torch.nn.Module, torch.Tensor))
        ]
    if area == "torch.nn.functional":
        return [name for name, x in things.items() if _is_function(x) and name not in NO_FUNCTIONS]
    if area == "torch.nn.init":
        functions = [name for name, x in things.items() if inspect.isfunction(x) and x.__module__ == area]
        return [name for name in functions if name.endswith("_") or name == "calculate_gain"]
    base = torch.optim.Optimizer if area == "torch.optim" else torch.optim.lr_scheduler.LRScheduler
    return [name for name, x in things.items() if isinstance(x, type) and issubclass(x, base)]


NO_FUNCTIONS = {"assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function"} | {
    f"has_torch_function_{n}" for n in ("unary", "variadic")
}


def _is_function(x: Any) -> bool:
    return (
        callable(x)
        and not isinstance(x, (type, ModuleType))
        and "typing" not in type(x).__module__ + str(getattr(x, "__module__", ""))
    )


def status(area: str, name: str) -> str:
    """Say how a name stands here: tested against torch, or absent and why."""
    if not hasattr(AREAS[area], name):
        return f"absent: {ABSENT[name]}" if name in ABSENT else "absent"
    if area in HELD_ELSEWHERE:
        return f"tested ({HELD_ELSEWHERE[area]})"
    drawn = modules.LAYERS | modules.LOSSES | modules.FUNCTIONS
    if name in drawn:
        return "tested with drawn options"
    through_layer = name.replace("_", "") in {word.lower() for word in drawn}
    return "tested through its layer" if area == "torch.nn.functional" and through_layer else "tested on its own"


def table(torch: Any) -> str:
    """Return the page."""
    lines = [
        "# torch's names here",
        "",
        f"Every public class and function of these modules of torch {VERSION}, compared with it by the tests.",
    ]
    for area, here in AREAS.items():
        names = public(torch, area)
        have = [name for name in names if hasattr(here, name)]
        lines += ["", f"## {area}: {len(have)} of {len(names)}", "", "| name | |", "|---|---|"]
        lines += [f"| `{name}` | {status(area, name)} |" for name in names]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import torch

    PAGE.write_text(table(torch))
