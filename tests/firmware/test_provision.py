"""What the command line writes into flash memory is what the firmware's own check of it takes."""

import subprocess
from pathlib import Path

import pytest

from backend.core.flash import MOST, USUAL_SIZE, Key
from backend.shell.flash import image
from tests import nvs
from tests.operator import Operator

ROOT = Path(__file__).parents[2]
CORE = ROOT / "esp32/core"

NO_ROOM, NO_URI = 2, 3
BOARD = """
#include <stdio.h>
#include <string.h>

#include "talkstick_claim.h"

static ts_provision flash;

static const struct {
    const char *key;
    char *text;
    size_t size;
} places[] = {
    {TS_NVS_KEY_URI, flash.uri, sizeof flash.uri},          {TS_NVS_KEY_CA, flash.ca, sizeof flash.ca},
    {TS_NVS_KEY_PREFIX, flash.prefix, sizeof flash.prefix}, {TS_NVS_KEY_ID, flash.id, sizeof flash.id},
    {TS_NVS_KEY_SECRET, flash.secret, sizeof flash.secret}, {TS_NVS_KEY_CODE, flash.code, sizeof flash.code},
};

static int load(const char *key, const char *text) {
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(places[i].key, key) == 0 && strlen(text) < places[i].size) {
            strcpy(places[i].text, text);
            return 1;
        }
    }
    return 0;
}

int main(int count, char **words) {
    char host[TS_URI_BYTES];
    uint16_t port = 0;
    bool tls = false;
    for (int i = 1; i + 1 < count; i += 2) {
        if (!load(words[i], words[i + 1])) {
            return NO_ROOM;
        }
    }
    if (!ts_uri_read(flash.uri, host, sizeof host, &port, &tls)) {
        return NO_URI;
    }
    printf("%d %s %u %d", (int)ts_provision_check(&flash), host, (unsigned)port, (int)tls);
    return 0;
}
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that knows what a board knows, and says what the core makes of it."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "board.c").write_text(BOARD)
    headers = [f"-I{CORE / 'include'}", f"-I{CORE / 'src'}", f"-I{ROOT / 'schemas'}"]
    defined = [f"-DNO_ROOM={NO_ROOM}", f"-DNO_URI={NO_URI}"]
    sources = map(str, [folder / "board.c", *sorted((CORE / "src").glob("*.c"))])
    subprocess.run(
        ["gcc", "-std=c99", "-Wall", "-Werror", *defined, *headers, *sources, "-o", folder / "board"], check=True
    )
    return folder / "board"


def understood(board: Path, file: Path) -> str:
    """Return what the core says of an image: the fault (0: none), and where it would connect to."""
    known = nvs.read(file.read_bytes())["talkstick"]
    texts = {key: value for key, value in known.items() if isinstance(value, str) and not key.startswith("wifi")}
    words = [word for pair in texts.items() for word in pair]
    return subprocess.run([board, *words], capture_output=True, text=True, check=True).stdout


def test_images_are_understood(board: Path, tmp_path: Path) -> None:
    operator = Operator(tmp_path / "data")
    operator.run("init")
    operator.run("device", "add", "A4:CF:12:8B:3F:9E", "--host", "shed.lab", "--nvs", str(tmp_path / "plain.bin"))
    assert understood(board, tmp_path / "plain.bin") == "0 shed.lab 1883 0"
    operator.run("certs", "init", "--name", "10.0.0.7", "--name", "fd00::7")
    (tmp_path / "data/talkstick.toml").write_text('prefix = "lab_1/shed-2/"\n')
    operator.run("device", "add", "x" * 63, "--host", "10.0.0.7", "--nvs", str(tmp_path / "tls.bin"))
    assert understood(board, tmp_path / "tls.bin") == "0 10.0.0.7 8883 1"
    operator.run("device", "rotate", "x" * 63, "--host", "fd00::7", "--nvs", str(tmp_path / "six.bin"))
    assert understood(board, tmp_path / "six.bin") == "0 fd00::7 8883 1"


def test_what_is_longest_is_understood(board: Path, tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n"
    host = f"{'x' * 63}.{'y' * 63}.{'z' * (191 - len('mqtts://:65535') - 128)}"
    longest: dict[Key, str | int] = {
        Key.URI: f"mqtts://{host}:65535",
        Key.CA: f"{pem[0]}{'A' * (MOST[Key.CA] - len(pem[0]) - len(pem[1]))}{pem[1]}",
        Key.PREFIX: "p" * (MOST[Key.PREFIX] - 1) + "/",
        Key.ID: "i" * MOST[Key.ID],
        Key.SECRET: "s" * MOST[Key.SECRET],
    }
    assert {key: len(str(value)) for key, value in longest.items()} == {key: MOST[key] for key in longest}
    (tmp_path / "long.bin").write_bytes(image(longest, USUAL_SIZE))
    assert understood(board, tmp_path / "long.bin") == f"0 {host} 65535 1"


@pytest.mark.parametrize("key", [Key.URI, Key.CA, Key.PREFIX, Key.ID, Key.SECRET, Key.CODE])
def test_a_board_has_room_for_what_may_be_written_and_no_more(board: Path, key: Key) -> None:
    statuses = [subprocess.run([board, key, "x" * (MOST[key] + more)], check=False).returncode for more in (0, 1)]
    assert statuses == [NO_URI, NO_ROOM]


def test_a_claim_code_is_understood(board: Path, tmp_path: Path) -> None:
    values: dict[Key, str | int] = {Key.URI: "mqtt://shed:1883", Key.CODE: "k7qm2-9xpd4-1tzqa-8rwn3"}
    (tmp_path / "code.bin").write_bytes(image(values, USUAL_SIZE))
    assert understood(board, tmp_path / "code.bin") == "0 shed 1883 0"
