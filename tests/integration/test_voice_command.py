"""``talkstick device owner`` and ``talkstick voice``, as an operator uses them while no server runs."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli.main import talkstick
from backend.shell.voice import audition
from tests.operator import Operator

MODELS = Path(__file__).parents[2] / "tools" / "voice_models"


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of a house with two people, a listener and a device."""
    made = Operator(tmp_path / "data")
    made.run("init")
    made.run("user", "add", "alice")
    made.run("user", "add", "bob")
    made.run("user", "add", "ears", "--role", "listener")
    made.run("device", "add", "speaker-1", "--owner", "alice")
    return made


def settings(operator: Operator, *own: str) -> dict[str, object]:
    """Return what was set for the device, or these settings of it."""
    shown = operator.record("voice", "show", "speaker-1")
    return {row["setting"]: row["value"] for row in shown if row["from"] == "own" or row["setting"] in own}


def test_an_owner_is_shown_and_changed(operator: Operator) -> None:
    assert operator.record("device", "show", "speaker-1")["owner"] == "alice"
    assert operator.run("device", "owner", "speaker-1") == "speaker-1 is alice's.\n"
    assert "Forget what was said" in operator.run("device", "owner", "speaker-1", "bob", ok=False), "nobody says yes"
    assert operator.run("device", "owner", "speaker-1", "alice") == "speaker-1 is alice's.\n", "nothing to forget"
    assert operator.run("device", "owner", "speaker-1", "bob", "--yes").endswith("forgotten.\nspeaker-1 is bob's.\n")
    assert [each["owner"] for each in operator.record("device", "list")] == ["bob"]
    assert operator.run("device", "owner", "speaker-1", "--none", "--yes").endswith("speaker-1 is nobody's.\n")
    assert operator.record("device", "show", "speaker-1")["owner"] is None


def test_an_owner_that_is_removed_leaves_the_device(operator: Operator) -> None:
    operator.run("user", "rm", "alice", "--yes")
    assert operator.record("device", "show", "speaker-1")["owner"] is None


def test_what_is_wrong_with_an_owner_is_said(operator: Operator) -> None:
    assert "no account carol" in operator.run("device", "owner", "speaker-1", "carol", ok=False)
    assert "owns nothing" in operator.run("device", "owner", "speaker-1", "ears", ok=False)
    assert "not both" in operator.run("device", "owner", "speaker-1", "bob", "--none", ok=False)
    assert "no device nowhere" in operator.run("device", "owner", "nowhere", "bob", ok=False)
    assert "use `talkstick user`" in operator.run("device", "owner", "alice", "bob", ok=False)
    assert "no account carol" in operator.run("device", "add", "speaker-2", "--owner", "carol", ok=False)
    assert [(each["device"], each["owner"]) for each in operator.record("device", "list")] == [("speaker-1", "alice")]


def test_a_voice_is_set_shown_and_unset(operator: Operator) -> None:
    assert settings(operator) == {}
    changed = operator.run("voice", "set", "speaker-1", "language=es", "voice=es+f2", "heard=holder", "enabled=no")
    assert "In which language it hears and speaks." in changed
    assert "Words a minute" not in changed, "only what was named is shown"
    assert settings(operator, "speed") == {
        "language": "es",
        "voice": "es+f2",
        "heard": "holder",
        "enabled": False,
        "speed": 165,
    }
    operator.run("voice", "set", "speaker-1", "grammar=on, off", "--unset", "heard", "--unset", "enabled")
    assert settings(operator) == {"language": "es", "voice": "es+f2", "grammar": ["on", "off"]}
    (glance,) = operator.record("voice", "show")
    assert (glance["device"], glance["language"], glance["heard"]) == ("speaker-1", "es", "anyone")


def warned(data: Path, *arguments: str) -> str:
    """Return what a command complained of although it did what it should."""
    done = CliRunner().invoke(talkstick, ["--data", str(data), "voice", "set", "speaker-1", *arguments])
    assert done.exit_code == 0, done.output
    return done.stderr


