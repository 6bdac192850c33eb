"""A table of a model: its layers, the shapes they take and return, their parameters, multiply-adds and bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor, no_grad, random
from nn.layers.attention import MultiheadAttention
from nn.layers.convolution import ConvNd, ConvTransposeNd
from nn.layers.normalization import LayerNorm, RMSNorm
from nn.layers.sparse import Embedding
from nn.module import Module

COLUMNS = {
    "input_size": "Input Shape",
    "output_size": "Output Shape",
    "num_params": "Param #",
    "params_percent": "Param %",
    "kernel_size": "Kernel Shape",
    "mult_adds": "Mult-Adds",
    "output_bytes": "Output Bytes",
    "param_bytes": "Param Bytes",
    "trainable": "Trainable",
}


@dataclass(eq=False)
class Layer:
    """One row: a module at its place in the model, and what its calls showed."""

    path: str
    module: Module
    depth: int
    index: int  # among the modules of this depth, from 1
    repeated: bool  # the module stands above already, and is counted there
    children: list[Layer] = field(default_factory=list)
    own: list[Any] = field(default_factory=list)  # the parameters that no row above has
    input_size: str = "--"
    output_size: str = "--"
    calls: int = 0
    own_mult_adds: int = 0
    own_output_bytes: int = 0

    def below(self) -> Iterator[Layer]:
        """Yield this row and all under it."""
        yield self
        for child in self.children:
            yield from child.below()

    @property
    def name(self) -> str:
        """What the first column says: the class, the attribute's name and the place."""
        text = type(self.module).__name__
        if self.path:
            text += f" ({self.path.rpartition('.')[2]}): {self.depth}-{self.index}"
        return text + (f" x{self.calls}" if self.calls > 1 and not self.repeated else "")


class Summary:
    """What `summary` found, printed as a table; the totals and the rows are attributes.

    `total_params`, `trainable_params`, `total_mult_adds`, and in bytes `total_input`, `total_output_bytes` (outputs of
    layers with parameters, and their gradients) and `total_param_bytes`.
    """

    def __init__(self, rows: list[Layer], total_input: int, col_names: Sequence[str], depth: float) -> None:
        self.rows, self.total_input, self.col_names, self.depth = rows, total_input, tuple(col_names), depth
        parameters = [p for row in rows for p in row.own]
        self.total_params = sum(p.size for p in parameters)
        self.trainable_params = sum(p.size for p in parameters if p.requires_grad)
        self.total_param_bytes = sum(p.data.nbytes for p in parameters)
        self.total_mult_adds = sum(row.own_mult_adds for row in rows)
        self.total_output_bytes = 2 * sum(
            row.own_output_bytes for row in rows if not row.children and any(True for _ in row.module.parameters())
        )

    def __str__(self) -> str:
        shown = [row for row in self.rows if row.depth <= self.depth]
        table = [["Layer (type (name): depth-index)", *(COLUMNS[name] for name in self.col_names)]]
        for row in shown:
            branch = "│    " * (row.depth - 1) + "├─" if row.depth else ""
            table.append([branch + row.name, *(self._cell(row, name) for name in self.col_names)])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        left = ("input_size", "output_size", "kernel_size")
        lines = []
        for first, *cells in table:
            aligned = [
                f"{cell:{'<' if name in left else '>'}{width}}"
                for cell, name, width in zip(cells, self.col_names, widths[1:], strict=True)
            ]
            lines.append("  ".join([f"{first:{widths[0]}}", *aligned]).rstrip())
        rule = "=" * (sum(widths) + 2 * len(self.col_names))
        sizes = {
            "Input size (MB)": self.total_input,
            "Forward/backward pass size (MB)": self.total_output_bytes,
            "Params size (MB)": self.total_param_bytes,
            "Estimated Total Size (MB)": self.total_input + self.total_output_bytes + self.total_param_bytes,
        }
        counts = [
            f"Total params: {self.total_params:,}",
            f"Trainable params: {self.trainable_params:,}",
            f"Non-trainable params: {self.total_params - self.trainable_params:,}",
            f"Total mult-adds: {_readable(self.total_mult_adds)}",
        ]
        megabytes = [f"{label}: {size / 1e6:.2f}" for label, size in sizes.items()]
        return "\n".join([rule, lines[0], rule, *lines[1:], rule, *counts, rule, *megabytes, rule])

    __repr__ = __str__

    def _cell(self, row: Layer, column: str) -> str:
        """Return what stands in a column: of a layer alone, or where the table is cut off of all below it as well."""
        if column in ("input_size", "output_size"):
            return str(getattr(row, column))
        if column == "kernel_size":
            size = getattr(row.module, "kernel_size", None)
            return "--" if size is None else str(size)
        rows = list(row.below()) if row.depth == self.depth else [row]
        if column == "mult_adds":
            return _number(sum(r.own_mult_adds for r in rows))
        if column == "output_bytes":
            return _number(row.own_output_bytes)
        if column == "trainable":
            flags = {p.requires_grad for p in row.module.parameters()}
            return "--" if not flags else "Partial" if len(flags) > 1 else str(flags.pop())
        if row.repeated and any(True for _ in row.module.parameters()):
            return "(recursive)"
        own = [p for r in rows for p in r.own]
        if column == "param_bytes":
            return _number(sum(p.data.nbytes for p in own))
        count = sum(p.size for p in own)
        if column == "params_percent":
            return f"{count / self.total_params:.2%}" if count else "--"
        frozen = own and not any(p.requires_grad for p in own)
        return f"({count:,})" if frozen else _number(count)


