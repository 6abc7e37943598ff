"""What a trigger may listen to: anything outside of the tree, and what tells people something inside of it."""

import pytest

from backend.app.table import TABLE
from backend.features.triggers.source_topics import check_source_topic


@pytest.mark.parametrize("prefix", ["", "lab/"])
@pytest.mark.parametrize(
    "topic",
    [
        "zigbee2mqtt/hall",
        "stat/+/POWER",
        "frigate/#",
        "homeassistant/binary_sensor/+/state",
        "/leading/slash",
        "devices/pir-1/telemetry",
        "devices/+/telemetry",
        "devices/pir-1/presence",
        "devices/pir-1/session",
        "devices/pir-1/session/event",
        "devices/pir-1/result",
        "devices/pir-1/status",
        "devices/pir-1/heartbeat",
        "devices/pir-1/info",
        "users/alice/presence",
        "channels/stage/session",
        "backend/status",
    ],
)
def test_these_may_be_sources(topic: str, prefix: str) -> None:
    check_source_topic(topic, TABLE, prefix)


@pytest.mark.parametrize("prefix", ["", "lab/"])
@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("", "no topic filter"),
        ("a/#/b", "no topic filter"),
        ("a+", "no topic filter"),
        ("a\nb", "no topic filter"),
        ("$SYS/broker/uptime", "broker's own"),
        ("#", "first level"),
        ("+/pir-1/telemetry", "first level"),
        ("devices/#", "one kind"),
        ("devices/pir-1/#", "one kind"),
        ("devices/+/+", "one kind"),
        ("devices/pir-1", "one kind"),
        ("devices/pir-1/nothing", "one kind"),
        ("devices/a+/status", "no topic filter"),
        ("devices/pir-1/command/+", "cannot be a source"),
        ("devices/pir-1/session/request/alice", "cannot be a source"),
        ("devices/pir-1/session/reply/alice", "cannot be a source"),
        ("devices/pir-1/audio", "cannot be a source"),
        ("devices/pir-1/speech/+", "cannot be a source"),
        ("devices/pir-1/conversation", "cannot be a source"),
        ("channels/stage/data/+", "cannot be a source"),
        ("triggers/hall", "cannot be a source"),
        ("triggers/hall/event", "cannot be a source"),
        ("triggers/+/profiles/greet", "cannot be a source"),
        ("x" * 257, "256"),
    ],
)
def test_these_may_not(topic: str, why: str, prefix: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_source_topic(topic, TABLE, prefix)


def test_a_prefix_hides_no_way_into_the_tree() -> None:
    check_source_topic("lab/devices/pir-1/telemetry", TABLE)
    for topic in ("lab/#", "lab/+/x/command/go", "lab/devices/pir-1/command/go"):
        with pytest.raises(ValueError, match="Talkstick's own"):
            check_source_topic(topic, TABLE, "lab/")
