"""One engine in a process of its own: answers questions about a workload's rows over its pipes until they close."""

from __future__ import annotations

import os
import pickle
import sys

from benchmarks.engines import prepare
from benchmarks.row import Work, load


def main(workload: str, engine: str) -> None:
    """Serve; a row's work is set up at its first question, and what was set up for another row is dropped."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not reach the pipe
    if hasattr(os, "sched_setaffinity"):  # threads that an engine starts beyond those it was given gain it nothing
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(os.environ["OMP_NUM_THREADS"])])
    prepare(engine)
    rows = {row.name: row for row in load(workload).ROWS}
    current: dict[str, Work] = {}
    while True:
        try:
            question, name, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if name not in current:
            current.clear()
            current[name] = rows[name].engines[engine]()
        answer = getattr(current[name], question)(*arguments)
        if question == "result":
            import numpy as np

            answer = [np.asarray(array) for array in answer]
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
