"""Imports point one way, files can be read in one sitting, and rules keep the laws that let them be lifted."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("autodiff", "nn") for path in (ROOT / package).rglob("*.py"))
RULES = sorted((ROOT / "autodiff/rules").glob("*.py"))
LONGEST = 520

# From the bottom up: a module imports, while it is loaded, only from its own layer and those before it.
LAYERS = (
    ("core", ("tape", "plan", "signature", "errors", "primitive", "sweep", "tensor", "methods", "creation", "random")),
    ("kernels", ("kernels",)),
    ("rules", ("rules",)),
    ("chapters", ("special", "linalg")),
    ("tools", ("functional", "graph", "testing")),
)
HEAVY = ("scipy", "graphviz", "pygraphviz", "hypothesis", "matplotlib", "tqdm", "sklearn", "torch")


def name_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module: str) -> int:
    """How high a module stands: `autodiff`'s layers, then its public face, then nn."""
    package, _, inner = module.partition(".")
    if package == "nn":
        return len(LAYERS) + 1
    family = inner.partition(".")[0]
    return next((i for i, (_, families) in enumerate(LAYERS) if family in families), len(LAYERS))


def loaded(statements: list[ast.stmt]) -> Iterator[str]:
    """Modules imported when the statements run at load time: not inside functions, not for type checkers only."""
    for node in statements:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names):
                for alias in names:
                    nested = ROOT / (module or "").replace(".", "/") / alias.name
                    yield f"{module}.{alias.name}" if nested.with_suffix(".py").exists() or nested.is_dir() else module
            case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=rest):
                yield from loaded(rest)
            case ast.If(body=body, orelse=rest):
                yield from loaded(body + rest)
            case ast.With(body=body) | ast.ClassDef(body=body):
                yield from loaded(body)
            case ast.Try(body=body, handlers=handlers, orelse=rest, finalbody=last):
                yield from loaded(body + [s for h in handlers for s in h.body] + rest + last)


def test_every_file_has_a_layer() -> None:
    families = {name_of(path).split(".")[1] for path in FILES if name_of(path).startswith("autodiff.")}
    assert families == {family for _, families in LAYERS for family in families}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    module = name_of(path)
    for target in loaded(ast.parse(path.read_text()).body):
        if target.partition(".")[0] in ("autodiff", "nn"):
            assert layer(target) <= layer(module), f"{module} imports {target}, which stands above it"
        else:
            assert target.partition(".")[0] in sys.stdlib_module_names | {"numpy"}, f"{module} loads {target} at once"


def test_loading_both_packages_loads_nothing_heavy() -> None:
    program = "import sys, autodiff, nn; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in run.stdout.split()} & set(HEAVY)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


# --- the laws of rules ---------------------------------------------------------------------------------------------

MAKERS = {"zeros", "ones", "full", "empty", "eye", "identity", "arange", "linspace", "array", "asarray"}
METADATA = {"shape", "ndim", "size", "dtype"}


def rules(path: Path) -> Iterator[ast.Lambda | ast.FunctionDef]:
    """The rules of a file: lambdas and functions whose first parameter is g."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Lambda | ast.FunctionDef) and [a.arg for a in node.args.args[:1]] == ["g"]:
            yield node


def numpy_calls(rule: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls np.name(...) inside a rule."""
    for node in ast.walk(rule):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "np":
            yield node.func.attr, node


def data_names(test: ast.expr) -> set[str]:
    """Names whose values a condition looks at; their shape, dtype and being None are metadata."""
    looked_at: set[str] = set()
    hidden: set[ast.AST] = set()
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and node.attr in METADATA:
            hidden |= set(ast.walk(node))
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
            hidden |= set(ast.walk(node))
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node not in hidden:
            looked_at.add(node.id)
    return looked_at & {"g", "y", "x", "a", "b", "c"}


@pytest.mark.parametrize("path", RULES, ids=name_of)
def test_rules_make_no_arrays_of_their_own(path: Path) -> None:
    """An array made from a shape is on the wrong device, and np.log(2) is a float64 that promotes a float32."""
    for rule in rules(path):
        for name, call in numpy_calls(rule):
            at = f"{path.name}:{call.lineno}: np.{name}"
            assert name not in MAKERS, f"{at}: use {name}_like of an operand, or broadcasting"
            assert not all(isinstance(a, ast.Constant) for a in call.args), f"{at} of constants: use math.{name}"


@pytest.mark.parametrize("path", RULES, ids=name_of)
def test_rules_do_not_branch_on_data(path: Path) -> None:
    """A branch on values cannot be traced or differentiated again; it belongs in a kernel."""
    for rule in rules(path):
        for node in ast.walk(rule):
            if isinstance(node, ast.If | ast.IfExp | ast.While):
                assert not data_names(node.test), f"{path.name}:{node.lineno} branches on {ast.unparse(node.test)}"


def test_there_are_rules_to_hold_to_the_laws() -> None:
    assert sum(1 for path in RULES for _ in rules(path)) > 100


@pytest.mark.parametrize(
    ("rule", "caught"),
    [
        ("lambda g, x: g / np.log(2)", True),
        ("lambda g, s: g * np.zeros(s.shape)", True),
        ("lambda g, y: g * y", False),
        ("lambda g, x: np.where(x > 0, g, np.zeros_like(g))", False),
    ],
)
def test_the_law_about_arrays_bites(rule: str, caught: bool, tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    path.write_text(f"elementwise(np.f, {rule})")
    if caught:
        with pytest.raises(AssertionError, match="np"):
            test_rules_make_no_arrays_of_their_own(path)
    else:
        test_rules_make_no_arrays_of_their_own(path)


@pytest.mark.parametrize(
    ("condition", "caught"), [("x > 0", True), ("g.any()", True), ("x.ndim == 1", False), ("axis is None", False)]
)
def test_the_law_about_branches_bites(condition: str, caught: bool) -> None:
    assert bool(data_names(ast.parse(condition, mode="eval").body)) == caught
