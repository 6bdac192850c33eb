"""What all optimizers share: parameter groups, state, and their form in a state dict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from itertools import chain
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, enable_grad
from autodiff.tape import QUIET, mode, scope
from nn.module import clear_grad

Group = dict[str, Any]


class Optimizer:
    """Parameter groups with their own settings, and a dict of state for each parameter.

    A subclass passes its defaults to `__init__` and defines `_update(group)`.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[Mapping[str, Any]], defaults: dict[str, Any]) -> None:
        if isinstance(params, (Tensor, Mapping)):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}; write [params]"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._workspaces: dict[Tensor, Tensor] = {}
        given: list[Any] = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with settings that differ from the defaults, e.g. `{"params": ps, "lr": 1e-4}`."""
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = set(chain.from_iterable(group["params"] for group in self.param_groups))
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor; optimize the tensor it was computed from")
        if len(set(params)) < len(params):
            raise ValueError("a parameter group contains duplicate parameters; pass each one once")
        if not known.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or with `set_to_none=False` fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; `closure` recomputes the loss first, which is then returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        now = mode.get()
        with nullcontext() if now is None or now is QUIET else scope(type(self).__name__):
            for group in self.param_groups:
                self._update(group)
        return loss

    def _update(self, group: Group) -> None:
        raise NotImplementedError

    @staticmethod
    def _learning_rate(group: Group) -> Tensor:
        """Return the group's learning rate as an operand, so that a traced step has it as one."""
        lr = group["lr"]
        return lr if isinstance(lr, Tensor) else Tensor(np.array(lr, dtype=np.float64))

    def _workspace(self, p: Tensor) -> Tensor:
        """Return an array to compute in, of p's shape and at least float32; all parameters share its memory."""
        if p not in self._workspaces:
            dtype = np.result_type(p.dtype, np.float32)
            params = [q for group in self.param_groups for q in group["params"]]
            same = [q for q in params if np.result_type(q.dtype, np.float32) == dtype]
            memory = np.empty(max(q.size for q in same), dtype)
            self._workspaces.update({q: as_tensor(memory[: q.size].reshape(q.shape)) for q in same})
        return self._workspaces[p]

    def _zeros(self, p: Tensor, name: str) -> Tensor:
        """Return zeros of p's shape to keep in its state, named so that a drawing can tell them."""
        zeros = as_tensor(np.zeros(p.shape, self._workspace(p).dtype))
        zeros.name = f"{p.name}.{name}" if p.name else name
        return zeros

    def state_dict(self) -> dict[str, Any]:
        """Return state and settings in PyTorch's structure, parameters numbered in their order."""
        index = {p: i for i, p in enumerate(self._parameters())}
        return {
            "state": {index[p]: dict(state) for p, state in self.state.items()},
            "param_groups": [{**group, "params": [index[p] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over copies of the state and settings of an optimizer with groups of the same sizes."""
        groups, saved = self.param_groups, state_dict["param_groups"]
        if len(groups) != len(saved):
            raise ValueError(
                f"loaded state dict has a different number of parameter groups: {len(saved)}, expected {len(groups)}"
            )
        for group, other in zip(groups, saved, strict=True):
            if len(group["params"]) != len(other["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"{len(other['params'])} parameters, expected {len(group['params'])}"
                )
        numbers = chain.from_iterable(group["params"] for group in saved)
        params = dict(zip(numbers, self._parameters(), strict=True))
        self.state.clear()
        for number, state in state_dict["state"].items():
            p = params[number]
            self.state[p] = {name: self._own_copy(name, value, p) for name, value in state.items()}
        self.param_groups = [{**other, "params": group["params"]} for group, other in zip(groups, saved, strict=True)]

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _own_copy(self, name: str, value: Any, p: Tensor) -> Any:
        """Return a copy of a value of p's state, in the dtype this optimizer keeps it in."""
        if value is None:
            return None
        dtype = np.float64 if name == "step" else np.result_type(p.dtype, np.float32)
        return as_tensor(np.array(as_tensor(value).data, dtype))

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def non_negative(**settings: float) -> None:
    """Demand that settings are numbers ≥ 0."""
    for name, value in settings.items():
        if not value >= 0:
            raise ValueError(f"Invalid {name} value: {value}, expected a number >= 0")
