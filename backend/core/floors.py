"""A floor is what one at a time may hold: a device, or a channel. Its key is how its topics begin: ``devices/scale-1``.

A floor may have rules of its own, which overrule the policy of all others: pairs of a name and a value, sorted.
"""

from collections.abc import Mapping

Rule = bool | int | float | str
Rules = tuple[tuple[str, Rule], ...]

DEVICES = "devices"
CHANNELS = "channels"


def device_floor(device: str) -> str:
    """Return the floor of a device."""
    return f"{DEVICES}/{device}"


def channel_floor(channel: str) -> str:
    """Return the floor of a channel."""
    return f"{CHANNELS}/{channel}"


def floor_of(levels: Mapping[str, str]) -> str:
    """Return the floor of the device or channel that a topic names. Raises KeyError where it names none."""
    return device_floor(levels["device"]) if "device" in levels else channel_floor(levels["channel"])


def is_channel(floor: str) -> bool:
    """Tell whether there is no hardware behind a floor."""
    return floor.startswith(f"{CHANNELS}/")


def id_of(floor: str) -> str:
    """Return the id of the device or channel."""
    return floor.partition("/")[2]


def rules_of(given: Mapping[str, Rule]) -> Rules:
    """Return rules in the form in which they can be compared."""
    return tuple(sorted(given.items()))
