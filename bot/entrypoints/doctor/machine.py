"""What stands on this machine or beside it: settings, queue, database, spool, public address."""

import shutil
from collections.abc import Sequence

import httpx

from bot.adapters.ledger import is_ready
from bot.adapters.queue import look_at
from bot.adapters.spool import LocalSpool
from bot.core.errors import GptimageError, because
from bot.core.said import said
from bot.entrypoints.doctor.findings import Finding, fail, ok, warn
from bot.entrypoints.settings import Settings
from bot.entrypoints.wiring.spool import spool_of

DATABASE = "database"
OWNERS = "GPTIMAGE_ALLOWED_OWNERS"
PUBLIC_URL = "public address"
QUEUE = "queue"
SECRET = "GITHUB_WEBHOOK_SECRET"  # noqa: S105  (the name of the setting)
SPOOL = "spool"

_SHORT_SECRET = 16
_GIGABYTE = 1_000_000_000
_PATIENCE = 5.0


def names(settings: Settings) -> Sequence[Finding]:
    """The settings that nobody can ask for elsewhere."""
    secret = settings.github_webhook_secret
    value = secret.get_secret_value().strip() if secret else ""
    if not value:
        said_of_secret = fail(SECRET, said("set it to the secret of the App's webhook"))
    elif len(value) < _SHORT_SECRET:
        said_of_secret = warn(SECRET, said("it can be guessed: take a longer one"))
    else:
        said_of_secret = ok(SECRET, said("set"))
    owners = settings.gptimage_allowed_owners
    said_of_owners = (
        ok(OWNERS, ", ".join(owners))
        if owners
        else fail(OWNERS, said("name the accounts whose installations may spend"))
    )
    return [said_of_secret, said_of_owners]


async def queue(settings: Settings) -> Finding:
    """The Redis at REDIS_URL, or that there is one built in."""
    if settings.redis_url is None:
        return ok(QUEUE, said("embedded, in GPTIMAGE_DATA_DIR; other machines cannot share it"))
    try:
        state = await look_at(settings.redis_url.get_secret_value())
    except GptimageError as error:
        return fail(QUEUE, error.message)
    if state.evicts:
        return warn(QUEUE, said("set maxmemory-policy to noeviction: ids may get lost"))
    if not state.durable:
        return warn(QUEUE, said("set appendonly to yes: a restart of it delays what waits"))
    return ok(QUEUE, said("answers, keeps a file and never evicts"))


async def database(settings: Settings) -> Finding:
    """The ledger, which is looked at and not changed."""
    url, path = settings.database_url, settings.history_db_path
    place = url.get_secret_value() if url else path or settings.gptimage_data_dir / "ledger.db"
    try:
        ready = await is_ready(place)
    except GptimageError as error:
        return fail(DATABASE, error.message)
    if ready:
        return ok(DATABASE, said("answers, and its tables are up to date"))
    return ok(DATABASE, said("not there yet or of an earlier version: the next start sees to it"))


async def spool(settings: Settings) -> Finding:
    """Whether paid answers can be kept, and for how long."""
    folder = settings.gptimage_data_dir / "spool"
    if settings.spool_url is not None:
        return await _shared_spool(settings)
    try:
        await LocalSpool(folder).check()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        what = said("{folder} cannot be written: {why}", folder=folder, why=because(error))
        return fail(SPOOL, what)
    room = said("{free:.1f} GB free in {folder}", free=free / _GIGABYTE, folder=folder)
    return ok(SPOOL, room) if free > _GIGABYTE else warn(SPOOL, room)


async def _shared_spool(settings: Settings) -> Finding:
    try:
        await spool_of(settings).check()
    except GptimageError as error:
        return fail(SPOOL, str(error))
    except OSError as error:
        return fail(SPOOL, because(error))
    return ok(SPOOL, said("the store at SPOOL_URL takes answers, for all machines"))


async def public_url(settings: Settings) -> Finding:
    """Whether the server answers where GitHub looks for it."""
    url = settings.gptimage_public_url
    if url is None:
        return warn(PUBLIC_URL, said("GPTIMAGE_PUBLIC_URL is not set, so it cannot be tried"))
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE) as browser:
            answer = await browser.get(f"{url.rstrip('/')}/healthz")
    except (httpx.HTTPError, httpx.InvalidURL):
        return warn(PUBLIC_URL, said("{url} does not answer from here", url=url))
    if answer.status_code == 200:
        return ok(PUBLIC_URL, url)
    what = said("{url}/healthz answers {status}", url=url.rstrip("/"), status=answer.status_code)
    return warn(PUBLIC_URL, what)
