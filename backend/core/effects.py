"""What a machine may ask of the world. An effect is data; the shell performs it after the commit."""

from dataclasses import dataclass

from backend.core.messages import Message, Reply


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish *body*; ``None`` is the empty payload that clears a retained topic."""

    topic: str
    body: Message | None
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Which request is being answered: where it came from, where the answer goes, and its id (None: not repeatable).

    ``ignored``: what was said in it in vain.
    """

    topic: str
    reply_topic: str
    id: str | None
    ignored: tuple[str, ...] = ()

    def noted(self, body: Reply) -> Reply:
        """Return an answer that tells what was ignored, if anything was."""
        return body.model_copy(update={"ignored": self.ignored}) if self.ignored else body


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a request. Remembered by the engine, so that a repeated request gets the same answer."""

    asked: Asked
    body: Reply


@dataclass(frozen=True, slots=True)
class Record:
    """Add to an archive, with the changes of this commit: what is kept, but never read back into memory."""

    what: object


@dataclass(frozen=True, slots=True)
class Consult:
    """Answer a request from an archive, after the commit.

    ``once``: that changes what is stored, so the answer is stored with it, and a repeated request changes no more.
    """

    asked: Asked
    query: object
    once: bool = False


@dataclass(frozen=True, slots=True)
class Perform:
    """Ask the shell to do something that takes longer than a step, after the commit. It tells by a fact what came."""

    what: object
