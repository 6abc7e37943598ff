"""Build the wheel; all it holds is the broker, the backend with its data, and what a wheel says of itself."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHIPPED = [".dist-info", "backend", "broker"]


def build(into: Path) -> Path:
    """Build the wheel without network; return where it is. Exits with what the builder says if that fails."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"the wheel cannot be built:\n{done.stderr}")
    (wheel,) = into.glob("*.whl")
    return wheel


def contents(wheel: Path) -> set[str]:
    """Return the paths of all files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def main() -> int:
    """Print what the wheel holds; return 1 if that is too much or too little."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        files = contents(wheel)
    names = sorted({name.partition("/")[0] for name in files})
    missing = [
        path for each in ROOT.glob("backend/**/*.yaml") if (path := each.relative_to(ROOT).as_posix()) not in files
    ]
    right = sorted(".dist-info" if name.endswith(".dist-info") else name for name in names) == SHIPPED
    print(f"{wheel.name}: {', '.join(names)}" + ("" if right else f"; should be {', '.join(SHIPPED)}"))
    if missing:
        print(f"{wheel.name} lacks {', '.join(missing)}")
    return 0 if right and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
