"""An operator puts the database back to an older one: boards have seen fences that the server gives out once more."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backend.shell.directory import DATABASE
from tests.firmware.boards import Board, Json, Person
from tests.firmware.lab import Lab, granted

RELAY = ("--output", "relay:off")


def test_a_board_that_was_not_restarted_works_again(lab: Lab) -> None:
    with lab.person() as alice, lab.board("restored", *RELAY) as board:
        granted(alice, board, type="weighing")
        copy = copied(lab)
        for _ in range(3):
            alice.ask("restored", "release")
            seen = int(alice.ask("restored", "claim", type="weighing")["fence"])
        board.did("work", fence=seen)
        mark, heard = board.now, alice.now
        stop_server(lab)
        start_server(lab, copy)
        board.did("safe", mark, reason="ended")
        alice.sees("restored", heard, fence=seen + 1, in_use=False, reason="stale_fence")
        obeys(alice, board, alice.ask("restored", "claim", type="weighing"), above=seen)


def test_a_session_that_was_in_progress_in_the_copy_ends_when_its_holder_wants(lab: Lab) -> None:
    with lab.person() as alice, lab.board("midway", *RELAY) as board:
        fence = granted(alice, board, type="weighing")
        board.did("work", fence=fence)
        copy = copied(lab)
        for weight in range(5):
            alice.ask("midway", "update", input={"weight": weight})
        board.did("work", fence=fence, job=5)
        stop_server(lab)
        start_server(lab, copy)
        assert alice.insist("devices/midway/session", action="release")["ok"]
        board.did("safe", reason="ended")


@pytest.mark.alone  # a server has to be there again before the keep-alive of a board that is stopped runs out, in 22 s
def test_a_fence_that_was_given_to_somebody_else_meanwhile_is_not_taken(lab: Lab) -> None:
    with lab.person() as alice, lab.person("bob") as bob, lab.board("twice") as board:
        granted(alice, board, type="weighing")
        alice.ask("twice", "release")
        copy = copied(lab)
        seen = granted(alice, board, type="weighing")
        board.did("work", fence=seen)
        bob.sees("twice", fence=seen)
        mark, heard, waits = board.now, bob.now, alice.now
        board.send(signal.SIGSTOP)
        stop_server(lab)
        start_server(lab, copy)
        bob.sees("twice", heard, fence=seen - 1, in_use=False)
        alice.sees("twice", waits, fence=seen - 1, in_use=False)
        assert bob.ask("twice", "claim", type="printing")["fence"] == seen, "as the board has it, it is Alice's"
        alice.ask("twice", "claim", type="weighing", wait=True)
        board.send(signal.SIGCONT)
        board.did("safe", mark, reason="ended")
        bob.body("devices/twice/session/event", heard, event="ended", user="bob", reason="stale_fence", fence=seen)
        obeys(alice, board, alice.body("devices/twice/session/reply/alice", waits, code="granted"), above=seen)
        worked = {line["fence"] for line in board.heard.lines[mark:] if line.get("did") == "work"}
        assert seen not in worked


def obeys(person: Person, board: Board, answer: Json, *, above: int) -> None:
    """Insist that the board does the work that was granted, and what its holder says, with a higher fence."""
    fence = int(answer["fence"])
    assert answer["code"] == "granted"
    assert fence > above
    board.did("work", fence=fence)
    person.command(board.login.name, "tare", fence)
    board.did("command", name="tare", fence=fence)
    board.type('final {"weight_kg":70.5}')
    person.sees(board.login.name, fence=fence, complete=True, output={"weight_kg": 70.5})


def copied(lab: Lab) -> Path:
    """Copy the database, as an operator may while the server runs."""
    copy = lab.directory / "copy.db"
    _copy(lab.site.talkstick.data / DATABASE, copy)
    return copy


def stop_server(lab: Lab) -> None:
    """Let the server end; a Mosquitto goes on, with all that is connected to it."""
    assert lab.site.talkstick.stop() == 0


def start_server(lab: Lab, copy: Path) -> None:
    """Put the database back to the copy, and let the server run again."""
    _copy(copy, lab.site.talkstick.data / DATABASE)
    lab.site.talkstick.start()


def _copy(here: Path, there: Path) -> None:
    with closing(sqlite3.connect(here)) as source, closing(sqlite3.connect(there)) as target:
        source.backup(target)
