"""What Mosquitto is told: roles, secrets, and what is to be mended. The rules themselves are the rulebook's."""

import hashlib
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.principals import Principal, Role, Roster
from backend.core.routing import RouteTable
from backend.core.topics import overlaps
from backend.features.triggers.routes import ROUTES as TRIGGERS
from backend.features.voice.routes import ROUTES as VOICE
from backend.shell import verifier
from backend.shell.mosquitto_inventory import Inventory, following, mending, unknown
from backend.shell.mosquitto_rights import Acl, Rights, acls, read_acls
from tests.people import ALICE, BOT, CODE, EARS, EVERYBODY, PRINTER, ROOT, SCALE

RULES = Rulebook(TABLE)
RIGHTS = Rights(RULES, "")
SERVER = Principal("backend", Role.BACKEND, "Talkstick")
LEVELS = {
    "device": ("scale-1", "printer-1"),
    "principal": ("alice", "ears", "scale-1", "claim-1"),
    "name": ("tare",),
    "channel": ("stage",),
    "client": ("phone",),
    "turn": ("7",),
    "trigger": ("pir", "door"),
    "profile": ("greet",),
}

ZIGBEE = replace(BOT, name="zigbee2mqtt", topics=("zigbee2mqtt/#", "homeassistant/+/+/config"))
WALL = replace(EARS, name="wall", topics=("zigbee2mqtt/#",))
PLUG = replace(SCALE, name="plug-1", topics=("tele/plug-1/+", "cmnd/plug-1/+"), triggers=frozenset({"pir"}))
ELSEWHERE = (
    "zigbee2mqtt",
    "zigbee2mqtt/pir",
    "homeassistant/switch/pir/config",
    "tele/plug-1/STATE",
    "tele/plug-2/STATE",
    "devices",
    "devices/scale-1/nonsense",
    "/devices/scale-1/status",
    "$SYS/broker/version",
)

everybody = st.sampled_from([*EVERYBODY.values(), ZIGBEE, WALL, PLUG, CODE, SERVER])
topics = st.sampled_from(TABLE.routes).flatmap(
    lambda route: st.fixed_dictionaries({name: st.sampled_from(LEVELS[name]) for name in route.topic.names}).map(
        lambda levels: route.topic.at(**levels)
    )
)


def allowed(who: Principal, kind: str, topic: str) -> bool:
    """Ask as Mosquitto does: the first rule that covers the topic decides."""
    roles = RIGHTS.all_roles([who])
    for name in RIGHTS.names(who):
        for rule in sorted(roles[name], key=lambda rule: -rule.priority):
            if rule.kind == kind and overlaps(topic, rule.topic):
                return rule.allow
    return False


@given(everybody, topics | st.sampled_from(ELSEWHERE))
def test_roles_and_rulebook_give_the_same_answers(who: Principal, topic: str) -> None:
    verdict = RULES.publish(who, topic, retain=False, size=2)
    assert allowed(who, "publishClientSend", topic) == (verdict.code is None and verdict.guard is None)
    assert allowed(who, "publishClientReceive", topic) == RULES.receive(who, topic)


@given(topics)
def test_what_a_document_guards_is_what_the_rulebook_guards(topic: str) -> None:
    guard = RULES.publish(ALICE, topic, retain=False, size=2).guard
    guarding = [f"devices/{device}/session" for device in LEVELS["device"]]
    covers = [document for document in guarding if any(overlaps(topic, each) for each in RULES.guarded_by(document))]
    assert covers == ([guard] if guard else [])


def test_what_all_of_a_kind_may_do_is_said_once() -> None:
    alice, bob = RIGHTS.roles(ALICE), RIGHTS.roles(Principal("bob", Role.USER, "Bob"))
    assert alice["role:user"] == bob["role:user"]
    assert all("alice" in rule.topic for rule in alice["account:alice"])
    assert Acl("publishClientReceive", "backend/stats") in alice["role:user"]
    assert not any(rule.topic.startswith("$") for who in (ALICE, ROOT, EARS, BOT, SCALE) for rule in rules_of(who))
    assert any(rule.topic.startswith("$CONTROL") for rule in rules_of(SERVER))


def rules_of(who: Principal) -> frozenset[Acl]:
    return frozenset().union(*RIGHTS.roles(who).values())


