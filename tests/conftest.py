"""Settings and fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import settings

import autodiff as ad
from autodiff import tape
from autodiff.testing import profiles

profiles.register()
settings.register_profile("suite", settings.get_profile("ci"), max_examples=10)  # the whole suite is to stay quick
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take --long."""
    parser.addoption("--long", action="store_true", help="also run the tests marked long: minutes, and gigabytes")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "long: runs under --long alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out unless they are asked for."""
    if not config.getoption("--long"):
        left = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left)


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start every test from the default dtype, seed and mode, and leave them so.

    Hypothesis' plugin puts the settings of a parametrized test into new ones at each of its rows: a thousand rows deep,
    they cannot be read any more.
    """
    dtype, before = ad.get_default_dtype(), tape.mode.set(None)
    given = getattr(request.node, "obj", None), "_hypothesis_internal_use_settings"
    used = getattr(*given, None)
    ad.manual_seed(0)
    yield
    ad.set_default_dtype(dtype)
    tape.mode.reset(before)
    if used is not None:
        setattr(*given, used)


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """Return torch, the oracle, or skip where it is not installed."""
    return pytest.importorskip("torch")
