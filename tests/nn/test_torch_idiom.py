"""The scripts of examples/torch_idiom run here and, with other import lines, under torch, and give the same losses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autodiff as ad

SCRIPTS = Path(__file__).parents[2] / "examples" / "torch_idiom"
MODELS = {
    "mlp": "NeuralNetwork",
    "convnet": "Net",
    "lstm": "Classifier",
    "transformer": "TransformerModel",
    "custom_loop": "Residual",
}
IMPORTS = [  # of a line: what stands here, and what stands under torch
    (r"^import autodiff as torch$", "import torch"),
    (r"^from autodiff import grad$", "from torch.autograd import grad"),
    (r"^import nn$", "from torch import nn"),
    (r"^import nn\.functional as F$", "import torch.nn.functional as F"),
    (r"^from nn import optim$", "from torch import optim"),
    (r"^from nn\.optim\.", "from torch.optim."),
    (r"^from nn\.data import", "from torch.utils.data import"),
    (r"^from nn\.utils\.", "from torch.nn.utils."),
]


def under_torch(source: str) -> str:
    """Return a script whose import lines, and no others, are those of torch."""
    lines = source.split("\n")
    for i, line in enumerate(lines):
        if line.startswith(("import ", "from ")):
            for here, there in IMPORTS:
                lines[i] = re.sub(here, there, lines[i])
    return "\n".join(lines)


def run(name: str, source: str) -> ModuleType:
    """Return a script as a module."""
    module = ModuleType(name)
    exec(compile(source, f"{name}.py", "exec"), vars(module))
    return module


@pytest.fixture(params=["float32", "float64"])
def dtype(request: Any, torch: Any) -> Iterator[str]:
    """Make a dtype the default of both."""
    before = ad.get_default_dtype(), torch.get_default_dtype()
    ad.set_default_dtype(getattr(np, request.param))
    torch.set_default_dtype(getattr(torch, request.param))
    yield request.param
    ad.set_default_dtype(before[0])
    torch.set_default_dtype(before[1])


@pytest.mark.parametrize("name", MODELS)
def test_a_script_gives_torchs_losses(torch: Any, dtype: str, name: str) -> None:
    source = (SCRIPTS / f"{name}.py").read_text()
    here, there = run(f"{name}_here", source), run(f"{name}_there", under_torch(source))
    assert not re.search(r"\b(autodiff|nn\.data)\b", under_torch(source))
    ad.manual_seed(0)
    ours, theirs = getattr(here, MODELS[name])(), getattr(there, MODELS[name])()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()})
    mine, yours = here.main(ours), there.main(theirs)
    assert len(mine) == len(yours) > 5
    close = 1e-8 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(mine, yours, rtol=close, atol=close / 10)
    assert np.mean(mine[-4:]) < np.mean(mine[:4])
    if dtype == "float32":  # where a gradient is 0 but for rounding, Adam follows the rounding
        return
    for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-8, err_msg=key)


def test_every_script_is_run() -> None:
    assert {path.stem for path in SCRIPTS.glob("*.py")} - {"__init__"} == set(MODELS)
