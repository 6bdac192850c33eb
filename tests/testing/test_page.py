"""The page of checks: what it says, what it draws, and that it needs nothing but itself."""

from __future__ import annotations

import html
import html.parser
import math
import re

import numpy as np
import pytest

from autodiff.testing.plugin.page import HALF, INNER, Check, picture, render, tally
from autodiff.testing.report import Entry, Report, Verdict

VOID = {"meta", "input", "br", "wbr"}


def entry(analytic: float, numeric: float = 1.0, error: float = 0.1, tolerance: float = 1.0, **more) -> Entry:
    return Entry("x", (2,), "output", (0,), analytic, numeric, error, tolerance, 1e-3, **more)


def check(verdict: Verdict = Verdict.PASS, function: str = "tanh", *, failed: bool = False, **more) -> Check:
    worst = entry(1.5 if verdict is Verdict.PASS else 3.0)
    report = Report(function, verdict, "" if verdict is Verdict.PASS else "wrong derivative", worst=worst)
    report.entries = [worst]
    for name, value in more.items():
        setattr(report, name, value)
    return Check(f"tests/test_it.py::test_{function}", report, test_failed=failed)


def page(*checks: Check) -> str:
    return render(checks, "Gradient checks", {"seed": "0"})


def test_checks_travel_as_text() -> None:
    awkward = Entry(
        "x", (np.int64(1),), "y", None, math.nan, -math.inf, np.float64(0.1), np.float32(2), np.longdouble(3)
    )
    kink = entry(0.5, interval=(np.float64(-1), 1.0))
    report = Report("f", Verdict.INCONCLUSIVE, "kink", "why", 2, "differences", awkward, [awkward, kink], 3, 4, 5, 1e-9)
    report.notes = ["é ± —"]
    there = Check("t", report, 7, test_failed=True)
    back = Check.unpack(there.pack())
    assert (back.test, back.times, back.test_failed) == ("t", 7, True)
    assert str(back.report) == str(report)
    assert back.report.verdict is Verdict.INCONCLUSIVE
    assert back.report.entries[1] == kink
    assert back.report.entries[0].index == (1,)
    assert type(back.report.entries[0].tolerance) is float


def test_rows_stand_failing_first_and_what_tests_expect_after_it() -> None:
    mixed = [
        check(Verdict.PASS, "passing"),
        check(Verdict.FAIL, "planted"),
        check(Verdict.INCONCLUSIVE, "noisy", failed=True),
        check(Verdict.FAIL, "wrong", failed=True),
        check(Verdict.PASS, "beside_a_failure", failed=True),
    ]
    names = re.findall(r"<button[^>]*>([a-z_<>]*)</button>", page(*mixed).replace("<wbr>", ""))
    assert names == ["wrong", "noisy", "planted", "passing", "beside_a_failure"]
    assert page(*mixed).count("test passed") == 1


def test_the_tally_adds_up() -> None:
    assert tally([]) == "0 passed"
    mixed = [check()] * 1200 + [check(Verdict.FAIL)] + [check(Verdict.FAIL, failed=True)]
    assert tally(mixed) == "2 failed (1 in tests that passed), 1,200 passed"
    assert tally([check(Verdict.INCONCLUSIVE, failed=True)]) == "1 inconclusive, 0 passed"


def test_a_row_says_everything() -> None:
    worst = Entry("x", (1,), "output", (2,), 0.123456789, 1.123456789, 1e-8, 1e-7, 0.0025)
    facts = {"oracle": "complex step", "checked": 1234, "evaluations": 56789, "seconds": 0.0123, "seed": 77}
    text = page(check(Verdict.FAIL, worst=worst, entries=[worst], missed=3e-7, notes=["a note"], **facts))
    row = html.unescape(re.sub("<[^>]*>", "|", text[text.index("<main") :].replace("<wbr>", "")))
    for said in ("fail|", "|wrong derivative|", "|test passed|", "|tanh|", "|tests/test_it.py::test_tanh|"):
        assert said in row
    for said in (
        "|d output[2] / d x[1]|",
        "||0.12345679||",
        "|1.12345679 |± 1e-08|",
        "|0.0025|",
        "|mismatch 1, allowed",
    ):
        assert said in row
    for said in ("|complex step|", "|1,234|missed < 3e-07|", "|56,789|12 ms|", "|77|", "note      a note"):
        assert said in row


