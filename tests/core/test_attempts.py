"""The payment rule: no machine repeats a call whose outcome it does not know."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.attempts import (
    TRANSITIONS,
    Attempt,
    AttemptState,
    Call,
    Recall,
    Settled,
    Step,
    Wait,
    next_step,
    wait_after,
)
from bot.core.batch import RetryPolicy
from bot.core.errors import Charge, Failure

STARTED, SUCCEEDED = AttemptState.STARTED, AttemptState.SUCCEEDED
FAILED, IN_DOUBT = AttemptState.FAILED, AttemptState.IN_DOUBT
T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER = T0 + timedelta(hours=1)
POLICY = RetryPolicy(max_retries=2, retry_delay_ms=5_000, retry_on_errors=("rate_limit", "timeout"))
ORDERED = POLICY.model_copy(update={"retry_in_doubt": True})


def attempt(
    number: int,
    state: AttemptState,
    failure: Failure | None = None,
    *,
    order: int = 1,
    retry_after: float | None = None,
) -> Attempt:
    settled_at = None if state is STARTED else T0
    return Attempt(number, order, state, T0, settled_at, failure=failure, retry_after=retry_after)


def test_the_only_ways_out_of_each_state() -> None:
    assert {
        (before, after)
        for before, after in product(AttemptState, repeat=2)
        if after in TRANSITIONS[before]
    } == {
        (STARTED, SUCCEEDED),
        (STARTED, FAILED),
        (STARTED, IN_DOUBT),
        (IN_DOUBT, SUCCEEDED),  # its bytes came after all
    }


def test_what_is_paid_for_and_what_provably_failed_is_final() -> None:
    assert TRANSITIONS[SUCCEEDED] == TRANSITIONS[FAILED] == frozenset()


@pytest.mark.parametrize(
    ("state", "charge"),
    [
        (STARTED, Charge.IN_DOUBT),
        (SUCCEEDED, Charge.PAID),
        (FAILED, Charge.NOT_CHARGED),
        (IN_DOUBT, Charge.IN_DOUBT),
    ],
)
def test_a_call_costs_what_is_known_of_it(state: AttemptState, charge: Charge) -> None:
    assert attempt(1, state).charge is charge


LIMITED = attempt(1, FAILED, Failure.RATE_LIMIT)


@pytest.mark.parametrize(
    ("attempts", "policy", "step"),
    [
        pytest.param([], POLICY, Call(1), id="nothing was tried"),
        pytest.param([attempt(1, STARTED)], POLICY, Recall(1), id="an intent without an outcome"),
        pytest.param([attempt(1, STARTED)], ORDERED, Recall(1), id="not even on order"),
        pytest.param([attempt(1, SUCCEEDED)], POLICY, Settled(SUCCEEDED), id="it is there"),
        pytest.param([LIMITED], POLICY, Call(2), id="free, and named in the policy"),
        pytest.param(
            [attempt(1, FAILED, Failure.CONNECTION)], POLICY, Call(2), id="nothing was sent"
        ),
        pytest.param(
            [attempt(1, FAILED, Failure.MODERATION)], POLICY, Settled(FAILED), id="refused"
        ),
        pytest.param(
            [attempt(1, FAILED, Failure.SERVER_ERROR)], POLICY, Settled(FAILED), id="not named"
        ),
        pytest.param([attempt(1, FAILED)], POLICY, Settled(FAILED), id="of no known class"),
        pytest.param(
            [attempt(1, IN_DOUBT, Failure.TIMEOUT)], POLICY, Settled(IN_DOUBT), id="perhaps billed"
        ),
        pytest.param(
            [attempt(1, IN_DOUBT, Failure.TIMEOUT)], ORDERED, Call(2), id="ordered beforehand"
        ),
        pytest.param(
            [attempt(1, IN_DOUBT, Failure.LOST)], ORDERED, Settled(IN_DOUBT), id="has no name there"
        ),
        pytest.param(
            [attempt(n, FAILED, Failure.RATE_LIMIT) for n in (1, 2, 3)],
            POLICY,
            Settled(FAILED),
            id="two retries are over",
        ),
        pytest.param(
            [attempt(2, SUCCEEDED), attempt(1, FAILED, Failure.RATE_LIMIT)],
            POLICY,
            Settled(SUCCEEDED),
            id="numbers count, not places",
        ),
    ],
)
def test_the_next_step(attempts: Sequence[Attempt], policy: RetryPolicy, step: Step) -> None:
    assert next_step(attempts, policy, LATER) == step


def test_a_retry_waits_as_the_policy_says_and_the_server_may_ask_for_longer() -> None:
    patient = attempt(1, FAILED, Failure.RATE_LIMIT, retry_after=30)
    hasty = attempt(1, FAILED, Failure.RATE_LIMIT, retry_after=1)
    assert next_step([LIMITED], POLICY, T0) == Wait(T0 + timedelta(seconds=5))
    assert next_step([LIMITED], POLICY, T0 + timedelta(seconds=5)) == Call(2)
    assert next_step([patient], POLICY, T0) == Wait(T0 + timedelta(seconds=30))
    assert wait_after(hasty, POLICY) == 5


def test_a_new_order_by_a_person_starts_afresh_and_goes_on_counting() -> None:
    doubtful = [attempt(1, IN_DOUBT, Failure.LOST)]
    assert next_step(doubtful, POLICY, LATER, order=2) == Call(2)
    again = [*doubtful, attempt(2, STARTED, order=2)]
    assert next_step(again, POLICY, LATER, order=2) == Recall(2)
    assert next_step(again, POLICY, LATER, order=1) == Settled(IN_DOUBT)


# --- whatever happens -------------------------------------------------------------------------

POLICIES = st.builds(
    RetryPolicy,
    max_retries=st.integers(0, 5),
    retry_delay_ms=st.integers(100, 60_000),
    retry_on_errors=st.lists(
        st.sampled_from(["rate_limit", "timeout", "server_error"]), unique=True
    ).map(tuple),
    retry_in_doubt=st.booleans(),
)
ENDS = st.tuples(st.sampled_from([SUCCEEDED, FAILED, IN_DOUBT]), st.sampled_from([None, *Failure]))
TRIED = st.builds(
    attempt,
    number=st.integers(1, 20),
    state=st.sampled_from(AttemptState),
    failure=st.sampled_from([None, *Failure]),
    order=st.integers(1, 3),
    retry_after=st.none() | st.floats(0, 3_600),
)
TIMES = st.timedeltas(timedelta(0), timedelta(days=2)).map(lambda span: T0 + span)


@given(st.lists(TRIED, max_size=8, unique_by=lambda a: a.number), POLICIES, TIMES)
def test_only_what_is_provably_free_is_called_again(
    attempts: list[Attempt], policy: RetryPolicy, now: datetime
) -> None:
    step = next_step(attempts, policy, now)
    numbers = [a.number for a in attempts]
    latest = max((a for a in attempts if a.order == 1), key=lambda a: a.number, default=None)
    if isinstance(step, Call | Wait) and latest is not None:
        assert latest.state is FAILED or (latest.state is IN_DOUBT and policy.retry_in_doubt)
    if isinstance(step, Call):
        assert step.number not in numbers


@given(POLICIES, st.lists(ENDS, min_size=6, max_size=6), st.lists(st.booleans(), max_size=12))
def test_an_item_is_called_at_most_once_and_its_retries(
    policy: RetryPolicy, ends: list[tuple[AttemptState, Failure | None]], deaths: list[bool]
) -> None:
    """Drive one item to its end, while its process may die during any call."""
    attempts: list[Attempt] = []
    outcomes, dies, now = iter(ends), iter(deaths), T0
    while not isinstance(step := next_step(attempts, policy, now), Settled):
        match step:
            case Call(number):
                assert all(_may_be_followed(a, policy) for a in attempts)
                end = (STARTED, None) if next(dies, False) else next(outcomes)
                attempts.append(attempt(number, *end))
            case Recall(number):
                attempts[-1] = attempt(number, IN_DOUBT, Failure.LOST)
            case Wait(until):
                assert until > now
                now = until
    assert len(attempts) <= policy.max_retries + 1
    assert step.state is attempts[-1].state


@given(st.lists(TRIED, max_size=8, unique_by=lambda a: a.number), POLICIES)
@example(
    [attempt(1, SUCCEEDED), attempt(2, FAILED, Failure.RATE_LIMIT)],
    RetryPolicy(retry_in_doubt=True),
)
def test_nothing_is_called_again_while_any_call_of_the_order_may_be_billed(
    attempts: list[Attempt], policy: RetryPolicy
) -> None:
    step = next_step(attempts, policy, T0 + timedelta(days=2))
    of_this_order = [a for a in attempts if a.order == 1]
    if isinstance(step, Call):
        assert all(_may_be_followed(a, policy) for a in of_this_order)


def _may_be_followed(earlier: Attempt, policy: RetryPolicy) -> bool:
    return earlier.state is FAILED or (earlier.state is IN_DOUBT and policy.retry_in_doubt)


def test_nobody_waits_for_a_time_that_a_wrong_clock_has_written() -> None:
    assert next_step([LIMITED], POLICY, T0 - timedelta(seconds=30)) == Wait(
        T0 + timedelta(seconds=5)
    )
    assert next_step([LIMITED], POLICY, T0 - timedelta(hours=2)) == Call(2)
