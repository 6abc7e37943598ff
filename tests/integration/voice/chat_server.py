"""A chat endpoint on this machine, that answers what it is told to answer, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(text: object, finish_reason: str = "stop") -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}).encode()


@dataclass
class ChatServer:
    """``hangs``: it answers only once it is closed. ``endless``: it sends until nobody listens."""

    url: str = ""
    status: int = 200
    body: bytes = field(default_factory=lambda: completion("Hello."))
    hangs: bool = False
    endless: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    arrivals: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    closed: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    """Somebody who had asked for something endless listens no longer."""


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Serve on a free port of this machine, until the end of the block."""
    server = ChatServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(server)) as http:
        http.daemon_threads = True
        server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.closed.set()
            http.shutdown()
            thread.join()


def _handler(server: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            server.paths.append(self.path)
            server.connections.add(self.client_address)
            server.headers.append(dict(self.headers))
            server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            server.arrivals.release()
            if server.hangs:
                server.closed.wait()
                return
            self.send_response(server.status)
            if server.endless:
                self._send_on()
                return
            self.send_header("Content-Length", str(len(server.body)))
            self.end_headers()
            self.wfile.write(server.body)

        def _send_on(self) -> None:
            self.close_connection = True
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65536)
            except OSError:
                server.gone.set()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
