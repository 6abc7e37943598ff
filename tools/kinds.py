"""The kinds of virtual devices: a scale, a printer, a lab probe, and how each does its work."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

Json = Mapping[str, Any]


class Step(NamedTuple):
    """A piece of work: how long it takes, in seconds, and what is known after it."""

    takes_s: float
    output: Json


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device: what it is, what it can do, and its work, the last step of which is the result."""

    model: str
    session_type: str
    commands: tuple[str, ...]
    work: Callable[[Json, random.Random], Sequence[Step]]


def _weigh(wishes: Json, dice: random.Random) -> Sequence[Step]:
    usual = {"male": 81.0, "female": 67.0}.get(str(wishes.get("gender")), 74.0)
    weight = round(usual * min(1.0, _number(wishes.get("age"), 18.0) / 18) + dice.gauss(0, 6), 1)
    weight = max(2.5, weight)
    found = {"weight_kg": weight, "unit": "kg"}
    height = _number(wishes.get("height"), 0.0)
    if height > 0:
        metres = height / 100 if height > 3 else height
        found["bmi"] = round(weight / metres**2, 1)
    return [Step(0.4, {"settling": True}), Step(0.6, {**found, "settling": None})]


def _print(_wishes: Json, dice: random.Random) -> Sequence[Step]:
    layers = 10
    progress = [Step(0.6, {"layer": n, "layers": layers, "percent": 100 * n // layers}) for n in range(1, layers + 1)]
    return [*progress, Step(0.2, {"filament_g": round(dice.uniform(4, 40), 1)})]


def _probe(_wishes: Json, dice: random.Random) -> Sequence[Step]:
    samples = [Step(0.5, {"samples": n}) for n in range(1, 6)]
    measured = {"ph": round(dice.uniform(6, 8.5), 2), "temperature": round(dice.uniform(18, 24), 1), "unit": "°C"}
    return [*samples, Step(0.5, measured)]


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "scale": Kind("Virtual scale", "weighing", ("start", "stop", "identify", "tare"), _weigh),
        "printer": Kind("Virtual 3D printer", "printing", ("start", "stop", "identify"), _print),
        "probe": Kind("Virtual lab probe", "measuring", ("start", "stop", "identify"), _probe),
    }
)
