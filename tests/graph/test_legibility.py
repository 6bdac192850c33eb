"""Pictures can be read: the gallery's, and any of whatever names. The measure finds each way in which one cannot."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from examples.gallery.page import PICTURES
from tests.graph.legibility import SMALLEST, measure

LARGEST = 300_000  # bytes
COLUMN = 1000  # pixels: the width of the text on a page of a code host, to which wider pictures are shrunk

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="200pt" viewBox="0 0 300 200">
<g class="graph">
<g class="cluster"><polygon fill="none" stroke="black" points="5,5 145,5 145,190 5,190"/>
<text x="12" y="20" font-family="Helvetica" font-size="10">a cluster</text></g>
<g class="node"><polygon fill="white" stroke="black" points="20,30 120,30 120,70 20,70"/>
<text x="30" y="45" font-family="Helvetica" font-size="11">matmul</text>
<text x="30" y="60" font-family="Helvetica" font-size="9">f32[2,3]</text></g>
<g class="node"><path fill="white" stroke="black" d="M20,100 h100 v40 h-100 z"/>
<text x="30" y="125" font-family="Helvetica" font-size="11">tanh</text></g>
<g class="edge"><path fill="none" stroke="black" d="M70,70 v30"/></g>
%s</g></svg>"""

BROKEN = {
    '<text x="35" y="46" font-size="11">over</text>': ['"matmul" and "over" intersect', '"over" is under or over'],
    '<text x="200" y="50" font-size="6.5">small</text>': ['"small" is 8.7 px high, less than 9'],
    '<text x="270" y="50" font-size="11">cut off here</text>': ['"cut off here" is clipped'],
    '<rect x="200" y="150" width="99" height="60" fill="red"/>': ["a rect is clipped"],
    '<g class="node"><rect x="200" y="20" width="30" height="20" fill="red"/><text x="203" y="35" font-size="11">'
    "a long name</text></g>": ['"a long name" does not lie inside its box'],
    '<g class="cluster"><rect x="160" y="9" width="80" height="30" fill="none" stroke="red"/>'
    '<text x="165" y="14" font-size="16">high</text></g>': ['"high" does not lie inside its box'],
    '<g class="node"><rect x="110" y="50" width="40" height="30" fill="red"/>'
    '<text x="70" y="65" font-size="11">elsewhere</text></g>': [
        '"elsewhere" does not lie inside its box',
        '"elsewhere" is under or over another node',
    ],
    '<g class="edge"><path fill="none" stroke="black" d="M200,180 v40"/></g>': ["a path is clipped"],
    '<g class="edge"><path fill="none" stroke="red" d="M25,120 h60"/></g>': ['"tanh" has an edge running through it'],
}


def test_a_sound_picture_has_no_fault(page):
    found = measure(page, PICTURE % "")
    assert found.faults == ()
    assert (found.nodes, found.texts, found.font) == (2, 4, pytest.approx(12, abs=0.01))  # 9 pt are 12 px
    assert (found.width, found.height) == (400, pytest.approx(266.67, abs=0.1))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda svg: BROKEN[svg][0])
def test_each_fault_is_found_and_nothing_else(page, broken):
    faults = measure(page, PICTURE % broken).faults
    assert len(faults) == len(BROKEN[broken])
    for found, expected in zip(sorted(faults), sorted(BROKEN[broken]), strict=True):
        assert found.startswith(expected)


def test_what_is_hidden_is_no_fault(page):
    hidden = '<g visibility="hidden"><text x="35" y="46">over</text></g><rect width="999" height="9" fill="none"/>'
    assert measure(page, PICTURE % hidden).faults == ()


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.stem)
def test_a_picture_of_the_gallery_can_be_read(page, path):
    found = measure(page, path)
    assert found.faults == ()
    assert found.font * min(1, COLUMN / found.width) >= SMALLEST
    assert found.nodes >= 3
    assert path.stat().st_size <= LARGEST


NAMES = {
    "long": "w" * 200,
    "wide": "W" * 40,
    "narrow": "il.'" * 12,
    "tall": "ÉÂ̂jq_",
    "japanese": "重み行列の勾配を計算する",
    "arabic": "مصفوفة الأوزان الكبيرة",
    "emoji": "🔥🔥🔥 loss 🚀",
    "markup": 'a"b<c>&\\n\n{|}é]]>--><script>alert(1)</script>\x00',
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_can_be_read(page, name):
    def f(x):
        with ad.tape.scope(f"{name}: {name}"):
            return np.exp(x) * x

    x = ad.ones(2, 3, requires_grad=True)
    x.name = f.__name__ = name
    graph = ad.draw(f, x, show=("shapes", "values", "grads", "params", "bytes", "rules"), depth=None)
    for direction in ("down", "right"):
        found = measure(page, graph.svg(direction=direction))
        assert found.faults == ()
        assert found.width < 1600
