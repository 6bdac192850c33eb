"""PyTorch's names for devices, of which there is one: the CPU."""

from __future__ import annotations

from typing import Any


class Device(str):
    """The name of a device."""

    __slots__ = ()

    type = property(lambda self: str(self))


CPU = Device("cpu")


def device(name: Any = "cpu") -> Device:
    """Return the only device there is; any other name but None is refused.

    >>> device("cuda" if cuda.is_available() else "cpu")
    'cpu'
    """
    if name is not None and str(name).partition(":")[0] != "cpu":
        raise ValueError(f"device {str(name)!r}: tensors live in the CPU's memory; the only device is 'cpu'.")
    return CPU


def dtype_of(given: Any, name: Any) -> Any:
    """Return the dtype that `to(given, device=name)` asks for, None if it asks for a device alone."""
    is_device = isinstance(given, str) and given.startswith(("cpu", "cuda", "mps"))
    device(given if is_device else name)
    return None if is_device else given


class Absent:
    """A kind of device that is not there, so that programs which look for one take the CPU."""

    def is_available(self) -> bool:
        """Say that there is none."""
        return False

    def device_count(self) -> int:
        """Return 0."""
        return 0

    def manual_seed_all(self, seed: int) -> None:
        """Seed the generators of all such devices: none."""


cuda = accelerator = Absent()
