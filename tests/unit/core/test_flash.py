"""What a board can keep, and what the reader of images makes of it."""

import pytest

from backend.core.flash import LEAST_SIZE, MOST, MOST_SIZE, USUAL_SIZE, Key, check, partition_size
from backend.shell.flash import image
from tests import nvs

FULL: dict[Key, str | int] = {**{key: "f" * most for key, most in MOST.items()}, Key.TIME: 0xFFFFFFFF, Key.BOOT: 7}


@pytest.mark.parametrize("size", [LEAST_SIZE, USUAL_SIZE, MOST_SIZE])
def test_all_that_is_allowed_fits(size: int) -> None:
    made = image(FULL, size)
    assert len(made) == size
    assert nvs.read(made) == {"talkstick": FULL}
    assert made[2 * 4096 :] == b"\xff" * (size - 2 * 4096)  # two sectors are enough


@pytest.mark.parametrize("key", MOST)
def test_a_byte_more_is_too_long(key: Key) -> None:
    with pytest.raises(ValueError, match=f"{key} has {MOST[key] + 1} bytes"):
        check({key: "ü" + "x" * (MOST[key] - 1)})


def test_no_text_ends_early() -> None:
    with pytest.raises(ValueError, match="wifi_ssid has a character that ends text"):
        check({Key.WIFI_SSID: "a\0b"})


@pytest.mark.parametrize("text", ["12345678", 'a passphrase: ~ "quoted", 100 %', "0123456789abcdefABCDEF" + "0" * 42])
def test_passwords_of_wifi(text: str) -> None:
    check({Key.WIFI_PASS: text})
    assert nvs.read(image({Key.WIFI_PASS: text}, USUAL_SIZE)) == {"talkstick": {"wifi_pass": text}}


@pytest.mark.parametrize("text", ["1234567", "pässwörter", "x" * 64, "tab\tbed ok"])
def test_what_is_no_password_of_wifi(text: str) -> None:
    with pytest.raises(ValueError, match="8 to 63 ASCII characters") as refused:
        check({Key.WIFI_PASS: text})
    assert text not in str(refused.value)


@pytest.mark.parametrize(("text", "size"), [("0x5000", 20480), ("24K", 24576), ("16384", 16384), (" 0X6000 ", 24576)])
def test_sizes(text: str, size: int) -> None:
    assert partition_size(text) == size


@pytest.mark.parametrize("text", ["", "0x3000", "5000", "20k5", "2M", "-20K", "0x101000", "1_6384", "١٦٣٨٤"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="a partition has 0x4000 to 0x100000 bytes"):
        partition_size(text)


def test_the_reader_of_images_is_strict() -> None:
    made = image({Key.URI: "mqtt://host:1883"}, USUAL_SIZE)
    for place in (4, 28, 32, 64, 64 + 32 + 8, 64 + 64 + 3):
        broken = bytearray(made)
        broken[place] ^= 1
        with pytest.raises(AssertionError):
            nvs.read(bytes(broken))
