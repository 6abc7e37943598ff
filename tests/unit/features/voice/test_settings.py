"""Voice settings: how they are typed, stored and read again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.voice.settings import (
    SettingError,
    VoiceSettings,
    checked,
    meanings,
    read_setting,
    settings_of,
)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("language=es-419", "language", "es-419"),
        ("enabled=no", "enabled", False),
        ("speed=200", "speed", 200),
        ("voice=es+f2", "voice", "es+f2"),
        ("prompt=Be brief, and kind = good.", "prompt", "Be brief, and kind = good."),
        ("grammar=off", "grammar", "off"),
        ("grammar=intents", "grammar", "intents"),
        ("grammar=lights on, lights off", "grammar", ["lights on", "lights off"]),
        ("grammar=stop,", "grammar", ["stop"]),
    ],
)
def test_a_setting_is_typed(text: str, name: str, value: object) -> None:
    assert read_setting(text) == (name, value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("language", "not of the form"),
        ("=es", "no setting ''"),
        ("volume=3", "no setting 'volume'"),
        ("grammar=intent", "grammar: must be"),
        ("enabled=perhaps", "enabled: "),
        ("speed=fast", "speed: "),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        read_setting(text)


def test_each_setting_is_explained() -> None:
    assert meanings().keys() == VoiceSettings.model_fields.keys()
    assert all(meaning.endswith(".") for meaning in meanings().values())


def test_what_another_version_stored_is_passed_over() -> None:
    own = {"language": "es", "colour": "red", "speed": 1_000_000, "voice": "es+f2"}
    assert settings_of(own) == VoiceSettings(language="es", voice="es+f2")


own_settings = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "language": st.sampled_from(["en", "es", "es-419"]),
        "responder": st.sampled_from(["intents", "chat", "both"]),
        "heard": st.sampled_from(["anyone", "holder"]),
        "voice": st.none() | st.text(max_size=40),
        "speed": st.integers(80, 450),
        "grammar": st.sampled_from(["off", "intents"]) | st.lists(st.text(max_size=9), max_size=3),
        "prompt": st.text(max_size=50),
        "keep_audio": st.booleans(),
    },
)


@given(own_settings)
def test_what_is_stored_is_read_again(own: dict[str, Any]) -> None:
    stored = checked(own)
    assert stored == own
    read = settings_of(json.loads(json.dumps(stored)))
    assert read == VoiceSettings.model_validate(own)
    assert all(
        getattr(read, name) == VoiceSettings.model_fields[name].default for name in meanings() if name not in own
    )
