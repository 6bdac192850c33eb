"""Primitives of oneDNN, made once and aimed at arrays at every run."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from ctypes import byref, c_char_p, c_void_p
from typing import Any, Self

import numpy as np

from autodiff import threads
from autodiff.kernels.onednn.library import Argument, Library, OneDNNError, address, library

SCRATCHPAD = 80  # DNNL_ARG_SCRATCHPAD
QUERY_IMPLEMENTATION, QUERY_ARGUMENT = 8, 255  # dnnl_query_impl_info_str, dnnl_query_exec_arg_md
LINE = 64  # bytes of a cache line
KEPT = 256  # products that a thread keeps ready; the one unused for longest is given up first


class Maker:
    """Makes descriptions and primitives; the descriptions are given back when the block ends."""

    def __init__(self, lib: Library, stream: c_void_p) -> None:
        self.library, self._stream, self._stack = lib, stream, ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def memory(self, shape: Sequence[int], strides: Sequence[int] | None) -> c_void_p:
        """Describe float32 memory; strides count elements, None leaves the layout to the primitive."""
        made = self.library.descriptor(shape, strides)
        self._stack.callback(self.library.memory_desc_destroy, made)
        return made

    def description(self, name: str, *arguments: Any) -> c_void_p:
        """Describe a primitive: what the library's `<name>_primitive_desc_create` makes of the arguments."""
        made = c_void_p()
        getattr(self.library, f"{name}_primitive_desc_create")(made, *arguments)
        self._stack.callback(self.library.primitive_desc_destroy, made)
        return made

    def argument(self, description: c_void_p, number: int) -> int | None:
        """Return the description of the memory that a primitive wants for an argument."""
        made: int | None = self.library.query_md(description, QUERY_ARGUMENT, number)
        return made

    def implementation(self, description: c_void_p) -> str:
        """Return the name of what oneDNN chose, as in "brgconv:avx512_core"."""
        name = c_char_p()
        self.library.primitive_desc_query(description, QUERY_IMPLEMENTATION, 0, byref(name))
        return (name.value or b"").decode()

    def primitive(self, description: c_void_p, *numbers: int) -> Primitive:
        """Make the primitive, to be run on addresses for the arguments of these numbers."""
        return Primitive(self, self._stream, description, numbers)

    def reorder(self, before: Any, after: Any, *numbers: int) -> Primitive:
        """Make the copy from the layout of one description into another's."""
        lib = self.library
        return self.primitive(
            self.description("reorder", before, lib.engine, after, lib.engine, lib.attributes), *numbers
        )


class Primitive:
    """A primitive with a memory for each of its arguments, the scratchpad last."""

    __slots__ = ("_arguments", "_handle", "_library", "_memories", "_stream", "scratch")

    def __init__(self, make: Maker, stream: c_void_p, description: c_void_p, numbers: Sequence[int]) -> None:
        self._library = lib = make.library
        self._stream, self._handle, self._memories = stream, c_void_p(), []
        lib.primitive_create(self._handle, description)
        for number in (*numbers, SCRATCHPAD):
            self._memories.append(memory := c_void_p())
            lib.memory_create(memory, make.argument(description, number), lib.engine, None)
        pairs = zip((*numbers, SCRATCHPAD), self._memories, strict=True)
        self._arguments = (Argument * len(self._memories))(*(Argument(n, memory.value) for n, memory in pairs))
        self.scratch: int = lib.size_of(make.argument(description, SCRATCHPAD))  # bytes

    def aim(self, argument: int, at: int) -> None:
        """Let an argument, counted from 0 in the order of the numbers, lie at an address from here on."""
        self._library.memory_set_data_handle(self._memories[argument], at)

    def __call__(self, *addresses: int) -> None:
        """Run with the first arguments at these addresses, and the others where they were."""
        lib = self._library
        aim = lib.memory_set_data_handle
        for memory, at in zip(self._memories, addresses, strict=False):
            aim(memory, at)
        status = lib.primitive_execute(self._handle, self._stream, len(self._memories), self._arguments)
        if status:
            raise OneDNNError("primitive_execute", status)

    def __del__(self) -> None:
        for memory in self._memories:
            self._library.memory_destroy(memory)
        self._library.primitive_destroy(self._handle)


class State:
    """What a thread has: its stream, what it made, and room for what a primitive needs only while it runs.

    Primitives are aimed before they run, so two threads cannot share one.
    """

    def __init__(self, lib: Library) -> None:
        self.library, self.stream = lib, c_void_p()
        lib.stream_create(self.stream, lib.engine, 1)  # dnnl_stream_in_order
        self.made: OrderedDict[Hashable, Any] = OrderedDict()
        self._room = np.empty(0, np.uint8)
        self._base = 0

    def ready(self, make: Callable[..., Any], *arguments: Hashable) -> Any:
        """Return make(maker, *arguments), made once and kept."""
        key = (arguments, self.library.threads())  # a primitive is made for a number of threads
        made = self.made
        if key in made:
            made.move_to_end(key)
            return made[key]
        with Maker(self.library, self.stream) as maker:
            made[key] = new = make(maker, *arguments)
        while len(made) > KEPT:
            made.popitem(last=False)
        return new

    def room(self, size: int) -> int:
        """Return the address of so many bytes, from a cache line on, good until the next call."""
        if size + LINE > self._room.nbytes:
            self._room = np.empty(size + LINE, np.uint8)
            self._base = -(-address(self._room) // LINE) * LINE
        return self._base

    def __del__(self) -> None:
        self.made.clear()
        self.library.stream_destroy(self.stream)


_threads = threading.local()


def state() -> State:
    """Return what this thread has; ask `available()` first."""
    try:
        return _threads.state  # type: ignore[no-any-return]
    except AttributeError:
        lib = library()
        assert lib is not None, "oneDNN is not there"
        if (chosen := threads._chosen) is not None:  # OpenMP keeps a number for each thread
            lib.set_threads(chosen)
        _threads.state = made = State(lib)
        return made
