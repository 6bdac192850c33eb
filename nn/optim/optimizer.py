"""What all optimizers share: parameter groups, state and its form in a state dict, and how an update is run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import wraps
from itertools import chain
from typing import Any

import numpy as np

from autodiff import Tensor, as_tensor, enable_grad
from autodiff.kernels import compiled
from autodiff.primitive import Primitive, registry
from autodiff.tape import QUIET, Removable, Switch, memory, mode, scope
from nn.module import clear_grad
from nn.optim.flat import Array, Flat, Names

Group = dict[str, Any]
Params = Iterable[Tensor] | Iterable[Mapping[str, Any]] | Iterable[tuple[str, Tensor]]
Form = Callable[..., tuple[Any, ...]]
SMALL = 2**11  # elements a parameter, below which NumPy's passes over all take no longer than compiled calls for each


def update(
    form: Form, loop: Callable[..., None], passes: int = 12
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that registers a kernel `(flat, grads, *state, *numbers)` which updates parameters in place.

    `form(p, g, *state, *numbers)` is the same update as a function, elementwise and without effects: it returns the new
    parameter and state. A traced step runs and shows it, and `loop(p, g, *state, *numbers)` is it, compiled, in one
    pass over 1-D arrays. All three give the same bits. It has no derivative. `passes` is how many the kernel makes: the
    fewer, the larger the parameters for which compiled calls pay.
    """

    def register(kernel: Callable[..., None]) -> Callable[..., None]:
        def run(flat: Flat, grads: list[Array], *numbers: Any) -> None:
            if flat.compilable and flat.size >= SMALL * len(flat.params) * 12 // passes and compiled.available():
                kind = flat.dtype.type
                scalars = [None if x is None else kind(x) if type(x) is not bool else x for x in numbers]
                for (p, *state), g in zip(flat.lines, flat.aligned(grads), strict=True):
                    loop(p, g, *state, *scalars)
            else:  # 0-d arrays: faster than Python's numbers by a quarter of a microsecond an operation
                arrays = [x if x is None or type(x) is bool else np.array(x, flat.dtype) for x in numbers]
                with np.errstate(all="ignore"):
                    kernel(flat, grads, *flat.states, *arrays)
            flat.touch()

        run.__name__, run.__doc__ = kernel.__name__, kernel.__doc__
        registry[run] = Primitive(run, kind="plain", form="composite", kernel=form, name=form.__name__)
        return run

    return register


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `step` method that calls its optimizer's hooks before and after."""

    @wraps(step)
    def run(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        for hook in (*self._hooks["step_pre"].values(),) if self._hooks else ():
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {changed!r}."
                    )
                args, kwargs = changed
        result = step(self, *args, **kwargs)
        self.stepped = True
        for hook in (*self._hooks["step_post"].values(),) if self._hooks else ():
            hook(self, args, kwargs)
        return result

    return run


