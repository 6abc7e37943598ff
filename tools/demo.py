"""Three devices, two speakers, a hall and four people: a server of their own, until Ctrl-C."""

import json
import queue
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from rich.live import Live

from tools import hall
from tools.actor import Actor, Login
from tools.chatter import Chatter
from tools.hall import Hall, Lines
from tools.kinds import KINDS
from tools.people import Errand, Person
from tools.server import Server, ServerError
from tools.simulator import Device
from tools.wall import Wall, Watcher


@dataclass(frozen=True, slots=True)
class Speaker:
    """A board that somebody talks to, in whose voice, and what they say."""

    title: str
    owner: str
    language: str
    voice: str
    sentences: Sequence[str]


DEVICES = {
    "scale-1": ("scale", "Kitchen scale"),
    "printer-1": ("printer", "3D printer"),
    "probe-1": ("probe", "Lab probe"),
}
PEOPLE: Mapping[str, Mapping[str, object]] = {
    "alice": {"age": 34, "gender": "female", "height": 168},
    "bob": {"age": 52, "gender": "male", "height": 181},
    "carol": {"age": 27, "gender": "female"},
    "dave": {"age": 9},
}
SPEAKERS = {
    "speaker-1": Speaker("Speaker", "alice", "en", "en-us+m3", ("what time is it", "who has the printer", "help")),
    "speaker-2": Speaker("Altavoz", "bob", "es", "es+f2", ("qué hora es", "quién tiene la impresora")),
}
GUEST, WATCHER = "guest", "wall"

_REFRESH_S = 0.25
_PAUSE_S = 2.0
_MODELS = Path(__file__).parent / "voice_models"


def people() -> Sequence[tuple[str, ...]]:
    """Return the commands that make the accounts of people."""
    return [
        *(("user", "add", person, "--name", person.title()) for person in PEOPLE),
        ("user", "add", GUEST, "--name", GUEST.title(), *_outside()),
        ("user", "add", WATCHER, "--role", "listener"),
        ("user", "add", hall.BRIDGE, "--role", "integration", *_outside()),
    ]


def boards() -> Sequence[tuple[str, ...]]:
    """Return the commands that make the accounts of boards, whose owners are there already."""
    return [
        *(("device", "add", device, "--name", title) for device, (_kind, title) in DEVICES.items()),
        *(("device", "add", device, "--name", title) for device, title in hall.BOARDS.items()),
        *(("device", "add", name, "--name", each.title, "--owner", each.owner) for name, each in SPEAKERS.items()),
    ]


def _outside() -> Sequence[str]:
    return [part for topics in hall.FOREIGN for part in ("--topics", topics)]


def chatters(logins: Mapping[str, Login]) -> Sequence[Chatter]:
    """Return the speakers, none of them started."""
    return [
        Chatter(logins[name], each.sentences, think_s=_PAUSE_S, voice=each.voice) for name, each in SPEAKERS.items()
    ]


def actors(logins: Mapping[str, Login]) -> Sequence[Actor]:
    """Return the devices and the people, none of them started. Everybody begins at another device."""
    devices = [Device(logins[device], KINDS[kind]) for device, (kind, _title) in DEVICES.items()]
    people = []
    for number, (person, body) in enumerate(PEOPLE.items()):
        errands = deque(_errands(body))
        errands.rotate(number)
        people.append(Person(logins[person], tuple(errands)))
    return [*devices, *people]


def _errands(body: Mapping[str, object]) -> Sequence[Errand]:
    return [
        Errand("scale-1", "weighing", body, command="tare"),
        Errand("printer-1", "printing", {"file": "bracket.stl", "material": "PLA"}),
        Errand("probe-1", "measuring", {"sample": "pond water"}),
    ]


