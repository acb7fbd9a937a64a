"""One picture each way, so that a person sees in the thread which ones show there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.batch import BatchConfig, Job
from bot.core.errors import HostError
from bot.core.markup import address, escape
from bot.core.messages import Messages
from bot.core.ports import Destination, File, Host
from bot.core.run import Run, RunState, Thread
from bot.core.said import said


@dataclass(frozen=True, slots=True)
class Shown:
    """Where the picture is by one way; without an address, why it is not."""

    place: str
    url: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe has left: a comment, and one picture each way."""

    comment: int
    shown: Sequence[Shown]


async def probe_images(
    host: Host,
    ways: Mapping[str, Destination],
    thread: Thread,
    picture: File,
    now: datetime,
    messages: Messages,
) -> Probe:
    """Comment in the thread, publish the picture each way, and show all in the comment.

    Raises HostError if there can be no comment; a way that is closed is told in it.
    """
    comment = await host.post(thread, _words([], messages))
    there = replace(thread, comment=comment)
    batch = BatchConfig(jobs=(Job(prompt=picture.name),))
    run = Run(f"probe-{now:%Y%m%d-%H%M%S}", RunState.PUBLISHING, batch, now, there)
    shown = [await _try(place, way, run, picture) for place, way in ways.items()]
    await host.edit(there, comment, _words(shown, messages))
    return Probe(comment, shown)


async def _try(place: str, way: Destination, run: Run, picture: File) -> Shown:
    try:
        done = await way.publish(run, [picture])
    except HostError as error:
        return Shown(place, None, error.message)
    return Shown(place, done.files[0].url, done.note)


def _words(shown: Sequence[Shown], messages: Messages) -> str:
    title = messages.tell(said("Which of these pictures do you see?"))
    last = messages.tell(
        said(
            "Set GPTIMAGE_DESTINATION to a way whose picture you see. The release and the branch"
            " of this test can be deleted."
        )
    )
    return "\n\n".join([f"### {title}", *(_line(each, messages) for each in shown), escape(last)])


def _line(shown: Shown, messages: Messages) -> str:
    place = escape(messages.tell(shown.place))
    if shown.url is None:
        return f"**{place}**: {escape(messages.tell(shown.why), 500)}"
    url = address(shown.url)
    return f'**{place}**\n\n<a href="{url}"><img src="{url}" alt="{place}" width="240"></a>'
