"""What is known of each device that converses, and who may ask for what. How a turn goes is up to the shell."""

from dataclasses import replace

from backend.core.clock import iso
from backend.core.desk import Effect, Known
from backend.core.effects import Perform, Publish, Record
from backend.core.facts import (
    Announced,
    BrokerReached,
    DeviceBooted,
    DeviceDeclared,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    FloorChanged,
    PhraseMade,
    PublishRefused,
    TurnBegun,
    TurnEnded,
)
from backend.core.floors import id_of, is_channel
from backend.core.refusals import EXPLAINED, Code
from backend.features.voice.messages import AUDIO, CONVERSATION, UTTERANCE, TurnFailed
from backend.features.voice.requests import ConversationAsked, announced, answer
from backend.features.voice.settings import settings_of
from backend.features.voice.state import (
    DEFAULTS,
    ConversationErased,
    HushOrdered,
    Interrupted,
    LastTurn,
    Silenced,
    Talker,
)

EVENTS = (
    ConversationAsked,
    Announced,
    BrokerReached,
    TurnBegun,
    TurnEnded,
    PhraseMade,
    DirectoryChanged,
    FloorChanged,
    DeviceBooted,
    DeviceDeclared,
    DeviceLost,
    DeviceOnline,
    PublishRefused,
)


def keys(event: object, known: Known) -> list[str]:
    """Return the devices that an event concerns."""
    match event:
        case BrokerReached():
            return list(known)
        case DirectoryChanged(devices=devices):
            return sorted(devices.union(known))
        case FloorChanged(floor=floor):
            return [] if is_channel(floor) else [id_of(floor)]
        case PublishRefused(topic=topic, principal=device):  # what others try is no business of the board
            levels = UTTERANCE.match(topic) or AUDIO.match(topic) or {}
            return [device] if levels.get("device") == device and device in known else []
        case _:
            return [event.device]  # type: ignore[attr-defined]


def step(talker: Talker, event: object, now: float) -> tuple[Talker, list[Effect]]:
    """Apply *event*."""
    match event:
        case ConversationAsked():
            return answer(talker, event)
        case Announced():
            return announced(talker, event)
        case TurnBegun() | TurnEnded() | PhraseMade():
            return _kept(talker, event)
        case DirectoryChanged():
            return _directory_changed(talker, event)
        case PublishRefused(code=code):
            return talker, [_unheard(talker, code, now)]
        case _:
            return _learned(talker, event)


def _learned(talker: Talker, event: object) -> tuple[Talker, list[Effect]]:
    """Take note of how a device is. What began under other circumstances goes on no longer."""
    match event:
        case DeviceDeclared(audio=ability):
            return replace(talker, ability=ability), []
        case DeviceBooted(boot=boot):
            return replace(talker, boot=boot), []
        case DeviceLost() | DeviceOnline():
            return replace(talker, is_gone=isinstance(event, DeviceLost)), []
        case BrokerReached():
            return _cut_off(talker)
        case FloorChanged(holder=holder):
            lost = talker.settings.heard == "holder" and talker.holder not in (None, holder)
            return replace(talker, holder=holder), [_silenced(talker, Code.NOT_IN_USE)] if lost else []
        case _:
            return talker, []


def _unheard(talker: Talker, code: Code, now: float) -> Publish:
    """Tell that the broker did not pass audio on; nobody else would."""
    body = TurnFailed(turn=talker.turn, at=iso(now), code=code.value, message=EXPLAINED[code])
    return Publish(CONVERSATION.at(device=talker.device), body)


def _silenced(talker: Talker, code: Code) -> Perform:
    return Perform(Silenced(talker.device, code))


def _kept(talker: Talker, event: TurnBegun | TurnEnded | PhraseMade) -> tuple[Talker, list[Effect]]:
    """Remember what was said; of a device that was removed meanwhile, nothing."""
    if not talker.provisioned:
        return talker, []
    match event:
        case TurnBegun(turn=turn, boot=boot) if boot == talker.boot and turn >= talker.turn:
            return replace(talker, last=LastTurn(boot, turn, is_over=False), interrupted=False), []
        case TurnBegun():
            return talker, []
        case TurnEnded(turn=turn, boot=boot) if boot == talker.boot and turn >= talker.turn:
            talker = replace(talker, last=LastTurn(boot, turn))
    return talker, [Record(event)] if isinstance(event, PhraseMade) or event.remembered else []


def _cut_off(talker: Talker) -> tuple[Talker, list[Effect]]:
    """A turn that the server died in is over. Nobody but a board that is still at the same boot waits for its end."""
    if not talker.interrupted or talker.last is None:
        return talker, []
    over = replace(talker, last=replace(talker.last, is_over=True), interrupted=False)
    is_waited_for = talker.provisioned and talker.last.boot == talker.boot
    return over, [Perform(Interrupted(talker.device, talker.last.turn))] if is_waited_for else []


def _directory_changed(talker: Talker, directory: DirectoryChanged) -> tuple[Talker, list[Effect]]:
    """Learn the settings. A device that is gone leaves nothing to one that gets its name, nor an owner to the next."""
    device = talker.device
    if device in directory.devices:
        own = directory.voices.get(device)
        settings = DEFAULTS if own is None else settings_of(own)
        is_off_now = talker.settings.enabled and not settings.enabled
        owner = directory.owners.get(device)
        after = replace(talker, provisioned=True, owner=owner, settings=settings)
        effects = [*_erased(device), Perform(HushOrdered(device))] if talker.owner not in (None, owner) else []
        return after, [*effects, _silenced(talker, Code.VOICE_OFF)] if is_off_now else effects
    return Talker(device), _erased(device, is_gone=True) if talker.provisioned else []


def _erased(device: str, *, is_gone: bool = False) -> list[Effect]:
    """Forget a conversation, also what was said after it was erased by whoever changed the directory."""
    erased = ConversationErased(device, is_gone)
    return [Record(erased), Perform(erased)]
