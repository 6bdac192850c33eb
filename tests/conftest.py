"""Settings and fixtures of all tests."""

from __future__ import annotations

import gc
import os
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType

import pytest
from hypothesis import HealthCheck, seed, settings

import autodiff as ad
from autodiff import tape
from autodiff.testing import profiles

profiles.register()
settings.register_profile(  # the whole suite is to stay quick
    "suite", settings.get_profile("ci"), max_examples=10, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take --long."""
    parser.addoption("--long", action="store_true", help="also run the tests marked long: minutes, and gigabytes")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "long: runs under --long alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out unless they are asked for; without torch, skip tests that need it in their first row."""
    chosen = items if config.getoption("--long") else [i for i in items if not i.get_closest_marker("long")]
    if find_spec("torch") is None:
        needy = {i: (i.parent, i.originalname) for i in chosen if "torch" in getattr(i, "fixturenames", ())}
        first = {test: item for item, test in reversed(needy.items())}
        chosen = [i for i in chosen if i not in needy or first[needy[i]] is i]
    kept = set(chosen)
    config.hook.pytest_deselected(items=[i for i in items if i not in kept])
    items[:] = chosen


def pytest_collection_finish() -> None:
    """Take what was collected, which stays to the end, out of the collector's sight."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start every test from the default dtype, seed and mode, and leave them so.

    Hypothesis' plugin puts the settings of a parametrized test into new ones at each of its rows: a thousand rows deep,
    they cannot be read any more. What a row draws hangs on its name: hypothesis would read the test's source each time.
    """
    dtype, before = ad.get_default_dtype(), tape.mode.set(None)
    test = getattr(request.node, "obj", None)
    test = getattr(test, "__func__", test)
    used = getattr(test, "_hypothesis_internal_use_settings", None)
    if used is not None and used.derandomize:
        test._hypothesis_internal_database_key = name = request.node.nodeid.encode()
        seed(zlib.crc32(name))(test)
    ad.manual_seed(0)
    yield
    ad.set_default_dtype(dtype)
    tape.mode.reset(before)
    if used is not None:
        test._hypothesis_internal_use_settings = used


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """Return torch, the oracle, or skip where it is not installed."""
    return pytest.importorskip("torch")
