"""The table of figures that both languages must print alike.

labextension/tests/format.test.ts reads the same table.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_green.report import format as printing

CASES = json.loads(
    (Path(__file__).parent / "data" / "format_cases.json").read_text("utf-8")
)
FIGURES = [
    (name, tuple(arguments), expected)
    for name, cases in CASES.items()
    if name != "_"
    for *arguments, expected in cases
]


@pytest.mark.parametrize(("name", "arguments", "expected"), FIGURES)
def test_a_figure_reads_as_in_the_panel(
    name: str, arguments: tuple[Any, ...], expected: str
) -> None:
    """Python prints the text that the panel's tests expect, too."""
    assert getattr(printing, f"format_{name}")(*arguments) == expected