def test_a_language_that_is_heard_or_spoken_is_taken(operator: Operator, tmp_path: Path) -> None:
    assert "No model hears 'de' yet" in warned(tmp_path / "data", "language=de")
    operator.run("voice", "models", "add", "xx", str(MODELS / "es"))
    assert warned(tmp_path / "data", "language=xx-yy") == ""
    assert settings(operator) == {"language": "xx-yy"}


def test_a_voice_of_another_language_is_taken_with_a_word(operator: Operator, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for language in ("en", "es"):
        operator.run("voice", "models", "add", language, str(MODELS / language))
    assert warned(data, "language=es", "voice=es-419+f2") == ""
    assert "It speaks with es-419+f2, by its name no voice of 'en': " in warned(data, "language=en")
    assert warned(data, "speed=150") == ""
    assert warned(data, "--unset", "voice") == ""
    assert settings(operator) == {"language": "en", "speed": 150}


def test_where_nothing_speaks_a_voice_is_taken_on_trust(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audition, "PROGRAM", [sys.executable, "-c", 'print(\'{"failed":"no espeak"}\')'])
    assert "nobody knows whether there is voice 'es+f2': no espeak" in warned(tmp_path / "data", "voice=es+f2")
    assert settings(operator) == {"voice": "es+f2"}


def test_a_voice_goes_with_its_device(operator: Operator) -> None:
    operator.run("voice", "set", "speaker-1", "language=es")
    operator.run("device", "rm", "speaker-1", "--yes")
    assert "talkstick device add" in operator.run("voice", "show")
    operator.run("device", "add", "speaker-1")
    assert settings(operator) == {}


def test_a_recording_that_cannot_be_removed_is_said_and_keeps_no_other(operator: Operator, tmp_path: Path) -> None:
    folder = tmp_path / "data/recordings/speaker-1"
    names = [f"20200101T00000{second}.000000Z-1.wav" for second in range(6)]
    for name in names[:3]:
        (folder / name).mkdir(parents=True)  # which nobody can unlink
    for name in names[3:]:
        (folder / name).touch()
    assert "a recording cannot be removed: " in operator.run("voice", "cleanup", ok=False)
    assert sorted(file.name for file in folder.iterdir()) == names[:3]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["language=Spanish"], "language: must be a tag like `en`"),
        (["language=xx"], "language: espeak-ng has no voice 'xx'"),
        (["voice=en-uss+f3"], "voice: espeak-ng has no voice 'en-uss+f3'; the nearest are en-us,"),
        (["voice=es+f22"], "voice: espeak-ng speaks es, but knows no variant 'f22'"),
        (["voice=../es"], "voice: espeak-ng has no voice '../es'"),
        (["colour=red"], "no setting 'colour'"),
        (["language"], "not of the form"),
        (["--unset", "colour"], "no setting 'colour'"),
        (["--unset", "language", "language=es"], "not both"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_and_nothing_changes(
    operator: Operator, arguments: list[str], why: str
) -> None:
    assert why in operator.run("voice", "set", "speaker-1", "speed=200", *arguments, ok=False)
    assert settings(operator) == {}


def test_only_devices_have_a_voice_and_one_says_what_to_set(operator: Operator) -> None:
    assert "no device alice" in operator.run("voice", "set", "alice", "speed=200", ok=False)
    assert "no device nowhere" in operator.run("voice", "show", "nowhere", ok=False)
    assert "SETTING=VALUE" in operator.run("voice", "set", "speaker-1", ok=False)


def test_the_help_names_every_setting_and_its_default(operator: Operator) -> None:
    text = operator.run("voice", "set", "--help")
    for row in operator.record("voice", "show", "speaker-1"):
        assert f"{row['setting']:12} {row['meaning']}" in text
    assert "[165]" in text
