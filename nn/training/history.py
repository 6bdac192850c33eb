"""What a training was like, epoch by epoch: a table, JSON lines, curves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = {"training": "#9aa5b1", "validation": "#d9480f"}
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e9ecef",
    "axes.edgecolor": "#868e96",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "lines.linewidth": 2,
}


class History:
    """A row of numbers for each epoch: `history["val_loss"]` is a column, `history[-1]` a row.

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history["loss"], history[-1]["epoch"], history.best("loss")["epoch"]
    ([0.5, 0.25], 2, 2)
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self.rows = [dict(row) for row in rows]

    def __getitem__(self, key: str | int) -> Any:
        if not isinstance(key, str):
            return self.rows[key]
        if key not in self.names:
            raise KeyError(f"no column {key!r}; there are {', '.join(self.names) or 'none yet'}")
        return [row.get(key) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def best(self, name: str, mode: str = "min") -> dict[str, Any]:
        """Return the row with the lowest value of a column, or with mode='max' the highest."""
        rows = [row for row in self.rows if row.get(name) is not None and not math.isnan(row[name])]
        if not rows:
            raise ValueError(f"no epoch has a value of {name!r}; there are {', '.join(self.names) or 'none yet'}")
        return (max if mode == "max" else min)(rows, key=lambda row: row[name])

    def write(self, path: str | Path) -> None:
        """Write a line of JSON for each epoch."""
        Path(path).write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    @classmethod
    def read(cls, path: str | Path) -> History:
        """Read what `write` wrote."""
        return cls(json.loads(line) for line in Path(path).read_text().splitlines())

    def __repr__(self) -> str:
        last = {k: f"{v:.4g}" for k, v in self.rows[-1].items() if isinstance(v, (int, float))} if self.rows else {}
        return f"History({len(self)} epochs" + "".join(f", {k}={v}" for k, v in last.items()) + ")"


def plot_history(history: History | Iterable[Mapping[str, Any]], path: str | Path | None = None) -> Figure:
    """Draw a curve for each number by epoch, training and validation together, and save the picture if given a path.

    Needs matplotlib. In a notebook the figure that is returned shows itself.

    >>> import pytest
    >>> _ = pytest.importorskip("matplotlib")
    >>> rows = [{"epoch": i, "loss": 1 / i, "val_loss": 1.2 / i, "lr": 0.1} for i in range(1, 9)]
    >>> [axes.get_title("left") for axes in plot_history(rows).axes]
    ['Loss', 'Learning rate']
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator, MaxNLocator
    except ImportError as error:
        raise ImportError("plot_history needs matplotlib: pip install 'ndtape[examples]'") from error
    history = history if isinstance(history, History) else History(history)
    panels = _panels(history)
    if not panels:
        raise ValueError("plot_history: nothing to draw, the history has no epochs")
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.5 * columns, 3.4 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.remove()
        epochs = [row.get("epoch", i + 1) for i, row in enumerate(history)]
        for axes, (title, curves) in zip(grid, panels.items(), strict=False):
            for label, values in curves.items():
                few = "o" if len(epochs) < 20 else None
                axes.plot(epochs, values, color=COLORS[label], label=label, marker=few, markersize=4)
            end = epochs[-1], values[-1]  # of the last curve: of validation, where there is one
            color, small = COLORS[label], {"textcoords": "offset points", "va": "center", "fontsize": 9}
            axes.annotate(f"{values[-1]:.3g}", end, (6, 0), color=color, annotation_clip=False, **small)
            if title == "Loss" and _decades(curves) > 1:
                axes.set_yscale("log")
                axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
                axes.yaxis.set_major_formatter("{x:g}")
                axes.yaxis.set_minor_formatter("{x:g}")
            axes.set(title=title, xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            if len(curves) > 1:
                axes.legend(frameon=False)
        if path is not None:
            figure.savefig(path, dpi=150)
    return figure


def _panels(history: History) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    """Return the curves of each panel, by its title and theirs."""
    panels: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for name in sorted(history.names, key=lambda name: (name.removeprefix("val_") == "lr", name.startswith("val_"))):
        values = history[name]
        if name in ("epoch", "seconds") or not any(isinstance(v, (int, float)) for v in values):
            continue
        plain = name.removeprefix("val_")
        title = "Learning rate" if plain == "lr" else plain.replace("_", " ").capitalize()
        numbers = np.array([v if isinstance(v, (int, float)) else math.nan for v in values], np.float64)
        panels.setdefault(title, {})["training" if name == plain else "validation"] = numbers
    return panels


def _decades(curves: Mapping[str, np.ndarray[Any, Any]]) -> float:
    """Return how many powers of ten positive values span; 0 if some are not positive."""
    values = np.concatenate(list(curves.values()))
    values = values[np.isfinite(values)]
    return float(np.log10(values.max() / values.min())) if values.size and values.min() > 0 else 0.0
