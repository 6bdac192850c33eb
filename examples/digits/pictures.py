"""What the digits example draws: mistakes, and the graph of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from autodiff.graph import Graph


@mpl.rc_context({"font.size": 10, "axes.titlelocation": "left"})
def draw_mistakes(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, path: Path, most: int = 24
) -> None:
    """Draw the misclassified digits, the most confident mistakes first."""
    guesses, confidence = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(guesses != labels)
    shown = wrong[np.argsort(-confidence[wrong])][:most]
    columns = min(6, max(3, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(columns * 1.6, rows * 2 + 0.5), layout="constrained")
    figure.suptitle(f"{len(wrong)} mistakes on {len(labels)} held-out digits", x=0.02, ha="left", fontweight="bold")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, i in zip(grid, shown, strict=False):
        axes.imshow(images[i], cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(
            f"{labels[i]}, read as {guesses[i]}\n{confidence[i]:.0%} sure",
            fontsize=9,
            loc="center",
            fontweight="normal",
        )
    figure.savefig(path, dpi=150)


def draw_graph(graph: Graph, path: Path) -> Path:
    """Write the graph as SVG, or where nothing on this machine can lay it out, as DOT text; return where it is."""
    try:
        graph.svg(path)
    except RuntimeError as error:
        path = path.with_suffix(".dot")
        path.write_text(graph.dot())
        print(f"{error}\nUntil then the graph is written as text, which any Graphviz viewer shows.\n")
    return path