def test_topics_of_ones_own_are_in_ones_own_role() -> None:
    of_its_kind = RIGHTS.roles(BOT)["role:integration"]
    assert RIGHTS.roles(ZIGBEE) == {
        "role:integration": of_its_kind,
        "account:zigbee2mqtt": {
            *(Acl(rule.kind, rule.topic.replace("bot", "zigbee2mqtt")) for rule in RIGHTS.roles(BOT)["account:bot"]),
            *(Acl(kind, each) for kind in ("publishClientSend", "publishClientReceive") for each in ZIGBEE.topics),
        },
    }
    assert Acl("publishClientSend", "zigbee2mqtt/#") not in rules_of(WALL)


def test_roles_and_rules_are_read_as_they_are_told() -> None:
    rules = RIGHTS.roles(ROOT)["role:admin"]
    assert {rule.priority for rule in rules} == {0, -1, -2}
    assert read_acls(acls(rules)) == rules


def test_a_prefix_is_in_every_rule_and_in_the_names_of_roles() -> None:
    lab = Rights(Rulebook(TABLE, "lab/"), "lab/")
    assert all(name.startswith("lab/") for name in lab.names(SCALE))
    everything = {rule.topic for name in lab.roles(SCALE) for rule in lab.roles(SCALE)[name]}
    assert {topic for topic in everything if not topic.startswith("lab/")} == {"#"}
    assert lab.owner("lab/account:scale-1") == "scale-1"
    assert lab.owner("account:scale-1") is lab.owner("lab/holder:scale-1") is None


def in_step(*people: Principal) -> Inventory:
    return Inventory(
        dict(RIGHTS.all_roles([*people, SERVER])), {who.name: RIGHTS.names(who) for who in (*people, SERVER)}
    )


def test_nothing_is_mended_that_is_right() -> None:
    there = in_step(ALICE, SCALE)
    others = Inventory({**there.roles, "admin": frozenset()}, {**there.clients, "dynsec": ["admin"]})
    assert mending(RIGHTS, {"alice": ALICE, "scale-1": SCALE}, others, SERVER) == []


def test_what_is_wrong_is_mended() -> None:
    there = in_step(ALICE, PRINTER)
    spoilt = {**there.roles, "account:alice": frozenset({Acl("publishClientSend", "#")})}
    clients = {**there.clients, "alice": ["account:alice"]}
    found = mending(RIGHTS, {"alice": ALICE, "scale-1": SCALE}, Inventory(spoilt, clients), SERVER)
    said = [(each["command"], each.get("username") or each.get("rolename")) for each in found]
    assert said == [
        ("deleteClient", "printer-1"),
        ("deleteRole", "account:printer-1"),
        ("deleteRole", "holder:printer-1"),
        ("modifyRole", "account:alice"),
        ("createRole", "account:scale-1"),
        ("createRole", "holder:scale-1"),
        ("modifyClient", "alice"),
        ("createClient", "scale-1"),
    ]
    assert unknown(RIGHTS, {"alice": ALICE, "scale-1": SCALE}, Inventory(spoilt, clients)) == (["scale-1"], [])


def test_a_client_of_somebody_else_is_left_alone() -> None:
    there = in_step()
    foreign = Inventory(there.roles, {**there.clients, "alice": ["admin"]})
    assert {each["command"] for each in mending(RIGHTS, {"alice": ALICE}, foreign, SERVER)} == {"createRole"}
    assert unknown(RIGHTS, {"alice": ALICE}, foreign) == ([], ["alice"])


def test_a_verifier_is_what_mosquitto_computes() -> None:
    line = verifier.made("correct horse", generated=True)
    known = verifier.parsed(line)
    assert line.startswith("$7$1000$")
    assert len(b64decode(known.salt)) == 12
    again = hashlib.pbkdf2_hmac("sha512", b"correct horse", b64decode(known.salt), known.iterations)
    assert b64decode(known.password) == again
    assert "horse" not in line


# Devices that change hands


def roster(*people: Principal) -> Roster:
    return Roster({who.name: who for who in people})


def talking(there: Roster | None = None) -> Rights:
    """Return the rights where devices converse, and triggers are owned."""
    return Rights(Rulebook(RouteTable([*VOICE, *TRIGGERS]), "", there), "")


