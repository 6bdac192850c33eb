"""What a picture looks like, as data: three themes, each with a colour for every class of operation and every role.

Fills are pale (deep in the dark theme), so that text is readable on each; every pair was chosen for a contrast of at
least 4.5 with both inks, which a test measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FONT = "Helvetica,Arial,sans-serif"
Pair = tuple[str, str]  # fill, border
FOLDED = ("module", "group", "stretch")
STARTS = {  # what is said of the operation at which a gradient becomes what it is
    "None": "cut off here",
    "zero": "becomes zero here",
    "tiny": "becomes tiny here",
    "NaN": "NaN starts here",
    "infinite": "infinity starts here",
}
ALARMS = ("wrong derivative", "failed", "first not finite", *STARTS.values())
CHANGED = "changed in place"  # the role of what memory holds after that


@dataclass(frozen=True)
class Theme:
    """The colours of a picture; pairs are (fill, border)."""

    paper: str  # the background
    ink: str
    soft: str  # smaller text
    line: str  # edges within the forward pass
    saved: str  # edges along which the backward pass uses a forward value
    alarm: str  # NaN, infinity, a failure
    kinds: Mapping[str, Pair]
    roles: Mapping[str, tuple[str, str, str]]  # with Graphviz's style
    phases: Mapping[str, Pair]  # background, and border and edges
    deeper: tuple[Pair, ...]  # as phases, of the second and higher orders
    orders: tuple[Pair, ...]  # of derivative: function, first sweep, sweep of the sweep, ...
    highlights: Mapping[str, Pair]
    heat: tuple[str, ...]  # from none to most

    def kind(self, name: str) -> Pair:
        """Return the colours of a class of operations."""
        return self.kinds.get("module" if name in FOLDED else name, self.kinds["other"])

    def highlight(self, why: str) -> Pair:
        """Return the colours of what is pointed at."""
        return self.highlights.get("alarm" if why in ALARMS else why, self.highlights["highlighted"])

    def column(self, phase: str, order: int) -> Pair:
        """Return the colours of a phase; a sweep of a sweep has those of its order."""
        return self.phases[phase] if order < 2 else self.deeper[min(order - 2, len(self.deeper) - 1)]

    def order(self, n: int) -> Pair:
        """Return the colours of an order of derivative."""
        return self.orders[min(n, len(self.orders) - 1)]

    def warmth(self, share: float) -> str:
        """Return the colour of a share of the largest, from 0 to 1."""
        return self.heat[min(int(share * len(self.heat)), len(self.heat) - 1)]


def _roles(paper: str, ink: str, amber: Pair, grey: Pair, green: str, violet: str) -> dict[str, tuple[str, str, str]]:
    return {
        "input": (paper, ink, "filled,rounded,bold"),
        "parameter": (*amber, "filled,rounded"),
        "constant": (*grey, "filled,rounded,dashed"),
        "state": (grey[0], green, "filled,rounded,dashed"),
        "random": (grey[0], violet, "filled,rounded,dashed"),
        "result": (paper, ink, "filled,rounded,bold"),
        CHANGED: (amber[0], green, "filled,rounded"),
    }


LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2933",
    soft="#44505c",
    line="#52606d",
    saved="#9aa5b1",
    alarm="#b00020",
    kinds={
        "elementwise": ("#dceafb", "#3f7cc0"),
        "linear": ("#d9f2e3", "#2f9160"),
        "bilinear": ("#fde7cf", "#cf7a1f"),
        "multilinear": ("#fbd5ae", "#b8621b"),
        "reduction": ("#eadff7", "#8050b8"),
        "other": ("#fbdce4", "#c34a6e"),
        "boolean": ("#e9ecef", "#7f8a95"),
        "zero": ("#e9ecef", "#7f8a95"),
        "module": ("#eef2f7", "#5b6b7d"),
        "update": ("#e4f3c8", "#6b8e23"),
    },
    roles=_roles("#ffffff", "#1f2933", ("#fff6cc", "#b8960c"), ("#f7f7f7", "#9aa5b1"), "#6b8e23", "#8050b8"),
    phases={
        "forward": ("#f8fafc", "#52606d"),
        "tangent": ("#f5fbfb", "#1f8a8a"),
        "backward": ("#fdf6f5", "#b5473c"),
        "update": ("#f8fbf0", "#6b8e23"),
    },
    deeper=(("#faf7fd", "#8050b8"), ("#f3fbfa", "#1f8a8a"), ("#fffbef", "#b8960c")),
    orders=(
        ("#dceafb", "#3f7cc0"),
        ("#fbdcd8", "#b5473c"),
        ("#eadff7", "#8050b8"),
        ("#d3f0ee", "#1f8a8a"),
        ("#fff0c2", "#b8960c"),
    ),
    highlights={
        "alarm": ("#ffc2bd", "#b00020"),
        "not decided": ("#ffe27a", "#8a6d00"),
        "on its path": ("#cdeff2", "#0b7285"),
        "added": ("#b9ecc0", "#1a7f37"),
        "removed": ("#ffc9c4", "#b00020"),
        "changed": ("#ffe9a8", "#8a6d00"),
        "highlighted": ("#ffe27a", "#8a6d00"),
    },
    heat=("#fff9ef", "#feeccd", "#fdddab", "#fbcd8e", "#f9bf7c", "#f8b272"),
)

DARK = Theme(
    paper="#14181d",
    ink="#eef2f6",
    soft="#b9c4cf",
    line="#8fa0b0",
    saved="#5d6b78",
    alarm="#ff8a80",
    kinds={
        "elementwise": ("#1c3552", "#5b9be0"),
        "linear": ("#173b2a", "#4cb883"),
        "bilinear": ("#48300f", "#e0954a"),
        "multilinear": ("#52300c", "#f0a050"),
        "reduction": ("#352452", "#a67fe0"),
        "other": ("#4a1f2e", "#e0708f"),
        "boolean": ("#2a3138", "#8b97a3"),
        "zero": ("#2a3138", "#8b97a3"),
        "module": ("#232b34", "#7d8fa1"),
        "update": ("#2d3a14", "#9bc04a"),
    },
    roles=_roles("#14181d", "#eef2f6", ("#40360a", "#d9b83a"), ("#1e242a", "#7d8a97"), "#9bc04a", "#a67fe0"),
    phases={
        "forward": ("#191f26", "#8fa0b0"),
        "tangent": ("#14211f", "#4cc0b8"),
        "backward": ("#221a1a", "#e57f73"),
        "update": ("#1a2013", "#9bc04a"),
    },
    deeper=(("#1e1927", "#a67fe0"), ("#142021", "#4cc0b8"), ("#211e12", "#d9b83a")),
    orders=(
        ("#1c3552", "#5b9be0"),
        ("#4f221d", "#e57f73"),
        ("#352452", "#a67fe0"),
        ("#123c3a", "#4cc0b8"),
        ("#40360a", "#d9b83a"),
    ),
    highlights={
        "alarm": ("#7a1420", "#ff8a80"),
        "not decided": ("#5c4a00", "#ffd54a"),
        "on its path": ("#0f3d45", "#4dd0e1"),
        "added": ("#14401f", "#5fd07a"),
        "removed": ("#571a1a", "#ff8a80"),
        "changed": ("#4f4008", "#ffd54a"),
        "highlighted": ("#5c4a00", "#ffd54a"),
    },
    heat=("#24221f", "#33291c", "#443019", "#533615", "#623b11", "#6f3f0e"),
)

_GREYS = ("#ffffff", "#f4f4f4", "#e8e8e8", "#dadada", "#cccccc", "#bebebe")

PAPER = Theme(  # prints in black and white: classes differ by grey, edges by dashes
    paper="#ffffff",
    ink="#000000",
    soft="#333333",
    line="#000000",
    saved="#777777",
    alarm="#000000",
    kinds={
        "elementwise": ("#ffffff", "#000000"),
        "linear": ("#f0f0f0", "#000000"),
        "bilinear": ("#e2e2e2", "#000000"),
        "multilinear": ("#d6d6d6", "#000000"),
        "reduction": ("#ebebeb", "#000000"),
        "other": ("#dcdcdc", "#000000"),
        "boolean": ("#ffffff", "#777777"),
        "zero": ("#ffffff", "#777777"),
        "module": ("#f4f4f4", "#000000"),
        "update": ("#e8e8e8", "#000000"),
    },
    roles=_roles("#ffffff", "#000000", ("#ffffff", "#000000"), ("#ffffff", "#777777"), "#444444", "#777777"),
    phases={
        "forward": ("#ffffff", "#000000"),
        "tangent": ("#ffffff", "#000000"),
        "backward": ("#ffffff", "#000000"),
        "update": ("#ffffff", "#000000"),
    },
    deeper=(("#ffffff", "#000000"),),
    orders=(
        ("#ffffff", "#000000"),
        ("#ececec", "#000000"),
        ("#d8d8d8", "#000000"),
        ("#c6c6c6", "#000000"),
        ("#b6b6b6", "#000000"),
    ),
    highlights={
        "alarm": ("#c8c8c8", "#000000"),
        "not decided": ("#e0e0e0", "#000000"),
        "on its path": ("#f0f0f0", "#000000"),
        "added": ("#ffffff", "#000000"),
        "removed": ("#c8c8c8", "#777777"),
        "changed": ("#e6e6e6", "#000000"),
        "highlighted": ("#d0d0d0", "#000000"),
    },
    heat=_GREYS,
)

THEMES = {"light": LIGHT, "dark": DARK, "paper": PAPER}
ORDERS = ("function", "first derivative", "second derivative", "third derivative", "higher derivatives")
SWEEPS = ("forward", "backward", "backward of backward", "backward of backward of backward", "higher backward")
PHASES = ("forward", "tangent", "backward", "update")
