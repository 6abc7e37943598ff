"""What is known of each device that talks."""

from dataclasses import replace
from typing import Any

import pytest

from backend.core.audio import AudioAbility
from backend.core.desk import Desk, Effect
from backend.core.effects import Perform, Publish, Record
from backend.core.facts import (
    BrokerReached,
    DeviceBooted,
    DeviceDeclared,
    DirectoryChanged,
    FloorChanged,
    PhraseMade,
    PublishRefused,
    TurnBegun,
    TurnEnded,
)
from backend.core.refusals import Code
from backend.features.voice.feature import ConversationErased, Talker, Talkers, desk
from backend.features.voice.messages import TurnFailed
from backend.features.voice.settings import VoiceSettings
from backend.features.voice.state import HushOrdered, Interrupted, LastTurn, Silenced
from tests.house import House, memory_database
from tests.people import ROOT
from tests.talks import KITCHEN, LISTENING, Talks

NOW = 1_700_000_000.0
DIRECTORY = DirectoryChanged(frozenset({"speaker-1", "speaker-2"}), frozenset())
TURN = TurnEnded("speaker-1", 7, NOW, heard="hello", answer="Hello.")
PHRASE = PhraseMade("speaker-1", "k", "Hello.", b"\0\0", 0.1, NOW)


@pytest.fixture
def voice() -> Desk[Talker]:
    made = desk()
    made.handle(DIRECTORY, NOW)
    return made


def hears(voice: Desk[Talker], *facts: object) -> list[Effect]:
    return [effect for fact in facts for effect in voice.handle(fact, NOW)]


def test_a_device_that_says_nothing_of_itself_talks_like_the_simplest(voice: Desk[Talker]) -> None:
    assert Talkers(voice).talker("speaker-1") == Talker("speaker-1", provisioned=True)
    assert voice.states["speaker-1"].ability == AudioAbility("pcm16_16k", 1400, 1000)
    assert Talkers(voice).talker("nobody") is None


def test_what_is_known_of_one_device_is_of_no_other(voice: Desk[Talker]) -> None:
    ability = AudioAbility("mp3", 700, 500)
    hears(
        voice,
        FloorChanged("devices/speaker-1", "alice", 0),
        DeviceDeclared("speaker-1", cleans=False, audio=ability),
        DeviceBooted("speaker-1", 17),
    )
    assert Talkers(voice).talker("speaker-1") == Talker(
        "speaker-1", provisioned=True, ability=ability, holder="alice", boot=17
    )
    assert Talkers(voice).talker("speaker-2") == Talker("speaker-2", provisioned=True)
    hears(voice, FloorChanged("devices/speaker-1", None, 0))
    assert voice.states["speaker-1"].holder is None


def test_who_holds_a_channel_is_nothing_to_it(voice: Desk[Talker]) -> None:
    hears(voice, FloorChanged("channels/speaker-1", "alice", 0))
    assert voice.states["speaker-1"].holder is None
    assert set(voice.states) == {"speaker-1", "speaker-2"}


def test_settings_come_and_go(voice: Desk[Talker]) -> None:
    own: dict[str, Any] = {"language": "es", "grammar": ["hola"]}
    hears(voice, DirectoryChanged(DIRECTORY.devices, frozenset(), voices={"speaker-1": own}))
    assert voice.states["speaker-1"].settings == VoiceSettings(language="es", grammar=("hola",))
    assert voice.states["speaker-2"].settings == VoiceSettings()
    hears(voice, DIRECTORY)
    assert voice.states["speaker-1"].settings == VoiceSettings()


def test_the_settings_of_many_devices_are_one_object(voice: Desk[Talker]) -> None:
    assert voice.states["speaker-1"].settings is voice.states["speaker-2"].settings


def test_turns_and_phrases_are_recorded(voice: Desk[Talker]) -> None:
    assert hears(voice, PHRASE, TURN) == [Record(PHRASE), Record(TURN)]


def test_of_a_device_that_is_removed_everything_is_forgotten_and_nothing_new_is_kept(voice: Desk[Talker]) -> None:
    hears(voice, DeviceBooted("speaker-1", 17))
    gone = ConversationErased("speaker-1", is_gone=True)
    without = DirectoryChanged(frozenset({"speaker-2"}), frozenset())
    assert hears(voice, without) == [Record(gone), Perform(gone)]
    assert hears(voice, without, PHRASE, TURN) == []
    assert Talkers(voice).talker("speaker-1") is None
    hears(voice, DIRECTORY)
    assert Talkers(voice).talker("speaker-1") == Talker("speaker-1", provisioned=True)


def test_who_gets_a_device_hears_nothing_that_is_under_way(voice: Desk[Talker]) -> None:
    alices, bobs = replace(DIRECTORY, owners={"speaker-1": "alice"}), replace(DIRECTORY, owners={"speaker-1": "bob"})
    assert hears(voice, alices, alices) == [], "its first owner could have heard it"
    erased = ConversationErased("speaker-1")
    begins_anew = [Record(erased), Perform(erased), Perform(HushOrdered("speaker-1"))]
    assert hears(voice, bobs) == begins_anew
    assert hears(voice, DIRECTORY) == begins_anew, "it is nobody's"
    assert hears(voice, DIRECTORY, alices) == []


