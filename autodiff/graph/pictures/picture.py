"""A picture before it is laid out: boxes in clusters, and the edges between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from autodiff.graph.look import Look
from autodiff.graph.pictures import style
from autodiff.graph.pictures.style import Theme
from autodiff.graph.record import Op, Value
from autodiff.graph.statistics import sparkline


class Number(NamedTuple):
    """A value or a gradient in few characters; of a large one the bars of a histogram as well."""

    name: str
    text: str
    bars: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.text} {sparkline(self.bars)}".rstrip()


@dataclass(eq=False)
class Box:
    """A node of the picture: a source, an operation, or all that was folded into one.

    `kind` is a role, a class of operations, or module, group, update, stretch. `lines` are facts with what they tell
    of, `outputs` the types of several outputs, `given` the sources that stand in the box with their roles, `numbers`
    the value and the gradient of the last of the `values`, which are those that leave the box. `notes` are shown under
    the mouse. `count` is of a repeated box.
    """

    title: str
    kind: str
    phase: str
    ops: tuple[Op, ...] = ()
    values: tuple[Value, ...] = ()
    subtitle: str = ""
    count: int = 1
    order: int = 0
    id: str = ""
    path: tuple[str, ...] = ()
    lines: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    given: list[tuple[str, str]] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bold: bool = False
    highlight: str = ""
    fill: str = ""
    border: str = ""
    style: str = "filled,rounded"


@dataclass(eq=False)
class Cluster:
    """Boxes with a frame around them: of a phase, a module, a group, or the rounds of a loop."""

    title: str
    kind: str
    phase: str
    subtitle: str = ""
    count: int = 1
    order: int = 0
    id: str = ""
    path: tuple[str, ...] = ()
    inner: list[Box | Cluster] = field(default_factory=list)

    def boxes(self) -> Iterator[Box]:
        """Yield the boxes inside, in order."""
        for item in self.inner:
            if isinstance(item, Box):
                yield item
            else:
                yield from item.boxes()


@dataclass(eq=False)
class Edge:
    """Values that go from a box to another: data, or saved for the backward pass, or the carry of a loop.

    `port` is which of several outputs of the tail.
    """

    tail: Box
    head: Box
    kind: str
    port: int | None = None
    id: str = ""
    values: list[Value] = field(default_factory=list)
    label: str = ""


class Entry(NamedTuple):
    """A line of the legend: what a colour means."""

    text: str
    fill: str
    border: str
    style: str = "filled,rounded"


@dataclass(eq=False)
class Picture:
    """The boxes and edges of a picture, in order, what stands above it, and its colours.

    `home` is the box in which an operation's outputs stand, `sources` the box of a source that has one, and of a value
    that memory took in place.
    """

    title: str
    look: Look
    theme: Theme
    root: Cluster
    caption: list[str] = field(default_factory=list)
    legend: list[Entry] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    home: dict[Op, Box] = field(default_factory=dict)
    sources: dict[Value, Box] = field(default_factory=dict)

    @property
    def phases(self) -> list[str]:
        """The phases that occur, in order."""
        return [phase for phase in style.PHASES if any(box.phase == phase for box in self.boxes)]

    def box_of(self, v: Value) -> Box | None:
        """Return the box in which a value stands."""
        return self.sources.get(v) or (self.home.get(v.op) if v.op is not None else None)
