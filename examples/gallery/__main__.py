"""Draw the gallery and write its page: `python -m examples.gallery [NAME...]`, where names choose pictures."""

from __future__ import annotations

import sys

from examples.gallery.page import PAGE, PICTURES, PROGRAMS, drawn, page, write


def main(chosen: list[str]) -> None:
    """Write the pictures that are chosen, or all of them and the page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    made = {program: drawn(program) for program in PROGRAMS}
    graphs = {name: graph for result in made.values() for name, graph in result.graphs.items()}
    for name, graph in graphs.items():
        if not chosen or name in chosen:
            path = write(name, graph)
            print(f"{path.stat().st_size / 1000:6.0f} kB  {path.name}")
    for path in PICTURES.glob("*.svg"):
        if path.stem not in graphs:
            path.unlink()
    PAGE.write_text(page(made))


if __name__ == "__main__":
    main(sys.argv[1:])
