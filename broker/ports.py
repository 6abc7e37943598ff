"""The questions the broker asks of whoever embeds it. It knows no more of the backend than this."""

from pathlib import Path
from typing import Protocol


class Judgement(Protocol):
    """The answer to a publisher.

    Without a ``code`` and a ``guard`` the message passes. A ``code`` refuses it. A ``guard`` is the topic of a retained
    session document: only its holder may publish, with its fence.
    """

    @property
    def code(self) -> str | None: ...  # noqa: D102
    @property
    def guard(self) -> str | None: ...  # noqa: D102


class Tls(Protocol):
    """PEM files. With a ``client_ca``, a client must show a certificate that it signed."""

    @property
    def certificate(self) -> Path: ...  # noqa: D102
    @property
    def key(self) -> Path: ...  # noqa: D102
    @property
    def client_ca(self) -> Path | None: ...  # noqa: D102


class Door(Protocol):
    """Who may come in, and do what."""

    async def authenticate(self, name: str, secret: str) -> bool | None:
        """Tell whether this is the secret of that account; None: that cannot be told at the moment."""

    async def vouched(self, name: str) -> bool | None:
        """Tell whether that account, named by a verified client certificate, may come in without a secret.

        None: that cannot be told at the moment.
        """

    def judge(self, name: str, topic: str, *, retain: bool, size: int) -> Judgement:
        """Judge a publish, or a last will, of *size* bytes."""

    def may_subscribe(self, name: str, topic_filter: str) -> bool:
        """Tell whether the account may subscribe."""

    def may_receive(self, name: str, topic: str) -> bool:
        """Tell whether a message may be delivered to the account."""

    def refused(self, name: str, topic: str, code: str) -> None:
        """Hear that a publish was refused."""
