"""Certificates in PEM files: what is in them, and which of them the server shows to those who come over TLS."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from backend.shell.settings import Settings, SettingsError

FOLDER = "certs"
CA, CA_KEY, SERVER, SERVER_KEY = "ca.pem", "ca.key", "server.pem", "server.key"
DAY_S = 24 * 3600
_KNOCK_S = 2.0

_RENEW = "renew it (if it is Talkstick's own: `talkstick certs init --renew`)"


class CertificateError(SettingsError):
    """A certificate or a key cannot be used; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The PEM files that the server needs. With a *client_ca* clients must show a certificate of it."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """What may be shown of a certificate. Times in seconds since the epoch."""

    file: Path
    subject: str
    names: tuple[str, ...]
    """The host names and addresses that a client may call it by."""
    fingerprint: str
    """SHA-256 of the whole certificate, as browsers and openssl show it."""
    not_before: float
    not_after: float

    def is_for(self, host: str) -> bool:
        """Tell whether a client that calls the server *host*, in lower case, will take it."""
        names = [name.lower() for name in self.names]
        return host in names or "*." + host.partition(".")[2] in names

    def days_left(self, now: float) -> int:
        """Return how many whole days it is still good for; negative where it has expired."""
        return int((self.not_after - now) // DAY_S)


def folder(settings: Settings) -> Path:
    """Return where the certificates are that Talkstick made itself."""
    return settings.data / FOLDER


def tls(settings: Settings) -> Tls | None:
    """Return the files to serve TLS with; None where no port is for TLS, or nobody made a certificate yet."""
    if not settings.tls_port and not settings.wss_port:
        return None
    client_ca = settings.data / settings.tls_client_ca.expanduser() if settings.tls_client_ca else None
    match settings.tls_certificate, settings.tls_key:
        case None, None:
            own = Tls(folder(settings) / SERVER, folder(settings) / SERVER_KEY, client_ca)
            if own.certificate.exists():
                return own
            if client_ca is not None:
                raise CertificateError("tls_client_ca needs a certificate of the server: `talkstick certs init`")
            return None
        case Path() as certificate, Path() as key:
            return Tls(settings.data / certificate.expanduser(), settings.data / key.expanduser(), client_ca)
        case _:
            raise CertificateError("tls_certificate and tls_key belong together: set both, or none")


def checked(files: Tls | None, now: float) -> Tls | None:
    """Return the files as they are, once they were found to be good. Raises CertificateError."""
    if files is None:
        return None
    certificate = read(files.certificate)
    if certificate.not_after < now:
        raise CertificateError(f"the certificate {files.certificate} has expired; {_RENEW}")
    if load(files.certificate).public_key() != load_key(files.key).public_key():
        raise CertificateError(f"the key {files.key} is not that of {files.certificate}; {_RENEW}")
    if files.client_ca is not None and read(files.client_ca).not_after < now:
        raise CertificateError(f"the authority of clients {files.client_ca} has expired")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)
    except ssl.SSLError as error:
        raise CertificateError(f"OpenSSL refuses {files.certificate}: {error}") from error
    return files


def is_shown(settings: Settings, file: Path) -> bool:
    """Tell whether a client of the server sees this certificate; or nobody can say: it does not run, or is too busy."""
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 - compared, not bound
    try:
        socket.create_connection((settings.reachable_host, settings.port), _KNOCK_S).close()
    except OSError:
        return True
    try:
        shown = ssl.get_server_certificate((host, settings.tls_port or settings.wss_port), timeout=_KNOCK_S)
    except (ssl.SSLError, TimeoutError):
        return True
    except OSError:
        return False
    return x509.load_pem_x509_certificate(shown.encode()) == load(file)


def read(file: Path) -> Certificate:
    """Read the first certificate of a file, to show it. Raises CertificateError."""
    found = load(file)
    return Certificate(
        file,
        found.subject.rfc4514_string(),
        names(found),
        found.fingerprint(hashes.SHA256()).hex(":").upper(),
        found.not_valid_before_utc.timestamp(),
        found.not_valid_after_utc.timestamp(),
    )


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses of a certificate."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *found.get_values_for_type(x509.DNSName),
        *(str(address) for address in found.get_values_for_type(x509.IPAddress)),
    )


def load(file: Path) -> x509.Certificate:
    """Read the first certificate of a file, to work with it. Raises CertificateError."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())[0]
    except OSError as error:
        raise CertificateError(f"cannot read the certificate {file}: {error.strerror}") from error
    except ValueError as error:
        raise CertificateError(f"{file} is no certificate in PEM form: {error}") from error


def load_key(file: Path) -> PrivateKeyTypes:
    """Read a private key. Raises CertificateError."""
    try:
        return load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise CertificateError(f"cannot read the key {file}: {error.strerror}") from error
    except TypeError as error:
        raise CertificateError(f"the key {file} is encrypted; the server has nobody to ask for its password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{file} is no private key in PEM form: {error}") from error
