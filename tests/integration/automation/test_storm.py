"""Many runs of several owners at once, called off, kicked, lost at any moment: nothing is left, nothing told twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest

from backend.core.engine import Send
from tests.integration.automation.town import PRINTER, SCALE, Town, command
from tests.people import ALICE, BOB, ROOT

DEVICES, OWNERS = (SCALE, PRINTER), ("alice", "bob", "carol")
ERRANDS = 120


class Watched(Town):
    """A town where each command is looked at when it is sent: whose was the device then?"""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[Send] = []

    async def send(self, sends: Iterable[Send]) -> bool:
        for send in sends:
            _, device, kind, *_ = send.topic.split("/")
            if kind == "command":
                running, body = self.house.session(device).running, json.loads(send.payload)
                if running is None or (running.fence, running.holder) != (body["fence"], body["for"]):
                    self.wrong.append(send)
        return await super().send(sends)


def actions(dice: Random) -> list[dict[str, object]]:
    """Return what an errand does."""
    many = [
        {"do": "session", "device": dice.choice(DEVICES), "wait_s": 20, "optional": True},
        command(device=dice.choice(DEVICES), body={"for": "{{ owner }}"}, wait_s=20, optional=True),
        command(device=dice.choice(DEVICES), body={"for": "{{ owner }}"}, wait_s=0.01, optional=True),
        command(device=dice.choice(DEVICES), body={"for": "{{ owner }}"}, result_s=0.02, wait_s=20, optional=True),
        {"do": "wait", "seconds": 0.001},
    ]
    return dice.choices(many, weights=[1, 4, 2, 2, 2], k=dice.randint(1, 4))


async def meddle(town: Town, dice: Random, runs: list[str]) -> None:
    """Let something happen that runs do not expect."""
    device, run = dice.choice(DEVICES), dice.choice(runs)
    match dice.randrange(8):
        case 0 | 1:
            town.call_off(run)
        case 2 | 3:
            town.over(run)
        case 4:
            town.asks(ROOT, device, "kick")
        case 5:
            town.asks(dice.choice((ALICE, BOB)), device, "claim", wait=True)
        case 6:
            town.asks(dice.choice((ALICE, BOB)), device, "release")
        case 7:
            town.says(f"devices/{device}/result", {"fence": town.house.session(device).fence, "complete": True})
    await asyncio.sleep(dice.choice((0, 0, 0.001)))


async def settle(town: Town, runs: list[str]) -> None:
    """Let all come to an end: apps give back what they have, and all runs are over."""
    for run in runs:
        town.over(run)
    for device in DEVICES:
        for who in (ALICE, BOB):
            town.asks(who, device, "leave")
            town.asks(who, device, "release")
    await town.at_rest()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_left_of_a_storm(seed: int) -> None:
    async def story() -> None:
        dice, runs = Random(seed), list[str]()  # noqa: S311 - a storm is no secret
        async with Watched().alive() as town:
            for number in range(ERRANDS):
                runs.append(f"run-{number}")
                phase = dice.choice(("start", "start", "end"))
                town.begin(*actions(dice), run=runs[-1], phase=phase, owner=dice.choice(OWNERS))  # type: ignore[arg-type]
                await meddle(town, dice, runs)
            await settle(town, runs)
            await town.until(lambda: len(town.told) >= ERRANDS)
            assert Counter(done.session for done in town.told) == Counter(runs)
            assert town.deeds._asked == {}
            for device in DEVICES:
                assert (town.house.session(device).running, town.house.session(device).queue) == (None, ())
            assert isinstance(town, Watched)
            assert town.wrong == []
            assert town.published, "some had their turn"

    asyncio.run(asyncio.wait_for(story(), 60))
