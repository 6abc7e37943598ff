"""Where a broker is that is not embedded, and how the server logs in there: ``mqtt://user:password@host:port``."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from backend.shell.operator import Login

FILE = "broker.url"

_PORTS = {"mqtt": 1883, "mqtts": 8883}


class AddressError(Exception):
    """A broker's URL cannot be used; the message says why, and does not repeat its password."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to connect to; with *tls*, the server must show a certificate of *ca* (or of the system's)."""

    host: str
    port: int
    tls: bool = False
    ca: Path | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Tell whether only this machine reaches it."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def context(self) -> ssl.SSLContext | None:
        """Return how to speak TLS there; None: in the clear. Raises AddressError."""
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise AddressError(f"cannot read the certificates in {self.ca}: {error}") from error


def parsed(url: str, ca: Path | None = None) -> tuple[Address, Login]:
    """Return where a URL leads, and how to log in there. Raises AddressError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressError(f"the broker's URL cannot be read: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise AddressError("the broker's URL must look like mqtt://user:password@host:port, or mqtts://…")
    if not parts.username or not parts.password:
        raise AddressError("the broker's URL needs the server's login: mqtt://user:password@host:port")
    where = Address(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "mqtts", ca)
    return where, Login(unquote(parts.username), unquote(parts.password))


def remember(directory: Path, url: str | None) -> None:
    """Keep the URL that the server uses for the commands of this data directory; None: it has a broker of its own."""
    file = directory / FILE
    if url is None:
        file.unlink(missing_ok=True)
        return
    new = file.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(url + "\n")
    new.rename(file)


def remembered(directory: Path) -> str | None:
    """Return the URL that the server of a data directory used last; None: it had a broker of its own."""
    try:
        return (directory / FILE).read_text().strip() or None
    except OSError:
        return None
