"""A model as a function of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from autodiff import Tensor, as_tensor
from nn.module import Module


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in the places of its parameters and buffers; the module is left as it was.

    The keys are those of the state dict. A tensor given for one of the names of a shared parameter is taken under all
    of them, unless `tie_weights` is False; `strict` demands a tensor for every name and no other. `args` that is no
    tuple is the one argument.

    >>> import autodiff as ad
    >>> from nn import Linear
    >>> weight = ad.ones(1, 2, requires_grad=True)
    >>> y = functional_call(Linear(2, 1, bias=False), {"weight": weight}, ad.tensor([3.0, 4.0]))
    >>> y.item(), ad.grad(y, weight)[0].tolist()
    (7.0, [[3.0, 4.0]])
    """
    given = _merged(parameters_and_buffers)
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, given, tie_weights, strict):
        return module(*positional, **(kwargs or {}))


def _merged(given: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    dicts = [given] if isinstance(given, Mapping) else list(given)
    merged: dict[str, Tensor] = {}
    for one in dicts:
        if not isinstance(one, Mapping):
            raise ValueError(f"functional_call takes a dict of tensors or several, got {type(one).__name__}")
        if twice := [key for key in one if key in merged]:
            raise ValueError(f"{twice} appeared in multiple dictionaries; give each key once")
        merged |= {key: as_tensor(value) for key, value in one.items()}
    return merged


@contextmanager
def _swapped(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """Hold the given tensors in the module's attributes for the time of a `with` block."""
    own = {
        f"{path}.{name}" if path else name: (part, name, value)
        for path, part in module.named_modules(remove_duplicate=False)
        for name, value in (*part._own_parameters(), *part._own_buffers())
    }
    unknown = [key for key in given if key not in own]
    missing = [key for key in own if key not in given]
    if strict and (unknown or missing):
        lines = [f"Unexpected key(s): {', '.join(map(repr, unknown))}."] if unknown else []
        lines += [f"Missing key(s): {', '.join(map(repr, missing))}."] if missing else []
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(lines)
            + f"\n\tThe module has: {', '.join(own)}."
        )  # fmt: skip
    wanted = {key: tensor for key, tensor in given.items() if key in own}
    if tie_weights:
        by_owner: dict[int, dict[str, Tensor]] = {}
        for key, tensor in wanted.items():
            by_owner.setdefault(id(own[key][2]), {})[key] = tensor
        for same in by_owner.values():
            if len({id(tensor) for tensor in same.values()}) > 1:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(same)}, which are tied. Consider using "
                    "tie_weights=False"
                )
        wanted |= {
            key: next(iter(by_owner[id(value)].values())) for key, (_, _, value) in own.items() if id(value) in by_owner
        }
    try:
        for key, tensor in wanted.items():
            part, name, _ = own[key]
            vars(part)[name] = tensor
        yield
    finally:
        for key in wanted:
            part, name, value = own[key]
            vars(part)[name] = value
