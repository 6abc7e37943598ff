"""Settings: one place for each default, and what does not fit is named."""

from pathlib import Path

import pytest

from backend.core.access import MAX_PAYLOAD
from backend.core.liveness import Limits
from backend.features.sessions.policy import Limits as Quotas
from backend.features.sessions.policy import Policy
from backend.shell.settings import FILE, SettingsError, load


def written(directory: Path, text: str) -> Path:
    (directory / FILE).write_text(text)
    return directory


def test_the_features_defaults_are_the_settings_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.policy == Policy()
    assert settings.quotas == Quotas()
    assert Limits(settings.debounce_s, settings.heartbeat_s) == Limits()


def test_plain_mqtt_may_stay_on_the_machine(tmp_path: Path) -> None:
    assert load(tmp_path).reachable_host == "127.0.0.1"
    assert load(written(tmp_path, 'host = "192.0.2.7"')).reachable_host == "192.0.2.7"
    assert load(written(tmp_path, 'host = "192.0.2.7"\nplain_host = "127.0.0.1"')).reachable_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"max_packet = {MAX_PAYLOAD}", r"^max_packet: .*greater than or equal"),
        ("max_packet = 2000000", r"^max_backlog must hold at least one packet \(max_packet is 2000000\)"),
        ("max_inflight = 65536", r"^max_inflight: .*65535"),
        ("failed_logins = 0", r"^failed_logins: .*greater than 0"),
        ("session_expiry_s = -1", r"^session_expiry_s: .*greater than 0"),
        ("tls_port = 65536", r"^tls_port: .*65535"),
        ("tls_key = 7", r"^tls_key: "),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        load(written(tmp_path, text))


def test_what_cannot_be_read_in_the_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKSTICK_VOICE_MODELS", "/models/en")  # it must be JSON
    with pytest.raises(SettingsError, match="voice_models"):
        load(tmp_path)
