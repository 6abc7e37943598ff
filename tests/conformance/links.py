"""What carries the packets of a client: TCP, or WebSocket frames (RFC 6455), right and wrong ones."""

import base64
import os
import socket
import struct
from typing import Protocol

from tests.rig import WITHIN_S

_BINARY, _CLOSE, _PING, _PONG = 2, 8, 9, 10


class Ended(Exception):  # noqa: N818 - no error, an end
    """The other side has closed the connection."""


class Late(Exception):  # noqa: N818
    """Nothing came in time."""


class Link(Protocol):
    """A way for bytes, there and back."""

    def send(self, data: bytes) -> None:
        """Send bytes. A connection that is over shows when it is read."""

    def receive(self, within_s: float) -> bytes:
        """Return the bytes that come next. Raises Ended, Late."""

    def cut(self) -> None:
        """End the connection at once, without a word."""

    def close(self) -> None:
        """Free the socket."""


class Tcp:
    """A plain connection. *room*: how many bytes the system may take in unread, where that matters."""

    def __init__(self, port: int, room: int | None = None) -> None:
        self._socket = socket.socket()
        if room is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self._socket.settimeout(WITHIN_S)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._socket.settimeout(WITHIN_S)
            self._socket.sendall(data)
        except ConnectionError:
            pass  # reading tells

    def receive(self, within_s: float) -> bytes:
        """Return the bytes that come next."""
        try:
            self._socket.settimeout(within_s)
            data = self._socket.recv(1 << 16)
        except TimeoutError as error:
            raise Late from error
        except ConnectionError as error:
            raise Ended from error
        if not data:
            raise Ended
        return data

    def cut(self) -> None:
        """Reset the connection."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Free the socket."""
        self._socket.close()


class WebSocket:
    """The frames of RFC 6455. ``send`` makes one binary frame; ``frame`` any."""

    def __init__(self, port: int, offered: str | None = "mqtt") -> None:
        self._tcp = Tcp(port)
        self._buffer = bytearray()
        try:
            self.status, self.subprotocol = self._shake_hands(port, offered)
        except BaseException:
            self._tcp.close()
            raise

    def send(self, data: bytes) -> None:
        """Send one binary frame."""
        self.frame(_BINARY, data)

    def frame(self, opcode: int, data: bytes, *, final: bool = True) -> None:
        """Send any frame; masked, as a client must."""
        mask = os.urandom(4)
        head = bytes([(0x80 if final else 0) | opcode])
        if len(data) < 126:
            head += bytes([0x80 | len(data)])
        elif len(data) < 1 << 16:
            head += bytes([0x80 | 126]) + struct.pack("!H", len(data))
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", len(data))
        key = (mask * (len(data) // 4 + 1))[: len(data)]
        masked = int.from_bytes(data) ^ int.from_bytes(key)
        self._tcp.send(head + mask + masked.to_bytes(len(data)))

    def receive(self, within_s: float) -> bytes:
        """Return the content of the next data frame, which must be binary [MQTT-6.0.0-1]."""
        while True:
            opcode, data = self._next_frame(within_s)
            if opcode == _CLOSE:
                raise Ended
            if opcode == _PING:
                self.frame(_PONG, data)
            elif opcode != _PONG:
                assert opcode in (0, _BINARY), f"a frame of type {opcode}"
                return data

    def cut(self) -> None:
        """Reset the connection below."""
        self._tcp.cut()

    def close(self) -> None:
        """Free the socket."""
        self._tcp.close()

    def _shake_hands(self, port: int, offered: str | None) -> tuple[int, str | None]:
        lines = [
            "GET /mqtt HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
        ]
        if offered is not None:
            lines.append(f"Sec-WebSocket-Protocol: {offered}")
        self._tcp.send("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._tcp.receive(WITHIN_S)
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        first, *others = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in others)}
        return int(first.split()[1]), headers.get("sec-websocket-protocol")

    def _next_frame(self, within_s: float) -> tuple[int, bytes]:
        opcode, size = self._take(2, within_s)
        if size == 126:
            size = int.from_bytes(self._take(2, within_s))
        elif size == 127:
            size = int.from_bytes(self._take(8, within_s))
        return opcode & 0x0F, self._take(size, within_s)

    def _take(self, count: int, within_s: float) -> bytes:
        while len(self._buffer) < count:
            self._buffer += self._tcp.receive(within_s)
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken
