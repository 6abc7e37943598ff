"""What people say, and what they hear, and what was done: without any network."""

import asyncio
from datetime import UTC, datetime

import pytest

from backend.shell.voice.asking import Answer, Exchange, Question
from backend.shell.voice.intents import Intents
from tests.unit.shell.voice.world import LIBRARY, NAMES, SmallWorld, ask, converse


@pytest.fixture
def world() -> SmallWorld:
    return SmallWorld()


def says(world: SmallWorld, text: str, language: str = "en", speaker: str | None = "alice") -> str:
    answer = ask(world, text, language=language, speaker=speaker)
    assert answer.understood
    assert answer.by == "intents"
    return answer.text


@pytest.mark.parametrize(
    ("hour", "minute", "english", "spanish"),
    [
        (14, 5, "It is 14:05.", "Son las 14:05."),
        (9, 0, "It is 9 o'clock.", "Son las 9 en punto."),
        (1, 30, "It is 1:30.", "Es la 1:30."),
        (1, 0, "It is 1 o'clock.", "Es la 1 en punto."),
        (0, 0, "It is midnight.", "Es medianoche."),
        (12, 0, "It is noon.", "Es mediodía."),
    ],
)
def test_the_time(world: SmallWorld, hour: int, minute: int, english: str, spanish: str) -> None:
    world.time = datetime(2026, 11, 20, hour, minute, tzinfo=UTC)
    assert says(world, "What time is it?") == english
    assert says(world, "¿Qué hora es, por favor?", "es") == spanish


def test_the_date(world: SmallWorld) -> None:
    assert says(world, "what's the date today") == "Today is Friday, 20 November 2026."
    assert says(world, "que dia es hoy", "es-mx") == "Hoy es viernes, 20 de noviembre de 2026."


def test_who_has_a_device(world: SmallWorld) -> None:
    assert says(world, "who has the printer") == "Nobody has Label printer."
    world.change("printer-1", holder="bob", holder_name="Bob")
    assert says(world, "Who is using the label printer, please?") == "Bob has Label printer."
    assert says(world, "quien tiene la impresora", "es") == "Bob tiene Label printer."
    assert says(world, "who has the printer", speaker="bob") == "You have Label printer."


def test_how_a_device_is(world: SmallWorld) -> None:
    assert says(world, "how is the printer") == "Label printer is free."
    world.change("printer-1", online=False)
    assert says(world, "is the printer in use") == "Label printer is free. It is not connected."
    assert says(world, "estado de la impresora", "es") == "Label printer está libre. No hay conexión."


def test_how_long_the_queue_is(world: SmallWorld) -> None:
    assert says(world, "how long is the queue for the printer") == "Nobody has Label printer, and nobody waits for it."
    world.change("printer-1", holder="bob", holder_name="Bob", eta_s=42.0)
    assert says(world, "who waits for the printer") == (
        "Bob has Label printer. Nobody waits for it. It would be your turn in about 40 seconds."
    )
    world.change("printer-1", waiting=1, next_name="Carol", eta_s=60.0 * 25)
    assert says(world, "who is next for the printer").endswith(
        "Carol waits for it. It would be your turn in about 25 minutes."
    )
    world.change("printer-1", waiting=3, eta_s=3600.0 * 2)
    assert says(world, "cuánto queda para la impresora", "es") == (
        "Bob tiene Label printer. Esperan 3; le toca a Carol. Su turno sería dentro de 2 horas, más o menos."
    )


def test_who_claims_hears_for_how_long(world: SmallWorld) -> None:
    world.change("printer-1", ends_s=600.0)
    assert says(world, "take the printer") == "You have Label printer now, for 10 minutes if it is not used."
    assert says(world, "devuelve la impresora", "es")
    assert says(world, "toma la impresora", "es").endswith("si no se usa, por 10 minutos.")


def test_a_device_is_claimed_and_given_back(world: SmallWorld) -> None:
    assert says(world, "can you take the printer please") == "You have Label printer now."
    assert says(world, "take the printer") == "You have Label printer already."
    assert says(world, "take the printer", speaker="bob") == "Alice has Label printer."
    assert says(world, "free the printer", speaker="bob") == "You do not have Label printer; Alice has it."
    assert says(world, "give the printer back") == "You gave Label printer back."
    assert says(world, "give back the printer") == "Nobody has Label printer."
    assert world.deeds == [("claim", "printer-1", "alice"), ("release", "printer-1", "alice")]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("busy", "Bob has Label printer."),
        ("device_offline", "Label printer is not connected."),
        ("forbidden", "You may not do that."),
        ("rate_limited", "That was too often. Try again in a minute."),
        ("cooling", "Label printer: that is not possible now."),
    ],
)
def test_a_refusal_is_said(world: SmallWorld, code: str, text: str) -> None:
    """Also one that nobody foresaw: Bob was quicker."""
    world.refuses["claim"] = code
    stale, now = world.thing, world.things["printer-1"]
    world.change("printer-1", holder="bob", holder_name="Bob")
    looks = iter([now])
    world.thing = lambda device: next(looks, None) or stale(device)  # type: ignore[method-assign]
    assert says(world, "take the printer") == text


