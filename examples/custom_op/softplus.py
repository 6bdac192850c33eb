"""An operation of one's own, two ways: `python -m examples.custom_op.softplus`."""

from __future__ import annotations

import numpy as np

import autodiff as ad


# A rule is one line of NumPy: g is the gradient of the output, x the operand. Written so, any order of derivative works.
@ad.primitive(lambda g, x: g * (0.5 + 0.5 * np.tanh(0.5 * x)))
def softplus(x: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(x)) without overflow."""
    return np.logaddexp(0, x)


# The same as in PyTorch: a class with forward and backward, and a context to keep things in between.
class Softplus(ad.Function):
    """log(1 + exp(x)) without overflow."""

    @staticmethod
    def forward(ctx, x):  # noqa: ANN001, ANN205
        """Compute the value and keep the operand."""
        ctx.save_for_backward(x)
        return np.logaddexp(0, x)

    @staticmethod
    def backward(ctx, g):  # noqa: ANN001, ANN205
        """Return the gradient of x."""
        (x,) = ctx.saved_tensors
        return g * ad.sigmoid(x)


def main() -> None:
    """Differentiate both twice and compare them with the closed form."""
    x = ad.tensor([-1.0, 0.0, 100.0], requires_grad=True)
    for name, function in (("primitive", softplus), ("Function", Softplus.apply)):
        y = function(x)
        (first,) = ad.grad(y.sum(), [x], create_graph=True)
        (second,) = ad.grad(first.sum(), [x])
        print(f"{name:10} value {y.tolist()}  slope {first.tolist()}  curvature {second.tolist()}")


if __name__ == "__main__":
    main()
