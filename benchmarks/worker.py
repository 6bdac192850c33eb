"""One engine in a process of its own: answers 'result' and 'measure' over its pipes until they close."""

from __future__ import annotations

import os
import pickle
import sys

from benchmarks.row import OURS, load


def main(workload: str, name: str, engine: str) -> None:
    """Set the work up, then serve."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not reach the pipe
    if engine == OURS:
        import autodiff

        autodiff.tune_allocator()  # each engine at its best settings; the others' processes are their own
    (row,) = (row for row in load(workload).ROWS if row.name == name)
    work = row.engines[engine]()
    while True:
        try:
            question, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer = getattr(work, question)(*arguments)
        if question == "result":
            import numpy as np

            answer = [np.asarray(array) for array in answer]
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
