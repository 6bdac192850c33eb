"""Fixtures of the tests of nn."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """Return torch, the oracle, or skip where it is not installed."""
    return pytest.importorskip("torch")
