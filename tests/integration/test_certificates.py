"""Certificates: what is made is what strict clients accept, and what cannot be served is named."""

import ssl
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.verification import PolicyBuilder, Store

from backend.shell import certificates, settings
from backend.shell.authority import Authority, Made, host_name, host_names
from backend.shell.certificates import CertificateError, Tls, checked, load, load_key
from backend.shell.settings import Settings

NOW = 1_800_000_000.0
DAY = 24 * 3600
NAMES = ["scale.lab", "localhost", "10.0.0.7"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "data" / "certs")
    made.establish(NOW)
    return made


@pytest.fixture
def server(authority: Authority) -> Made:
    return authority.server(NAMES, 100, NOW)


def shake_hands(server: Tls, ca: Path, name: str, client: Made | None = None) -> dict[str, object]:
    """Let a strict client meet a server, as OpenSSL does it now; return what the server knows of the client."""
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=server.client_ca)
    theirs.load_cert_chain(server.certificate, server.key)
    theirs.verify_mode = ssl.CERT_REQUIRED if server.client_ca else ssl.CERT_NONE
    ours = ssl.create_default_context(cafile=ca)
    ours.verify_flags |= ssl.VERIFY_X509_STRICT
    if client is not None:
        ours.load_cert_chain(client.certificate, client.key)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = theirs.wrap_bio(to_server, to_client, server_side=True)
    client_side = ours.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (client_side, server_side):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return dict(server_side.getpeercert() or {})


def common_name(peer: dict[str, object]) -> object:
    subject = peer["subject"]
    assert isinstance(subject, tuple)
    return dict(pair for part in subject for pair in part)["commonName"]


@pytest.fixture
def today(tmp_path: Path) -> Callable[[str], tuple[Authority, Made]]:
    """Authorities whose certificates are valid now, since a handshake looks at the real clock."""

    def make(folder: str) -> tuple[Authority, Made]:
        now = datetime.now(UTC).timestamp()
        authority = Authority(tmp_path / folder)
        ca = authority.establish(now)
        authority.server(NAMES, 1, now)
        return authority, ca

    return make


def test_the_chain_holds_for_each_name(server: Made) -> None:
    ca = load(server.certificate.with_name("ca.pem"))
    policy = PolicyBuilder().store(Store([ca]))
    for when, good in ((NOW - 3599, True), (NOW + 99 * DAY, True), (NOW - 3601, False), (NOW + 101 * DAY, False)):
        verifier = policy.time(datetime.fromtimestamp(when, UTC)).build_server_verifier(x509.DNSName("scale.lab"))
        if good:
            assert len(verifier.verify(load(server.certificate), [])) == 2
        else:
            with pytest.raises(x509.verification.VerificationError):
                verifier.verify(load(server.certificate), [])
    assert certificates.read(server.certificate).names == tuple(NAMES)


def test_no_certificate_outlives_its_authority(authority: Authority, tmp_path: Path) -> None:
    ca = certificates.read(tmp_path / "data" / "certs" / "ca.pem")
    late = ca.not_after - 10 * DAY
    assert certificates.read(authority.server(NAMES, 100, late).certificate).not_after == ca.not_after
    with pytest.raises(CertificateError, match="expired"):
        authority.server(NAMES, 100, ca.not_after, renew=True)


@pytest.mark.parametrize("name", ["scale.lab", "localhost", "10.0.0.7"])
def test_a_client_that_knows_the_authority_knows_the_server(
    today: Callable[[str], tuple[Authority, Made]], tmp_path: Path, name: str
) -> None:
    _, ca = today("ours")
    own = Tls(tmp_path / "ours" / "server.pem", tmp_path / "ours" / "server.key")
    assert shake_hands(own, ca.certificate, name) == {}


def test_a_client_notices_another_authority_and_another_name(
    today: Callable[[str], tuple[Authority, Made]], tmp_path: Path
) -> None:
    _, ours = today("ours")
    _, theirs = today("theirs")
    own = Tls(tmp_path / "ours" / "server.pem", tmp_path / "ours" / "server.key")
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        shake_hands(own, theirs.certificate, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(own, ours.certificate, "elsewhere.lab")


def test_the_server_knows_a_client_by_its_certificate(
    today: Callable[[str], tuple[Authority, Made]], tmp_path: Path
) -> None:
    ours, ca = today("ours")
    others, _ = today("theirs")
    now = datetime.now(UTC).timestamp()
    demanding = Tls(tmp_path / "ours" / "server.pem", tmp_path / "ours" / "server.key", ca.certificate)
    board = ours.client("scale-1", tmp_path / "board", 1, now)
    assert common_name(shake_hands(demanding, ca.certificate, "localhost", board)) == "scale-1"
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shake_hands(demanding, ca.certificate, "localhost")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake_hands(demanding, ca.certificate, "localhost", others.client("scale-1", tmp_path / "forged", 1, now))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):  # it is no identity of an account
        shake_hands(demanding, ca.certificate, "localhost", Made(demanding.certificate, demanding.key, made=False))


def test_files_are_for_their_owner_only_and_stay(authority: Authority, server: Made) -> None:
    folder = server.key.parent
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) & 0o077 for file in folder.glob("*.key")} == {
        "ca.key": 0,
        "server.key": 0,
    }
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert not authority.establish(NOW).made
    assert not authority.server(["other.lab"], 100, NOW).made
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before

    assert authority.server(["other.lab"], 100, NOW, renew=True).made
    after = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"server.pem", "server.key"}
    assert set(certificates.read(server.certificate).names) == {"other.lab", *NAMES}


