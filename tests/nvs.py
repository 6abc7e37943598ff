"""Reads images of ESP-IDF's non-volatile storage, as its documentation describes them: no code of the writer in here.

A page of 4,096 bytes: a header of 32 (state, number, version, 19 unused, CRC of all but state and CRC), a map of two
bits an entry, and 126 entries of 32 bytes: namespace, type, span, chunk, CRC, key of 16, data of 8. Numbers are little
endian; a map's bit that was written is 0.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PAGE, HEAD, ENTRY, ENTRIES = 4096, 32, 32, 126
ACTIVE, FULL, UNUSED = 0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFFF
VERSION_2 = 0xFE
U8, U32, TEXT = 0x01, 0x04, 0x21
WRITTEN, EMPTY = 0b10, 0b11


@dataclass(frozen=True)
class Entry:
    """A key and its value, in the namespace of a number; namespace 0 names the others."""

    namespace: int
    key: str
    value: str | int


def read(image: bytes) -> dict[str, dict[str, str | int]]:
    """Return the values of all namespaces. Raises AssertionError where a board would not read it."""
    assert len(image) % PAGE == 0
    pages = [image[start : start + PAGE] for start in range(0, len(image), PAGE)]
    used = [page for page in pages if _number(page, 0) != UNUSED]
    assert [_number(page, 0) for page in used] == [FULL] * (len(used) - 1) + [ACTIVE]
    assert [_number(page, 4) for page in used] == list(range(len(used)))
    assert all(page == b"\xff" * PAGE for page in pages[len(used) :])
    assert len(used) < len(pages), "no page is left for the board's own writing"
    entries = [entry for page in used for entry in _entries(page)]
    names = {entry.value: entry.key for entry in entries if entry.namespace == 0}
    found: dict[str, dict[str, str | int]] = {name: {} for name in names.values()}
    for entry in entries:
        if entry.namespace != 0:
            values = found[names[entry.namespace]]
            assert entry.key not in values, "twice"
            values[entry.key] = entry.value
    return found


def _entries(page: bytes) -> Iterator[Entry]:
    assert page[8] == VERSION_2
    assert _number(page, 28) == _crc(page[4:28])
    at = 0
    while at < ENTRIES and _state(page, at) != EMPTY:
        head = _slot(page, at)
        span = head[2]
        assert [_state(page, each) for each in range(at, at + span)] == [WRITTEN] * span
        assert head[3] == 0xFF, "one of several chunks"
        assert _number(head, 4) == _crc(head[:4] + head[8:])
        key = head[8:24].partition(b"\0")[0].decode("ascii")
        yield Entry(head[0], key, _value(head, b"".join(_slot(page, each) for each in range(at + 1, at + span))))
        at += span
    assert all(_state(page, each) == EMPTY for each in range(at, ENTRIES))


def _value(head: bytes, more: bytes) -> str | int:
    if head[1] == U8:
        return head[24]
    if head[1] == U32:
        return _number(head, 24)
    assert head[1] == TEXT
    (size,) = struct.unpack_from("<H", head, 24)
    assert len(more) == -(-size // ENTRY) * ENTRY
    assert _number(head, 28) == _crc(more[:size])
    assert more[size - 1] == 0
    return more[: size - 1].decode()


def _slot(page: bytes, index: int) -> bytes:
    start = 2 * HEAD + index * ENTRY
    return page[start : start + ENTRY]


def _state(page: bytes, index: int) -> int:
    return page[HEAD + index // 4] >> index % 4 * 2 & 0b11


def _number(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "little")


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF)
