"""The pytest plugin as users meet it: every test here runs pytest on a small project of its own."""

from __future__ import annotations

import re
from contextlib import nullcontext
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import strategies

import autodiff as ad
from autodiff.testing import gradcheck, laws, report  # noqa: F401  (kept loaded between the runs below)
from autodiff.testing.plugin import profiles, properties

pytest_plugins = ["pytester"]

PLANTED = """
    import numpy as np, autodiff as ad

    @ad.primitive(lambda g, x: g * np.where(x < 0, 1.001, 1) * np.cos(x))
    def wrong(x):  # for negative inputs
        return np.sin(x)

    @ad.primitive(lambda g, x: g * np.sin(x))
    def cosine(x):  # the sign
        return np.cos(x)

    @ad.primitive(lambda g, x: g * cosine(x))
    def sine(x):  # right to first order, wrong to second
        return np.sin(x)
"""
NAMES = """
    import numpy as np, pytest
    from hypothesis import strategies as st
    from autodiff import testing
    from autodiff.testing import gradient_property
    from planted import sine, wrong

    floats = st.floats(-3, 3).map(np.array)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Return a function that writes a test module and runs pytest on it."""
    for name in ("CI", "BUILD_NUMBER"):  # there pytest's summary repeats whole messages
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(planted=PLANTED)

    def run(tests: str, *arguments: str, subprocess: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_it=dedent(NAMES) + dedent(tests))
        plain = ("-p", "no:cacheprovider", "--strict-markers", "-W", "error", *arguments)
        return pytester.runpytest_subprocess(*plain) if subprocess else pytester.runpytest_inprocess(*plain)

    return run


def shown(result: pytest.RunResult) -> str:
    return result.stdout.str()


# --- the marker and the fixture ------------------------------------------------------------------------------------

RETURNED = """
    @pytest.mark.gradcheck
    def test_right():
        return np.sin, np.array([-0.5, 0.5])

    @pytest.mark.gradcheck
    def test_wrong():
        return lambda x: wrong(x) * 2, np.array([-0.5, 0.5])

    def test_unmarked():
        pass
"""


def test_what_a_marked_test_returns_is_checked(project) -> None:
    result = project(RETURNED)
    result.assert_outcomes(passed=2, failed=1)
    assert shown(result).count("1.001 times") == 1  # once: the report is the message
    result.stdout.fnmatch_lines(
        ["FAIL: test_wrong*wrong derivative", "*d output?0? / d x?0?", "FAILED*FAIL: test_wrong*"]
    )
    assert "plugin.py" not in shown(result)


def test_the_marker_selects(project) -> None:
    project(RETURNED, "-m", "gradcheck").assert_outcomes(passed=1, failed=1, deselected=1)


def test_keywords_come_from_markers_the_nearest_winning(project) -> None:
    tests = """
    @pytest.mark.gradcheck(order=2)
    class TestSine:
        def test_of_the_class(self):
            return sine, 0.5

        @pytest.mark.gradcheck(order=1)
        def test_of_its_own(self):
            return sine, 0.5

        def test_fixture(self, gradcheck):
            gradcheck(sine, 0.5)

        def test_given(self, gradcheck):
            assert gradcheck(sine, 0.5, order=1).order == 1
    """
    result = project(tests, "-v")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        ["*test_of_the_class FAILED*", "*of_its_own PASSED*", "*fixture FAILED*", "*given PASSED*"]
    )


def test_a_marker_with_arguments_says_what_to_write(project) -> None:
    result = project("@pytest.mark.gradcheck(np.sin, 0.5)\ndef test(): return np.sin, 0.5")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*takes keywords of gradcheck only, got *sin*, 0.5; return (f, ?inputs)*"])


def test_other_answers_are_left_to_pytest(project) -> None:
    result = project("@pytest.mark.gradcheck\ndef test(): return 3")
    result.stdout.fnmatch_lines(["*should return None*"])


