"""What `make firmware` has built, and a server for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.lab import START, Lab, opened

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


@pytest.fixture(scope="module", params=START)
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, talkstick_device: Path
) -> Iterator[Lab]:
    """A server with one broker after the other."""
    directory = tmp_path_factory.mktemp(request.param)
    with START[request.param](directory) as site, opened(site, talkstick_device, directory) as made:
        yield made
