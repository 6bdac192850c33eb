"""The pytest plugin: the marker and fixture `gradcheck`, reports of failing tests, and a page of all checks.

pytest loads it wherever ndtape is installed. Where no gradient is checked it does nothing: hypothesis, the checks and
the page are imported when a test, an option or a report first asks for them.

    @pytest.mark.gradcheck(order=2)
    def test_softplus():
        return lambda x: np.log1p(np.exp(x)), np.linspace(-3, 3, 5)   # what a marked test returns is checked

    @pytest.mark.gradcheck(order=2)
    def test_two_at_once(gradcheck):                                  # or call it, as often as needed
        gradcheck(np.sinh, 0.5)
        gradcheck(np.cosh, 0.5, order=1)

    pytest -m gradcheck --gradcheck-report=checks.html
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from autodiff.testing.report import Report, Verdict, observers

MOST_ROWS = 100  # of one test; further checks of a function are counted in the row of its last one
MOST_SHOWN = 5  # reports under a failing test
COLOURS = {Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.PASS: "green"}
LABELS = {"analytic": "red", "numeric": "green"}
SECTION = "gradcheck"
PAGE = "--gradcheck-report"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the page's option."""
    parser.getgroup("gradcheck", "checks of derivatives (ndtape)").addoption(
        PAGE, metavar="FILE.html", help="write a page with a row for every gradient check of the run"
    )


@pytest.hookimpl(tryfirst=True)  # before hypothesis looks for the profile
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, where they are asked for, the page and the hypothesis profiles."""
    config.addinivalue_line(
        "markers",
        "gradcheck(**keywords): a test of derivatives. If it returns (f, *inputs), these are given to gradcheck; the "
        "keywords are gradcheck's, and the defaults of the fixture of that name.",
    )
    if profile := config.getoption("--hypothesis-profile", None):
        _offer(profile)
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist sends its reports to where the terminal is
        config.pluginmanager.register(Session(config, _page(config)), "ndtape-session")


def _page(config: pytest.Config) -> Path | None:
    """Return where the page goes, if one is asked for; refuse a bad place before the tests run."""
    name = config.getoption(PAGE)
    if name is None or config.option.collectonly:
        return None
    page = config.invocation_params.dir / Path(name).expanduser()
    if page.is_dir() or page.suffix not in (".html", ".htm"):
        raise pytest.UsageError(f"{PAGE}={name}: expected the name of a .html file to write.")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(
            f"{PAGE}={name}: {error.strerror}; expected a file in a folder that can be written."
        ) from None
    return page


def _offer(profile: str) -> None:
    """Register the profile that --hypothesis-profile names, if it is one of ours and nobody registered it."""
    from autodiff.testing.plugin import profiles

    if profile in profiles.PROFILES:
        profiles.register(profile)


# --- the marker and the fixture ------------------------------------------------------------------------------------


def _keywords(item: pytest.Item) -> dict[str, Any]:
    """Return the keywords of a test's markers: those of its class and module too, the nearest winning."""
    found: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("gradcheck"))):
        if marker.args:
            given = ", ".join(map(repr, marker.args))
            pytest.fail(
                f"@pytest.mark.gradcheck takes keywords of gradcheck only, got {given}; return (f, *inputs) instead.",
                pytrace=False,
            )
        found |= marker.kwargs
    return found


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """`gradcheck(f, *inputs, **keywords)` checks the derivatives of f and fails the test with the report.

    Keywords default to those of the test's marker.
    """
    from autodiff.testing.checks.gradcheck import gradcheck

    defaults = _keywords(request.node)

    def check(f: Any, *inputs: Any, **keywords: Any) -> Report:
        __tracebackhide__ = True
        report = gradcheck(f, *inputs, **defaults | keywords)
        if not report:
            raise AssertionError(str(report))
        return report

    return check


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Check what a marked test returns, if it is (f, *inputs)."""
    __tracebackhide__ = True
    test = pyfuncitem.obj
    if pyfuncitem.get_closest_marker("gradcheck") is None or inspect.iscoroutinefunction(test):
        return (yield)

    @functools.wraps(test)
    def checked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        answer = test(*args, **kwargs)
        if not (isinstance(answer, tuple) and answer and (callable(answer[0]) or hasattr(answer[0], "bind"))):
            return answer
        from autodiff.testing.checks.gradcheck import gradcheck

        report = gradcheck(*answer, **{"name": _name(answer[0], pyfuncitem)} | _keywords(pyfuncitem))
        if not report:
            pytest.fail(str(report), pytrace=False)  # no line of the test would say more
        return None

    pyfuncitem.obj = checked
    try:
        return (yield)
    finally:
        pyfuncitem.obj = test


def _name(f: Any, item: pytest.Item) -> str | None:
    """Return a name for a lambda: its test's."""
    return item.name if getattr(f, "__name__", None) == "<lambda>" else None


# --- collecting reports --------------------------------------------------------------------------------------------


@dataclass
class Row:
    """A report, the number of checks it stands for, and whether hypothesis drew them."""

    report: Report
    drawn: bool
    times: int = 1


