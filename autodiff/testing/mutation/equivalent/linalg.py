"""Equivalent mutants of linear algebra."""

from __future__ import annotations

CHECK = "it returns what it is given, or raises: tests/test_linalg.py holds that it raises"
APART = "nothing is broadcast: the operands are matrices of one shape"
SYMMETRIC = "of a symmetric matrix only the symmetric part of the gradient counts, and that stays the same"
BELOW = "what is used is strictly below the diagonal; strictly upper times upper, and upper, are not"
UNTURNED = "skip unturned in unturned(g, np.matmul(_adjoint(outer), g[...,... (in _completed)"

EQUIVALENT: dict[str, dict[str, str]] = {
    "cholesky": {"skip _adjoint in _adjoint(half) (in _halved)": SYMMETRIC},
    "eig": {
        "skip determined in determined(x, values, g[0], x, name='eig', un... (in _eig)": CHECK,
        "skip regular in regular(vectors, name='eig') (in _eig)": CHECK,
        "skip real in np.real(np.sum(vectors * g[1], axis=-2)) (in _eig)": "no phase changes what has a gradient here",
    },
    "eigh": {"skip determined in determined(x, values, g[0], x, name='eigh') (in _eigh)": CHECK},
    "lstsq": {
        "operand 1: skip the index [(:, None)] (in _columns)": "a vector's products are those of its one column",
        "operand 0: skip full_rank in full_rank(a, y[2]) (in _lstsq_matrix)": CHECK,
        "operand 1: skip full_rank in full_rank(a, y[2]) (in _lstsq_right)": CHECK,
        "operand 0: skip whole in whole(x, y) (in _pinv)": CHECK,
    },
    "cond": {f"operand {i}: skip nonzero in nonzero(b)": CHECK for i in (0, 1)},
    "pinv": {"skip whole in whole(x, y) (in _pinv)": CHECK},
    "full_rank": {"skip un-broadcasting": APART},
    "svd": {
        UNTURNED: CHECK,
        "skip determined in determined(both, s, g[1], like, name='svd') (in _svd_rule)": CHECK,
        "skip the transpose .mT of g_v (in _svd_rule)": "it is asked for the size of its largest element alone",
    },
    "signm": {"swap the operands of np.matmul(y, x)": "a function of x, such as its sign, commutes with x"},
    "lu_factor": {
        "skip tril in np.tril(g[..., :k, :k], -1) (in _lu_rule)": BELOW,
        "flip the sign of -1 (in _lu_rule)": BELOW,
        "skip triu in np.triu(g[..., :k, :k]) (in _lu_rule)": "strictly lower times lower is that again, and left out",
        "skip broadcast_to in np.broadcast_to(order[..., None], x.shape) (in permuted)": "it is broadcast anyhow",
    },
    "qr": {UNTURNED: CHECK, "skip regular in regular(r, name='qr') (in _qr_tall)": CHECK},
} | {
    name: {f"operand {i}: skip un-broadcasting": APART for i in operands}
    for name, operands in {
        "minors": (0, 1),
        "determined": (0,),
        "whole": (0,),
        "quotient": (0, 1),
        "unturned": (0,),
    }.items()
}