def how_to_poke(guest: Login) -> str:
    """Return commands to paste into another terminal."""
    account = f"-h {guest.host} -p {guest.port} -u {guest.name} -P {guest.password}"
    request = f"mosquitto_pub {account} -t devices/scale-1/session/request/{guest.name} -m"
    greeting = json.dumps(
        {"action": "subscribe", "profile": "greeter", "mode": "one_shot", "config": {"words": "Hello, guest"}},
        separators=(",", ":"),
    )
    return f"""\
Take part as {guest.name} (password {guest.password}), from another terminal. Watch everything:
  mosquitto_sub {account} -v -t '#'
Claim the scale; the reply that says "granted" names your fence:
  {request} '{{"action":"claim","type":"weighing","input":{{"height":175}},"wait":true}}'
Command it, with your fence for 42; see what happens with a wrong one, or when it is not your turn:
  mosquitto_pub {account} -t devices/scale-1/command/start -m '{{"fence":42}}'
Weigh again, and give it back:
  {request} '{{"action":"update","input":{{"height":180}}}}'
  {request} '{{"action":"release"}}'
Watch the hall, in which a sensor sees somebody every {hall.PERIOD_S:.0f} s, and what profiles do then:
  mosquitto_sub {account} -v -t 'triggers/#' -t 'hall/#' -t devices/lamp-1/session
Open the front door, as Zigbee2MQTT would say it; have yourself greeted there, too, and try again:
  mosquitto_pub {account} -t {hall.DOOR} -m '{{"contact":false,"battery":87}}'
  mosquitto_pub {account} -t triggers/front-door/profiles/request/{guest.name} -m '{greeting}'
  mosquitto_pub {account} -t {hall.DOOR} -m '{{"contact":true,"battery":87}}'
"""


def show(wall: Wall, watcher: Watcher, told: Sequence[Lines], seconds: float | None, check: Callable[[], None]) -> None:
    """Show what happens: a live table on a terminal, else a line for each event. Until Ctrl-C or *seconds* are over.

    Others tell by themselves what they do: it is private, or no matter of the *wall*.
    """
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    with ExitStack() as stack:
        live = stack.enter_context(Live(auto_refresh=False)) if sys.stdout.isatty() else None
        while (now := time.monotonic()) < end:
            check()
            for line in _news(wall, watcher, min(_REFRESH_S, end - now)):
                if live is None:
                    print(line, flush=True)
            for line in _told(told):
                print(line, flush=True) if live is None else live.console.print(line, highlight=False, markup=False)
            if live is not None:
                live.update(wall.draw(time.monotonic()), refresh=True)


def _news(wall: Wall, watcher: Watcher, patience_s: float) -> Iterator[str]:
    """Let the wall hear all that came, waiting for the first a moment; yield the lines to print."""
    try:
        message = watcher.heard.get(timeout=patience_s)
        while True:
            line = wall.hear(*message, time.monotonic())
            if line is not None:
                yield line
            message = watcher.heard.get_nowait()
    except queue.Empty:
        return


def _told(told: Sequence[Lines]) -> Iterator[str]:
    """Yield what was told since the last time."""
    for lines in told:
        while not lines.empty():
            yield lines.get()


def play(port: int, seconds: float | None, wall: Wall) -> tuple[Sequence[Chatter], Hall]:
    """Run the whole demo; clean up whatever happens; return the speakers and the hall. Raises ServerError."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="talkstick-demo-")))
        models = {each.language: str(_MODELS / each.language) for each in SPEAKERS.values()}
        server = Server(data, port, {"voice_models": json.dumps(models)})
        print("Making the accounts and starting the server ...", flush=True)
        logins = server.provision(people(), boards())
        for name, speaker in SPEAKERS.items():
            if speaker.language != "en":
                server.run("voice", "set", name, f"language={speaker.language}")
        check = stack.enter_context(server.serving())
        server.run("trigger", "apply", str(hall.SETUP))
        watcher = stack.enter_context(Watcher(logins[WATCHER]))
        talks, house = chatters(logins), Hall(logins)
        for actor in (*actors(logins), *talks, *house.actors):
            stack.enter_context(actor)
        print(how_to_poke(logins[GUEST]), flush=True)
        show(wall, watcher, [house.lines, *(chatter.lines for chatter in talks)], seconds, check)
        return talks, house


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(*_: object) -> None:
    """Begin to clean up, and let nothing interrupt that."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@click.command()
@click.option("--port", default=18830, show_default=True, help="MQTT on 127.0.0.1; WebSocket is on the next port.")
@click.option("--for", "seconds", type=float, help="End after so many seconds; fails if a device completed nothing.")
def main(port: int, seconds: float | None) -> None:
    """Three devices, two speakers, a hall and four people. Stays up to be poked, until Ctrl-C."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    wall = Wall()
    played: tuple[Sequence[Chatter], Hall] | None = None
    try:
        played = play(port, seconds, wall)
    except KeyboardInterrupt:
        pass
    except ServerError as error:
        raise click.ClickException(str(error)) from error
    print(wall.summary())
    if played is None:
        return
    talks, house = played
    if not all(wall.completed[device] for device in DEVICES):
        raise click.ClickException("not every device completed a session")
    if not all(any(turn.code is None for turn in chatter.over) for chatter in talks):
        raise click.ClickException("not every speaker answered")
    if complaint := house.complaint(wall.profiles):
        raise click.ClickException(complaint)


if __name__ == "__main__":
    main()
