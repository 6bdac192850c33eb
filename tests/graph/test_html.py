"""A tensor in a notebook."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

import autodiff as ad


def text(tensor):
    """The texts of a tensor's HTML, which must be well-formed."""
    html = tensor._repr_html_().replace("&#8942;", "down").replace("&#8943;", "across")
    return list(ElementTree.fromstring(html).itertext())


def test_a_matrix_is_a_table():
    assert text(ad.tensor([[1.0, 2.5], [3.0, 4.0]])) == ["f32[2,2]", "1", "2.5", "3", "4"]


def test_a_large_matrix_is_cut():
    cells = text(ad.arange(600).reshape(20, 30))[1:]
    assert len(cells) == 9 * 9
    assert cells[:5] == ["0", "1", "2", "3", "across"]
    assert cells[-1] == "599"
    assert cells[4 * 9] == "down"


def test_the_history_is_named():
    x = ad.ones(2, requires_grad=True)
    assert text(x)[0] == "f32[2], requires_grad=True"
    assert text(np.exp(x))[0] == "f32[2], grad_fn=<exp>"


def test_names_are_escaped():
    x = ad.ones(1)
    x.name = "<script>alert('&')</script>"
    assert text(x)[0] == x.name


@pytest.mark.parametrize(
    "values",
    [3.0, np.zeros((0, 3)), np.zeros((2, 2, 2)), np.full((2, 2, 2), np.nan), np.zeros((2, 1, 1), bool), 1 + 2j,
     np.ones((2, 2, 2), complex), np.array([True, False]), np.full((1, 1, 1), np.inf)],
)  # fmt: skip
def test_everything_has_a_view(values):
    assert text(ad.as_tensor(values))[0].startswith(("f", "c", "bool"))


def test_higher_ranks_are_summarised():
    shown = text(ad.arange(8.0).reshape(2, 2, 2))
    assert shown[1:7] == ["min", "mean", "max", "0", "3.5", "7"]
