"""A web server on this machine that answers what it is told to answer, and remembers what it was asked."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """``hangs``: nothing comes; ``drops``: the connection ends without an answer; ``endless``: the body never ends."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hangs: bool = False
    drops: bool = False
    endless: bool = False


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class WebServer:
    """``script`` are the answers to come; after the last one, all is well."""

    url: str = ""
    script: deque[Answer] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def will(self, *answers: Answer) -> None:
        """Answer like this."""
        self.script.extend(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.gone.set()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, path, _ = first.split(" ")
        self.asked.append(Asked(method, path, headers, body))
        self.arrived.set()
        answer = self.script.popleft() if self.script else Answer()
        if answer.drops:
            return False
        if answer.hangs:
            await reader.read()  # until the other one goes
            return False
        length = {} if answer.endless else {"Content-Length": str(len(answer.body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in {**length, **answer.headers}.items())
        writer.write(f"HTTP/1.1 {answer.status} Whatever\r\n{head}\r\n".encode() + answer.body)
        await writer.drain()
        while answer.endless:
            writer.write(b" " * 65536)
            await writer.drain()
        return True


@asynccontextmanager
async def web_server() -> AsyncIterator[WebServer]:
    """Serve on a free port, until the end of the block."""
    site = WebServer()
    connections: list[asyncio.Task[None]] = []
    lines = ExitStack()

    def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.callback(writer.transport.abort)  # also of a task that is cancelled before it begins
        connections.append(asyncio.create_task(site.serve(reader, writer)))

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        lines.close()
        await server.wait_closed()
