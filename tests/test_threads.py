"""The number of threads reaches every library that is loaded, and is put back."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import threadpoolctl

import autodiff as ad
from autodiff import threads


def counts() -> set[int]:
    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def test_every_library_obeys_and_the_block_ends_as_it_began() -> None:
    before = counts()
    with ad.set_num_threads(1):
        assert counts() == {1}
        with ad.set_num_threads(2):
            assert counts() == {2} == {ad.get_num_threads()}
        assert ad.get_num_threads() == 1
    assert counts() == before


def test_it_holds_from_here_on_without_a_block() -> None:
    program = """
import autodiff as ad
ad.set_num_threads(1)
import threadpoolctl
print({library["num_threads"] for library in threadpoolctl.threadpool_info()}, ad.get_num_threads())
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "{1} 1"


def test_a_library_that_is_loaded_later_is_told() -> None:
    with ad.set_num_threads(1), threadpoolctl.threadpool_limits(2):
        threads.settle()
        assert counts() == {1}
    before = counts()
    threads.settle()
    assert counts() == before


@pytest.mark.parametrize("n", [0, -2, 1.0, True, None, "2"])
def test_what_is_no_number_of_threads_is_refused(n: Any) -> None:
    with pytest.raises(ValueError, match="at least 1; got"):
        ad.set_num_threads(n)


def test_where_no_library_can_be_told_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threadpoolctl, "threadpool_info", list)
    with pytest.raises(RuntimeError, match="VECLIB_MAXIMUM_THREADS"):
        ad.set_num_threads(1)
    assert ad.get_num_threads() == 1