def test_digits_that_differ_are_marked() -> None:
    worst = Entry("x", (1,), "output", (2,), 0.5408426082, 0.5403023059, 1e-10, 1e-9, 0.01)
    text = page(check(Verdict.FAIL, worst=worst))
    assert "<dd>0.540<mark>8426082</mark></dd>" in text
    assert "<dd>0.5403023059 <small>" in text
    assert "<mark>" not in page(check(worst=worst))


class Reader(html.parser.HTMLParser):
    """Checks nesting and collects what would be fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attributes) -> None:
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes) -> None:
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    reader = Reader()
    text = page(check(), check(Verdict.FAIL, failed=True, worst=None, entries=[]), check(Verdict.INCONCLUSIVE))
    reader.feed(text)
    assert not reader.open
    assert not {name for name, _ in reader.attributes} & {"src", "href", "onclick", "srcset", "action"}
    assert not re.search(r"https?:|url\(|@import|fetch\(", text)
    assert "default-src 'none'" in text


def test_names_cannot_break_the_page() -> None:
    nasty = '</script><img src=x onerror="alert(1)">&"\''
    there = check(Verdict.FAIL, nasty, reason=nasty, detail=nasty, oracle=nasty, notes=[nasty])
    there.report.worst = Entry(nasty, (0,), nasty, (), 1.0, 2.0, 0.1, 0.2, 0.3)
    text = render([there], nasty, {nasty: nasty})
    assert "<img" not in text
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    assert "src" not in {name for name, _ in reader.attributes}


def test_an_empty_run_has_a_page() -> None:
    assert "No gradient was checked" in page()
    assert "<b>0</b> checks" in page()


# --- pictures ------------------------------------------------------------------------------------------------------


def dot(drawn: Entry) -> float:
    """Return where the analytic value is drawn."""
    return float(re.search(r'circle class="analytic" cx="(.+?)"', picture(drawn))[1])


def test_the_dot_is_in_the_band_exactly_where_the_check_allows_it() -> None:
    assert dot(entry(1.0)) == 0
    assert dot(entry(2.0)) == INNER
    assert dot(entry(0.0)) == -INNER
    places = [dot(entry(1 + offset)) for offset in (-1e9, -20, -1.01, -0.99, 0, 0.3, 0.99, 1.01, 20, 1e9)]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert max(map(abs, places)) < HALF


@pytest.mark.parametrize("offset", [1e30, math.inf, -math.inf])
def test_beyond_the_scale_an_arrow_points_there(offset: float) -> None:
    drawn = picture(entry(1 + offset))
    assert "circle" not in drawn
    end = float(re.search(r'path class="analytic" d="M(\S+) 0L', drawn)[1])
    assert end == math.copysign(HALF - 1, offset)


def test_at_a_kink_the_interval_is_the_band() -> None:
    kink = {"numeric": 0.0, "tolerance": 1e-9, "interval": (-1.0, 1.0)}
    assert abs(dot(entry(1.0, **kink))) <= INNER
    assert dot(entry(1.1, **kink)) > INNER
    assert 'class="picture pass"' in picture(entry(0.3, **kink))
    assert 'class="picture fail"' in picture(entry(1.1, **kink))
    assert 'class="kink"' in picture(entry(0.3, **kink))


@pytest.mark.parametrize("analytic", [0.0, 1.0, math.nan, math.inf])
@pytest.mark.parametrize("numeric", [0.0, 5e-324, math.nan, math.inf])
@pytest.mark.parametrize("error", [0.0, 1e-300, math.nan, math.inf])
@pytest.mark.parametrize("tolerance", [0.0, math.nan, math.inf])
def test_any_numbers_can_be_shown(analytic: float, numeric: float, error: float, tolerance: float) -> None:
    worst = entry(analytic, numeric, error, tolerance)
    text = page(check(Verdict.INCONCLUSIVE, worst=worst, entries=[worst, entry(analytic, interval=(numeric, error))]))
    places = re.findall(r'(?:cx|\bd)="([^"]+)"', text)
    assert not any("nan" in place or "inf" in place for place in places)
