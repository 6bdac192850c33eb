"""Parameter and Module: a model is a tree of modules, and the tree is the attributes it is built from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np

from autodiff import Tensor, as_tensor, devices, no_grad
from autodiff.tape import QUIET, mode, scope
from nn.hooks import Hooked, call, located
from nn.parameter import Buffer, Uninitialized
from nn.parameter import Parameter as Parameter

EXTRA = "_extra_state"  # the key of what is no tensor


class IncompatibleKeys(NamedTuple):
    """What did not match when a state dict was loaded."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module(Hooked):
    """A function with parameters, made of other such functions: subclass it and define `__init__` and `forward`.

    `__init__` first calls `super().__init__()`. Every attribute that is a Parameter, a Module or a registered buffer
    belongs to the model, in the order it was set.

    >>> class Scale(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = Parameter(np.array([2.0]))
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> model = Scale()
    >>> [name for name, _ in model.named_parameters()]
    ['factor']
    >>> model(as_tensor([1.0, 3.0])).tolist()
    [2.0, 6.0]
    """

    training: bool
    _buffers: dict[str, bool]  # whether a buffer is saved in the state dict
    _slots: dict[str, type]  # Parameter or Module: what the value of an attribute must stay, or be None
    _label: str  # what a drawing calls the module: "fc1: Linear" once it is an attribute

    def __init__(self) -> None:
        vars(self).update(training=True, _buffers={}, _slots={}, _label=type(self).__name__)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's output; every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        now = mode.get()
        try:
            if self._hooks is None and (now is None or now is QUIET):
                return self.forward(*args, **kwargs)
            with scope(self._label) if now is not None else nullcontext():
                return self.forward(*args, **kwargs) if self._hooks is None else call(self, self._hooks, args, kwargs)
        except Exception as error:
            located(error, self)
            raise

    # --- building ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Module)):
            self._adopt(name, value)
        elif isinstance(value, Buffer) and "_buffers" in vars(self):
            self._slots.pop(name, None)
            self._buffers[name] = value.persistent
            value.name = value.name or name
        elif value is not None and name in vars(self).get("_slots", ()):
            kind = self._slots[name]
            role = "parameter" if kind is Parameter else "child module"
            given = type(value).__name__
            fix = "; write nn.Parameter(x)" if kind is Parameter and isinstance(value, Tensor) else ""
            raise TypeError(f"cannot assign '{given}' as {role} '{name}' ({kind.__name__} or None expected){fix}")
        elif name in vars(self).get("_buffers", ()) and not isinstance(value, (Tensor, type(None))):
            raise TypeError(f"cannot assign '{type(value).__name__}' as buffer '{name}' (Tensor or None expected)")
        super().__setattr__(name, value)

    def _adopt(self, name: str, value: Parameter | Module) -> None:
        """Note that an attribute is a parameter or a child, and name what it brings by its path from here."""
        kind = Parameter if isinstance(value, Parameter) else Module
        if "_slots" not in vars(self):
            what = "parameters" if kind is Parameter else "module"
            raise AttributeError(f"cannot assign {what} before Module.__init__() call; call super().__init__() first")
        self._slots[name] = kind
        self._buffers.pop(name, None)
        if isinstance(value, Parameter):
            if value.name is None:
                value.name = name
            return
        vars(value)["_label"] = f"{name}: {type(value).__name__}"
        for path, tensor in (*value.named_parameters(), *value.named_buffers()):
            if tensor.name == path:  # neither named by its user nor already part of another branch
                tensor.name = f"{name}.{path}"

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._slots.pop(name, None)
        self._buffers.pop(name, None)

    def _check_new(self, name: str, registry: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, got {type(name).__name__}")
        if "." in name or not name:
            raise KeyError(f"a name must not be empty or contain a dot, got '{name}'")
        if hasattr(self, name) and name not in registry:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name, or None where the module has an option to do without it."""
        self._check_new(name, self._slots)
        if not isinstance(param, (Parameter, type(None))):
            given = type(param).__name__
            raise TypeError(f"cannot assign '{given}' object to parameter '{name}' (Parameter or None required)")
        setattr(self, name, param)
        self._slots[name] = Parameter

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the model but not trained; `persistent` ones are saved with it."""
        self._check_new(name, self._buffers)
        if not isinstance(tensor, (Tensor, type(None))):
            given = type(tensor).__name__
            raise TypeError(f"cannot assign '{given}' object to buffer '{name}' (Tensor or None required)")
        setattr(self, name, tensor)
        self._buffers[name] = persistent
        if tensor is not None:
            tensor.name = tensor.name or name

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under a name that may be any string without a dot."""
        self._check_new(name, self._slots)
        if not isinstance(module, (Module, type(None))):
            if isinstance(module, type):
                raise TypeError(f"module '{name}': {module.__name__} is a class; make one: {module.__name__}()")
            raise TypeError(f"module '{name}': {type(module).__name__} is not a Module subclass")
        setattr(self, name, module)
        self._slots[name] = Module

    register_module = add_module

    # --- walking -----------------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules that are attributes of this one, each once, with their names."""
        seen: set[Module] = set()
        for name, value in list(vars(self).items()):
            if isinstance(value, Module) and value not in seen:
                seen.add(value)
                yield name, value

    def children(self) -> Iterator[Module]:
        """Yield the modules that are attributes of this one."""
        return (child for _, child in self.named_children())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it, parents first, with their paths from here."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, value in list(vars(self).items()):
            if isinstance(value, Module):
                yield from value.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Yield this module and all below it, parents first."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their paths, e.g. `fc1.weight`; a shared one comes once, by its first path."""
        return self._named_tensors(Module._own_parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, as an optimizer wants them."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their paths."""
        return self._named_tensors(Module._own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _own_parameters(self) -> list[tuple[str, Parameter]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Parameter)]

    def _own_buffers(self) -> list[tuple[str, Tensor]]:
        return [(name, value) for name in self._buffers if (value := vars(self)[name]) is not None]

    def _own_state(self) -> list[tuple[str, Tensor]]:
        return [*self._own_parameters(), *((name, t) for name, t in self._own_buffers() if self._buffers[name])]

    def _named_tensors(
        self, own: Callable[[Module], list[tuple[str, Any]]], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in own(module):
                if id(value) not in seen:
                    yield _join(path, name), value
                if remove_duplicate:
                    seen.add(id(value))

    def get_submodule(self, target: str) -> Module:
        """Return the module at a path, e.g. `encoder.0`; the empty path is this module."""
        module = self
        for name in target.split(".") if target else ():
            child = vars(module).get(name)
            if not isinstance(child, Module):
                have = ", ".join(name for name, _ in module.named_children()) or "none"
                raise AttributeError(f"{type(module).__name__} has no submodule '{name}'; its children are: {have}")
            module = child
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a path, e.g. `encoder.0.weight`."""
        value = self._get(target)
        if not isinstance(value, Parameter):
            raise AttributeError(f"'{target}' is not a parameter of {type(self).__name__}")
        return value

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a path."""
        value: Tensor = self._get(target)
        path, _, name = target.rpartition(".")
        if name not in self.get_submodule(path)._buffers:
            raise AttributeError(f"'{target}' is not a buffer of {type(self).__name__}")
        return value

    def _get(self, target: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            have = ", ".join(module.state_dict()) or "none"
            raise AttributeError(f"{type(module).__name__} has no attribute '{name}'; its state holds: {have}")
        return getattr(module, name)

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path, in place of the one that is there; `strict` demands that there is one."""
        if not target:
            raise ValueError("set_submodule needs the path of a submodule, got an empty one")
        if not isinstance(module, Module):
            raise ValueError(f"set_submodule takes a Module, got {type(module).__name__}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            parent.get_submodule(name)
        setattr(parent, name, module)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below and then on this one, e.g. to initialise weights."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # --- changing ----------------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Switch the whole tree to training behaviour (dropout drops), or with False to evaluation."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch the whole tree to evaluation behaviour (dropout is the identity)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters get gradients; False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or with `set_to_none=False` fill them with zeros."""
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    def to(self, dtype: Any = None, *, device: Any = None) -> Self:
        """Cast the floating parameters and buffers, and their gradients, in place; do so before making an optimizer.

        A tensor stands for its dtype; the only device is "cpu".
        """
        dtype = devices.dtype_of(dtype, device)
        if dtype is None:
            return self
        wanted = np.dtype(dtype if isinstance(dtype, type) else getattr(dtype, "dtype", dtype))
        if wanted.kind not in "fc":
            raise TypeError(f"Module.to accepts a floating or complex dtype, got {wanted}")
        return self._cast(wanted, "fc")

    def _cast(self, dtype: Any, kinds: str) -> Self:
        """Cast the tensors whose dtypes are of some kinds."""
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dtype.kind in kinds:
                grad = tensor.grad
                tensor.data = tensor.data.astype(dtype)
                tensor.grad = None if grad is None else as_tensor(grad.data.astype(dtype))
        return self

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers."""
        return self._cast(np.dtype(dst_type), "biufc")

    def float(self) -> Self:
        """Cast the floating parameters and buffers to float32."""
        return self._cast(np.float32, "f")

    def double(self) -> Self:
        """Cast the floating parameters and buffers to float64."""
        return self._cast(np.float64, "f")

    def half(self) -> Self:
        """Cast the floating parameters and buffers to float16."""
        return self._cast(np.float16, "f")

    def cpu(self) -> Self:
        """Return the module: it is there already."""
        return self

    # --- saving ------------------------------------------------------------------------------------------------------

    def get_extra_state(self) -> Any:
        """Return what the state dict holds beside tensors; a subclass writes this and `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} does not define get_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise RuntimeError(f"{type(self).__name__} does not define set_extra_state")

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return the parameters and persistent buffers by path, as detached tensors that share their memory.

        A shared parameter stands under each of its paths. `keep_vars` returns the parameters themselves.
        """
        state = {} if destination is None else destination
        for hook in self._run("saving"):
            hook(self, prefix, keep_vars)
        state |= {prefix + name: value if keep_vars else value.detach() for name, value in self._own_state()}
        if type(self).get_extra_state is not Module.get_extra_state:
            state[prefix + EXTRA] = self.get_extra_state()
        for name, value in list(vars(self).items()):
            if isinstance(value, Module):
                value.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._run("saved"):
            hook(self, state, prefix, {})
        return state

    def _run(self, kind: str) -> list[Any]:
        return [] if self._hooks is None else list(getattr(self._hooks, kind).values())

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy tensors or arrays into the parameters and buffers of the same paths.

        Raises one RuntimeError that lists every missing key, unexpected key and wrong shape, and then changes nothing;
        `strict=False` returns the missing and unexpected keys instead, but shapes must still agree. `assign` takes the
        tensors themselves, with their dtypes, in place of the model's.
        """
        if not isinstance(state_dict, Mapping):
            hint = "; read the file with nn.load(path)" if isinstance(state_dict, (str, PathLike)) else ""
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict).__name__}{hint}.")
        state = dict(state_dict)
        keys = IncompatibleKeys([], [])
        errors: list[str] = []
        places = [(path, module) for path, module in self.named_modules(remove_duplicate=False)]
        for path, module in places:
            for hook in module._run("loading"):
                hook(module, state, _join(path, ""), {}, True, *keys, errors)  # True: torch's own
        own = {_join(path, name): (module, name) for path, module in places for name, _ in module._own_state()}
        extra = {
            _join(path, EXTRA): module
            for path, module in places
            if type(module).set_extra_state is not Module.set_extra_state
        }
        keys.missing_keys.extend(key for key in (*own, *extra) if key not in state)
        keys.unexpected_keys.extend(key for key in state if key not in own and key not in extra)
        given = {key: _tensor(key, state[key], errors) for key in own if key in state}
        if strict:
            for what, listed in zip(("Unexpected", "Missing"), (keys.unexpected_keys, keys.missing_keys), strict=True):
                if listed:
                    names = ", ".join(f'"{key}"' for key in listed)
                    errors.insert(0, f"{what} key(s) in state_dict: {names}.")
        for key, tensor in given.items():
            held = vars(own[key][0])[own[key][1]]
            if not isinstance(held, Uninitialized) and tensor.shape != held.shape:
                errors.append(f"size mismatch for {key}: given shape {tensor.shape}, expected {held.shape}.")
        if errors:
            hint = ["strict=False ignores missing and unexpected keys."] if strict and any(keys) else []
            listing = "\n\t".join([*errors, *hint])
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listing}")
        with no_grad():
            for key, tensor in given.items():
                module, name = own[key]
                old = vars(module)[name]
                if assign:
                    setattr(module, name, Parameter(tensor, old.requires_grad) if name in module._slots else tensor)
                elif not isinstance(tensor, Uninitialized):
                    if isinstance(old, Uninitialized):
                        old.materialize(tensor.shape)
                    old[...] = tensor
        for key, module in extra.items():
            if key in state:
                module.set_extra_state(state[key])
        for _, module in reversed(places):
            for hook in module._run("loaded"):
                hook(module, keys)
        return keys

    # --- showing -----------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of the module's line; subclasses override it."""
        return ""

    def _lines(self) -> list[str]:
        """Return a line for each child."""
        return [
            f"({name}): " + repr(child).replace("\n", "\n  ")
            for name, child in vars(self).items()
            if isinstance(child, Module)
        ]

    def __repr__(self) -> str:
        extra, children = self.extra_repr(), self._lines()
        if not children and "\n" not in extra:
            return f"{type(self).__name__}({extra})"
        lines = [*extra.split("\n"), *children] if extra else children
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def _tensor(key: str, value: Any, errors: list[str]) -> Tensor:
    """Return what a state dict holds under a key as a tensor, or note that it is none."""
    try:
        return as_tensor(value).detach()
    except TypeError:
        errors.append(f"{key}: given a {type(value).__name__}, expected a tensor or an array.")
        return Tensor(0.0)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def clear_grad(tensor: Tensor, set_to_none: bool) -> None:
    """Set a tensor's gradient to None, or fill it with zeros."""
    if set_to_none:
        tensor.grad = None
    elif tensor.grad is not None:
        tensor.grad = as_tensor(np.zeros_like(tensor.data))
