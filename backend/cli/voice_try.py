"""``talkstick voice try``: saying something to a device, by hand, in place of its microphone."""

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import click

from backend.cli import mqtt, names
from backend.cli.context import Context, as_option, json_option, pass_context, printable, show
from backend.cli.users import existing
from backend.core.access import MAX_PAYLOAD
from backend.core.principals import Role
from backend.core.refusals import Code, Refused
from backend.features.voice.frames import Codec, Flag, Frame, framed
from backend.features.voice.messages import AUDIO, CONVERSATION, REPLY, REQUEST, SPEECH, UTTERANCE
from backend.features.voice.settings import settings_of
from backend.shell.accounts import AccountError
from backend.shell.operator import Login
from backend.shell.voice import pcm, saving
from backend.shell.voice.audition import AuditionError, WorkerError, audition
from backend.shell.voice.utterance import whole
from backend.shell.voice.worker import Voice

_MOST_S = 120.0
_FRAME_S = 0.02
_LOOKS, _LOOK_S = 4, 0.3
_PAUSE_S = 0.3  # before and after what is said, as of one who presses a button


@click.command("try")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--text", metavar="WORDS", help="What espeak-ng says to it instead, in the device's language.")
@click.option("--device", type=names.DEVICE, required=True, help="Whose turn it is.")
@click.option("--stream/--whole", default=True, help="Frame by frame, as fast as it sounds; or in one piece.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Where the answer goes: a WAV file.")
@as_option
@json_option
@pass_context
def try_(
    context: Context,
    file: Path | None,
    text: str | None,
    device: str,
    stream: bool,
    save: Path | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Say what is in FILE (WAV, MP3 or Ogg), or --text, to a device; show what is understood and answered.

    The device says the answer, too. Only admins may speak in its place.
    """
    if (file is None) == (text is None):
        raise click.UsageError("say either a FILE or --text WORDS")
    existing(context, device, device=True)
    login = _admin(context, name)
    audio = _audio(context, device, file, text or "")
    if not stream and len(saving.wav(audio)) > MAX_PAYLOAD:
        longest = MAX_PAYLOAD / pcm.SECOND
        why = f"in one piece at most {longest:.0f} s can be sent; leave out --whole"
        raise click.ClickException(f"{file or '--text'}: {why}")
    turn = _Turn(quiet=as_json)
    mqtt.run(context, _say(context, login, device, audio, turn, stream=stream))
    if save is not None and turn.codec is not None:
        save.write_bytes(saving.wav(asyncio.run(saving.decoded(bytes(turn.speech), turn.codec))))
    if as_json:
        show(turn.record(), as_json=True, text=str)
    if turn.code is not None:
        raise SystemExit(1)


def _audio(context: Context, device: str, file: Path | None, text: str) -> bytes:
    """Return what is to be said: the file, or else the text."""
    try:
        recording = file.read_bytes() if file is not None else asyncio.run(_recorded(context, device, text))
        return asyncio.run(whole(recording, _MOST_S))
    except (OSError, Refused, AuditionError, WorkerError) as error:
        raise click.ClickException(f"{file or '--text'}: {getattr(error, 'message', error)}") from error


async def _recorded(context: Context, device: str, text: str) -> bytes:
    """Return a WAV of somebody who says *text* in the language of a device. Raises AuditionError, WorkerError."""
    speech = await audition(Voice(settings_of(context.voices.of(device)).language), text)
    pause = bytes(round(_PAUSE_S * speech.rate) * pcm.WIDTH)
    return saving.wav(pause + speech.pcm + pause, speech.rate)


def _admin(context: Context, name: str | None) -> Login:
    """Return an admin's login: the broker tells nobody that it refused what somebody else sent."""
    login = context.login(name)
    try:
        if context.accounts.get(login.user).role is Role.ADMIN:
            return login
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    raise click.ClickException(f"{login.user} is no admin; only admins may speak in place of a device")


@dataclass(slots=True)
class _Turn:
    """What comes of it. Times by the clock of the event loop, in seconds."""

    quiet: bool
    number: int | None = None
    ended_at: float | None = None
    events: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    after_ms: dict[str, float] = field(default_factory=dict)
    codec: Codec | None = None
    speech: bytearray = field(default_factory=bytearray)
    is_spoken: bool = False
    news: int = 0

    @property
    def code(self) -> str | None:
        return self.events.get("error", {}).get("code")

    @property
    def is_over(self) -> bool:
        return self.code is not None or (self.is_spoken and "spoken" in self.events)

    def told(self, body: Mapping[str, Any]) -> None:
        """Take an event, if it is of this turn."""
        if self.number is None and body.get("code") != Code.SUPERSEDED:  # that is of what the device was in before
            self.number = body["turn"]
        if body["turn"] != self.number:
            return
        self.news += 1
        self.events[body["event"]] = body
        words = ", ".join(
            str(body[key]) for key in ("code", "message", "text", "position") if body.get(key) is not None
        )
        self._note(body["event"], words)

    def heard(self, number: int, frame: Frame) -> None:
        """Take a frame of the answer, if it is of this turn."""
        if number != self.number:
            return
        self.news += 1
        if frame.payload and not self.speech:
            self._note("audio", f"the first of it, {frame.codec.name}")
        self.codec = frame.codec
        self.speech += frame.payload
        self.is_spoken = self.is_spoken or Flag.END in frame.flags

    def record(self) -> dict[str, Any]:
        """Return what may be printed as JSON."""
        texts = {event: self.events.get(event, {}).get("text") for event in ("final", "answer")}
        return {"turn": self.number, "heard": texts["final"], "answer": texts["answer"], "code": self.code} | {
            "after_ms": self.after_ms
        }

    def _note(self, what: str, words: str) -> None:
        now = asyncio.get_running_loop().time()
        after = "" if self.ended_at is None else f"{(now - self.ended_at) * 1000:+.0f} ms"
        if self.ended_at is not None:
            self.after_ms.setdefault(what, round((now - self.ended_at) * 1000, 1))
        if not self.quiet:
            click.echo(f"{after:>9}  {what:8} {printable(words)}")


async def _say(context: Context, login: Login, device: str, audio: bytes, turn: _Turn, *, stream: bool) -> None:
    prefix = context.settings.prefix
    async with mqtt.connected(context, login) as client:
        for topic in (CONVERSATION.at(device=device), REPLY.at(device=device, principal=login.user)):
            await client.subscribe(prefix + topic, qos=1)
        await client.subscribe(prefix + SPEECH.bound(device=device))
        if stream:
            turn.number = await _next_number(client, prefix + REQUEST.at(device=device, principal=login.user))
        listening = asyncio.create_task(_listen(client, prefix, turn))
        try:
            if stream:
                await _stream(client, prefix + AUDIO.at(device=device, turn=str(turn.number)), audio)
            else:
                await client.publish(prefix + UTTERANCE.at(device=device), saving.wav(audio), qos=1)
            turn.ended_at = asyncio.get_running_loop().time()
            await _patiently(listening, turn)
        finally:
            listening.cancel()


async def _patiently(listening: "asyncio.Task[None]", turn: _Turn) -> None:
    """Wait for the end, but not for long where there is no news any more. Raises MqttError."""
    while not listening.done():
        known = turn.news
        await asyncio.wait([listening], timeout=mqtt.ANSWER_WITHIN_S)
        if known == turn.news and not listening.done():
            raise click.ClickException("nothing comes back; is voice on? See `talkstick doctor`")
    await listening


async def _next_number(client: aiomqtt.Client, topic: str) -> int:
    """Return the number of the next turn, by the last one since the device booted."""
    for _ in range(_LOOKS):
        body = await _last_turn(client, topic)
        if body["code"] != Code.UNKNOWN_DEVICE:  # else it was just added, and the server looks twice a second
            break
        await asyncio.sleep(_LOOK_S)
    if not body["ok"]:
        raise click.ClickException(printable(f"{body['code']}: {body.get('message', '')}"))
    return 1 + int(body["turn"])


async def _last_turn(client: aiomqtt.Client, topic: str) -> Mapping[str, Any]:
    request = secrets.token_hex(8)
    await client.publish(topic, json.dumps({"id": request, "action": "history", "limit": 1}), qos=1)
    async with asyncio.timeout(mqtt.ANSWER_WITHIN_S):
        async for message in client.messages:
            body = mqtt.body_of(message) if "/reply/" in str(message.topic) else {}
            if body.get("id") == request:
                return body
    raise aiomqtt.MqttError("the connection ended")


async def _listen(client: aiomqtt.Client, prefix: str, turn: _Turn) -> None:
    async for message in client.messages:
        topic = str(message.topic).removeprefix(prefix)
        if (found := SPEECH.match(topic)) is not None and isinstance(message.payload, bytes):
            turn.heard(int(found["turn"]), Frame.read(message.payload))
        elif CONVERSATION.match(topic) is not None:
            turn.told(mqtt.body_of(message))
        if turn.is_over:
            return
    raise aiomqtt.MqttError("the connection ended")


async def _stream(client: aiomqtt.Client, topic: str, audio: bytes) -> None:
    size = int(_FRAME_S * pcm.SECOND)
    frames = framed([audio[at : at + size] for at in range(0, len(audio), size)], Codec.PCM16_16K)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for frame in frames:
        await asyncio.sleep(start + (frame.seq + 1) * _FRAME_S - loop.time())
        await client.publish(topic, frame.wire())
