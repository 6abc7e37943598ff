"""The ESP-IDF projects: settings, partitions, manifest, build files, and that all of it compiles against the SDK as its
documentation has it. That proves syntax and the use of our own interfaces; only ESP-IDF itself can prove more."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.firmware.idf import (
    ALSO,
    COMPONENT,
    EXAMPLES,
    IDF,
    PROJECTS,
    TARGETS,
    Project,
    Settings,
    compile_errors,
    component_sources,
    configure,
)

RELAY = Project("relay")
SettingsOf = Callable[[Project, str], Settings]
ALL = [(project, target) for project in PROJECTS for target in TARGETS]
FLASH = 4 * 1024 * 1024
PAGE = 0x1000
APP_PAGE = 0x10000
KCONFIGS = sorted(IDF.rglob("Kconfig.projbuild"))

USABLE = {
    "esp32": {*range(6), *range(12, 40)} - {1, 3, 20, 24, 28, 29, 30, 31, 37, 38},
    "esp32s3": {*range(22), *range(38, 49)} - {19, 20, 43, 44},
    "esp32c3": {*range(11)},
}
"""GPIOs that exist, and are not taken by flash memory, console or USB (the data sheets, "Pin Overview")."""
ONLY_INPUT = {"esp32": {34, 35, 36, 39}}

HEADERS = {
    "driver/gpio.h": "esp_driver_gpio",
    "driver/i2s_std.h": "esp_driver_i2s",
    "driver/spi_master.h": "esp_driver_spi",
    "esp_app_desc.h": "esp_app_format",
    "esp_crt_bundle.h": "mbedtls",
    "esp_event.h": "esp_event",
    "esp_https_ota.h": "esp_https_ota",
    "esp_mac.h": "esp_hw_support",
    "esp_netif.h": "esp_netif",
    "esp_netif_sntp.h": "esp_netif",
    "esp_ota_ops.h": "app_update",
    "esp_random.h": "esp_hw_support",
    "esp_rom_sys.h": "esp_rom",
    "esp_sleep.h": "esp_hw_support",
    "esp_system.h": "esp_system",
    "esp_task_wdt.h": "esp_system",
    "esp_timer.h": "esp_timer",
    "esp_wifi.h": "esp_wifi",
    "mbedtls/md.h": "mbedtls",
    "mqtt_client.h": "mqtt",
    "nvs.h": "nvs_flash",
    "nvs_flash.h": "nvs_flash",
    "psa/crypto.h": "mbedtls",
    "talkstick_app.h": "talkstick",
}
"""Which component of ESP-IDF a header belongs to."""
EVERYWHERE = {"esp_err.h", "esp_log.h", "esp_idf_version.h", "sdkconfig.h"}


@pytest.fixture(scope="session")
def settings_of(tmp_path_factory: pytest.TempPathFactory) -> SettingsOf:
    """Return a function that makes the settings of a project once."""

    @cache
    def make(project: Project, target: str) -> Settings:
        return configure(project, target, tmp_path_factory.mktemp(f"{project.name}-{target}"))

    return make


# -- Settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", KCONFIGS, ids=lambda path: str(path.relative_to(IDF)))
def test_settings_have_the_form_that_espressif_asks_for(path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "kconfcheck", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("project", "target"), ALL, ids=str)
def test_the_defaults_of_each_project_are_settings_that_there_are(
    project: Project, target: str, settings_of: SettingsOf
) -> None:
    settings = settings_of(project, target)
    assert settings.complaints == ()
    values = settings.values()
    table = project.folder / values["PARTITION_TABLE_CUSTOM_FILENAME"].strip('"')
    assert table.resolve() == IDF / "partitions.csv"


def test_a_slip_in_the_defaults_would_be_noticed(tmp_path: Path) -> None:
    settings = configure(RELAY, "esp32", tmp_path, ["LED=2"])
    assert ["TALKSTICK_LED" in line for line in settings.complaints] == [True]


@pytest.mark.parametrize(("project", "target"), ALL, ids=str)
def test_each_pin_is_one_that_the_chip_has_and_has_one_use(
    project: Project, target: str, settings_of: SettingsOf
) -> None:
    values = settings_of(project, target).values()
    pins = {name: int(value) for name, value in values.items() if name.endswith("_GPIO") and value != "-1"}
    assert set(pins.values()) <= USABLE[target]
    assert len(set(pins.values())) == len(pins), pins
    inputs = {name for name, pin in pins.items() if pin in ONLY_INPUT.get(target, set())}
    assert all(re.search("DIN|MISO|DT|DONE|BUTTON", name) for name in inputs)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_wiring_in_the_readme_is_that_of_the_settings(name: str, settings_of: SettingsOf) -> None:
    text = (IDF / "examples" / name / "README.md").read_text()
    rows = re.findall(r"^\| .*? \| `(\w+)` \| (-|\d+) \| (-|\d+) \| (-|\d+) \|$", text, re.MULTILINE)
    assert rows
    for column, target in enumerate(TARGETS, start=1):
        values = settings_of(Project(name), target).values()
        shown = {row[0]: row[column].replace("-", "-1") for row in rows}
        assert shown == {option: values[option] for option in shown}


# -- Partitions and manifest -------------------------------------------------------------------------------------------


class Partition(NamedTuple):
    """A line of partitions.csv."""

    name: str
    kind: str
    subtype: str
    offset: int
    size: int


def partitions() -> Iterator[Partition]:
    for line in (IDF / "partitions.csv").read_text().splitlines():
        if line and not line.startswith("#"):
            name, kind, subtype, offset, size = (field.strip() for field in line.split(","))
            yield Partition(name, kind, subtype, int(offset, 16), int(size, 16))


def test_the_partitions_fit_into_4_mb_and_do_not_overlap() -> None:
    table = list(partitions())
    assert table == sorted(table, key=lambda one: one.offset)
    assert all(first.offset + first.size <= second.offset for first, second in pairwise(table))
    assert table[0].offset >= 0x9000  # after bootloader and partition table
    assert table[-1].offset + table[-1].size <= FLASH
    for one in table:
        assert (one.offset % (APP_PAGE if one.kind == "app" else PAGE), one.size % PAGE) == (0, 0)


def test_there_is_room_for_an_update_and_for_what_the_board_keeps() -> None:
    table = {one.subtype: one for one in partitions()}
    assert table["ota_0"].size == table["ota_1"].size >= 0x180000
    assert table["ota"].size == 2 * PAGE  # as ESP-IDF asks
    nvs = table["nvs"]
    assert (nvs.name, nvs.offset) == ("nvs", 0x9000)
    assert nvs.size >= 3 * PAGE  # as ESP-IDF asks


def test_esp_mqtt_is_fetched_from_esp_idf_6_on_only() -> None:
    manifest = yaml.safe_load((COMPONENT / "idf_component.yml").read_text())
    assert manifest["dependencies"]["idf"] == {"version": ">=5.2"}
    assert manifest["dependencies"]["espressif/mqtt"]["rules"] == [{"if": "idf_version >=6.0"}]
    assert sorted(manifest["targets"]) == sorted(TARGETS)


# -- Build files -------------------------------------------------------------------------------------------------------


def build_words(folder: Path) -> set[str]:
    text = re.sub(r"#.*", "", (folder / "CMakeLists.txt").read_text())
    return set(re.findall(r"[\w./-]+", text))


def includes(folder: Path) -> set[str]:
    files = [*folder.rglob("*.c"), *folder.rglob("*.h")]
    return {name for path in files for name in re.findall(r'#include "([^"]+)"', path.read_text())}


@pytest.mark.parametrize("folder", [COMPONENT, *(project.folder / "main" for project in PROJECTS)], ids=str)
def test_all_sources_are_built_and_all_components_are_required(folder: Path) -> None:
    words = build_words(folder)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.c")} <= words
    foreign = {name for name in includes(folder) if name in HEADERS}
    assert {HEADERS[name] for name in foreign} - {folder.name} <= words


def test_no_header_comes_from_nowhere() -> None:
    own = {
        path.name
        for folder in (IDF, IDF.parent / "core")
        for path in folder.rglob("*.h")
        if not path.is_relative_to(IDF / "check")
    }
    used = {name for folder in (COMPONENT, IDF / "examples", IDF / "main") for name in includes(folder)}
    unknown = {name for name in used if name not in {*HEADERS, *EVERYWHERE, *own} and not name.startswith("freertos/")}
    assert unknown <= {"talkstick_contract.h"}


# -- Compiling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("idf_major", [5, 6])
@pytest.mark.parametrize("target", TARGETS)
def test_the_component_compiles(target: str, idf_major: int, settings_of: SettingsOf) -> None:
    settings = settings_of(RELAY, target)
    assert compile_errors([*component_sources(), *RELAY.sources()], settings, idf_major) == ""


@pytest.mark.parametrize("also", ALSO.values(), ids=ALSO)
def test_the_component_compiles_with_other_settings(also: tuple[str, ...], tmp_path: Path) -> None:
    settings = configure(RELAY, "esp32", tmp_path, also)
    assert settings.complaints == ()
    assert compile_errors(component_sources(), settings) == ""


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_compiles(name: str, target: str, settings_of: SettingsOf) -> None:
    project = Project(name)
    assert compile_errors(project.sources(), settings_of(project, target)) == ""


def test_the_printer_compiles_with_its_input(tmp_path: Path) -> None:
    project = Project("printer_relay")
    settings = configure(project, "esp32", tmp_path)
    header = tmp_path / "sdkconfig.h"
    header.write_text(header.read_text().replace("CONFIG_PRINTER_DONE_GPIO -1", "CONFIG_PRINTER_DONE_GPIO 34"))
    assert compile_errors(project.sources(), settings) == ""


def test_the_compiler_would_notice_a_wrong_call(tmp_path: Path, settings_of: SettingsOf) -> None:
    wrong = tmp_path / "wrong.c"
    wrong.write_text('#include "talkstick_app.h"\nvoid app_main(void) { ts_app_report(1, "done"); }\n')
    assert "ts_app_report" in compile_errors([wrong], settings_of(RELAY, "esp32"))
