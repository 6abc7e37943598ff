"""How the commands name what one at a time may hold: ``scale-1`` is a device, ``channels/stage`` a channel."""

import click

from backend.cli import names
from backend.core.floors import CHANNELS, DEVICES, channel_floor, device_floor, id_of, is_channel
from backend.core.ids import is_id
from backend.features.sessions.messages import session_topic


def read_floor(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """Return the floor that is meant, before it becomes part of a topic."""
    kind, slash, name = text.rpartition("/")
    if not is_id(name) or kind not in ("", DEVICES, CHANNELS) or (slash and not kind):
        raise click.BadParameter(
            f"{text!r} is no device, and no channels/NAME; see `talkstick device list` and `talkstick channel list`"
        )
    return channel_floor(name) if kind == CHANNELS else device_floor(name)


floor_argument = click.argument("floor", type=names.FLOOR, metavar="DEVICE|channels/NAME", callback=read_floor)


def short(floor: str) -> str:
    """Return how people name a floor, and may name it to a command."""
    return floor if is_channel(floor) else id_of(floor)


def named(floor: str) -> str:
    """Return the same in a sentence."""
    return f"{'channel' if is_channel(floor) else 'device'} {id_of(floor)}"


def request_topic(place: str, user: str) -> str:
    """Return where a principal asks something of a session (its topic is the place), or of the ``backend``."""
    return f"{place}/request/{user}"


def reply_topic(place: str, user: str) -> str:
    """Return where it is answered."""
    return f"{place}/reply/{user}"


SESSIONS = (session_topic(device_floor("+")), session_topic(channel_floor("+")))
"""The filters of all session documents."""
