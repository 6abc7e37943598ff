"""What an operator may set: in ``talkstick.toml`` of the data directory, or as ``TALKSTICK_…`` in the environment."""

import os
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

Port = Annotated[int, Field(ge=1, le=65535)]

DEFAULT_DATA = Path("~/.talkstick")
FILE = "talkstick.toml"


class SettingsError(Exception):
    """A setting is wrong; the message says which, and why."""


class Settings(BaseSettings):
    """All settings. Times in seconds. An environment variable wins over the file."""

    model_config = SettingsConfigDict(env_prefix="TALKSTICK_", extra="forbid", frozen=True)

    data: Path = Field(default=DEFAULT_DATA, description="Where accounts, sessions and secrets live.")
    host: str = Field(default="0.0.0.0", description="The IPv4 address to listen on.")  # noqa: S104 - boards must reach it
    port: Port = Field(default=1883, description="MQTT over TCP.")
    ws_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=9001, description="MQTT over WebSocket; 0 switches it off."
    )
    prefix: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9_/-]*/)?$",
        description="Puts the whole topic tree elsewhere: `lab1/` makes `lab1/devices/…`.",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="How much is logged; refusals are INFO."
    )

    lease_s: PositiveFloat = Field(default=60.0, description="How long a session lasts without renewal.")
    max_lease_s: PositiveFloat = Field(default=3600.0, description="The longest lease one may ask for.")
    max_length_s: PositiveFloat = Field(default=4 * 3600.0, description="How long a session lasts at most.")
    idle_s: PositiveFloat = Field(default=600.0, description="How long nothing may happen in a renewed session.")
    linger_s: PositiveFloat = Field(default=10.0, description="How long a completed session still shows its result.")
    restart_grace_s: PositiveFloat = Field(default=15.0, description="How long a holder has to renew after a restart.")
    max_queue: PositiveInt = Field(default=32, description="How many may wait for a device.")
    debounce_s: PositiveFloat = Field(default=2.0, description="How long a last will is doubted.")
    heartbeat_s: PositiveFloat = Field(default=120.0, description="After how much silence a device is lost.")
    stats_s: PositiveFloat = Field(default=5.0, description="How often the counters are published at most.")

    @property
    def reachable_host(self) -> str:
        """Where this machine reaches the server."""
        return "127.0.0.1" if self.host == "0.0.0.0" else self.host  # noqa: S104 - compared, not bound

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
    directory = (data or Path(os.environ.get("TALKSTICK_DATA", DEFAULT_DATA))).expanduser().absolute()

    class OfDirectory(Settings):
        model_config = SettingsConfigDict(toml_file=directory / FILE)

    try:
        return OfDirectory(data=directory)
    except ValidationError as error:
        wrong = "; ".join(_explained(each["loc"], each["type"], each["msg"]) for each in error.errors())
        raise SettingsError(f"{wrong} (from {directory / FILE}, or the environment)") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{directory / FILE}: {error}") from error


def _explained(where: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(map(str, where))
    return f"there is no setting {name!r}" if kind == "extra_forbidden" else f"{name}: {message}"
