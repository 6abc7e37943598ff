"""``talkstick certs …``: certificates for MQTT over TLS."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from backend.cli import names
from backend.cli.context import Context, json_option, own_address, pass_context, show, text_of
from backend.core.clock import iso
from backend.shell import certificates
from backend.shell.accounts import AccountError
from backend.shell.authority import CLIENT_DAYS, SERVER_DAYS, Authority, Made, host_name, host_names
from backend.shell.certificates import CA, CertificateError

T = TypeVar("T")


def _days_option(default: int) -> Callable[[Callable[..., T]], Callable[..., T]]:
    return click.option(
        "--days", type=click.IntRange(1, 7300), default=default, show_default=True, help="How long it is valid."
    )


def _host_names(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(map(host_name, values))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("init")
@click.option(
    "--name",
    "more",
    metavar="HOSTNAME",
    multiple=True,
    callback=_host_names,
    help="Another name or address by which clients reach this server; may be repeated.",
)
@_days_option(SERVER_DAYS)
@click.option("--renew", is_flag=True, help="Make a new certificate of the server; the authority stays.")
@json_option
@pass_context
def init(context: Context, more: tuple[str, ...], days: int, renew: bool, as_json: bool) -> None:
    """Make an authority and the server's certificate. Harmless to repeat."""
    authority = Authority(certificates.folder(context.settings))
    wanted = host_names(own_address(context.settings.host), more)
    try:
        ca = authority.establish(context.now())
        server = authority.server(wanted, days, context.now(), renew=renew or ca.made)
        records = {"authority": _made(context, ca), "server": _made(context, server)}
    except (CertificateError, OSError) as error:
        raise click.ClickException(str(error)) from error
    missing = [name for name in wanted if name not in records["server"]["names"]]
    record = {**records, "missing_names": missing}
    show(record, as_json=as_json, text=lambda: _init_text(context, record))


@click.command("show")
@json_option
@pass_context
def show_(context: Context, as_json: bool) -> None:
    """Show the certificates that are in use."""
    try:
        files = certificates.tls(context.settings)
        authority = certificates.folder(context.settings) / CA
        found = {
            "authority": authority if authority.exists() else None,
            "server": files.certificate if files else None,
            "authority of clients": files.client_ca if files else None,
        }
        records = [{"what": what, **_record(context, file)} for what, file in found.items() if file is not None]
    except CertificateError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(records))
    else:
        click.echo("\n".join(map(_text, records)) or "No certificates yet: talkstick certs init")


@click.command("client")
@click.argument("name", type=names.ACCOUNT)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to put it. [default: certs in the data directory]",
)
@_days_option(CLIENT_DAYS)
@click.option("--renew", is_flag=True, help="Replace the one that is there.")
@json_option
@pass_context
def client(context: Context, name: str, out: Path | None, days: int, renew: bool, as_json: bool) -> None:
    """Make a certificate that stands for a password.

    It opens the account NAME until it expires or the account is removed; a new password does not void it.
    """
    folder = certificates.folder(context.settings)
    try:
        context.accounts.get(name)
        made = Authority(folder).client(name, out or folder, days, context.now(), renew=renew)
        record = {"user": name, **_made(context, made), "ca": str(folder / CA)}
    except (AccountError, CertificateError, OSError) as error:
        raise click.ClickException(str(error)) from error
    show(record, as_json=as_json, text=lambda: _client_text(context, record))


def _made(context: Context, files: Made) -> dict[str, Any]:
    return {**_record(context, files.certificate), "key": str(files.key), "made": files.made}


def _record(context: Context, file: Path) -> dict[str, Any]:
    found = certificates.read(file)
    return {
        "file": str(file),
        "subject": found.subject,
        "names": list(found.names),
        "fingerprint": found.fingerprint,
        "not_after": iso(found.not_after),
        "days_left": found.days_left(context.now()),
    }


def _init_text(context: Context, record: dict[str, Any]) -> str:
    authority, server = record["authority"], record["server"]
    lines = [
        f"{_done(authority)} the authority {authority['file']}",
        f"{_done(server)} the server's certificate {server['file']}, valid until {server['not_after'][:10]}, for",
        f"  {text_of(server['names'])}",
    ]
    if record["missing_names"]:
        lines.append(f"It does not name {text_of(record['missing_names'])}: `talkstick certs init --renew` mends that.")
    if server["made"]:
        lines.append("A server that runs takes it at its next start.")
    lines += [
        f"Copy {authority['file']} to boards and apps: by it they know your server. It is no secret.",
        f"Keep {authority['key']} to yourself: whoever has it can pretend to be your server.",
    ]
    if context.settings.tls_port:
        where = f"-h localhost -p {context.settings.tls_port} --cafile {authority['file']}"
        lines.append(f"Try:  mosquitto_sub {where} -u NAME -P … -v -t '#'")
    return "\n".join(lines)


def _client_text(context: Context, record: dict[str, Any]) -> str:
    lines = [
        f"Made a certificate of {record['user']}, valid until {record['not_after'][:10]}. Copy to the board:",
        f"  {record['ca']}   the authority, which tells it the server",
        f"  {record['file']}",
        f"  {record['key']}   a secret: whoever has it is {record['user']}",
    ]
    if context.settings.tls_client_ca is None:
        lines.append(f'The server asks for certificates once talkstick.toml says  tls_client_ca = "certs/{CA}"')
    return "\n".join(lines)


def _done(record: dict[str, Any]) -> str:
    return "Made" if record["made"] else "Kept"


def _text(record: dict[str, Any]) -> str:
    lines: Iterable[tuple[str, str]] = (
        ("subject", record["subject"]),
        ("names", text_of(record["names"])),
        ("SHA-256", record["fingerprint"]),
        ("valid until", f"{record['not_after']}, {record['days_left']} days left"),
    )
    return "\n".join([f"{record['what']}: {record['file']}", *(f"  {key:12} {value}" for key, value in lines)])
