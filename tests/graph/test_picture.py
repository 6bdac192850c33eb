"""The picture of a graph in Graphviz's language, and its three ways into an image."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.graph import draw, trace
from autodiff.graph.pictures import render, style
from nn import optim

HOSTILE = 'a"b<c>&\\n\n{|}é]]>--><script>alert(1)</script>\x00'
WRITERS = {
    "dot": pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot program is not installed"),
    "pygraphviz": pytest.mark.skipif(importlib.util.find_spec("pygraphviz") is None, reason="pygraphviz is missing"),
}


@pytest.fixture(params=[pytest.param(name, marks=mark) for name, mark in WRITERS.items()])
def writer(request, monkeypatch):
    """One of the two programs that lay a picture out, the other hidden."""
    if request.param == "dot":
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
    else:
        monkeypatch.setenv("PATH", "")
    return request.param


def network(depth=1):
    layers = [layer for _ in range(depth) for layer in (nn.Linear(4, 4), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(4, 3))
    adam = optim.Adam(model.parameters())

    def step(x, y):
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        adam.step()
        return loss

    return trace(step)(ad.ones(2, 4), ad.tensor([0, 2]))


def labels(dot):
    """The titles of the boxes."""
    return re.findall(r"^ *n\d+ \[.*?label=<.*?<B>(.*?)</B>", dot, re.MULTILINE)


def test_a_training_step_has_its_phases_modules_and_updates():
    dot = network().dot()
    for phase in ("forward", "backward", "update"):
        assert f"<B>{phase}</B>" in dot
    assert labels(dot).count("Adam") == 4


def test_every_edge_joins_two_boxes():
    for depth in ("auto", None, 0):
        dot = network().dot(depth=depth)
        boxes = set(re.findall(r"^ *(n\d+) \[", dot, re.MULTILINE))
        ends = re.findall(r"^ *(n\d+)(?::o\d+)? -> (n\d+)(?::o\d+)? ", dot, re.MULTILINE)
        assert boxes.issuperset(end for edge in ends for end in edge)
        assert len(ends) > 5


def test_the_legend_names_the_classes_that_occur():
    heading = draw(np.exp, ad.ones(2)).dot().split("label=<<TABLE")[1].splitlines()[0]
    assert "elementwise" in heading
    assert "input" in heading
    assert "bilinear" not in heading


def test_scalars_show_value_and_gradient():
    x = ad.tensor(3.0, requires_grad=True)
    x.name = "x"
    dot = draw(x * x).dot()
    assert re.search(r"<B>x</B>.*value.*>3<.*grad.*>6<", dot)
    assert re.search(r"<B>multiply</B>.*value.*>9<.*grad.*>1<", dot)


def test_each_of_several_outputs_has_its_own_place():
    dot = trace(lambda x: np.multiply(*np.split(x, 2)))(ad.ones(4)).dot()
    assert re.findall(r"n\d+:(o\d) -> ", dot) == ["o0", "o1"]


def test_a_histogram_is_drawn_and_needs_no_font():
    x = np.repeat(np.arange(16.0), np.arange(16))
    dot = draw(np.exp, ad.tensor(x), show="values").dot(highlight="exp")
    heights = re.findall(r'WIDTH="(\d+)" HEIGHT="(\d+)" BGCOLOR', dot.partition("n1 [")[0])
    assert sum(int(width) for width, _ in heights) == 3 * 15  # one of the 16 intervals is empty
    assert [int(height) for _, height in heights] == sorted({-(-12 * n // 15) for n in range(1, 16)})
    assert not {*dot} & {*"▁▂▃▄▅▆▇█"}


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("name", style.THEMES)
def test_text_can_be_read_on_every_colour(name):
    """WCAG's contrast ratio for text of normal size is 4.5."""
    theme = style.THEMES[name]
    tables = (theme.kinds, theme.roles, theme.phases, theme.highlights)
    fills = (
        {pair[0] for table in tables for pair in table.values()} | {pair[0] for pair in theme.orders} | {*theme.heat}
    )
    for fill in fills:
        for ink in (theme.ink, theme.soft):
            low, high = sorted((luminance(fill), luminance(ink)))
            assert (high + 0.05) / (low + 0.05) > 4.5, (fill, ink)


def test_every_class_of_the_registry_has_a_colour():
    ruled = {entry.kind for entry in ad.registry.values()} - {"plain", "composite"}
    assert all(ruled <= set(theme.kinds) for theme in style.THEMES.values())


# --- images --------------------------------------------------------------------------------------------------------


def test_images(writer, tmp_path):
    graph = network()
    for kind, start in {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}.items():
        path = tmp_path / f"step.{kind}"
        picture = getattr(graph, kind)(path)
        assert path.read_bytes().startswith(start)
        assert len(picture) == len(path.read_bytes().decode() if kind == "svg" else path.read_bytes())
    text = " ".join(ElementTree.parse(tmp_path / "step.svg").getroot().itertext())
    for word in ("CrossEntropyLoss", "0.weight", "f32[4,4]", "linear", "backward", "0.bias"):
        assert word in text


def test_hostile_names(writer):
    x = ad.ones(2, requires_grad=True)
    x.name = HOSTILE

    def f(x):
        with ad.tape.scope(HOSTILE):
            return np.exp(x)

    f.__name__ = HOSTILE
    root = ElementTree.fromstring(trace(f)(x).svg())
    texts = list(root.itertext())
    seen = r'a"b<c>&\n\n{|}é]]>--><script>alert(1)</script>\x00'
    assert sum(seen in text for text in texts) >= 2
    assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_an_image_is_the_same_twice(writer):
    assert network().svg() == network().svg()


def test_without_either_program_dot_still_works_and_svg_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    graph = draw(np.exp, ad.ones(2))
    assert graph.dot().startswith("digraph")
    assert graph._repr_svg_() is None
    for kind in ("svg", "png", "pdf"):
        with pytest.raises(RuntimeError, match=re.escape('pip install "ndtape[draw]"')) as caught:
            getattr(graph, kind)()
        assert "system package graphviz" in str(caught.value)
        assert kind.upper() in str(caught.value)


def test_a_notebook_shows_the_picture(writer):
    assert render.available()
    assert draw(np.exp, ad.ones(2))._repr_svg_().startswith("<?xml")


@pytest.mark.parametrize("look", [{"depth": 1}, {"depth": None}, {"fold_repeats": False, "depth": 1}], ids=str)
def test_an_edge_carries_what_is_made_where_it_begins(look):
    cell = nn.LSTMCell(3, 4)

    def read(x):
        state = ad.zeros(2, 4), ad.zeros(2, 4)
        for letter in x:
            state = cell(letter, state)
        return state[0]

    picture = trace(read)(ad.ones(4, 2, 3)).picture(**look)
    assert picture.edges
    for edge in picture.edges:
        if edge.kind == "loop":
            assert edge.label == "state"
        for value in edge.values:
            assert not edge.tail.ops if value.op is None else picture.home[value.op] is edge.tail
