"""Two clients that mind their own business while the broker is under fire, in a thread of their own."""

import asyncio
import threading
import time
from types import TracebackType
from typing import Self

from tests.fuzz.inputs import SECRET
from tools.lean import LeanClient

_BURST, _PAUSE_S = 5, 0.01
_ARRIVES_WITHIN_S = 5.0


class Honest:
    """Exchanges numbered messages at QoS 1, all the time. ``waits``: seconds of each from one to the other and back."""

    def __init__(self, port: int) -> None:
        self.waits: list[float] = []
        self.failure: BaseException | None = None
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="honest", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def is_served(self) -> bool:
        """Wait for the next message, and tell whether it came."""
        before = len(self.waits)
        until = time.monotonic() + _ARRIVES_WITHIN_S
        while self.failure is None and len(self.waits) == before and time.monotonic() < until:
            time.sleep(0.01)
        return len(self.waits) > before

    def _run(self) -> None:
        try:
            asyncio.run(self._talk())
        except Exception as error:  # noqa: BLE001 - told by the test, which looks at it
            self.failure = error

    async def _talk(self) -> None:
        back: asyncio.Queue[int] = asyncio.Queue()
        one = await LeanClient.connect(self._port, "honest-1", SECRET, lambda _, data: back.put_nowait(int(data)))
        other = await LeanClient.connect(
            self._port, "honest-2", SECRET, lambda _, data: other.publish("honest/back", data)
        )
        await other.subscribe("honest/there")
        await one.subscribe("honest/back")
        number = 0
        while not self._over.is_set():
            start = time.perf_counter()
            for each in range(_BURST):
                one.publish("honest/there", b"%d" % (number + each))
            await self._expect(back, number, start)
            number += _BURST
            await asyncio.sleep(_PAUSE_S)
        one.close()
        other.close()

    async def _expect(self, back: "asyncio.Queue[int]", number: int, start: float) -> None:
        """Wait for a burst to come back, in order and complete."""
        for expected in range(number, number + _BURST):
            async with asyncio.timeout(_ARRIVES_WITHIN_S):
                got = await back.get()
            if got != expected:
                raise AssertionError(f"message {got} came where {expected} was due")
            self.waits.append(time.perf_counter() - start)
