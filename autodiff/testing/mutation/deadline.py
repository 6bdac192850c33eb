"""A limit of time on code that may hang."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Late(BaseException):
    """A test ran for too long."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise in this thread, between two steps of Python's, when the time is over; again should that be swallowed."""
    thread = ctypes.c_ulong(threading.get_ident())
    over, lock, raised = threading.Event(), threading.Lock(), False

    def watch() -> None:
        nonlocal raised
        wait = seconds
        while not over.wait(wait):
            with lock:
                if over.is_set():
                    return
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Late))
                raised = True
            wait = 1.0

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        try:
            with lock:
                over.set()
            for _ in range(1000 * raised):  # one may still be on its way: it lands here
                pass
        except Late:
            over.set()
