"""Graphs of what functions compute: `trace` records one, `draw` pictures a tensor's history.

`record.py` says what a Graph is; the rest is loaded when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodiff.graph.diff import Difference
    from autodiff.graph.explaining.explanation import Audit, Explanation
    from autodiff.graph.profiling import Profile
    from autodiff.graph.record import Graph

__all__ = ["draw", "explain", "graph_diff", "profile", "trace"]


def trace(f: Callable[..., Any]) -> Callable[..., Graph]:
    """Return a function that runs `f` and answers with the Graph of all it did, its value in `.result`.

    Backward passes and optimizer updates inside `f` are part of the graph; what is written through `.data` or an
    ndarray is not seen. If `f` raises, the exception carries the graph so far as `error.graph`.

    >>> import autodiff as ad, numpy as np
    >>> print(ad.trace(lambda x: np.sum(np.exp(x)))(ad.ones(3)).text())
    lambda
      x: f32[3]  input
    forward
      %1: f32[3] = exp(x)
      %2: f32[] = sum(%1)
    return %2
    """
    if not callable(f):
        raise TypeError(
            f"trace: records a call of a function or module; got {type(f).__name__}. `ad.trace(f)(*args)` calls f; "
            "`ad.draw(y)` shows the history of a tensor."
        )
    from autodiff.graph.recording.recorder import traced

    return traced(f)


def draw(
    thing: Any, *args: Any, path: str | Path | None = None, formats: str | tuple[str, ...] = (), **options: Any
) -> Graph:
    """Return the Graph of a tensor's history, or of a function or module called with the arguments that follow.

    A notebook shows it; `.svg(path) .png(path) .pdf(path) .html(path) .dot() .mermaid() .text()` write it. The options
    say how it is drawn; they are those of `graph.look.Look`: depth, expand, fold_repeats, show, direction, theme,
    highlight, overlay, orders, backward. Other keywords are given to the function. With `path="x"` and
    `formats=("svg", "html")` the files x.svg and x.html are written. For a scalar expression every node has its value
    and its gradient. The tape forgets constants that no rule needs, shown as `?`; a trace has all.

    >>> import autodiff as ad
    >>> x = ad.tensor(3.0, requires_grad=True)
    >>> print(ad.draw(x * x, theme="dark").text())
    multiply
      leaf1: f32[]  parameter
    forward
      %1: f32[] = multiply(leaf1, leaf1)
    return %1
    """
    from autodiff.graph.look import OPTIONS, Look
    from autodiff.graph.record import Graph
    from autodiff.graph.recording.recorder import traced
    from autodiff.graph.recording.tape_graph import from_tape
    from autodiff.graph.views import write
    from autodiff.tensor import Tensor

    given = {name: x for name, x in options.items() if name in OPTIONS}
    rest = {name: x for name, x in options.items() if name not in OPTIONS}
    look = Look().updated(**given)
    if not isinstance(thing, (Graph, Tensor)) and not callable(thing):
        raise TypeError(
            f"draw: a picture is of a tensor, a Graph, or a function or module and its arguments; got "
            f"{type(thing).__name__}. An ndarray has no history: compute with `ad.tensor(x, requires_grad=True)`."
        )
    if not isinstance(thing, (Graph, Tensor)):
        timed = look.overlay == "time" or look.shows("time")
        graph = traced(thing, backward=look.backward, timed=timed)(*args, **rest)
    else:
        if args:
            raise TypeError(f"draw: a {type(thing).__name__} takes no further arguments; a function or module does.")
        look.updated(**rest)  # says what options there are
        graph = thing if isinstance(thing, Graph) else from_tape(thing, backward=look.backward)
    graph = graph.with_look(**given)
    write(graph, path, formats)
    return graph


def graph_diff(a: Any, b: Any) -> Difference:
    """Return what differs between two Graphs (or two tensors' histories), as text and as a picture.

    Operations are matched by phase, module, name, settings and types, not by number: one operation more shifts nothing.
    Arrays are compared by type, numbers by value. `print` the answer, or draw it (`.svg(path)`, `.html(path)`, ...):
    added, removed and changed operations are coloured. It is false if the two graphs are alike.

    >>> import autodiff as ad, numpy as np
    >>> x = ad.ones(3)
    >>> print(ad.graph_diff(ad.trace(lambda x: np.exp(x).sum())(x), ad.trace(lambda x: np.tanh(x).sum())(x)))
    --- lambda
    +++ lambda
    1 added, 1 removed, 1 changed, 0 the same
    forward
    - %1': f32[3] = exp(x)
    + %1: f32[3] = tanh(x)
    - %2: f32[] = sum(%1')
    + %2: f32[] = sum(%1)
    """
    from autodiff.graph.diff import Difference
    from autodiff.graph.record import Graph
    from autodiff.tensor import Tensor

    for x in (a, b):
        if not isinstance(x, (Graph, Tensor)):
            raise TypeError(
                f"graph_diff: compares two Graphs, or two tensors' histories; got {type(x).__name__}. "
                "`ad.trace(f)(*args)` makes the Graph of a function or module."
            )
    return Difference(draw(a), draw(b))


def explain(what: Any, where: Any = None, *, tiny: float = 1e-6) -> Explanation | Audit:
    """Say why a gradient is None, zero, NaN, infinite or tiny: the paths from the loss, and the first blockers on them.

    `what` is a tensor, its name in the graph ("fc1.weight"), or a module, for all its parameters; `where` is a Graph
    of `ad.trace`, which knows everything, or a loss tensor, whose tape knows no detach and no no_grad.
    `ad.explain(graph)` explains all parameters. A gradient is tiny below `tiny` times the one the loss starts with.
    Nothing is changed: the record is swept, not the tape. Printed, the answer is a text; in a notebook it has the
    picture beside it (`.graph`), with the paths and the blockers highlighted.

    >>> import autodiff as ad, numpy as np
    >>> w = ad.tensor([-1.0, -2.0], requires_grad=True)
    >>> w.name = "w"
    >>> ad.explain(w, ad.trace(lambda x: np.sum(ad.relu(w * x)))(ad.ones(2)))
    w f32[2]: the gradient is zero.
    <BLANKLINE>
    dead ReLU: %2 = relu(%1)  ...
      its operand is not positive at all 2 elements where a gradient arrives (it lies between -2 and -1): its slope ...
      Fix: ...
    <BLANKLINE>
    the path from the loss, with the largest |gradient| at each value
      %3  sum         1
      %2  relu        1  <- becomes zero here
      %1  multiply    0
      w               0
    """
    from autodiff.graph.explaining.explanation import explain

    return explain(what, where, tiny)


def profile(f: Callable[..., Any], *, warmup: int = 0) -> Callable[..., Profile]:
    """Return a function that runs `f` and answers with its Profile: where its time went, by operation and by module.

    Printed, it is two tables; `.draw()` is the Graph coloured by time, `.chrome_trace(path)` the timeline. Times are
    those of the kernels, measured in a trace: between them runs Python, that of `f`, of the engine and of the trace.
    No array is kept alive, so that kernels run as they do untraced. `warmup` calls before it are not measured.

    >>> import autodiff as ad, nn
    >>> profile = ad.profile(nn.Sequential(nn.Linear(8, 4), nn.Tanh()))(ad.ones(2, 8))
    >>> [(row.name, row.phase, row.calls) for row in profile.operations if row.seconds < profile.wall]
    [('linear', 'forward', 1), ('tanh', 'forward', 1)]
    """
    from autodiff.graph.profiling import profiled

    if not callable(f):
        raise TypeError(f"profile: expected a function or a module to call; got {type(f).__name__}.")
    return profiled(f, warmup)
