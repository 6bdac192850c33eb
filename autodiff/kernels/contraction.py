"""What einsum needs around it: its subscripts written out, and the contractions that are its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np


def einsum_operands(args: Any, refused: Any) -> Any:
    """Write out the ellipsis and the implied output of the subscripts."""
    if refused:
        raise TypeError(f"einsum of a Tensor does not support {', '.join(refused)}=.")
    if not isinstance(args[0], str):
        raise TypeError(
            'einsum of a Tensor takes its subscripts as a string first, as in np.einsum("ij,jk->ik", a, b).'
        )
    text, *operands = args
    inputs, arrow, output = text.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {text!r} names {len(terms)} operands; {len(operands)} were given.")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in text]
    ranks = [np.ndim(x) - len(t.replace("...", "")) if "..." in t else 0 for t, x in zip(terms, operands, strict=True)]
    dots = "".join(spare[: max(ranks, default=0)])
    terms = [t.replace("...", dots[len(dots) - rank :] if rank else "") for t, rank in zip(terms, ranks, strict=True)]
    if not arrow:
        letters = "".join(terms)
        output = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return tuple(operands), {"subscripts": f"{','.join(terms)}->{output.replace('...', dots)}"}


def contract(subscripts: str, xs: tuple[Any, ...]) -> Any:
    """Return einsum, through BLAS where the operands are large enough to pay for finding the way there (20-50 us)."""
    return np.einsum(subscripts, *xs, optimize=len(xs) > 1 and sum(x.size for x in xs) > 4096)


def einsum_gradients(g: Any, xs: tuple[Any, ...], needs: list[bool], subscripts: str) -> list[Any]:
    """Return the gradient of each operand that needs one."""
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    return [_gradient(g, xs, terms, output, i) if need else None for i, need in enumerate(needs)]


def _gradient(g: Any, xs: tuple[Any, ...], terms: list[str], output: str, i: int) -> Any:
    """Contract the gradient with the other operands; spread it over indices that only this operand has."""
    x, own = xs[i], terms[i]
    letters = list(dict.fromkeys(own))
    others = [t for j, t in enumerate(terms) if j != i]
    known = set(output).union(*others)
    reached = "".join(c for c in letters if c in known)
    operands = [g] + [v for j, v in enumerate(xs) if j != i]
    h = np.einsum(f"{','.join([output, *others])}->{reached}", *operands)
    sizes = dict(zip(own, x.shape, strict=True))
    h = np.reshape(h, tuple(h.shape[reached.index(c)] if c in known else 1 for c in letters))
    h = np.broadcast_to(h, tuple(n if sizes[c] == 1 else sizes[c] for n, c in zip(h.shape, letters, strict=True)))
    for place, c in enumerate(own):  # a repeated index reads a diagonal: put the gradient back on it
        if own.index(c) != place:
            n = sizes[c]
            eye = np.equal(np.arange(n)[:, None], np.arange(n)).astype(g.dtype)
            axis = own.index(c)
            shape = [1] * (h.ndim + 1)
            shape[axis], shape[place] = n, n
            h = np.multiply(np.expand_dims(h, place), np.reshape(eye, shape))
    return h
