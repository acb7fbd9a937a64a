"""What may go wrong outside the product, as a table; whatever it is, nobody pays twice for it.

Each fault is made in a world of its own, with real processes, and unmade. Then all commands must
come to their end and the judge finds nothing, as after a death; `said` is what people read.
"""

import asyncio
import shutil
import signal
from collections.abc import Sequence
from functools import partial

from bot.adapters.valkey import embedded_valkey
from bot.simulators.github.faults import Fault as GitHubFault
from bot.simulators.github.faults import FaultKind as GitHubFaultKind
from bot.simulators.github.threads import Comment
from bot.simulators.images.faults import Fault as ImageFault
from bot.simulators.images.faults import FaultKind
from tests.crash import clock, ledger, limit
from tests.crash.driver import until
from tests.crash.ledger import Books
from tests.crash.postgres import away
from tests.crash.stage import Fault, Stage
from tests.crash.stories import PATIENCE, ended, reacted
from tests.crash.troubles import Queue, http_line, small_disk

# --- the queue --------------------------------------------------------------------------------


async def _queue_killed(stage: Stage) -> Sequence[Comment]:
    first = await stage.at_work()
    await stage.queue.kill()
    second = await stage.order()
    stage.go_on()
    return [first, second]


async def _queue_frozen(stage: Stage) -> Sequence[Comment]:
    first = await stage.at_work()
    async with stage.queue.frozen():
        second = await stage.order()
        await until(lambda: stage.log_says("the queue is away"))
    stage.go_on()
    return [first, second]


async def _queue_emptied(stage: Stage) -> Sequence[Comment]:
    """First while a command waits there that nobody works on, then while runs are at work."""
    home = stage.outside.data_dir / "elsewhere"
    url = await stage.things.enter_async_context(embedded_valkey(home))
    stage.outside.environment["REDIS_URL"] = url
    queue = Queue(url)
    first = await _heard_by_the_web_alone(stage, queue)
    await queue.empty()
    stage.expect(not await queue.holds(first.id), "the queue has forgotten nothing")
    stage.hold()
    await stage.serve()
    await until(lambda: stage.outside.images.calls)
    second = await stage.order()
    await queue.empty()
    stage.go_on()
    return [first, second]


async def _queue_from_yesterday(stage: Stage) -> Sequence[Comment]:
    """Its file is an old one, in which a command waits that was carried out since."""
    home = stage.outside.data_dir / "elsewhere"
    files, copy = home / "valkey", home / "copy"
    async with embedded_valkey(home) as url:
        stage.outside.environment["REDIS_URL"] = url
        first = await _heard_by_the_web_alone(stage, Queue(url))
    shutil.copytree(files, copy)
    async with embedded_valkey(home):
        await stage.serve()
        await ended(stage.outside, first)
        stage.hold()
        second = await stage.order()
        await until(lambda: len(stage.outside.images.calls) == 3)
    shutil.rmtree(files)
    shutil.copytree(copy, files)
    await stage.things.enter_async_context(embedded_valkey(home))
    stage.go_on()
    return [first, second]


async def _heard_by_the_web_alone(stage: Stage, queue: Queue) -> Comment:
    """A command that waits in the queue."""
    process, _ = await stage.outside.start("serve", "--no-worker")
    await until(lambda: stage.log_says("gptimage listens on"))
    command = await stage.order()
    await stage.outside.github.webhooks.settled()
    process.send_signal(signal.SIGTERM)
    await process.wait()
    stage.expect(await queue.holds(command.id), "the command does not wait in the queue")
    return command


# --- the database -----------------------------------------------------------------------------


async def _database_dies(stage: Stage) -> Sequence[Comment]:
    """Meanwhile an answer comes in, and somebody orders: GitHub is told to send that again."""
    first = await stage.at_work()
    async with away(stage.site.database):
        stage.outside.images.answering.set()
        second = await stage.order()
        await stage.outside.github.webhooks.settled()
    stage.go_on()
    return [first, second]


# --- the disk ---------------------------------------------------------------------------------

_ROOM = 4 * 2**20  # bytes: enough for the ledger, and not for an image


