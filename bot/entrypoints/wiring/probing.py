"""The probe of an operator who wants to know which pictures show in a repository."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw

from bot.adapters.github import AppCredentials, GitHubHost
from bot.core.language import spoken
from bot.core.messages import messages
from bot.core.ports import File
from bot.engine.probe import Probe
from bot.engine.probe import probe_images as probe
from bot.entrypoints.settings import Settings, private_key
from bot.entrypoints.wiring.common import utc_now
from bot.entrypoints.wiring.publishing import ways

_NAME = "probe.png"


async def probe_images(settings: Settings, repository: str, issue: int) -> Probe:
    """Post one picture each way in an issue of `owner/name`. Raises HostError, SettingsError."""
    now = utc_now()
    host = GitHubHost(
        AppCredentials(str(settings.github_app_id), private_key(settings), settings.github_api_url)
    )
    try:
        thread = await host.locate(repository, issue)
        with TemporaryDirectory(prefix="gptimage-") as folder:
            picture = File(0, _NAME, str(_draw(Path(folder), now)), "image/png")
            each = {way.place: way.destination for way in ways(settings, host)}
            words = messages(spoken(settings.gptimage_language))
            return await probe(host, each, thread, picture, now, words)
    finally:
        await host.aclose()


def _draw(folder: Path, now: datetime) -> Path:
    """A picture of the moment, so that no cache has it."""
    image = Image.new("RGB", (240, 80), "#1a7f37")
    ImageDraw.Draw(image).text((16, 32), f"gptimage {now:%Y-%m-%d %H:%M:%S}", fill="white")
    image.save(folder / _NAME)
    return folder / _NAME
