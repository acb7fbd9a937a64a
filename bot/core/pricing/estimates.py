"""A batch before it runs: its images, its cost as a range, and its time; in JSON and in text."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.batch import BatchConfig, Job
from bot.core.catalog import MODELS, Size, TokenPrices
from bot.core.pricing.book import BUILT_IN, PriceBook
from bot.core.pricing.costs import call_costs, of_one_picture, reference_tokens
from bot.core.pricing.money import Costs, Money, Range
from bot.core.pricing.tokens import Tokens, output_tokens, text_tokens
from bot.core.said import said

# Seconds of one call at 1024x1024, by quality: third parties' measurements, November 2026.
_SECONDS: Mapping[str, float] = {"low": 12, "medium": 25, "high": 60, "xhigh": 90, "max": 120}
_USUAL_SECONDS = 30.0

_BOUNDS = ("low", "expected", "high")


@dataclass(frozen=True, slots=True)
class InputTokens:
    """Tokens of one call's prompt and of its reference images."""

    text: Tokens
    image: Tokens


@dataclass(frozen=True, slots=True)
class JobEstimate:
    """A job's images together; tokens are for all of them, None where the model is unknown."""

    index: int
    model: str
    images: int
    output_tokens: Tokens | None
    input_tokens: InputTokens
    cost: Costs


@dataclass(frozen=True, slots=True)
class Estimate:
    """A batch before it runs; an unknown cost is None and said in `warnings`."""

    jobs: tuple[JobEstimate, ...]
    total: Costs
    seconds: float
    warnings: tuple[str, ...]

    @property
    def images(self) -> int:
        """How many images are asked for."""
        return sum(job.images for job in self.jobs)

    @property
    def model(self) -> str:
        """The model, or all of them."""
        return ", ".join(dict.fromkeys(job.model for job in self.jobs))


def estimate(
    config: BatchConfig,
    *,
    references: Mapping[str, Size] | None = None,
    images_per_minute: int | None = None,
    book: PriceBook = BUILT_IN,
) -> Estimate:
    """What the batch would cost and how long it would take; no call is made.

    `references` gives the sizes of reference images by their path; an unknown one counts as the
    most that an image can. `high` holds whatever happens, retries in doubt included. `book` has
    the operator's own prices.
    """
    jobs = tuple(
        _job_estimate(index, job, call_costs(job, references or {}, book), config, references or {})
        for index, job in enumerate(config.jobs)
    )
    total = Range(*(_sum(getattr(job.cost, bound) for job in jobs) for bound in _BOUNDS))
    seconds = _seconds(config, images_per_minute)
    warnings = (*_price_warnings(jobs, book), *_time_warnings(seconds, config))
    return Estimate(jobs, total, seconds, warnings)


def _job_estimate(
    index: int, job: Job, each: Costs, config: BatchConfig, references: Mapping[str, Size]
) -> JobEstimate:
    count = job.sample_count
    known = MODELS.get(job.model)
    return JobEstimate(
        index=index,
        model=job.model,
        images=count,
        output_tokens=_times(of_one_picture(known, job, output_tokens), count) if known else None,
        input_tokens=InputTokens(
            _times(text_tokens(job.prompt), count),
            _times(reference_tokens(job, references), count),
        ),
        cost=Range(
            each.low and each.low * count,
            each.expected and each.expected * count,
            each.high and each.high * (count * calls_in_doubt(config)),
        ),
    )


def calls_in_doubt(config: BatchConfig) -> int:
    """How many calls of one image may be billed: more than one only if its author says so."""
    policy = config.retry_policy
    return 1 + policy.max_retries if policy.retry_in_doubt else 1


def _times(tokens: Tokens, count: int) -> Tokens:
    return Range(tokens.low * count, tokens.expected * count, tokens.high * count)


def _sum(amounts: Iterable[Money | None]) -> Money | None:
    known = list(amounts)
    return None if None in known else Money(sum(amount.micros for amount in known if amount))


