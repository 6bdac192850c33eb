"""The engines side by side, one file each, behind one set of operations; the workloads are written in these."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.engines.arrays import Engine
    from benchmarks.row import Work

ROOT = Path(__file__).parents[2]
BASELINE = "1298429"  # the commit that closed the spine: this engine as it was then


@dataclass(frozen=True)
class Known:
    """Where an engine's class stands, and what must be there for it to run."""

    file: str = ""
    name: str = ""
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()  # any of these
    remedy: str = ""


CLANG = ("clang", *(f"clang-{version}" for version in range(25, 13, -1)))
ENGINES: dict[str, Known] = {
    "ndtape": Known("ndtape", "Ndtape"),
    "ndtape+numba": Known("ndtape", "WithNumba", ("numba",)),
    "ndtape+numba+onednn": Known("ndtape", "WithNumbaAndOneDNN", ("numba",)),
    "numpy": Known("numpy", "ByHand"),
    "torch": Known("torch", "Torch", ("torch",)),
    "autograd": Known("autograd", "Autograd", ("autograd",)),
    "mygrad": Known("mygrad", "MyGrad", ("mygrad",)),
    "torch.compile": Known("torch", "TorchCompile", ("torch",), ("g++", "clang++")),
    "jax": Known("jax", "Jax", ("jax",)),
    "tinygrad": Known("tinygrad", "Tinygrad", ("tinygrad",), CLANG),
    BASELINE: Known(),
}
OURS = "ndtape"  # with NumPy and SciPy alone
VARIANTS = tuple(name for name in ENGINES if name.partition("+")[0] == OURS)
EAGER = ("torch", "autograd", "mygrad")
COMPILED = ("torch.compile", "jax", "tinygrad")
FLOOR = "numpy"
PEERS = (FLOOR, *EAGER, *COMPILED, BASELINE)
BEST = "best eager"  # in a row's limits: the fastest of EAGER


@functools.cache
def missing(engine: str) -> str:
    """Say what an engine lacks here and how to get it; nothing if it runs."""
    from shutil import which

    if engine == BASELINE:
        command = ["git", "cat-file", "-e", BASELINE]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
        return "" if found else "git fetch --unshallow"
    known = ENGINES[engine]
    for package in known.packages:
        if importlib.util.find_spec(package) is None:
            return f"pip install {package}"
    if known.programs and not any(map(which, known.programs)):
        return f"needs a compiler on the PATH: {' or '.join(known.programs[:2])}"
    if engine.endswith("onednn") and not has_onednn():
        return "pip install onednn-cpu-gomp"
    return ""


def has_onednn() -> bool:
    """Whether this engine finds oneDNN's library."""
    try:
        from autodiff.kernels.onednn import available
    except ImportError:
        return False
    return available()


def prepare(name: str) -> None:
    """Set the process up for an engine at its best settings, before anything is made."""
    if name in (*VARIANTS, FLOOR):
        import autodiff

        autodiff.tune_allocator()


@functools.cache
def engine(name: str) -> Engine:
    """Make an engine, in the process that is to run it; there it stays as it was set up."""
    known = ENGINES[name]
    made: Engine = getattr(importlib.import_module(f"benchmarks.engines.{known.file}"), known.name)()
    return made


def on(names: Iterable[str], build: Callable[[Engine], Work]) -> Mapping[str, Callable[[], Work]]:
    """The same work for several engines, each made where it runs."""
    return {name: lambda name=name: build(engine(name)) for name in names}  # type: ignore[misc]
