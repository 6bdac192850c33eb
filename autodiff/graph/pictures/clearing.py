"""Where the names of clusters stand: at the left of their first line, or further right where an edge comes in there.

Graphviz leads edges around nodes, but not around the labels of clusters.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from autodiff.graph.record import Array

LABEL = re.compile(r'(subgraph (\w+) \{\n.*?<TD WIDTH=")(\d+)("></TD>.*<TD WIDTH=")(\d+)')  # with room on both sides
INSET, GAP = 8.0, 5.0  # points: from the frame of a cluster to its label, from an edge to it
WIDER = 1.05  # than Graphviz measures a text are those of browsers, which round the width of each letter
STEP = 1.5  # points between the places at which an edge is looked at


def cleared(dot: str, laid: dict[str, Any]) -> str:
    """Return a source with those labels of clusters moved through which an edge runs in its layout, given as JSON."""
    drawn = [edge["pos"] for edge in laid.get("edges", ()) if "pos" in edge and edge.get("style") != "invis"]
    if not drawn:
        return dot
    lines = np.concatenate([_places(pos) for pos in drawn])
    clusters = {item["name"]: item for item in laid["objects"] if "lp" in item}

    def moved(label: re.Match[str]) -> str:
        room = int(label[3]), int(label[5])
        before, after = _room(clusters[label[2]], *room, lines) if label[2] in clusters else room
        return f"{label[1]}{before}{label[4]}{after}"

    return LABEL.sub(moved, dot)


def _room(cluster: dict[str, Any], before: int, after: int, lines: Array) -> tuple[int, int]:
    """Return how much room there is on both sides of a label that stands in the first gap that is wide enough.

    Where there is no gap, there is more room on its right, so that there will be one beside an edge in the middle.
    """
    left, _, right, _ = map(float, cluster["bb"].split(","))
    x, y = map(float, cluster["lp"].split(","))
    width, height = 72 * float(cluster["lwidth"]), 72 * float(cluster["lheight"])
    text, start = WIDER * (width - before - after), x - width / 2
    met = np.sort(lines[(np.abs(lines[:, 1] - y) < height / 2) & (lines[:, 0] > left) & (lines[:, 0] < right), 0])
    for at in (start + before, start, *(met + GAP + 1)):
        if start <= at <= right - INSET - text and not ((met > at - GAP) & (met < at + text + GAP)).any():
            return int(at - start), max(before + after - int(at - start), 0)
    return 0, int(after + (text / 2 if after else text + 2 * GAP))


def _places(pos: str) -> Array:
    """Return places close together on an edge, from Graphviz's description of its splines."""
    found = []
    for spline in pos.split(";"):
        points = np.array([part.split(",") for part in spline.split() if part[0] not in "se"], float)
        for a, b, c, d in (points[i : i + 4] for i in range(0, len(points) - 1, 3)):
            reach = sum(np.linalg.norm(q - p) for p, q in ((a, b), (b, c), (c, d)))
            t = np.linspace(0, 1, 2 + int(reach / STEP))[:, None]
            found.append(a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3)
    return np.concatenate(found)
