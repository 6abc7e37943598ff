"""Functions under 40 lines, modules under 300: what does not fit has two jobs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
MODULES = sorted(path for floor in ("backend", "broker", "tools") for path in (HOUSE / floor).rglob("*.py"))
MODULE_LINES, FUNCTION_LINES = 300, 40


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every function of a module, with its length from ``def`` to its last line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.name, node.end_lineno - node.lineno + 1


def test_the_house_is_found() -> None:
    assert {path.relative_to(HOUSE).parts[0] for path in MODULES} == {"backend", "broker", "tools"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MODULE_LINES
    assert {name: lines for name, lines in functions(path) if lines >= FUNCTION_LINES} == {}
