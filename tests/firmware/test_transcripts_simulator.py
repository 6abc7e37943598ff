"""The simulated board follows the same sessions as the firmware: what it obeys, what it drops, when it works."""

import json
from pathlib import Path

import pytest

from backend.core.refusals import Refused
from backend.core.routing import parse_object
from backend.features.sessions.messages import COMMAND, SESSION
from tests.firmware.script import FOLDER, Moment, read
from tools.kinds import KINDS
from tools.simulator import Board

SHARED = (
    "session", "hand-over", "preempt", "link", "restart", "clean-step", "removal", "later-server", "malformed",
    "restored", "given-again",
)  # fmt: skip
"""Transcripts in which nothing ends by the board's own clock: the simulated one has none."""


@pytest.mark.parametrize("name", SHARED)
def test_the_simulated_board_follows_the_session_as_the_firmware_does(name: str) -> None:
    path = FOLDER / f"{name}.txt"
    board, judged = Board("scale-1", KINDS["printer"]), 0
    for moment in read(path).moments:
        if moment.name in ("message", "!message"):
            judged += _is_taken_alike(path, board, moment)
    assert judged >= 3, "the transcript has hardly anything in it for a simulated board"


def _is_taken_alike(path: Path, board: Board, moment: Moment) -> bool:
    """Give a message to the board; insist that it does what the firmware does. Return whether there was one."""
    packet, now = moment.message(), moment.ms / 1000
    try:
        body = parse_object(packet.payload or b"{}")
    except Refused:
        return False  # what cannot be read does not come to it
    place = f"{path.name}:{moment.number}"
    if (command := COMMAND.match(packet.topic)) is not None and command["device"] == "scale-1":
        before = board.dropped
        board.command(command["name"], body, now)
        obeys = any(line.verb in ("command", "output") for line in moment.lines)
        assert (board.dropped == before) == obeys, place
        return True
    if SESSION.match(packet.topic) is None or moment.noted not in (None, "stale_fence"):
        return False
    refused = board.refused
    board.document(body, now)
    assert (board.refused > refused) == (moment.noted is not None), place
    return moment.noted is not None or _stands_alike(place, board, moment)


def _stands_alike(place: str, board: Board, moment: Moment) -> bool:
    """Insist that the board is in the session that the firmware shows, and works if the firmware does."""
    shown = next((line.rest for line in moment.lines if line.verb == "show"), "")
    fence = next((part.removeprefix("fence=") for part in shown.split() if part.startswith("fence=")), None)
    dropped = board.dropped
    board.command("identify", {"fence": int(fence) if fence is not None else board.fence}, moment.ms / 1000)
    assert (board.dropped == dropped) == (fence is not None), place
    begun = next((line.text for line in moment.lines if line.verb == "work"), None)
    if begun is not None:
        type_, _quote, input_ = begun.partition('"')[2].partition('" ')
        assert (board.due() is not None) == bool(type_ or json.loads(input_)), place
    if fence is None:
        assert board.due() is None, place
    return True
