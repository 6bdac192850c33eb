"""Fixtures of the tests of nn."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """Return torch, the oracle, or skip where it is not installed."""
    torch: ModuleType = pytest.importorskip("torch")
    torch.set_num_threads(1)  # for what is small, several wait for one another
    return torch
