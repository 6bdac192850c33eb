"""What hangs around a module's call, its backward pass and its state dict; and where in a model an error rose."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from autodiff import Function, Tensor
from autodiff.tape import Removable

Hook = Callable[..., Any]


class Hooks:
    """The hooks of one module, in the order in which they run; what runs around a call stands beside its options."""

    def __init__(self) -> None:
        self.before: OrderedDict[int, Any] = OrderedDict()  # the hook, and whether it takes keywords
        self.after: OrderedDict[int, Any] = OrderedDict()  # that, and whether it runs after an error as well
        self.backward_before: OrderedDict[int, Any] = OrderedDict()
        self.backward: OrderedDict[int, Any] = OrderedDict()
        self.saving: OrderedDict[int, Any] = OrderedDict()
        self.saved: OrderedDict[int, Any] = OrderedDict()
        self.loading: OrderedDict[int, Any] = OrderedDict()
        self.loaded: OrderedDict[int, Any] = OrderedDict()


class Hooked:
    """The registration of hooks; each returns a handle whose `remove()`, or a `with` block's end, takes the hook away.

    >>> import autodiff as ad
    >>> from nn import Linear
    >>> layer = Linear(2, 3)
    >>> with layer.register_forward_hook(lambda layer, args, output: print(args[0].shape, "->", output.shape)):
    ...     y = layer(ad.ones(4, 2))
    (4, 2) -> (4, 3)
    """

    _hooks: Hooks | None = None  # none is the ordinary case, and costs a call one comparison

    def _hang(self, kind: str, hook: Any, prepend: bool = False) -> Removable:
        if self._hooks is None:
            vars(self)["_hooks"] = Hooks()
        table = getattr(self._hooks, kind)
        handle = Removable(table, hook)
        if prepend:
            table.move_to_end(next(reversed(table)), last=False)
        return handle

    def register_forward_pre_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False) -> Removable:
        """Call `hook(module, args)` before forward; what it returns, unless None, replaces the arguments.

        `with_kwargs` calls `hook(module, args, kwargs)`, which returns None or new (args, kwargs).
        """
        return self._hang("before", (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Removable:
        """Call `hook(module, args, output)` after forward; what it returns, unless None, replaces the output.

        `with_kwargs` calls `hook(module, args, kwargs, output)`; `always_call` calls it after an error too, with None.
        """
        return self._hang("after", (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> Removable:
        """Call `hook(module, grad_output)` before the backward pass; it may return another tuple of gradients."""
        return self._hang("backward_before", hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> Removable:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are known.

        It may return other gradients of the inputs. Each tuple has None for what is no tensor or needs no gradient.
        """
        return self._hang("backward", hook, prepend)

    def register_state_dict_pre_hook(self, hook: Hook) -> Removable:
        """Call `hook(module, prefix, keep_vars)` before the module's state is gathered."""
        return self._hang("saving", hook)

    def register_state_dict_post_hook(self, hook: Hook) -> Removable:
        """Call `hook(module, state_dict, prefix, local_metadata)` after; it changes the state dict in place."""
        return self._hang("saved", hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> Removable:
        """Call a hook before the module's state is loaded.

        `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)` may change
        the (copied) state dict and the lists in place.
        """
        return self._hang("loading", hook)

    def register_load_state_dict_post_hook(self, hook: Hook) -> Removable:
        """Call `hook(module, incompatible_keys)` after loading; it may change the two lists in place."""
        return self._hang("loaded", hook)


# --- around a call ---------------------------------------------------------------------------------------------------


def call(module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return `module.forward(*args, **kwargs)` with the hooks before and after."""
    run: set[int] = set()
    try:
        for hook, with_kwargs in list(hooks.before.values()):
            args, kwargs = _changed(module, hook, with_kwargs, args, kwargs)
        watch = _Watch(module, hooks) if hooks.backward or hooks.backward_before else None
        if watch is not None:
            args = watch.inputs(args)
        output = module.forward(*args, **kwargs)
        for key, (hook, with_kwargs, _) in list(hooks.after.items()):
            run.add(key)
            answer = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
            output = output if answer is None else answer
        return output if watch is None else watch.outputs(output)
    except Exception:
        for key, (hook, with_kwargs, always_call) in list(hooks.after.items()):
            if always_call and key not in run:
                try:
                    hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
                except Exception as error:  # the first error is the one to be seen
                    warnings.warn(f"a forward hook with always_call=True raised: {error!r}", stacklevel=3)
        raise


def _changed(module: Any, hook: Hook, with_kwargs: bool, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return the arguments that a hook leaves."""
    if not with_kwargs:
        answer = hook(module, args)
        return (args if answer is None else answer if isinstance(answer, tuple) else (answer,)), kwargs
    answer = hook(module, args, kwargs)
    if answer is None:
        return args, kwargs
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise RuntimeError(
            f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {type(answer).__name__}."
        )
    return answer


class _Watch:
    """The backward pass of one call: the gradients of its outputs, then those of its inputs."""

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self.module, self.hooks = module, hooks
        self.grad_output: tuple[Any, ...] | None = None
        self.alone = False  # no input needs a gradient

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments, the tensors among them watched."""
        seen = _watched(args, self.entered)
        self.alone = seen is None
        return args if seen is None else seen

    def outputs(self, output: Any) -> Any:
        """Return the output, the tensors in it watched."""
        if isinstance(output, Tensor):
            seen = _watched((output,), self.left)
            return output if seen is None else seen[0]
        if not isinstance(output, tuple):
            return output
        seen = _watched(output, self.left)
        if seen is None:
            return output
        return type(output)(*seen) if hasattr(output, "_fields") else seen

    def left(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Hear of the gradients of the outputs."""
        for hook in list(self.hooks.backward_before.values()):
            answer = hook(self.module, grads)
            grads = grads if answer is None else _as_many(answer, grads, "grad_output")
        self.grad_output = grads
        if self.alone:
            self.entered((None,))
        return grads

    def entered(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Hear of the gradients of the inputs."""
        if self.grad_output is None:
            raise RuntimeError(
                f"a backward hook of {type(self.module).__name__} cannot be called: the gradients of the inputs came "
                "before those of the outputs; use the module's output, not a tensor from inside it."
            )
        for hook in list(self.hooks.backward.values()):
            answer = hook(self.module, grads, self.grad_output)
            grads = grads if answer is None else _as_many(answer, grads, "grad_input")
        return grads


def _as_many(answer: Any, grads: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    answers = answer if isinstance(answer, tuple) else (answer,)
    if len(answers) != len(grads):
        raise RuntimeError(
            f"Backward hook returned an invalid number of {what}, got {len(answers)}, but expected {len(grads)}"
        )
    return answers


def _watched(values: tuple[Any, ...], heard: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """Return the values with `heard` called with all their gradients at once; None if none of them needs one."""
    places = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    if not places:
        return None

    class Watched(Function):
        """The identity."""

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            return tensors

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            full: list[Any] = [None] * len(values)
            for i, g in zip(places, grads, strict=True):
                full[i] = g
            answers = heard(tuple(full))
            return tuple(answers[i] for i in places)

    passed = list(values)
    for i, tensor in zip(places, Watched.apply(*(values[i] for i in places)), strict=True):
        passed[i] = tensor
    return tuple(passed)


# --- where an error rose ---------------------------------------------------------------------------------------------


def located(error: Exception, module: Any) -> None:
    """Note on an error the path from `module`, whose forward it left, to the layer in whose forward it rose."""
    layer, before = getattr(error, "_layer", (module, None))
    path = next((path for path, part in module.named_modules() if part is layer), None)
    if path is None:
        return
    kind = type(layer).__name__
    note = f"in {kind}" if not path else f"in model.{path} ({kind})"
    notes = getattr(error, "__notes__", [])
    if before in notes:
        notes.remove(before)
    error.add_note(note)
    vars(error)["_layer"] = layer, note
