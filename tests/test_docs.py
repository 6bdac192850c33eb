"""The documentation is true: its tables are run, and README names what setup.cfg has."""

import re
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import nn

ROOT = Path(__file__).parent.parent


def rows() -> list[tuple[str, str]]:
    lines = (ROOT / "docs" / "coming-from.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]
    return [(row[0].strip("`"), row[3].strip("`")) for row in cells if len(row) == 5]


def test_the_table_of_differences_is_read():
    assert len(rows()) >= 35


@pytest.mark.parametrize(("code", "gives"), rows(), ids=[code for code, _ in rows()])
def test_coming_from_row(code, gives):
    names = {
        "ad": ad,
        "np": np,
        "x": ad.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "v": ad.tensor([3.0, 1.0, 2.0]),
        "w": ad.tensor([1.0, 2.0], requires_grad=True),
    }
    assert repr(eval(code, names)) == gives


@pytest.mark.parametrize("path", [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"], ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_story_of_a_pytorch_function(capsys, torch):
    (code,) = re.findall(r"```python\n(import torch\n.*?)```", (ROOT / "docs" / "testing.md").read_text(), re.DOTALL)
    exec(code, {})
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "FAIL: apply — wrong derivative"
    assert said[1] == "  the analytic derivative is 0.666667 times the measured one."


def test_the_mermaid_picture_in_the_guide_is_the_one_that_it_says():
    text = (ROOT / "docs" / "graphs.md").read_text()
    (block,) = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert block == ad.draw(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)), ad.ones(2, 4)).mermaid()
