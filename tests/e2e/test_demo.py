"""``make demo``, as it is shown to everybody first."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.alone
def test_the_demo_shares_three_devices_and_talks_with_two(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo", "--for", "25", "--port", str(free_port())],
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for device in ("scale-1", "printer-1", "probe-1"):
        assert any(device in line and "completed" in line for line in done.stdout.splitlines()), done.stdout
    for speaker, understood in (("speaker-1", "heard 'what time is it'"), ("speaker-2", "heard 'qué hora es'")):
        assert any(speaker in line and understood in line for line in done.stdout.splitlines()), done.stdout
    assert "mosquitto_sub" in done.stdout
    assert list(tmp_path.iterdir()) == []
