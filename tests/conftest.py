"""What all tests share: how Hypothesis searches, and a database that lives in memory."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine as Database

from tests.house import memory_database

# A slow machine is no failing test: no deadlines. A change shall not fail for what was wrong before it: the same
# examples each time; `make search` looks for others.
settings.register_profile(
    "talkstick",
    deadline=None,
    derandomize="TALKSTICK_SEARCH" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("talkstick")

# Whoever is started in the background ignores Ctrl-C, and so do its children; but some tests send it to theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def database() -> Iterator[Database]:
    """An empty database with all tables."""
    made = memory_database()
    yield made
    made.dispose()
