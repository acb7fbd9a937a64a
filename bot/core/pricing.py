"""What images cost: before the call as a range, after it from the server's own usage figures.

Prices and formulas: OpenAI's pricing page and calculator, November 2026. A price in dollars per
million tokens is the same number in micro-dollars per token, so all sums are exact.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import ceil, isqrt
from typing import Generic, TypeVar

from bot.core.batch import BatchConfig, Job
from bot.core.catalog import MODELS, THREE_SIZES, Model, Size, parse_size

_MICROS = 1_000_000
_UP = Context(rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount of US dollars, in whole micro-dollars."""

    micros: int

    @classmethod
    def from_usd(cls, dollars: Decimal) -> "Money":
        """The amount; what is below a micro-dollar is rounded up. Raises ValueError for NaN."""
        if not dollars.is_finite() or dollars < 0:
            raise ValueError("an amount of money must be finite and not below zero")
        return cls(int(_UP.multiply(dollars, _MICROS).to_integral_value(ROUND_CEILING)))

    @property
    def usd(self) -> Decimal:
        """In dollars."""
        return Decimal(self.micros) / _MICROS

    def __add__(self, other: "Money") -> "Money":
        return Money(self.micros + other.micros)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.micros - other.micros)

    def __mul__(self, times: int) -> "Money":
        return Money(self.micros * times)

    def __str__(self) -> str:
        """Such as `$0.0132`: at least cents, and what is below them as far as four places."""
        amount = abs(self.usd).quantize(Decimal("0.0001"), ROUND_CEILING)
        sign = "-" if self.micros < 0 else ""
        return f"{sign}${amount:,.4f}".removesuffix("00")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the server counted them."""

    text_tokens: int
    image_tokens: int
    output_tokens: int


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range(Generic[T]):
    """Lowest, expected and highest; the highest is never below what is billed later."""

    low: T
    expected: T
    high: T


Tokens = Range[int]
Costs = Range[Money | None]
N = TypeVar("N", int, Decimal)
_Measure = Callable[[Model, Size, str], Range[N]]


def cost(model: str, usage: Usage) -> Money | None:
    """What a call with this usage is billed; None where no price is known."""
    known = MODELS.get(model)
    if known is None:
        return None
    picture = usage.output_tokens * known.prices.image_out
    return _bill(known, usage.text_tokens, usage.image_tokens, picture)


def _bill(model: Model, text: int, image: int, picture: Decimal) -> Money:
    micros = text * model.prices.text_in + image * model.prices.image_in + picture
    return Money(ceil(micros))


# --- output tokens ----------------------------------------------------------------------------

_GRID: Mapping[str, Mapping[str, int]] = {
    "2": {"low": 16, "medium": 48, "high": 96},
    "2.5": {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96},
}

# The older models have a table instead of a formula, in the order of THREE_SIZES.
_TABLE: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "1": {"low": (272, 400, 408), "medium": (1056, 1568, 1584), "high": (4160, 6208, 6240)},
    "1.5": {"low": (272, 400, 408), "medium": (1056, 1568, 1584), "high": (4160, 6208, 6240)},
    # Published per image: $.005/.006/.006, .011/.015/.015, .036/.052/.052 at $8 a million.
    "mini": {"low": (625, 750, 750), "medium": (1375, 1875, 1875), "high": (4500, 6500, 6500)},
}

# Only gateways still serve gpt-image-1, and some bill it by picture: micro-dollars, as in the guide
# of aihubmix and in the order of THREE_SIZES.
_PER_IMAGE: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "1": {
        "low": (11_000, 16_000, 16_000),
        "medium": (42_000, 63_000, 63_000),
        "high": (167_000, 250_000, 250_000),
    },
}

# A price that is rounded to a tenth of a cent may hide half of it: 62.5 tokens of the mini.
_ROUNDED: Mapping[str, int] = {"mini": 63}

# 2.6 has no published formula: low and medium were measured at 1 to 4.5 times those of 2.5, never
# above its own high (third parties, November 2026).
_MEASURED_FACTOR = Fraction(9, 2)


def output_tokens(model: Model, size: Size, quality: str, n: int = 1) -> Tokens:
    """Tokens of `n` pictures; a range only where no formula is published."""
    if model.family in _TABLE:
        exact = n * _TABLE[model.family][quality][THREE_SIZES.index(str(size))]
        return Range(exact, exact, exact + n * _ROUNDED.get(model.family, 0))
    exact = _formula(_GRID["2" if model.family == "2" else "2.5"][quality], size, n)
    if model.approximate and quality in {"low", "medium"}:
        most = min(ceil(exact * _MEASURED_FACTOR), _formula(_GRID["2.5"]["high"], size, n))
        return Range(exact, (exact + most) // 2, most)
    return Range(exact, exact, exact)


def _formula(grid: int, size: Size, n: int) -> int:
    long, short = max(size.width, size.height), min(size.width, size.height)
    rows = round(Fraction(grid * short, long))  # half to even, as the calculator does
    return ceil(Fraction(n * grid * rows * (2_000_000 + size.pixels), 4_000_000))


def _picture_price(model: Model, size: Size, quality: str) -> Range[Decimal]:
    """What one picture adds to the bill, in micro-dollars."""
    tokens, price = output_tokens(model, size, quality), model.prices.image_out
    low, expected, high = tokens.low * price, tokens.expected * price, tokens.high * price
    if model.family in _PER_IMAGE:
        expected = Decimal(_PER_IMAGE[model.family][quality][THREE_SIZES.index(str(size))])
    return Range(min(low, expected), expected, max(high, expected))


def _of_one_picture(model: Model, job: Job, measure: _Measure[N]) -> Range[N]:
    """Measured for one picture of the job, also where it leaves size or quality to the server."""
    size = parse_size(job.size)
    sizes = [size] if size else [Size(*map(int, name.split("x"))) for name in THREE_SIZES]
    qualities = model.qualities if job.quality == "auto" else (job.quality,)
    every = [measure(model, s, q) for s in sizes for q in qualities]
    usual = measure(model, sizes[0], "medium" if job.quality == "auto" else job.quality)
    return Range(min(t.low for t in every), usual.expected, max(t.high for t in every))


# --- input tokens -----------------------------------------------------------------------------

_PATCH = 16
_MOST_PATCHES = 1536
_OVERHEAD = 6  # tokens of text a call has besides its prompt
_LONGEST_TOKEN = 128  # bytes; only runs of blanks come near it


def text_tokens(prompt: str) -> Tokens:
    """About a quarter of the bytes; never more than there are bytes."""
    size = len(prompt.encode())
    counts = ceil(size / _LONGEST_TOKEN), ceil(size / 4), size
    return Range(*(count + _OVERHEAD for count in counts))


def image_tokens(size: Size) -> int:
    """Tokens of one reference image of this size (models 2 and newer)."""
    long, short = max(size.width, size.height), min(size.width, size.height)
    scale = min(max(Fraction(512, long), Fraction(1, 2)), Fraction(1))
    width, height = long * scale, max(short * scale, long * scale / 3)
    patches = ceil(width / _PATCH) * ceil(height / _PATCH)
    if patches <= _MOST_PATCHES:
        return patches
    shape = width / height
    return isqrt(int(_MOST_PATCHES * shape)) * isqrt(int(_MOST_PATCHES / shape))


# --- estimates --------------------------------------------------------------------------------

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
) -> Estimate:
    """What the batch would cost and how long it would take; no call is made.

    `references` gives the sizes of reference images by their path; an unknown one counts as the
    most that an image can. `high` holds whatever happens, retries in doubt included.
    """
    jobs = tuple(
        _job_estimate(i, job, config, references or {}) for i, job in enumerate(config.jobs)
    )
    total = Range(*(_sum(getattr(job.cost, bound) for job in jobs) for bound in _BOUNDS))
    seconds = _seconds(config, images_per_minute)
    return Estimate(jobs, total, seconds, tuple(_warnings(jobs, seconds, config)))


def upper_bound(job: Job) -> Money | None:
    """The most that one call of this job can be billed; None where no price is known."""
    return _call_costs(job, {}).high


def _job_estimate(
    index: int, job: Job, config: BatchConfig, references: Mapping[str, Size]
) -> JobEstimate:
    count, each = job.sample_count, _call_costs(job, references)
    known = MODELS.get(job.model)
    return JobEstimate(
        index=index,
        model=job.model,
        images=count,
        output_tokens=_times(_of_one_picture(known, job, output_tokens), count) if known else None,
        input_tokens=InputTokens(
            _times(text_tokens(job.prompt), count),
            _times(_reference_tokens(job, references), count),
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


def _call_costs(job: Job, references: Mapping[str, Size]) -> Costs:
    """The bill of one call with one image."""
    model = MODELS.get(job.model)
    if model is None:
        return Range(None, None, None)
    text, image = text_tokens(job.prompt), _reference_tokens(job, references)
    picture = _of_one_picture(model, job, _picture_price)
    return Range(
        _bill(model, text.low, image.low, picture.low),
        _bill(model, text.expected, image.expected, picture.expected),
        _bill(model, text.high, image.high, picture.high),
    )


def _reference_tokens(job: Job, references: Mapping[str, Size]) -> Tokens:
    each = [_one_reference(job, references.get(path)) for path in job.references]
    if job.mask_image_path is not None:
        each.append(_MASK)
    return Range(sum(t.low for t in each), sum(t.expected for t in each), sum(t.high for t in each))


# What the older models count besides, at most, for a reference that is kept to closely: OpenAI's
# guide on images.
_HIGH_FIDELITY = 6240
# No page says whether a mask is billed as an image: expect not, and reserve as if.
_MASK = Range(0, 0, _MOST_PATCHES)


def _one_reference(job: Job, size: Size | None) -> Tokens:
    model = MODELS.get(job.model)
    if size is None or model is None or not model.free_size:
        more = _HIGH_FIDELITY if job.input_fidelity == "high" else 0
        return Range(1, _MOST_PATCHES, _MOST_PATCHES + more)
    exact = image_tokens(size)
    return Range(exact, exact, _MOST_PATCHES)


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


def _warnings(jobs: Sequence[JobEstimate], seconds: float, config: BatchConfig) -> Iterable[str]:
    for name in dict.fromkeys(job.model for job in jobs):
        known = MODELS.get(name)
        if known is None:
            yield f"no price is known for the model {name}: its cost cannot be estimated"
        elif known.approximate:
            yield f"{name} has no published token formula: its estimate is approximate"
    if seconds * 1000 > config.timeout:
        yield (
            f"at the present rate this takes about {_duration(seconds)}, longer than the"
            f" timeout of {_duration(config.timeout / 1000)}: raise `timeout`"
        )


def _duration(seconds: float) -> str:
    """`45 seconds`, `2 minutes`, `1.8 minutes`."""
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{round(seconds / 60, 1):g} minutes"


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


def estimate_text(bill: Estimate) -> str:
    """The estimate for a person: a line for each job, and the total."""
    return "\n".join(
        [
            f"{bill.images} images with {bill.model}, about {_duration(bill.seconds)}",
            *(f"  job {job.index + 1}: {job.images} x, {_span(job.cost)}" for job in bill.jobs),
            f"Total: {_span(bill.total)}",
        ]
    )


def _span(costs: Costs) -> str:
    if costs.expected is None:
        return "unknown"
    return f"about {costs.expected} (lowest {costs.low}, at most {costs.high})"