class Optimizer:
    """Parameter groups with their own settings, and a dict of state for each parameter.

    A subclass passes its defaults to `__init__` and says what its update is: `_kernel`, registered with its functional
    form by `update`; `_names(group)`, the state it keeps; `_numbers(group, step, lr)`, what else the form takes. Or it
    writes a `step` of its own, as with PyTorch.
    """

    _kernel: Callable[..., None]
    _real = False  # whether parameters must be; those of a kernel, unless it says otherwise
    _counts = True  # whether "step" is part of the state
    _scalars: tuple[str, ...] = ()  # what else of the state is one number for all parameters updated together
    stepped = False  # whether a step was taken, which schedulers ask
    _hooks: Mapping[str, dict[int, Callable[..., Any]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_kernel" in vars(cls):
            cls._real = vars(cls).get("_real", True)
        if "step" in vars(cls):
            cls.step = hooked(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, (Tensor, Mapping)) or not isinstance(params, Iterable):
            fix = "[params]" if isinstance(params, (Tensor, Mapping)) else "model.parameters()"
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}; write {fix}"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._laid: dict[int, tuple[list[int], list[Flat], list[Flat]]] = {}  # by group: who is active, where, and all
        _ordered(params)
        given: list[Any] = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    def _names(self, group: Group) -> Names:
        """Return the names of the state kept for each parameter, in the order of the form's operands; None for none."""
        raise NotImplementedError

    def _numbers(self, group: Group, step: Any, lr: Any, *scalars: Any) -> tuple[Any, ...]:
        """Return what the form takes after the state; step, lr, scalars are numbers or, in a trace, Tensors."""
        raise NotImplementedError

    def _advance(self, group: Group, step: Any, lr: Any, *scalars: Any) -> tuple[Any, ...]:
        """Return what the scalars are after a step."""
        return scalars

    def _start(self, name: str, p: Tensor, group: Group) -> Any:
        """Return what a parameter's state is before its first step."""
        return 0

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with settings that differ from the defaults, e.g. `{"params": ps, "lr": 1e-4}`.

        `{"params": model.named_parameters()}` keeps their names as `param_names`; all groups have them, or none.
        """
        if not isinstance(param_group, Mapping):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        _ordered(params)
        params = [params] if isinstance(params, Tensor) else list(params)
        names, params = _unnamed(params)
        if names is not None:
            param_group = {**param_group, "param_names": names}
        if self.param_groups and ("param_names" in self.param_groups[0]) != ("param_names" in param_group):
            raise ValueError("all parameter groups have names, or none; pass named_parameters() to each of them")
        known = set(chain.from_iterable(group["params"] for group in self.param_groups))
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if p.dtype.kind != "f" and self._real:
                name = type(self).__name__
                raise TypeError(f"{name} optimizes floating tensors, got {p.dtype}; optimize real and imaginary parts")
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor; optimize the tensor it was computed from")
        if len(set(params)) < len(params):
            raise ValueError("a parameter group contains duplicate parameters; pass each one once")
        if not known.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": params})

    # --- hooks ---

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return a new (args, kwargs)."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer)` before a state dict is made."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer, state_dict)` when one is made; it may return another."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer, state_dict)` before one is loaded; it may return another."""
        return self._register("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer)` when a state dict is loaded."""
        return self._register("load_post", hook, prepend)

    def _register(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        self._hooks = self._hooks or defaultdict(dict)
        hooks = self._hooks[kind]
        handle = Removable(hooks, hook)
        if prepend:
            others = {key: hooks.pop(key) for key in [*hooks][:-1]}
            hooks.update(others)
        return handle

    def _call(self, kind: str, *args: Any) -> Any:
        """Call the hooks of a kind with the optimizer and at most one value, which they may replace."""
        for hook in (*self._hooks[kind].values(),) if self._hooks else ():
            changed = hook(self, *args)
            if changed is not None and args:
                args = (changed,)
        return args[0] if args else None

    # --- steps ---

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or with `set_to_none=False` fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; `closure` recomputes the loss first, which is then returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        now = mode.get()
        tracing = now is not None and now.graph is not None
        with nullcontext() if now is None or now is QUIET else scope(type(self).__name__):
            for group in self.param_groups:
                self._step_group(group, tracing)
        return loss

    def _step_group(self, group: Group, tracing: bool) -> None:
        """Update a group's parameters that have a gradient."""
        for flat in self._ready(group):
            if tracing:
                with Switch(record=False, phase="update"):
                    self._show(group, flat)
            else:
                self._run(group, flat)

    def _run(self, group: Group, flat: Flat) -> None:
        """Update the parameters in place."""
        step = None
        if self._counts:
            count = self.state[flat.params[0]]["step"].data
            step = float(np.add(count, 1.0, out=count))
        grads = [p._grad._data for p in flat.params]
        if group["maximize"]:
            grads = flat.negative(grads)
        lr = group["lr"]
        lr = lr.item() if isinstance(lr, Tensor) else float(lr)
        if not self._scalars:
            self._kernel(flat, grads, *self._numbers(group, step, lr))
            return
        kept = [self.state[flat.params[0]][name].data for name in self._scalars]
        scalars = [x.item() for x in kept]
        self._kernel(flat, grads, *self._numbers(group, step, lr, *scalars))
        for x, value in zip(kept, self._advance(group, step, lr, *scalars), strict=True):
            x[...] = value

    def _show(self, group: Group, flat: Flat) -> None:
        """Update the parameters one by one by the functional form, on tensors, so that a graph has it all."""
        dtype, step, lr = flat.dtype, None, group["lr"]
        if self._counts:
            step = self.state[flat.params[0]]["step"]
            step += 1.0
        lr = lr.astype(np.float64) if isinstance(lr, Tensor) else Tensor(np.array(lr, dtype=np.float64))
        scalars = [self.state[flat.params[0]][name] for name in self._scalars]
        numbers = self._numbers(group, step, lr, *scalars)
        numbers = tuple(x.astype(dtype) if isinstance(x, Tensor) else x for x in numbers)
        after = self._advance(group, step, lr, *scalars)
        form = registry[self._kernel]  # a group of the graph
        for p in flat.params:
            g: Any = p.grad
            g = -g if group["maximize"] else g
            operands: list[Any] = [x if x.dtype == dtype else x.astype(dtype) for x in (p, g)]
            state = [self.state[p][name] if name else None for name in self._names(group)]
            for target, value in zip([p, *state], form(*operands, *state, *numbers), strict=True):
                if target is not None:
                    target._become(value)
        for target, value in zip(scalars, after, strict=True):
            target._become(value)

    # --- which parameters are updated together ---

    def _ready(self, group: Group) -> list[Flat]:
        """Return the group's parameters that have a gradient, in flat memory: as it is, or laid out anew."""
        active, names = [p for p in group["params"] if p._grad is not None], self._names(group)
        numbers = list(map(id, active))
        known = self._laid.get(id(group))
        if known and known[0] == numbers and all(flat.holds(names, self.state) for flat in known[1]):
            return known[1]
        del known
        flats = self._arrange(group, active, names)
        self._laid[id(group)] = numbers, [flat for flat in flats if id(flat.params[0]) in numbers], flats
        return self._laid[id(group)][1]

    def _arrange(self, group: Group, active: list[Tensor], names: Names) -> list[Flat]:
        """Lay out parameters of one dtype and step count together; split what no longer has a gradient all at once."""
        flats = self._laid.pop(id(group))[2] if id(group) in self._laid else []
        numbers = {id(p) for p in active}
        kept: list[Flat] = []
        loose: dict[Any, list[Tensor]] = {}
        owners: Counter[int] = Counter()
        while flats:  # a flat that is given up must be held by nobody, or its parameters would not be free to move
            flat = flats.pop()
            inside = [p for p in flat.params if id(p) in numbers]
            if not flat.holds(names, self.state):
                continue
            if len(inside) in (0, len(flat.params)):
                kept.append(flat)
            else:
                loose[id(inside[0])] = inside
                loose[id(inside[0]), "rest"] = [p for p in flat.params if id(p) not in numbers]
        flat = None  # type: ignore[assignment]
        settled = {id(p) for params in (*loose.values(), *(flat.params for flat in kept)) for p in params}
        for p in active:
            if id(p) not in settled:
                known = self.state.get(p, {})
                shared = tuple(known[name].item() for name in ("step", *self._scalars) if name in known)
                owners[id(memory(p.data))] += 1  # two of one memory are updated one after the other
                loose.setdefault((p.dtype, shared, owners[id(memory(p.data))]), []).append(p)
        return kept + [self._lay(group, params, names) for params in loose.values()]

    def _lay(self, group: Group, params: list[Tensor], names: Names) -> Flat:
        """Give parameters that start, or go on, together the state that they lack and one step count; lay them out."""
        for key in (*(["step"] if self._counts else []), *self._scalars):
            before = self.state.get(params[0], {}).get(key)
            start = 0.0 if key == "step" else self._start(key, params[0], group)
            shared = as_tensor(np.array(start, float) if before is None else before.data.copy())
            shared.name = key
            for p in params:
                self.state[p][key] = shared
        for p in params:
            for name in names:
                if name and name not in self.state[p]:
                    value = np.zeros(p.shape, np.result_type(p.dtype, np.float32)) + self._start(name, p, group)
                    self.state[p][name] = tensor = as_tensor(value)
                    tensor.name = f"{p.name}.{name}" if p.name else name
        return Flat(params, names, [self.state.get(p, {}) for p in params])

    # --- saving ---

    def __getstate__(self) -> dict[str, Any]:
        """What pickle and deepcopy take: no hooks, nor the flat memory, which is laid out again at the next step."""
        return {name: value for name, value in vars(self).items() if name != "_hooks"} | {"_laid": {}}

    def state_dict(self) -> dict[str, Any]:
        """Return state and settings in PyTorch's structure, parameters numbered in their order."""
        self._call("state_dict_pre")
        index = {p: i for i, p in enumerate(self._parameters())}
        state_dict = {
            "state": {index[p]: dict(state) for p, state in self.state.items()},
            "param_groups": [{**group, "params": [index[p] for p in group["params"]]} for group in self.param_groups],
        }
        return self._call("state_dict_post", state_dict)  # type: ignore[no-any-return]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over copies of the state and settings of an optimizer with groups of the same sizes."""
        state_dict = self._call("load_pre", dict(state_dict))
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
        self._laid.clear()
        for number, state in state_dict["state"].items():
            p = params[number]
            self.state[p] = {name: self._own_copy(name, value, p) for name, value in state.items()}
        self.param_groups = [
            {**group, **other, "params": group["params"]} for group, other in zip(groups, saved, strict=True)
        ]
        self._call("load_post")

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _own_copy(self, name: str, value: Any, p: Tensor) -> Any:
        """Return a copy of a value of p's state, in the dtype this optimizer keeps it in."""
        if value is None:
            return None
        dtype = np.float64 if name in ("step", *self._scalars) else np.result_type(p.dtype, np.float32)
        return as_tensor(np.array(as_tensor(value).data, dtype))

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _ordered(params: Any) -> None:
    if isinstance(params, (set, frozenset)):
        raise TypeError("optimizer parameters need to be in an order that stays; pass a list instead of a set")


def _unnamed(params: list[Any]) -> tuple[list[str] | None, list[Any]]:
    """Split (name, parameter) pairs, if that is what they are."""
    if not any(isinstance(p, tuple) for p in params):
        return None, params
    if not all(isinstance(p, tuple) and len(p) == 2 for p in params):
        raise ValueError("all optimizer params should be with/without names, but some are (name, Tensor) and some not")
    names = [name for name, _ in params]
    if len(set(names)) < len(names):
        raise ValueError("some parameters of a group have the same name; pass each one once")
    return names, [p for _, p in params]


def switches(
    foreach: bool | None = None, fused: bool | None = None, capturable: bool = False, differentiable: bool = False
) -> None:
    """Take PyTorch's choices among its implementations of a step; there is one here, fused where it can be."""
    if foreach and fused:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        raise NotImplementedError(
            "differentiable=True is not supported: a step has no derivative; write the update in the loss, or "
            "trace the step, which shows it"
        )


def decays(group: Group, lr: Any) -> tuple[Any, Any]:
    """Return what is added of a parameter to its gradient, and the factor of a decoupled decay; None leaves one out."""
    decay = group["weight_decay"] or None
    return (None, 1 - lr * decay) if decay and group["decoupled_weight_decay"] else (decay, None)


def averaging(betas: Any) -> tuple[float, ...]:
    """Demand that what is kept of averages is in [0, 1); return it as a tuple."""
    for i, beta in enumerate(betas):
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}, expected 0 <= beta < 1")
    return tuple(betas)


def non_negative(**settings: float) -> None:
    """Demand that settings are numbers ≥ 0."""
    for name, value in settings.items():
        if not value >= 0:
            raise ValueError(f"Invalid {name} value: {value}, expected a number >= 0")
