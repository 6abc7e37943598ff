"""The script that provisions many boards from a CSV file."""

import os
import stat
import subprocess
from pathlib import Path

from tests import nvs
from tests.operator import Operator
from tests.rig import COMMAND, WITHIN_S

FOLDER = Path(__file__).parents[2] / "esp32/provision"


def many(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    mine = {"PATH": f"{COMMAND.parent}:{os.environ['PATH']}", "TALKSTICK_WIFI_PASSWORD": "wires are better"}
    return subprocess.run(
        [FOLDER / "many.sh", *arguments],
        env={**os.environ, **mine, "TALKSTICK_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S * 3,  # it runs many commands
        check=False,
    )


def test_each_board_gets_an_image(tmp_path: Path) -> None:
    data, images, boards = tmp_path / "data", tmp_path / "images", tmp_path / "boards.csv"
    boards.write_text((FOLDER / "boards.csv").read_text().replace("\n", "\r\n") + "\r\n24:0A:C4:00:00:01")
    options = (str(boards), str(images), "--wifi", "the shed", "--host", "broker.lab")
    operator = Operator(data)
    operator.run("init")
    done = many(data, *options)
    assert (done.returncode, done.stderr.count("failed")) == (1, 1), "there is no alice yet"
    assert "A4:CF:12:8B:3F:9F: failed" in done.stderr
    assert {each.name for each in images.iterdir()} == {"a4cf128b3f9e.bin", "240ac4000001.bin"}
    before = (images / "a4cf128b3f9e.bin").read_bytes()
    operator.run("user", "add", "alice")
    done = many(data, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("has an image already") == 2
    assert (images / "a4cf128b3f9e.bin").read_bytes() == before
    known = nvs.read((images / "a4cf128b3f9f.bin").read_bytes())["talkstick"]
    assert (known["id"], known["wifi_ssid"]) == ("esp32-a4cf128b3f9f", "the shed")
    assert known["uri"] == "mqtt://broker.lab:1883"
    assert stat.S_IMODE(images.stat().st_mode) == 0o700
    listed = {each["device"]: (each["name"], each["owner"]) for each in operator.record("device", "list")}
    assert listed == {
        "esp32-a4cf128b3f9e": ("Kitchen scale", None),
        "esp32-a4cf128b3f9f": ("Speaker in the hall", "alice"),
        "esp32-240ac4000001": ("esp32-240ac4000001", None),
    }


def test_how_it_is_used(tmp_path: Path) -> None:
    done = many(tmp_path, str(tmp_path / "nowhere.csv"), str(tmp_path / "images"))
    assert done.returncode == 2
    assert done.stderr.startswith("Provisions many boards")
    assert "many.sh boards.csv images" in done.stderr
    assert not (tmp_path / "images").exists()
