"""Imports point one way, files can be read in one sitting, and rules keep the laws that let them be lifted."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("autodiff", "nn") for path in (ROOT / package).rglob("*.py"))
RULES = sorted(path for folder in ("rules", "kernels") for path in (ROOT / "autodiff" / folder).rglob("*.py"))
LONGEST = 520

# From the bottom up: while it is loaded, a module imports only from its own layer and those before it.
LAYERS = {
    "recording": "memory summation threads tape errors tree plan signature apply primitive sweep",
    "kernels": "kernels",
    "rules": "rules special linalg",
    "Tensor": "devices protocols methods html tensor creation random functions function serialization",
    "registry read": "source reading latex coverage",
    "forward mode": "batching forward",
    "tools": "checkpointing functional graph testing",
    "face": "__init__",
    "nn": "",
}
LATE = {  # what is itself loaded late, when it is first used, may load its library at once
    "autodiff.rules.special": {"scipy"},
    "autodiff.kernels.special": {"scipy"},
    "autodiff.special": {"scipy"},
    "autodiff.kernels.triangular": {"scipy"},
    "autodiff.linalg": {"scipy"},
    "autodiff.testing.strategies": {"hypothesis"},
    "autodiff.testing.strategies.special": {"scipy"},
    "autodiff.testing.plugin": {"hypothesis", "pytest"},
    "autodiff.testing.fuzzing": {"hypothesis"},
}
HEAVY = {"scipy", "numba", "graphviz", "pygraphviz", "hypothesis", "matplotlib", "tqdm", "sklearn", "torch"} | {
    "safetensors",
    "threadpoolctl",
}


def name_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(module: str) -> int:
    """How high a module stands."""
    package, _, inner = module.partition(".")
    family = inner.partition(".")[0] or "__init__"
    names = ["nn"] if package == "nn" else [name for name, families in LAYERS.items() if family in families.split()]
    assert names, f"{module} has no place yet: name it in LAYERS"
    return list(LAYERS).index(names[0])


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


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def imports(path: Path) -> list[str]:
    """Modules that a file imports while it is loaded."""
    return list(loaded(parsed(path).body))


def test_imports_point_down() -> None:
    for path in FILES:
        module = name_of(path)
        for target in imports(path):
            package = target.partition(".")[0]
            if package in ("autodiff", "nn"):
                assert layer(target) <= layer(module), f"{module} imports {target}, which stands above it"
            else:
                late = [libraries for above, libraries in LATE.items() if f"{module}.".startswith(f"{above}.")]
                assert package in sys.stdlib_module_names.union({"numpy"}, *late), (
                    f"{module} loads {package} at once; import it where it is used"
                )


def test_no_two_files_import_each_other() -> None:
    graph = {name_of(path): set(imports(path)) - {name_of(path)} for path in FILES}
    list(TopologicalSorter(graph).static_order())  # raises a CycleError that names the cycle


def test_loading_both_packages_loads_nothing_heavy() -> None:
    program = "import sys, autodiff, nn; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in run.stdout.split()} & HEAVY


def test_a_file_is_read_in_one_sitting() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: length for name, length in lengths.items() if length > LONGEST}


# --- the laws of rules ---------------------------------------------------------------------------------------------

MAKERS = {"zeros", "ones", "full", "empty", "eye", "identity", "linspace", "array", "asarray"}
METADATA = {"shape", "ndim", "size", "dtype"}
DATA = {"g", "y", "x", "a", "b", "c", "d", "e", "xs", "rest"}  # what these names hold in a rule is values


@functools.cache
def rules(path: Path) -> list[ast.Lambda | ast.FunctionDef]:
    """The rules of a file: lambdas and functions whose first parameter is g."""
    functions = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Lambda | ast.FunctionDef))
    return [node for node in functions if [a.arg for a in node.args.args[:1]] == ["g"]]


def numpy_calls(rule: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls np.name(...) inside a rule."""
    for node in ast.walk(rule):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "np":
            yield node.func.attr, node


def data_names(test: ast.expr) -> set[str]:
    """Names whose values a condition looks at; their shape, dtype and being None are metadata."""
    metadata: set[ast.AST] = set()
    for node in ast.walk(test):
        asks_for_none = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot)
        if asks_for_none or (isinstance(node, ast.Attribute) and node.attr in METADATA):
            metadata |= set(ast.walk(node))
    return {node.id for node in ast.walk(test) if isinstance(node, ast.Name) and node not in metadata} & DATA


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
                looked_at = data_names(node.test) & {a.arg for a in rule.args.args}
                assert not looked_at, f"{path.name}:{node.lineno} branches on {ast.unparse(node.test)}"


def test_there_are_rules_to_hold_to_the_laws() -> None:
    assert sum(len(rules(path)) for path in RULES) > 100


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
