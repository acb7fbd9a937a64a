"""The record of a run without a comment, in the words of its release."""

from typing import Any

import pytest

from bot.adapters.destinations.notes import ReleaseNotes
from bot.core.errors import HostError

Octo = Any  # of the conftest, which has no name to import


@pytest.fixture
def notes(octo: Octo) -> ReleaseNotes:
    return ReleaseNotes(octo.host.releases(octo.thread), "gptimage-r1")


async def test_what_was_written_is_read(octo: Octo, notes: ReleaseNotes) -> None:
    assert await notes.read() == ""
    for text in ("one", "two"):
        await notes.write(text)
        assert await notes.read() == text
    (release,) = octo.state.releases.entries.values()
    assert (release.draft, release.body) == (True, "two")


async def test_the_release_is_looked_for_once(octo: Octo, notes: ReleaseNotes) -> None:
    for n in range(5):
        await notes.write(str(n))
    assert octo.calls("POST", "/graphql") == 1


async def test_a_release_that_somebody_deleted_is_made_anew(
    octo: Octo, notes: ReleaseNotes
) -> None:
    await notes.write("one")
    octo.state.releases.entries.clear()
    with pytest.raises(HostError):
        await notes.write("two")
    await notes.write("two")
    assert await notes.read() == "two"
