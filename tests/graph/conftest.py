"""Fixtures of the tests of graphs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """Return a page of a headless Chromium; skip where there is none.

    It lives as long as one file: an open playwright runs an event loop, which notebooks in the same process would meet.
    """
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    with api.sync_playwright() as playwright:
        switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=switches)
        yield browser.new_page()
        browser.close()
