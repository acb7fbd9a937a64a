"""What must be true whatever died, as anybody can see it from outside.

The simulators say what was called and billed, GitHub what stands in the thread, a fresh connection
what is in the ledger. Nothing here asks the product. Facts are gathered first and judged then: each
of the CHECKS is a function of them, and test_judge.py shows of each that it can fail.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bot.simulators.images.simulator import Call
from tests.crash.driver import World, browsing
from tests.crash.ledger import Attempt, Books, Row, read

CAP = 50_000_000  # micro-dollars in a day, if nobody says otherwise

# OpenAI's price list of 2026-11, micro-dollars for a token: what the product believes is judged by
# it, and not by itself.
_PRICED, _TEXT, _IMAGE, _OUTPUT = "gpt-image-2", 5, 8, 30

_BILL = "| Estimated |"
_MONEY = re.compile(r"\| Estimated \|.*\n\|.*\n\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|")
_AGAIN = re.compile(r"/batch retry ([a-z0-9]+) doubt ([\d ]+)`")
_MARK = re.compile(r"<!-- (gptimage:[^ :]+)")
_OTHERS = re.compile(r"probe|inputs/[0-9a-f]{64}|[^/]+/(report\.json|[^/]+-\d+\.image[.\w]*)")
_PICTURE = re.compile(r'<a href="([^"]+)"><img')


@dataclass
class Witness:
    """What was seen at each death: nobody else can know it later."""

    under_way: set[Attempt] = field(default_factory=set)
    kept: set[Attempt] = field(default_factory=set)  # their answers were whole in the spool
    orders: Counter[str] = field(default_factory=Counter)  # of images in doubt, by prompt
    excused: set[str] = field(default_factory=set)  # prompts of images that need not be made
    cap: int = CAP
    complaints: list[str] = field(default_factory=list)

    async def look(self, world: World) -> None:
        """Look at what a death has left."""
        # The spool first: other machines go on, and an intent is in the ledger before its answer.
        spooled = await world.spooled()
        self.see(await read(world), spooled)

    def see(self, books: Books, spooled: Sequence[str]) -> None:
        """Remember the calls that were under way, and the answers that are there."""
        self.under_way |= books.open_intents
        known = books.answers
        self.kept |= {known[key] for key in spooled if key in known}
        strange = [key for key in spooled if key not in known and not _OTHERS.fullmatch(key)]
        words = [f"{key} is in the spool, and answers no known call" for key in strange]
        self.complaints += [each for each in words if each not in self.complaints]
        self.complaints += over_cap(books, self.cap)


@dataclass(frozen=True)
class Billed:
    """A call that the image API charges for."""

    request: str
    prompt: str
    micros: int


@dataclass(frozen=True)
class Facts:
    """All that is known when everything has ended."""

    books: Books
    runs: int  # as many as people have ordered
    billed: Sequence[Billed]
    witness: Witness = field(default_factory=Witness)
    answers: Mapping[int, str] = field(default_factory=dict)  # our comments, by GitHub's id
    shown: Sequence[str] = ()  # the pictures that people can see


async def verdict(world: World, witness: Witness, runs: int) -> list[str]:
    """Every promise that is broken, now that all commands have ended."""
    books = await read(world)
    answers = {answer.id: answer.body for answer in world.answers}
    shown = await _shown(world)
    return broken(Facts(books, runs, bills(world.images.billed), witness, answers, shown))


def command_verdict(world: World, books: Books, witness: Witness) -> list[str]:
    """The same for the command line, where no thread is told."""
    facts = Facts(books, 1, bills(world.images.billed), witness)
    return broken(facts, [check for check in CHECKS if check not in IN_THREADS])


def broken(facts: Facts, checks: "Sequence[Check] | None" = None) -> list[str]:
    """What the checks say, all of them unless told otherwise, each under its promise."""
    return [
        f"{promise}: {words}"
        for promise, its_checks in PROMISES.items()
        for check in its_checks
        if check in (checks or CHECKS)
        for words in check(facts)
    ]


# --- calls and images -------------------------------------------------------------------------


def _seen_at_a_death(facts: Facts) -> list[str]:
    return facts.witness.complaints


def _called_too_often(facts: Facts) -> list[str]:
    wanted = Counter(facts.books.prompts.values()) + facts.witness.orders
    return [
        f"{prompt!r} was billed {times} times for {wanted[prompt]} orders"
        for prompt, times in Counter(call.prompt for call in facts.billed).items()
        if times > wanted[prompt]
    ]


def _left_open(facts: Facts) -> list[str]:
    intents = [f"{each} has an intent without an outcome" for each in facts.books.open_intents]
    return intents + unfinished(facts.books)


def unfinished(books: Books) -> list[str]:
    """What somebody must still do."""
    found = [f"run {row['id']} is {row['state']}" for row in books["runs"] if not _done(row)]
    found += [f"effect {row['id']} is owed" for row in books["effects"] if _owed(row)]
    found += [
        f"delivery {row['id']} is open" for row in books["deliveries"] if not row["settled_at"]
    ]
    return found


def _done(row: Row) -> bool:
    return row["state"] == "done" and bool(row["finished_at"])


def _owed(row: Row) -> bool:
    return row["shown"] < row["version"] or bool(row["given_up"])


def _number_of_runs(facts: Facts) -> list[str]:
    made = len(facts.books["runs"])
    return [] if made == facts.runs else [f"{made} runs were made of {facts.runs} commands"]


def _doubt_without_cause(facts: Facts) -> list[str]:
    return [
        f"{each} is in doubt, and its call was not under way at any death"
        for each, row in facts.books.attempts.items()
        if row["state"] == "in_doubt" and each not in facts.witness.under_way
    ]


def _lost_answers(facts: Facts) -> list[str]:
    found = {each: row["state"] for each, row in facts.books.attempts.items()}
    return [
        f"{each} was in the spool, and is lost: {found.get(each, 'forgotten')}"
        for each in sorted(facts.witness.kept)
        if found.get(each) != "succeeded"
    ]


def _not_made(facts: Facts) -> list[str]:
    """Every image that people ordered was made, or is in doubt; whoever stops early saves it."""
    return [
        f"{facts.books.prompts[item]!r} is neither made nor in doubt"
        for item, states in facts.books.states.items()
        if not states & {"succeeded", "in_doubt"}
        and facts.books.prompts[item] not in facts.witness.excused
    ]


# --- money, to the micro-dollar ---------------------------------------------------------------


def bill(calls: Sequence[Call]) -> int:
    """What the image API charges for the calls, in micro-dollars."""
    return sum(each.micros for each in bills(calls))


def bills(calls: Sequence[Call]) -> list[Billed]:
    """What it charges for each of them."""
    return [Billed(call.request_id, str(call.sent["prompt"]), _charged(call)) for call in calls]


def _charged(call: Call) -> int:
    assert call.order is not None
    used = call.order.usage()
    kinds = used["input_tokens_details"]
    assert str(call.sent.get("model")).startswith(_PRICED)
    inputs = _TEXT * kinds["text_tokens"] + _IMAGE * kinds["image_tokens"]
    return int(inputs + _OUTPUT * used["output_tokens"])


def spent(books: Books, run: str | None = None) -> tuple[int, int]:
    """What the ledger says is paid, and what is in doubt at most; of one run, or of all."""
    rows = [row for row in books["attempts"] if run in (None, row["run_id"])]
    paid = sum(row["cost"] or 0 for row in rows if row["state"] == "succeeded")
    return paid, sum(row["amount"] or 0 for row in rows if row["state"] == "in_doubt")


def _unexplained_bill(facts: Facts) -> list[str]:
    """Each call that was billed is an attempt that is paid for exactly, or one that may be."""
    prompts = facts.books.prompts
    by_request = {row["request_id"]: row for row in facts.books["attempts"] if row["request_id"]}
    doubts = defaultdict[str, list[Row]](list)  # whose answer never came, so nobody knows its name
    for row in facts.books["attempts"]:
        if row["state"] == "in_doubt" and not row["request_id"]:
            doubts[prompts[row["run_id"], row["item"]]].append(row)
    found = []
    for call in facts.billed:
        nameless = doubts[call.prompt]
        known = by_request.pop(call.request) if call.request in by_request else None
        says = known or (nameless.pop() if nameless else None)
        if says is None or not _explains(says, call):
            what = f"{says['state']}, {says['cost']} of {says['amount']}" if says else "nothing"
            found.append(f"{call.prompt!r} was billed {call.micros}, and the ledger says {what}")
    kept = [row for row in by_request.values() if row["state"] == "succeeded"]
    return found + [f"{row['request_id']} is paid for, and nobody billed it" for row in kept]


def _explains(row: Row, call: Billed) -> bool:
    match row["state"]:
        case "succeeded":
            return bool(row["cost"] == call.micros)
        case "in_doubt":
            return bool(row["amount"] >= call.micros)
        case _:
            return False


def _paid_without_a_name(facts: Facts) -> list[str]:
    """A call that is paid for can be looked up at the server."""
    rows = facts.books["attempts"]
    nameless = [row for row in rows if row["state"] == "succeeded" and not row["request_id"]]
    return [f"{row['run_id']}/{row['item']} is paid for without a request" for row in nameless]


def _reported(facts: Facts) -> list[str]:
    """The stored reports say what the ledger says."""
    found = []
    for row in facts.books["runs"]:
        report = json.loads(row["report"] or "{}", parse_float=Decimal)
        says = [report.get(name) for name in ("total_cost", "in_doubt")]
        right = [micros / Decimal(1_000_000) for micros in spent(facts.books, row["id"])]
        if says != right:
            found.append(f"the report of {row['id']} says {says}, not {right}")
    return found


def _budget(facts: Facts) -> list[str]:
    """Once all have ended, what is spoken for is what was spent, or may have been."""
    total, held = sum(spent(facts.books)), defaultdict[str, int](int)
    for row in facts.books["budgets"]:
        held[row["scope"]] += row["committed"]
    found = [f"the server's budget holds {held['server']}, not {total}"]
    return (found if held["server"] != total else []) + over_cap(facts.books, facts.witness.cap)


def over_cap(books: Books, cap: int) -> list[str]:
    """Budgets that hold more than the day's cap, or not what their runs hold."""
    held: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in books["reservations"]:
        held[row["scope"], row["window"]] += row["held"]
    over = [f"{scope} holds {sum_} of {cap}" for (scope, _), sum_ in held.items() if sum_ > cap]
    return over + [
        f"the budget of {row['scope']} is {row['committed']}, its runs hold"
        f" {held[row['scope'], row['window']]}"
        for row in books["budgets"]
        if row["committed"] != held[row["scope"], row["window"]]
    ]