async def _no_room_for_the_intent(stage: Stage) -> Sequence[Comment]:
    """A call waits to be repeated when the disk fills; whoever orders now is not heard."""
    outside = stage.outside
    disk = stage.things.enter_context(small_disk(outside.data_dir / "data", "16m"))
    outside.images.faults.append(ImageFault(FaultKind.RATE_LIMIT, wait_ms=3000))
    first = await stage.heard()
    await ledger.until(
        outside, lambda books: any("failed" in s for s in books.states.values()), PATIENCE
    )
    disk.fill()
    second = await stage.order()
    await outside.github.webhooks.settled()
    refused = [each for each in outside.github.webhooks.deliveries if each.status_code == 503]
    stage.expect(refused, "GitHub was thanked on a full disk")
    await until(lambda: stage.log_says("run:") and stage.log_says("disk is full"))
    stage.expect(len(outside.images.calls) == 1, "an image was asked for on a full disk")
    disk.empty()
    stage.go_on()
    return [first, second]


async def _no_room_for_an_image(stage: Stage) -> Sequence[Comment]:
    """The ledger can still write; when there is room, a person asks once more."""
    disk = stage.things.enter_context(small_disk(stage.outside.data_dir / "data", "16m"))
    await stage.serve()
    disk.fill(but=_ROOM)
    command = await stage.order()
    await until(lambda: stage.outside.ended(command))
    stage.expect(not stage.outside.images.calls, "an image was asked for without room for it")
    disk.empty()
    stage.go_on()
    await reacted(await stage.outside.say("/batch retry", command.issue))
    await until(lambda: any(_DONE in answer.body for answer in stage.outside.answers))
    return [command]


async def _no_room_for_the_answer(stage: Stage) -> Sequence[Comment]:
    """The disk fills during a call."""
    disk = stage.things.enter_context(small_disk(stage.outside.data_dir / "data", "16m"))
    command = await stage.at_work()
    disk.fill()
    stage.outside.images.answering.set()
    await until(lambda: stage.log_says("was not kept"))
    disk.empty()
    stage.go_on()
    return [command]


# --- GitHub -----------------------------------------------------------------------------------

_DOWN, _UNREACHED = 130.0, 30.0  # seconds
_ALWAYS = 10**6
_SAYS_503 = GitHubFault(status=503, times=_ALWAYS)
_HANGS_UP = GitHubFault(GitHubFaultKind.CUT, times=_ALWAYS)


async def _github_down(stage: Stage, fault: GitHubFault, seconds: float) -> Sequence[Comment]:
    """Images are made meanwhile; the thread hears of them when GitHub is back."""
    first = await stage.at_work()
    faults = stage.outside.github.faults
    faults.add(fault)
    stage.outside.images.answering.set()
    await until(lambda: len(stage.outside.images.calls) == 2)
    await asyncio.sleep(seconds)  # the pauses between two tries become longer
    faults.lines.clear()
    stage.go_on()
    return [first]


async def _github_down_at_the_command(stage: Stage) -> Sequence[Comment]:
    """Nobody can say who commented: nothing starts, and the person asks again."""
    await stage.serve()
    faults = stage.outside.github.faults
    faults.add(_SAYS_503)
    first = await stage.order()
    await until(lambda: sum(call.status == 503 for call in stage.outside.github.calls) > 3)
    await asyncio.sleep(_DOWN)
    faults.lines.clear()
    stage.go_on()
    await reacted(first)
    return [await stage.order(first.issue)]


async def _stored_but_502(stage: Stage) -> Sequence[Comment]:
    for path in (r"/comments$", r"/reactions$", r"/releases$", r"/assets$"):
        fault = GitHubFault(method="POST", path=path, status=502, after_effect=True, times=2)
        stage.outside.github.faults.add(fault)
    return await _goes_on(stage)


async def _half_uploaded(stage: Stage) -> Sequence[Comment]:
    fault = GitHubFault(GitHubFaultKind.STARTER, "POST", path="/assets$", times=2)
    stage.outside.github.faults.add(fault)
    return await _goes_on(stage)


