"""Graphs and tensors in notebooks and terminals."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import autodiff as ad

SETUP = """
import numpy as np, autodiff as ad
x = ad.tensor([1.0, 2.0], requires_grad=True)
x.name = "x<b>"
"""
SHOWN = {
    "ad.draw(np.sum(np.exp(x)))": {"text/plain", "image/svg+xml"},
    "x * 2": {"text/plain", "text/html"},
}


def neuron():
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    x.name = "x"
    return ad.draw(np.sum(np.exp(x) * x))


def test_a_graph_has_a_drawing_and_a_text():
    bundle = neuron()._repr_mimebundle_()
    assert bundle["text/plain"] == neuron().ascii()
    assert bundle.get("image/svg+xml", "<?xml").startswith("<?xml")


def test_without_graphviz_there_is_the_text(monkeypatch):
    monkeypatch.setattr("autodiff.graph.notebook.available", lambda: False)
    assert list(neuron()._repr_mimebundle_()) == ["text/plain"]


def test_a_terminal_is_spared_the_drawing(monkeypatch):
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not installed: extra notebook")
    terminal = formatters.DisplayFormatter(active_types=["text/plain"])
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(display_formatter=terminal))
    monkeypatch.setattr("autodiff.graph.notebook.available", lambda: pytest.fail("the drawing was made"))
    assert terminal.format(neuron())[0] == {"text/plain": neuron().ascii()}


def test_a_tensor_has_a_table_and_its_repr():
    x = ad.tensor([1.0, 2.0])
    assert x._repr_mimebundle_() == {"text/plain": repr(x), "text/html": x._repr_html_()}


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_a_notebook_runs():
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: extra notebook")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: extra notebook")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: extra notebook")
    cells = [nbformat.v4.new_code_cell(code) for code in (SETUP, *SHOWN)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    where = {"metadata": {"path": Path(__file__).parents[2]}}
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3", resources=where).execute()
    for cell, kinds in zip(cells[1:], SHOWN.values(), strict=True):
        (output,) = cell.outputs
        assert {*output.data} == kinds
        assert "<b>" not in output.data.get("image/svg+xml", "")
    assert "o  x<b>" in cells[1].outputs[0].data["text/plain"]
