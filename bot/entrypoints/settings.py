"""Every setting, read once from the environment and from `.env`.

A missing or wrong one is a SettingsError that names it and says where to get it.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from dotenv.parser import parse_stream
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    SecretStr,
    ValidationError,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.core.catalog import DEFAULT_MODEL
from bot.core.errors import BatchError, SettingsError, because
from bot.core.language import Choice, Language, spoken
from bot.core.pricing import PriceBook, parse_prices
from bot.core.said import restored, said, stored
from bot.entrypoints import redaction
from bot.entrypoints.slips import plainly

OPENAI = "https://api.openai.com/v1"

# Lines that it cannot read are told by `remarks`, with the name of the file.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)


def environment() -> Mapping[str, str]:
    """The variables of this process alone, for a workflow: its `.env` is what it checked out."""
    return os.environ


def state_dir() -> Path:
    """The user's folder for state that must survive: the ledger and the spool."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "gptimage"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "gptimage"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gptimage"


def _split(value: object) -> object:
    return (
        tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
    )


def _said(value: object) -> object:
    """The Node tool's switch: on by any word, such as `1` or `yes`, that does not mean no."""
    if isinstance(value, str):
        return value.strip().lower() not in {"", "0", "false", "no", "off", "n", "f"}
    return value


def _address(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("an address begins with https:// or http://")
    return value


def _prices(value: object) -> object:
    """The operator's prices: JSON, or the path of a file that holds it; a line for each fault."""
    if not isinstance(value, str):
        return value
    try:
        text = value if value.lstrip().startswith("{") else Path(value).expanduser().read_text()
        return parse_prices(text)
    except BatchError as error:
        found = [problem.sentence for problem in error.problems]
    except (OSError, ValueError) as error:
        reason = because(error) if isinstance(error, OSError) else said("not UTF-8 text")
        found = [
            said(
                "{file} cannot be read ({why}): give a path, or the JSON itself",
                file=value,
                why=reason,
            )
        ]
    # What pydantic hands on has lost the parts of its sentences, unless they are stored.
    raise PydanticCustomError("prices", "{told}", {"told": "\n".join(map(stored, found))})


def _numbers(value: object) -> object:
    """Ids of accounts: a name would prove nothing."""
    parts = _split(value)
    if isinstance(parts, tuple) and not all(str(part).isdecimal() for part in parts):
        raise ValueError("an id is a number, such as 41898282")
    return parts


def _teams(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[^/\s]+/[^/\s]+", team) for team in value):
        raise ValueError("a team is written org/team")
    return value


Address = Annotated[str, AfterValidator(_address)]
Switch = Annotated[bool, BeforeValidator(_said)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Teams = Annotated[Names, AfterValidator(_teams)]
Numbers = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_numbers)]
Prices = Annotated[InstanceOf[PriceBook], NoDecode, BeforeValidator(_prices)]
Dollars = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=6)]


