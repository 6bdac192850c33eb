"""Can a picture be read? Measured where people see it, in a browser that lays out the SVG's text with its own fonts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEASURE = Path(__file__).with_name("legibility.js").read_text()
SMALLEST = 9.0  # pixels: the font size below which text on a screen is guessed rather than read


@dataclass(frozen=True)
class Legibility:
    """What was measured of an SVG. Lengths are CSS pixels at the picture's natural size.

    `faults` is empty where no two texts intersect, each lies inside its own box and on no other, no edge runs through
    one, none is smaller than the smallest font, and nothing is clipped.
    """

    width: float
    height: float
    nodes: int
    texts: int
    font: float
    faults: tuple[str, ...]


def measure(page: Any, svg: str | Path, smallest: float = SMALLEST) -> Legibility:
    """Measure an SVG, given as text or as a file, in a page of a browser."""
    found = page.evaluate(MEASURE, [svg.read_text() if isinstance(svg, Path) else svg, smallest])
    return Legibility(**{key: tuple(x) if isinstance(x, list) else x for key, x in found.items()})
