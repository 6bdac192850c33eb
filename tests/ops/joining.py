"""Joins, splits, insertion, deletion and padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.rules.padding import pad_constant
from autodiff.testing.strategies.joining import MASKS
from tests.ops.row import op, t

JOINS = [
    op(np.concatenate, lambda a, b: np.concatenate([a, b]), "nm, km", torch=lambda torch: lambda *xs: torch.cat(xs)),
    op(np.concatenate, lambda a, b, c: np.concatenate((a, b, c), axis=-1), "km, kn, kp", label="axis=-1"),
    op(np.concatenate, lambda a, b: np.concatenate((a, b), axis=None), "km, n", label="axis=None"),
    op(np.concatenate, lambda a: np.concatenate([a, a], 1), "km", label="same twice"),
    op(np.concatenate, lambda a: np.concatenate([np.ones((1, 2)), a]), "n2", label="with an array"),
    op(np.stack, lambda a, b: np.stack([a, b]), "nm, nm", torch=lambda torch: lambda *xs: torch.stack(xs)),
    op(np.stack, lambda a, b: np.stack([a, b], axis=-1), "nm, nm", label="axis=-1"),
    op(np.split, lambda x: np.split(x, 3), "3n"),
    op(
        np.split,
        lambda x: np.split(x, [1, 2], axis=1),
        "n3",
        label="indices",
        torch=lambda torch: lambda x: torch.split(x, 1, 1),
    ),
    op(np.split, lambda x: np.split(x, 3)[1], "3n", label="one of three"),
    op(np.array_split, lambda x: np.array_split(x, 2), "3n"),
    op(np.unstack, lambda x: np.unstack(x, axis=1), "n3", torch=t("unbind", 1)),
    op(np.hstack, lambda a, b: np.hstack([a, b]), "nm, nk", torch=lambda torch: lambda *xs: torch.hstack(xs)),
    op(np.hstack, lambda a, b: np.hstack([a, b]), "n, m", label="vectors"),
    op(np.vstack, lambda a, b: np.vstack([a, b]), "m, nm", torch=lambda torch: lambda *xs: torch.vstack(xs)),
    op(np.dstack, lambda a, b: np.dstack([a, b]), "nm, nm", torch=lambda torch: lambda *xs: torch.dstack(xs)),
    op(
        np.column_stack,
        lambda a, b: np.column_stack([a, b]),
        "n, nm",
        torch=lambda torch: lambda *xs: torch.column_stack(xs),
    ),
    op(np.hsplit, lambda x: np.hsplit(x, 3), "n3"),
    op(np.vsplit, lambda x: np.vsplit(x, 3), "3n"),
    op(
        np.concatenate,
        lambda a, b: np.concatenate([a, b], dtype=np.float64, casting="unsafe"),
        "n, m",
        label="dtype, casting",
        small="",
    ),
    op(
        np.stack,
        lambda a, b: np.stack([a, b], 1, dtype=np.float64, casting="no"),
        "n, n",
        label="dtype, casting",
        small="",
    ),
    op(
        np.hstack,
        lambda a, b: np.hstack([a, b], dtype=np.float64, casting="safe"),
        "n, m",
        label="dtype, casting",
        small="",
    ),
    op(
        np.vstack,
        lambda a, b: np.vstack([a, b], dtype=np.float64, casting="safe"),
        "n, n",
        label="dtype, casting",
        small="",
    ),
    op(np.append, np.append, "nm, k", label="flat"),
    op(
        np.append,
        lambda a, b: np.append(a, b, axis=1),
        "nm, nk",
        label="axis",
        torch=lambda torch: lambda a, b: torch.cat((a, b), 1),
    ),
    op(np.append, lambda a: np.append(a, [1.0, 2.0]), "n", label="with a list"),
    op(
        np.block,
        lambda a, b: np.block([[a, b], [b, a]]),
        "nm, nm",
        torch=lambda torch: lambda a, b: torch.cat((torch.cat((a, b), 1), torch.cat((b, a), 1)), 0),
    ),
    op(np.block, lambda a, b: np.block([a, 2.0, b]), "n, m", label="row, with a number"),
    op(np.block, lambda a, b: np.block([[a], [b]]), "1nm, pm", label="of different ranks"),
    op(np.block, lambda a: np.block(a), "nm", label="of one"),
    op(np.dsplit, lambda x: np.dsplit(x, 3), "nm3", torch=t("dsplit", 3)),
    op(np.dsplit, lambda x: np.dsplit(x, [1])[1], "nm3", label="indices", torch=lambda torch: lambda x: x[:, :, 1:]),
    op(np.array_split, lambda x: np.array_split(x, [1, 1], axis=-1), "n3", label="indices"),
]


def insert(obj: Any, axis: int | None = None, **facts: Any) -> Any:
    """Return the row of inserting at given places."""
    shapes = facts.pop("shapes", "n3, n2" if axis == 1 else "n3, 2")
    return op(np.insert, lambda a, v: np.insert(a, obj, v, axis), shapes, **facts)


MIDDLE = np.array([False, True, False])

INSERTIONS = [
    insert(1, label="flat", shapes="2M, n"),
    insert(
        1, 0, label="integer", shapes="2n, n", torch=lambda torch: lambda a, v: torch.cat((a[:1], v[None], a[1:]), 0)
    ),
    insert(-1, 1, label="integer, several", shapes="n3, 2n"),
    insert([2, 0], 1, label="list"),
    insert([1], 1, label="list of one"),
    insert(np.array([1, 1]), 1, label="repeated"),
    insert(slice(1, 3), -1, label="slice"),
    *[insert(MIDDLE, 1, label="mask") for _ in range(MASKS)],
    insert([], 1, label="nowhere", shapes="n3, "),
    insert([0, 2], None, label="one value", shapes="N3, "),
    op(np.insert, lambda v: np.insert(np.ones((2, 3)), 1, v, axis=1), "2", label="into an array", small=""),
    op(np.insert, lambda a: np.insert(a, 1, 5, axis=1), "n3", label="a number"),
    op(np.delete, lambda x: np.delete(x, 1, axis=0), "3n", torch=lambda torch: lambda x: torch.cat((x[:1], x[2:]), 0)),
    op(np.delete, lambda x: np.delete(x, -2), "N3", label="flat"),
    op(np.delete, lambda x: np.delete(x, slice(None, None, 2), axis=1), "n3", label="slice"),
    op(np.delete, lambda x: np.delete(x, [0, -1, 0], axis=-1), "n3", label="list"),
    op(np.delete, lambda x: np.delete(x, MIDDLE, axis=1), "n3", label="mask"),
    op(np.delete, lambda x: np.delete(x, np.array([], int), axis=1), "n3", label="nothing"),
]


def written(line: Any, pair: Any, axis: int, keywords: Any) -> None:
    """Write squares of the ends around a line."""
    end = line.shape[0] - pair[1]
    line[: pair[0]] = line[pair[0]] ** 2 + keywords.get("plus", 0)
    line[end:] = line[end - 1] ** 2


def around(torch_mode: str) -> Any:
    """Return torch's padding of two columns by (1, 2), under another name."""
    return lambda torch: lambda x: torch.nn.functional.pad(x, (1, 2), torch_mode)


