"""What a notebook is given to show: a picture where it can show one, and one in plain characters everywhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from autodiff.graph.pictures.render import available

if TYPE_CHECKING:
    from autodiff.graph.views import Views

SVG = "image/svg+xml"


def bundle(view: Views) -> dict[str, str]:
    """Return a graph's MIME bundle: a drawing, where Graphviz is here to make one, and text."""
    data = {"text/plain": view.ascii()}
    if shown(SVG) and available():
        data[SVG] = view.svg()
    return data


def shown(kind: str) -> bool:
    """Say whether the frontend may show a kind of data: IPython in a terminal shows text alone."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is None or kind in shell.display_formatter.active_types
