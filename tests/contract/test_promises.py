"""Each test that is named beside a promise exists."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
_NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")


def named() -> list[tuple[str, str]]:
    return sorted(set(_NAMED.findall((TESTS / "PROMISES.md").read_text())))


@pytest.mark.parametrize(("file", "test"), named())
def test_the_test_beside_a_promise_exists(file: str, test: str) -> None:
    tree = ast.parse((TESTS / file).read_text())
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert test in defined | classes | assigned


def test_every_promise_has_a_test() -> None:
    rows = [line for line in (TESTS / "PROMISES.md").read_text().splitlines() if line.startswith("| ")]
    promises = [row for row in rows if row != "| promise | here | test |"]
    assert len(promises) > 60
    assert [row for row in promises if _NAMED.search(row.split("|")[3]) is None] == []