def after_it(told: Iterable[Principal], before: Roster, after: Roster) -> dict[str, object]:
    """Return the roles of a Mosquitto that was in step with *before*, got new accounts, and follows."""
    there: dict[str, object] = {**talking().all_roles(told), **talking(before).all_roles(before.principals.values())}
    for command in following(talking(after), before, after):
        assert command["command"] == "modifyRole"
        there[command["rolename"]] = read_acls(command["acls"])
    return there


@st.composite
def houses(draw: st.DrawFn) -> Roster:
    """Some people, and two devices that may be one's, or open; each may have topics and triggers."""
    people = draw(st.sets(st.sampled_from([EVERYBODY[name] for name in ("alice", "bob", "ears", "bot")])))
    owners = st.sampled_from([None, *(who.name for who in (ROOT, *people) if who.role is not Role.LISTENER)])
    devices = [replace(who, owner=draw(owners), is_open=draw(st.booleans())) for who in (SCALE, PRINTER)]
    topics, triggers = st.sampled_from([(), ("a/#",), ("a/#", "+/b")]), st.sets(st.sampled_from(["pir", "door"]))
    having = [replace(who, topics=draw(topics), triggers=frozenset(draw(triggers))) for who in (*people, *devices)]
    return roster(ROOT, *having)


@given(houses(), houses())
def test_who_follows_is_in_step(before: Roster, after: Roster) -> None:
    new = [who for name, who in after.principals.items() if name not in before.principals]
    found = after_it(new, before, after)
    wanted = talking(after).all_roles(after.principals.values())
    assert {role: found[role] for role in wanted} == wanted


def test_only_what_changed_is_told_and_who_loses_is_told_first() -> None:
    people = (ROOT, ALICE, EARS, SCALE, PRINTER)
    hers = roster(*people, replace(SCALE, owner="root"))
    his = roster(*people, replace(SCALE, owner="alice"))
    assert following(talking(hers), hers, hers) == []
    assert [each["rolename"] for each in following(talking(his), hers, his)] == ["account:root", "account:alice"]
    assert [each["rolename"] for each in following(talking(hers), his, hers)] == ["account:alice", "account:root"]
    opened = roster(*people, replace(SCALE, owner="alice", is_open=True))
    told = {"role:admin", "role:user", "role:listener", "account:alice"}  # whose own role need not say it any more
    assert {each["rolename"] for each in following(talking(opened), his, opened)} == told
    assert {each["rolename"] for each in following(talking(his), opened, his)} == told


def test_topics_and_triggers_that_are_given_or_taken_are_told_and_who_loses_first() -> None:
    bare, given = roster(ROOT, ALICE, BOT), roster(ROOT, replace(ALICE, topics=("a/#",)), BOT)
    passed = roster(ROOT, ALICE, replace(BOT, topics=("a/#",), triggers=frozenset({"pir"})))
    assert [each["rolename"] for each in following(talking(given), bare, given)] == ["account:alice"]
    assert [each["rolename"] for each in following(talking(passed), given, passed)] == ["account:alice", "account:bot"]
    lost = roster(ROOT, replace(ALICE, triggers=frozenset({"pir"})), replace(BOT, topics=("a/#",)))
    assert [each["rolename"] for each in following(talking(lost), passed, lost)] == ["account:bot", "account:alice"]


def test_a_client_whose_roles_are_asked_in_another_order_is_mended() -> None:
    there = in_step(ALICE)
    turned = Inventory(there.roles, {**there.clients, "alice": RIGHTS.names(ALICE)[::-1]})
    (command,) = mending(RIGHTS, {"alice": ALICE}, turned, SERVER)
    assert command["command"] == "modifyClient"
    assert [(each["rolename"], each["priority"]) for each in command["roles"]] == [
        ("account:alice", 0),
        ("holder:alice", -1),
        ("role:user", -2),
    ]


def test_what_an_owner_may_read_is_in_its_own_role_and_what_is_open_in_that_of_its_kind() -> None:
    there = talking(roster(ALICE, replace(SCALE, owner="alice", is_open=True)))
    hers = there.roles(ALICE)
    assert Acl("publishClientReceive", "devices/scale-1/speech/+") in hers["account:alice"]
    assert Acl("publishClientReceive", "devices/scale-1/conversation") in hers["role:user"]
    assert Acl("publishClientReceive", "devices/scale-1/conversation") in there.roles(EARS)["role:listener"]
