"""How errors speak: short types of operands, the user's line, and NumPy's exceptions with the operation's name."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

_HOME = os.path.dirname(os.path.abspath(__file__))
_INSIDE = (_HOME + os.sep, os.path.join(os.path.dirname(_HOME), "nn") + os.sep, os.path.dirname(np.__file__) + os.sep)
_LETTERS = {"f": "f", "c": "c", "i": "i", "u": "u"}
_BROADCAST = (
    "Shapes must agree, or be 1, along each axis counted from the last; reshape one, or add axes with x[:, None]."
)
_HINTS = {
    "matmul": "The last axis of the first operand must equal the second-to-last of the second; transpose one with .mT.",
    "linear": "The last axis of the input must equal the layer's in_features (weight has shape (out, in)).",
    "reshape": "The new shape must hold as many elements as the old one; one axis may be -1.",
    "concatenate": "All shapes must agree except along the joined axis.",
    "stack": "All shapes must be equal.",
    "getitem": "An index must lie within its axis, a mask must have the shape of the axes it selects from.",
}
_SINGULAR = {
    "inv": "np.linalg.pinv has an inverse for any matrix.",
    "solve": "np.linalg.lstsq solves such systems.",
    "cholesky": "Its eigenvalues must all be positive; add a small multiple of the identity.",
}


class AutodiffError(RuntimeError):
    """Differentiation was asked for something it cannot give."""


class ArgumentError(ValueError, RuntimeError):
    """Arguments do not fit the function or one another: NumPy's ValueError, and PyTorch's RuntimeError where it is one.

    >>> import autodiff as ad
    >>> try:
    ...     ad.ones(2, 3) @ ad.ones(2)
    ... except RuntimeError as error:
    ...     isinstance(error, ValueError)
    True
    """


def short(dtype: Any, shape: Any = None) -> str:
    """Return a short type, e.g. `f32[64,128]`, or `f32` for a dtype alone."""
    if isinstance(dtype, tuple):
        return "(" + ", ".join(short(d, s) for d, s in zip(dtype, shape, strict=True)) + ")"
    name = _LETTERS.get(dtype.kind, "")
    kind = f"{name}{dtype.itemsize * 8}" if name else str(dtype)
    return kind if shape is None else f"{kind}[{','.join(map(str, shape))}]"


def describe(value: Any) -> str:
    """Return an operand's short type, or the value itself where it is a number."""
    if isinstance(value, np.ndarray):
        return short(value.dtype, value.shape)
    if value is None or isinstance(value, (int, float, complex, np.generic)):
        return repr(value)
    return type(value).__name__


def describe_call(name: str, operands: Any, params: dict[str, Any] | None = None) -> str:
    """Return the call as one line: `matmul(f32[2,3], f32[4])`."""
    parts = [describe(v) for v in operands] + [f"{k}={v!r}" for k, v in (params or {}).items() if v is not None]
    return f"{name}({', '.join(parts)})"


def explained(error: Exception, name: str, operands: Any, params: dict[str, Any]) -> Exception:
    """Return an error that says which operation was given what, and the fix where it is known.

    It is of the same class, a ValueError one that PyTorch's users catch as well.
    """
    hint = _HINTS.get(name, _BROADCAST if "broadcast" in str(error) else "")
    if isinstance(error, np.linalg.LinAlgError) and ("ingular" in str(error) or "definite" in str(error)):
        hint = _SINGULAR.get(name, hint)
    message = f"{describe_call(name, operands, params)}: {str(error).rstrip(' .')}." + (f" {hint}" if hint else "")
    try:
        found = (ArgumentError if type(error) is ValueError else type(error))(message)
    except Exception:  # an exception class with a constructor of its own
        found = ArgumentError(message)
    found.operation = name  # type: ignore[attr-defined]  # said once, by the innermost
    return found


def user_line() -> str:
    """Return the innermost line of the caller's own code, as `file:line in function`."""
    frame = user_frame()
    return line_of(frame.f_code, frame.f_lasti)


def user_frame(depth: int = 1) -> Any:
    """Return the innermost frame of the caller's own code, so many frames up or more."""
    frame = sys._getframe(depth)
    while inside[frame.f_code.co_filename] and frame.f_back is not None:
        frame = frame.f_back
    return frame


class _Inside(dict[str, bool]):
    """Says of files of code whether they are ours, or NumPy's."""

    def __missing__(self, file: str) -> bool:
        known = self[file] = file.startswith((*_INSIDE, "<string>", "<__array_function__"))
        return known


inside = _Inside()


def line_of(code: Any, place: int) -> str:
    """Return the line of a place in a code object, as `file:line in function`."""
    line = next((line for start, end, line in code.co_lines() if start <= place < end), code.co_firstlineno)
    return f"{code.co_filename}:{line} in {code.co_name}"
