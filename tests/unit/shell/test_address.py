"""The URL of a broker, and where it is kept."""

from pathlib import Path

import pytest

from backend.shell.address import Address, AddressError, parsed, remember, remembered
from backend.shell.operator import Login


def test_a_url_leads_somewhere() -> None:
    assert parsed("mqtt://backend:a%2Fb@lab.local:1884") == (Address("lab.local", 1884), Login("backend", "a/b"))
    where, _login = parsed("mqtts://backend:b@[::1]", Path("ca.pem"))
    assert where == Address("::1", 8883, tls=True, ca=Path("ca.pem"))
    assert str(where) == "mqtts://[::1]:8883"
    assert where.is_local
    assert not Address("192.0.2.1", 1883).is_local


@pytest.mark.parametrize(
    "url",
    [
        "lab.local",
        "http://a:b@lab.local",
        "mqtt://lab.local",
        "mqtt://backend@lab.local",
        "mqtt://a:secret@",
        "mqtt://a:secret@h/x",
        "mqtt://a:secret@h:port",
    ],
)
def test_what_is_no_url_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(AddressError) as refused:
        parsed(url)
    assert "secret" not in str(refused.value)


def test_only_what_is_needed_is_spoken_in_the_clear(tmp_path: Path) -> None:
    assert Address("h", 1).context() is None
    assert Address("h", 1, tls=True).context() is not None
    with pytest.raises(AddressError, match=r"nowhere\.pem"):
        Address("h", 1, tls=True, ca=tmp_path / "nowhere.pem").context()


def test_the_url_is_kept_for_the_owner_only(tmp_path: Path) -> None:
    assert remembered(tmp_path) is None
    remember(tmp_path, "mqtt://a:b@c")
    assert remembered(tmp_path) == "mqtt://a:b@c"
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]
    remember(tmp_path, None)
    assert remembered(tmp_path) is None
