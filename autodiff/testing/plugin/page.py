"""The page of `pytest --gradcheck-report=FILE.html`: a row per check, in one file that needs no network.

A `Check` is what the page knows of one row; it travels as text, from the workers of pytest-xdist as well. A comparison
is drawn in units of what it allows, on one scale for the whole page, so that pictures can be compared down the column.
"""

from __future__ import annotations

import json
import math
import operator
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from typing import Any

from autodiff.testing.report import Entry, Report, Verdict

SYMBOLS = {Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.PASS: "✓"}
COLUMNS = {
    "Verdict": "",
    "Check": "",
    "Worst derivative": "",
    "Mismatch": "",
    "Oracle": "",
    "Order": "number",
    "Checked": "number",
    "Evals": "number",
    "Seed": "number",
}
PICTURED = 8  # comparisons listed under a row
HALF, INNER, DECADE, FARTHEST = 88, 26, 4, 15  # a picture, in pixels from its middle: linear, then decades up to 1e15


@dataclass
class Check:
    """A row: a report, the test it was made in, and for how many drawn examples it stands."""

    test: str
    report: Report
    times: int = 1
    test_failed: bool = False

    def pack(self) -> str:
        """Return the check as text."""
        return json.dumps(asdict(self), default=_plain)

    @classmethod
    def unpack(cls, text: str) -> Check:
        """Return the check that `pack` wrote."""
        plain = json.loads(text)
        return cls(**(plain | {"report": _report(plain["report"])}))

    @property
    def rank(self) -> int:
        """The place on the page: what failed a test first, then what a test expected, then what passed."""
        verdicts = [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]
        unexpected = self.test_failed and self.report.verdict is not Verdict.PASS
        return verdicts.index(self.report.verdict) + (0 if unexpected else 2)


def _plain(x: Any) -> int | float:
    """Return a NumPy number as Python's."""
    return operator.index(x) if hasattr(x, "__index__") else float(x)


def _report(plain: dict[str, Any]) -> Report:
    report = Report(**plain)
    report.verdict = Verdict(report.verdict)
    report.worst = None if plain["worst"] is None else _entry(plain["worst"])
    report.entries = [_entry(entry) for entry in plain["entries"]]
    return report


def _entry(plain: dict[str, Any]) -> Entry:
    pairs = {name: plain[name] and tuple(plain[name]) for name in ("interval",)}
    places = {n: None if plain[n] is None else tuple(plain[n]) for n in ("index", "output_index")}
    return Entry(**(plain | pairs | places))


def tally(checks: Iterable[Check]) -> str:
    """Say in one line how many checks passed, failed and stayed inconclusive."""
    checks = list(checks)
    parts = []
    for verdict, words in ((Verdict.FAIL, "failed"), (Verdict.INCONCLUSIVE, "inconclusive"), (Verdict.PASS, "passed")):
        found = [check for check in checks if check.report.verdict is verdict]
        tolerated = sum(not check.test_failed for check in found)
        aside = f" ({tolerated:,} in tests that passed)" if tolerated and verdict is not Verdict.PASS else ""
        if found or verdict is Verdict.PASS:
            parts.append(f"{len(found):,} {words}{aside}")
    return ", ".join(parts)


def render(checks: Iterable[Check], title: str, facts: dict[str, str]) -> str:
    """Return the page; `facts` are shown under the title (versions, seeds, when)."""
    rows = sorted(checks, key=lambda check: check.rank)
    counts = Counter(check.report.verdict for check in rows)
    heads = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in COLUMNS.items())
    body = "".join(_row(check, f"check-{i}") for i, check in enumerate(rows))
    if not rows:
        body = f'<tr><td colspan="{len(COLUMNS)}" class="empty">No gradient was checked in this run.</td></tr>'
    described = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{escape(_headline(counts))} · {escape(title)}</title>
<style>{_asset("page.css")}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<dl class="facts">{described}</dl>
{_bar(counts)}
</header>
<search>
<div class="filters" role="group" aria-label="Show">{_filters(counts)}</div>
<input type="search" placeholder="Search tests, functions, reasons" aria-label="Search" aria-keyshortcuts="/">
<output aria-live="polite"></output>
<button type="button" id="expand" aria-pressed="false">Open all</button>
</search>
{_key()}
<main>
<table>
<thead><tr>{heads}</tr></thead>
{body}
</table>
</main>
<script>{_asset("page.js")}</script>
</body>
</html>
"""


def _asset(name: str) -> str:
    return (files("autodiff.testing.plugin") / name).read_text(encoding="utf-8")


def _headline(counts: Counter[Verdict]) -> str:
    """Return what a browser's tab says."""
    failed = counts[Verdict.FAIL]
    return f"{failed:,} failed" if failed else f"{counts[Verdict.PASS]:,} passed"


def _bar(counts: Counter[Verdict]) -> str:
    """Return the shares of the verdicts as one bar; the filters beneath it carry the numbers."""
    parts = "".join(f'<i class="{v}" style="flex-grow: {counts[v]}"></i>' for v in SYMBOLS if counts[v])
    return f'<div class="bar" aria-hidden="true">{parts}</div>'


