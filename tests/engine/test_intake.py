"""A delivery becomes an answer or a stored run: once, and only for those who may spend."""

import asyncio
import html
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.ledger import SqlLedger, open_ledger
from bot.core import killpoints
from bot.core.errors import HostError
from bot.core.event import CommentEvent, delivery_id, run_id
from bot.core.killpoints import Point
from bot.core.markdown import Markers
from bot.core.policy import Limits
from bot.core.ports import Delivery, NoFile, Role, Task
from bot.core.pricing import Money
from bot.core.rules import Rules
from bot.core.run import Person, Stop
from bot.engine.intake import Intake
from bot.engine.outbox import Postman
from bot.engine.positions import Positions
from bot.engine.recover import Recover
from bot.engine.rulebook import Rulebook
from tests.engine.desk import START, THREAD, Bare, Clock, Crash, Desk, Fault, Queue

FOX = "/batch --quality low --size 1024x1024\n\n- a red fox"
TYPO = '/batch\n\n```json\n{"jbos": []}\n```'
ADA = Person(42, "ada")


def event(body: str = FOX, comment: int = 1, action: str = "created") -> CommentEvent:
    return CommentEvent(
        action="edited" if action == "edited" else "created",
        body=body,
        thread=replace(THREAD, comment=comment),
        author=ADA,
        sender=ADA,
        sender_type="User",
        owner=Person(1, "octo"),
        default_branch="main",
        comment_created_at=START,
    )


@dataclass
class Door:
    ledger: SqlLedger
    desk: Desk
    queue: Queue
    clock: Clock
    rules: Rules
    pictures: Bare = field(default_factory=Bare)

    @property
    def intake(self) -> Intake:
        postman = Postman(self.ledger, self.desk, Markers(b"a key"), self.clock)
        book = Rulebook(self.desk, self.rules, self.clock)
        parts = (self.ledger, self.desk, self.pictures, postman, self.queue, self.clock)
        return Intake(*parts, self.rules, book)

    async def receive(self, said: CommentEvent) -> str:
        name = delivery_id(said)
        await self.ledger.inbox.receive(Delivery(name, "guid", said, self.clock()))
        return name

    async def handle(self, said: CommentEvent) -> None:
        await self.intake.handle(await self.receive(said))

    async def swept(self) -> list[tuple[Task, str]]:
        queue = Queue()
        positions = Positions(self.ledger, self.clock, lambda _, ahead: f"{ahead} before it")
        await Recover(self.ledger, queue, self.clock, positions).sweep()
        return queue.tasks

    async def runs(self) -> list[str]:
        return list(await self.ledger.runs.unfinished(self.clock(), limit=1000))


@pytest.fixture
async def door(empty: Path, tmp_path: Path) -> AsyncIterator[Door]:
    shutil.copy(empty, tmp_path / "ledger.db")
    ledger = await open_ledger(tmp_path / "ledger.db", patience=timedelta(minutes=1))
    yield Door(ledger, Desk(), Queue(), Clock(), Rules(owners=frozenset({"octo"})))
    await ledger.close()


@pytest.mark.parametrize("status", [None, 403, 500])
async def test_a_role_that_cannot_be_read_starts_nothing(door: Door, status: int | None) -> None:
    door.desk.given_role = HostError("GitHub did not answer.", status=status)
    await door.handle(event())
    assert await door.runs() == []
    (answer,) = door.desk.comments.values()
    assert "again" in answer
    assert not await door.ledger.inbox.unsettled(door.clock())


async def test_after_that_an_edit_asks_again(door: Door) -> None:
    door.desk.given_role = HostError("GitHub did not answer.")
    await door.handle(event())
    door.desk.given_role = Role.WRITE
    await door.handle(event(FOX + " and an owl", action="edited"))
    assert await door.runs() == [run_id(event().thread)]
    assert len(door.desk.comments) == 1


@pytest.mark.parametrize("role", [Role.NONE, Role.READ, Role.TRIAGE])
async def test_who_may_not_write_gets_one_quiet_reaction(door: Door, role: Role) -> None:
    door.desk.given_role = role
    await door.handle(event())
    assert await door.runs() == []
    assert (door.desk.reactions, door.desk.comments) == (["confused"], {})


async def test_an_owner_who_is_not_served_hears_nothing(door: Door) -> None:
    door.rules = Rules(owners=frozenset({"somebody-else"}))
    await door.handle(event())
    assert await door.runs() == []
    assert door.desk.writes == 0
    assert not await door.ledger.inbox.unsettled(door.clock())


