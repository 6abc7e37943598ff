"""Of where a board connects, ``device add``, ``rotate`` and ``code`` tell a script (``--json``) the same."""

from pathlib import Path
from typing import Any

import pytest

from tests.operator import Operator

WHERE = ("uri", "host", "port", "tls")


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of a server without TLS, at an address of its own."""
    (tmp_path / "talkstick.toml").write_text('host = "127.0.0.1"\nport = 1993\n')
    made = Operator(tmp_path)
    made.run("init")
    return made


def told(operator: Operator, *options: str) -> Any:
    """Return what all three of them tell."""
    number = len(operator.record("device", "list"))
    records = [
        operator.record("device", "add", f"scale-{number}", *options),
        operator.record("device", "rotate", f"scale-{number}", *options),
        operator.record("device", "code", f"scale-{number}", *options),
    ]
    first, *others = ({key: record[key] for key in WHERE} for record in records)
    assert others == [first, first]
    return first


def test_without_tls(operator: Operator) -> None:
    assert told(operator) == {"uri": "mqtt://127.0.0.1:1993", "host": "127.0.0.1", "port": 1993, "tls": None}
    assert told(operator, "--host", "::1")["uri"] == "mqtt://[::1]:1993"


def test_with_tls(operator: Operator, tmp_path: Path) -> None:
    operator.run("certs", "init")
    there = {"port": 8883, "ca": str(tmp_path / "certs" / "ca.pem")}
    assert told(operator) == {"uri": "mqtts://127.0.0.1:8883", "host": "127.0.0.1", "port": 1993, "tls": there}


def test_with_an_image_it_is_what_the_image_says(operator: Operator, tmp_path: Path) -> None:
    operator.run("certs", "init")
    image = ("--nvs", str(tmp_path / "a.bin"), "--force")
    assert told(operator, *image)["uri"] == "mqtts://127.0.0.1:8883"
    assert told(operator, *image, "--plain")["uri"] == "mqtt://127.0.0.1:1993"
