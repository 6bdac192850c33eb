"""Nested lists, tuples and dicts of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return what a nested container holds, in order."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, (list, tuple)):
        return [leaf for value in tree for leaf in leaves(value)]
    return [] if tree is None else [tree]


def rebuild(tree: Any, values: Iterator[Any]) -> Any:
    """Return a container of the same structure with other leaves, taken one by one."""
    if isinstance(tree, dict):
        return type(tree)((key, rebuild(value, values)) for key, value in tree.items())
    if isinstance(tree, (list, tuple)):
        parts = [rebuild(value, values) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return None if tree is None else next(values)


def map_leaves(fun: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return the container with `fun` applied to each leaf (and to the same leaf of the others)."""
    columns = [leaves(tree), *map(leaves, others)]
    if len({len(column) for column in columns}) > 1:
        raise ValueError(
            f"the containers hold {', '.join(str(len(c)) for c in columns)} leaves; expected as many in each."
        )
    return rebuild(tree, iter([fun(*row) for row in zip(*columns, strict=True)]))
