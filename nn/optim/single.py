"""Optimizers whose update is not elementwise: a functional form, one parameter at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor
from autodiff.tape import Switch, memory, touch
from nn.optim.optimizer import Group, Optimizer


class SingleOptimizer(Optimizer):
    """An optimizer that says what becomes of one parameter: `_update`, in functions that take arrays and Tensors.

    A plain step gives it arrays, of float32 at least, a traced one Tensors, so that a graph shows it.
    """

    _real = True

    def _state(self, group: Group, p: Tensor) -> dict[str, tuple[int, ...]]:
        """Return names and shapes of the state kept for a parameter, which starts at 0."""
        raise NotImplementedError

    def _update(self, group: Group, dtype: Any, p: Any, g: Any, state: dict[str, Any], step: Any, lr: Any) -> Any:
        """Return the parameter after a step and put what its state becomes in `state`."""
        raise NotImplementedError

    def _step_group(self, group: Group, tracing: bool) -> None:
        for p in group["params"]:
            if p._grad is None or p.size == 0:
                continue
            self._begin(group, p)
            if tracing:
                with Switch(record=False, phase="update"):
                    self._show_one(group, p)
            else:
                self._run_one(group, p)

    def _begin(self, group: Group, p: Tensor) -> None:
        """Give a parameter the state that it lacks."""
        state, dtype = self.state[p], np.result_type(p.dtype, np.float32)
        if self._counts and "step" not in state:
            state["step"] = as_tensor(np.zeros(()))
        for name, shape in self._state(group, p).items():
            if name not in state or state[name].dtype != dtype:
                old = state[name].data if name in state else 0
                state[name] = as_tensor(np.zeros(shape, dtype) + old)
            state[name].name = f"{p.name}.{name}" if p.name else name

    def _run_one(self, group: Group, p: Tensor) -> None:
        state, lr = self.state[p], group["lr"]
        step = None
        if self._counts:
            count = state["step"].data
            step = float(np.add(count, 1.0, out=count))
        dtype = np.result_type(p.dtype, np.float32)
        arrays = {name: state[name].data for name in self._state(group, p)}
        known = dict(arrays)
        g = p._grad.data.astype(dtype, copy=False)
        if group.get("maximize"):
            g = -g
        with np.errstate(all="ignore"):
            lr = np.float64(lr.item() if isinstance(lr, Tensor) else lr)  # not weaker than a Tensor in a trace
            p.data[...] = self._update(group, p.dtype, p.data.astype(dtype, copy=False), g, known, step, lr)
        for name, array in arrays.items():
            array[...] = known[name]
        touch(memory(p.data))

    def _show_one(self, group: Group, p: Tensor) -> None:
        state, lr = self.state[p], group["lr"]
        step = None
        if self._counts:
            step = state["step"]
            step += 1.0
        dtype = np.result_type(p.dtype, np.float32)
        lr = lr.astype(np.float64) if isinstance(lr, Tensor) else Tensor(np.array(lr, dtype=np.float64))
        known: dict[str, Any] = {name: state[name] for name in self._state(group, p)}
        operands: list[Any] = [p, p.grad]
        wide = [x if x.dtype == dtype else x.astype(dtype) for x in operands]
        g = -wide[1] if group.get("maximize") else wide[1]
        value = self._update(group, p.dtype, wide[0], g, known, step, lr)
        p._become(value)
        for name, new in known.items():
            state[name]._become(new)
