"""The models of nn.models as PyTorch's: their own files, with the import lines changed."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import nn

FOLDER = Path(nn.__file__).parent / "models"
IMPORTS = [
    (r"^import autodiff as ad$", "import torch as ad"),
    (r"^from autodiff import Tensor$", "from torch import Tensor"),
    (r"^from nn\.(layers|module|layers\.\w+) import ", "from torch.nn import "),
    (r"^from nn import functional as F$", "from torch.nn import functional as F"),
    (r"^from nn import init$", "from torch.nn import init"),
]


@cache
def module(name: str) -> ModuleType:
    """Return a file of nn.models as a module of PyTorch's."""
    source = (FOLDER / f"{name}.py").read_text()
    for pattern, line in IMPORTS:
        source = re.sub(pattern, line, source, flags=re.MULTILINE)
    assert not re.search(r"^(import|from) (autodiff|nn)\b", source, re.MULTILINE)
    made = ModuleType(f"torch_{name}")
    sys.modules[made.__name__] = made
    exec(compile(source, f"{name}.py under torch", "exec"), vars(made))
    return made


def twin(torch: Any, model: Any, *args: Any, **options: Any) -> Any:
    """Return PyTorch's model of the same arguments in the same state; classes among them are found by their names."""
    theirs = module(type(model).__module__.rpartition(".")[2])
    args = tuple(getattr(theirs, x.__name__) if isinstance(x, type) else x for x in args)
    other = getattr(theirs, type(model).__name__)(*args, **options)
    state = model.state_dict()
    assert list(state) == list(other.state_dict())
    other.to(getattr(torch, next(iter(model.parameters())).dtype.name))
    other.load_state_dict({key: torch.tensor(value.numpy().copy()) for key, value in state.items()})
    return other.train(model.training)
