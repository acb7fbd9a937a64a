"""What people do while the product dies and comes back; each story is played to its last word."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

from bot.core.killpoints import Point
from bot.simulators.github.threads import Comment
from bot.simulators.images import Settings
from tests import buckets
from tests.crash import ledger
from tests.crash.driver import World, answered, until
from tests.crash.judge import Witness

PATIENCE = 240.0  # a machine at work on many worlds is slow
CHEAP = "--quality low --size 1024x1024"
_AGAIN = re.compile(r"/batch retry [a-z2-7]{10}( \d+)+")


@dataclass(frozen=True)
class Story:
    """Commands and what is waited for; `play` gives how many runs there must be."""

    play: Callable[[World, Witness], Awaitable[int]]
    settings: Mapping[str, str] = field(default_factory=dict)
    unheard: str = ""  # a comment that is there before anybody listens
    also: tuple[Point, ...] = ()  # what only this story passes
    in_a_store: bool = False  # the spool is where several machines would share it

    @asynccontextmanager
    async def staged(self, outside: World) -> AsyncIterator[None]:
        """For the block, the world has what the story needs."""
        outside.environment |= self.settings
        if not self.in_a_store:
            yield
            return
        with buckets.bucket() as bucket:
            outside.environment["SPOOL_URL"] = bucket.url
            yield


async def told(outside: World, body: str, issue: int = 1) -> Comment:
    """Comment once somebody listens; he may die of it."""
    await until(lambda: outside.listens, PATIENCE)
    return await outside.say(body, issue)


async def ended(outside: World, *commands: Comment) -> None:
    await until(lambda: not outside.open_ones(commands), PATIENCE)


async def reacted(command: Comment) -> None:
    await until(lambda: answered(command), PATIENCE)


async def _batch(outside: World, _: Witness) -> int:
    run = await told(outside, f"/batch {CHEAP} --max-concurrent 1\n\n- a red fox\n- a blue owl\n")
    await ended(outside, run)
    return 1


async def _side_by_side(outside: World, _: Witness) -> int:
    """Two runs at once, of images that are made at once."""
    outside.images.settings = Settings(latency_ms=100)
    runs = []
    for animal, issue in (("fox", 1), ("owl", await outside.open_issue())):
        jobs = [{"prompt": f"{animal} {n}", "quality": "low"} for n in range(3)]
        batch = json.dumps({"jobs": jobs, "max_concurrent": 3})
        runs.append(await told(outside, f"/batch\n```json\n{batch}\n```", issue))
    await ended(outside, *runs)
    return 2


async def _retry(outside: World, witness: Witness) -> int:
    """What was refused is ordered again, and what came in doubt is, image by image."""
    witness.excused.add("a castle by Miyazaki")
    lines = "- a castle by Miyazaki\n- a red fox\n"
    run = await told(outside, f"/batch {CHEAP} --max-concurrent 1\n\n{lines}")
    await ended(outside, run)
    again = await told(outside, "/batch retry")
    await reacted(again)
    await ended(outside, run)
    await order_doubts(outside, witness, 1)
    return 1


async def order_doubts(outside: World, witness: Witness, issue: int) -> None:
    """A person copies the line that the last word offers for what is in doubt."""
    answers = [answer for answer in outside.answers if answer.issue == issue]
    await until(lambda: any("| Estimated |" in answer.body for answer in answers), PATIENCE)
    for line in [found[0] for answer in answers if (found := _AGAIN.search(answer.body))]:
        books = await ledger.read(outside)
        for item, states in books.states.items():
            if "in_doubt" in states and "succeeded" not in states:
                witness.orders[books.prompts[item]] += 1
        await reacted(await told(outside, line, issue))
        await until(lambda: all("| Estimated |" in each.body for each in answers), PATIENCE)


async def _cancel(outside: World, witness: Witness) -> int:
    outside.images.settings = Settings(latency_ms=300)
    owls = [f"owl {number}" for number in range(6)]
    witness.excused.update(owls)
    more = "".join(f"- {owl}\n" for owl in owls)
    run = await told(outside, f"/batch {CHEAP} --max-concurrent 1\n\n{more}")
    await until(lambda: outside.images.calls or outside.ended(run), PATIENCE)
    cancel = await told(outside, "/batch cancel")
    await ended(outside, run)
    await reacted(cancel)
    return 1


async def _estimate(outside: World, _: Witness) -> int:
    estimate = await told(outside, f"/estimate {CHEAP}\n\n- a red fox\n")
    await reacted(estimate)
    await until(lambda: _offer(outside), PATIENCE)
    await ended(outside, await told(outside, _offer(outside)))
    return 1


def _offer(outside: World) -> str:
    found = [re.search("/batch run [a-z2-7]{10}", comment.body) for comment in outside.answers]
    return next((line[0] for line in found if line), "")


async def _missed(outside: World, _: Witness) -> int:
    await ended(outside, *(each for each in outside.comments if not each.by_app))
    return 1


async def _reference(outside: World, _: Witness) -> int:
    drawn = BytesIO()
    Image.new("RGB", (64, 48)).save(drawn, "PNG")
    outside.github.repository.files["fox.png"] = drawn.getvalue()
    job = {"prompt": "a fox in this style", "operation": "edit", "quality": "low"}
    batch = json.dumps({"jobs": [job | {"reference_image_path": "fox.png", "sample_count": 2}]})
    await ended(outside, await told(outside, f"/batch\n```json\n{batch}\n```"))
    return 1


STORIES = {
    "batch": Story(_batch),
    "side by side": Story(_side_by_side),
    "retry": Story(_retry, also=(Point.RETRY_STORED,)),
    "cancel": Story(_cancel, also=(Point.CANCEL_STORED,)),
    "estimate": Story(_estimate, also=(Point.ESTIMATE_STORED,)),
    "branch": Story(_batch, {"GPTIMAGE_DESTINATION": "branch"}),
    "directory": Story(_batch, {"GPTIMAGE_DESTINATION": "directory"}),
    "missed": Story(
        _missed,
        unheard=f"/batch {CHEAP}\n\n- a red fox\n",
        also=(Point.MISSED_RECORDED, Point.REDELIVERY_ASKED),
    ),
    "reference": Story(_reference),
    "shared spool": Story(_batch, also=(Point.SPOOLED_HERE,), in_a_store=True),
}

ELSEWHERE = frozenset(point for story in STORIES.values() for point in story.also)
"""Points that only the stories pass that name them."""