def test_a_device_that_changes_hands_keeps_its_turns_and_what_it_said_meanwhile_is_forgotten(house: House) -> None:
    talks = Talks(house)
    house.hears(TurnEnded(KITCHEN.name, 7, NOW, boot=17, heard="secret", answer="words"))
    house.commit()
    house.knows({**LISTENING, KITCHEN.name: replace(KITCHEN, owner="bob")})
    house.commit()
    assert talks.told(KITCHEN.name) == []
    assert talks.asks(ROOT, KITCHEN.name, "history")["turn"] == 7, "forgotten, and not to be used again"
    house.restart()
    assert house.talker(KITCHEN.name).turn == 7


def test_nothing_of_it_is_projected_or_waits_for_time(voice: Desk[Talker]) -> None:
    assert list(voice.projection(NOW)) == []
    assert voice.deadline() is None


def test_a_device_counts_its_turns_from_its_last_boot(voice: Desk[Talker]) -> None:
    turn = replace(TURN, boot=17)
    hears(voice, DeviceBooted("speaker-1", 17), turn)
    assert voice.states["speaker-1"].turn == 7
    hears(voice, replace(turn, turn=6))
    assert voice.states["speaker-1"].turn == 7, "an announcement may end after the turn that cut it"
    hears(voice, DeviceBooted("speaker-1", 18))
    assert voice.states["speaker-1"].turn == 0
    hears(voice, replace(turn, turn=8))
    assert voice.states["speaker-1"].turn == 0, "a turn of the boot before that ended late"


def test_a_turn_that_is_not_worth_remembering_is_over_all_the_same(voice: Desk[Talker]) -> None:
    hears(voice, DeviceBooted("speaker-1", 17), TurnBegun("speaker-1", 7, 17))
    assert voice.states["speaker-1"].last == LastTurn(17, 7, is_over=False)
    assert hears(voice, replace(TURN, turn=6, boot=17)) == [Record(replace(TURN, turn=6, boot=17))]
    assert voice.states["speaker-1"].last == LastTurn(17, 7, is_over=False), "the one that it cut has ended"
    assert hears(voice, replace(TURN, boot=17, remembered=False)) == []
    assert voice.states["speaker-1"].last == LastTurn(17, 7)
    hears(voice, TurnBegun("speaker-1", 8, 16))
    assert voice.states["speaker-1"].last == LastTurn(17, 7), "it began before the boot"


@pytest.fixture
def house() -> House:
    made = House(memory_database())
    Talks(made)
    made.receive(f"devices/{KITCHEN.name}/status", {"state": "online", "boot": 17})
    made.hears(TurnBegun(KITCHEN.name, 7, 17))
    made.commit()
    return made


def told(house: House) -> list[object]:
    house.performed.clear()
    house.hears(BrokerReached())
    house.commit()
    return house.performed


def test_a_turn_in_which_the_server_died_is_told_to_be_over_once(house: House) -> None:
    assert told(house) == [], "it is under way"
    house.restart()
    assert told(house) == [Interrupted(KITCHEN.name, 7)]
    assert told(house) == [], "the broker came back"
    house.restart()
    assert told(house) == []
    assert house.talker(KITCHEN.name).turn == 7


def test_nobody_waits_for_a_turn_that_had_ended_or_for_that_of_a_board_that_booted_since(house: House) -> None:
    house.hears(TurnEnded(KITCHEN.name, 7, NOW, boot=17, remembered=False))
    house.commit()
    house.restart()
    assert told(house) == []
    house.hears(TurnBegun(KITCHEN.name, 8, 17))
    house.receive(f"devices/{KITCHEN.name}/status", {"state": "online", "boot": 18})
    house.commit()
    house.restart()
    assert told(house) == []


def test_what_began_in_a_session_ends_with_it(voice: Desk[Talker]) -> None:
    hears(voice, FloorChanged("devices/speaker-1", "alice", 0))
    assert hears(voice, FloorChanged("devices/speaker-1", "bob", 0)) == [], "anyone is heard"
    hears(voice, replace(DIRECTORY, voices={"speaker-1": {"heard": "holder"}}))
    assert hears(voice, FloorChanged("devices/speaker-1", "bob", 3)) == []
    silenced = [Perform(Silenced("speaker-1", Code.NOT_IN_USE))]
    assert hears(voice, FloorChanged("devices/speaker-1", "alice", 2)) == silenced
    assert hears(voice, FloorChanged("devices/speaker-1", None, 0)) == silenced
    assert hears(voice, FloorChanged("devices/speaker-1", "bob", 0)) == []


def test_a_voice_that_is_switched_off_ends_in_the_middle_of_a_word(voice: Desk[Talker]) -> None:
    off = replace(DIRECTORY, voices={"speaker-1": {"enabled": False}})
    assert hears(voice, off) == [Perform(Silenced("speaker-1", Code.VOICE_OFF))]
    assert hears(voice, off) == []


@pytest.mark.parametrize("topic", ["devices/speaker-1/audio", "devices/speaker-1/audio/9"])
def test_a_board_is_told_that_the_broker_refused_its_audio(voice: Desk[Talker], topic: str) -> None:
    (told,) = hears(voice, PublishRefused(Code.TOO_LARGE, topic, "speaker-1"))
    assert isinstance(told, Publish)
    assert isinstance(told.body, TurnFailed)
    assert (told.topic, told.body.code) == ("devices/speaker-1/conversation", "too_large")


@pytest.mark.parametrize("topic", ["devices/nobody/audio", "devices/speaker-1/result", "nonsense"])
def test_other_refusals_are_no_business_of_voice(voice: Desk[Talker], topic: str) -> None:
    assert hears(voice, PublishRefused(Code.TOO_LARGE, topic, "speaker-1")) == []
    assert hears(voice, PublishRefused(Code.FORBIDDEN, "devices/speaker-1/audio", "carol")) == []
