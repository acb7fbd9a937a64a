"""The image API: whether the key is good, and whether the model will stay."""

from collections.abc import Sequence
from datetime import date, timedelta

from bot.adapters.openai_images.served import NotListed, served_models
from bot.core.catalog import MODELS
from bot.core.said import said
from bot.entrypoints.doctor.findings import Finding, fail, ok, warn
from bot.entrypoints.settings import Settings

KEY = "image API"
MODEL = "model"

_SOON = timedelta(days=60)


async def look(settings: Settings, today: date) -> Sequence[Finding]:
    """Whether the key is good for the model that jobs get which name none."""
    name = settings.gptimage_model
    if settings.openai_api_key is None:
        return [fail(KEY, said("OPENAI_API_KEY is required")), lasting(name, today)]
    try:
        served = await served_models(
            settings.openai_api_key,
            base_url=settings.openai_base_url,
            organization=settings.openai_organization,
        )
    except NotListed as error:
        return [_refused(error), lasting(name, today)]
    return [ok(KEY, said("the key is accepted")), _model(name, served, today)]


def _refused(error: NotListed) -> Finding:
    match error.status:
        case 401:
            what = said("{why}: make a new one, and set OPENAI_API_KEY", why=error.message)
            return fail(KEY, what)
        case 403:
            what = said("{why}: it may lack the right to list models only", why=error.message)
            return warn(KEY, what)
        case 404 | 405:
            what = said("{why}; some gateways have no list of models", why=error.message)
            return warn(KEY, what)
        case _:
            return fail(KEY, error.message)


def _model(name: str, served: Sequence[str], today: date) -> Finding:
    if name in served:
        return lasting(name, today)
    what = said("{name} is not served to this key: name another in GPTIMAGE_MODEL", name=name)
    return fail(MODEL, what)


def lasting(name: str, today: date) -> Finding:
    """Whether the model will still be there in two months."""
    model = MODELS.get(name)
    if model is None or model.shutdown is None or model.shutdown > today + _SOON:
        return ok(MODEL, name)
    day, other = model.shutdown, model.successor or "–"
    what = said("{name} ends on {day}; its successor is {other}", name=name, day=day, other=other)
    return fail(MODEL, what) if day <= today else warn(MODEL, what)