async def test_the_same_delivery_many_times_at_once_is_one_run(door: Door) -> None:
    name = await door.receive(event())
    await asyncio.gather(*(door.intake.handle(name) for _ in range(10)))
    await door.intake.handle(name)
    assert await door.runs() == [run_id(event().thread)]
    assert len(door.desk.comments) == 1
    assert door.desk.reactions == ["eyes"]


async def test_a_thread_that_hears_too_much_says_so_once_and_is_quiet_for_an_hour(
    door: Door,
) -> None:
    for number in range(20):
        await door.handle(event("/batch help", comment=number))
    assert len(door.desk.comments) == 20
    late = [event(FOX, comment=number) for number in range(20, 30)]
    await asyncio.gather(*(door.handle(each) for each in late))
    assert len(door.desk.comments) == 21
    assert "until 10:\u200b30 UTC" in door.desk.comments[21]
    other = replace(event(comment=30), thread=replace(THREAD, issue=4, comment=30))
    await door.handle(other)
    assert await door.runs() == [run_id(other.thread)]
    door.clock.pass_(minutes=59)
    await door.handle(event(comment=31))
    door.clock.pass_(minutes=1)
    await door.handle(event(comment=32))
    assert await door.runs() == [run_id(other.thread), run_id(event(comment=32).thread)]


async def test_in_a_thread_that_is_quiet_a_run_can_still_be_cancelled(door: Door) -> None:
    for number in range(21):
        await door.handle(event(FOX, comment=number))
    run = run_id(event(comment=7).thread)
    await door.handle(event(f"/batch cancel {run}", comment=50))
    assert await door.ledger.runs.stop_requested(run) is Stop.CANCELLED
    assert len(await door.runs()) == 20


async def test_people_without_rights_cannot_make_a_thread_quiet(door: Door) -> None:
    door.desk.given_role = Role.READ
    for number in range(30):
        await door.handle(event(comment=number))
    door.desk.given_role = Role.WRITE
    await door.handle(event(comment=30))
    assert len(await door.runs()) == 1


async def test_a_death_before_the_thread_is_quiet_says_it_once(door: Door) -> None:
    for number in range(20):
        await door.handle(event("/batch help", comment=number))
    door.desk.faults = [Fault.DIES_AFTER]
    with pytest.raises(Crash):
        await door.handle(event(comment=20))
    door.clock.pass_(seconds=20)
    assert (Task.INTAKE, delivery_id(event(comment=20))) in await door.swept()
    await door.intake.handle(delivery_id(event(comment=20)))
    for task, name in await door.swept():
        assert task is Task.DELIVER
        await door.intake.postman.deliver(name)
    assert len(door.desk.comments) == 21
    assert await door.runs() == []


async def test_a_run_whose_queue_was_away_is_found_by_the_sweep(door: Door) -> None:
    door.queue.away = True
    with pytest.raises(ConnectionError):
        await door.handle(event())
    assert await door.swept() == [(Task.RUN, run_id(event().thread))]


async def test_a_death_after_the_commit_leaves_all_to_the_sweep(door: Door) -> None:
    def die(point: Point) -> None:
        if point is Point.RUN_OPENED:
            raise Crash

    killpoints.install(die)
    with pytest.raises(Crash):
        await door.handle(event())
    killpoints.install(lambda _: None)
    name = run_id(event().thread)
    assert set(await door.swept()) == {
        (Task.RUN, name),
        (Task.DELIVER, f"comment-{name}"),
        (Task.DELIVER, f"eyes-{name}"),
    }
    assert door.queue.tasks == []


async def test_a_mended_comment_runs_and_its_answer_is_mended(door: Door) -> None:
    await door.handle(event(TYPO))
    await door.handle(event(FOX, action="edited"))
    assert await door.runs() == [run_id(event().thread)]
    assert len(door.desk.comments) == 1
    assert "jbos" not in door.desk.comments[1]


async def test_a_batch_in_yaml_runs_and_its_faults_have_their_lines(door: Door) -> None:
    await door.handle(event("/batch\n```yaml\njobs:\n  - prompt: a fox\n    qality: low\n```"))
    assert "jobs&#91;0&#93;.qality (line 3, column 5)" in door.desk.comments[1]
    good = "/batch\n```yaml\njobs:\n  - prompt: a fox\n    quality: low\n```"
    await door.handle(event(good, action="edited"))
    assert await door.runs() == [run_id(event().thread)]


