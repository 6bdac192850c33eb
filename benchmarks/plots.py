"""Pictures of the figures on logarithmic axes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.engines import BASELINE, ENGINES, VARIANTS
from benchmarks.report import Line

COLOURS = dict(
    zip(
        [name for name in ENGINES if name != BASELINE],
        ("#9ecae1", "#4292c6", "#08306b", "black", "#d94801", "#756bb1", "#c994c7", "#fd8d3c", "#238b45", "#a1d99b"),
        strict=True,
    )
)


def draw(lines: list[Line], folder: Path, stem: str) -> list[Path]:
    """Draw ratios and series into files whose names begin with the stem; return the files."""
    import matplotlib as mpl

    mpl.use("agg")
    threads = sorted({line["threads"] for line in lines})
    made = []
    for count in threads:
        chosen = [line for line in lines if line["threads"] == count]
        made += ratios(chosen, folder / f"{stem}-ratios-{count}.png", count)
        made += series(chosen, folder / f"{stem}-series-{count}.png", count)
    return made


def ratios(lines: list[Line], path: Path, threads: int) -> list[Path]:
    """Each engine's time over that of ours with all extras, row by row."""
    from matplotlib import pyplot as plt

    rows: dict[tuple[str, str], dict[str, Line]] = {}
    for line in lines:
        if "axis" not in line and line["unit"].startswith("us"):
            rows.setdefault((line["workload"], line["work"]), {})[line["engine"]] = line
    rows = {name: by for name, by in rows.items() if len(by) > 1 and BASELINE not in by}
    if not rows:
        return []
    labels = [f"{work}" if workload in work else f"{workload}: {work}" for workload, work in rows]
    figure, axes = plt.subplots(figsize=(11, 1.6 + 0.24 * len(rows)))
    seen = set()
    for at, by in enumerate(rows.values()):
        base = by[next(name for name in reversed(VARIANTS) if name in by)]["median"]
        for engine, line in by.items():
            label = engine if engine not in seen else None
            seen.add(engine)
            marker = {"numpy": "|"}.get(engine, "D" if engine in VARIANTS else "o")
            axes.plot(line["median"] / base, at, marker, color=COLOURS[engine], label=label, markersize=6, alpha=0.9)
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set(xscale="log", xlabel="time over that of ndtape with all extras (to the right: slower)")
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.grid(which="both", axis="x", linewidth=0.3)
    axes.set_title(f"{threads} thread{'s' * (threads > 1)}")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return saved(figure, path)


def series(lines: Iterable[Line], path: Path, threads: int) -> list[Path]:
    """Time or memory over a size, a panel a series."""
    from matplotlib import pyplot as plt

    panels: dict[str, dict[str, list[tuple[float, Line]]]] = {}
    for line in lines:
        if "axis" in line:
            panels.setdefault(line["axis"][0], {}).setdefault(line["engine"], []).append((line["axis"][1], line))
    if not panels:
        return []
    columns = min(3, len(panels))
    height = -(-len(panels) // columns)
    figure, grid = plt.subplots(height, columns, figsize=(4.6 * columns, 3.4 * height), squeeze=False)
    for axes, (name, engines) in zip(grid.flat, panels.items(), strict=False):
        for engine, points in engines.items():
            x, found = zip(*sorted(points, key=lambda point: point[0]), strict=True)
            y = [line["median"] for line in found]
            style = ".--" if engine == "numpy" else ".-"
            axes.plot(x, y, style, color=COLOURS[engine], label=engine, linewidth=1.2)
        axes.set(xscale="log", yscale="log", xlabel=name.rpartition("/")[2].strip() or name)
        axes.set_title(name, fontsize=9)
        axes.set_ylabel(next(iter(engines.values()))[0][1]["unit"], fontsize=8)
        axes.grid(which="major", linewidth=0.3)
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=6)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    figure.suptitle(f"{threads} thread{'s' * (threads > 1)}")
    return saved(figure, path)


def saved(figure: Any, path: Path) -> list[Path]:
    """Write the picture."""
    from matplotlib import pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return [path]