# --- the thread -------------------------------------------------------------------------------


def _summaries(facts: Facts) -> list[str]:
    """Each run has one comment with its bill, the one that the ledger knows; nobody else has."""
    with_bill = {id_ for id_, body in facts.answers.items() if _BILL in body}
    known = {_comment_of(facts, row["id"]) for row in facts.books["runs"]}
    if len(known) == facts.runs and known == with_bill:
        return []
    return [f"{len(with_bill)} comments with a bill stand there for {facts.runs} runs"]


def _comment_of(facts: Facts, run: str) -> int | None:
    return next(
        (row["remote"] for row in facts.books["effects"] if row["id"] == f"comment-{run}"), None
    )


def _told(facts: Facts) -> list[str]:
    """The thread names both amounts of each run, as exactly as it prints money."""
    found = []
    for row in facts.books["runs"]:
        body = facts.answers.get(_comment_of(facts, row["id"]) or 0, "")
        match, right = _MONEY.search(body), tuple(map(printed, spent(facts.books, row["id"])))
        says = tuple(cell.strip() for cell in match.group(2, 3)) if match else ()
        if says != right:
            found.append(f"the thread says {says} of {row['id']}, not {right}")
        elif _doubtful(facts, row["id"]) and f"in doubt, {right[1]} at most" not in _top(body):
            found.append(f"{right[1]} of {row['id']} are in doubt, and no sentence says so")
    return found


