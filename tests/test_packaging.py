"""setup.cfg is the one place for metadata: it must name what the code imports and what the README promises."""

from __future__ import annotations

import ast
import configparser
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

import autodiff

ROOT = Path(__file__).parents[1]
PACKAGES = ("autodiff", "nn")
MODULE_OF = {"scikit-learn": "sklearn"}


def metadata() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def modules(requirements: str) -> set[str]:
    """The modules that a list of requirements makes importable."""
    names = (re.match(r"[\w-]+", line)[0] for line in requirements.split())
    return {MODULE_OF.get(name, name) for name in names}


def imported(folder: str) -> dict[str, str]:
    """Third-party top-level modules that a folder's files import, lazily or not, each with one file that does."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            found |= {name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names}
    ours = {*PACKAGES, "examples", "benchmarks", "tests"}
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names | ours}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("autodiff", ("draw", "numba", "safetensors", "test")),  # autodiff.testing is built on hypothesis
        ("nn", ("examples",)),
        ("examples", ("draw", "examples")),
        ("benchmarks", ("bench", "parity", "test")),
        ("tests", ("draw", "test", "browser", "parity", "examples")),
    ],
)
def test_every_third_party_import_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    config = metadata()
    declared = modules(config["options"]["install_requires"])
    declared |= {module for extra in extras for module in modules(config["options.extras_require"][extra])}
    undeclared = {name: path for name, path in imported(folder).items() if name not in declared}
    assert not undeclared


def test_readme_names_every_extra_in_one_table() -> None:
    rows = re.findall(r"^\| *`(\w+)` *\|(.*)\|", (ROOT / "README.md").read_text(), re.MULTILINE)
    extras = metadata()["options.extras_require"]
    assert {name for name, text in rows if text.strip()} >= set(extras)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_code_is_a_package_and_ships_its_types(package: str) -> None:
    for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
        assert (folder / "__init__.py").exists(), f"find: would leave {folder.relative_to(ROOT)} out of a wheel"
    assert (ROOT / package / "py.typed").exists()
    assert metadata()["options.package_data"][package] == "py.typed"


def test_the_version_is_a_literal_that_setuptools_reads_without_importing() -> None:
    config = metadata()
    assert config["metadata"]["version"] == "attr: autodiff.__version__"
    assignments = re.findall(r'^__version__ = "(.+)"$', (ROOT / "autodiff/__init__.py").read_text(), re.MULTILINE)
    assert assignments == [autodiff.__version__]
    assert autodiff.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_pyproject_holds_the_build_system_and_tool_settings_only() -> None:
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())) == {"build-system", "tool"}


@pytest.mark.parametrize("command", ["demo", "test", "check", "bench", "setup", "../.ci/run"])
def test_commands_can_be_run_and_stop_at_the_first_failure(command: str) -> None:
    script = ROOT / "scripts" / command
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
