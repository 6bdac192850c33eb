"""The gallery's committed pictures are those of today's programs, and can be read."""

from __future__ import annotations

import pytest

from examples.gallery import page as gallery
from tests.graph.legibility import measure

FILES = sorted(gallery.PICTURES.glob("*.svg"))
LARGEST = 300_000  # bytes
STALE = "is not what its program draws now: run scripts/gallery and look at it"


@pytest.mark.parametrize("program", gallery.PROGRAMS, ids=lambda program: program.__name__)
def test_the_pictures_are_of_today(program):
    for name, graph in gallery.drawn(program).items():
        path = gallery.PICTURES / f"{name}.svg"
        assert gallery.stamp(path) == gallery.fingerprint(graph), f"{path.name} {STALE}"


def test_the_page_shows_every_picture_with_the_code_that_made_it():
    text = gallery.PAGE.read_text()
    for program in gallery.PROGRAMS:
        assert gallery.code(program) in text, f"docs/gallery.md: {program.__name__} {STALE}"
    for path in FILES:
        assert f"](images/gallery/{path.name})" in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_can_be_read(page, path):
    found = measure(page, path)
    assert found.faults == ()
    assert found.nodes >= 5
    assert path.stat().st_size <= LARGEST
