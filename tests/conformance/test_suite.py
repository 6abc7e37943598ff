"""The suite about itself: it leaves no statement out, and tells every difference that it knows."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.conformance.statements import ALL, WITHOUT_A_CASE

HERE = Path(__file__).parent
MODULES = sorted(path.stem for path in HERE.glob("test_*.py"))


def marks(name: str) -> list[pytest.Mark]:
    """Return all marks of this name: of functions, and of parameters in their decorators."""
    found = list[pytest.Mark]()
    for module in MODULES:
        for case in vars(import_module(f"tests.conformance.{module}")).values():
            for mark in getattr(case, "pytestmark", []):
                found.append(mark)
                if mark.name == "parametrize":
                    found += [each for values in mark.args[1] for each in getattr(values, "marks", ())]
    return [mark for mark in (getattr(each, "mark", each) for each in found) if mark.name == name]


def test_every_statement_has_a_case_or_a_reason() -> None:
    proved = {statement for mark in marks("proves") for statement in mark.args}
    assert proved - ALL == set()
    assert proved & WITHOUT_A_CASE.keys() == set()
    assert ALL - proved == WITHOUT_A_CASE.keys()


def test_every_defect_of_amqtt_has_a_case() -> None:
    assert {mark.args[0] for mark in marks("defect")} == set(range(1, 14))


def test_the_readme_tells_every_difference() -> None:
    readme = " ".join((HERE / "README.md").read_text().split())
    assert {why for _, why in (mark.args for mark in marks("differs")) if why not in readme} == set()
