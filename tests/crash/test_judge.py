"""Every check of the judge can fail: each is shown a world that is well, but for one thing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.crash import judge
from tests.crash.judge import Billed, Check, Facts, Witness, broken
from tests.crash.ledger import Attempt, Books

# Two images of one run: a fox that is paid for, and an owl whose call was under way at a death.
FOX, OWL = ("r1", 0, 1), ("r1", 1, 1)
COMMENT = """<!-- gptimage:comment-r1:signed -->
**1 of 2 images**
> 1 image is in doubt, $0.0062 at most: it may be billed, so I do not ask again.

| Estimated | Paid | In doubt | Reserved at most |
|--:|--:|--:|--:|
| $0.0109 | $0.0055 | $0.0062 | $0.0124 |

<a href="/fox.png"><img src="/thumb-fox.png"></a>

To order also what is in doubt, and perhaps pay twice: `/batch retry r1 doubt 2`"""


def attempt(item: int, **values: object) -> dict[str, object]:
    row = {"run_id": "r1", "item": item, "number": 1, "amount": 6_200, "cost": None}
    return row | {"request_id": None} | values


def item(index: int, prompt: str) -> dict[str, object]:
    wanted = {"id": f"item{index}", "call": {"prompt": prompt}}
    return {"run_id": "r1", "item": index, "wanted": json.dumps(wanted), "cancelled": False}


BOOKS = Books(
    {
        "attempts": [
            attempt(0, state="succeeded", cost=5_441, request_id="req_1"),
            attempt(1, state="in_doubt"),
        ],
        "items": [item(0, "a fox"), item(1, "an owl")],
        "runs": [
            {
                "id": "r1",
                "state": "done",
                "finished_at": 1,
                "report": '{"total_cost": 0.005441, "in_doubt": 0.0062}',
            }
        ],
        "effects": [
            {"id": "comment-r1", "shown": 3, "version": 3, "remote": 7, "given_up": None},
            {"id": "eyes-r1", "shown": 1, "version": 1, "remote": 8, "given_up": None},
        ],
        "budgets": [{"scope": "server", "window": "2026-10-01", "committed": 11_641}],
        "reservations": [
            {"run_id": "r1", "scope": "server", "window": "2026-10-01", "held": 11_641}
        ],
        "deliveries": [{"id": "d1", "settled_at": 1}],
    }
)
WELL = Facts(
    BOOKS,
    runs=1,
    billed=[Billed("req_1", "a fox", 5_441), Billed("req_2", "an owl", 5_441)],
    witness=Witness(under_way={OWL}, kept={FOX}),
    answers={7: COMMENT},
    shown=["/fox.png"],
)


def with_rows(table: str, number: int = 0, **changes: object) -> Facts:
    """All is well, but for one row of the ledger."""
    rows = [dict(row) for row in BOOKS[table]]
    rows[number] |= changes
    return replace(WELL, books=Books({**BOOKS.tables, table: rows}))


def without_attempt(number: int) -> Facts:
    rows = [row for n, row in enumerate(BOOKS["attempts"]) if n != number]
    return replace(WELL, books=Books({**BOOKS.tables, "attempts": rows}))


def with_report(**changes: object) -> Facts:
    told = json.loads(str(BOOKS["runs"][0]["report"])) | changes
    return with_rows("runs", report=json.dumps(told))


def with_words(old: str, new: str) -> Facts:
    assert old in COMMENT
    return replace(WELL, answers={7: COMMENT.replace(old, new)})


def with_billed(*billed: Billed) -> Facts:
    return replace(WELL, billed=[*WELL.billed, *billed])


def with_witness(**changes: Any) -> Facts:
    return replace(WELL, witness=replace(WELL.witness, **changes))


@dataclass(frozen=True)
class Wrong:
    check: Check
    facts: Facts
    complaint: str


WRONG: Mapping[str, Wrong] = {
    "the judge had a complaint at a death": Wrong(
        judge._seen_at_a_death, with_witness(complaints=["over"]), "over"
    ),
    "an image is called for twice": Wrong(
        judge._called_too_often,
        with_billed(Billed("req_3", "an owl", 5_441)),
        "'an owl' was billed 2 times for 1 orders",
    ),
    "an intent stays open": Wrong(
        judge._left_open, with_rows("attempts", 1, state="started"), "without an outcome"
    ),
    "a run is not done": Wrong(
        judge._left_open, with_rows("runs", state="publishing"), "r1 is publishing"
    ),
    "a comment is not edited": Wrong(judge._left_open, with_rows("effects", version=4), "is owed"),
    "a reaction is given up": Wrong(
        judge._left_open, with_rows("effects", 1, given_up="gone"), "eyes-r1 is owed"
    ),
    "a command is not answered": Wrong(
        judge._left_open, with_rows("deliveries", settled_at=None), "d1 is open"
    ),
    "a command has made no run": Wrong(
        judge._number_of_runs, replace(WELL, runs=2), "1 runs were made of 2 commands"
    ),
    "a death elsewhere makes a doubt": Wrong(
        judge._doubt_without_cause, with_witness(under_way={FOX}), "was not under way at any death"
    ),
    "a kept answer is in doubt": Wrong(
        judge._lost_answers, with_witness(kept={OWL}), "is lost: in_doubt"
    ),
    "a kept answer is forgotten": Wrong(
        judge._lost_answers, with_witness(kept={("r1", 0, 2)}), "is lost: forgotten"
    ),
    "an image is cancelled that nobody cancelled": Wrong(
        judge._not_made, with_rows("attempts", 1, state="failed"), "'an owl' is neither made nor"
    ),
    "an image is forgotten": Wrong(
        judge._not_made, without_attempt(1), "'an owl' is neither made nor in doubt"
    ),
    "the ledger is wrong by a micro-dollar": Wrong(
        judge._unexplained_bill,
        with_rows("attempts", cost=5_442),
        "'a fox' was billed 5441, and the ledger says succeeded, 5442 of 6200",
    ),
    "a doubt is smaller than its bill": Wrong(
        judge._unexplained_bill,
        with_rows("attempts", 1, amount=5_440),
        "'an owl' was billed 5441, and the ledger says in_doubt, None of 5440",
    ),
    "a billed call has failed": Wrong(
        judge._unexplained_bill,
        with_rows("attempts", 1, state="failed", request_id="req_2"),
        "'an owl' was billed 5441, and the ledger says failed",
    ),
    "the ledger knows nothing of a bill": Wrong(
        judge._unexplained_bill, with_billed(Billed("req_3", "a cat", 1)), "says nothing"
    ),
    "the ledger pays what nobody bills": Wrong(
        judge._unexplained_bill, replace(WELL, billed=WELL.billed[1:]), "nobody billed it"
    ),
    "a payment cannot be looked up": Wrong(
        judge._paid_without_a_name, with_rows("attempts", request_id=None), "without a request"
    ),
    "the report is wrong by a micro-dollar": Wrong(
        judge._reported, with_report(total_cost=0.005442), "the report of r1 says"
    ),
    "the report names no doubt": Wrong(judge._reported, with_report(in_doubt=0), "says"),
    "the report knows no cost": Wrong(judge._reported, with_report(total_cost=None), "says"),
    "there is no report": Wrong(judge._reported, with_rows("runs", report=None), "says [None"),
    "the budget keeps what is not spent": Wrong(
        judge._budget,
        with_rows("budgets", committed=11_642),
        "the server's budget holds 11642, not 11641",
    ),
    "a budget is torn from its runs": Wrong(
        judge._budget, with_rows("reservations", held=11_640), "its runs hold 11640"
    ),
    "runs hold more than the cap": Wrong(
        judge._budget, with_rows("reservations", held=judge.CAP + 1), "holds 50000001 of 50000000"
    ),
    "there are two summaries": Wrong(
        judge._summaries,
        replace(WELL, answers={7: COMMENT, 9: COMMENT}),
        "2 comments with a bill stand there for 1 runs",
    ),
    "there is no summary": Wrong(
        judge._summaries, replace(WELL, answers={7: "working on it"}), "0 comments with a bill"
    ),
    "the summary is another comment": Wrong(
        judge._summaries, with_rows("effects", remote=9), "1 comments with a bill"
    ),
    "the thread is wrong by the last place": Wrong(
        judge._told, with_words("$0.0055", "$0.0054"), "the thread says ('$0.0054', '$0.0062')"
    ),
    "the thread names no doubt": Wrong(
        judge._told, with_words("| $0.0062 |", "| $0.00 |"), "('$0.0055', '$0.00')"
    ),
    "no sentence speaks of the doubt": Wrong(
        judge._told, with_words("in doubt, $0.0062 at most", "not there"), "no sentence says so"
    ),
    "the thread names another image as in doubt": Wrong(
        judge._named, with_words("doubt 2`", "doubt 1`"), "would order [('r1', '1')] again"
    ),
    "the thread names no image as in doubt": Wrong(
        judge._named, with_words("/batch retry r1 doubt 2", "nothing"), "would order [] again"
    ),
    "an answer is posted twice": Wrong(
        judge._marks,
        replace(WELL, answers={7: COMMENT, 9: "<!-- gptimage:comment-r1:signed -->"}),
        "gptimage:comment-r1 stands there 2 times",
    ),
    "a picture is not shown": Wrong(
        judge._pictures, replace(WELL, shown=[]), "1 images were made, and 0"
    ),
    "a picture is shown twice": Wrong(
        judge._pictures, replace(WELL, shown=["/fox.png"] * 2), "2 (1 different) can be seen"
    ),
}


def test_where_all_is_well_nothing_is_said() -> None:
    assert broken(WELL) == []


def test_what_need_not_be_made_may_be_left() -> None:
    facts = replace(without_attempt(1), witness=replace(WELL.witness, excused={"an owl"}))
    assert broken(facts, [judge._not_made]) == []


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found_by_its_check(wrong: Wrong) -> None:
    complaints = broken(wrong.facts, [wrong.check])

    assert [words for words in complaints if wrong.complaint in words], complaints


def test_no_check_is_without_a_proof_that_it_can_fail() -> None:
    assert {wrong.check for wrong in WRONG.values()} == set(judge.CHECKS)


def test_the_page_counts_what_was_broken() -> None:
    both = replace(WELL, billed=[*WELL.billed, Billed("req_3", "an owl", 5_441)], shown=[])

    assert judge.counted([*broken(both), "the process ended by itself with 1"]) == [
        "violations     4",
        "  double payments    1",
        "  unreported charges 1",
        "  lost paid images   1",
        "  lost orders        0",
    ]


# --- what is seen at a death ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spooled", "kept", "complaints"),
    [
        (["r1/item0-1.answer", "r1/item0-1.image", f"inputs/{'a' * 64}"], {FOX}, []),
        (["r1/report.json", "r1/item0-1.image"], set(), []),
        (["r1/item0-2.answer"], set(), ["r1/item0-2.answer is in the spool, and answers no"]),
        (["r1/item0-1"], set(), ["r1/item0-1 is in the spool, and answers no known call"]),
    ],
)
def test_a_witness_knows_answers_by_the_names_that_the_spool_gives_them(
    spooled: list[str], kept: set[Attempt], complaints: list[str]
) -> None:
    witness = Witness()

    witness.see(with_rows("attempts", 1, state="started").books, spooled)

    assert witness.under_way == {OWL}
    assert witness.kept == kept
    assert [
        said[: len(words)] for words, said in zip(complaints, witness.complaints, strict=True)
    ] == complaints


def test_a_witness_sees_a_budget_that_is_torn_at_a_death() -> None:
    witness = Witness()

    witness.see(with_rows("budgets", committed=1).books, [])

    assert witness.complaints == ["the budget of server is 1, its runs hold 11641"]


@pytest.mark.parametrize(
    ("micros", "words"),
    [
        (0, "$0.00"),
        (1, "$0.0001"),
        (100, "$0.0001"),
        (10_000, "$0.01"),
        (5_441, "$0.0055"),
        (1_234_567_890, "$1,234.5679"),
    ],
)
def test_money_is_told_in_four_places_and_never_too_low(micros: int, words: str) -> None:
    assert judge.printed(micros) == words