def test_a_certificate_of_a_client_is_not_overwritten_by_mistake(authority: Authority, tmp_path: Path) -> None:
    first = authority.client("ca", tmp_path / "data" / "certs", 1, NOW)
    kept = first.certificate.read_bytes()
    with pytest.raises(CertificateError, match="--renew"):
        authority.client("ca", tmp_path / "data" / "certs", 1, NOW)
    assert first.certificate.read_bytes() == kept
    authority.client("ca", tmp_path / "data" / "certs", 1, NOW, renew=True)
    assert first.certificate.read_bytes() != kept
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600


def test_an_authority_without_its_key_signs_nothing(authority: Authority, tmp_path: Path) -> None:
    key = tmp_path / "data" / "certs" / "ca.key"
    aside = key.rename(tmp_path / "ca.key")
    assert not authority.establish(NOW).made
    with pytest.raises(CertificateError, match=r"cannot read the key .*ca\.key"):
        authority.server(NAMES, 1, NOW)
    Authority(tmp_path / "other").establish(NOW)
    (tmp_path / "other" / "ca.key").rename(key)
    with pytest.raises(CertificateError, match=r"ca\.key is not the key of"):
        authority.server(NAMES, 1, NOW)
    aside.rename(key)
    assert authority.server(NAMES, 1, NOW).made


def test_names_of_hosts() -> None:
    assert host_name("Scale.LAB") == "scale.lab"
    assert host_name("*.lab") == "*.lab"
    assert host_name("10.0.0.7") == "10.0.0.7"
    assert host_name("FE80::0001") == "fe80::1"
    assert host_name("bücher.lab") == "xn--bcher-kva.lab"
    for wrong in ("", "a b", "-a", "a..b", "a/b", "lab.", "a\n", "ü" * 80):
        with pytest.raises(ValueError, match="neither a host name nor an address"):
            host_name(wrong)
    names = host_names("10.0.0.7", ["localhost", "scale.lab"])
    assert {"localhost", "127.0.0.1", "10.0.0.7", "scale.lab"} <= set(names)
    assert len(set(names)) == len(names)


def configured(tmp_path: Path, **values: object) -> Settings:
    return Settings.model_validate({"data": tmp_path / "data", **values})


def test_what_is_served(tmp_path: Path) -> None:
    own = tmp_path / "data" / "certs"
    assert certificates.tls(configured(tmp_path)) is None
    with pytest.raises(CertificateError, match="talkstick certs init"):
        certificates.tls(configured(tmp_path, tls_client_ca="certs/ca.pem"))
    authority = Authority(own)
    authority.establish(NOW)
    authority.server(NAMES, 1, NOW)
    assert certificates.tls(configured(tmp_path)) == Tls(own / "server.pem", own / "server.key")
    assert certificates.tls(configured(tmp_path, tls_port=0, wss_port=0)) is None
    assert certificates.tls(configured(tmp_path, tls_port=0)) is not None
    files = {"tls_certificate": "a.pem", "tls_key": "/b.key", "tls_client_ca": "certs/ca.pem"}
    assert certificates.tls(configured(tmp_path, **files)) == Tls(
        tmp_path / "data" / "a.pem", Path("/b.key"), own / "ca.pem"
    )
    for half in ("tls_certificate", "tls_key"):
        with pytest.raises(CertificateError, match="belong together"):
            certificates.tls(configured(tmp_path, **{half: "a.pem"}))


def test_what_is_good_passes(server: Made) -> None:
    files = Tls(server.certificate, server.key, server.certificate.with_name("ca.pem"))
    assert checked(files, NOW) is files
    assert checked(None, NOW) is None


def encrypt(key: Path) -> None:
    secret = BestAvailableEncryption(b"secret")
    key.write_bytes(load_key(key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))


SPOILT: dict[str, Callable[[Tls], object]] = {
    "cannot read the certificate": lambda files: files.certificate.unlink(),
    "no certificate in PEM form": lambda files: files.certificate.write_bytes(b"\xff\x00"),
    "cannot read the key": lambda files: files.key.unlink(),
    "no private key in PEM form": lambda files: files.key.write_text("-----BEGIN PRIVATE KEY-----\nxx\n"),
    "is encrypted": lambda files: encrypt(files.key),
    "is not that of": lambda files: files.key.write_bytes(files.key.with_name("ca.key").read_bytes()),
    r"cannot read the certificate .*clients\.pem": lambda files: files.certificate.with_name("clients.pem").unlink(),
    r"clients\.pem is no certificate": lambda files: files.certificate.with_name("clients.pem").write_text("{}"),
}


@pytest.mark.parametrize("complaint", SPOILT)
def test_what_cannot_be_served_is_named(server: Made, complaint: str) -> None:
    client_ca = server.certificate.with_name("clients.pem")
    client_ca.write_bytes(server.certificate.with_name("ca.pem").read_bytes())
    files = Tls(server.certificate, server.key, client_ca)
    checked(files, NOW)
    SPOILT[complaint](files)
    with pytest.raises(settings.SettingsError, match=complaint):
        checked(files, NOW)


def test_what_has_expired_is_named(server: Made) -> None:
    files = Tls(server.certificate, server.key)
    assert certificates.read(files.certificate).days_left(NOW + 99.5 * DAY) == 0
    checked(files, NOW + 99.5 * DAY)
    assert certificates.read(files.certificate).days_left(NOW + 100.5 * DAY) == -1
    with pytest.raises(CertificateError, match="has expired; renew it"):
        checked(files, NOW + 100.5 * DAY)