def test_the_fixture_fails_at_the_line_that_called_it(project) -> None:
    tests = """
    def test(gradcheck):
        gradcheck(np.sin, -0.5)
        gradcheck(wrong, -0.5)
    """
    result = project(tests)
    result.stdout.fnmatch_lines([">*gradcheck(wrong, -0.5)", "E*FAIL: wrong*", "E*analytic*", "test_it.py:*"])
    assert shown(result).count("1.001 times") == 1
    assert "plugin.py" not in shown(result)


def test_an_error_of_the_function_shows_no_way_through_the_checks(project) -> None:
    tests = """
    def broken(x):
        raise RuntimeError("inside")

    def test_asserted():
        assert testing.gradcheck(broken, 0.5)

    @gradient_property(floats)
    def test_drawn(x):
        return broken(x)
    """
    result = project(tests)
    result.assert_outcomes(failed=2)
    assert "autodiff/testing" not in shown(result)
    assert shown(result).count('>       raise RuntimeError("inside")') == 2
    assert "autodiff/testing" in shown(project(tests, "--full-trace"))


# --- reports of failing tests --------------------------------------------------------------------------------------

ASSERTED = """
    def test_asserted():
        assert testing.gradcheck(np.cosh, 0.5)
        assert testing.gradcheck(wrong, -0.5)

    def test_expected():
        assert not testing.gradcheck(wrong, -0.5)
"""


def test_a_failed_assert_shows_the_whole_report(project) -> None:
    result = project(ASSERTED)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- gradcheck -*", "FAIL: wrong*", "  analytic*", "  numeric*±*", "  checked*seed 0*"])
    assert "PASS: cosh" not in shown(result)
    assert shown(result).count("\n  analytic") == 1


@pytest.mark.parametrize("color", ["yes", "no"])
def test_colour_where_the_terminal_has_it(project, color: str) -> None:
    lines = shown(project(ASSERTED, f"--color={color}")).splitlines()
    values = next(line for line in lines if "  analytic  " in line)
    assert values.startswith("\x1b[31m" if color == "yes" else "  analytic")


def test_doctests_and_unittests_are_served_too(project, pytester: pytest.Pytester) -> None:
    tests = '''
    import unittest

    class Test(unittest.TestCase):
        def test(self):
            self.assertTrue(testing.gradcheck(wrong, -0.5))

    def f():
        """
        >>> bool(testing.gradcheck(wrong, -0.25))
        True
        """
    '''
    result = project(tests, "--doctest-modules")
    result.assert_outcomes(failed=2)
    assert shown(result).count("FAIL: wrong") == 2


def test_only_the_last_of_many_reports_are_shown(project) -> None:
    tests = """
    from autodiff.testing.report import Report, Verdict, finished

    def test():
        assert all([finished(Report(f"f{i}", Verdict.FAIL)) for i in range(7)])
    """
    text = shown(project(tests))
    assert "(2 earlier reports are left out)" in text
    assert re.findall("\nFAIL: (f.)", text) == ["f2", "f3", "f4", "f5", "f6"]


# --- properties ----------------------------------------------------------------------------------------------------


def test_a_failing_property_shows_shrunk_inputs_and_one_report(project) -> None:
    tests = """
    @gradient_property(floats)
    def test_wrong(x):
        return wrong(x)
    """
    result = project(tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*def test_wrong(x):*", "E*FAIL: test_wrong*", "E*x=array(-*", "test_it.py:*"])
    text = shown(result)
    assert text.count("1.001 times") == 1
    assert text.count("test_wrong(") == 2  # the source and the example
    assert "properties.py" not in text
    assert "hypothesis/core.py" not in text


def test_properties_fit_where_tests_stand(project) -> None:
    tests = """
    @pytest.fixture(scope="module")
    def factor():
        return 3.0

    class TestClass:
        @pytest.mark.parametrize("power", [1, 2])
        @gradient_property(floats, max_examples=3)
        def test_in_order(self, factor, power, x):
            return np.sin(x) ** power * factor

        @gradient_property(y=floats, x=floats, max_examples=3)
        def test_by_keyword(self, x, factor, y):
            return wrong(y) * x * factor
    """
    result = project(tests, "-m", "gradcheck")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["E*where*/ d y"])


INCONCLUSIVE = """
    noise = np.random.default_rng(0)

    @gradient_property(floats, max_examples=1, suppress_health_check=["filter_too_much"] {})
    def test(x):
        return x + noise.standard_normal()
"""


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("", "E*INCONCLUSIVE: test*non-deterministic"),
        (", inconclusive='fail'", "E*INCONCLUSIVE: test*non-deterministic"),
        (", inconclusive='pass'", "*1 passed*"),
        (", inconclusive='reject'", "*Unsatisfiable*"),
    ],
)
def test_inconclusive_is_a_failure_unless_told_otherwise(project, option: str, message: str) -> None:
    project(INCONCLUSIVE.replace("{}", option)).stdout.fnmatch_lines([message])


