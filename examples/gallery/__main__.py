"""Draw the gallery and write its page: `python -m examples.gallery [NAME...]`, where names choose pictures."""

from __future__ import annotations

import sys

from examples.gallery.page import PAGE, PICTURES, PROGRAMS, drawn, page, write


def main(chosen: list[str]) -> None:
    """Write the pictures that are chosen, or all of them and the page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    names = {}
    for program in PROGRAMS:
        graphs = drawn(program)
        names[program] = [*graphs]
        for name, graph in graphs.items():
            if not chosen or name in chosen:
                path = write(name, graph)
                print(f"{path.stat().st_size / 1000:6.0f} kB  {path.name}")
    for path in PICTURES.glob("*.svg"):
        if not any(path.stem in group for group in names.values()):
            path.unlink()
    PAGE.write_text(page(names))


if __name__ == "__main__":
    main(sys.argv[1:])