def test_a_switch_is_a_session_of_its_own_where_there_is_none(world: SmallWorld) -> None:
    assert says(world, "turn on the kitchen lamp") == "Kitchen lamp is on."
    assert world.deeds == [
        ("claim", "kitchen-lamp", "alice"),
        ("command", "kitchen-lamp", "alice", "switch", {"on": True}),
        ("release", "kitchen-lamp", "alice"),
    ]


def test_a_switch_within_a_session_leaves_it_alone(world: SmallWorld) -> None:
    world.change("kitchen-lamp", holder="alice", holder_name="Alice")
    assert says(world, "apaga la lámpara de la cocina", "es") == "Apagado: Kitchen lamp."
    assert world.deeds == [("command", "kitchen-lamp", "alice", "switch", {"on": False})]


def test_nobody_switches_what_somebody_else_has(world: SmallWorld) -> None:
    world.change("kitchen-lamp", holder="bob", holder_name="Bob")
    assert says(world, "turn the kitchen lamp off") == "Bob has Kitchen lamp."
    assert world.deeds == []


def test_a_switch_that_fails_gives_the_device_back_all_the_same(world: SmallWorld) -> None:
    world.refuses["command"] = "device_offline"
    assert says(world, "kitchen lamp on") == "Kitchen lamp is not connected."
    assert [deed[0] for deed in world.deeds] == ["claim", "command", "release"]


@pytest.mark.parametrize("text", ["take the printer", "give back the printer", "turn on the kitchen lamp"])
def test_nothing_is_done_for_nobody(world: SmallWorld, text: str) -> None:
    assert says(world, text, speaker=None) == "I do not know who you are, so I may not do that for you."
    assert world.deeds == []


def test_of_several_devices_one_is_asked_for_and_its_name_is_the_answer(world: SmallWorld) -> None:
    which, done = converse(world, "turn on the lamp", "the kitchen")
    assert which.text == "Which one: Kitchen lamp or Lab lamp?"
    assert done == Answer("Kitchen lamp is on.", "intents", "Switch")
    assert converse(world, "enciende la lámpara", "cocina", language="es")[1].text == "Encendido: Kitchen lamp."


def test_a_mere_name_without_a_question_asks_how_the_device_is(world: SmallWorld) -> None:
    assert says(world, "the printer") == "Label printer is free."


def test_of_several_devices_the_one_that_is_held_is_meant_but_for_a_claim(world: SmallWorld) -> None:
    world.change("scale-2", holder="alice", holder_name="Alice")
    assert says(world, "take the scale") == "Which one: Scale 1 or Scale 2?"
    assert says(world, "give back the scale") == "You gave Scale 2 back."


def test_too_many_devices_are_counted() -> None:
    many = SmallWorld({f"lamp-{number}": f"Lamp {number}" for number in range(60)})
    assert says(many, "turn on the lamp") == "There are 60 of them. Which one?"


def test_it_is_what_was_spoken_of_and_else_what_listens(world: SmallWorld) -> None:
    world.change("printer-1", holder="bob", holder_name="Bob")
    assert says(world, "who has it") == "Nobody has Door speaker."
    told = converse(world, "how is the printer", "what time is it", "who has it")
    assert told[-1].text == "Bob has Label printer."
    which = converse(world, "turn on the lamp", "lab", "turn it off")
    assert which[-1].text == "Lab lamp is off."


def test_the_last_answer_is_repeated(world: SmallWorld) -> None:
    assert says(world, "repeat") == "I have said nothing yet."
    history = [Exchange("what", "First."), Exchange("what", "Last.")]
    assert ask(world, "say that again", history=history).text == "Last."
    assert ask(world, "repite otra vez", language="es", history=history).text == "Last."


@pytest.mark.parametrize(
    ("text", "intent"),
    [("stop", "Stop"), ("cancel", "Stop"), ("hello", "Hello"), ("Thank you!", "Thanks"), ("What can you do?", "Help")],
)
def test_small_talk(world: SmallWorld, text: str, intent: str) -> None:
    answer = ask(world, text)
    assert answer.intent == intent
    assert answer.text


@pytest.mark.parametrize(
    "text", ["", "bla", "what time is it in london", "?!", "take", "turn the", "{device}", "x " * 5000, "\x00"]
)
def test_what_is_no_sentence_of_ours_is_not_understood(world: SmallWorld, text: str) -> None:
    answer = ask(world, text)
    assert answer == Answer("I did not understand. Say help to hear what I can do.", "intents", understood=False)


def test_a_device_that_there_is_not_is_said_to_be_unknown(world: SmallWorld) -> None:
    answer = ask(world, "who has the toaster")
    assert answer == Answer("I know no device called toaster.", "intents", "WhoHas", understood=False)
    assert world.deeds == []


def test_a_device_is_known_once_it_is_in_the_directory(world: SmallWorld) -> None:
    async def story() -> list[bool]:
        intents = Intents(LIBRARY, world)
        question = Question("satellite", "how is the toaster", "en")
        before = await intents.answer(question)
        after = SmallWorld({**NAMES, "toaster": "Toaster"})
        world.called, world.things = after.called, after.things
        return [before.understood, (await intents.answer(question)).understood]

    assert asyncio.run(story()) == [False, True]