def test_a_property_is_called_by_hand() -> None:
    @properties.gradient_property(properties_floats(), order=2, max_examples=3)
    def right(x):
        return np.tanh(x)

    @properties.gradient_property(x=properties_floats(), max_examples=3)
    def wrong(x):
        return ad.tensor(2.0, dtype=float) * np.tanh(x.detach()) if isinstance(x, ad.Tensor) else x

    right()
    with pytest.raises(AssertionError, match="FAIL: wrong"):
        wrong()


def properties_floats():
    return strategies.floats(-2, 2).map(np.array)


def additivity(f, x):
    failed = report.Report("additivity", report.Verdict.FAIL, "broken law")
    return failed if x > 1 else report.Report("additivity", report.Verdict.PASS)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (laws.determinism, None),
        (lambda f, x: f(-x) == -f(x), None),
        (additivity, "FAIL: additivity"),
        (lambda f, x: f(x) <= 1, "<lambda> does not hold"),
    ],
)
def test_laws_are_held_at_every_example(law, message: str | None) -> None:
    @properties.gradient_property(properties_floats(), laws=[law], max_examples=10)
    def double(x):
        return 2 * x

    with nullcontext() if message is None else pytest.raises(AssertionError, match=message):
        double()


@pytest.mark.parametrize(
    ("misuse", "error", "message"),
    [
        (lambda: properties.gradient_property(np.sin), TypeError, "takes strategies, got .*sin"),
        (lambda: properties.gradient_property(properties_floats())(np.sin), TypeError, "decorates a function.*sin"),
        (lambda: properties.gradient_property(), TypeError, "needs strategies"),
        (
            lambda: properties.gradient_property(properties_floats(), x=properties_floats()),
            TypeError,
            "1 in order and 1",
        ),
        (lambda: properties.gradient_property(properties_floats(), orders=2), TypeError, "orders is neither"),
        (lambda: properties.gradient_property(properties_floats(), inconclusive="skip"), ValueError, "'skip'.*reject"),
    ],
)
def test_misuse_is_told_where_it_is_written(misuse, error, message: str) -> None:
    with pytest.raises(error, match=message):
        misuse()


# --- the page ------------------------------------------------------------------------------------------------------

MIXED = (
    ASSERTED
    + RETURNED
    + """
    @gradient_property(floats, max_examples=10)
    def test_property(x):
        return np.sin(x)

    def test_noise():
        testing.gradcheck(lambda x: x + np.random.random(), 0.5, name="noisy")

    def test_many(gradcheck):
        gradcheck(np.exp, 0.5)
        gradcheck(np.exp, 1.5, order=2)
    """
)
ROW = re.compile(r'<tbody class="check (\w+)".*?<button[^>]*>(.*?)</button><span class="test">(.*?)</span>', re.DOTALL)


def rows(pytester: pytest.Pytester) -> list[tuple[str, ...]]:
    """Return the verdict, function and test of the page's rows."""
    page = (pytester.path / "out/checks.html").read_text()
    return [tuple(part.replace("<wbr>", "") for part in row) for row in ROW.findall(page)]


