"""How many threads the numeric libraries use: BLAS below NumPy and SciPy, OpenMP below oneDNN."""

from __future__ import annotations

from typing import Any, Self

_chosen: int | None = None  # what a library that is loaded later is to be told


class set_num_threads:
    """Let every BLAS and OpenMP library of the process use n threads, from here on or for a `with` block.

    >>> import autodiff as ad
    >>> with ad.set_num_threads(1):
    ...     ad.get_num_threads()
    1

    What the process was started with (OPENBLAS_NUM_THREADS, OMP_NUM_THREADS, the number of cores) holds until this is
    called. OpenMP keeps a number for each Python thread: call it in the thread that computes.
    """

    def __init__(self, n: int) -> None:
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ValueError(f"set_num_threads: n is a whole number of threads, at least 1; got {n!r}.")
        global _chosen
        self._limits = _limits(n)
        self._before, _chosen = _chosen, n

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        global _chosen
        _chosen = self._before
        self._limits.restore_original_limits()


def get_num_threads() -> int:
    """Return how many threads BLAS may use; where several libraries are loaded and differ, the largest number."""
    import threadpoolctl

    return max((library["num_threads"] for library in threadpoolctl.threadpool_info()), default=1)


def settle() -> None:
    """Tell a library that has just been loaded how many threads were chosen; nothing where none were."""
    if _chosen is not None:
        _limits(_chosen)


def _limits(n: int) -> Any:
    import scipy.linalg  # noqa: F401 (it brings a BLAS of its own, which is to obey as well)
    import threadpoolctl

    from autodiff.kernels import onednn

    onednn.available()  # loads it, and its OpenMP, where it is installed
    if not threadpoolctl.threadpool_info():
        raise RuntimeError(
            "set_num_threads: none of the loaded libraries can be told (threadpoolctl knows OpenBLAS, MKL, BLIS and "
            "OpenMP). Set the variable of your BLAS before Python starts, e.g. VECLIB_MAXIMUM_THREADS for Accelerate."
        )
    return threadpoolctl.threadpool_limits(limits=n)
