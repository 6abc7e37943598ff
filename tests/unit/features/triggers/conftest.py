"""A house with some triggers and profiles."""

import pytest
from sqlalchemy import Engine as Database

from tests.automation import Automation, profile

TRIGGERS = {
    "cam1": {"owner": "scale-1", "name": "The camera"},
    "cam10": {"owner": "printer-1"},
    "hall": {"source": {"topic": "hall/motion"}, "off_after_s": 10.0},
    "bell": {"kind": "pulse", "owner": "bot"},
    "rfid": {"kind": "pulse", "source": {"topic": "door/rfid"}},
}
PROFILES = {
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
