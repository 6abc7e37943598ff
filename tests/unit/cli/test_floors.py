"""How people name devices and channels to a command."""

import click
import pytest

from backend.cli.floors import floor_argument, named, read_floor, short


def read(text: str) -> str:
    command = click.command()(floor_argument(lambda floor: floor))
    return read_floor(click.Context(command), command.params[0], text)


@pytest.mark.parametrize(
    ("text", "floor", "again", "sentence"),
    [
        ("scale-1", "devices/scale-1", "scale-1", "device scale-1"),
        ("devices/scale-1", "devices/scale-1", "scale-1", "device scale-1"),
        ("channels/stage", "channels/stage", "channels/stage", "channel stage"),
    ],
)
def test_a_name_alone_is_a_device(text: str, floor: str, again: str, sentence: str) -> None:
    assert read(text) == floor
    assert read(short(floor)) == floor
    assert (short(floor), named(floor)) == (again, sentence)


@pytest.mark.parametrize(
    "text", ["", "/", "/x", "x/", "+", "#", "channels/", "channels/+", "users/alice", "a/b/c", "A"]
)
def test_nothing_else_becomes_part_of_a_topic(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no device"):
        read(text)
