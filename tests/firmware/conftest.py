"""What `make firmware` has built."""

from pathlib import Path

import pytest

BUILT = Path(__file__).parents[2] / "build" / "firmware" / "host"


def _built(path: Path) -> Path:
    if not path.exists():
        pytest.fail(f"{path} is not built: run `make firmware` first", pytrace=False)
    return path


@pytest.fixture(scope="session")
def firmware_build() -> Path:
    """Return the folder of the programs that were built for this machine."""
    return _built(BUILT)


@pytest.fixture(scope="session")
def talkstick_device() -> Path:
    """Return the program that is a device, on this machine."""
    return _built(BUILT / "talkstick-device")
