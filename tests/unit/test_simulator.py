"""What the virtual devices and people decide."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from backend.features.sessions.messages import Result, SessionDocument
from tools.actor import Login, Message
from tools.kinds import KINDS
from tools.people import Errand, Visitor
from tools.simulator import Board, Device

Json = Mapping[str, Any]


def document(fence: int, revision: int = 0, *, holder: str | None = "alice", **fields: Any) -> Json:
    """Return a session document as it comes over the wire; without a holder the device is free."""
    idle: dict[str, Any] = dict.fromkeys(SessionDocument.model_fields)
    idle |= {"state": "free", "in_use": False, "timeout": False, "input": {}, "output": {}, "complete": False}
    idle |= {"job": 0, "observers": 0}
    held = {"state": "active", "in_use": True, "type": "weighing", "holder": holder} if holder else {}
    body = {**idle, "queue": (), **held, "fence": fence, "revision": revision, **fields}
    parsed: Json = json.loads(SessionDocument.model_validate(body).payload())
    return parsed


def board(kind: str = "scale") -> Board:
    return Board("scale-1", KINDS[kind])


def work(at_work: Board) -> list[Message]:
    """Let all steps pass; return what was said."""
    said = []
    while (due := at_work.due()) is not None:
        said += at_work.tick(due)
    return said


class TestBoard:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_new_session_gets_progress_and_then_one_result(self, kind: str) -> None:
        at_work = board(kind)
        at_work.document(document(7), now=0.0)
        said = work(at_work)
        results = [Result.model_validate(message.body) for message in said]
        assert {message.topic for message in said} == {"devices/scale-1/result"}
        assert {result.fence for result in results} == {7}
        assert [result.complete for result in results] == [False] * (len(results) - 1) + [True]

    def test_the_scale_knows_the_bmi_of_whom_it_knows_the_height(self) -> None:
        at_work = board()
        at_work.document(document(1, input={"age": 30, "gender": "male", "height": 200}), now=0.0)
        output = work(at_work)[-1].body["output"]
        assert output["unit"] == "kg"
        assert output["bmi"] == pytest.approx(output["weight_kg"] / 4, abs=0.06)

    def test_work_takes_its_time_and_speed_shortens_it(self) -> None:
        slow, fast = board(), Board("scale-1", KINDS["scale"], speed=100)
        for each in (slow, fast):
            each.document(document(1), now=50.0)
        assert slow.due() == pytest.approx(50.4)
        assert fast.due() == pytest.approx(50.004)
        assert slow.tick(50.3) == []

    def test_a_session_without_type_and_input_waits_for_a_command(self) -> None:
        at_work = board()
        at_work.document(document(1, type=None), now=0.0)
        assert at_work.due() is None
        at_work.command("start", {"fence": 1}, now=0.0)
        assert work(at_work)[-1].body["complete"]

    def test_a_completed_session_is_not_worked_at_after_a_boot(self) -> None:
        at_work = board()
        at_work.document(document(1, complete=True), now=0.0)
        assert at_work.due() is None

    @pytest.mark.parametrize("after", [document(1, 2, holder=None), {}], ids=["ended", "cleared"])
    def test_work_stops_at_once_when_the_session_ends(self, after: Json) -> None:
        at_work = board()
        at_work.document(document(1, 1), now=0.0)
        at_work.document(after, now=0.1)
        assert at_work.due() is None
        assert at_work.tick(100.0) == []

    def test_work_for_the_last_holder_stops_when_the_fence_changes(self) -> None:
        at_work = board()
        at_work.document(document(1), now=0.0)
        at_work.document(document(2, holder="bob"), now=0.1)
        assert {message.body["fence"] for message in work(at_work)} == {2}

    @pytest.mark.parametrize("state", ["active", "offered", "grace"])
    def test_whoever_holds_it_whatever_the_state_says_is_obeyed(self, state: str) -> None:
        at_work = board()
        at_work.document(document(1, state=state), now=0.0)
        at_work.command("tare", {"fence": 1}, now=0.1)
        assert at_work.dropped == 0
        assert work(at_work)[-1].body["complete"]

    def test_a_session_that_is_handed_over_goes_on_for_its_new_holder(self) -> None:
        at_work = board()
        at_work.document(document(1, session="s"), now=0.0)
        at_work.document(document(2, session="s", holder="bob"), now=0.3)
        assert at_work.due() == pytest.approx(0.4), "it does not begin anew"
        at_work.command("stop", {"fence": 1}, now=0.35)
        assert at_work.dropped == 1
        assert {message.body["fence"] for message in work(at_work)} == {2}

    @pytest.mark.parametrize(("old", "fence"), [(document(4, 99), 5), (document(5, 9), 6), (document(5, 11), 6)])
    def test_old_documents_and_ended_sessions_start_nothing(self, old: Json, fence: int) -> None:
        at_work = board()
        at_work.document(document(5, 10, holder=None), now=0.0)
        at_work.document(old, now=0.1)
        assert at_work.due() is None
        assert (at_work.fence, at_work.refused) == (fence, 1), "a fence whose session is over is good for none"

    def test_a_fence_that_was_granted_before_the_server_heard_of_it_is_good(self) -> None:
        at_work = board()
        at_work.document(document(7, 100, session="a"), now=0.0)
        at_work.document(document(7, 91, session="b"), now=0.1)
        assert at_work.fence == 8
        at_work.document(document(8, 93, session="c"), now=0.2)
        assert {message.body["fence"] for message in work(at_work)} == {8}

    def test_the_end_is_believed_of_a_server_that_counts_documents_anew(self) -> None:
        at_work = board()
        at_work.document(document(7, 100, session="a"), now=0.0)
        at_work.document(document(7, 91, holder=None), now=0.1)
        assert at_work.due() is None

    @pytest.mark.parametrize(
        "update", [document(1, 3, input={"height": 180}), document(1, 3)], ids=["new input", "same input"]
    )
    def test_an_update_of_a_finished_session_starts_the_work_again(self, update: Json) -> None:
        at_work = board()
        at_work.document(document(1, 1), now=0.0)
        output = work(at_work)[-1].body["output"]
        at_work.document(document(1, 2, output=output, complete=True), now=2.0)
        assert at_work.due() is None
        at_work.document(update, now=3.0)
        assert work(at_work)[-1].body["complete"]

    def test_an_update_at_work_starts_over_and_a_renewal_does_not(self) -> None:
        at_work = board()
        at_work.document(document(1, 1), now=0.0)
        at_work.document(document(1, 2, expires_in_s=60.0), now=0.2)
        assert at_work.due() == pytest.approx(0.4)
        at_work.document(document(1, 3, input={"height": 180}), now=0.3)
        assert at_work.due() == pytest.approx(0.7)

    @pytest.mark.parametrize("fence", [6, 8, None, "7", 7.0, True])
    def test_a_command_of_another_fence_is_dropped_and_counted(self, fence: object) -> None:
        at_work = board()
        at_work.document(document(7), now=0.0)
        assert at_work.command("stop", {"fence": fence}, now=0.1) == []
        assert at_work.due() is not None
        assert at_work.dropped == 1

    def test_a_command_of_an_ended_session_is_dropped(self) -> None:
        at_work = board()
        at_work.document(document(7, 1), now=0.0)
        at_work.document(document(7, 2, holder=None), now=0.1)
        assert at_work.command("start", {"fence": 7}, now=0.2) == []
        assert (at_work.due(), at_work.dropped) == (None, 1)

    def test_the_holder_commands(self) -> None:
        at_work = board()
        at_work.document(document(7), now=0.0)
        said = [at_work.command(name, {"fence": 7}, now=0.1)[0] for name in ("stop", "tare", "fly")]
        assert at_work.due() is None
        assert [(message.topic, message.body["done"]) for message in said] == [
            ("devices/scale-1/telemetry", True),
            ("devices/scale-1/telemetry", True),
            ("devices/scale-1/telemetry", False),
        ]

    def test_work_started_by_command_is_not_taken_for_an_update(self) -> None:
        at_work = board()
        at_work.document(document(1, 1), now=0.0)
        work(at_work)
        at_work.document(document(1, 2, output={"weight_kg": 70}, complete=True), now=2.0)
        at_work.command("start", {"fence": 1}, now=3.0)
        work(at_work)
        at_work.document(document(1, 3, output={"weight_kg": 70, "settling": True}), now=5.0)
        assert at_work.due() is None

    def test_a_result_that_was_lost_with_the_connection_is_said_again_once(self) -> None:
        at_work = board()
        at_work.document(document(1, 1), now=0.0)
        final = work(at_work)[-1]
        assert at_work.document(document(1, 1), now=2.0) == []
        at_work.reconnecting()
        assert at_work.document(document(1, 1), now=3.0) == [final]
        assert at_work.document(document(1, 1), now=3.1) == []


class TestVisitor:
    def test_from_claim_to_release_and_again(self) -> None:
        visitor = Visitor("alice", [Errand("scale-1", "weighing", {"age": 9}, command="tare")], pause_s=3)
        [claim] = visitor.tick(0.0)
        assert claim.topic == "devices/scale-1/session/request/alice"
        assert claim.body == {
            "id": claim.body["id"], "action": "claim", "wait": True, "type": "weighing", "input": {"age": 9}
        }  # fmt: skip
        assert visitor.reply({"id": claim.body["id"], "ok": True, "code": "queued"}, 0.1) == []
        [command] = visitor.reply({"id": claim.body["id"], "ok": True, "code": "granted", "fence": 4}, 1.0)
        assert (command.topic, command.body) == ("devices/scale-1/command/tare", {"fence": 4})
        visitor.document("scale-1", document(4), 1.1)
        assert visitor.due() is None
        visitor.document("scale-1", document(4, complete=True), 2.0)
        due = visitor.due()
        assert due is not None
        [release] = visitor.tick(due)
        assert (release.body["action"], release.body["fence"]) == ("release", 4)
        assert visitor.reply({"id": release.body["id"], "ok": True, "code": "released"}, due) == []
        [again] = visitor.tick(due + 5)
        assert len({message.body["id"] for message in (claim, release, again)}) == 3
        assert (visitor.granted, visitor.completed) == (1, 1)

    def test_an_unanswered_request_is_sent_again_as_it_was(self) -> None:
        visitor = Visitor("alice", [Errand("scale-1", "weighing")], pause_s=3)
        first = visitor.tick(0.0)
        assert visitor.tick(1.0) == []
        assert visitor.tick(11.0) == first

    @pytest.mark.parametrize("over", [document(4, holder=None), document(5, holder="bob"), document(5)])
    def test_a_session_that_ended_unasked_is_given_up(self, over: Json) -> None:
        visitor = Visitor("alice", [Errand("scale-1", "weighing")], pause_s=3)
        [claim] = visitor.tick(0.0)
        visitor.reply({"id": claim.body["id"], "ok": True, "code": "granted", "fence": 4}, 1.0)
        visitor.document("scale-1", over, 2.0)
        [again] = visitor.tick(7.0)
        assert again.body["action"] == "claim"
        assert again.body["id"] != claim.body["id"]

    def test_a_grant_that_comes_after_the_end_of_the_session_is_not_used(self) -> None:
        visitor = Visitor("alice", [Errand("scale-1", "weighing", command="tare")], pause_s=3)
        [claim] = visitor.tick(0.0)
        visitor.document("scale-1", document(4, holder=None), 0.5)
        assert visitor.reply({"id": claim.body["id"], "ok": True, "code": "granted", "fence": 4}, 1.0) == []
        assert visitor.tick(6.0)[0].body["action"] == "claim"

    def test_a_refusal_is_taken_and_old_answers_are_ignored(self) -> None:
        visitor = Visitor("alice", [Errand("scale-1", "weighing")], pause_s=3)
        [claim] = visitor.tick(0.0)
        visitor.reply({"id": "another", "ok": True, "code": "granted", "fence": 3}, 1.0)
        visitor.reply({"id": claim.body["id"], "ok": False, "code": "queue_full"}, 1.0)
        assert visitor.granted == 0
        assert visitor.due() is not None

    @pytest.mark.parametrize(
        ("reply", "goodbye"), [({"code": "queued"}, "leave"), ({"code": "granted", "fence": 4}, "release")]
    )
    def test_who_goes_home_gives_back_the_place_or_the_device(self, reply: Json, goodbye: str) -> None:
        visitor = Visitor("alice", [Errand("scale-1", "weighing")], pause_s=3)
        assert visitor.farewell() is None
        [claim] = visitor.tick(0.0)
        visitor.reply({"id": claim.body["id"], "ok": True, **reply}, 1.0)
        last = visitor.farewell()
        assert last is not None
        assert last.body["action"] == goodbye


def test_a_device_introduces_itself_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    device = Device(Login("scale-1", "secret"), KINDS["scale"])
    monkeypatch.setattr(device, "publish", lambda *messages: said.extend(each.topic for each in messages))
    device.prepare()
    begun = time.monotonic()
    device.introduce()
    introduced = time.monotonic()
    both = ["devices/scale-1/status", "devices/scale-1/info"]
    assert said == both
    due = device.due()
    assert due is not None
    assert begun + 3.0 <= due <= introduced + 3.0
    device.pass_time(due)
    assert said == 2 * both
    device.pass_time(due + 1.0)
    assert said == 2 * both
    device.introduce()
    device.prepare()  # the connection was lost meanwhile
    assert device.due() is None


def test_a_device_tells_an_older_server_which_fence_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Json] = []
    device = Device(Login("scale-1", "secret"), KINDS["scale"])
    monkeypatch.setattr(device, "publish", lambda *messages: said.extend(each.body for each in messages))
    device.prepare()
    for seen in (document(7, session="a"), document(7, revision=1, session="a"), document(7, holder=None, revision=2)):
        device.receive("devices/scale-1/session", seen)
    assert said == []
    device.receive("devices/scale-1/session", document(3, session="b"))
    device.receive("devices/scale-1/session", document(7, session="c"))
    assert said == [{"state": "online", "boot": 1, "fence": 7}, {"state": "online", "boot": 1, "fence": 8}]
    device.receive("devices/scale-1/session", document(9, holder=None))
    assert device.board.fence == 9
    assert len(said) == 2
