"""What a picture looks like: one colour for each class of rule, and the marks of sources, phases and edges."""

from __future__ import annotations

INK, SOFT = "#1f2933", "#515e6b"
FONT = "Helvetica,Arial,sans-serif"

# The class of an operation's rules: (fill, border). Pale fills keep black text readable, also in print without colour.
KINDS = {
    "elementwise": ("#dceafb", "#3f7cc0"),
    "linear": ("#d9f2e3", "#2f9160"),
    "bilinear": ("#fde7cf", "#cf7a1f"),
    "multilinear": ("#fbd5ae", "#b8621b"),
    "reduction": ("#eadff7", "#8050b8"),
    "other": ("#fbdce4", "#c34a6e"),
    "boolean": ("#e9ecef", "#7f8a95"),
    "zero": ("#e9ecef", "#7f8a95"),
    "module": ("#f1f4f8", "#52606d"),
    "update": ("#e4f3c8", "#6b8e23"),
}

# What a source is: (fill, border, style).
ROLES = {
    "input": ("#ffffff", "#1f2933", "filled,bold"),
    "parameter": ("#fff6cc", "#b8960c", "filled"),
    "constant": ("#f7f7f7", "#9aa5b1", "filled,dashed"),
    "random": ("#f7f7f7", "#8050b8", "filled,dashed"),
    "state": ("#f7f7f7", "#6b8e23", "filled,dashed"),
}

# The background of a phase, and the colour of the edges within it.
PHASES = {
    "forward": ("#f8fafc", "#52606d"),
    "backward": ("#fdf6f5", "#b5473c"),
    "tangent": ("#f6f8fd", "#3f7cc0"),
    "update": ("#f8fbf0", "#6b8e23"),
}
# An operation that a check or a comparison points at: (fill, border).
HIGHLIGHTS = {
    "wrong derivative": ("#ff9d96", "#b00020"),
    "not decided": ("#ffe27a", "#8a6d00"),
    "added": ("#b9ecc0", "#1a7f37"),
    "removed": ("#ffc9c4", "#b00020"),
    "changed": ("#ffe9a8", "#8a6d00"),
}
SAVED = "#9aa5b1"  # an edge along which the backward pass uses a forward value