class Settings(BaseSettings):
    """What the environment says. Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    # OpenAI, as the Node tool has them
    openai_api_key: SecretStr | None = None
    openai_organization: str | None = None
    openai_base_url: Address = OPENAI
    openai_image_output_dir: str | None = None
    openai_image_input_dir: str | None = None
    openai_image_embed_metadata: Switch = True
    openai_image_metadata_level: Literal["minimal", "standard", "full"] = "standard"
    openai_image_thumbnail: bool = False
    openai_image_thumbnail_size: int = Field(128, ge=1, le=512)
    openai_image_thumbnail_quality: int = Field(60, ge=1, le=100)
    openai_batch_max_concurrent: int | None = Field(None, ge=1, le=10)
    openai_batch_timeout: int | None = Field(None, ge=1000, le=3_600_000)
    history_db_path: Path | None = None
    debug: Switch = False

    # GitHub
    github_app_id: int | None = None
    github_private_key: SecretStr | None = None
    github_private_key_path: Path | None = None
    github_webhook_secret: SecretStr | None = None
    github_webhook_secret_previous: SecretStr | None = None
    github_api_url: Address = "https://api.github.com"

    # where things are kept
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    spool_url: SecretStr | None = None

    # ours
    gptimage_data_dir: Path = Field(default_factory=state_dir)
    gptimage_host: str = "127.0.0.1"
    gptimage_public_url: Address | None = None
    gptimage_port: int = Field(8080, ge=0, le=65535)
    gptimage_model: str = DEFAULT_MODEL
    gptimage_min_role: Literal["write", "maintain", "admin"] = "write"
    gptimage_allowed_owners: Names = ()
    gptimage_allowed_users: Names = ()
    gptimage_allowed_teams: Teams = ()
    gptimage_allowed_bots: Numbers = ()
    gptimage_max_cost_per_run: Dollars = Decimal(10)
    gptimage_max_cost_per_person_and_day: Dollars | None = None
    gptimage_max_cost_per_repository_and_day: Dollars | None = None
    gptimage_max_cost_per_installation_and_month: Dollars | None = None
    gptimage_max_cost_per_day: Dollars = Decimal(50)
    gptimage_max_jobs: int = Field(100, ge=1, le=10_000)
    gptimage_prices: Prices = Field(default_factory=PriceBook)
    gptimage_images_per_minute: int | None = Field(None, ge=1)
    gptimage_language: Choice = "en"
    gptimage_charges: Literal["answered", "issued"] = "answered"
    gptimage_destination: Literal["release", "branch", "directory"] = "release"
    gptimage_output_dir: Path | None = None
    gptimage_tag_prefix: str = "gptimage-"
    gptimage_live_seconds: float = Field(10.0, ge=0.1)
    gptimage_write_seconds: float = Field(1.0, ge=0)
    gptimage_keep_days: int | None = Field(None, ge=7, le=36_500)
    gptimage_kill_point: str | None = None  # tests only: "point:hit"

    @property
    def batch_defaults(self) -> Mapping[str, object]:
        """What the environment says for every batch that does not say it itself."""
        said = {
            "model": self.gptimage_model,
            "max_concurrent": self.openai_batch_max_concurrent,
            "timeout": self.openai_batch_timeout,
            "output_dir": self.openai_image_output_dir,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def secrets(self) -> Sequence[str]:
        """Every value that nobody may read in what leaves this process."""
        return [
            secret
            for name, value in self
            if isinstance(value, SecretStr)
            for secret in redaction.within(name, value.get_secret_value())
        ]

    @property
    def at_openai(self) -> bool:
        """Whether the images come from OpenAI itself and not from a compatible server."""
        return "://api.openai.com/" in self.openai_base_url.rstrip("/") + "/"


class _Tongue(BaseSettings):
    """One setting alone: errors in the others are told in its language."""

    model_config = Settings.model_config

    gptimage_language: Choice = "en"


def read(**overrides: object) -> Settings:
    """The settings of this process; raises SettingsError with a line for each wrong one."""
    settings = _read(overrides)
    redaction.learn(settings.secrets)
    return settings


def _read(overrides: Mapping[str, object]) -> Settings:
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # keyword names are field names
    except ValidationError as error:
        raise SettingsError(
            said(
                "{where}: {what}",
                where=".".join(map(str, fault["loc"])).upper(),
                what=plainly(restored(line)),
            )
            for fault in error.errors(include_input=False, include_url=False)
            for line in fault["msg"].splitlines()
        ) from None
    except UnicodeDecodeError as error:
        raise SettingsError([no_text(".env", error)]) from None
    except OSError as error:
        raise SettingsError([unreadable(".env", error)]) from None


def no_text(file: str, error: UnicodeDecodeError) -> str:
    """That a file holds something else."""
    return said("{file}: not UTF-8 text (byte {place})", file=file, place=error.start)


def unreadable(file: str, error: OSError) -> str:
    """That a file cannot be read, and why."""
    return said("{file}: cannot be read ({why})", file=file, why=because(error))


def language() -> Language:
    """The language of this process's words, also where another setting is wrong."""
    try:
        return spoken(_Tongue().gptimage_language)
    except (ValidationError, UnicodeDecodeError, OSError):
        return "en"


