"""Every output of a graph: names are text in it, the same program gives the same bytes, bad input is explained."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff import tape
from autodiff.graph.pictures import render

ROOT = Path(__file__).parents[2]
drawn = pytest.mark.skipif(not render.available(), reason="neither Graphviz nor pygraphviz is installed")
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</script><!--",
    '"];x->y;"',
    "a'b&amp;\\N\\n",
    "two\nlines\r\0",
    '%%{init: {"theme":"dark"}}%%',
    "`x` $$y$$ #35; fa:fa-x",
    "end",
    "{|}é]]>",
]


def hostile(names=HOSTILE):
    """A graph in which everything that has a name has one of these."""

    def f(x):
        for name in names:
            w = ad.ones(2, requires_grad=True)
            w.name = name
            with tape.scope(name):
                x = np.tanh(x) * w
        return x

    f.__name__ = names[0]
    return ad.trace(f)(ad.ones(2))


def plain(name):
    """The name on one line."""
    return name.replace("\n", r"\n").replace("\r", r"\r").replace("\0", r"\x00")


class Page(HTMLParser):
    """The elements of an HTML page, and the attributes that run code."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.handlers = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


# --- names are text ------------------------------------------------------------------------------------------------


@drawn
def test_svg_has_names_as_text():
    root, benign = (ElementTree.fromstring(hostile(names).svg(depth=None)) for names in (HOSTILE, [*"abcdefghij"]))
    texts = "\n".join(root.itertext())
    for name in HOSTILE:
        assert plain(name) in texts
    kinds = [[element.get("class") for element in each.iter() if element.get("class")] for each in (root, benign)]
    assert kinds[0] == kinds[1]
    assert {element.tag for element in root.iter()} == {element.tag for element in benign.iter()}
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on")]


def test_dot_has_names_as_text():
    dot = hostile().dot(depth=None)
    for bad in ("<script", "</script", "<img", '"];x', "\\N", "\\n"):
        assert bad not in dot
    assert {c for c in dot if not c.isprintable()} == {"\n"}


def test_mermaid_has_names_as_text():
    text = hostile().mermaid(depth=None)
    labels = re.findall(r'"([^"]*)"', text.partition("flowchart TB")[2])
    for label in labels:
        assert not re.findall(r"[<>]", re.sub(r"</?b>|<br/>", "", label))
        assert not re.findall(r"[`$%{}\\;]", re.sub(r"#\d+;", "", label))
    assert len(re.findall("init:", text)) == 1
    assert text.count("\n---\n") == 1


@drawn
def test_html_has_names_as_text():
    page, benign = (Page(hostile(names).html(depth=None)) for names in (HOSTILE, ["a"] * len(HOSTILE)))
    for tag in ("script", "img", "iframe"):
        assert page.tags.count(tag) == benign.tags.count(tag)
    assert page.handlers == benign.handlers


def test_listings_have_names_on_one_line():
    graph = hostile()
    for text in (graph.text(), graph.tree(), graph.ascii(), ad.graph_diff(graph, hostile(HOSTILE[:5])).text()):
        assert all(line.isprintable() for line in text.split("\n"))
        assert plain(HOSTILE[5]) in text
    assert len(graph.text().split("\n")) == len(graph.sources) + len(graph.ops) + 3


# --- the same program gives the same bytes -------------------------------------------------------------------------

PROGRAM = """
import hashlib, sys, numpy as np, autodiff as ad, nn
from nn import optim
ad.manual_seed(0)
layers = [nn.Linear(5, 5) for _ in range(3)]
model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), *layers, nn.Linear(5, 3))
adam = optim.Adam(model.parameters())
def step(x, y):
    loss = nn.CrossEntropyLoss()(model(x), y)
    loss.backward()
    adam.step()
    return loss
graph = ad.trace(step)(ad.ones(2, 4), ad.tensor([0, 2]))
x = ad.tensor(2.0, requires_grad=True)
tensor = ad.draw(np.tanh(x * x) + x)
for g in (graph, tensor, ad.graph_diff(tensor, graph)):
    outputs = [g.text(), g.tree(), g.ascii(), g.dot(), g.dot(depth=None), g.dot(depth=0), g.mermaid(), g.json()]
    if sys.argv[1] == "drawn" and g is not graph:
        outputs += [g.svg(show=("values", "bytes", "rules")), tensor.html()]
    for text in outputs:
        assert "0x" not in text and "/tmp" not in text and "/home" not in text, text
        print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_the_same_program_gives_the_same_bytes(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    runs = set()
    for seed in ("1", "271828"):
        run = subprocess.run(
            [sys.executable, tmp_path / "program.py", "drawn" if render.available() else ""],
            cwd=tmp_path,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        runs.add(run.stdout)
    assert len(runs) == 1


def test_the_same_program_twice_in_one_process():
    one, two = (hashlib.sha256(hostile().dot().encode()).hexdigest() for _ in range(2))
    assert one == two


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("thing", [None, 3, "model", np.ones(2), [1, 2], {}], ids=lambda x: type(x).__name__)
def test_what_cannot_be_drawn(thing):
    for act in (ad.draw, ad.trace):
        with pytest.raises(TypeError, match=f"got {type(thing).__name__}"):
            act(thing)


def test_a_module_without_its_input():
    with pytest.raises(TypeError, match="Linear.*input"):
        ad.draw(nn.Linear(2, 2))


@drawn
@pytest.mark.parametrize("kind", ["svg", "html", "mermaid", "text"])
def test_a_path_that_cannot_be_written(kind, tmp_path):
    graph = ad.draw(np.exp, ad.ones(2))
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "missing" / "x", tmp_path / "file" / "x", tmp_path):
        with pytest.raises(OSError, match=re.escape(str(path))):
            getattr(graph, kind)(path)


def test_without_graphviz_the_page_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RuntimeError, match=r"drawing a page needs Graphviz.*ndtape\[draw\].*ascii"):
        ad.draw(np.exp, ad.ones(2)).html()


def test_a_format_that_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match="svg.*got 'jpeg'"):
        ad.draw(np.exp, ad.ones(2), path=tmp_path / "x", formats=("jpeg",))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "options", [{"depth": -1}, {"depth": "2"}, {"theme": "pink"}, {"show": "shape"}, {"direction": "up"}, {"dept": 2}],
    ids=str,
)  # fmt: skip
def test_an_option_that_does_not_exist(options):
    graph = ad.trace(np.exp)(ad.ones(2))
    for output in (graph.dot, graph.mermaid, graph.ascii, graph.with_look):
        with pytest.raises((TypeError, ValueError), match=next(iter(options))):
            output(**options)