def summary(
    model: Module,
    *inputs: Any,
    input_size: Any = None,
    dtypes: Sequence[Any] | None = None,
    col_names: Sequence[str] = ("input_size", "output_size", "num_params", "mult_adds", "output_bytes"),
    depth: float = math.inf,
    **kwargs: Any,
) -> Summary:
    """Call the model once on `inputs`, in evaluation mode, and return a table of its layers; print it.

    In place of inputs, `input_size` gives their shape, or the shapes of several, and `dtypes` their dtypes, the
    parameters' unless given. `col_names` chooses among `input_size output_size num_params params_percent kernel_size
    mult_adds output_bytes param_bytes trainable`, `depth` how deep the table goes. What `kwargs` holds goes to forward.

    Multiply-adds are those of convolutions and of products with weight matrices, of the whole batch; what a forward
    computes in functions of its own is not seen. A layer that is called more than once is marked so (x2), and one that
    stands twice says (recursive) and is counted where it stands first. Modes and random state are left as they were.

    >>> from nn import Linear, Sequential, Tanh
    >>> print(summary(Sequential(Linear(3, 4), Tanh()), ad.zeros(2, 3), col_names=("output_size", "num_params")))
    =======================================================
    Layer (type (name): depth-index)  Output Shape  Param #
    =======================================================
    Sequential                        (2, 4)             --
    ├─Linear (0): 1-1                 (2, 4)             16
    ├─Tanh (1): 1-2                   (2, 4)             --
    =======================================================
    Total params: 16
    Trainable params: 16
    Non-trainable params: 0
    Total mult-adds: 24
    =======================================================
    Input size (MB): 0.00
    Forward/backward pass size (MB): 0.00
    Params size (MB): 0.00
    Estimated Total Size (MB): 0.00
    =======================================================
    """
    unknown = [name for name in col_names if name not in COLUMNS]
    if unknown:
        raise ValueError(f"summary: unknown columns {unknown}; expected some of {list(COLUMNS)}")
    if input_size is not None and inputs:
        raise ValueError("summary: give inputs or input_size, not both")
    if input_size is not None:
        inputs = tuple(_made(model, input_size, dtypes))
    rows = _call(model, inputs, kwargs)
    total_input = sum(x.data.nbytes for x in _tensors((inputs, tuple(kwargs.values()))))
    return Summary(rows, total_input, col_names, depth)


def _made(model: Module, input_size: Any, dtypes: Sequence[Any] | None) -> Iterator[Tensor]:
    """Yield zeros of the given shapes."""
    sizes = [input_size] if all(isinstance(n, (int, np.integer)) for n in input_size) else list(input_size)
    own = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
    kinds = [own] * len(sizes) if dtypes is None else list(dtypes)
    if len(kinds) != len(sizes):
        raise ValueError(f"summary: {len(sizes)} input sizes, but {len(kinds)} dtypes")
    for size, dtype in zip(sizes, kinds, strict=True):
        yield ad.zeros(*size, dtype=dtype)


