"""Does one action of a profile: whatever its owner could do, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_json

from backend.core.access import Rulebook
from backend.core.engine import Send
from backend.core.ids import is_id
from backend.core.principals import Principal
from backend.core.refusals import Code, Refused
from backend.core.topics import Tree
from backend.features.sessions.feature import COMMAND
from backend.features.triggers.actions import (
    AnyAction,
    CommandAction,
    PublishAction,
    SessionAction,
    SpeakAction,
    WaitAction,
    WebhookAction,
)
from backend.features.triggers.state import Context
from backend.features.triggers.templates import filled, filled_json
from backend.features.voice.messages import REPLY, REQUEST
from backend.shell.automation.claiming import Claiming, Hold, Wish, put_off
from backend.shell.automation.webhooks import Call, Webhooks
from backend.shell.deeds import Deeds, Requests

_TALK = Requests(REQUEST, REPLY)
_TALK_LATER = (Code.RATE_LIMITED, Code.NOT_STORED, Code.TOO_MANY)
_MARGIN_S = 30.0
_WORD = 64  # characters


@dataclass(slots=True)
class Belongings:
    """What a run holds until it is over, by device, and how each is given back."""

    holds: dict[str, tuple[Hold, AsyncExitStack]] = field(default_factory=dict)

    async def give_back(self, *devices: str) -> None:
        """Give these devices back; none named: all."""
        for device in devices or tuple(self.holds):
            held = self.holds.pop(device, None)
            if held is not None:
                await held[1].aclose()


@dataclass(frozen=True, slots=True)
class Actor:
    """In whose name a run acts, what its templates see, and what it holds."""

    who: Principal
    context: Context
    belongings: Belongings

    def values(self, now: float) -> dict[str, Any]:
        """Return what templates see, at this time."""
        shown = {each.name: getattr(self.context, each.name) for each in fields(Context)}
        return {**shown, "started_at": _local(self.context.started_at), "now": _local(now)}

    def wish(self, device: str, type_: str | None, wait_s: float, given: JsonValue = None) -> Wish:
        """Return what a run wants of a device."""
        context = self.context
        kind = type_ or context.profile_name or context.profile
        data = given if isinstance(given, dict) else {}
        return Wish(device, self.who.name, context.session[:_WORD], kind[:_WORD], wait_s, data)


def _advised(code: Code, who: Principal) -> str:
    """Return why something may not be published, and what can be done about it."""
    return f"{code}; see `talkstick user topics {who.name}`" if code is Code.UNKNOWN_TOPIC else code


def _local(moment: float) -> datetime:
    return datetime.fromtimestamp(moment).astimezone()


@dataclass(frozen=True, slots=True)
class Means:
    """By what things are done: the rules, the engine, the link, the network. ``now`` is the clock."""

    rules: Rulebook
    tree: Tree
    deeds: Deeds
    claiming: Claiming
    webhooks: Webhooks
    send: Callable[[Send], Awaitable[None]]
    now: Callable[[], float]


class Acting:
    """Does actions. Raises Refused where one cannot be done; nothing takes longer than it may."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def act(self, action: AnyAction, actor: Actor) -> None:
        """Do one action. Raises Refused."""
        try:
            async with asyncio.timeout(_patience(action) + _MARGIN_S):
                await self._act(action, actor, _Texts(actor.values(self._means.now())))
        except TimeoutError:
            raise Refused(Code.TIMED_OUT, f"{action.do} took longer than it may") from None

    async def _act(self, action: AnyAction, actor: Actor, texts: "_Texts") -> None:
        match action:
            case PublishAction():
                await self._publish(action, actor, texts)
            case CommandAction():
                await self._command(action, actor, texts)
            case SessionAction():
                await self._session(action, actor, texts)
            case SpeakAction():
                await self._speak(action, actor, texts)
            case WebhookAction():
                await self._webhook(action, texts)
            case WaitAction():
                await asyncio.sleep(action.seconds)

    # Messages

    async def _publish(self, action: PublishAction, actor: Actor, texts: "_Texts") -> None:
        topic, payload = texts.of(action.topic), texts.payload(action.body)
        code = self._judge(actor.who, topic, retain=action.retain, size=len(payload))
        if code is not None:
            raise Refused(code, f"{actor.who.name} may not publish this to {topic[:200]}: {_advised(code, actor.who)}")
        await self._means.send(Send(topic, payload, action.retain))

    def _judge(self, who: Principal, topic: str, *, retain: bool, size: int) -> Code | None:
        if not topic or any(sign in topic for sign in "+#\0"):
            return Code.UNKNOWN_TOPIC
        verdict = self._means.rules.publish(who, self._means.tree.on_wire(topic), retain=retain, size=size)
        return Code.FORBIDDEN if verdict.guard is not None else verdict.code

    async def _webhook(self, action: WebhookAction, texts: "_Texts") -> None:
        headers = {name: texts.of(value) for name, value in action.headers.items()}
        body = texts.payload(action.body) if action.body is not None else None
        if body is not None and not isinstance(action.body, str) and not _has(headers, "content-type"):
            headers["Content-Type"] = "application/json"
        call = Call(action.method, texts.of(action.url), headers, body, action.timeout_s, action.retries)
        await self._means.webhooks.call(call)

    # Devices

    async def _speak(self, action: SpeakAction, actor: Actor, texts: "_Texts") -> None:
        device = _device(texts.of(action.device))
        body = {"action": "say", "text": texts.of(action.text), "language": action.language}
        try:
            async with asyncio.timeout(action.wait_s):
                await self._said(device, actor.who.name, body)
        except TimeoutError:
            raise Refused(Code.TIMED_OUT, f"{device} did not begin to speak within {action.wait_s:g} s") from None

    async def _said(self, device: str, who: str, body: Mapping[str, object]) -> None:
        while True:
            with self._means.deeds.asking(_TALK, body, device=device, principal=who) as question:
                reply = await question.reply()
            if reply["ok"]:
                return
            await put_off(reply, _TALK_LATER)

    async def _session(self, action: SessionAction, actor: Actor, texts: "_Texts") -> None:
        device, given = texts.of(action.device), texts.json(action.input)
        mine = await self._mine(device, actor)
        if mine is not None:
            self._means.claiming.check(mine)
            return
        wish = actor.wish(device, action.type, action.wait_s, given)
        async with AsyncExitStack() as stack:
            hold = await stack.enter_async_context(self._means.claiming.held(wish))
            actor.belongings.holds[device] = hold, stack.pop_all()

    async def _command(self, action: CommandAction, actor: Actor, texts: "_Texts") -> None:
        device, name, body = texts.of(action.device), texts.of(action.name), texts.json(action.body)
        if not is_id(name):
            raise Refused(Code.BAD_ID, f"{name[:80]!r} is no command")
        async with self._using(actor.wish(device, None, action.wait_s), actor) as hold:
            if action.result_s:
                await self._means.claiming.work_anew(hold)
            self._means.claiming.check(hold)
            keys = body if isinstance(body, dict) else {}
            payload = json.dumps({**keys, "fence": hold.fence}).encode()
            await self._means.send(Send(COMMAND.at(device=device, name=name), payload))
            if action.result_s:
                await self._completed(hold, action.result_s)

    async def _completed(self, hold: Hold, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._means.claiming.completed(hold)
        except TimeoutError:
            message = f"{hold.wish.device} did not report within {within_s:g} s that the work is done"
            raise Refused(Code.TIMED_OUT, message) from None

    @asynccontextmanager
    async def _using(self, wish: Wish, actor: Actor) -> AsyncIterator[Hold]:
        """Use what the run holds already, or hold a device for the time of the block. Raises Refused."""
        mine = await self._mine(wish.device, actor)
        if mine is not None:
            yield mine
            return
        async with self._means.claiming.held(wish) as hold:
            yield hold

    async def _mine(self, device: str, actor: Actor) -> Hold | None:
        """Return the device as the run holds it; a session whose work is done is over, and no longer held."""
        mine = actor.belongings.holds.get(device)
        if mine is None:
            return None
        if self._means.claiming.is_over(mine[0]):
            await actor.belongings.give_back(device)
            return None
        return mine[0]


@dataclass(frozen=True, slots=True)
class _Texts:
    """Fills in templates. All raise Refused: ``bad_template``."""

    values: dict[str, Any]

    def of(self, template: str) -> str:
        return filled(template, self.values)

    def json(self, body: JsonValue) -> JsonValue:
        return filled_json(body, self.values)

    def payload(self, body: JsonValue) -> bytes:
        """Return a body as bytes: a text as it is, anything else as JSON."""
        return self.of(body).encode() if isinstance(body, str) else to_json(self.json(body))


def _device(name: str) -> str:
    if not is_id(name):
        raise Refused(Code.BAD_ID, f"{name[:80]!r} is no device")
    return name


def _has(headers: dict[str, str], name: str) -> bool:
    return any(each.lower() == name for each in headers)


def _patience(action: AnyAction) -> float:
    """Return how many seconds an action may take, as it says itself."""
    match action:
        case CommandAction():
            return action.wait_s + action.result_s
        case SessionAction() | SpeakAction():
            return action.wait_s
        case WebhookAction():
            pauses = sum(max(2.0**attempt, 30.0) for attempt in range(action.retries))
            return action.timeout_s * (action.retries + 1) + pauses
        case WaitAction():
            return action.seconds
        case _:
            return 0.0