def _filters(counts: Counter[Verdict]) -> str:
    buttons = [f'<button type="button" data-verdict="" aria-pressed="true"><b>{counts.total():,}</b> checks</button>']
    for verdict, symbol in SYMBOLS.items():
        buttons.append(
            f'<button type="button" data-verdict="{verdict}" class="{verdict}" aria-pressed="false">'
            f'<span aria-hidden="true">{symbol}</span> <b>{counts[verdict]:,}</b> {verdict}</button>'
        )
    return "".join(buttons)


def _key() -> str:
    smooth = Entry("x", (0,), "y", (), analytic=1.4, numeric=1.0, error=0.35, tolerance=1.0, step=0.1)
    wrong = Entry("x", (0,), "y", (), analytic=3e7, numeric=1.0, error=0.35, tolerance=1.0, step=0.1)
    kink = Entry("x", (0,), "y", (), 0.4, 0.0, 0.1, 0.35, 0.1, (-1.0, 1.0))
    texts = (
        (
            smooth,
            "agrees: the analytic value (dot) is in the band allowed around the numeric one and its error bar",
        ),
        (wrong, "wrong: beyond the band every tick is a thousand times farther"),
        (kink, "at a kink: anywhere between the one-sided derivatives"),
    )
    items = "".join(f"<span>{picture(entry)} {text}</span>" for entry, text in texts)
    return f'<p class="key">{items}</p>'


# --- a row ---------------------------------------------------------------------------------------------------------


def _row(check: Check, name: str) -> str:
    report, worst = check.report, check.report.worst
    verdict = report.verdict
    tolerated = '<span class="note">test passed</span>' if verdict is not Verdict.PASS and not check.test_failed else ""
    reason = f'<span class="note">{escape(report.reason)}</span>' if report.reason else ""
    times = f'<span class="note">{check.times:,} examples</span>' if check.times > 1 else ""
    words = " ".join([check.test, report.function, report.reason, report.detail, report.oracle, *report.notes])
    missed = "" if report.missed is None else f'<span class="note">missed &lt; {report.missed:.1g}</span>'
    named = _breakable(report.function)
    button = f'<button type="button" aria-expanded="false" aria-controls="{name}">{named}</button>'
    cells = [
        f'<span class="verdict"><span aria-hidden="true">{SYMBOLS[verdict]}</span> {verdict}</span>{reason}{tolerated}',
        f'{button}<span class="test">{_breakable(check.test)}</span>{times}',
        "" if worst is None else _worst(worst, verdict),
        "" if worst is None else picture(worst, verdict),
        f'<span class="oracle" title="{escape(report.oracle)}">{escape(report.oracle)}</span>',
        str(report.order),
        f"{report.checked:,}{missed}",
        f'{report.evaluations:,}<span class="note">{_seconds(report.seconds)}</span>',
        str(report.seed),
    ]
    columns = zip(COLUMNS.items(), cells, strict=True)
    tds = "".join(f'<td class="{kind}" data-label="{label}">{cell}</td>' for (label, kind), cell in columns)
    return (
        f'<tbody class="check {verdict}" data-verdict="{verdict}" data-words="{escape(words.lower())}">'
        f'<tr class="line">{tds}</tr>'
        f'<tr class="more" id="{name}"><td colspan="{len(COLUMNS)}">{_more(report)}</td></tr></tbody>\n'
    )


def _worst(entry: Entry, verdict: Verdict) -> str:
    """Return a comparison as a small block of aligned numbers."""
    analytic, numeric = _aligned(entry.analytic, entry.numeric, entry.error)
    if verdict is not Verdict.PASS:
        analytic = _differing(analytic, numeric)
    against = f"<dt>numeric</dt><dd>{numeric} <small>± {entry.error:.1g}</small></dd>"
    if entry.interval is not None:
        low, high = _aligned(*entry.interval)
        against = f"<dt>between</dt><dd>{low} <small>and</small> {high}</dd>"
    step = f"<dt>step</dt><dd>{entry.step:.2g}</dd>" if entry.step else ""  # laws take none
    values = f'<dl class="values"><dt>analytic</dt><dd>{analytic}</dd>{against}{step}</dl>'
    return f'<span class="place">{_breakable(entry.place)}</span>{values}'


def _more(report: Report) -> str:
    """Return what is folded under a row: the worst comparisons and the report as text."""
    entries = report.entries[:PICTURED] or ([report.worst] if report.worst else [])
    rows = "".join(_comparison(entry, report.verdict) for entry in entries)
    names = ("Derivative", "Analytic", "Numeric", "Error bar", "Allowed", "Mismatch", "Step", "")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    left = f" (the worst {len(entries)} of {report.checked:,})" if report.checked > len(entries) else ""
    table = f"<h2>Comparisons{left}</h2><table><thead><tr>{heads}</tr></thead>{rows}</table>" if rows else ""
    return f"<h2>Report</h2><pre>{escape(str(report))}</pre>{table}"


