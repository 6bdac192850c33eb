"""Every public name of torch's modules is here, or one of the few that may be missing; docs/nn.md says which."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import nn
from tests.nn import names

OWN = ("Buffer", "Hardtanh", "UninitializedBuffer", "UninitializedParameter")  # deprecated names, or made inside
LEAST = {"torch.nn": 0.9, "torch.nn.functional": 0.9}  # of the names; of init, optimizers and schedules all but ABSENT


@pytest.fixture(scope="module")
def torch() -> Any:
    """The version that the page is made of."""
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith(names.VERSION):
        pytest.skip(f"docs/nn.md counts the names of torch {names.VERSION}")
    return torch


@pytest.mark.parametrize("area", names.AREAS)
def test_nothing_is_missing_without_a_reason(torch: Any, area: str) -> None:
    public = names.public(torch, area)
    missing = [name for name in public if not hasattr(names.AREAS[area], name)]
    assert set(missing) <= set(names.ABSENT)
    assert len(public) - len(missing) >= LEAST.get(area, 0.0) * len(public)


def test_few_names_may_be_missing_and_all_of_those_are(torch: Any) -> None:
    assert len(names.ABSENT) <= 16
    everything = {name for area in names.AREAS for name in names.public(torch, area)}
    assert set(names.ABSENT) <= everything
    assert not [name for name in names.ABSENT for here in names.AREAS.values() if hasattr(here, name)]


def test_every_loss_is_here(torch: Any) -> None:
    losses = {name for name in names.public(torch, "torch.nn") if name.endswith("Loss")} - set(names.ABSENT)
    assert not [name for name in losses if not hasattr(nn, name)]


def test_layers_take_torchs_arguments_in_its_order(torch: Any) -> None:
    """Those that torch has deprecated are left out, and a `generator=` of ours may follow."""
    for name in names.public(torch, "torch.nn"):
        theirs = list(inspect.signature(getattr(torch.nn, name)).parameters)
        if hasattr(nn, name) and "kwargs" not in theirs and name not in OWN:
            ours = list(inspect.signature(getattr(nn, name)).parameters)
            assert [n for n in ours if n != "generator"] == [
                n for n in theirs if n not in ("size_average", "reduce")
            ], name


def test_the_page_is_up_to_date(torch: Any) -> None:
    assert names.PAGE.read_text() == names.table(torch), "run python -m tests.nn.names"
