"""oneDNN's C library, where it is installed (the extra `onednn`): what is called of it, declared for ctypes."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import POINTER, c_char, c_float, c_int, c_int64, c_size_t, c_uint, c_void_p
from ctypes.util import find_library
from typing import Any

import numpy as np

VERSION = 3  # whose C interface this is
DISTRIBUTIONS = ("onednn-cpu-gomp", "onednn")
STATUS = (  # dnnl_status_t
    "success",
    "out of memory",
    "invalid arguments",
    "unimplemented",
    "last implementation reached",
    "runtime error",
    "not required",
)
UNIMPLEMENTED = STATUS.index("unimplemented")
CPU, FLOAT32, ANY, USER = 1, 3, 1, 1  # engine kind, data type, format tag, scratchpad mode

Dims = c_int64 * 12  # dnnl_dims_t

# libgomp's threads spin while they wait, by default for milliseconds, on the cores that BLAS's threads then want. With
# 300000 rounds (the default), 20000, 3000 and 1000: a convolution and a product of 64x400x120 in turn, 0.4 ms alone,
# take 8, 3, 1.0 and 0.8 ms; nine convolutions with NumPy between them 4.2, 4.1, 4.3 and 4.5.
SPIN = "3000"

_wanted = True
_loaded = False


class OneDNNError(RuntimeError):
    """oneDNN refused what it was asked to make, or failed while it ran."""

    def __init__(self, function: str, status: int) -> None:
        self.status = status
        name = STATUS[status] if 0 <= status < len(STATUS) else "unknown"
        super().__init__(f"oneDNN: {function} answered {name} (status {status})")


class Argument(ctypes.Structure):
    """dnnl_exec_arg_t: the number of an argument of a primitive, and its memory."""

    _fields_ = (("number", c_int), ("memory", c_void_p))


_OUT, _IN, _DIMS = POINTER(c_void_p), c_void_p, POINTER(c_int64)
_WINDOW = [_DIMS, _DIMS, _DIMS, _DIMS]  # strides, dilations - 1, padding before, padding after
_TAKES: dict[str, list[Any]] = {
    "convolution_backward_data_primitive_desc_create": [_OUT, _IN, c_int, *[_IN] * 3, *_WINDOW, _IN, _IN],
    "convolution_backward_weights_primitive_desc_create": [_OUT, _IN, c_int, *[_IN] * 4, *_WINDOW, _IN, _IN],
    "convolution_forward_primitive_desc_create": [_OUT, _IN, c_int, c_int, *[_IN] * 4, *_WINDOW, _IN],
    "engine_create": [_OUT, c_int, c_size_t],
    "memory_create": [_OUT, _IN, _IN, _IN],
    "memory_desc_create_with_strides": [_OUT, c_int, _DIMS, c_int, _DIMS],
    "memory_desc_create_with_tag": [_OUT, c_int, _DIMS, c_int, c_int],
    "memory_desc_destroy": [_IN],
    "memory_destroy": [_IN],
    "memory_set_data_handle": [_IN, _IN],
    "primitive_attr_create": [_OUT],
    "primitive_attr_set_scratchpad_mode": [_IN, c_int],
    "primitive_create": [_OUT, _IN],
    "primitive_desc_destroy": [_IN],
    "primitive_desc_query": [_IN, c_int, c_int, c_void_p],
    "primitive_destroy": [_IN],
    "primitive_execute": [_IN, _IN, c_int, POINTER(Argument)],
    "reorder_primitive_desc_create": [_OUT, _IN, _IN, _IN, _IN, _IN],
    "sgemm": [c_char, c_char, *[c_int64] * 3, c_float, _IN, c_int64, _IN, c_int64, c_float, _IN, c_int64],
    "stream_create": [_OUT, _IN, c_uint],
    "stream_destroy": [_IN],
}
_AT_WORK = {"primitive_create", "primitive_execute", "sgemm"}  # the rest ends sooner than Python's lock changes hands
_UNCHECKED = {"memory_set_data_handle", "primitive_execute", "sgemm"}  # called at every use: 0.1 us less each


class Library:
    """The functions under their names without `dnnl_`; all but those in `_UNCHECKED` raise when they fail."""

    def __init__(self, path: str) -> None:
        quick, slow = ctypes.PyDLL(path), ctypes.CDLL(path)
        quick.dnnl_version.restype = POINTER(c_int * 3)
        self.version: tuple[int, ...] = tuple(quick.dnnl_version().contents)
        if self.version[0] != VERSION:
            found = ".".join(map(str, self.version))
            raise OSError(f"oneDNN {found} at {path}; version {VERSION} is needed: pip install onednn-cpu-gomp")
        for name, takes in _TAKES.items():
            function = getattr(slow if name in _AT_WORK else quick, f"dnnl_{name}")
            function.argtypes, function.restype = takes, c_int
            if name not in _UNCHECKED:
                function.errcheck = _checked
            setattr(self, name, function)
        self.size_of = _typed(quick.dnnl_memory_desc_get_size, c_size_t, _IN)
        self.equal = _typed(quick.dnnl_memory_desc_equal, c_int, _IN, _IN)
        self.query_md = _typed(quick.dnnl_primitive_desc_query_md, c_void_p, _IN, c_int, c_int)
        # those of the OpenMP that the library is linked with; a build on threads of its own has none
        self.threads = getattr(quick, "omp_get_max_threads", lambda: 0)
        self.set_threads = getattr(quick, "omp_set_num_threads", lambda n: None)
        self.engine, self.attributes = c_void_p(), c_void_p()
        self.engine_create(self.engine, CPU, 0)
        self.primitive_attr_create(self.attributes)
        self.primitive_attr_set_scratchpad_mode(self.attributes, USER)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"dnnl_{name} is not declared in {__name__}")

    def descriptor(self, shape: Sequence[int], strides: Sequence[int] | None) -> c_void_p:
        """Return a new description of float32 memory; strides count elements, None leaves the layout to oneDNN."""
        made = c_void_p()
        if strides is None:
            self.memory_desc_create_with_tag(made, len(shape), Dims(*shape), FLOAT32, ANY)
        else:
            self.memory_desc_create_with_strides(made, len(shape), Dims(*shape), FLOAT32, Dims(*strides))
        return made


def _typed(function: Any, restype: Any, *argtypes: Any) -> Any:
    function.restype, function.argtypes = restype, argtypes
    return function


def _checked(status: int, function: Any, arguments: tuple[Any, ...]) -> int:
    if status:
        raise OneDNNError(function.__name__, status)
    return status


def located() -> str | None:
    """Return the path of the library: the distribution's, else the system's, else None."""
    import importlib.metadata

    for distribution in DISTRIBUTIONS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            for file in importlib.metadata.files(distribution) or ():
                path = os.path.realpath(str(file.locate()))
                if file.name.startswith("libdnnl.so") and os.path.exists(path):
                    return path
    return find_library("dnnl")


@contextmanager
def _brief_waits() -> Iterator[None]:
    """Let an OpenMP library that is loaded in the block, and reads its settings then, wait briefly."""
    if {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        yield  # as the user says
        return
    os.environ["GOMP_SPINCOUNT"] = SPIN
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]


@functools.cache
def library() -> Library | None:
    """Return the library, loaded at the first call; None, with a warning where it is there but of no use."""
    path = located()
    if path is None:
        return None
    try:
        with _brief_waits():
            loaded = Library(path)
    except (OSError, AttributeError, OneDNNError) as error:
        warnings.warn(f"oneDNN is installed but not used: {error}", RuntimeWarning, stacklevel=2)
        return None
    # libgomp's threads do not survive a fork, and a team that waits for them hangs
    os.register_at_fork(after_in_child=lambda: loaded.set_threads(1))
    global _loaded
    _loaded = True
    return loaded


def available() -> bool:
    """Say whether oneDNN is installed and to be used."""
    return _wanted and library() is not None


def in_use() -> bool:
    """Say whether something has been computed by oneDNN in this process, whose threads are then the ones to use."""
    return _wanted and _loaded  # every product asks


@contextmanager
def without() -> Iterator[None]:
    """Run a block as if oneDNN were not installed."""
    global _wanted
    before, _wanted = _wanted, False
    try:
        yield
    finally:
        _wanted = before


def _address(x: np.ndarray) -> int:
    return c_void_p.from_address(id(x) + object.__basicsize__).value or 0


def _readable() -> bool:
    """Say whether an array's first field can be read, and is where its data lies."""
    sample = np.zeros(3)[1:]
    return sys.implementation.name == "cpython" and _address(sample) == sample.ctypes.data


# 0.1 us against 0.7 us
address: Callable[[np.ndarray], int] = _address if _readable() else lambda x: x.ctypes.data
