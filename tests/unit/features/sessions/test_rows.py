"""What is stored of a session comes back as it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine as Database
from sqlmodel import Session as Connection

from backend.core.desk import Changes
from backend.features.sessions import rows
from backend.features.sessions.state import Session
from tests.histories import SessionHistory
from tests.house import House, answer_to, memory_database
from tests.people import ALICE, BOB, CAROL
from tests.strategies import json_objects


def stored(database: Database, session: Session) -> Session:
    """Return the session after a visit to the database."""
    House(database).journal.commit(Changes([(rows, [session])], []), 0.0)
    with Connection(database) as connection:
        return rows.load(connection)[session.floor]


def busy_history() -> SessionHistory:
    history = SessionHistory()
    history.claims(ALICE, type="weighing", input={"unit": "g", "deep": [{"x": None}, 1.5, "é\\u0000"]}, client="phone")
    history.claims(BOB, wait=True, lease_s=0.1, input={"n": 2**80})
    history.claims(CAROL, wait=True)
    history.results(grams=5.25, complete=True)
    return history


def test_everything_of_a_session_comes_back(database: Database) -> None:
    history = busy_history()
    assert stored(database, history.session) == history.session
    history.passes(10)
    assert stored(database, history.session) == history.session, "a second visit replaces the first"


def test_a_fresh_and_a_free_session_come_back(database: Database) -> None:
    history = SessionHistory(reachable=False)
    assert stored(database, Session("x")) == Session("x")
    assert stored(database, history.session) == history.session


def test_a_session_that_came_back_goes_on_as_if_it_had_never_been_away(database: Database) -> None:
    here, there = busy_history(), busy_history()
    there.session = stored(database, there.session)
    for history in (here, there):
        history.passes(10)
        history.asks(BOB, "release")
    assert here.said == there.said
    assert here.session == there.session


@settings(max_examples=40)
@given(json_objects(), st.floats(0.001, 3600))
def test_any_input_comes_back(data: dict[str, object], lease_s: float) -> None:
    history = SessionHistory()
    history.claims(ALICE, input=data)
    history.claims(BOB, wait=True, input=data, lease_s=lease_s)
    database = memory_database()
    assert stored(database, history.session) == history.session
    database.dispose()


@pytest.mark.parametrize("depth", [*range(1, 200, 33), *range(190, 202)])
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")], ids=["objects", "arrays"])
def test_input_that_is_accepted_never_keeps_the_server_from_starting(
    database: Database, opening: str, closing: str, depth: int
) -> None:
    """JSON has no depth, but every reader has a limit: a row must not be deeper than what may be sent."""
    house = House(database)
    deep = opening * depth + "1" + closing * depth
    body = f'{{"action":"claim","wait":true,"input":{{"deep":{deep}}}}}'.encode()
    reply = answer_to(house.receive("devices/scale-1/session/request/alice", body), "scale-1", ALICE)
    assert reply["ok"] or depth > 30, "what people may want to say is not refused"
    house.commit()
    for _ in ("waiting", "active"):
        before = house.session("scale-1")
        house.restart()
        assert house.session("scale-1").queue == before.queue
        assert house.session("scale-1").running == before.running
        house.receive("devices/scale-1/status", {"state": "online", "boot": 1})
        house.commit()
