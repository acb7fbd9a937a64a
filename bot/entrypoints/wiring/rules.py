"""What the operator's settings allow."""

from decimal import Decimal

from bot.core.parse import Around, BatchLimits
from bot.core.policy import AllowList, Limits
from bot.core.ports import Role
from bot.core.pricing import Money
from bot.core.rules import Rules
from bot.entrypoints.settings import Settings


def rules_of(settings: Settings) -> Rules:
    """The rules of a server with these settings."""
    return Rules(
        owners=frozenset(settings.gptimage_allowed_owners),
        min_role=Role[settings.gptimage_min_role.upper()],
        lists=_lists(settings),
        bots=frozenset(settings.gptimage_allowed_bots),
        limits=Limits(
            run=_money(settings.gptimage_max_cost_per_run),
            person_day=_money(settings.gptimage_max_cost_per_person_and_day),
            repository_day=_money(settings.gptimage_max_cost_per_repository_and_day),
            installation_month=_money(settings.gptimage_max_cost_per_installation_and_month),
            server_day=_money(settings.gptimage_max_cost_per_day),
        ),
        images_per_minute=settings.gptimage_images_per_minute,
        prices=settings.gptimage_prices,
        language=settings.gptimage_language,
        around=Around(
            limits=BatchLimits(max_jobs=settings.gptimage_max_jobs),
            environment=settings.batch_defaults,
            openai_itself=settings.at_openai,
        ),
        ours=settings.github_app_id,
    )


def _lists(settings: Settings) -> tuple[AllowList, ...]:
    people, teams = settings.gptimage_allowed_users, settings.gptimage_allowed_teams
    return (AllowList(frozenset(people), frozenset(teams)),) if people or teams else ()


def _money(dollars: Decimal | None) -> Money | None:
    return None if dollars is None else Money.from_usd(dollars)
