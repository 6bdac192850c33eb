"""Equivalent mutants of arithmetic, selection, reductions and matrix products."""

from __future__ import annotations

SPREAD = "skip broadcast_to in np.broadcast_to(g, like.shape) (in spread)"
BROADCAST_LATER = "what it is combined with has the full shape, so that it is broadcast there"
ONES = "drop the factor np.ones_like(x) (in _kept)"
CAST = "the truth it makes a number of is cast to one in any case"
NO_STACK = "unreachable: a is a matrix here, or the gradient it is multiplied by is a stack as well"
ONE_BY_ONE = "then the stack's matrices are multiplied one by one"
POSITIVE = "the sign is 1 here, and stands for the -1 of fmin"

# by operation, then by the mutant's name
EQUIVALENT: dict[str, dict[str, str]] = {
    "linear": {
        "operand 0: skip un-broadcasting": "the gradient by x has the shape of x; the bias alone is broadcast",
        "operand 1: skip un-broadcasting": "the gradient by the weight has the shape of the weight",
        "operand 0: skip reshape in np.reshape(a, (rows, a.shape[-1])) (in multiplied)": ONE_BY_ONE,
    },
    "put": {"operand 0: skip un-broadcasting": "the result has the shape of x; the values alone are broadcast"},
    "matmul": {
        "operand 0: skip reshape in np.reshape(a, (rows, a.shape[-1])) (in multiplied)": ONE_BY_ONE,
        **{
            f"operand 1: skip {call} (in multiplied)": NO_STACK
            for call in (
                "prod in math.prod(a.shape[:-1])",
                "reshape in np.reshape(_product(np.reshape(a, (rows, a.sh...",
                "_product in _product(np.reshape(a, (rows, a.shape[-1])), b)",
                "reshape in np.reshape(a, (rows, a.shape[-1]))",
            )
        },
        "operand 1: flip the sign of -1 (in _matmul_second)": "a vector has one axis more then: 1 and -1 are the same",
    },
    "std": {
        SPREAD: BROADCAST_LATER,
        "flip the sign of np.broadcast_to(g, like.shape) (in spread)": "numerator and divisor: the signs cancel",
        "scale np.broadcast_to(g, like.shape) by 1.001 (in spread)": "numerator and divisor: the factors cancel",
    },
    "entr": {
        ONES: CAST,
        "drop the condition np.greater(y, 0) (in _kept)": "x and y are the same here: what is above 0 is not 0",
        "drop the condition np.not_equal(x, 0) (in _kept)": "differs below 0 alone, where entr is -inf",
    },
    "fmax": {
        f"operand {i}: drop the factor sign (in _known){again}": POSITIVE for i in (0, 1) for again in ("", " (2)")
    },
    "xlogy": {f"operand 0: {ONES}": CAST},
    "xlog1py": {f"operand 0: {ONES}": CAST},
} | {name: {SPREAD: BROADCAST_LATER} for name in ("var", "max", "min", "prod", "logsumexp")}
