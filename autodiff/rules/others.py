"""Everything callable that has no rule: what answers with plain values, and what is no function of arrays at all.

With this file every public callable of numpy, numpy.linalg, numpy.fft, every ufunc of scipy.special and every function
of scipy.linalg has a status: an entry in the registry, a line in `refused` (see `unsupported`), or a category below.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.primitive import alias, constant, plain, registry
from autodiff.rules import joining, ordering, scans  # noqa: F401 (entries that have other names too)

plain(np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string)
constant(np.packbits, "a; axis=None, bitorder='big'")
constant(np.unpackbits, "a; axis=None, count=None, bitorder='big'")

_OLD: dict[str, Any] = {"row_stack": np.vstack, "trapz": np.trapezoid, "in1d": np.isin}  # names that NumPy gives up
for _old, _new in _OLD.items():
    if _old in vars(np) and vars(np)[_old] not in registry:
        alias(vars(np)[_old], _new)

# what to call where a gradient is wanted after all
SMOOTH: dict[Any, str] = {
    **dict.fromkeys((np.argmax, np.argmin), "ad.softmax for weights in place of an index"),
    **dict.fromkeys(
        (np.greater, np.greater_equal, np.less, np.less_equal),
        "ad.sigmoid((a - b) / width), or np.where to choose",
    ),
    **dict.fromkeys(
        (np.floor, np.ceil, np.trunc, np.rint, np.round), "x + (np.round(x) - x).detach(), whose gradient is that of x"
    ),
    np.argsort: "np.sort, whose gradient goes back to where the values came from",
    np.count_nonzero: "np.sum(ad.sigmoid(x / width))",
    np.searchsorted: "np.interp",
}


class Category(NamedTuple):
    """Functions that no Tensor is meant for: why, what to call instead, and their names in a module."""

    title: str
    reason: str
    instead: str
    module: str
    names: str


NO_RULE = "none is written yet"
BY_A_DATA_TYPE = Category("data type", "it names a type of numbers", "t.astype(dtype)", "numpy", "")

CATEGORIES = (
    Category(
        "array creation",
        "it makes arrays from shapes, numbers or data",
        "ad.tensor, ad.zeros, ad.ones, ad.full, ad.arange, ad.eye or the np.*_like functions",
        "numpy",
        "arange array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bmat empty eye "
        "from_dlpack frombuffer fromfunction fromiter fromstring full identity ones require tri zeros",
    ),
    Category(
        "window",
        "it makes an array from a length and numbers",
        "np.i0, np.cos and np.linspace, of which windows are written",
        "numpy",
        "bartlett blackman hamming hanning kaiser",
    ),
    Category(
        "index",
        "it makes integer indices from shapes",
        "the indices it makes, as in t[np.tril_indices(n)]",
        "numpy",
        "broadcast_shapes diag_indices indices mask_indices ndindex tril_indices triu_indices",
    ),
    Category(
        "iteration",
        "it goes through the values of arrays one by one",
        "whole-array functions, or Python's own iteration over a Tensor",
        "numpy",
        "broadcast flatiter iterable ndenumerate nditer nested_iters",
    ),
    Category(
        "wrapper of Python functions",
        "it calls a Python function with one number at a time",
        "whole-array functions, np.apply_along_axis, or ad.primitive to register a rule",
        "numpy",
        "frompyfunc ufunc vectorize",
    ),
    Category(
        "array class",
        "it is a class of arrays",
        "ad.tensor or ad.as_tensor",
        "numpy",
        "chararray matrix memmap ndarray poly1d recarray record",
    ),
    Category(
        "data type",
        "it describes types, not values",
        "t.dtype as its argument",
        "numpy",
        "dtype finfo format_parser iinfo isdtype issubdtype mintypecode promote_types typename",
    ),
    Category("question", "it answers about objects, not values", "", "numpy", "isfortran isscalar"),
    Category(
        "text",
        "it writes one number as text",
        "t.item() as its argument",
        "numpy",
        "base_repr binary_repr format_float_positional format_float_scientific",
    ),
    Category(
        "setting",
        "it reads or sets how NumPy works",
        "",
        "numpy",
        "errstate get_printoptions getbufsize geterr geterrcall printoptions set_printoptions setbufsize seterr "
        "seterrcall",
    ),
    Category("input and output", "it reads files", "ad.load", "numpy", "fromfile fromregex genfromtxt load loadtxt"),
    Category("date", "it is about calendars", "", "numpy", "busdaycalendar datetime_data"),
    Category("about NumPy", "it is about NumPy itself", "", "numpy", "get_include info show_config show_runtime test"),
    Category("about NumPy", "it is about NumPy itself", "", "numpy.linalg", "LinAlgError test"),
    Category("about NumPy", "it is about NumPy itself", "", "numpy.fft", "test"),
    Category(
        "frequencies",
        "it makes the array of frequencies from a length and a spacing",
        "t / spacing, with the frequencies of spacing 1",
        "numpy.fft",
        "fftfreq rfftfreq",
    ),
    # --- SciPy ---
    Category("about SciPy", "it is about SciPy itself", "", "scipy.linalg", "LinAlgError LinAlgWarning test"),
    Category(
        "Bessel and related functions",
        NO_RULE,
        "np.i0, scipy.special.i0e, i1 or i1e where one of them is meant",
        "scipy.special",
        "airye bei beip ber berp besselpoly it2i0k0 it2j0y0 it2struve0 itairy itmodstruve0 itstruve0 kei keip kelvin "
        "ker kerp modstruve struve wright_bessel log_wright_bessel",
    ),
    Category(
        "distribution function",
        NO_RULE,
        "scipy.special.ndtr, log_ndtr, gammainc or expit where one of them is meant",
        "scipy.special",
        "bdtr bdtrc bdtri bdtrik bdtrin btdtria btdtrib chdtriv chndtr chndtridf chndtrinc chndtrix fdtridfd gdtria "
        "gdtrib gdtrix kolmogi kolmogorov nbdtr nbdtrc nbdtri nbdtrik nbdtrin ncfdtr ncfdtri ncfdtridfd ncfdtridfn "
        "ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit nrdtrimn nrdtrisd pdtri pdtrik smirnov smirnovi stdtridf "
        "tklmbda",
    ),
    Category(
        "elliptic function",
        NO_RULE,
        "",
        "scipy.special",
        "agm elliprc elliprd elliprf elliprg elliprj",
    ),
    Category(
        "hypergeometric function",
        NO_RULE,
        "",
        "scipy.special",
        "pbdv pbvv pbwa",
    ),
    Category(
        "orthogonal polynomial",
        NO_RULE,
        "np.polyval with its coefficients",
        "scipy.special",
        "eval_sh_jacobi lpmv",
    ),
    Category(
        "wave function",
        NO_RULE,
        "",
        "scipy.special",
        "mathieu_a mathieu_b mathieu_cem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 mathieu_sem "
        "obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv pro_ang1 pro_ang1_cv pro_cv pro_rad1 "
        "pro_rad1_cv pro_rad2 pro_rad2_cv",
    ),
    Category(
        "integral",
        NO_RULE,
        "scipy.special.erf or erfc where one of them is meant",
        "scipy.special",
        "modfresnelm modfresnelp",
    ),
    Category(
        "test of a matrix or its storage",
        "it answers about a matrix, or finds its storage",
        "t.numpy() as its argument",
        "scipy.linalg",
        "find_best_blas_type get_blas_funcs get_lapack_funcs",
    ),
    Category(
        "special matrix",
        "it makes a matrix from a size or from few values",
        "indexing, as in t[i - j] for a Toeplitz matrix, or the matrix times a Tensor",
        "scipy.linalg",
        "dft hadamard helmert hilbert invhilbert invpascal pascal",
    ),
)


def category(fun: Callable[..., Any]) -> Category | None:
    """Return the category of a function that no Tensor is meant for; None where there is none."""
    if isinstance(fun, type) and issubclass(fun, np.generic) and fun is not np.record:
        return BY_A_DATA_TYPE
    modules = dict.fromkeys(row.module for row in CATEGORIES)
    return next((row for m in modules if m in sys.modules and (row := _listed(m).get(id(fun))) is not None), None)


@functools.cache
def _listed(module: str) -> dict[int, Category]:
    """Return the categories of a module's callables, by their ids: some have another name for themselves."""
    home = vars(sys.modules[module])
    return {
        id(home[name]): row for row in CATEGORIES if row.module == module for name in row.names.split() if name in home
    }
