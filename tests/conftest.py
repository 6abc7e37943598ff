"""What all tests share: the same surroundings everywhere, how Hypothesis searches, and a database in memory."""

import os
import re
import signal
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine as Database

from tests.house import memory_database

# What somebody has set is neither for the tests nor for what they start; but it says how hard they shall look.
_SET = re.compile(r"TALKSTICK_(?!SEARCH$|FUZZ_|STORM$|STRIKES$)|(\w+_PROXY|COLUMNS|LINES|NO_COLOR|FORCE_COLOR)$", re.I)
for name in filter(_SET.match, list(os.environ)):
    del os.environ[name]
os.environ["TZ"] = "UTC"
time.tzset()

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
