"""A house with some triggers and profiles."""

from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.facts import Definition
from tests.automation import Automation, profile

TRIGGERS: dict[str, dict[str, Any]] = {
    "cam1": {"owner": "scale-1", "name": "The camera"},
    "cam10": {"owner": "printer-1"},
    "hall": {"source": {"topic": "hall/motion"}, "off_after_s": 10.0},
    "bell": {"kind": "pulse", "owner": "bot"},
    "rfid": {"kind": "pulse", "source": {"topic": "door/rfid"}},
}
PROFILES: dict[str, Definition] = {
    "greeter": profile("start"),
    "guard": profile("start", "repeat", "end"),
    "lamp": {**profile("start", "end"), "name": "The lamp"},
    "siren": profile("end"),
}


@pytest.fixture
def house(database: Database) -> Automation:
    """A house with four workers."""
    made = Automation(database)
    made.defines(TRIGGERS, PROFILES)
    return made


@pytest.fixture
def small_house(database: Database) -> Automation:
    """A house with one worker."""
    made = Automation(database, slots=1)
    made.defines(TRIGGERS, PROFILES)
    return made
