"""What the intents of an operator do: answer, claim, send a command."""

from backend.shell.voice.asking import Thing
from backend.shell.voice.deeds import Turn, claimed, commanded
from backend.shell.voice.sentence_files import Intent
from backend.shell.voice.wording import fill, fill_all


async def custom_intent(turn: Turn, intent: Intent, thing: Thing | None) -> str:
    """Do what an operator's intent says and return the answer; *thing* is the device that was named, if any."""
    values = dict(turn.meaning.slots)
    if turn.meaning.devices:
        values["device"] = thing.id if thing else ""
    refused = await _deed(turn, intent, values)
    if refused is not None:
        return refused
    if thing is not None:
        values |= {"device": thing.name, "holder": thing.holder_name or ""}
    own = turn.book.answer(turn.meaning.intent, turn.meaning.case, **values)
    return own or (fill(intent.response, values) if intent.response else turn.book.answer("Done"))


async def _deed(turn: Turn, intent: Intent, values: dict[str, object]) -> str | None:
    """Claim, or send the command; return why that did not work, if so."""
    target = intent.command.device if intent.command else intent.claim
    if target is None:
        return None
    device = fill(target, values)
    thing = turn.world.thing(device)
    if thing is None:
        return turn.book.error("unknown_device", device=device)
    if intent.command is None:
        return await claimed(turn, thing)
    body = {key: fill_all(value, values) for key, value in intent.command.body.items()}
    return await commanded(turn, thing, fill(intent.command.name, values), body)
