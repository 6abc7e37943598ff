"""Opus packets as they come from a board, put into a stream that ffmpeg reads: Ogg pages (RFC 3533, RFC 7845)."""

import struct
import zlib

RATE = 48_000
"""Samples a second by which Opus counts time, whatever it is made from."""
LONGEST = RATE * 120 // 1000
"""Samples in a packet at most (RFC 6716, section 3.2.5)."""

_FIRST = 2  # of the flags of a page
_SERIAL = 1
_CHECKSUM = slice(22, 26)
_LACING = 255

# Durations of one frame, by the configuration in the first byte of a packet (RFC 6716, table 2); in samples.
_SPEECH = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_MUSIC = (120, 240, 480, 960)
_FRAMES = _SPEECH * 3 + _HYBRID * 2 + _MUSIC * 4

_MIRRORED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def duration(packet: bytes) -> int:
    """Return how many samples are in a packet. Raises ValueError where it is none."""
    if not packet:
        raise ValueError("empty")
    if _count(packet) == 0:
        raise ValueError("no frames in it")
    samples = _FRAMES[packet[0] >> 3] * _count(packet)
    if samples > LONGEST:
        raise ValueError("longer than 120 ms")
    return samples


def _count(packet: bytes) -> int:
    """Return how many frames a packet has."""
    match packet[0] & 3:
        case 0:
            return 1
        case 1 | 2:
            return 2
        case _:
            return packet[1] & 0x3F if len(packet) > 1 else 0


def lost(like: bytes) -> bytes:
    """Return a packet with nothing in it, for which a decoder makes up something as long as *like* (RFC 7845, 4.1)."""
    return bytes([like[0] | 3, _count(like)])


class Stream:
    """Makes the pages of one stream, one packet in each, so that none waits for the next."""

    def __init__(self) -> None:
        self._pages = 0
        self.samples = 0
        """How much audio is in the pages so far."""

    def write(self, packet: bytes) -> bytes:
        """Return what comes next in the stream for a packet of at most 65,024 bytes.

        Raises ValueError where it is no packet; then the stream goes on as if it had never come.
        """
        samples = duration(packet)
        head = b"" if self._pages else self._head()
        self.samples += samples
        return head + self._page(packet)

    def _head(self) -> bytes:
        """Return the two pages that every stream begins with: mono, nothing to skip, gain 0; and no tags."""
        head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 0, 16_000, 0, 0)
        tags = struct.pack("<8sII", b"OpusTags", 0, 0)
        return self._page(head, _FIRST) + self._page(tags)

    def _page(self, packet: bytes, flags: int = 0) -> bytes:
        lacing = bytes([_LACING] * (len(packet) // _LACING) + [len(packet) % _LACING])
        fields = (b"OggS", 0, flags, self.samples, _SERIAL, self._pages, 0, len(lacing))
        page = bytearray(struct.pack("<4sBBqIIIB", *fields) + lacing + packet)
        page[_CHECKSUM] = checksum(page)
        self._pages += 1
        return bytes(page)


def checksum(page: bytes | bytearray) -> bytes:
    """Return the checksum of a page in which that of the page is 0, as it stands there.

    It is zlib's, with the bits of every byte, and of the result, the other way round, and without its inversions.
    """
    return (zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF).to_bytes(4, "big").translate(_MIRRORED)