def _seconds(config: BatchConfig, images_per_minute: int | None) -> float:
    """At the present rate: by the jobs' own pace, or by the limit of images per minute."""
    durations = [_SECONDS.get(job.quality, _USUAL_SECONDS) for job in config.jobs]
    pace = max(sum(durations) / config.max_concurrent, *durations)
    images = sum(job.sample_count for job in config.jobs)
    if images_per_minute is None:
        return pace
    return max(pace, (images - 1) * 60 / images_per_minute + min(durations))


def _price_warnings(jobs: Sequence[JobEstimate], book: PriceBook) -> Iterable[str]:
    for name in dict.fromkeys(job.model for job in jobs):
        known = MODELS.get(name)
        match book.price(name):
            case None:
                yield said(
                    "no price is known for the model {model}: its cost cannot be estimated",
                    model=name,
                )
            case TokenPrices() if known is None:
                yield said(
                    "nobody knows how many tokens {model} takes: only its bill tells the cost",
                    model=name,
                )
            case TokenPrices() if known and known.approximate:
                yield said(
                    "{model} has no published token formula: its estimate is approximate",
                    model=name,
                )
            case _:
                pass


def _time_warnings(seconds: float, config: BatchConfig) -> Iterable[str]:
    if seconds * 1000 > config.timeout:
        yield said(
            "at the present rate this takes about {time}, longer than the timeout of {limit}:"
            " raise `timeout`",
            time=_duration(seconds),
            limit=_duration(config.timeout / 1000),
        )


def _duration(seconds: float) -> str:
    """`45 seconds`, `2 minutes`, `1.8 minutes`."""
    if seconds < 100:
        return said("{count:.0f} seconds", count=seconds)
    return said("{count:g} minutes", count=round(seconds / 60, 1))


# --- the estimate in JSON and text ------------------------------------------------------------


def estimate_json(bill: Estimate) -> dict[str, object]:
    """The estimate as `gptimage estimate` prints it: costs in USD as numbers, unknown ones null."""
    return {
        "model": bill.model,
        "images": bill.images,
        "cost": _dollars(bill.total),
        "jobs": [_job_json(job) for job in bill.jobs],
        "seconds": round(bill.seconds),
        "warnings": list(bill.warnings),
    }


def _job_json(job: JobEstimate) -> dict[str, object]:
    return {
        "index": job.index,
        "model": job.model,
        "images": job.images,
        "output_tokens": job.output_tokens and _bounds(job.output_tokens),
        "input_tokens": {
            "text": _bounds(job.input_tokens.text),
            "image": _bounds(job.input_tokens.image),
        },
        "cost": _dollars(job.cost),
    }


def _bounds(tokens: Tokens) -> dict[str, int]:
    return {bound: getattr(tokens, bound) for bound in _BOUNDS}


def _dollars(costs: Costs) -> dict[str, float | None]:
    amounts = {bound: getattr(costs, bound) for bound in _BOUNDS}
    return {bound: amount and float(amount.usd) for bound, amount in amounts.items()}


def estimate_text(bill: Estimate, tell: Callable[[str], str] = str) -> str:
    """The estimate for a person: a line for each job, and the total; `tell` may translate it."""
    lines = [
        said(
            "{count} images with {model}, about {time}",
            count=bill.images,
            model=bill.model,
            time=_duration(bill.seconds),
        ),
        *map(_job_line, bill.jobs),
        said("Total: {cost}", cost=_span(bill.total)),
    ]
    return "\n".join(map(tell, lines))


def _job_line(job: JobEstimate) -> str:
    cost = _span(job.cost)
    return said(
        "  job {number}: {count} x, {cost}", number=job.index + 1, count=job.images, cost=cost
    )


def _span(costs: Costs) -> str:
    if costs.expected is None:
        return said("unknown")
    return said(
        "about {expected} (lowest {low}, at most {high})",
        expected=costs.expected,
        low=costs.low,
        high=costs.high,
    )
