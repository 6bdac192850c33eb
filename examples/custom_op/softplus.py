"""An operation of one's own, two ways: `python -m examples.custom_op.softplus`."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad


# One line of NumPy is the rule: g is the gradient of the output, x the operand. Every order of derivative follows.
@ad.primitive(lambda g, x: g * ad.sigmoid(x))
def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)) without overflow."""
    return np.logaddexp(0, x)


# Or as in PyTorch: a class with forward and backward, and a context that keeps what is needed in between.
class Softplus(ad.Function):
    """log(1 + exp(x)) without overflow."""

    @staticmethod
    def forward(ctx: Any, x: ad.Tensor) -> ad.Tensor:
        """Compute the value and keep the operand."""
        ctx.save_for_backward(x)
        return np.logaddexp(0, x)

    @staticmethod
    def backward(ctx: Any, g: ad.Tensor) -> ad.Tensor:
        """Return the gradient of the operand."""
        (x,) = ctx.saved_tensors
        return g * ad.sigmoid(x)


def main() -> None:
    """Differentiate both twice."""
    x = ad.tensor([-1.0, 0.0, 100.0], requires_grad=True)
    for name, function in (("primitive", softplus), ("Function", Softplus.apply)):
        y = function(x)
        (slope,) = ad.grad(y.sum(), [x], create_graph=True)
        (curvature,) = ad.grad(slope.sum(), [x])
        value, slope, curvature = (np.round(t.detach().numpy(), 3) for t in (y, slope, curvature))
        print(f"as a {name:9}  value {value}  slope {slope}  curvature {curvature}")


if __name__ == "__main__":
    main()
