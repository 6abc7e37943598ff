"""What all boards need to know, whoever they are: where the broker is."""

from typing import Any

import click

from backend.cli.context import Context, own_address
from backend.shell import certificates

host_option = click.option("--host", help="The address boards shall connect to. [default: this machine's]")


def broker(context: Context, host: str | None) -> dict[str, Any]:
    """Return where boards connect to: host, port, and those of TLS, if there is TLS."""
    if context.broker is None:
        host = host or own_address(context.settings.host)
        return {"host": host, "port": context.settings.port, "tls": _tls(context)}
    where, _login = context.broker
    host = host or own_address("" if where.is_local else where.host)
    tls = {"port": where.port, "ca": str(where.ca) if where.ca else None} if where.tls else None
    return {"host": host, "port": where.port, "tls": tls}


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