def _named(facts: Facts) -> list[str]:
    """The line that orders again what is in doubt names these images of its run, and no others."""
    found = []
    for row in facts.books["runs"]:
        run = row["id"]
        lines = _AGAIN.findall(facts.answers.get(_comment_of(facts, run) or 0, ""))
        doubtful = " ".join(map(str, _doubtful(facts, run)))
        right = [(run, doubtful)] if doubtful else []
        if lines != right:
            found.append(f"the thread would order {lines} again, not {right}")
    return found


def _doubtful(facts: Facts, run: str) -> list[int]:
    """The numbers, from 1 on, of the run's images in doubt that were not made after all."""
    items = sorted((each, found) for each, found in facts.books.states.items() if each[0] == run)
    return [each[1] + 1 for each, s in items if "in_doubt" in s and "succeeded" not in s]


def _top(body: str) -> str:
    return body.partition(_BILL)[0]


def printed(micros: int) -> str:
    """As people read it: cents, or four places where there is less; nobody is told too little."""
    parts = -(-micros // 100)
    return f"${parts // 10_000:,}.{parts % 10_000:04}".removesuffix("00")


def _marks(facts: Facts) -> list[str]:
    marks = Counter(mark for body in facts.answers.values() for mark in _MARK.findall(body))
    return [f"{mark} stands there {times} times" for mark, times in marks.items() if times > 1]


def _pictures(facts: Facts) -> list[str]:
    """Every image that was made is where the thread, or the folder, has it, once."""
    made = sum("succeeded" in states for states in facts.books.states.values())
    seen = len(set(facts.shown))
    if made == seen == len(facts.shown):
        return []
    return [f"{made} images were made, and {len(facts.shown)} ({seen} different) can be seen"]


async def _shown(world: World) -> list[str]:
    if world.environment.get("GPTIMAGE_DESTINATION") == "directory":
        folder = world.data_dir / "data" / "images"
        kinds = {".png", ".jpg", ".webp"}
        files = (path for path in folder.rglob("*") if path.suffix in kinds)
        return [str(path) for path in files if not _is_copy(path.name)]
    urls = [url for answer in world.answers for url in _PICTURE.findall(answer.body)]
    async with browsing(follow_redirects=True) as browser:
        answers = {url: await browser.get(url) for url in set(urls)}
    return [url for url in urls if _is_image(answers[url].headers.get("content-type", ""))]


def _is_copy(name: str) -> bool:
    return name.startswith(("thumb-", "sheet")) or "_thumb." in name


def _is_image(kind: str) -> bool:
    return kind.startswith("image/")


_ELSE = "anything else"
Check = Callable[[Facts], Sequence[str]]
IN_THREADS: tuple[Check, ...] = (_budget, _summaries, _told, _named, _marks, _pictures)
PROMISES: Mapping[str, tuple[Check, ...]] = {
    "double payments": (_called_too_often,),
    "unreported charges": (_unexplained_bill, _paid_without_a_name, _reported, _told, _named),
    "lost paid images": (_lost_answers, _pictures),
    "lost orders": (_not_made,),
    _ELSE: (
        *(_seen_at_a_death, _left_open, _number_of_runs, _doubt_without_cause),
        *(_budget, _summaries, _marks),
    ),
}
"""What a broken promise is called, and the checks that see it."""

CHECKS = tuple(check for checks in PROMISES.values() for check in checks)


def counted(violations: Sequence[str]) -> list[str]:
    """How often a promise was broken, and the dearest of them; a line for each."""
    times = Counter(each.partition(":")[0] for each in violations)
    dearest = [promise for promise in PROMISES if promise != _ELSE]
    return [
        f"violations     {len(violations)}",
        *(f"  {each:18} {times[each]}" for each in dearest),
    ]
