"""The contract as a C header: names that a compiler takes, and everything that firmware needs."""

import re
from collections import Counter
from typing import get_args

from backend.app.table import TABLE
from backend.core.refusals import Code
from backend.features.sessions.messages import REQUEST, Ending, SessionDocument, State
from backend.features.voice.frames import Codec, Flag
from tools.schemas.c_header import header

HEADER = header(TABLE)
DEFINED = dict(re.findall(r"^#define (\w+(?:\(X\))?) (.+)$", HEADER, re.MULTILINE))


def words(name: str) -> list[str]:
    """Return the words of a list, and insist that each has its own name."""
    pairs = re.findall(r'X\((\w+), "(\w+)"\)', DEFINED[f"{name}(X)"])
    assert [key for key, _word in pairs] == [word.upper() for _key, word in pairs]
    return [word for _key, word in pairs]


def test_every_name_is_defined_once_and_is_a_name_in_c() -> None:
    names = Counter(re.findall(r"^#define (\S+?)(?:\(X\))?(?: |$)", HEADER, re.MULTILINE))
    assert {name: count for name, count in names.items() if count > 1} == {}
    assert [name for name in names if not re.fullmatch(r"(TS|TALKSTICK)_[A-Z0-9_]+", name)] == []


def test_every_line_is_a_definition_or_a_comment() -> None:
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    assert [
        line for line in code.splitlines() if line and not line.startswith(("#define ", "#ifndef ", "#endif"))
    ] == []


def test_topics_are_those_that_concern_boards() -> None:
    assert DEFINED["TS_TOPIC_DEVICES_SESSION"] == '"devices/{device}/session"'
    assert DEFINED["TS_TOPIC_DEVICES_COMMAND_NAME"] == '"devices/{device}/command/{name}"'
    topics = [name for name in DEFINED if name.startswith("TS_TOPIC_")]
    assert not [name for name in topics if "CHANNELS" in name or "USERS" in name or "PROFILES" in name]


def test_the_words_of_a_key_are_there_in_the_order_of_the_model() -> None:
    assert words("TS_SESSION_DOCUMENT_STATE_WORDS") == list(get_args(State))
    assert words("TS_STATUS_STATE_WORDS") == ["online", "lost", "sleeping", "disconnected"]


def test_words_of_several_kinds_are_all_there() -> None:
    assert words("TS_SESSION_DOCUMENT_REASON_WORDS") == ["claimed", *get_args(Ending)]


def test_the_events_of_a_conversation_are_words() -> None:
    expected = ["busy", "partial", "final", "answer", "spoken", "error"]
    assert words("TS_CONVERSATION_EVENT_EVENT_WORDS") == expected


def test_what_may_be_asked_for_is_there() -> None:
    found = TABLE.find(REQUEST.at(device="scale-1", principal="scale-1"))
    assert found is not None
    for action in found[0].actions:
        assert DEFINED[f"TS_ACTION_{action.upper()}"] == f'"{action}"'


def test_keys_of_documents_and_of_what_is_in_them_are_there() -> None:
    for key in (*SessionDocument.model_fields, "eta_s", "frame_bytes", "wake_in_s", "for"):
        assert DEFINED[f"TS_KEY_{key.upper()}"] == f'"{key}"'


def test_codecs_flags_and_codes_are_those_of_the_server() -> None:
    assert {name: int(DEFINED[f"TS_CODEC_{name}"]) for name in Codec.__members__} == dict(Codec.__members__)
    assert words("TS_CODECS") == [codec.name.lower() for codec in Codec]
    assert {name: int(DEFINED[f"TS_FLAG_{name}"]) for name in Flag.__members__} == dict(Flag.__members__)
    assert {DEFINED[f"TS_CODE_{code.name}"] for code in Code} == {f'"{code}"' for code in Code}