def remarks(settings: Settings) -> Sequence[str]:
    """What a person who spends should hear of the `.env` of this folder.

    Others may have put it there, so it is said where the key goes if the file names the address.
    """
    path = Path(".env")
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8") as file:
        lines = list(parse_stream(file))
    odd = [
        said(".env: line {line} is not NAME=VALUE and is left out", line=each.original.line)
        for each in lines
        if each.error
    ]
    without = Settings(_env_file=None)  # whatever its spelling, it made the difference
    if settings.openai_base_url != without.openai_base_url:
        address = settings.openai_base_url
        odd.append(said(".env sets OPENAI_BASE_URL: your key goes to {address}", address=address))
    return odd


_SERVER = {
    "openai_api_key": said("OPENAI_API_KEY is required: create one on the API keys page of OpenAI"),
    "github_app_id": said(
        "GITHUB_APP_ID is required: the App ID on your GitHub App's settings page"
    ),
    "github_webhook_secret": said(
        "GITHUB_WEBHOOK_SECRET is required: the secret that you gave your GitHub App's webhook"
    ),
    "gptimage_allowed_owners": said(
        "GPTIMAGE_ALLOWED_OWNERS is required: the accounts whose installations may spend,"
        " separated by commas"
    ),
}


def for_setup(settings: Settings, *, web_only: bool) -> Settings:
    """The same settings, if nothing but the App is missing; raises SettingsError otherwise."""
    if settings.openai_api_key is None and not web_only:
        raise SettingsError([_SERVER["openai_api_key"]])
    return settings


def for_server(settings: Settings, *, web_only: bool = False) -> Settings:
    """The same settings, if a server can start with them; raises SettingsError otherwise."""
    needed = dict(_SERVER)
    if web_only:
        del needed["openai_api_key"]
    missing = [line for name, line in needed.items() if not getattr(settings, name)]
    if not settings.github_private_key and not settings.github_private_key_path:
        missing.append(
            said(
                "GITHUB_PRIVATE_KEY or GITHUB_PRIVATE_KEY_PATH is required: generate a private key"
                " on your GitHub App's settings page"
            )
        )
    for name in ("github_webhook_secret", "github_webhook_secret_previous"):
        secret = getattr(settings, name)
        if secret is not None and not secret.get_secret_value().strip():
            missing.append(
                said("{name} is empty: an empty secret would let anybody in", name=name.upper())
            )
    if missing:
        raise SettingsError(missing)
    return settings


def private_key(settings: Settings) -> SecretStr:
    """The App's private key, from the variable or from the file that it names."""
    if settings.github_private_key:
        # Environments that cannot hold line breaks write them as \n.
        text = settings.github_private_key.get_secret_value().replace("\\n", "\n")
        return _key(text, "GITHUB_PRIVATE_KEY")
    path = settings.github_private_key_path
    if path is None:
        raise SettingsError([said("GITHUB_PRIVATE_KEY or GITHUB_PRIVATE_KEY_PATH is required")])
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise SettingsError([unreadable(f"GITHUB_PRIVATE_KEY_PATH: {path}", error)]) from None
    return _key(text, "GITHUB_PRIVATE_KEY_PATH")


def _key(text: str, name: str) -> SecretStr:
    if not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s.+-----END ", text, re.DOTALL):
        problem = said(
            "{name}: this is not a private key, which begins with -----BEGIN RSA PRIVATE KEY-----",
            name=name,
        )
        raise SettingsError([problem])
    redaction.learn([text])
    return SecretStr(text)
