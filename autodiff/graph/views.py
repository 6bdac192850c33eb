"""The ways in which a Graph is shown: each a method, its room loaded when it is first used.

Each returns what it makes, and writes it where a path is given.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from autodiff.graph.look import Look

if TYPE_CHECKING:
    from autodiff.graph.pictures.picture import Picture
    from autodiff.graph.record import Graph


FORMATS = ("svg", "png", "pdf", "html", "dot", "mermaid", "json", "text")


def write(graph: Views, path: str | Path | None, formats: str | tuple[str, ...]) -> None:
    """Write a graph in several formats, to files that differ in what follows the dot."""
    from autodiff.graph.pictures.render import written

    formats = (formats,) if isinstance(formats, str) else tuple(formats)
    for name in formats:
        if name not in FORMATS:
            raise ValueError(f"formats is any of {', '.join(FORMATS)}; got {name!r}.")
    if (path is None) is bool(formats):
        raise ValueError('path and formats go together: path="picture", formats=("svg", "html") writes two files.')
    for name in formats:
        made = getattr(graph, name)()
        ending = {"mermaid": "mmd", "text": "txt"}.get(name, name)
        written(made if isinstance(made, bytes) else made.encode(), f"{path}.{ending}")


def _kept(text: str, path: str | Path | None) -> str:
    """Return a text, after writing it to the path if there is one."""
    from autodiff.graph.pictures.render import written

    return written(text.encode(), path).decode()


class Views:
    """What a Graph answers when it is asked for a picture or a text. Options are those of `Look`."""

    look: Look

    def with_look(self, **options: Any) -> Self:
        """Return the same graph, drawn with these options unless a method is told otherwise.

        >>> import autodiff as ad, numpy as np
        >>> graph = ad.trace(np.exp)(ad.ones(2))
        >>> graph.with_look(theme="dark").look
        Look(theme='dark')
        """
        view = copy(self) if options else self
        view.look = self.look.updated(**options)
        return view

    def picture(self, **options: Any) -> Picture:
        """Return what a picture shows, as boxes and edges: what every drawing is made of."""
        from autodiff.graph.pictures.boxes import arrange

        return arrange(self._graph, self.look.updated(**options))

    def text(self, path: str | Path | None = None, **options: Any) -> str:
        """Return a listing with one operation a line; two listings can be compared with diff.

        It has every operation, whatever `depth` is; `show` adds values, grads, bytes or time to each line.
        """
        from autodiff.graph.words.text import listing

        return _kept(listing(self._graph, self.look.updated(**options).show or ()), path)

    def tree(self, path: str | Path | None = None, **options: Any) -> str:
        """Return the modules as a tree: what each takes and returns, its parameters and its operations by phase.

        >>> import autodiff as ad, nn
        >>> print(ad.trace(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))(ad.ones(4, 2)).tree())
                       input     output    parameters  forward
        Sequential     f32[4,2]  f32[4,3]           9  2
        ├─ 0: Linear   f32[4,2]  f32[4,3]           9  linear
        └─ 1: Tanh     f32[4,3]  f32[4,3]              tanh
        """
        from autodiff.graph.words.tree import tree

        return _kept(tree(self._graph, self.look.updated(**options)), path)

    def ascii(self, path: str | Path | None = None, **options: Any) -> str:
        """Return the picture in plain characters, for a terminal.

        `o` is a source and `*` an operation, whose operands come down the lanes that meet there: `+` goes on, `'` ends.
        An edge from another phase, or one lane too many, is written as `<- [2]`: from the box of that number. `<~ [2]`
        is what a round of a loop takes from the round before.

        >>> import autodiff as ad, numpy as np
        >>> print(ad.draw(lambda x, y: np.exp(x) * y + x, ad.ones(2), ad.ones(2)).ascii())
        lambda
        o      x  f32[2]
        +-*    exp  f32[2]
        | | o  y  f32[2]
        | *-'  multiply  f32[2]
        *-'    add  f32[2]
        """
        from autodiff.graph.pictures.ascii import ascii

        return _kept(ascii(self.picture(**options)), path)

    def mermaid(self, path: str | Path | None = None, **options: Any) -> str:
        """Return the picture in Mermaid's language, which code hosts draw where Markdown has it in a mermaid block."""
        from autodiff.graph.pictures.mermaid import mermaid

        return _kept(mermaid(self.picture(**options)), path)

    def dot(self, path: str | Path | None = None, **options: Any) -> str:
        """Return the picture in Graphviz's language."""
        from autodiff.graph.pictures.dot import dot

        return _kept(dot(self.picture(**options)), path)

    def svg(self, path: str | Path | None = None, **options: Any) -> str:
        """Return the picture as SVG, and write it where a path is given."""
        return self._drawn("svg", path, options).decode()

    def png(self, path: str | Path | None = None, *, dpi: int = 144, **options: Any) -> bytes:
        """Return the picture as PNG with so many dots an inch, and write it where a path is given."""
        return self._drawn("png", path, options, dpi=dpi)

    def pdf(self, path: str | Path | None = None, **options: Any) -> bytes:
        """Return the picture as PDF, and write it where a path is given."""
        return self._drawn("pdf", path, options)

    def html(self, path: str | Path | None = None, **options: Any) -> str:
        """Return the graph as one HTML page that needs no network, and write it where a path is given.

        The page pans, zooms, searches, tells of what is pointed at, traces what a value came from and where it goes,
        switches the depth, and steps through the forward pass and the reverse sweep with values and gradients
        appearing as they were computed. Graphviz lays it out.
        """
        from autodiff.graph.page.page import html
        from autodiff.graph.pictures.render import written

        return written(html(self._graph, options).encode(), path).decode()

    def json(self, path: str | Path | None = None, *, form: str = "ndtape") -> str:
        """Return the whole record as JSON, and write it where a path is given; see `graph.words.export.document`.

        With form="model-explorer" it is what Google's Model Explorer opens.

        >>> import autodiff as ad, json, numpy as np
        >>> json.loads(ad.trace(np.exp)(ad.zeros(2)).json())["ops"][0]["name"]
        'exp'
        """
        from autodiff.graph.pictures.render import written
        from autodiff.graph.words.export import export

        return written(export(self._graph, form).encode(), path).decode()

    def _drawn(self, kind: str, path: str | Path | None, options: dict[str, Any], **settings: Any) -> bytes:
        from autodiff.graph.pictures.render import render, written

        return written(render(self.dot(**options), kind, **settings), path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from autodiff.graph.notebook import bundle

        return bundle(self)

    def _repr_svg_(self) -> str | None:
        from autodiff.graph.pictures.render import available

        return self.svg() if available() else None

    def __str__(self) -> str:
        return self.text()

    @property
    def _graph(self) -> Graph:
        from autodiff.graph.record import Graph

        assert isinstance(self, Graph)
        return self