WIDE = ((1, 2), (0, 2))
PADS = [
    op(pad_constant, lambda x: pad_constant(x, 0.5, widths=((1, 0), (0, 2))), "nm",
       torch=t("nn.functional.pad", (0, 2, 1, 0), "constant", 0.5)),
    op(pad_constant, lambda x, v: pad_constant(x, v, widths=((1, 2), (3, 2))), "nm, 22", label="of tensors"),
    op(pad_constant, lambda x, v: pad_constant(x, v, widths=()), ", ", label="of a number"),
    op(np.pad, lambda x: np.pad(x, 1), "nm", torch=t("nn.functional.pad", (1, 1, 1, 1))),
    op(np.pad, lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0), "nm", label="value",
       torch=t("nn.functional.pad", (2, 0, 0, 1), "constant", 3.0)),
    op(np.pad, lambda x: np.pad(x, (1, 2), constant_values=(3.0, 4)), "nm", label="pair of values"),
    op(np.pad, lambda x, v: np.pad(x, WIDE, constant_values=v), "nm, ", label="tensor value"),
    op(np.pad, lambda x, v, w: np.pad(x, WIDE, constant_values=((v, w), (0, w))), "nm, , ", label="pairs of tensors"),
    op(np.pad, lambda x, v: np.pad(x, 1, constant_values=v), "nm, 21", label="a value for each axis"),
    op(np.pad, lambda x: np.pad(x, {-1: (1, 2), 0: 1}), "nm", label="dictionary",
       reference=lambda x: np.pad(x, ((1, 1), (1, 2)))),
    op(np.pad, lambda x: np.pad(x, [[1], [2]]), "nm", label="a width for each axis"),
    op(np.pad, lambda x: np.pad(x, [2]), "nm", label="a list of one"),
    op(np.pad, lambda x: np.pad(x, 1, "linear_ramp"), "NM", label="linear_ramp"),
    op(np.pad, lambda x, v: np.pad(x, WIDE, "linear_ramp", end_values=v), "NM, 22", label="linear_ramp, end_values"),
    op(np.pad, lambda x, v: np.pad(x, (3, 2), "linear_ramp", end_values=(v, 2)), "N, ", label="linear_ramp, pair"),
    op(np.pad, lambda x: np.pad(x, WIDE, written, plus=1.0), "NM", label="function"),
    op(np.pad, lambda x: np.pad(x, ((0, 0), (1, 2)), "edge"), "33", label="edge as torch's", torch=around("replicate")),
    op(np.pad, lambda x: np.pad(x, ((0, 0), (1, 2)), "reflect"), "33", label="reflect as torch's",
       torch=around("reflect")),
    op(np.pad, lambda x: np.pad(x, ((0, 0), (1, 2)), "wrap"), "33", label="wrap as torch's", torch=around("circular")),
    op(np.pad, lambda x: np.pad(x, ((0, 0), (1, 2)), "maximum"), "33", label="maximum as torch's",
       torch=lambda torch: lambda x: torch.cat([x.amax(1, True), x, *[x.amax(1, True)] * 2], 1)),
] + [
    op(np.pad, lambda x, mode=mode: np.pad(x, WIDE, mode=mode), "NM", label=mode)
    for mode in ("edge", "reflect", "symmetric", "wrap", "maximum", "mean", "median", "minimum")
] + [
    op(np.pad, lambda x, mode=mode: np.pad(x, (9, 7), mode, reflect_type="odd"), "3", label=f"{mode}, odd and far")
    for mode in ("reflect", "symmetric")
] + [
    op(np.pad, lambda x, mode=mode: np.pad(x, (7, 9), mode), "N", label=f"{mode}, far")
    for mode in ("reflect", "symmetric", "wrap")
] + [
    op(np.pad, lambda x, mode=mode: np.pad(x, WIDE, mode, stat_length=((2, 1), (1, 3))), "33",
       label=f"{mode}, stat_length")
    for mode in ("maximum", "mean", "median", "minimum")
] + [
    op(np.pad, lambda x, mode=mode: np.pad(x, ((0, 0), (1, 2)), mode), "33", "complex", label=f"{mode}, complex",
       torch=around(torchs))
    for mode, torchs in {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}.items()
] + [
    op(np.pad, lambda x: np.pad(x, WIDE, "mean"), "33", "complex", label="mean, complex"),
    op(np.pad, lambda x, v: np.pad(x, WIDE, "linear_ramp", end_values=v), "33, 2", "complex",
       label="linear_ramp, complex"),
    op(np.pad, lambda x, v: np.pad(x, WIDE, constant_values=v), "33, 2", "complex", "real",
       label="real values around complex ones"),
    op(np.pad, lambda x: np.pad(x, (3, 2), "symmetric", reflect_type="odd"), "3", "complex",
       label="symmetric, odd, complex"),
]  # fmt: skip

COMPLEX = [
    op(
        np.concatenate,
        lambda a, b: np.concatenate([a, b]),
        "2, 3",
        "complex",
        label="complex",
        torch=lambda torch: lambda *xs: torch.cat(xs),
    ),
    op(
        np.stack,
        lambda a, b: np.stack([a, b], 1),
        "2, 2",
        "complex",
        "real",
        label="complex with real",
        torch=lambda torch: lambda a, b: torch.stack([a, b + 0j], 1),
    ),
    op(np.block, lambda a, b: np.block([[a], [b]]), "22, 2", "complex", "real", label="complex with real"),
    op(np.append, np.append, "3, 2", "real", "complex", label="real with complex"),
    op(np.split, lambda x: np.split(x, 3), "3n", "complex", label="complex", torch=t("tensor_split", 3)),
    op(np.insert, lambda a, v: np.insert(a, [0, 2], v), "4, 2", "complex", "real", label="real into complex"),
    op(np.delete, lambda x: np.delete(x, [1, 2]), "4", "complex", label="complex"),
]

JOINING = JOINS + INSERTIONS + PADS + COMPLEX
