"""The gallery's committed pictures are those that its programs draw now."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autodiff as ad
from examples.gallery import page as gallery

STALE = "is not what its program draws now: run scripts/gallery and look at it"


@pytest.mark.parametrize("program", gallery.PROGRAMS, ids=lambda program: program.__name__)
def test_pictures_and_page_are_of_today(program):
    made = gallery.drawn(program)
    for name, graph in made.graphs.items():
        path = gallery.PICTURES / f"{name}.svg"
        assert gallery.stamp(path) == gallery.fingerprint(graph), f"{path.name} {STALE}"
    assert gallery.section(program, made) in gallery.PAGE.read_text(), f"docs/gallery.md: {program.__name__} {STALE}"


def test_the_page_shows_every_picture():
    shown = re.findall(r"\]\(images/gallery/(.*?)\.svg\)\]", gallery.PAGE.read_text())
    assert sorted(shown) == sorted(path.stem for path in gallery.PICTURES.iterdir())


def test_a_fingerprint_is_of_the_picture_but_not_of_its_times():
    graph, slower = (ad.draw(lambda x: np.exp(x) * x, ad.ones(2)) for _ in range(2))
    assert gallery.fingerprint(graph) == gallery.fingerprint(slower)
    assert gallery.fingerprint(graph) != gallery.fingerprint(graph.with_look(direction="right"))
    graph.ops[0].seconds, slower.ops[0].seconds = 1.0, 2.0
    graph, slower = (g.with_look(overlay="time", show=("shapes", "time")) for g in (graph, slower))
    assert graph.dot() != slower.dot()
    assert gallery.fingerprint(graph) == gallery.fingerprint(slower)
