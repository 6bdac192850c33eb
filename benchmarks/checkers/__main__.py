"""`python -m benchmarks.checkers`: run every installed checker on every case and write docs/checkers.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from benchmarks.checkers.cases import HARD, PLANTED
from benchmarks.checkers.table import COMMAND, Results, page, result, versions
from benchmarks.checkers.tools import CHECKERS, NAMES, installed

PAGE = Path(__file__).parents[2] / "docs" / "checkers.md"


def main() -> None:
    """Run what was asked and write it."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--checkers", nargs="+", choices=CHECKERS, default=list(CHECKERS), help="which to run")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with this text in their names")
    parser.add_argument("--out", type=Path, default=PAGE, metavar="PATH", help="the page (default: %(default)s)")
    args = parser.parse_args()
    if args.only and args.out == PAGE:
        parser.error("--only makes a partial table: say --out where to write it")
    checkers = [checker for checker in args.checkers if installed(checker)]
    for missing in set(args.checkers) - set(checkers):
        print(f"not installed, left out: {NAMES[missing]}")
    found: list[Results] = []
    for group in (PLANTED, HARD):
        chosen = [case for case in group if args.only in case.name]
        found.append({c.name: {k: result(k, c) for k in checkers} for c in tqdm(chosen, unit="case")})
    planted, hard = found
    cases = {case.name: case for case in (*PLANTED, *HARD)}
    args.out.write_text(page(planted, hard, cases, checkers, versions(checkers)))
    print(f"written: {args.out}")


if __name__ == "__main__":
    main()