async def _asked_for_pauses(stage: Stage) -> Sequence[Comment]:
    for path in (r"/comments$", r"/reactions$", r"/releases$", r"/assets$"):
        kind = GitHubFaultKind.SECONDARY_LIMIT
        fault = GitHubFault(kind, "POST", path=path, retry_after=2, times=2)
        stage.outside.github.faults.add(fault)
    return await _goes_on(stage)


async def _goes_on(stage: Stage) -> Sequence[Comment]:
    """The fault ends when it has happened so often."""
    command = await stage.at_work()
    stage.go_on()
    return [command]


async def _tokens_end(stage: Stage) -> Sequence[Comment]:
    command = await stage.at_work()
    stage.outside.github.tokens.revoke_all()
    stage.go_on()
    await until(lambda: len(stage.outside.images.calls) == 2)
    stage.outside.github.tokens.revoke_all()
    return [command]


# --- the image API ----------------------------------------------------------------------------


_RUNS, _STORM = 6, 20  # runs of two images, and refusals


async def _image_fault(stage: Stage, fault: ImageFault) -> Sequence[Comment]:
    stage.outside.images.faults.append(fault)
    command = await stage.heard()
    await until(lambda: stage.outside.images.calls)
    stage.go_on()
    return [command]


async def _never_answered(stage: Stage) -> Sequence[Comment]:
    """Until the product gives up by itself."""
    stage.outside.environment |= {"CRASH_DOOR": limit.DOOR, "CRASH_SECONDS": "3"}
    commands = await _image_fault(stage, ImageFault(FaultKind.HANG, prompt="fox"))
    await until(lambda: stage.outside.images.calls[0].outcome == "disconnected")
    return commands


async def _line_is_cut(stage: Stage) -> Sequence[Comment]:
    """In the middle of the answer's head."""
    way = http_line(stage.outside.environment["OPENAI_BASE_URL"])
    line, address = await stage.things.enter_async_context(way)
    stage.outside.environment["OPENAI_BASE_URL"] = address
    command = await stage.at_work()
    line.cut_after = 40
    stage.go_on()
    return [command]


async def _picture_away(stage: Stage) -> Sequence[Comment]:
    """The answer names where its picture is, and that cannot be had until the run has ended."""
    images = stage.outside.images
    images.faults.append(ImageFault(FaultKind.URL, prompt="fox"))
    images.pictures_away = True
    command = await stage.heard()
    await ended(stage.outside, command)
    stage.expect("in doubt" in stage.outside.answers[-1].body, "the picture was there")
    images.pictures_away = False
    stage.go_on()
    await ledger.until(stage.outside, _all_made, PATIENCE)
    return [command]


async def _refused_in_a_storm(stage: Stage) -> Sequence[Comment]:
    """Many runs at once, of whose calls the first many are refused."""
    images = stage.outside.images
    images.faults.append(ImageFault(FaultKind.RATE_LIMIT, times=_STORM, wait_ms=300))
    await stage.serve()
    commands = [await stage.order(await stage.outside.open_issue()) for _ in range(_RUNS)]
    await until(lambda: not images.faults, PATIENCE)
    stage.go_on()
    stage.expect(len(images.calls) > _STORM, "nobody was refused")
    return commands


# --- the clock --------------------------------------------------------------------------------


async def _clock_jumps(stage: Stage, hours: int) -> Sequence[Comment]:
    """And is set right again while runs are under way; GitHub's clock is right all the time.

    Who is ahead holds GitHub's tokens to be over, and is refused new ones: whoever orders then
    is told so once the clock is right.
    """
    stage.outside.environment |= {"CRASH_DOOR": clock.DOOR, "CRASH_HOURS": str(hours)}
    first = await stage.at_work()
    stage.server.send_signal(clock.WRONG)
    second = await stage.order()
    stage.outside.images.answering.set()
    await ledger.until(stage.outside, _is_idle, PATIENCE)
    third = await stage.order()
    stage.server.send_signal(clock.RIGHT)
    stage.go_on()
    if hours < 0:
        return [first, second, third]
    await reacted(second)
    return [first, third]


