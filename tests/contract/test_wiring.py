"""The tables of FIRMWARE.md say what the settings of the firmware, and its partitions, are."""

import re
from pathlib import Path

import pytest

from backend.core.flash import OFFSET, PARTITION, USUAL_SIZE

ROOT = Path(__file__).parents[2]
IDF = ROOT / "esp32/idf"
PAGE = (ROOT / "FIRMWARE.md").read_text()
TARGETS = ("ESP32", "ESP32S3", "ESP32C3")
_ROW = re.compile(r"^\| .+ \| (\d+) \| (\d+) \| (\d+) \| `(\w+_GPIO)` \|$", re.MULTILINE)
_OPTION = re.compile(r"^\s*config (\w+_GPIO)\n((?:(?!^\s*(?:config|menu|endmenu|choice)\b).*\n)*)", re.MULTILINE)
_DEFAULT = re.compile(r"^\s*default (-?\d+)(?: if IDF_TARGET_(\w+))?$", re.MULTILINE)


def options() -> dict[str, dict[str, int]]:
    """Return the default of each pin for each chip (of several, the first that applies); but for those not in use."""
    text = "".join(path.read_text() + "\n" for path in sorted(IDF.rglob("Kconfig.projbuild")))
    found = {name: _DEFAULT.findall(body) for name, body in _OPTION.findall(text)}
    return {
        name: {target: int(next(pin for pin, only in defaults if only in ("", target))) for target in TARGETS}
        for name, defaults in found.items()
        if defaults[-1][0] != "-1"
    }


def test_pins_are_the_defaults() -> None:
    told = {row[3]: dict(zip(TARGETS, map(int, row[:3]), strict=True)) for row in _ROW.findall(PAGE)}
    assert len(told) > 7
    assert told == options()


@pytest.mark.parametrize("target", TARGETS)
def test_no_pin_has_two_uses(target: str) -> None:
    together = [name for name in options() if name.startswith("TALKSTICK_")]  # sensors are of one example each
    pins = [options()[name][target] for name in together]
    assert len(set(pins)) == len(pins)


def test_the_image_suits_the_partition() -> None:
    rows = [line.split(",") for line in (IDF / "partitions.csv").read_text().splitlines() if not line.startswith("#")]
    places = {row[0].strip(): [cell.strip() for cell in row[1:5]] for row in rows}
    kind, subtype, offset, size = places[PARTITION]
    assert (kind, subtype, int(offset, 0), int(size, 0)) == ("data", "nvs", OFFSET, USUAL_SIZE)
    assert f"write-flash {OFFSET:#x} " in PAGE


def test_the_image_is_written_in_one_way() -> None:
    pages = [ROOT / "README.md", ROOT / "FIRMWARE.md", *(ROOT / "esp32").rglob("*.md")]
    told = [
        line for page in pages for line in page.read_text().splitlines() if re.search(r"write.flash|esptool\.py", line)
    ]
    assert len(told) > 4
    assert [line for line in told if not re.search(rf"esptool --port \S+ write-flash {OFFSET:#x} \S+\.bin", line)] == []


def test_an_image_for_arduino_has_the_wifi() -> None:
    """The sketches begin no Wi-Fi of their own."""
    files = [ROOT / "esp32/arduino/README.md", *(ROOT / "esp32/arduino/examples").rglob("*.ino")]
    told = [line for file in files for line in file.read_text().splitlines() if "--nvs" in line]
    assert len(told) > 4
    assert [line for line in told if "--wifi" not in line] == []
