"""Who may do what, for the real route table: deny by default, and a table of the expected answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.app.table import TABLE
from backend.core.access import MAX_PAYLOAD, Rulebook
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.core.routing import Retain
from backend.core.topics import overlaps
from tests.people import ALICE, BACKEND, BOB, BOT, CODE, EARS, PRINTER, ROOT, SCALE

RULES = Rulebook(TABLE)
GUARD = "devices/scale-1/session"

# "holder": only with the blessing of the retained session document; "-": forbidden; "?": no such topic.
PUBLISHING = """
topic                                       alice   bob     root    bot     ears    scale-1 printer-1 backend   claim-1
devices/scale-1/status                      -       -       -       -       -       yes     -       yes         -
devices/scale-1/presence                    -       -       -       -       -       -       -       yes         -
devices/scale-1/info                        -       -       -       -       -       yes     -       yes         -
devices/scale-1/telemetry                   -       -       -       -       -       yes     -       yes         -
devices/scale-1/heartbeat                   -       -       -       -       -       yes     -       yes         -
devices/scale-1/result                      -       -       -       -       -       yes     -       yes         -
devices/scale-1/command/tare                holder  holder  holder  holder  -       holder  -       yes         -
devices/scale-1/session                     -       -       -       -       -       -       -       yes         -
devices/scale-1/session/event               -       -       -       -       -       -       -       yes         -
devices/scale-1/session/request/alice       yes     -       -       -       -       -       -       yes         -
devices/scale-1/session/request/ears        -       -       -       -       -       -       -       yes         -
devices/scale-1/session/request/bot         -       -       -       yes     -       -       -       yes         -
devices/scale-1/session/request/root        -       -       yes     -       -       -       -       yes         -
devices/scale-1/session/request/scale-1     -       -       -       -       -       yes     -       yes         -
devices/scale-1/session/request/printer-1   -       -       -       -       -       -       -       yes         -
devices/scale-1/session/request/backend     -       -       -       -       -       -       -       yes         -
devices/scale-1/session/reply/alice         -       -       -       -       -       -       -       yes         -
devices/scale-1/audio                       -       -       yes     -       -       yes     -       yes         -
devices/scale-1/audio/7                     -       -       yes     -       -       yes     -       yes         -
devices/scale-1/speech/7                    -       -       -       -       -       -       -       yes         -
devices/scale-1/conversation                -       -       -       -       -       -       -       yes         -
devices/scale-1/conversation/request/alice  yes     -       -       -       -       -       -       yes         -
devices/scale-1/conversation/request/ears   -       -       -       -       -       -       -       yes         -
devices/scale-1/conversation/request/scale-1 -      -       -       -       -       yes     -       yes         -
devices/scale-1/conversation/reply/alice    -       -       -       -       -       -       -       yes         -
channels/stage/session                      -       -       -       -       -       -       -       yes         -
channels/stage/session/event                -       -       -       -       -       -       -       yes         -
channels/stage/session/request/alice        yes     -       -       -       -       -       -       yes         -
channels/stage/session/request/ears         -       -       -       -       -       -       -       yes         -
channels/stage/session/request/scale-1      -       -       -       -       -       -       -       yes         -
channels/stage/session/reply/alice          -       -       -       -       -       -       -       yes         -
users/alice/clients/phone/status            yes     -       -       -       -       -       -       yes         -
users/root/clients/phone/status             -       -       yes     -       -       -       -       yes         -
users/bot/clients/phone/status              -       -       -       yes     -       -       -       yes         -
users/ears/clients/phone/status             -       -       -       -       -       -       -       yes         -
users/scale-1/clients/phone/status          -       -       -       -       -       -       -       yes         -
users/alice/presence                        -       -       -       -       -       -       -       yes         -
channels/stage/data/alice                   yes     -       -       -       -       -       -         yes       -
channels/stage/data/ears                    -       -       -       -       -       -       -         yes       -
channels/stage/data/scale-1                 -       -       -       -       -       -       -         yes       -
channels/stage/broadcast                    -       -       -       -       -       -       -         yes       -
backend/status                              -       -       -       -       -       -       -       yes         -
backend/stats                               -       -       -       -       -       -       -       yes         -
backend/broadcast                           -       -       -       -       -       -       -         yes       -
backend/request/alice                       yes     -       -       -       -       -       -         yes       -
backend/request/ears                        -       -       -       -       -       -       -         yes       -
backend/request/scale-1                     -       -       -       -       -       -       -         yes       -
backend/reply/alice                         -       -       -       -       -       -       -         yes       -
triggers/pir                                -       -       yes     -       -       -       -         yes       -
triggers/pir/event                          -       -       -       -       -       -       -         yes       -
triggers/pir/profiles                       -       -       -       -       -       -       -         yes       -
triggers/pir/profiles/greeter               -       -       -       -       -       -       -         yes       -
triggers/pir/profiles/request/alice         yes     -       -       -       -       -       -         yes       -
triggers/pir/profiles/request/ears          -       -       -       -       -       -       -         yes       -
triggers/pir/profiles/request/scale-1       -       -       -       -       -       -       -         yes       -
triggers/pir/profiles/reply/alice           -       -       -       -       -       -       -         yes       -
provision/request/claim-1                   -       -       -       -       -       -       -         yes         yes
provision/request/claim-other               -       -       -       -       -       -       -         yes         -
provision/request/alice                     -       -       -       -       -       -       -         yes         -
provision/request/root                      -       -       -       -       -       -       -         yes         -
provision/request/scale-1                   -       -       -       -       -       -       -         yes         -
provision/reply/claim-1                     -       -       -       -       -       -       -         yes         -
devices/scale-1/session/request/claim-1     -       -       -       -       -       -       -         yes         -
devices/scale-1/conversation/request/claim-1 -       -       -       -       -       -       -         yes         -
devices/claim-1/status                      -       -       -       -       -       -       -         yes         -
channels/stage/session/request/claim-1      -       -       -       -       -       -       -         yes         -
channels/stage/data/claim-1                 -       -       -       -       -       -       -         yes         -
users/claim-1/clients/phone/status          -       -       -       -       -       -       -         yes         -
triggers/pir/profiles/request/claim-1       -       -       -       -       -       -       -         yes         -
backend/request/claim-1                     -       -       -       -       -       -       -         yes         -
devices/scale-1                             ?       ?       ?       ?       ?       ?       ?       ?           ?
devices/scale-1/nonsense                    ?       ?       ?       ?       ?       ?       ?       ?           ?
devices/scale-1/session/request             ?       ?       ?       ?       ?       ?       ?       ?           ?
devices/scale-1/status/x                    ?       ?       ?       ?       ?       ?       ?       ?           ?
devices/scale-1/command/tare/x              ?       ?       ?       ?       ?       ?       ?       ?           ?
$SYS/broker/version                         ?       ?       ?       ?       ?       ?       ?       ?           ?
anything                                    ?       ?       yes     ?       ?       ?       ?       yes         ?
/devices/scale-1/status                     ?       ?       yes     ?       ?       ?       ?       yes         ?
"""

RECEIVING = """
topic                                       alice   bob     root    bot     ears    scale-1 printer-1 backend   claim-1
devices/scale-1/status                      yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/presence                    yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/info                        yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/telemetry                   yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/heartbeat                   yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/result                      yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/command/tare                yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/session                     yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/session/event               yes     yes     yes     yes     yes     yes     -       yes         -
devices/scale-1/session/request/alice       yes     -       yes     -       -       -       -       yes         -
devices/scale-1/session/reply/alice         yes     -       yes     -       -       -       -       yes         -
devices/scale-1/session/reply/scale-1       -       -       yes     -       -       yes     -       yes         -
devices/scale-1/session/reply/printer-1     -       -       yes     -       -       -       -       yes         -
devices/printer-1/session/reply/scale-1     -       -       yes     -       -       -       -       yes         -
devices/scale-1/audio                       -       -       yes     -       -       -       -       yes         -
devices/scale-1/audio/7                     -       -       yes     -       -       -       -       yes         -
devices/scale-1/speech/7                    -       -       yes     -       -       yes     -       yes         -
devices/scale-1/conversation                -       -       yes     -       -       yes     -       yes         -
devices/scale-1/conversation/request/alice  yes     -       yes     -       -       -       -       yes         -
devices/scale-1/conversation/reply/alice    yes     -       yes     -       -       -       -       yes         -
devices/scale-1/conversation/reply/scale-1  -       -       yes     -       -       yes     -       yes         -
channels/stage/session                      yes     yes     yes     yes     -       -       -       yes         -
channels/stage/session/event                yes     yes     yes     yes     -       -       -       yes         -
channels/stage/session/request/alice        yes     -       yes     -       -       -       -       yes         -
channels/stage/session/reply/alice          yes     -       yes     -       -       -       -       yes         -
users/alice/clients/phone/status            yes     yes     yes     yes     yes     -       -       yes         -
users/alice/presence                        yes     yes     yes     yes     yes     -       -       yes         -
channels/stage/data/alice                   -       -       yes     -       -       -       -         yes       -
channels/stage/broadcast                    yes     yes     yes     yes     yes     yes     yes       yes       -
backend/status                              yes     yes     yes     yes     yes     yes     yes     yes         -
backend/stats                               yes     yes     yes     yes     yes     -       -       yes         -
backend/broadcast                           yes     yes     yes     yes     yes     yes     yes       yes       -
backend/request/alice                       yes     -       yes     -       -       -       -         yes       -
backend/reply/alice                         yes     -       yes     -       -       -       -         yes       -
backend/reply/scale-1                       -       -       yes     -       -       -       -         yes       -
triggers/pir                                yes     yes     yes     yes     yes     -       -         yes       -
triggers/pir/event                          yes     yes     yes     yes     yes     -       -         yes       -
triggers/pir/profiles                       yes     yes     yes     yes     yes     -       -         yes       -
triggers/pir/profiles/greeter               yes     yes     yes     yes     yes     -       -         yes       -
triggers/pir/profiles/request/alice         yes     -       yes     -       -       -       -         yes       -
triggers/pir/profiles/reply/alice           yes     -       yes     -       -       -       -         yes       -
provision/request/claim-1                   -       -       -       -       -       -       -         yes         -
provision/reply/claim-1                     -       -       -       -       -       -       -         yes         yes
provision/reply/claim-other                 -       -       -       -       -       -       -         yes         -
provision/reply/alice                       -       -       -       -       -       -       -         yes         -
provision/reply/root                        -       -       -       -       -       -       -         yes         -
devices/scale-1/session/reply/claim-1       -       -       yes     -       -       -       -         yes         -
channels/stage/session/reply/claim-1        -       -       yes     -       -       -       -         yes         -
backend/reply/claim-1                       -       -       yes     -       -       -       -         yes         -
devices/scale-1/nonsense                    -       -       -       -       -       -       -       -           -
devices/scale-1/session/request             -       -       -       -       -       -       -       -           -
$SYS/broker/version                         -       -       -       -       -       -       -       -           -
anything                                    -       -       yes     -       -       -       -       yes         -
/devices/scale-1/status                     -       -       yes     -       -       -       -       yes         -
"""

EVERYBODY = {who.name: who for who in (ALICE, BOB, ROOT, BOT, EARS, SCALE, PRINTER, BACKEND, CODE)}


def cells(table: str) -> list[tuple[str, Principal, str]]:
    header, *rows = (line.split() for line in table.strip().splitlines())
    return [
        (topic, EVERYBODY[name], expected)
        for topic, *answers in rows
        for name, expected in zip(header[1:], answers, strict=True)
    ]


def publishes(who: Principal, topic: str, *, retain: bool = False, size: int = 2) -> str:
    """Return the answer in the words of the table."""
    verdict = RULES.publish(who, topic, retain=retain, size=size)
    if verdict.guard is not None:
        assert (verdict.code, verdict.guard) == (None, GUARD)
        return "holder"
    return {None: "yes", Code.FORBIDDEN: "-", Code.UNKNOWN_TOPIC: "?"}.get(verdict.code) or str(verdict.code)


def test_publishing() -> None:
    assert [cell for cell in cells(PUBLISHING) if publishes(cell[1], cell[0]) != cell[2]] == []


def test_receiving() -> None:
    wrong = [cell for cell in cells(RECEIVING) if RULES.receive(cell[1], cell[0]) is not (cell[2] == "yes")]
    assert wrong == []


@pytest.mark.parametrize("table", [PUBLISHING, RECEIVING], ids=["publishing", "receiving"])
def test_the_tables_name_every_route(table: str) -> None:
    named = {topic for topic, _who, _expected in cells(table)}
    assert [route for route in TABLE.routes if all(route.topic.match(topic) is None for topic in named)] == []


@pytest.mark.parametrize(
    ("topic", "readers"),
    [
        ("#", "alice bob root bot ears scale-1 printer-1 backend claim-1"),
        ("devices/#", "alice bob root bot ears scale-1 printer-1 backend"),
        ("+/+", "alice bob root bot ears scale-1 printer-1 backend"),
        ("devices/+/session/reply/+", "alice bob root bot ears scale-1 printer-1 backend"),
        ("devices/+/session/reply/alice", "alice root backend"),
        ("devices/+/session/request/alice", "alice root backend"),
        ("devices/scale-1/#", "alice bob root bot ears scale-1 backend"),
        ("devices/printer-1/command/+", "alice bob root bot ears printer-1 backend"),
        ("devices/printer-1/session/reply/scale-1", "root backend"),
        ("backend/stats", "alice bob root bot ears backend"),
        ("backend/#", "alice bob root bot ears scale-1 printer-1 backend"),
        ("users/#", "alice bob root bot ears backend"),
        ("users/alice/clients/+/status", "alice bob root bot ears backend"),
        ("provision/#", "root backend claim-1"),
        ("provision/reply/+", "root backend claim-1"),
        ("provision/reply/claim-other", "root backend"),
        ("provision/request/claim-1", "root backend"),
        ("states/#", "root backend"),
        ("devices", "root backend"),
        ("$SYS/#", "root backend"),
        ("$share/group/devices/+/session", "root backend"),
        ("", ""),
        ("devices/#/session", ""),
        ("devices/a+", ""),
        ("devices/\0", ""),
    ],
)
def test_subscribing(topic: str, readers: str) -> None:
    assert [who.name for who in EVERYBODY.values() if RULES.subscribe(who, topic)] == readers.split()


@pytest.mark.parametrize("bad", ["Scale-1", "-a", "a b", "a.b", "$a", "a" * 64, "é", "a\n", "a\0"])
@pytest.mark.parametrize(
    "topic",
    [
        "devices/{}/status",
        "devices/{}/session/request/alice",
        "devices/scale-1/command/{}",
        "users/alice/clients/{}/status",
    ],
)
def test_bad_and_over_long_ids_are_refused_whoever_asks(topic: str, bad: str) -> None:
    impostor = Principal(bad, Role.DEVICE, "has a bad name")
    assert {publishes(who, topic.format(bad)) for who in (*EVERYBODY.values(), impostor)} == {"bad_id"}


@pytest.mark.parametrize(
    "wild", ["devices/+/status", "devices/#", "devices/scale-1/session/request/+", "#", "+/status"]
)
def test_a_wildcard_is_no_topic_to_publish_or_receive(wild: str) -> None:
    assert {publishes(who, wild) for who in EVERYBODY.values()} == {"?"}
    assert not any(RULES.receive(who, wild) for who in EVERYBODY.values())


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.topic.template)
def test_only_topics_that_may_be_retained_are(route: object) -> None:
    for topic, who, expected in cells(PUBLISHING):
        found = TABLE.find(topic)
        if expected in ("yes", "holder") and found is not None and found[0] is route:
            kept = expected if found[0].retain is not Retain.NEVER else "retained"
            assert publishes(who, topic, retain=True) == kept


def test_commands_requests_and_results_are_never_retained() -> None:
    assert publishes(ALICE, "devices/scale-1/command/tare", retain=True) == "retained"
    assert publishes(ALICE, "devices/scale-1/session/request/alice", retain=True) == "retained"
    assert publishes(SCALE, "devices/scale-1/result", retain=True) == "retained"
    assert publishes(SCALE, "devices/scale-1/heartbeat", retain=True) == "retained"
    assert publishes(SCALE, "devices/scale-1/telemetry", retain=True) == "yes"


def test_a_payload_has_at_most_256_kib() -> None:
    assert publishes(SCALE, "devices/scale-1/telemetry", size=256 * 1024) == "yes"
    assert publishes(SCALE, "devices/scale-1/telemetry", size=256 * 1024 + 1) == "too_large"
    assert publishes(BACKEND, "devices/scale-1/session", size=MAX_PAYLOAD + 1) == "too_large"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.USER, Role.LISTENER, Role.INTEGRATION])
def test_a_person_called_like_a_device_is_no_device(role: Role) -> None:
    forged = Principal("scale-1", role, "calls himself a scale")
    assert publishes(forged, "devices/scale-1/status") == "-"
    assert publishes(forged, "devices/scale-1/result") == "-"


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.CLAIM, Role.BACKEND)])
def test_who_is_called_like_a_claim_code_is_none(role: Role) -> None:
    forged = Principal(CODE.name, role, "calls himself a code")
    assert publishes(forged, f"provision/request/{CODE.name}") == "-"
    assert not RULES.receive(forged, f"provision/reply/{CODE.name}")


def test_only_the_backends_role_makes_the_backend() -> None:
    forged = Principal("backend", Role.ADMIN, "calls himself the backend")
    assert publishes(forged, "devices/scale-1/session") == "-"
    assert publishes(forged, "devices/scale-1/command/tare") == "holder"


# The whole tree elsewhere

LAB = Rulebook(TABLE, "lab1/")


def test_under_a_prefix_the_same_rules_hold_and_outside_of_it_only_admins_do_anything() -> None:
    for topic, who, _expected in cells(PUBLISHING):
        if not topic.startswith(("devices/", "channels/", "users/", "backend/", "provision/")):
            continue
        inside = LAB.publish(who, f"lab1/{topic}", retain=False, size=2)
        outside = RULES.publish(who, topic, retain=False, size=2)
        assert inside.code is outside.code
        assert inside.guard == (f"lab1/{outside.guard}" if outside.guard else None)
        assert LAB.receive(who, f"lab1/{topic}") is RULES.receive(who, topic)
        for elsewhere in (topic, f"lab2/{topic}", f"lab1/lab1/{topic}", f"lab1{topic}", f"/lab1/{topic}"):
            may = who in (ROOT, BACKEND)
            assert LAB.publish(who, elsewhere, retain=False, size=2).code is (None if may else Code.UNKNOWN_TOPIC)
            assert LAB.receive(who, elsewhere) is may


def test_under_a_prefix_one_subscribes_to_it_or_to_everything() -> None:
    assert LAB.subscribe(ALICE, "lab1/devices/+/session")
    assert LAB.subscribe(ALICE, "lab1/#")
    assert LAB.subscribe(ALICE, "#")
    assert not LAB.subscribe(ALICE, "devices/+/session")
    assert not LAB.subscribe(ALICE, "lab2/#")


# Properties

WORDS = [
    "provision",
    CODE.name,
    "devices",
    "scale-1",
    "printer-1",
    "session",
    "status",
    "request",
    "reply",
    "alice",
    "bob",
    "command",
    "backend",
]
topics = st.lists(st.sampled_from([*WORDS, "event", "stats", "tare", "$SYS", ""]), min_size=1, max_size=5).map("/".join)
known_topics = st.sampled_from([topic for topic, _who, _expected in cells(RECEIVING)])
filters = st.builds(
    lambda start, end: "/".join([*start, *end]),
    st.lists(st.sampled_from([*WORDS, "+"]), max_size=5),
    st.sampled_from([[], ["#"], ["+"]]),
)
anybody = st.sampled_from(list(EVERYBODY.values()))


@given(anybody, topics | known_topics, filters)
def test_whatever_may_be_received_is_covered_by_a_filter_that_may_be_subscribed(
    who: Principal, topic: str, wild: str
) -> None:
    if RULES.receive(who, topic):
        assert RULES.subscribe(who, topic)
        assert RULES.subscribe(who, wild) or not overlaps(wild, topic) or not wild


@given(anybody, topics)
def test_what_is_not_in_the_route_table_is_denied(who: Principal, topic: str) -> None:
    if TABLE.find(topic) is None and (
        who not in (ROOT, BACKEND) or topic.split("/", maxsplit=1)[0] in {"devices", "backend", "$SYS"}
    ):
        assert publishes(who, topic) == "?"
        assert not RULES.receive(who, topic)


@given(
    anybody, st.sampled_from(["alice", "bob", "scale-1", "ears", "root", "x"]), st.sampled_from(["request", "reply"])
)
def test_nobody_asks_or_hears_the_answer_under_another_name(who: Principal, name: str, way: str) -> None:
    topic = f"devices/scale-1/session/{way}/{name}"
    if who is not BACKEND and who.name != name:
        assert publishes(who, topic) == "-"
        assert RULES.receive(who, topic) is (who.role is Role.ADMIN)
