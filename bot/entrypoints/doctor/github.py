"""The App, its webhook and what was delivered lately, as GitHub has them."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import timedelta

from bot.adapters.github import AppCredentials
from bot.adapters.github.answers import Sent
from bot.adapters.github.registration import Hook, Registered, Registration, registration
from bot.core.errors import HostError, SettingsError
from bot.core.said import said
from bot.entrypoints.doctor.findings import Finding, fail, ok, warn
from bot.entrypoints.settings import Settings, private_key

APP = "GitHub App"
CLOCK = "clock"
DELIVERIES = "deliveries"
EVENTS = "events"
INSTALLATIONS = "installations"
PERMISSIONS = "permissions"
WEBHOOK = "webhook"

# GitHub refuses an App that is a minute ahead.
_ODD, _TOO_MUCH = timedelta(seconds=10), timedelta(seconds=55)


async def look(settings: Settings) -> Sequence[Finding]:
    """Everything that GitHub says, as far as the settings reach."""
    if settings.github_app_id is None:
        lacks = said(
            "there are no credentials: set GITHUB_APP_ID, or open the /setup link of the log"
        )
        return [fail(APP, lacks)]
    try:
        key = private_key(settings)
    except SettingsError as error:
        return [fail(APP, error.message)]
    credentials = AppCredentials(str(settings.github_app_id), key, settings.github_api_url)
    async with registration(credentials) as asked:
        return [found async for found in _ask(asked, settings)]


async def _ask(asked: Registration, settings: Settings) -> AsyncIterator[Finding]:
    try:
        app = await asked.app()
    except HostError as error:
        yield fail(APP, _refused(error))
        yield _clock(asked.skew)
        return
    yield ok(APP, said("{slug} signs in ({url})", slug=app.slug, url=app.html_url))
    yield _permissions(app)
    yield _events(app)
    yield _clock(asked.skew)
    yield await _answered(WEBHOOK, _webhook(asked, settings))
    yield await _answered(DELIVERIES, _deliveries(asked))
    yield await _answered(INSTALLATIONS, _installations(asked, app, settings))


async def _answered(part: str, question: Awaitable[Finding]) -> Finding:
    try:
        return await question
    except HostError as error:
        return warn(part, error.message)


def _refused(error: HostError) -> str:
    if error.status in {401, 404}:
        return said(
            "{why} Compare GITHUB_APP_ID, the private key and GITHUB_API_URL with the App's page.",
            why=error.message,
        )
    return error.message


def _permissions(app: Registered) -> Finding:
    if not app.lacks:
        return ok(PERMISSIONS, said("all that the bot needs"))
    lacks = ", ".join(f"{name}: {level}" for name, level in app.lacks.items())
    if set(app.lacks) == {"contents"}:
        what = said("{lacks} is not asked for, so no release can be made", lacks=lacks)
        return warn(PERMISSIONS, what)
    what = said(
        "{lacks} not asked for: add it on the App's page, and accept it where it is installed",
        lacks=lacks,
    )
    return fail(PERMISSIONS, what)


def _events(app: Registered) -> Finding:
    if "issue_comment" in app.events:
        return ok(EVENTS, "issue_comment")
    return fail(EVENTS, said("subscribe to “Issue comment” on the App's page"))


def _clock(skew: timedelta | None) -> Finding:
    if skew is None:
        return warn(CLOCK, said("GitHub did not answer, so it cannot be compared"))
    seconds = round(skew.total_seconds())
    if abs(skew) < _ODD:
        return ok(CLOCK, said("within {seconds} s of GitHub's", seconds=abs(seconds) + 1))
    found = fail if abs(skew) > _TOO_MUCH else warn
    what = said("{seconds:+} s from GitHub's: let it be set by NTP", seconds=seconds)
    return found(CLOCK, what)


async def _webhook(asked: Registration, settings: Settings) -> Finding:
    return of_hook(await asked.hook(), settings.gptimage_public_url)


def of_hook(hook: Hook, public_url: str | None) -> Finding:
    """Whether deliveries come to us, in a form that can be read, and unseen by others."""
    wanted = f"{public_url.rstrip('/')}/webhook" if public_url else hook.url
    if not hook.url:
        return fail(WEBHOOK, said("the App has none: activate it, with the address …/webhook"))
    if hook.content_type != "json":
        return fail(WEBHOOK, said("its content type must be application/json"))
    if hook.url != wanted:
        return fail(WEBHOOK, said("it goes to {url}, not to {wanted}", url=hook.url, wanted=wanted))
    if str(hook.insecure_ssl) == "1" or not hook.url.startswith("https://"):
        return warn(WEBHOOK, said("{url} is not protected by TLS: turn it on", url=hook.url))
    return ok(WEBHOOK, hook.url)


async def _deliveries(asked: Registration) -> Finding:
    # A repetition may carry the signature of an earlier secret: only first tries tell of today.
    sent = [each for each in await asked.sent() if each.status_code and not each.redelivery]
    failed = [each for each in sent if each.status != "OK"]
    if not sent:
        return warn(DELIVERIES, said("none yet: comment where the App is installed"))
    if not failed:
        return ok(DELIVERIES, said("the last {n} arrived", n=len(sent)))
    if failed[0] is not sent[0]:
        what = said("{k} of the last {n} failed, but not the newest", k=len(failed), n=len(sent))
        return warn(DELIVERIES, what)
    return fail(DELIVERIES, _last_failure(failed[0]))


def _last_failure(sent: Sent) -> str:
    match sent.status_code:
        case 401:
            return said("the newest was refused: GITHUB_WEBHOOK_SECRET is not the App's secret")
        case 404:
            return said("the newest met 404: the address must end in /webhook")
        case status:
            return said("the newest failed with {status}: see the App's page", status=status)


async def _installations(asked: Registration, app: Registered, settings: Settings) -> Finding:
    accounts = await asked.accounts()
    if not accounts:
        url = f"{app.html_url}/installations/new"
        return warn(INSTALLATIONS, said("none: install it at {url}", url=url))
    allowed = {name.lower() for name in settings.gptimage_allowed_owners}
    strangers = [each for each in accounts if each.lower() not in allowed]
    if strangers and not any(name.isdecimal() for name in allowed):
        what = said(
            "nothing runs for {accounts}: GPTIMAGE_ALLOWED_OWNERS does not name them",
            accounts=", ".join(strangers),
        )
        return warn(INSTALLATIONS, what)
    return ok(INSTALLATIONS, ", ".join(accounts))