def _comparison(entry: Entry, verdict: Verdict) -> str:
    analytic, numeric = _aligned(entry.analytic, entry.numeric, entry.error)
    if entry.interval is not None:
        numeric = " … ".join(_aligned(*entry.interval))
    cells = (analytic, numeric, f"{entry.error:.1g}", f"{entry.tolerance:.1g}", f"{entry.mismatch:.2g}")
    numbers = "".join(f"<td>{cell}</td>" for cell in (*cells, f"{entry.step:.2g}"))
    return f"<tr><td>{escape(entry.place)}</td>{numbers}<td>{picture(entry, verdict)}</td></tr>"


def _aligned(a: float, b: float, error: float = 0.0) -> tuple[str, str]:
    """Return two numbers in one format, so that digits stand under digits: as many as the error bar leaves meaning."""
    largest = max((abs(x) for x in (a, b) if math.isfinite(x)), default=0.0)
    leading = math.floor(math.log10(largest)) if largest else 0
    digits = leading - math.floor(math.log10(error)) if 0 < error < math.inf else 9
    digits = min(max(digits, 4), 12)  # beside the leading one
    style = f".{digits}e" if not -4 <= leading < 7 else f".{min(max(digits - leading, 0), 12)}f"
    return format(a, style), format(b, style)


def _differing(a: str, b: str) -> str:
    """Mark the digits of a from the first that differs from b's."""
    if len(a) != len(b):
        return f"<mark>{a}</mark>"
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), len(a))
    return f"{a[:same]}<mark>{a[same:]}</mark>" if same < len(a) else a


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _breakable(text: str) -> str:
    """Let a browser break a long name where a reader would."""
    for mark in ("::", "/", "[", "_"):
        text = text.replace(mark, f"\0{mark}" if mark == "[" else f"{mark}\0")
    return escape(text).replace("\0", "<wbr>")


# --- a picture -----------------------------------------------------------------------------------------------------


def picture(entry: Entry, verdict: Verdict | None = None) -> str:
    """Return an analytic value against the numeric one as SVG, in units of the mismatch that is allowed.

    Within what is allowed the scale is linear, beyond it logarithmic. At a kink the one-sided derivatives and what is
    allowed beside them take the place of the numeric value and its error bar.
    """
    middle, reach = entry.numeric, entry.tolerance
    bar = entry.error
    if entry.interval is not None:
        low, high = entry.interval
        middle, bar = (low + high) / 2, (high - low) / 2
        reach = bar + entry.tolerance
    marks = "".join(_picture(entry.analytic - middle, bar, reach, kink=entry.interval is not None))
    ok = entry.excess <= 1
    colour = verdict or (Verdict.PASS if ok else Verdict.FAIL)
    if verdict is Verdict.FAIL and ok:  # one of the right entries of a wrong derivative
        colour = Verdict.PASS
    label = f"mismatch {entry.mismatch:.2g}, allowed {entry.tolerance:.2g}"
    return (
        f'<svg class="picture {colour}" viewBox="{-HALF} -10 {2 * HALF} 20" width="{2 * HALF}" height="20" '
        f'role="img" aria-label="{label}"><title>{label}</title>{marks}</svg>'
    )


def _picture(offset: float, bar: float, reach: float, *, kink: bool) -> Iterator[str]:
    yield f'<path class="axis" d="M{-HALF} 0H{HALF}{_ticks()}"/>'
    yield f'<rect class="band" x="{-INNER}" y="-6" width="{2 * INNER}" height="12" rx="2"/>'
    x, half = _at(offset, reach), max(abs(_at(bar, reach)), 1.0)
    if math.isnan(x):
        yield '<text class="analytic" x="0" y="3.5" text-anchor="middle">not finite</text>'
        return
    if math.isfinite(half):
        caps = f"M{-half:.1f} 0H{half:.1f}M{-half:.1f} -4V4M{half:.1f} -4V4"
        yield f'<path class="{"kink" if kink else "error"}" d="{caps}"/>'
    if not kink:
        yield '<path class="numeric" d="M0 -6V6"/>'
    if abs(x) > HALF - 4:  # farther than the scale goes
        end = math.copysign(HALF - 1, x)
        yield f'<path class="analytic" d="M{end:.1f} 0L{end - math.copysign(8, x):.1f} -5V5Z"/>'
    else:
        yield f'<circle class="analytic" cx="{x:.1f}" cy="0" r="3.5"/>'


def _ticks() -> str:
    places = [INNER + DECADE * k for k in range(3, FARTHEST + 1, 3)]
    return "".join(f"M{side * place} -2V2" for place in places for side in (-1, 1))


def _at(offset: float, reach: float) -> float:
    """Return where an offset is drawn, in pixels from the middle; infinite beyond the scale, NaN where it has none."""
    if offset == 0 or math.isnan(offset):
        return offset
    ratio = abs(offset) / reach if reach > 0 else math.inf
    if ratio <= 1:
        return INNER * offset / reach
    far = INNER + DECADE * math.log10(ratio) if math.isfinite(ratio) else math.inf
    return math.copysign(far if far <= INNER + DECADE * FARTHEST else math.inf, offset)