def _all_made(books: Books) -> bool:
    return all("succeeded" in states for states in books.states.values())


def _is_idle(books: Books) -> bool:
    """Whether no command waits for its answer, and no run may still ask for images."""
    answered = all(row["settled_at"] is not None for row in books["deliveries"])
    return answered and all(row["state"] not in {"queued", "running"} for row in books["runs"])


# --- the table --------------------------------------------------------------------------------


def _image(
    name: str, kind: FaultKind, said: str, doubts: int = 1, failures: int = 0, **options: int
) -> Fault:
    fault = ImageFault(kind, prompt="fox", **options)  # type: ignore[arg-type]
    play = partial(_image_fault, fault=fault)
    return Fault(f"image API: {name}", play, said, "thread", doubts, failures)


_UNHEARD = "503: .*"
_AWAY = r"the queue is away \(\w+\), trying again"
_DONE = "✅ 2 images"
_NOT_ASKED = r"My machine had no room for the image, so I did not ask for it\."
_NOBODY_KNOWS = (
    r"GitHub has a fault of its own \(503\)\. Nothing was started: try again in a moment\."
)

FAULTS = (
    Fault("Valkey killed", _queue_killed, "the embedded queue ended with -9, and is started again"),
    Fault("Valkey frozen", _queue_frozen, _AWAY),
    Fault("Valkey emptied", _queue_emptied, _DONE, "thread"),
    Fault("Valkey from an old file", _queue_from_yesterday, _DONE, "thread"),
    Fault("PostgreSQL killed", _database_dies, _UNHEARD, "GitHub", on_postgres=True),
    Fault("disk full before the intent", _no_room_for_the_intent, _DONE, "thread"),
    Fault("disk: no room for an image", _no_room_for_an_image, _NOT_ASKED, "thread"),
    Fault(
        "disk full during the call",
        *(_no_room_for_the_answer, "could not keep the answer", "thread", 1, 1),
    ),
    Fault("GitHub down", partial(_github_down, fault=_SAYS_503, seconds=_DOWN), _DONE, "thread"),
    Fault(
        "GitHub cannot be reached",
        *(partial(_github_down, fault=_HANGS_UP, seconds=_UNREACHED), _DONE, "thread"),
    ),
    Fault("GitHub down at the command", _github_down_at_the_command, _NOBODY_KNOWS, "thread"),
    Fault("GitHub: stored, but 502", _stored_but_502, _DONE, "thread"),
    Fault("GitHub: half an upload", _half_uploaded, _DONE, "thread"),
    Fault("GitHub: secondary limits", _asked_for_pauses, _DONE, "thread"),
    Fault("GitHub: tokens end", _tokens_end, _DONE, "thread"),
    Fault("image API: never answers", _never_answered, "No answer came in time", "thread", 1),
    _image("524 after a pause", FaultKind.HANG, "No answer came in time", hang_ms=3000),
    Fault("image API: head cut", _line_is_cut, "The image service had a fault", "thread", 1),
    _image("body cut", FaultKind.CUT_BODY, "The answer held no usable image"),
    _image("half of the JSON", FaultKind.HALF_JSON, "The answer held no usable image"),
    _image("307 to elsewhere", FaultKind.REDIRECT, "The answer held no usable image"),
    _image("500", FaultKind.SERVER_ERROR, "The image service had a fault of its own"),
    _image("429, twice", FaultKind.RATE_LIMIT, _DONE, 0, times=2, wait_ms=500),
    _image(
        "429, always",
        *(FaultKind.RATE_LIMIT, "The image service was too busy", 0, 1),
        times=99,
        wait_ms=500,
    ),
    Fault("image API: 429 to six runs", _refused_in_a_storm, _DONE, "thread"),
    Fault("image API: a picture away", _picture_away, _DONE, "thread"),
    Fault(
        "clock two hours ahead",
        *(partial(_clock_jumps, hours=2), "The batch used up its `timeout`", "thread", 0, 1),
    ),
    Fault("clock two hours behind", partial(_clock_jumps, hours=-2), _DONE, "thread"),
)