class Collected:
    """The reports made while one test runs."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, report: Report) -> None:
        """Add a report; drawn examples of one function share a row for each verdict.

        Of those that failed the last is kept, which hypothesis has shrunk; of those that passed, the closest call.
        """
        row = Row(report, _drawing())
        if row.drawn or len(self.rows) >= MOST_ROWS:
            known = next((r for r in self.rows if _kind(r.report) == _kind(report)), None)
            if known is not None:
                self.rows.remove(known)
                row.times += known.times
                row.report = max(known.report, report, key=_excess) if report else report
        self.rows.append(row)

    def failing(self) -> list[Report]:
        """Return the reports that did not pass; of drawn examples the last, which is the one that failed the test."""
        failing = [row for row in self.rows if not row.report]
        drawn = [row for row in failing if row.drawn]
        return [row.report for row in failing if not row.drawn] + [row.report for row in drawn[-1:]]


def _kind(report: Report) -> tuple[str, int, Verdict]:
    return report.function, report.order, report.verdict


def _drawing() -> bool:
    """Say whether a hypothesis test is running."""
    if "hypothesis" not in sys.modules:
        return False
    from hypothesis import currently_in_test_context

    return currently_in_test_context()


def _excess(report: Report) -> float:
    return report.worst.excess if report.worst is not None else -1.0


COLLECTED = pytest.StashKey[Collected]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Collect the reports that a test makes, its fixtures included."""
    item.stash[COLLECTED] = collected = Collected()
    observers.append(collected.add)
    try:
        return (yield)
    finally:
        observers.remove(collected.add)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failing test its reports, unless its message has them, and to every test its rows of the page."""
    if call.excinfo is not None and not item.config.option.fulltrace:
        _shorten(call.excinfo.tb)
    outcome = yield
    collected = item.stash.get(COLLECTED, None)
    if collected is None or not collected.rows:
        return outcome
    if outcome.failed:
        shown, failing = _unspaced(outcome.longreprtext), collected.failing()
        if failing and not any(_unspaced(str(report)) in shown for report in failing):
            outcome.sections.append((SECTION, _text(failing)))
    if item.config.getoption(PAGE):
        from autodiff.testing.plugin.page import Check

        packed = [Check(item.nodeid, row.report, row.times).pack() for row in collected.rows]
        outcome.gradchecks = packed  # type: ignore[attr-defined]  # plain text, as pytest-xdist's wire asks
    collected.rows = []
    return outcome


def _shorten(traceback: TracebackType | None) -> None:
    """Where a function under test raised, leave out how the checks came to call it."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    here = Path(__file__).parents[1]
    theirs = [frame for frame in frames if here not in Path(frame.tb_frame.f_code.co_filename).parents]
    if theirs and theirs[-1] is frames[-1]:
        for frame, following in pairwise(theirs):
            frame.tb_next = following


def _unspaced(text: str) -> str:
    """Return a text without the margins that pytest puts before the lines of a message."""
    return "\n".join(line.removeprefix("E ").strip() for line in text.splitlines())


def _text(reports: list[Report]) -> str:
    """Return the last reports as text."""
    left = len(reports) - MOST_SHOWN
    head = [f"({left:,} earlier reports are left out)"] if left > 0 else []
    return "\n\n".join(head + [str(report) for report in reports[-MOST_SHOWN:]])


# --- showing them --------------------------------------------------------------------------------------------------


class Session:
    """What is done once, where the terminal is: colouring reports, writing the page."""

    def __init__(self, config: pytest.Config, page: Path | None) -> None:
        self.config, self.page, self.started = config, page, time.time()
        self.packed: list[str] = []
        self.failed: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a test's rows off its report, and colour what a terminal that has colours will show."""
        self.packed += report.__dict__.pop("gradchecks", [])
        if report.failed:
            self.failed.add(report.nodeid)
            terminal = self.config.pluginmanager.get_plugin("terminalreporter")
            if terminal is not None and terminal.hasmarkup:
                report.sections = [(n, self.coloured(text) if n == SECTION else text) for n, text in report.sections]

    def coloured(self, text: str) -> str:
        """Return a report's text with its verdict and its two values in colour."""
        markup = self.config.get_terminal_writer().markup
        lines = []
        for line in text.splitlines():
            verdict = next((v for v in Verdict if line.startswith(f"{v.upper()}: ")), None)
            label = re.match(r"  (\w+)  ", line)
            if verdict is not None:
                line = markup(line, bold=True, **{COLOURS[verdict]: True})
            elif label and label[1] in LABELS:
                line = markup(line, **{LABELS[label[1]]: True})
            lines.append(line)
        return "\n".join(lines)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the page."""
        if self.page is None:
            return
        from autodiff.testing.plugin.page import render

        name = self.config.rootpath.name
        self.page.write_text(render(self.checks, f"Gradient checks of {name}", self.facts()), "utf-8", "replace")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the page is and what is on it."""
        if self.page is not None:
            from autodiff.testing.plugin.page import tally

            terminalreporter.write_sep("-", f"gradcheck: {tally(self.checks)}; {self.config.getoption(PAGE)}")

    @functools.cached_property
    def checks(self) -> list[Any]:
        """The rows of the page; how their tests ended is known at the end."""
        from autodiff.testing.plugin.page import Check

        checks = [Check.unpack(text) for text in self.packed]
        for check in checks:
            check.test_failed = check.test in self.failed
        return checks

    def facts(self) -> dict[str, str]:
        """Return what the page says under its title."""
        seeds = sorted({check.report.seed for check in self.checks})
        listed = ", ".join(map(str, seeds)) if len(seeds) <= 3 else f"{seeds[0]} … {seeds[-1]}"
        drawn = self.config.getoption("--hypothesis-seed", None)
        facts = {
            "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started)),
            "tests": f"{len({check.test for check in self.checks}):,}",
            "seeds" if len(seeds) > 1 else "seed": listed or "none",
        }
        return facts | ({"hypothesis seed": str(drawn)} if drawn else {}) | dict(_versions())


def _versions() -> Iterator[tuple[str, str]]:
    """Name the versions of what takes part."""
    yield "Python", ".".join(map(str, sys.version_info[:3]))
    for name in ("ndtape", "numpy", "hypothesis", "pytest"):
        with suppress(metadata.PackageNotFoundError):
            yield name, metadata.version(name)
