"""Equivalent mutants of convolutions, pooling, normalization, interpolation and polynomials."""

from __future__ import annotations

OWN_SHAPE = "the gradient of a sequence is cut to its own length; nothing is broadcast"

OWN_IMAGES = "a convolution gives gradients of its operands' own shapes; nothing is broadcast"

EQUIVALENT: dict[str, dict[str, str]] = {
    "convolve": {f"operand {i}: skip un-broadcasting": OWN_SHAPE for i in (0, 1)},
    **{
        name: {f"operand {i}: skip un-broadcasting": OWN_IMAGES for i in range(count)}
        for name, count in (("conv", 2), ("biased_conv", 3), ("conv_transpose", 2), ("conv_weight", 2))
    },
    **{
        name: {"skip un-broadcasting": "what is pooled has the shape of its places; nothing is broadcast"}
        for name in ("pick", "unpool")
    },
    "layer_norm": {
        f"skip reshape in {call} (in _first){again}": "rows are looked at in their own shape"
        for call, again in (
            ("np.reshape(x, view.shape)", ""),
            ("np.reshape(h, x.shape)", ""),
            ("np.reshape(h, x.shape)", " (2)"),
        )
    },
    "layer_norm_backward": {
        f"skip reshape in {call} (in _second)": "rows are looked at in their own shape"
        for call in (
            "np.reshape(a, view.shape)",
            "np.reshape(x, view.shape)",
            "np.reshape(u, view.shape)",
            "np.reshape(weight, view.weight)",
            "np.reshape(p, view.weight)",
            "np.reshape(q, view.weight)",
            "np.reshape(np.sum(a * r * back, axis=view.fre...",
            "np.reshape(w * r * back + p * d + q, x.shape)",
            "np.reshape(dc, x.shape)",
        )
    },
    "characteristic": {
        "swap the operands of np.matmul(x, adjugate) (in _characteristic)": "a polynomial in x commutes with x",
    },
    "over_slope": {f"operand {i}: skip un-broadcasting": "all operands have one shape" for i in (0, 1)},
    "vander": {"flip the sign of -1 (in _vander)": "the powers of a sequence have two axes: 1 and -1 are the same"},
}
