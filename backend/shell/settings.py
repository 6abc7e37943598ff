"""What an operator may set: in ``talkstick.toml`` of the data directory, or as ``TALKSTICK_…`` in the environment."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as UnreadableError

from backend.core.access import MAX_PAYLOAD
from backend.core.conversations import Bounds
from backend.core.liveness import Limits
from backend.features.sessions.policy import Limits as Quotas
from backend.features.sessions.policy import Policy
from backend.shell.directory import DEFAULT, data_directory

Port = Annotated[int, Field(ge=1, le=65535)]
OptionalPort = Annotated[int, Field(ge=0, le=65535)]

_POLICY, _PRESENCE, _QUOTAS, _BOUNDS = Policy(), Limits(), Quotas(), Bounds()
_TOPIC = 1024  # bytes: more than the longest topic that anybody may publish to, and the rest of its packet's header

FILE = "talkstick.toml"
PREFIX = "TALKSTICK_"  # of their names in the environment


class SettingsError(Exception):
    """A setting is wrong; the message says which, and why."""


class Settings(BaseSettings):
    """All settings. Times in seconds. An environment variable wins over the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path = Field(default=DEFAULT, description="Where accounts, sessions and secrets live.")
    host: str = Field(default="0.0.0.0", description="The IPv4 address to listen on.")  # noqa: S104 - boards must reach it
    port: Port = Field(default=1883, description="MQTT over TCP.")
    ws_port: OptionalPort = Field(default=9001, description="MQTT over WebSocket; 0 switches it off.")
    broker: str = Field(
        default="",
        pattern="^(mqtts?://.+)?$",
        description="A Mosquitto instead of the embedded broker: `mqtt://user:password@host:port`, or `mqtts://…`.",
    )
    broker_ca: Path | None = Field(
        default=None, description="The authority of a `mqtts` broker, PEM; else those that the system trusts."
    )
    plain_host: str = Field(
        default="",
        description="Where MQTT without TLS listens, if not on `host`: `127.0.0.1` leaves TLS to all others.",
    )
    tls_port: OptionalPort = Field(
        default=8883, description="MQTT over TLS, where there is a certificate; 0 switches it off."
    )
    wss_port: OptionalPort = Field(default=9443, description="MQTT over WebSocket over TLS, likewise.")
    tls_certificate: Path | None = Field(
        default=None, description="The server's certificate, PEM; else the one that `talkstick certs init` made."
    )
    tls_key: Path | None = Field(default=None, description="The key of `tls_certificate`, PEM, not encrypted.")
    tls_client_ca: Path | None = Field(
        default=None,
        description="Who comes over TLS must show a certificate of this authority, PEM; it stands for the password.",
    )
    prefix: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9_/-]*/)?$",
        description="Puts the whole topic tree elsewhere: `lab1/` makes `lab1/devices/…`.",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="How much is logged; refusals are INFO."
    )

    lease_s: PositiveFloat = Field(default=_POLICY.lease_s, description="How long a session lasts without renewal.")
    max_lease_s: PositiveFloat = Field(default=_POLICY.max_lease_s, description="The longest lease one may ask for.")
    max_length_s: PositiveFloat = Field(default=_POLICY.max_length_s, description="How long a session lasts at most.")
    idle_s: PositiveFloat = Field(
        default=_POLICY.idle_s, description="How long nothing may happen in a renewed session."
    )
    linger_s: PositiveFloat = Field(
        default=_POLICY.linger_s, description="How long a completed session still shows its result."
    )
    restart_grace_s: PositiveFloat = Field(
        default=_POLICY.restart_grace_s, description="How long a holder has to renew after a restart."
    )
    max_queue: PositiveInt = Field(default=_POLICY.max_queue, description="How many may wait for a device.")
    grace_s: NonNegativeFloat = Field(
        default=_POLICY.grace_s, description="How long a holder, or a device, that is lost has to come back."
    )
    cooling_s: NonNegativeFloat = Field(
        default=_POLICY.cooling_s, description="How long nobody gets a device after a session that was lost."
    )
    history_days: PositiveFloat = Field(
        default=90.0, description="How long sessions, and runs of profiles, that are over are remembered."
    )
    conversation_days: PositiveFloat = Field(
        default=_BOUNDS.days, description="How long a conversation is remembered after the last turn."
    )
    conversation_turns: PositiveInt = Field(
        default=_BOUNDS.turns, description="How many turns of a device are remembered word for word."
    )
    phrases: PositiveInt = Field(default=_BOUNDS.phrases, description="How many answers of a device are kept as audio.")
    phrase_bytes: PositiveInt = Field(default=_BOUNDS.phrase_bytes, description="Bytes of audio of all of them.")
    requests_per_minute: PositiveInt = Field(
        default=_QUOTAS.requests_per_minute, description="How much one account may ask."
    )
    claims_per_minute: PositiveInt = Field(
        default=_QUOTAS.claims_per_minute, description="How often one account may claim something."
    )
    waits: PositiveInt = Field(default=_QUOTAS.waits, description="In how many queues one account may wait.")
    debounce_s: PositiveFloat = Field(default=_PRESENCE.debounce_s, description="How long a last will is doubted.")
    heartbeat_s: PositiveFloat = Field(
        default=_PRESENCE.heartbeat_s, description="After how much silence a device is lost."
    )
    trigger_workers: PositiveInt = Field(
        default=100, description="How many runs of profiles do something at once; more wait for their turn."
    )
    stats_s: PositiveFloat = Field(default=5.0, description="How often the counters are published.")
    voice_models: Mapping[str, Path] = Field(
        default={},
        description='Speech models elsewhere than in `voice/<language>` of the data directory: `{ en = "/path" }`.',
    )
    voice_turns: PositiveInt = Field(
        default=8, description="How many utterances are heard at once; more wait, and know their position."
    )
    voice_max_s: PositiveFloat = Field(default=30.0, description="How long an utterance may be.")
    voice_workers: PositiveInt = Field(default=2, description="How many sentences are put into speech at once.")
    sentences: Path | None = Field(
        default=None, description="A folder of YAML files with sentences of your own, that voice shall understand."
    )
    chat_url: str = Field(
        default="",
        pattern="^(https?://.+)?$",
        description="A chat endpoint like OpenAI's, up to `/chat/completions`: `http://127.0.0.1:11434/v1` for Ollama.",
    )
    chat_model: str = Field(default="", description="Which model of the chat endpoint answers.")
    chat_key: SecretStr = Field(default=SecretStr(""), description="The API key of the chat endpoint, if it wants one.")
    chat_timeout_s: PositiveFloat = Field(default=10.0, description="How long the chat endpoint has for an answer.")
    chat_max_tokens: PositiveInt = Field(default=150, description="How long an answer of the chat endpoint may be.")

    max_connections: PositiveInt = Field(default=12_000, description="How many may be connected at once.")
    max_packet: int = Field(
        default=MAX_PAYLOAD + 8 * 1024,
        ge=MAX_PAYLOAD + _TOPIC,
        le=256 * 1024 * 1024,
        description="Bytes of one MQTT packet; a larger one ends the connection.",
    )
    max_queued: PositiveInt = Field(
        default=1000, description="How many messages (QoS 1 and 2) may wait for a client that is away or slow."
    )
    max_inflight: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=20, description="How many messages (QoS 1 and 2) one client may have unacknowledged."
    )
    max_backlog: PositiveInt = Field(
        default=1024 * 1024, description="Bytes that may wait for a client that reads slowly; then QoS 0 is dropped."
    )
    connects_per_s: PositiveInt = Field(default=1000, description="New connections a second from one address.")
    failed_logins: PositiveInt = Field(
        default=10,
        description="Wrong logins a minute to one account from one address; then it is refused unasked for a minute.",
    )
    flapping: PositiveInt = Field(
        default=15, description="Connections a minute of one client; then it is refused for a minute."
    )
    session_expiry_s: PositiveFloat = Field(
        default=7 * 24 * 3600.0, description="How long a client may be away before its persistent session is forgotten."
    )

    @model_validator(mode="after")
    def _backlog_holds_a_packet(self) -> Self:
        if self.max_backlog < self.max_packet:
            raise ValueError(f"max_backlog must hold at least one packet (max_packet is {self.max_packet})")
        return self

    @property
    def policy(self) -> Policy:
        """How a device is shared that has no rules of its own."""
        own = {field.name for field in fields(Policy)} & Settings.model_fields.keys()
        return Policy(**{name: getattr(self, name) for name in own})

    @property
    def quotas(self) -> Quotas:
        """How much one principal may ask."""
        return Quotas(self.requests_per_minute, self.claims_per_minute, self.waits)

    @property
    def bounds(self) -> Bounds:
        """How much is remembered of conversations."""
        return Bounds(self.conversation_days, self.conversation_turns, self.phrases, self.phrase_bytes)

    @property
    def broker_file(self) -> Path | None:
        """Where `broker_ca` is; a relative path begins in the data directory."""
        return self.data / self.broker_ca.expanduser() if self.broker_ca else None

    @property
    def sentences_folder(self) -> Path | None:
        """Where `sentences` is; a relative path begins in the data directory."""
        return self.data / self.sentences.expanduser() if self.sentences else None

    @property
    def reachable_host(self) -> str:
        """Where this machine reaches the server, without TLS."""
        bound = self.plain_host or self.host
        return "127.0.0.1" if bound == "0.0.0.0" else bound  # noqa: S104 - compared, not bound

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the arguments first, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(data: Path | None = None) -> Settings:
    """Read the settings of a data directory (``TALKSTICK_DATA``, or ``~/.talkstick``). Raises SettingsError."""
    directory = data_directory(data)

    class OfDirectory(Settings):
        model_config = SettingsConfigDict(toml_file=directory / FILE)

    try:
        return OfDirectory(data=directory)
    except ValidationError as error:
        wrong = "; ".join(_explained(each["loc"], each["type"], each["msg"]) for each in error.errors())
        raise SettingsError(f"{wrong} (from {directory / FILE}, or the environment)") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{directory / FILE}: {error}") from error
    except UnreadableError as error:  # in the environment, what is no plain text must be JSON
        raise SettingsError(str(error)) from error


def _explained(where: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(map(str, where))
    if not name:  # two settings that do not fit each other
        return message.removeprefix("Value error, ")
    return f"there is no setting {name!r}" if kind == "extra_forbidden" else f"{name}: {message}"
