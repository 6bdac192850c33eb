"""`python -m autodiff.testing score` measures the mutation score, `python -m autodiff.testing fuzz` runs programs."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from autodiff import protocols
from autodiff.primitive import Primitive
from autodiff.testing.mutation.score import Total, keep, kept, measured, ruled


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 if it found nothing wrong."""
    given = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    return run(given)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m autodiff.testing",
        description="Measure how well tests of derivatives find errors, or look for errors in random programs.",
    )
    commands = top.add_subparsers(required=True, metavar="command")
    score = commands.add_parser(
        "score",
        help="put small errors into derivative rules and count those that the checks notice",
        description="Put small errors (mutants: flipped signs, dropped terms, skipped sums and transposes, ...) into "
        "the rules of operations, one at a time, check the derivatives of each on drawn inputs, and print the errors "
        "that nothing noticed. The exit status is 1 if there are any that are not known to be equivalent.",
        epilog="example: python -m autodiff.testing score np.tanh np.linalg.inv scipy.special.erf relu",
    )
    score.add_argument(
        "operations", nargs="*", metavar="operation", help="e.g. np.tanh or relu; default: all with rules"
    )
    score.add_argument(
        "--seconds", type=_positive, default=10.0, help="how long one test of a mutant may run (default: %(default)g)"
    )
    score.add_argument(
        "--examples", type=int, default=24, help="how many calls of an operation are drawn (default: %(default)d)"
    )
    score.add_argument("--jobs", type=int, default=1, help="how many processes share the work (default: %(default)d)")
    score.add_argument(
        "--resume",
        metavar="FILE",
        help="keep the scores in this file of JSON lines; what it holds is not measured again",
    )
    score.add_argument("--verbose", action="store_true", help="print every mutant, and what noticed it")
    score.set_defaults(run=_score)
    fuzz = commands.add_parser(
        "fuzz",
        help="check the derivatives of random programs",
        description="Draw random programs and check their derivatives until the time is up. The first wrong one is "
        "shrunk and printed as a Python script; the exit status is then 1.",
        epilog="example: python -m autodiff.testing fuzz --seconds 30 --ops np.sin np.multiply",
    )
    fuzz.add_argument("--seconds", type=_positive, default=30.0, help="how long to look (default: %(default)g)")
    fuzz.add_argument("--ops", nargs="+", metavar="operation", help="what programs are made of (default: everything)")
    fuzz.add_argument("--depth", type=int, default=8, help="how many operations a program has at most (%(default)d)")
    fuzz.add_argument("--order", type=int, default=2, choices=(1, 2), help="of the derivatives (default: %(default)d)")
    fuzz.add_argument("--seed", type=int, help="draw the same programs again (default: others each time)")
    fuzz.set_defaults(run=_fuzz)
    return top


def _score(given: argparse.Namespace) -> int:
    from tqdm import tqdm

    entries = [operation(name) for name in given.operations] or ruled()
    done = kept(given.resume) if given.resume else []
    scores = [next((done.pop(i) for i, s in enumerate(done) if s.subject == entry.name), None) for entry in entries]
    left = [i for i, score in enumerate(scores) if score is None]
    new = measured([entries[i] for i in left], examples=given.examples, seconds=given.seconds, jobs=given.jobs)
    with tqdm(new, total=len(left), unit="op", disable=not sys.stderr.isatty()) as bar:
        for i, found in zip(left, bar, strict=True):
            bar.set_description(found.subject)
            scores[i] = found
            if given.resume:
                keep(given.resume, found)
            if given.verbose:
                tqdm.write(str(found), file=sys.stdout)
    total = Total([score for score in scores if score is not None])
    print(total)  # noqa: T201
    return 0 if total else 1


def _fuzz(given: argparse.Namespace) -> int:
    from autodiff.testing.fuzzing import fuzz

    ops = [operation(name).fun for name in given.ops] if given.ops else None
    found = fuzz(given.seconds, ops=ops, depth=given.depth, order=given.order, seed=given.seed)
    print(found)  # noqa: T201
    return 0 if found else 1


def operation(name: str) -> Primitive:
    """Return the entry of an operation by a function's path (`np.linalg.inv`) or the entry's own name (`relu`)."""
    entries = {entry.name: entry for entry in ruled()}
    entry = entries.get(name) if "." not in name else protocols.lookup(_function(name))
    if entry is None:
        near = difflib.get_close_matches(name.rpartition(".")[2], entries, 1)
        hint = f"; did you mean {near[0]}?" if near else ". Write e.g. np.tanh, scipy.special.erf or relu."
        raise SystemExit(f"{name} is no operation with a derivative rule{hint}")
    return entry


def _function(path: str) -> Any:
    """Return what a dotted path names; `object`, which no entry has, if it names nothing."""
    module, _, name = path.rpartition(".")
    module = "numpy" + module[2:] if module.partition(".")[0] == "np" else module
    try:
        return getattr(importlib.import_module(module), name, object)
    except ImportError:
        return object


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected more than 0 seconds; got {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
