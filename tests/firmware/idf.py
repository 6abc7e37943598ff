"""The ESP-IDF projects, without ESP-IDF: their settings as its build makes them, and what a compiler can check."""

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
IDF = ROOT / "esp32/idf"
COMPONENT = IDF / "talkstick"
CHECK = IDF / "check"
TARGETS = ("esp32", "esp32s3", "esp32c3")
EXAMPLES = tuple(sorted(path.name for path in (IDF / "examples").iterdir()))
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
HARMLESS = re.compile(r"NOTE: (Kconfig parser version|Kconfig defaults policy|Status: Finished successfully)")
ALSO = {
    "voice": ("VOICE=y",),
    "voice of the other quality": ("VOICE=y", "HEARD_MULAW=y", "SAID_PCM=y"),
    "updates": ("OTA=y", 'OTA_URL_PREFIX="https://updates.example/"'),
    "nothing connected": ("LED_GPIO=-1", "BUTTON_GPIO=-1", "OUTPUTS=0"),
    "two outputs": ("OUTPUTS=2", "OUTPUT_1_INVERTED=y", "OUTPUT_2_SAFE=y"),
}
"""Settings that let the compiler see other parts of the component."""


@dataclass(frozen=True)
class Project:
    """One of the projects: the simplest board, or an example."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """Return where it is."""
        return IDF / "examples" / self.name if self.name in EXAMPLES else IDF

    @property
    def kconfig(self) -> Path:
        """Return the file with its own settings; there may be none."""
        return self.folder / "main/Kconfig.projbuild"

    def defaults(self, target: str) -> list[Path]:
        """Return the files with its defaults, in the order in which ESP-IDF reads them."""
        files = [IDF / "sdkconfig.defaults", IDF / f"sdkconfig.defaults.{target}", self.folder / "sdkconfig.defaults"]
        return [path for path in dict.fromkeys(files) if path.exists()]

    def sources(self) -> list[Path]:
        """Return what is compiled of it, without the component."""
        return sorted((self.folder / "main").glob("*.c"))


PROJECTS = tuple(Project(name) for name in ("relay", *EXAMPLES))


@dataclass(frozen=True)
class Settings:
    """What kconfgen makes of a project's settings."""

    folder: Path
    complaints: tuple[str, ...]

    def values(self) -> dict[str, str]:
        """Return the settings by name."""
        lines = (self.folder / "sdkconfig").read_text().splitlines()
        return dict(line.removeprefix("CONFIG_").split("=", 1) for line in lines if line.startswith("CONFIG_"))


def configure(project: Project, target: str, folder: Path, also: Iterable[str] = ()) -> Settings:
    """Make sdkconfig and sdkconfig.h as ESP-IDF's build does, with settings of the component on top."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "also").write_text("".join(f"CONFIG_TALKSTICK_{line}\n" for line in also))
    defaults = [f"--defaults={path}" for path in (*project.defaults(target), folder / "also")]
    names = {
        "IDF_TARGET": target,
        "COMPONENT_KCONFIG": COMPONENT / "Kconfig.projbuild",
        "MAIN_KCONFIG": project.kconfig,
    }
    command = [sys.executable, "-m", "kconfgen", f"--kconfig={CHECK / 'Kconfig'}", f"--config={folder / 'sdkconfig'}"]
    command += [*defaults, *(f"--env={name}={value}" for name, value in names.items())]
    for kind, name in (("header", "sdkconfig.h"), ("config", "sdkconfig")):
        command += ["--output", kind, str(folder / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = (line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith("Loading "))
    return Settings(folder, tuple(line for line in said if not HARMLESS.match(line)))


def compile_errors(sources: Iterable[Path], settings: Settings, idf_major: int = 5) -> str:
    """Return what the compiler of this machine says against the sources, with the SDK as `check/` declares it."""
    files = list(sources)
    folders = {path.parent for path in files}
    folders |= {CHECK / "include", COMPONENT / "include", COMPONENT / "src", COMPONENT / "pure", settings.folder}
    folders |= {ROOT / "esp32/core/include", ROOT / "schemas"}
    command = ["gcc", "-std=gnu11", *WARNINGS, "-fsyntax-only", f"-DCHECK_IDF_MAJOR={idf_major}"]
    command += [*(f"-I{path}" for path in sorted(folders)), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def component_sources() -> list[Path]:
    """Return what is compiled of the component."""
    return sorted([*(COMPONENT / "src").glob("*.c"), *(COMPONENT / "pure").glob("*.c")])