EXPECTED = [
    ("fail", "wrong", "test_it.py::test_asserted"),
    ("fail", "test_wrong", "test_it.py::test_wrong"),
    ("fail", "wrong", "test_it.py::test_expected"),  # after those that failed a test
    ("inconclusive", "noisy", "test_it.py::test_noise"),
    ("pass", "cosh", "test_it.py::test_asserted"),
    ("pass", "sin", "test_it.py::test_right"),
    ("pass", "test_property", "test_it.py::test_property"),
    ("pass", "exp", "test_it.py::test_many"),
    ("pass", "exp", "test_it.py::test_many"),
]
COUNTS = "gradcheck: 3 failed (1 in tests that passed), 1 inconclusive (1 in tests that passed), 5 passed"


def test_the_page_has_every_check_failing_first(project, pytester: pytest.Pytester) -> None:
    result = project(MIXED, "--gradcheck-report=out/checks.html")
    assert f"{COUNTS}; out/checks.html" in shown(result)
    assert rows(pytester) == EXPECTED
    assert "10 examples" in (pytester.path / "out/checks.html").read_text()


def test_workers_send_their_checks(project, pytester: pytest.Pytester) -> None:
    result = project(MIXED, "--gradcheck-report=out/checks.html", "-n", "2", "--color=yes", subprocess=True)
    assert COUNTS in shown(result)
    assert "\x1b[31m  analytic" in shown(result)
    assert sorted(rows(pytester)) == sorted(EXPECTED)


def test_no_page_where_none_is_asked_for(project, pytester: pytest.Pytester) -> None:
    assert "gradcheck" not in shown(project("def test(gradcheck): gradcheck(np.sin, 0.5)"))
    project(MIXED, "--gradcheck-report=out/checks.html", "--collect-only")
    assert not (pytester.path / "out").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test_it.py", "expected the name of a .html file"),
        (".", "expected the name of a .html file"),
        ("test_it.py/checks.html", "expected a file in a folder that can be written"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_at_once(project, name: str, message: str) -> None:
    result = project("def test(): pass", f"--gradcheck-report={name}")
    result.stderr.fnmatch_lines([f"*--gradcheck-report={name}: *{message}*"])


# --- beside other plugins ------------------------------------------------------------------------------------------


def test_a_project_that_checks_no_gradients_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pathlib, sys\ndef test(): pathlib.Path('loaded').write_text(' '.join(sys.modules))")
    result = pytester.runpytest_subprocess("-W", "error", "--strict-config", "--strict-markers")
    result.assert_outcomes(passed=1)
    loaded = set((pytester.path / "loaded").read_text().split())
    assert "autodiff.testing.plugin.hooks" in loaded
    heavy = {"hypothesis", "scipy", "torch", "autodiff.testing.checks.gradcheck", "autodiff.testing.plugin.page"}
    assert not loaded & heavy


def test_the_profiles_are_there_when_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("from hypothesis import settings\ndef test(): print('examples', settings().max_examples)")
    result = pytester.runpytest_subprocess("-s", "--hypothesis-profile=thorough")
    result.stdout.fnmatch_lines(["*examples 1000*"])


PROFILES = """
    from hypothesis import settings
    settings.register_profile("dev", max_examples=7)
    from autodiff.testing.plugin import profiles
    profiles.register()
    assert settings.get_profile("dev").max_examples == 7
    ci, thorough = settings.get_profile("ci"), settings.get_profile("thorough")
    assert (ci.derandomize, ci.database, ci.print_blob, ci.deadline) == (True, None, True, None)
    assert (thorough.print_blob, thorough.deadline) == (True, None)
    profiles.load("thorough")
    assert settings().max_examples == 1000
"""


def test_profiles_have_no_deadline_and_leave_a_projects_own_alone(pytester: pytest.Pytester) -> None:
    assert pytester.runpython_c(dedent(PROFILES)).ret == 0
    with pytest.raises(ValueError, match="'fast' is not one of the profiles dev, ci, thorough"):
        profiles.register("fast")


def test_a_property_of_a_lambda_is_checked_as_well() -> None:
    from autodiff.testing import gradient_property, tensors

    gradient_property(tensors(shape=(2,)), max_examples=3)(lambda x: x * 2)()
    with pytest.raises(AssertionError, match="wrong derivative"):
        gradient_property(tensors(shape=(2,)), max_examples=3)(lambda x: x * x.detach() + x)()
