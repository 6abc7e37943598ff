"""What all boards need to know, whoever they are: where the broker is."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import InvalidSignature

from backend.cli.context import Context, own_address
from backend.shell import certificates
from backend.shell.address import Address
from backend.shell.authority import host_name
from backend.shell.certificates import CertificateError, Tls
from backend.shell.operator import Login
from backend.shell.settings import FILE, Settings

host_option = click.option("--host", help="The address boards shall connect to. [default: this machine's]")


def broker(context: Context, host: str | None) -> dict[str, Any]:
    """Return where boards connect to: the URI, over TLS if there is TLS; host and port, and the port and CA of TLS."""
    if context.broker is None:
        host, port, tls = host or own_address(context.settings.host), context.settings.port, _tls(context)
    else:
        where, _login = context.broker
        host = host or (_own_address_instead(context, where.host) if where.is_local else where.host)
        tls = {"port": where.port, "ca": str(where.ca) if where.ca else None} if where.tls else None
        port = where.port
    uri = str(Address(host, tls["port"] if tls is not None else port, tls=tls is not None))
    return {"uri": uri, "host": host, "port": port, "tls": tls}


def board_address(context: Context, broker: Mapping[str, Any], *, plain: bool) -> Address:
    """Return where a board shall connect to by itself: over TLS, where the server has it, unless *plain*.

    Warns of what a board cannot find. Raises ValueError where *broker* names no host, and CertificateError where the
    board would not trust the broker, or nobody knows whether it could.
    """
    host, tls = host_name(broker["host"]), broker["tls"]
    if not plain:
        _check_tls(context, host, tls)
    is_secure = tls is not None and not plain
    is_ours = context.broker is None or context.broker[0].is_local
    _warn(host, context.settings.plain_host if is_ours and not is_secure else None)
    if tls is not None and is_secure:
        return Address(host, tls["port"], tls=True, ca=Path(tls["ca"]) if tls["ca"] else None)
    if tls is not None and tls["port"] == broker["port"]:
        raise click.ClickException("as far as the settings say, the broker listens with TLS only: do without --plain")
    return Address(host, broker["port"])


def _own_address_instead(context: Context, local: str) -> str:
    """Return the address of this machine, where the server reaches its broker in a way that boards cannot."""
    host = own_address(context.settings.host)
    if host != local:
        click.echo(f"The broker is at {local} for the server, and at {host} for boards; else say --host.", err=True)
    return host


def _check_tls(context: Context, host: str, tls: Mapping[str, Any] | None) -> None:
    """Insist that the board will take the broker's certificate, and that the broker does not ask for the board's."""
    files = certificates.tls(context.settings)
    if context.broker is None:
        files = certificates.checked(files, context.now())
    if files is None or not _is_used(context, files, tls):
        return
    if files.client_ca is not None:
        raise CertificateError("over TLS the server asks for certificates of boards, which an image has not: --plain")
    if not certificates.read(files.certificate).is_for(host):
        raise CertificateError(
            f"the server's certificate is not for {host}, so the board would not trust it: choose --host, or "
            f"`talkstick certs init --name {host} --renew`"
        )


def _is_used(context: Context, files: Tls, tls: Mapping[str, Any] | None) -> bool:
    """Tell whether boards see the certificate of *files*. Raises CertificateError where that cannot be told."""
    if context.broker is None:
        return tls is not None
    if tls is None and context.settings.tls_port:
        raise CertificateError(_untold(context.settings, files, *context.broker))
    if tls is None or tls["ca"] is None:
        return False
    try:
        certificates.load(files.certificate).verify_directly_issued_by(certificates.load(Path(tls["ca"])))
    except (InvalidSignature, TypeError, ValueError):
        return False  # the broker has one of somebody else, which we do not know
    return True


def _untold(settings: Settings, files: Tls, where: Address, login: Login) -> str:
    """Say how to tell that the broker, which the server reaches without TLS, has TLS for boards."""
    host = settings.host if where.is_local and settings.host != "0.0.0.0" else where.host  # noqa: S104 - compared
    secure = str(Address(host, settings.tls_port, tls=True)).replace("://", f"://{login.user}:…@")
    own = files.certificate.parent == certificates.folder(settings)
    authority = f"{certificates.FOLDER}/{certificates.CA}" if own else "…"
    return (
        f"there are certificates, but the server reaches its broker without TLS ({where}), so the board's secret would "
        f'travel in clear. Say broker = "{secure}" and broker_ca = "{authority}" in {FILE}, if the broker '
        "listens there (`talkstick export mosquitto` writes it so); or --plain"
    )


def _warn(host: str, plain_host: str | None) -> None:
    """Warn of an address at which a board finds nobody; *plain_host* where it comes without TLS."""
    if _is_own(host):
        wrong = f"no board finds the broker at {host}, which is the board itself"
    elif host.endswith(".local"):
        wrong = f"boards do not resolve .local names such as {host}"
    elif plain_host and _is_own(plain_host):
        click.echo("Warning: no board finds the broker without TLS, as long as `plain_host` keeps it here", err=True)
        return
    else:
        return
    click.echo(f"Warning: {wrong}: --host ADDRESS, and `host` in {FILE} must let it listen there", err=True)


def _is_own(host: str) -> bool:
    """Tell whether *host* is whoever asks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _tls(context: Context) -> dict[str, Any] | None:
    try:
        files = certificates.tls(context.settings)
    except certificates.CertificateError:
        return None  # doctor tells; the secret above is shown only now
    if files is None or not context.settings.tls_port:
        return None
    own = files.certificate.parent == certificates.folder(context.settings)
    return {"port": context.settings.tls_port, "ca": str(files.certificate.with_name(certificates.CA)) if own else None}


def broker_lines(host: str, port: int, tls: dict[str, Any] | None) -> list[str]:
    """Return the same for people."""
    lines = [f"  broker      mqtt://{host}:{port}   (MQTT 3.1.1)"] if tls is None or tls["port"] != port else []
    if tls is not None:
        authority = f"   (its authority: {tls['ca']})" if tls["ca"] else ""
        lines.append(f"  with TLS    mqtts://{host}:{tls['port']}{authority}")
    return lines
