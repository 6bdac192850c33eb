"""The gallery: its programs in order, their pictures as files, and the Markdown page that shows both."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import autodiff as ad
from autodiff.graph.explaining.explanation import Explanation
from autodiff.graph.record import Graph
from examples.gallery import debugging, images, overlays, scalars, sequences, training

Program = Callable[[], "Graph | dict[str, Graph] | Explanation"]

ROOT = Path(__file__).parents[2]
PICTURES, PAGE = ROOT / "docs" / "images" / "gallery", ROOT / "docs" / "gallery.md"
PROGRAMS: tuple[Program, ...] = (
    scalars.neuron,
    training.training_step,
    training.training_loop,
    training.cotangents,
    images.lenet,
    images.resnet18,
    sequences.gpt,
    sequences.lstm,
    scalars.orders,
    debugging.nan_hunt,
    debugging.dead_unit,
    debugging.failure,
    debugging.difference,
    debugging.inside,
    overlays.memory,
    overlays.time,
    scalars.themes,
)
INTRODUCTION = """\
# Gallery

Pictures of computation graphs, each made by the few lines above it after

```python
import autodiff as ad, nn, numpy as np
from nn import models, optim
```

A click shows a picture at its natural size, and the mouse on a node what it stands for. `scripts/gallery` makes them
all again; a test says when one is out of date, and measures in a browser that each can be read.
"""


class Drawn(NamedTuple):
    """What a program made: its graphs by the name of the picture, and what an explanation says."""

    graphs: dict[str, Graph]
    text: str


def drawn(program: Program) -> Drawn:
    """Run a program from a fixed seed."""
    ad.manual_seed(0)
    made, text = program(), ""
    if isinstance(made, Explanation):
        made, text = made.graph, str(made)
    return Drawn(made if isinstance(made, dict) else {program.__name__.replace("_", "-"): made}, text)


def fingerprint(graph: Graph) -> str:
    """Return a hash of what a picture says: of its DOT text, without the times that differ from run to run."""
    shown = graph.look.show and tuple(what for what in graph.look.show if what != "time")
    graph = graph.with_look(overlay=None if graph.look.overlay == "time" else graph.look.overlay, show=shown)
    return hashlib.sha256(graph.dot().encode()).hexdigest()[:16]


def stamp(svg: Path) -> str:
    """Return the fingerprint of the graph that a file is a picture of."""
    found = re.search(r"<!-- graph (\w+) -->", svg.read_text()) if svg.exists() else None
    return found[1] if found else ""


def write(name: str, graph: Graph) -> Path:
    """Write a picture with its fingerprint, and without what depends on the version of Graphviz alone."""
    svg = re.sub(r"<!--.*?-->\n?", "", graph.svg(), flags=re.DOTALL)
    path = PICTURES / f"{name}.svg"
    path.write_text(svg.replace("<svg", f"<!-- graph {fingerprint(graph)} -->\n<svg", 1))
    return path


def section(program: Program, made: Drawn) -> str:
    """Return the part of the page about one program: what it shows, its code, its pictures."""
    title, _, text = (inspect.getdoc(program) or "").partition("\n")
    parts = [f"## {title.rstrip('.')}", text.strip(), f"```python\n{code(program)}\n```"]
    parts += [f"```text\n{made.text}\n```" if made.text else "", *map(shown, made.graphs)]
    return "\n\n".join(filter(None, parts))


def shown(name: str) -> str:
    """Return a picture as the page shows it; one that is higher than two screens is opened by a click."""
    picture = f"[![{name}](images/gallery/{name}.svg)](images/gallery/{name}.svg)"
    svg = (PICTURES / f"{name}.svg").read_text()
    height = int(re.search(r'height="(\d+)pt"', svg)[1])
    summary = f"{name}: {len(re.findall('class=.node', svg))} boxes"
    return picture if height < 1500 else f"<details><summary>{summary}</summary>\n\n{picture}\n\n</details>"


def code(program: Program) -> str:
    """Return the body of a program without its docstring, and without `return`: a notebook shows the last value."""
    lines = inspect.getsource(program).splitlines()
    (function,) = ast.parse("\n".join(lines)).body
    assert isinstance(function, ast.FunctionDef)
    for node in returns(function.body):
        lines[node.lineno - 1] = lines[node.lineno - 1].replace("return ", "", 1)
    body = textwrap.dedent("\n".join(lines[function.body[0].end_lineno :])).strip("\n")
    return re.sub(r"\n\n(?=(def|class) )|(?<=\n    )(.*)\n\n(?=\S)", r"\2\n\n\n", body)  # two lines around a definition


def returns(body: list[ast.stmt]) -> Iterator[ast.Return]:
    """Yield the return statements of a body, without those of functions in it."""
    for node in body:
        if isinstance(node, ast.Return):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from returns(getattr(node, "body", []))


def page(made: dict[Program, Drawn]) -> str:
    """Return the whole page."""
    return "\n\n".join([INTRODUCTION.rstrip(), *(section(*item) for item in made.items())]) + "\n"
