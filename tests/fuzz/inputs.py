"""What Hypothesis makes up to harm the broker: packets that are nearly right, and bytes that are not right at all."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from hypothesis import strategies as st

from tools.lean import field, packet

NAME, SECRET = "fuzz", "right"

Way = Literal["tcp", "websocket", "frames", "http"]
Ending = Literal["close", "half-close", "abort", "stay"]


@dataclass(frozen=True, slots=True, repr=False)
class Input:
    """One connection, and what is done to it.

    ``way``: over TCP, in frames of a WebSocket, as raw frames after the upgrade, or in place of the upgrade.
    ``greeted``: after a right CONNECT. ``cuts``: where ``data`` is split. ``kind`` says how it was made.
    """

    kind: str
    way: Way
    greeted: bool
    data: bytes
    cuts: tuple[int, ...]
    ending: Ending

    def __repr__(self) -> str:
        """Return Python that makes it again, in few words."""
        packed = zlib.compress(self.data)
        data = repr(self.data) if len(packed) * 2 > len(self.data) else f"zlib.decompress({packed!r})"
        return f"Input({self.kind!r}, {self.way!r}, {self.greeted}, {data}, {self.cuts}, {self.ending!r})"

    def pieces(self) -> list[bytes]:
        """Return the data as it is to be sent."""
        places = sorted({0, *(cut for cut in self.cuts if cut < len(self.data)), len(self.data)})
        return [self.data[start:end] for start, end in pairwise(places)]


_STRINGS = (
    b"a", b"a/b", b"kept/a", b"kept/b/c", b"", b"/", b"a//b", b"+", b"#", b"a/#/b", b"a+/b", b"a/+/b/#", b"$SYS/x",
    b"$", b"$share/g/a", b"a\0b", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"a\xe2\x82",
    "\ufeff".encode(), "😀/é".encode(), b"x/" * 40, b"/" * 3000, b"x" * 0xFFFF,
)  # fmt: skip
_strings = st.sampled_from(_STRINGS) | st.binary(max_size=12)
_ids = st.sampled_from([0, 1, 2, 7, 0x7FFF, 0xFFFF]).map(lambda number: struct.pack("!H", number))
_flags = st.integers(0, 15)


@st.composite
def _connects(draw: st.DrawFn) -> bytes:
    """A CONNECT with any flags, whose fields need not fit them."""
    protocol = draw(st.sampled_from([b"MQTT", b"MQTT", b"MQTT", b"MQIsdp", b"mqtt", b""]))
    level = draw(st.sampled_from([4, 4, 4, 3, 5, 0, 0x84, 255]))
    flags = draw(st.sampled_from([0xC2, 0xC0, 0xC6, 0xF6, 0xC3, 0x02, 0x42]) | st.integers(0, 255))
    body = field(protocol) + bytes([level, flags]) + struct.pack("!H", draw(st.sampled_from([0, 1, 60, 0xFFFF])))
    body += field(draw(st.sampled_from([b"one", b"two", b""]) | _strings))
    if flags & 0x04:
        body += field(draw(_strings)) + field(draw(st.binary(max_size=20)))
    if flags & 0x80:
        body += field(draw(st.sampled_from([NAME.encode()] * 4 + [b""])))
    if flags & 0x40:
        body += field(draw(st.sampled_from([SECRET.encode()] * 4 + [b"wrong"])))
    return packet(0x10, body)


@st.composite
def _publishes(draw: st.DrawFn) -> bytes:
    """A PUBLISH with any topic, QoS 3 and packet id 0 among them."""
    flags = draw(_flags)
    body = field(draw(_strings)) + (draw(_ids) if flags & 0x06 else b"")
    return packet(0x30 | flags, body + draw(st.binary(max_size=30)))


@st.composite
def _subscribes(draw: st.DrawFn) -> bytes:
    """A SUBSCRIBE or UNSUBSCRIBE with none, some or very many filters."""
    subscribes = draw(st.booleans())
    filters = draw(st.lists(_strings, max_size=4)) * draw(st.sampled_from([1, 1, 1, 50]))
    qos = bytes([draw(st.sampled_from([0, 1, 2, 3, 0x80]))]) if subscribes else b""
    body = draw(_ids) + b"".join(field(each) + qos for each in filters)
    return packet(0x82 if subscribes else 0xA2, body)


@st.composite
def _answers(draw: st.DrawFn) -> bytes:
    """An acknowledgement of what was never sent, or a packet that only a server sends, or no packet type at all."""
    head = draw(st.sampled_from([0x40, 0x50, 0x62, 0x70, 0x20, 0x90, 0xB0, 0xD0, 0x00, 0xF0]))
    return packet(head, draw(_ids) + draw(st.sampled_from([b"", b"", b"\0", b"\x80", b"12345"])))


def _right_packets() -> list[bytes]:
    """Return packets that nobody can object to, after a CONNECT."""
    made = [b"\xc0\x00"]
    for topic in (b"a", b"a/b", b"kept/a", b"kept/b"):
        made += [packet(0x30 | flags, field(topic) + (b"\0\7" if flags & 6 else b"") + b"hello") for flags in range(6)]
    for topic_filter in (b"a", b"a/+", b"#", b"kept/#"):
        made += [packet(0x82, b"\0\1" + field(topic_filter) + bytes([qos])) for qos in range(3)]
        made.append(packet(0xA2, b"\0\2" + field(topic_filter)))
    return made + [packet(head, b"\0\7") for head in (0x40, 0x50, 0x62, 0x70)]


_right = st.sampled_from(_right_packets())
_bare = st.sampled_from([b"\xc0\x00", b"\xe0\x00", b"\xc0\x01\x00", b"\xe1\x00", b"\x30\x00", b"\x10\x00", b"\x82\x00"])
_packets = st.one_of(_connects(), _publishes(), _publishes(), _subscribes(), _answers(), _bare)


def _flipped(data: bytes, number: int) -> bytes:
    """Flip one to four bits."""
    changed = bytearray(data)
    for _ in range(1 + number % 4):
        number, bit = divmod(number // 4, 8 * len(changed))
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


_LENGTHS = (
    b"\x00", b"\x01", b"\x02", b"\x05", b"\x7f", b"\xff\x7f", b"\xff\xff\x03", b"\xff\xff\xff\x7f", b"\x82\x00",
    b"\xff\xff\xff\xff", b"\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x00",
)  # fmt: skip


def _with_length(data: bytes, number: int) -> bytes:
    """Put another remaining length in place of the right one."""
    end = next(index for index in range(1, 5) if not data[index] & 0x80) + 1
    return data[:1] + _LENGTHS[number % len(_LENGTHS)] + data[end:]


def _with_more(data: bytes, number: int) -> bytes:
    """Put some bytes where none belong."""
    number, place = divmod(number, len(data))
    return data[:place] + number.to_bytes(8, "big").lstrip(b"\0") + data[place:]


_MUTATIONS: dict[str, Callable[[bytes, int], bytes]] = {
    "odd content": lambda data, _number: data,
    "bit flips": _flipped,
    "truncated": lambda data, number: data[: number % len(data)],
    "wrong length": _with_length,
    "wrong flags": lambda data, number: bytes([data[0] & 0xF0 | number % 16]) + data[1:],
    "inserted": _with_more,
}
_numbers = st.integers(0, 2**48)


@st.composite
def _mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a packet that is wrong, or at least odd, and often right ones before it: there is more to break then."""
    kind = draw(st.sampled_from(sorted(_MUTATIONS)))
    before = b"".join(draw(st.lists(_right, max_size=3)))
    return kind, before + _MUTATIONS[kind](draw(_packets), draw(_numbers))


_UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
_requests = st.sampled_from(
    [_UPGRADE + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n", _UPGRADE,
     _UPGRADE + b"\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 140, b"\x16\x03\x01\x00\xa5\x01", b"GET " + b"x" * 9000]
)  # fmt: skip


@st.composite
def _handshakes(draw: st.DrawFn) -> tuple[str, bytes]:
    """What comes in place of the upgrade to a WebSocket."""
    request = draw(_requests)
    return "http", _flipped(request, draw(_numbers)) if draw(st.booleans()) else request


@st.composite
def _frames(draw: st.DrawFn) -> tuple[str, bytes]:
    """WebSocket frames with any flags, lengths that lie, with and without a mask."""
    made = b""
    for _ in range(draw(st.integers(1, 3))):
        _, data = draw(_mutated())
        head = draw(st.sampled_from([0x82, 0x02, 0x80, 0x81, 0x88, 0x89, 0x8A]) | st.integers(0, 255))
        size = draw(
            st.sampled_from([bytes([0x80 | min(len(data), 125)])] * 3 + [b"\x05", b"\xfe\xff\xff", b"\xff" * 9])
        )
        made += bytes([head]) + size + b"\0\0\0\0" + data[:125]  # a mask of zeros changes nothing
    return "frames", made


_content: dict[Way, st.SearchStrategy[tuple[str, bytes]]] = {
    "tcp": _mutated(),
    "websocket": _mutated(),
    "frames": _frames(),
    "http": _handshakes(),
}
_noise = st.tuples(st.just("random bytes"), st.binary(max_size=60))
_ways: st.SearchStrategy[Way] = st.sampled_from(
    ["tcp", "tcp", "tcp", "tcp", "tcp", "tcp", "websocket", "frames", "http"]
)
_endings: st.SearchStrategy[Ending] = st.sampled_from(["close", "close", "half-close", "abort", "stay"])
_no_cuts: tuple[int, ...] = ()
_cuts = st.sampled_from([_no_cuts, (1,), (2,), (3, 9), (5, 6, 7), (20,), (11, 70), tuple(range(1, 30))])


@st.composite
def inputs(draw: st.DrawFn) -> Input:
    """Draw one input."""
    way = draw(_ways)
    kind, data = draw(_noise if draw(st.integers(1, 10)) == 5 else _content[way])
    greeted = way != "http" and draw(st.booleans())
    return Input(kind, way, greeted, data, draw(_cuts), draw(_endings))
