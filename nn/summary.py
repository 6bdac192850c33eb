"""A table of a model: its layers, the shapes they return and how many parameters they own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff import Tensor, no_grad, random
from nn.module import Module


def summary(model: Module, *inputs: Any) -> str:
    """Return a table of layers, output shapes and parameters for one call on `inputs`; the model is left untouched.

    >>> import autodiff as ad
    >>> from nn import Linear, Sequential, Tanh
    >>> print(summary(Sequential(Linear(3, 4), Tanh()), ad.zeros(2, 3)))
    Layer        Output shape  Parameters
    -------------------------------------
    Sequential   (2, 4)
      0: Linear  (2, 4)                16
      1: Tanh    (2, 4)
    -------------------------------------
    Total                              16
    """
    shapes = _output_shapes(model, inputs)
    seen: set[int] = set()
    rows = [("Layer", "Output shape", "Parameters")]
    for path, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen.update(map(id, own))
        depth, name = (path.count(".") + 1, path.rpartition(".")[2] + ": ") if path else (0, "")
        count = sum(p.size for p in own)
        rows.append(
            (f"{'  ' * depth}{name}{type(module).__name__}", shapes.get(module, "-"), f"{count:,}" if own else "")
        )
    rows.append(("Total", "", f"{sum(p.size for p in model.parameters()):,}"))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
    rule = "-" * (sum(widths) + 4)
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _output_shapes(model: Module, inputs: tuple[Any, ...]) -> dict[Module, str]:
    """Call the model in evaluation mode and note what shape every module returned last."""
    shapes: dict[Module, str] = {}
    before = {module: dict(vars(module)) for module in model.modules()}
    generator = random.default_generator()
    state = generator.rng.bit_generator.state

    def noting(module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            output = forward(*args, **kwargs)
            shapes[module] = str(output.shape) if isinstance(output, Tensor) else type(output).__name__
            return output

        return noted

    try:
        for module in before:
            module.training = False
            vars(module)["forward"] = noting(module, module.forward)
        with no_grad():
            model(*inputs)
    finally:
        generator.rng.bit_generator.state = state
        for module, attributes in before.items():
            vars(module).clear()
            vars(module).update(attributes)
    return shapes
