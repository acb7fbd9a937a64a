"""What must be true whatever died, as anybody can see it from outside.

The simulators say what was called and billed, GitHub what stands in the thread, a fresh
connection what is in the ledger. Nothing here asks the product.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.core.pricing import Usage, cost
from bot.simulators.images.simulator import Call
from tests.crash.driver import World, browsing

Item = tuple[str, int]
_ROUNDED = 10_000
CAP = 50_000_000  # micro-dollars in a day, if nobody says otherwise

_TABLES = {
    "attempts": "SELECT run_id, item, number, state, amount, cost FROM attempts",
    "items": "SELECT run_id, item, wanted, cancelled, url, path FROM items",
    "runs": "SELECT id, state, finished_at, page_url, report FROM runs",
    "effects": "SELECT id, kind, version, shown, remote, given_up FROM effects",
    "budgets": "SELECT scope, committed FROM budgets",
    "reservations": "SELECT run_id, scope, held FROM reservations",
    "deliveries": "SELECT id, settled_at FROM deliveries",
}
_MONEY = re.compile(r"\| Estimated \|.*\n\|.*\n\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|")
_MARK = re.compile(r"<!-- (gptimage:[^ :]+)")
_PICTURE = re.compile(r'<a href="([^"]+)"><img')


@dataclass(frozen=True)
class Books:
    """All that the ledger holds at one moment."""

    tables: Mapping[str, Sequence[Mapping[str, Any]]]

    def __getitem__(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self.tables[table]

    @property
    def open_intents(self) -> set[Item]:
        """Images whose call is, for the ledger, under way."""
        return {_item(row) for row in self["attempts"] if row["state"] == "started"}

    @property
    def states(self) -> Mapping[Item, set[str]]:
        """How the calls for each image ended."""
        found: dict[Item, set[str]] = {_item(row): set() for row in self["items"]}
        for row in self["attempts"]:
            found[_item(row)].add(row["state"])
        return found

    @property
    def prompts(self) -> Mapping[Item, str]:
        return {_item(row): _wanted(row)["call"]["prompt"] for row in self["items"]}

    @property
    def spooled(self) -> Mapping[str, Item]:
        """Each image by its id, which is in the names of its files."""
        return {_wanted(row)["id"]: _item(row) for row in self["items"]}


def _item(row: Mapping[str, Any]) -> Item:
    return row["run_id"], row["item"]


def _wanted(row: Mapping[str, Any]) -> Any:
    wanted = row["wanted"]
    return json.loads(wanted) if isinstance(wanted, str) else wanted


async def read(world: World) -> Books:
    """The ledger through a connection of its own; empty where there is none yet."""
    return Books(await _ask(world, _TABLES))


async def looks(world: World) -> tuple[int, bool]:
    """How often somebody has looked for missed deliveries, and whether nobody does now."""
    query = "SELECT epoch, until FROM leases WHERE subject = 'log:deliveries'"
    found = (await _ask(world, {"leases": query}))["leases"]
    return (found[0]["epoch"], found[0]["until"] == 0) if found else (0, True)


async def _ask(
    world: World, queries: Mapping[str, str]
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    # One moment's truth: where other machines live on, they write between two of the queries.
    level = "REPEATABLE READ" if world.database.startswith("postgresql") else "SERIALIZABLE"
    engine = create_async_engine(world.database, isolation_level=level)
    found: dict[str, Sequence[Mapping[str, Any]]] = {name: [] for name in queries}
    try:
        async with engine.connect() as connection:
            for name, query in queries.items():
                rows = (await connection.execute(text(query))).mappings().all()
                found[name] = sorted((dict(row) for row in rows), key=repr)
    except DBAPIError as error:
        if not re.search("no such table|does not exist|unable to open", str(error)):
            raise
    finally:
        await engine.dispose()
    return found


@dataclass
class Witness:
    """What was seen at each death: nobody else can know it later."""

    under_way: set[Item] = field(default_factory=set)
    kept: set[Item] = field(default_factory=set)  # their answers were whole in the spool
    orders: Counter[str] = field(default_factory=Counter)  # of images in doubt, by prompt
    complaints: list[str] = field(default_factory=list)

    async def look(self, world: World) -> None:
        """Look at what a death has left."""
        books = await read(world)
        self.under_way |= books.open_intents
        names = books.spooled
        root = world.data_dir / "data" / "spool"
        for file in root.glob("*/*") if root.is_dir() else ():
            for name, item in names.items():
                if re.fullmatch(re.escape(name) + r"-\d+", file.name):
                    self.kept.add(item)
        self.complaints += _over_cap(books)


async def verdict(world: World, witness: Witness, runs: int) -> list[str]:
    """Every promise that is broken, now that all commands have ended."""
    books = await read(world)
    return [
        *witness.complaints,
        *_over_cap(books),
        *_called_too_often(world, witness),
        *unfinished(books),
        *_runs(books, runs),
        *_items(world, books, witness),
        *_bill(world, books),
        *_told(world, books),
        *_comments(world, runs),
        *await _pictures(world, books),
    ]


def command_verdict(world: World, books: Books, witness: Witness) -> list[str]:
    """The same for the command line, where no thread is told."""
    return [
        *witness.complaints,
        *_called_too_often(world, witness),
        *unfinished(books),
        *_runs(books, 1),
        *_items(world, books, witness),
        *_bill(world, books),
    ]


def _called_too_often(world: World, witness: Witness) -> list[str]:
    return [
        f"{prompt!r} was billed {times} times for {1 + witness.orders[prompt]} orders"
        for prompt, times in world.calls.items()
        if times > 1 + witness.orders[prompt]
    ]


def unfinished(books: Books) -> list[str]:
    """What somebody must still do."""
    found = [f"run {row['id']} is {row['state']}" for row in books["runs"] if not _done(row)]
    found += [f"effect {row['id']} is owed" for row in books["effects"] if _owed(row)]
    found += [f"delivery {row['id']} is open" for row in books["deliveries"] if not row[_SETTLED]]
    return found


def _runs(books: Books, runs: int) -> list[str]:
    made = len(books["runs"])
    return [] if made == runs else [f"{made} runs were made of {runs} commands"]


_SETTLED = "settled_at"


def _done(row: Mapping[str, Any]) -> bool:
    return row["state"] == "done" and bool(row["finished_at"])


def _owed(row: Mapping[str, Any]) -> bool:
    return row["shown"] < row["version"] or bool(row["given_up"])


def _items(world: World, books: Books, witness: Witness) -> list[str]:
    found = []
    billed = Counter(world.calls)
    for item, states in books.states.items():
        prompt = books.prompts[item]
        if "started" in states:
            found.append(f"{item} has an intent without an outcome")
        if billed[prompt] and not states & {"succeeded", "in_doubt"}:
            found.append(f"{item} was billed, and the ledger says {states or 'nothing'}")
        if "in_doubt" in states and item not in witness.under_way:
            found.append(f"{item} is in doubt, and its call was not under way at any death")
        if item in witness.kept and "succeeded" not in states:
            found.append(f"{item} was in the spool, and is lost: {states}")
    return found


def bill(calls: Sequence[Call]) -> int:
    """What the image API charges for the calls, in micro-dollars."""
    return sum(_charged(call) for call in calls)


def _charged(call: Call) -> int:
    assert call.order is not None
    used = call.order.usage()
    kinds = used["input_tokens_details"]
    usage = Usage(kinds["text_tokens"], kinds["image_tokens"], used["output_tokens"])
    charged = cost(str(call.sent.get("model")), usage)
    assert charged is not None
    return charged.micros


def spent(books: Books) -> tuple[int, int]:
    """What the ledger says is paid, and what is in doubt."""
    paid = sum(row["cost"] or 0 for row in books["attempts"] if row["state"] == "succeeded")
    doubt = sum(row["amount"] or 0 for row in books["attempts"] if row["state"] == "in_doubt")
    return paid, doubt


def _bill(world: World, books: Books) -> list[str]:
    """Paid and in doubt together explain the bill."""
    (paid, doubt), billed = spent(books), bill(world.images.billed)
    if paid <= billed <= paid + doubt:
        return []
    return [f"the bill is {billed}, the ledger says {paid} paid and {doubt} in doubt"]


def _told(world: World, books: Books) -> list[str]:
    """The budget and the thread say what the ledger says."""
    paid, doubt = spent(books)
    found = [
        f"the budget holds {row['committed']}, not {paid + doubt}"
        for row in books["budgets"]
        if row["committed"] != paid + doubt and row["scope"] == "server"
    ]
    words = [match for answer in world.answers if (match := _MONEY.search(answer.body))]
    told = [sum(map(_micros, match.group(2, 3))) for match in words]
    # A sum of rounded words is told to the cent at worst.
    if abs(sum(told) - paid - doubt) > _ROUNDED * max(1, len(told)):
        found.append(f"the thread tells of {sum(told)}, the ledger of {paid + doubt}")
    if doubt and not any(_micros(match[3]) for match in words):
        found.append("something is in doubt, and the thread names no amount")
    return found


def _micros(words: str) -> int:
    number = re.search(r"\d[\d,]*(\.\d+)?", words)
    return round(float(number[0].replace(",", "")) * 1_000_000) if number else 0


def _over_cap(books: Books) -> list[str]:
    held: defaultdict[str, int] = defaultdict(int)
    for row in books["reservations"]:
        held[row["scope"]] += row["held"]
    over = [f"{scope} holds {sum_} of {CAP}" for scope, sum_ in held.items() if sum_ > CAP]
    torn = [
        f"the budget of {row['scope']} is {row['committed']}, its runs hold {held[row['scope']]}"
        for row in books["budgets"]
        if row["committed"] != held[row["scope"]]
    ]
    return over + torn


def _comments(world: World, runs: int) -> list[str]:
    summaries = [answer for answer in world.answers if "| Estimated |" in answer.body]
    if len(summaries) != runs:
        return [f"{len(summaries)} comments with a bill stand there for {runs} runs"]
    marks = Counter(mark for answer in world.answers for mark in _MARK.findall(answer.body))
    return [f"{mark} stands there {times} times" for mark, times in marks.items() if times > 1]


async def _pictures(world: World, books: Books) -> list[str]:
    """Every image that was made is where the thread, or the folder, has it."""
    made = sum("succeeded" in states for states in books.states.values())
    if world.environment.get("GPTIMAGE_DESTINATION") == "directory":
        folder = world.data_dir / "data" / "images"
        kinds = {".png", ".jpg", ".webp"}
        shown = sum(path.suffix in kinds for path in folder.rglob("*") if _is_image(path.name))
    else:
        urls = [url for answer in world.answers for url in _PICTURE.findall(answer.body)]
        async with browsing(follow_redirects=True) as browser:
            answers = [await browser.get(url) for url in urls]
        shown = sum(a.headers.get("content-type", "").startswith("image/") for a in answers)
    return [] if shown == made else [f"{made} images were made, and {shown} can be seen"]


def _is_image(name: str) -> bool:
    return not name.startswith(("thumb-", "sheet"))
