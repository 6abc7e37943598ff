"""The Arduino library: the copy of the core, what the IDE reads, the ZIP that it installs, and its sketches."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tools import arduino_core

ROOT = arduino_core.ROOT
LIBRARY = ROOT / arduino_core.LIBRARY
CORE = arduino_core.CORE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of what the script looks at, to be spoiled."""
    for folder in ("esp32/core/include", "esp32/core/src", "esp32/arduino"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "schemas").mkdir()
    for file in ("schemas/talkstick_contract.h", "pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def test_the_copy_of_the_core_is_in_step() -> None:
    assert arduino_core.out_of_step(ROOT) == {}


def test_a_change_of_the_core_is_found_and_copied(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = root / "esp32/core/include/talkstick.h"
    header.write_bytes(header.read_bytes() + b"\n")
    assert arduino_core.main(["--check"], root=root) == 1
    assert "esp32/arduino/src/core/talkstick.h is stale" in capsys.readouterr().err
    assert arduino_core.main([], root=root) == 0
    assert (root / CORE / "talkstick.h").read_bytes() == header.read_bytes()
    assert arduino_core.main(["--check"], root=root) == 0


def test_a_copy_that_is_gone_or_too_many_is_found(root: Path) -> None:
    (root / CORE / "talkstick_contract.h").unlink()
    (root / CORE / "mine.c").write_text("int mine;\n")
    assert arduino_core.out_of_step(root) == {
        CORE / "talkstick_contract.h": "missing",
        CORE / "mine.c": "superfluous",
    }
    arduino_core.write(root)
    assert arduino_core.out_of_step(root) == {}
    assert not (root / CORE / "mine.c").exists()


def test_the_version_is_that_of_the_project(root: Path) -> None:
    project = root / "pyproject.toml"
    project.write_text(project.read_text().replace('\nversion = "', '\nversion = "9', 1))
    assert arduino_core.out_of_step(root) == {arduino_core.PROPERTIES: "stale"}
    arduino_core.write(root)
    assert "\nversion=9" in (root / arduino_core.PROPERTIES).read_text()


def test_an_include_that_arduino_would_not_find_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "esp32/core/src/json.c").write_text('#include "../other/thing.h"\n')
    assert arduino_core.main([], root=root) == 1
    assert "json.c includes ../other/thing.h" in capsys.readouterr().err


def test_two_files_of_one_name_are_refused(root: Path) -> None:
    (root / "esp32/core/src/talkstick.h").write_text("")
    with pytest.raises(ValueError, match=r"two files of the core are called talkstick\.h"):
        arduino_core.wanted(root)


def test_a_library_that_is_out_of_step_is_not_packed(root: Path, tmp_path: Path) -> None:
    (root / CORE / "talkstick.h").write_text("")
    assert arduino_core.main(["--zip", str(tmp_path / "talkstick.zip")], root=root) == 1
    assert not (tmp_path / "talkstick.zip").exists()


def test_the_zip_is_one_folder_that_the_ide_installs(tmp_path: Path) -> None:
    """Library specification, revision 2.2: one root folder, library.properties in it, src, and examples."""
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    assert arduino_core.main(["--zip", str(first)]) == 0
    assert arduino_core.main(["--zip", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = set(archive.namelist())
    assert {Path(name).parts[0] for name in names} == {"Talkstick"}
    assert {
        "Talkstick/library.properties",
        "Talkstick/keywords.txt",
        "Talkstick/LICENSE",
        "Talkstick/src/Talkstick.h",
        "Talkstick/src/TalkstickPubSubClient.h",
        "Talkstick/src/core/talkstick.h",
        "Talkstick/src/core/talkstick_contract.h",
        "Talkstick/examples/Relay/Relay.ino",
    } <= names
    copied = {path.name for path in (LIBRARY / "src" / "core").iterdir()}
    assert {Path(name).name for name in names if name.startswith("Talkstick/src/core/")} == copied
    assert not [name for name in names if "test" in Path(name).parts]


def test_the_properties_are_those_of_the_specification() -> None:
    lines = (LIBRARY / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= properties.keys()
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", properties["name"])
    assert properties["category"] == "Communication"
    assert properties["architectures"] == "esp32"
    assert [name for name in properties["includes"].split(",") if not (LIBRARY / "src" / name).is_file()] == []


def test_each_keyword_is_a_word_of_the_library() -> None:
    """Fields are separated by one true tab; a keyword that the library lacks would be a promise."""
    headers = "\n".join(path.read_text() for path in (LIBRARY / "src").rglob("*.h"))
    for line in (LIBRARY / "keywords.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        keyword, kind = line.split("\t")
        assert kind in {"KEYWORD1", "KEYWORD2", "LITERAL1"}, line
        assert re.search(rf"\b{keyword}\b", headers), f"{keyword} is not in the library"


def test_each_sketch_stands_in_a_folder_of_its_name() -> None:
    sketches = sorted((LIBRARY / "examples").glob("*/*.ino"))
    assert {path.stem for path in sketches} == {"Badge", "FirstLight", "Motion", "Relay", "Scale"}
    assert all(path.parent.name == path.stem for path in sketches)


def test_the_shortest_sketch_is_short() -> None:
    assert len((LIBRARY / "examples/Relay/Relay.ino").read_text().splitlines()) < 80
