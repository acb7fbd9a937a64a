"""The record in a run's comment: read back whole, small enough, and nobody else's."""

import random
from dataclasses import replace
from datetime import UTC, datetime

from bot.core.attempts import Attempt, AttemptState
from bot.core.errors import Charge, Failure
from bot.core.parse import parse_batch_data
from bot.core.plan import plan
from bot.core.pricing import Money
from bot.core.record import MOST, MOST_IMAGES, Lead, Signer, claims, record_of, view_of
from bot.core.run import ItemState, ItemView, Person, Run, RunState, RunView, Thread

NOW = datetime(2026, 11, 26, 20, tzinfo=UTC)
RUN = "abcdefgh27"
SIGNER = Signer(b"key")
BOUND = Money(42_000)
LEAD = Lead(11, 1)


def attempt(
    state: AttemptState, cost: int | None = None, failure: Failure | None = None
) -> Attempt:
    return Attempt(
        1, 1, state, NOW, NOW, BOUND, None if cost is None else Money(cost), failure=failure
    )


def a_view(*attempts: Attempt | None, prompt: str = "a fox") -> RunView:
    jobs = [{"prompt": f"{prompt} {number}"} for number in range(len(attempts))]
    batch = parse_batch_data({"jobs": jobs[:100]}).config
    batch = batch.model_copy(update={"jobs": batch.jobs * max(1, len(attempts) // 100)})
    run = Run(
        RUN,
        RunState.RUNNING,
        batch,
        NOW,
        thread=Thread(0, 1, "acme/posters", False, 1, 99),
        author=Person(7, "maya"),
        upper_bound=Money(1_000_000),
        started_at=NOW,
    )
    items = plan(batch, RUN)
    views = (ItemView(i, (a,) if a else ()) for i, a in zip(items, attempts, strict=True))
    return RunView(run, tuple(views))


def told(view: RunView, ahead: frozenset[int] = frozenset()) -> RunView:
    """The run as the reader of its comment knows it."""
    bounds = tuple(BOUND for _ in view.run.batch.jobs)
    block = SIGNER.block(RUN, record_of(view, "digest", ahead, bounds, LEAD))
    found = SIGNER.read(f"words\n{block}\n<!-- other -->")
    assert found is not None
    assert found[0] == RUN
    return view_of(found[1], view.run, plan(view.run.batch, RUN))


def test_a_run_is_read_back_with_what_may_have_been_called_in_doubt() -> None:
    view = a_view(
        attempt(AttemptState.SUCCEEDED, 13_400),
        attempt(AttemptState.FAILED, failure=Failure.MODERATION),
        attempt(AttemptState.STARTED),
        None,
        None,
    )

    again = told(view, ahead=frozenset({3}))

    assert [item.state for item in again.items] == [
        ItemState.SUCCEEDED,
        ItemState.FAILED,
        ItemState.IN_DOUBT,
        ItemState.IN_DOUBT,  # it might have been called the next moment
        ItemState.RESERVED,
    ]
    assert (again.paid, again.in_doubt) == (Money(13_400), BOUND + BOUND)
    assert again.items[1].failure is Failure.MODERATION
    assert again.run == view.run


def test_a_thousand_images_have_room_whatever_they_cost() -> None:
    dice = random.Random(1)
    view = a_view(
        *(attempt(AttemptState.SUCCEEDED, dice.randrange(1, 200_000)) for _ in range(MOST_IMAGES))
    )
    named = [
        replace(item, url=f"https://github.com/acme/posters/{dice.randbytes(20).hex()}")
        for item in view.items
    ]

    assert told(view).paid == view.paid
    again = told(RunView(view.run, tuple(named)))
    assert again.paid == view.paid
    assert {item.url for item in again.items} == {None}, "addresses make way for the bill"


def test_a_block_is_believed_only_with_its_own_run_and_key() -> None:
    view = a_view(None)
    block = SIGNER.block(RUN, record_of(view, "digest", frozenset(), (BOUND,), LEAD))

    assert len(block) <= MOST
    assert claims(block) == {RUN}
    assert Signer(b"other").read(block) is None
    assert SIGNER.read(block.replace(RUN, "zzzzzzzz27")) is None
    assert SIGNER.read(block.replace(":1:", ":2:")) is None
    head, _, tail = block.partition("eN")
    assert SIGNER.read(f"{head}eM{tail}") is None


def test_what_was_perhaps_called_is_never_free() -> None:
    view = a_view(attempt(AttemptState.FAILED, failure=Failure.RATE_LIMIT))

    again = told(view, ahead=frozenset({0})).items[0]

    assert [each.charge for each in again.attempts] == [Charge.NOT_CHARGED, Charge.IN_DOUBT]