def _listed(model: Module) -> list[Layer]:
    """Return a row for every module at every place where it stands, parents first."""
    rows: list[Layer] = []
    counts: dict[int, int] = {}
    at: dict[str, Layer] = {}
    seen: set[int] = set()
    for path, module in model.named_modules(remove_duplicate=False):
        depth = path.count(".") + 1 if path else 0
        counts[depth] = counts.get(depth, 0) + 1
        row = at[path] = Layer(path, module, depth, counts[depth], id(module) in seen)
        seen.add(id(module))
        for parameter in module.parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                row.own.append(parameter)
        if path:
            at[path.rpartition(".")[0]].children.append(row)
        rows.append(row)
    return rows


def _call(model: Module, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Layer]:
    """Call the model and return the rows, with what each module's hooks saw."""
    modules = list(model.modules())
    training = [module.training for module in modules]
    hooks = [vars(module).get("_hooks") for module in modules]
    generator = random.default_generator()
    state = generator.get_state()
    calls: dict[int, list[tuple[Any, Any]]] = {id(module): [] for module in modules}

    def noted(module: Module, args: Any, given: Any, output: Any) -> None:
        calls[id(module)].append((args + tuple(given.values()), output))
        seen[id(module)] = _mult_adds(module, args, given, output) + seen.get(id(module), 0)

    seen: dict[int, int] = {}
    handles = [module.register_forward_hook(noted, with_kwargs=True) for module in modules]
    try:
        with no_grad():
            model.eval()(*inputs, **kwargs)
    finally:
        generator.set_state(state)
        for module, handle, mode, hook in zip(modules, handles, training, hooks, strict=True):
            handle.remove()
            module.training = mode
            if hook is None:
                vars(module).pop("_hooks", None)
    rows = _listed(model)  # now, when lazy modules have their parameters
    for row in rows:
        made = calls[id(row.module)]
        if made:
            row.input_size, row.output_size = _shapes(made[0][0]), _shapes(made[0][1])
        if not row.repeated:
            row.calls, row.own_mult_adds = len(made), seen.get(id(row.module), 0)
            row.own_output_bytes = sum(t.data.nbytes for _, output in made for t in _tensors(output))
    return rows


def _mult_adds(module: Module, args: tuple[Any, ...], given: dict[str, Any], output: Any) -> int:
    """Return the multiply-adds of one call in the module's own weights, of those below it none."""
    from autodiff.graph.facts import MULTIPLY_ADDS

    first = next(_tensors(output), None)
    if first is None or not first.size or isinstance(module, (Embedding, LayerNorm, RMSNorm)):
        return 0  # nothing, or looked up, or multiplied elementwise
    product = MULTIPLY_ADDS["linear"]
    if isinstance(module, MultiheadAttention):  # projections in and out; scores and weighted values
        query, key, value = (*args, *(given[name] for name in ("query", "key", "value") if name in given))[:3]
        length = key.shape[0] if key.ndim == 2 or not module.batch_first else key.shape[1]
        width = module.embed_dim
        projections = [(query, (width, width)), (key, (width, width)), (value, (width, width)), (query, (width, width))]
        pairs = MULTIPLY_ADDS["attention"](query.shape, (length, width), (length, width))
        return sum(product(x.shape, weight) for x, weight in projections) + pairs
    weights = [p for p in module.parameters(recurse=False) if p.ndim > 1]
    if isinstance(module, ConvTransposeNd):
        image = next(_tensors((args, given)))
        return sum(MULTIPLY_ADDS["conv_transpose"](image.shape, p.shape) for p in weights)
    if isinstance(module, ConvNd):
        return sum(MULTIPLY_ADDS["conv"](first.shape, p.shape) for p in weights)
    return sum(product((*first.shape[:-1], p.shape[-1]), p.shape) for p in weights)


def _tensors(values: Any) -> Iterator[Any]:
    """Yield the tensors in nested tuples, lists and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (tuple, list, dict)):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _tensors(value)


def _shapes(values: Any) -> str:
    shapes = [str(t.shape) for t in _tensors(values)]
    return ", ".join(shapes) if shapes else "--"


def _number(count: int) -> str:
    return f"{count:,}" if count else "--"


def _readable(count: int) -> str:
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if count >= unit:
            return f"{count / unit:.2f} {name}"
    return f"{count:,}"
