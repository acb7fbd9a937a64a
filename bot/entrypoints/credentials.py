"""The App's credentials in the data directory, where /setup leaves them for every process."""

import json
import os
import tempfile
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError

from bot.adapters.durable import make_directory, sync_directory
from bot.core.errors import SettingsError, because
from bot.core.said import said
from bot.entrypoints import redaction
from bot.entrypoints.settings import Settings

_NAME = "github-app.json"


class Credentials(BaseModel, frozen=True):
    """Who the App is; `owner` is the account that it belongs to."""

    app_id: int
    private_key: SecretStr
    webhook_secret: SecretStr
    owner: str
    html_url: str
    api_url: str


def are_missing(settings: Settings) -> bool:
    """Whether no setting names an App; half of one is a mistake and not a wish for a new one."""
    return not any(
        (
            settings.github_app_id,
            settings.github_private_key,
            settings.github_private_key_path,
            settings.github_webhook_secret,
        )
    )


def filled(settings: Settings) -> Settings:
    """The settings with the credentials of the data directory, unless they name an App."""
    found = load(settings.gptimage_data_dir) if are_missing(settings) else None
    if found is None:
        return settings
    return settings.model_copy(
        update={
            "github_app_id": found.app_id,
            "github_private_key": found.private_key,
            "github_webhook_secret": found.webhook_secret,
            "github_api_url": found.api_url,
            "gptimage_allowed_owners": settings.gptimage_allowed_owners or (found.owner,),
        }
    )


def load(data_dir: Path) -> Credentials | None:
    """What is kept there, if anything; raises SettingsError if it cannot be read."""
    path = data_dir / _NAME
    try:
        found = Credentials.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(
            [said("{file}: cannot be read ({why})", file=path, why=because(error))]
        ) from None
    except ValidationError:  # its text quotes the file
        raise SettingsError(
            [said("{file}: these are no credentials: delete it, and open /setup", file=path)]
        ) from None
    redaction.learn([found.private_key.get_secret_value(), found.webhook_secret.get_secret_value()])
    return found


def save(data_dir: Path, new: Credentials) -> Path:
    """Keep them, durably and readable by nobody else; raises SettingsError if that fails."""
    revealed = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in new
    }
    path = data_dir / _NAME
    try:
        _write(path, json.dumps(revealed, indent=2).encode())
    except OSError as error:
        raise _unwritable(data_dir, error) from None
    return path


def check(data_dir: Path) -> None:
    """Raise SettingsError unless they can be kept there: better before than after."""
    try:
        make_directory(data_dir, 0o700)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        raise _unwritable(data_dir, error) from None


def _write(path: Path, data: bytes) -> None:
    make_directory(path.parent, 0o700)
    handle, name = tempfile.mkstemp(prefix=".github-app-", dir=path.parent)  # mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    sync_directory(path.parent)


def _unwritable(data_dir: Path, error: OSError) -> SettingsError:
    what = said(
        "GPTIMAGE_DATA_DIR: {folder} cannot be written ({why})",
        folder=data_dir,
        why=because(error),
    )
    return SettingsError([what])
