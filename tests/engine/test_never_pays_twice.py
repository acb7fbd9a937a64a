"""However processes die, freeze or end, nothing is paid for twice and nothing paid for is lost."""

import asyncio
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bot.core.batch import BatchConfig, Job, RetryPolicy
from tests.engine.judges import told
from tests.engine.mutants import MUTANTS
from tests.engine.story import Ending, Fate, Outcome, Story
from tests.engine.world import Build, sound

# --- every step of a simple story -------------------------------------------------------------

TWO = BatchConfig(
    jobs=tuple(
        Job(prompt=prompt, quality="low", size="1024x1024") for prompt in ("a fox", "an owl")
    ),
    max_concurrent=1,
)
STEPS = range(1, 50)  # a few more than the story has


def complaints(story: Story, empty: Path, build: Build = sound) -> list[str]:
    return asyncio.run(told(story, empty, build))


def walk(build: Build, empty: Path, ending: Ending) -> Iterator[tuple[Story, list[str]]]:
    """One process meets the end at each step; the first call has no answer, or has one."""
    for step in STEPS:
        for outcomes in ((), (Outcome.NO_ANSWER,)):
            story = Story(TWO, outcomes, [Fate(ending, step)])
            yield story, complaints(story, empty, build)


@pytest.mark.parametrize("ending", Ending)
def test_an_end_at_any_step_costs_nothing(ending: Ending, empty: Path) -> None:
    assert not [(story, found) for story, found in walk(sound, empty, ending) if found]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found_out(name: str, empty: Path) -> None:
    mutant = MUTANTS[name]
    endings = sorted(Ending, key=mutant.ending.__ne__)
    lives = chain.from_iterable(walk(mutant.build, empty, ending) for ending in endings)
    assert any(mutant.complaint in complaint for _, found in lives for complaint in found)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_that_nothing_happens_to_is_sound(name: str, empty: Path) -> None:
    assert not complaints(Story(TWO), empty, MUTANTS[name].build)


# --- any story --------------------------------------------------------------------------------


@st.composite
def batches(draw: st.DrawFn) -> BatchConfig:
    samples = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    return BatchConfig(
        jobs=tuple(
            Job(prompt=f"fox {n}", quality="low", size="1024x1024", sample_count=count)
            for n, count in enumerate(samples)
        ),
        max_concurrent=draw(st.integers(1, 3)),
        timeout=draw(st.sampled_from([600_000, 600_000, 1_000])),
        retry_policy=RetryPolicy(
            max_retries=draw(st.integers(0, 2)),
            retry_delay_ms=100,
            retry_on_errors=draw(
                st.sampled_from([(), ("rate_limit",), ("rate_limit", "timeout", "server_error")])
            ),
            retry_in_doubt=draw(st.booleans()),
        ),
    )


STORIES = st.builds(
    Story,
    batch=batches(),
    outcomes=st.lists(st.one_of(st.just(Outcome.IMAGE), st.sampled_from(Outcome)), max_size=12).map(
        tuple
    ),
    fates=st.lists(st.builds(Fate, st.sampled_from(Ending), st.integers(1, 60)), max_size=5).map(
        tuple
    ),
    cancel=st.none() | st.integers(1, 120),
    again=st.booleans(),
)


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(unhurried, max_examples=60)
@given(story=STORIES)
def test_no_story_pays_twice_or_loses_an_image(story: Story, empty: Path) -> None:
    for fate in story.fates:
        event(fate.ending)
    assert not complaints(story, empty)


@pytest.mark.long
@settings(unhurried, max_examples=1000)
@given(story=STORIES)
def test_no_story_of_a_thousand_does(story: Story, empty: Path) -> None:
    assert not complaints(story, empty)
