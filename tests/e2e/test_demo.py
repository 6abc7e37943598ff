"""``make demo``, as it is shown to everybody first."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig import WITHIN_S
from tools.ports import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.alone
def test_the_demo_shares_devices_talks_and_watches_over_a_hall(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo", "--for", "25", "--port", str(free_port())],
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S * 9,  # it runs many commands before it begins
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for device in ("scale-1", "printer-1", "probe-1"):
        assert any(device in line and "completed" in line for line in done.stdout.splitlines()), done.stdout
    for speaker, understood in (("speaker-1", "heard 'what time is it'"), ("speaker-2", "heard 'qué hora es'")):
        assert any(speaker in line and understood in line for line in done.stdout.splitlines()), done.stdout
    _a_hall_is_watched_over(done.stdout)
    assert "mosquitto_sub" in done.stdout
    assert list(tmp_path.iterdir()) == []


def _a_hall_is_watched_over(told: str) -> None:
    """Insist that who came was greeted once, aloud, and that the lamp was on for as long as somebody was there."""
    said = re.findall(r"hall-1 +said 'Welcome home\. .*' \((.*) s of audio\)", told)
    assert [float(seconds) > 1 for seconds in said] == [True], told
    motion = re.findall(r"pir-1 +sees (motion|nobody)", told)
    assert motion == ["motion", "nobody"] * 4, told
    lamp = re.findall(r"lamp-1 +(on|off) \(fence (\d+)\)", told)
    assert lamp[-1][0] == "off", told
    assert "on" in {state for state, _ in lamp}, told
    fences = [int(fence) for _, fence in lamp]
    assert fences == sorted(set(fences)), told
    (greeter,) = re.findall(r"hall, greeter: activations 4 started 1 ended 1 delivered 1 (.*)", told)
    assert sum(int(number) for number in re.findall(r"\d+", greeter)) == 3, told  # the cooldown, or it spoke still
    # Where it took longer to switch the lamp off than until the next motion, that may be over before the lamp is on.
    (lights,) = re.findall(r"hall, lights: activations 4 started (\d) ended (\d) delivered \d+ repeated (\d+)", told)
    started, ended, repeated = (int(number) for number in lights)
    assert 1 <= started == ended <= 4, told
    assert repeated >= 3, told
    assert re.search(r"front-door +started +doorman", told), told
