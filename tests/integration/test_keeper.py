"""What survives a restart of the broker: on a real file."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from broker import keeper as module
from broker.keeper import Changes, Keeper
from tests.rig import WITHIN_S


def rows(path: Path) -> list[tuple[object, ...]]:
    """Look into the file, as another process would."""
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT * FROM retained").fetchall()
    database.close()
    return found


def run(path: Path, story: Callable[[Keeper], Coroutine[None, None, None]]) -> None:
    async def main() -> None:
        keeper = Keeper(path)
        writing = asyncio.create_task(keeper.run())
        try:
            await asyncio.wait_for(story(keeper), WITHIN_S)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            keeper.close()

    asyncio.run(main())


def test_nothing_is_acknowledged_before_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "broker.db"
    seen: list[list[tuple[object, ...]]] = []

    async def story(keeper: Keeper) -> None:
        told = asyncio.Event()
        keeper.put("retained", ("a/b",), b"1", 1, "scale-1")

        def acknowledge() -> None:
            seen.append(rows(path))
            told.set()

        keeper.when_kept(acknowledge)
        assert not seen
        await told.wait()
        keeper.when_kept(lambda: seen.append([]))
        assert len(seen) == 2, "where nothing is under way, there is nothing to wait for"

    run(path, story)
    assert seen[0] == [("a/b", b"1", 1, "scale-1")]


def test_acknowledgements_keep_their_order(tmp_path: Path) -> None:
    order: list[int] = []

    async def story(keeper: Keeper) -> None:
        last = asyncio.Event()
        for number in range(200):
            if number % 3 == 0:
                keeper.put("retained", (f"a/{number}",), b"1", 1, "scale-1")
            keeper.when_kept(lambda number=number: order.append(number))  # type: ignore[misc]
            if number % 7 == 0:
                await asyncio.sleep(0)
        keeper.when_kept(last.set)
        await last.wait()

    run(tmp_path / "broker.db", story)
    assert order == list(range(200))


def test_a_full_disk_holds_acknowledgements_back_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "broker.db"
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    write, failures = Keeper._write, iter(range(3))

    def full(self: Keeper, changed: Changes) -> None:
        if next(failures, None) is not None:
            raise sqlite3.OperationalError("database or disk is full")
        write(self, changed)

    async def story(keeper: Keeper) -> None:
        monkeypatch.setattr(Keeper, "_write", full)
        told = asyncio.Event()
        keeper.put("retained", ("a/b",), b"1", 1, "scale-1")
        keeper.when_kept(told.set)
        await told.wait()
        assert rows(path) == [("a/b", b"1", 1, "scale-1")]

    run(path, story)
    assert caplog.text.count("disk is full") == 1
    assert "kept again" in caplog.text


def test_what_was_not_written_yet_is_written_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "broker.db"

    async def story(keeper: Keeper) -> None:
        keeper.put("retained", ("a/b",), b"1", 1, "scale-1")
        keeper.put("retained", ("a/c",), b"2", 1, "scale-1")
        keeper.remove("retained", "a/b")

    run(path, story)
    assert rows(path) == [("a/c", b"2", 1, "scale-1")]


def another_version(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE retained (something)")
        database.execute("PRAGMA user_version=99")
    database.close()


def nonsense(path: Path) -> None:
    path.write_bytes(b"nonsense" * 1000)


def damaged(path: Path) -> None:
    async def story(keeper: Keeper) -> None:
        for number in range(1000):
            keeper.put("retained", (f"a/{number}",), b"1" * 100, 1, "scale-1")

    run(path, story)
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 8] = bytes(4096 * 6)
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [another_version, nonsense, damaged])
def test_a_file_that_cannot_be_used_is_put_aside(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / "broker.db"
    spoil(path)
    before = path.read_bytes()

    async def story(keeper: Keeper) -> None:
        assert list(keeper.rows("retained")) == []
        keeper.put("retained", ("a/b",), b"1", 1, "scale-1")

    run(path, story)
    assert rows(path) == [("a/b", b"1", 1, "scale-1")]
    assert (tmp_path / "broker.aside").read_bytes() == before


def test_without_a_path_everything_counts_as_kept() -> None:
    async def main() -> None:
        keeper = Keeper(None)
        told: list[bool] = []
        keeper.put("retained", ("a/b",), b"1", 1, "scale-1")
        keeper.when_kept(lambda: told.append(True))
        assert told
        assert list(keeper.rows("retained")) == []
        keeper.close()

    asyncio.run(main())
