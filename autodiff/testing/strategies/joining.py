"""Arguments of joins, splits and padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.testing.strategies.drawing import Arguments, Draw

ARGUMENTS: dict[Callable[..., Any], Callable[[Draw], Arguments]] = {}
