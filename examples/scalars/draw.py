"""A neuron in numbers: every value and every gradient in one picture, `python -m examples.scalars.draw`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import autodiff as ad


def scalar(value: float, name: str) -> ad.Tensor:
    """Return a named number that wants its gradient."""
    x = ad.tensor(value, requires_grad=True)
    x.name = name
    return x


def main() -> None:
    """Compute a neuron's output, send a gradient back, draw both."""
    x1, x2 = scalar(2.0, "x1"), scalar(0.0, "x2")
    w1, w2, b = scalar(-3.0, "w1"), scalar(1.0, "w2"), scalar(6.8814, "b")
    y = np.tanh(x1 * w1 + x2 * w2 + b)
    y.name = "y"
    y.backward()
    for x in (x1, x2, w1, w2, b):
        print(f"dy/d{x.name} = {x.grad.item():+.3f}")
    path = Path("out/neuron.svg")
    path.parent.mkdir(exist_ok=True)
    ad.draw(y).svg(path)
    print(f"The graph is in {path}.")


if __name__ == "__main__":
    main()