FILE = b'{"jobs": [{"prompt": "a red fox", "quality": "low"}]}'


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("jobs/fox.json", FILE),
        ("fox.jsonc", b"// one\n" + FILE),
        ("fox.yaml", b"jobs:\n  - prompt: a red fox\n    quality: low\n"),
        ("fox.YML", b"\xef\xbb\xbfjobs: [{prompt: a red fox, quality: low}]"),
    ],
)
async def test_a_file_of_the_default_branch_runs(door: Door, path: str, data: bytes) -> None:
    door.desk.files = {path: data}
    await door.handle(event(f"/batch {path} --size 1024x1024"))
    view = await door.ledger.runs.get(run_id(event().thread))
    assert view is not None
    (job,) = view.run.batch.jobs
    assert (job.prompt, job.quality, job.size) == ("a red fox", "low", "1024x1024")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (NoFile.MISSING, "There is no file “fox.json” on the default branch."),
        (NoFile.FOLDER, "“fox.json” is a folder."),
        (NoFile.LINK, "“fox.json” leads out of this repository."),
        (NoFile.SUBMODULE, "“fox.json” leads out of this repository."),
        (b" " * 1_000_001, "“fox.json” is larger than 1,000,000 bytes."),
        (b"\xff", "it is not UTF-8 text (byte 0)"),
        (b"[]", "the batch must be an object"),
        (b'{"jobs": []}', "must have 1 to 100 entries, not 0"),
    ],
)
async def test_a_file_that_is_no_batch_says_why(
    door: Door, found: bytes | NoFile, sentence: str
) -> None:
    door.desk.files = {"fox.json": found}
    await door.handle(event("/batch fox.json"))
    assert await door.runs() == []
    assert door.desk.reactions == ["confused"]
    assert sentence in html.unescape(door.desk.comments[1]).replace("\u200b", "")


async def test_a_fault_in_a_file_names_the_file_and_is_mended_there(door: Door) -> None:
    door.desk.files = {"fox.yaml": b"jobs:\n  - promt: a fox\n"}
    await door.handle(event("/batch fox.yaml"))
    assert "(line 2, column 5)" in door.desk.comments[1]
    assert "Mend fox.yaml on the default branch" in door.desk.comments[1]
    door.desk.files = {"fox.yaml": b"jobs:\n  - prompt: a fox\n"}
    await door.handle(event("/batch fox.yaml please", action="edited"))
    assert await door.runs() == []
    await door.handle(event("/batch fox.yaml\n\nnow", action="edited"))
    assert await door.runs() == [run_id(event().thread)]
    assert len(door.desk.comments) == 1


async def test_a_file_that_github_does_not_give_starts_nothing(door: Door) -> None:
    door.desk.files = HostError("GitHub did not answer in time.")
    await door.handle(event("/batch fox.json"))
    assert await door.runs() == []
    assert "GitHub did not answer in time." in door.desk.comments[1]


async def test_who_may_not_write_has_no_file_read(door: Door) -> None:
    door.desk.given_role = Role.READ
    door.desk.files = HostError("nobody asks for it")
    await door.handle(event("/batch fox.json"))
    assert door.desk.comments == {}


async def test_an_edit_by_somebody_else_runs_nothing(door: Door) -> None:
    await door.handle(replace(event(action="edited"), sender=Person(43, "bob")))
    assert await door.runs() == []
    assert door.desk.writes == 0


@pytest.mark.parametrize("body", [TYPO, FOX, "never mind"])
async def test_an_edit_of_what_runs_changes_nothing(door: Door, body: str) -> None:
    await door.handle(event())
    writes = door.desk.writes
    await door.handle(event(body, action="edited"))
    assert door.desk.writes == writes


async def test_an_original_that_comes_after_its_edit_does_not_take_the_answer_back(
    door: Door,
) -> None:
    await door.handle(event(FOX, action="edited"))
    shown = dict(door.desk.comments)
    await door.handle(event(TYPO))
    assert door.desk.comments == shown


async def test_of_a_hundred_at_once_as_many_run_as_the_cap_has_room_for(door: Door) -> None:
    await door.handle(event(comment=1))
    view = await door.ledger.runs.get(run_id(event(comment=1).thread))
    assert view is not None
    assert view.run.upper_bound is not None
    limit = Money(50 * view.run.upper_bound.micros)
    door.rules = Rules(owners=frozenset({"octo"}), limits=Limits(server_day=limit))
    issues = [replace(THREAD, issue=number, comment=number) for number in range(2, 102)]
    said = [replace(event(), thread=thread) for thread in issues]
    await asyncio.gather(*(door.handle(each) for each in said))
    assert len(await door.runs()) == 1 + 50
