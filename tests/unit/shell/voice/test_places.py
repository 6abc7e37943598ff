"""Room for so many at a time: in order, with a position, and nobody is forgotten."""

import asyncio
import random

import pytest

from backend.core.refusals import Code, Refused
from backend.shell.voice.places import Places


class Guest:
    def __init__(self, places: Places) -> None:
        self.positions: list[int] = []
        self.has_place = False
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._stay(places))

    async def _stay(self, places: Places) -> None:
        async with places.place(self.positions.append):
            self.has_place = True
            try:
                await self.leave.wait()
            finally:
                self.has_place = False


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_waits_knows_how_many_are_before() -> None:
    async def story() -> None:
        places = Places(1)
        first, second, third = (Guest(places) for _ in range(3))
        await settle()
        assert (first.has_place, second.positions, third.positions) == (True, [1], [2])
        assert places.waiting == 2
        first.leave.set()
        await settle()
        assert (second.has_place, third.positions) == (True, [2, 1])
        second.leave.set()
        third.leave.set()
        await settle()
        assert places.waiting == 0

    asyncio.run(story())


def test_who_goes_while_waiting_makes_the_others_move_up() -> None:
    async def story() -> None:
        places = Places(1)
        first, second, third = (Guest(places) for _ in range(3))
        await settle()
        second.task.cancel()
        await settle()
        assert third.positions == [2, 1]
        first.leave.set()
        await settle()
        assert third.has_place
        third.leave.set()
        await settle()

    asyncio.run(story())


def act(dice: random.Random, places: Places, guests: list[Guest]) -> None:
    match dice.randrange(4):
        case 0 | 1:
            guests.append(Guest(places))
        case 2 if guests:
            dice.choice(guests).leave.set()
        case 3 if guests:
            dice.choice(guests).task.cancel()


async def everybody_leaves(guests: list[Guest]) -> None:
    for guest in guests:
        guest.leave.set()
    await asyncio.gather(*(guest.task for guest in guests), return_exceptions=True)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_no_place_is_lost_and_none_is_given_twice(seed: int) -> None:
    async def story() -> None:
        dice, places, guests = random.Random(seed), Places(3), list[Guest]()  # noqa: S311 - no secret
        for _ in range(200):
            act(dice, places, guests)
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
            assert sum(guest.has_place for guest in guests) <= 3
        await everybody_leaves(guests)
        last = [Guest(places) for _ in range(3)]
        await settle()
        assert all(guest.has_place for guest in last)
        await everybody_leaves(last)

    asyncio.run(story())


def test_a_refusal_comes_out_of_a_place_as_it_went_in() -> None:
    async def story() -> None:
        places = Places(1)
        with pytest.raises(Refused) as refused:
            async with places.place(lambda _position: None):
                raise Refused(Code.BAD_AUDIO, "noise")
        assert (refused.value.code, refused.value.message) == (Code.BAD_AUDIO, "noise")
        async with places.place(lambda _position: pytest.fail("the place was not given back")):
            pass

    asyncio.run(story())
