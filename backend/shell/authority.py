"""Makes certificates: an authority of this house's own, and what it signs.

Keys are on the curve P-256, which every ESP32 can verify quickly. What is made begins an hour ago and names its issuer
by key, so that a board whose clock is a little behind, or a client that is strict about RFC 5280, takes it.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from backend.shell.certificates import CA, CA_KEY, SERVER, SERVER_KEY, CertificateError, load, load_key, read

SERVER_DAYS = 825  # the most that Apple's clients accept of an authority that a user added
CLIENT_DAYS = 3650
_CA_DAYS = 20 * 365
_SLACK = timedelta(hours=1)
_COMMON_NAME = 64  # characters, RFC 5280's limit
_HOST = re.compile(
    r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate and its key, and whether they were *made* now or found."""

    certificate: Path
    key: Path
    made: bool


def host_names(address: str, more: Iterable[str] = ()) -> list[str]:
    """Return what clients may call this machine, which has this *address*, without repetitions."""
    host = socket.gethostname().lower()
    short = host.split(".")[0]
    own = [host, short, f"{short}.local"] if _HOST.fullmatch(host) else []
    return list(dict.fromkeys([*own, "localhost", "127.0.0.1", address, *more]))


def host_name(text: str) -> str:
    """Return a host name or an address in the form certificates use. Raises ValueError."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(text))
    name = text.lower()
    with suppress(UnicodeError):
        name = name if name.isascii() else name.encode("idna").decode()
    if not _HOST.fullmatch(name):
        raise ValueError(f"{text!r} is neither a host name nor an address")
    return name


class Authority:
    """The authority whose certificate and key are in one folder."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def establish(self, now: float) -> Made:
        """Make the authority where there is none. Raises CertificateError where its key was taken away."""
        files = self._directory / CA, self._directory / CA_KEY
        if files[0].exists():
            return Made(*files, made=False)
        for directory in (self._directory.parent, self._directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = generate_private_key(SECP256R1())
        subject = _name(f"Talkstick authority of {socket.gethostname()}"[:_COMMON_NAME])
        begins = _moment(now)
        made = (
            _builder(subject, subject, key, key, begins, begins + timedelta(days=_CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(*files, made, key)
        return Made(*files, made=True)

    def server(self, names: Iterable[str], days: int, now: float, *, renew: bool = False) -> Made:
        """Make the server's certificate where there is none, or anew: then it keeps the names that the last one had.

        Raises CertificateError.
        """
        files = self._directory / SERVER, self._directory / SERVER_KEY
        if all(file.exists() for file in files) and not renew:
            return Made(*files, made=False)
        kept = read(files[0]).names if files[0].exists() else ()
        alternatives = x509.SubjectAlternativeName([_general(name) for name in dict.fromkeys([*names, *kept])])
        self._sign(files, "Talkstick server", ExtendedKeyUsageOID.SERVER_AUTH, days, now, alternatives)
        return Made(*files, made=True)

    def client(self, name: str, into: Path, days: int, now: float, *, renew: bool = False) -> Made:
        """Make a certificate that names an account. Raises CertificateError, also where it would overwrite one."""
        files = into / f"client-{name}.pem", into / f"client-{name}.key"
        if not renew and (there := next((file for file in files if file.exists()), None)) is not None:
            raise CertificateError(f"{there} exists; --renew replaces it")
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sign(files, name, ExtendedKeyUsageOID.CLIENT_AUTH, days, now)
        return Made(*files, made=True)

    def _sign(
        self,
        files: tuple[Path, Path],
        subject: str,
        purpose: x509.ObjectIdentifier,
        days: int,
        now: float,
        *more: x509.ExtensionType,
    ) -> None:
        if not (self._directory / CA).exists():
            raise CertificateError("there is no authority yet: `talkstick certs init`")
        issuer, issuer_key = load(self._directory / CA), load_key(self._directory / CA_KEY)
        if not isinstance(issuer_key, EllipticCurvePrivateKey) or issuer_key.public_key() != issuer.public_key():
            raise CertificateError(f"{self._directory / CA_KEY} is not the key of {self._directory / CA}")
        begins, ends = _moment(now), issuer.not_valid_after_utc
        if ends <= begins + _SLACK:
            raise CertificateError(f"the authority {self._directory / CA} has expired; move it away, and begin anew")
        key = generate_private_key(SECP256R1())
        builder = _builder(
            _name(subject), issuer.subject, key, issuer_key, begins, min(ends, begins + timedelta(days=days))
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        for extension in (x509.ExtendedKeyUsage([purpose]), *more):
            builder = builder.add_extension(extension, critical=False)
        _write(*files, builder.sign(issuer_key, hashes.SHA256()), key)


def _moment(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    issuer_key: EllipticCurvePrivateKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begins - _SLACK)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issued_by, critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(certificate_file: Path, key_file: Path, certificate: x509.Certificate, key: EllipticCurvePrivateKey) -> None:
    """Write the key, then its certificate: who finds a certificate finds its key. Each whole or not at all."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for file, content, mode in (
        (key_file, pem, 0o600),
        (certificate_file, certificate.public_bytes(Encoding.PEM), 0o644),
    ):
        new = file.with_name(f"{file.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode), "wb") as out:
            out.write(content)
        new.rename(file)
