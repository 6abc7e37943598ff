"""Functions under 40 lines, modules under 300: what does not fit has two jobs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
FLOORS = ("backend", "broker", "tools")
MODULES = sorted(path for floor in FLOORS for path in (HOUSE / floor).rglob("*.py"))
LANGUAGES = {".c", ".h", ".cpp", ".ino"}
TESTS = {"test", "check"}  # they may be longer, as the tests in Python
COPIED = HOUSE / "esp32" / "arduino" / "src" / "core"
FIRMWARE = sorted(
    path
    for path in (HOUSE / "esp32").rglob("*")
    if path.suffix in LANGUAGES and not TESTS & set(path.relative_to(HOUSE).parts) and not path.is_relative_to(COPIED)
)
MODULE_LINES, FUNCTION_LINES = 300, 40

# As clang-format leaves it: a definition starts at the margin, and its last brace is the next one there.
OTHERS = "typedef|struct|enum|union|namespace|class|public|private|protected|extern"
DEFINITION = re.compile(rf"^(?!{OTHERS})\w[^;={{]*\) (?:const )?{{$.*?^}}", re.M | re.S)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every function of a module, with its length from ``def`` to its last line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.name, node.end_lineno - node.lineno + 1


def c_functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield every function of a file in C or C++, with its length from its type to its last brace."""
    for definition in DEFINITION.finditer(text):
        yield definition[0].split("(", 1)[0].split()[-1].lstrip("*"), definition[0].count("\n") + 1


def test_the_house_is_found() -> None:
    assert {path.relative_to(HOUSE).parts[0] for path in MODULES} == set(FLOORS)
    assert HOUSE / "esp32/core/src/device.c" in FIRMWARE


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MODULE_LINES
    assert {name: lines for name, lines in functions(path) if lines >= FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", FIRMWARE, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_of_the_firmware_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < MODULE_LINES
    assert {name: lines for name, lines in c_functions(text) if lines >= FUNCTION_LINES} == {}


def test_functions_in_c_are_found() -> None:
    body = "    for (;;) {\n        go();\n    }\n" * 13
    text = (
        "typedef struct {\n    int a;\n} thing;\n"
        'static const char *const words[] = {\n    "a",\n};\n'
        f"static void ts_long(thing *a,\n                    int b) {{\n{body}}}\n\n"
        "int *ts_short(void) { return 0; }\n\n"
        "bool Talkstick::begin(const char *id) {\n    return true;\n}\n"
    )
    assert dict(c_functions(text)) == {"ts_long": 42, "Talkstick::begin": 3}
