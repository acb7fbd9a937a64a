"""What a comment asks for, and what it does not."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.command import (
    COMMANDS,
    Batch,
    Block,
    Cancel,
    Command,
    Estimate,
    Help,
    InRepository,
    Prompts,
    Retry,
    RunEstimate,
    Status,
    parse_command,
    retry_line,
)
from bot.core.errors import CommandError

JSON = '{"jobs": [{"prompt": "a red fox"}]}'
BLOCK = Block(JSON + "\n", "json")


def fenced(text: str, fence: str = "```", language: str = "json") -> str:
    return f"{fence}{language}\n{text}\n{fence}"


def problem(text: str) -> str:
    with pytest.raises(CommandError) as caught:
        parse_command(text)
    return str(caught.value)


def test_a_block_below_the_command_is_its_batch() -> None:
    assert parse_command(f"/batch\n{fenced(JSON)}") == Batch(BLOCK)
    assert parse_command(f"/estimate\n\n{fenced(JSON)}") == Estimate(BLOCK)


def test_a_greeting_above_and_thanks_below_are_fine() -> None:
    text = f"Good morning!\nPlease make these.\n/batch\n\n{fenced(JSON)}\n\nThank you\n\n- Ann"
    assert parse_command(text) == Batch(BLOCK)


@pytest.mark.parametrize("language", ["json", "JSON", "jsonc", "yaml", "yml", ""])
@pytest.mark.parametrize("fence", ["```", "`````", "~~~"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_any_fence_and_line_ending_will_do(fence: str, language: str, newline: str) -> None:
    text = f"/batch\n{fenced(JSON, fence, language)}".replace("\n", newline)
    assert parse_command(text) == Batch(Block(JSON + "\n", language.lower()))


def test_a_longer_fence_may_hold_a_shorter_one() -> None:
    prompt = '{"jobs": [{"prompt": "a page with\n```\non it"}]}'
    assert parse_command(f"/batch\n{fenced(prompt, '````')}") == Batch(Block(prompt + "\n", "json"))


def test_each_line_of_a_list_is_a_prompt_and_its_markup_stays_text() -> None:
    text = "/batch\n- a *red* fox\n- a `cat`\n  on a roof\n\n- 東京の夜"
    assert parse_command(text) == Batch(Prompts(("a *red* fox", "a `cat` on a roof", "東京の夜")))
    assert parse_command("/estimate\n1. one\n2. two") == Estimate(Prompts(("one", "two")))


@pytest.mark.parametrize(
    "text", ["/batch", "  /batch  ", "Hello\n/batch", "/batch help", "/estimate"]
)
def test_a_bare_command_asks_for_help(text: str) -> None:
    assert parse_command(text) == Help()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What about /batch here?",
        "> /batch",
        "> somebody wrote\n/batch",  # a lazy line still belongs to the quote
        "On Fri, 20 Nov 2026 at 09:30, Ann <ann@example.org> wrote:\n> /batch retry\n> - a fox",
        "> /batch run rfbghrhhek",
        "<!-- /batch cancel -->",
        "`/batch cancel`",
        "/estimate status",  # of a bot that plans work
        "On Friday Ann wrote:\n\n> /batch\n> ```json\n> {}\n> ```",
        "`/batch`",
        "a code span `over\n/batch\n` lines",
        "    /batch",
        fenced("/batch"),
        "<!--\n\n/batch\n\n-->",
        "a comment <!-- in a\n/batch\n--> line",
        "<pre>\n/batch\n</pre>",
        "- /batch",
        "# /batch",
        "[a link\n/batch](https://example.org)",
        "/batches",
        "/batch: soon",
        "/assign @octocat\n/close",
        "/estimate 3h",  # of a bot that plans work
        "/estimate 1d/2h",
        "https://example.org/batch",
    ],
)
def test_what_is_not_a_plain_line_asks_for_nothing(text: str) -> None:
    assert parse_command(text) is None


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("/batch jobs/foxes.json", "jobs/foxes.json"),
        ("/batch ./foxes.yml", "foxes.yml"),
        ("/batch .github/batches/fox.YAML", ".github/batches/fox.YAML"),
        ("/batch `jobs/foxes.jsonc`", "jobs/foxes.jsonc"),
        ('/batch "jobs/two foxes.json"', "jobs/two foxes.json"),
        ("/batch 狐/%2e.json", "狐/%2e.json"),
    ],
)
def test_a_file_of_the_repository_may_be_named(line: str, path: str) -> None:
    assert parse_command(f"{line} --quality low\n\nThank you") == Batch(
        InRepository(path), {"quality": "low"}
    )
    assert parse_command(line.replace("/batch", "/estimate", 1)) == Estimate(InRepository(path))


ID = "rfbghrhhek"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (f"/batch run {ID}", RunEstimate(ID)),
        (f"/batch run `{ID.upper()}`", RunEstimate(ID)),
        ("/batch status", Status()),
        (f"/batch status {ID}", Status(ID)),
        ("/batch CANCEL", Cancel()),
        (f"/batch cancel {ID}", Cancel(ID)),
        ("/batch retry", Retry()),
        (f"/batch retry {ID}", Retry(ID)),
        (f"/batch retry {ID} doubt 2 #5, 7 2", Retry(ID, (2, 5, 7))),
        ("/batch retry doubt 3,4", Retry(None, (3, 4))),
    ],
)
def test_a_run_may_be_asked_for_by_its_id(line: str, command: Command) -> None:
    assert parse_command(f"Hello\n{line}\n\nThank you") == command


def test_the_line_for_a_retry_is_one_that_is_understood() -> None:
    assert parse_command(retry_line(ID)) == Retry(ID)
    assert parse_command(retry_line(ID, (2, 5))) == Retry(ID, (2, 5))


def test_flags_are_laid_over_the_batch() -> None:
    line = "/batch --quality high --size=1536x1024 --max-cost $2.50 --max-concurrent 4"
    assert parse_command(f"{line} --model 'my model'\n{fenced(JSON)}") == Batch(
        BLOCK,
        {
            "quality": "high",
            "size": "1536x1024",
            "max_cost": Decimal("2.50"),
            "max_concurrent": 4,
            "model": "my model",
        },
    )


def test_the_long_dash_of_a_telephone_begins_a_flag() -> None:
    assert parse_command("/batch —quality low\n- a fox") == Batch(
        Prompts(("a fox",)), {"quality": "low"}
    )


@pytest.mark.parametrize("blank", ["\u3000", "\xa0", "\u2003", "\t", "\x1f"])
def test_any_blank_is_one(blank: str) -> None:
    """Those of Japanese keyboards and of text that was copied from a page, too."""
    line = f"/batch{blank}--model 'a{blank}b'"
    assert parse_command(f"{line}\n- a fox") == Batch(Prompts(("a fox",)), {"model": f"a{blank}b"})
    assert parse_command(f"/batch{blank}status") == Status()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (
            "/batch\n/batch",
            "This comment holds 2 commands. Write one command in a comment.",
        ),
        (
            f"/batch\n{fenced(JSON)}\n{fenced(JSON)}",
            (
                "There are 2 blocks below the command."
                " Keep the one that is meant; a comment can hold one batch."
            ),
        ),
        (
            "/batch\n- a\n\nand\n\n- b",
            (
                "There are 2 lists below the command."
                " Keep the one that is meant; a comment can hold one batch."
            ),
        ),
        (
            "/batch\n- a\n  - b",
            (
                "The list below the command is not one of plain lines."
                " Write one prompt in each line, such as: - a red fox"
            ),
        ),
        (
            f"/batch\n{JSON}",
            (
                "There is no batch below /batch."
                " Put the JSON into a fenced block below the command,"
                " or write the prompts as a list."
            ),
        ),
        (
            f"/batch\n{fenced('jobs = []', language='toml')}",
            (
                "The block below the command is marked as “toml”."
                " JSON and YAML are understood: mark the block as json or yaml."
            ),
        ),
        ("/batch hlep", "/batch does not know the word “hlep”. Did you mean /batch help?"),
        (
            "/batch a red fox",
            (
                "/batch does not know the word “a”."
                f" The commands are {', '.join(COMMANDS)}."
                " Prompts go below the command, as a list."
            ),
        ),
        (
            "/batch ../fox.json",
            (
                "“../fox.json” names no file of this repository:"
                " it has an empty name, or one of dots only."
                " Name it from the top of the repository, such as: jobs/foxes.json"
            ),
        ),
        (
            "/batch jobs/fox.txt",
            (
                "“jobs/fox.txt” is no batch file."
                " Batch files end in one of .json, .jsonc, .yaml, .yml."
            ),
        ),
        (
            "/batch a.json b.json",
            ("The line names more than one file. Name one; a name with blanks stands in quotes."),
        ),
        (
            f"/batch jobs/fox.json\n{fenced(JSON)}",
            (
                "The line names “jobs/fox.json”, and there is a batch below it, too."
                " Keep the one that is meant; a comment can hold one batch."
            ),
        ),
        (
            f"/batch run {ID}\n{fenced(JSON)}",
            (
                f"The line names “run {ID}”, and there is a batch below it, too."
                " Keep the one that is meant; a comment can hold one batch."
            ),
        ),
        (
            "/batch run",
            (
                "/batch run takes the id of one estimate."
                " Copy the line from the answer to /estimate."
            ),
        ),
        (
            f"/batch run {ID} --quality high",
            ("/batch run takes no flags. Leave them out: the batch is used as it was read."),
        ),
        (
            "/batch cancel it",
            (
                "“it” is no id: those have ten letters and digits."
                " It stands at the foot of the answer; without one the newest run here is meant."
            ),
        ),
        (
            "/batch status a b",
            (
                "/batch status takes the id of one run."
                " It stands at the foot of the answer; without one the newest run here is meant."
            ),
        ),
        (
            f"/batch retry {ID} doubt",
            (
                "Which images in doubt to order again is not said."
                f" Name each by its number: /batch retry {ID} doubt 2 5"
            ),
        ),
        (
            "/batch retry doubt all",
            ("“all” is no number of an image. The run's comment has the exact line to copy."),
        ),
        ("/batch stauts", "/batch does not know the word “stauts”. Did you mean /batch status?"),
        ("/batch --qualty high", "The flag “--qualty” is unknown. Did you mean --quality?"),
        (
            "/batch --zzz",
            (
                "The flag “--zzz” is unknown. The flags are --model, --quality, --size,"
                " --output-format, --output-compression, --background, --moderation,"
                " --input-fidelity, --sample-count, --max-cost, --max-concurrent, --timeout."
            ),
        ),
        (
            "/batch --size 1x1 --size 2x2",
            "The flag --size is there twice. Give it once.",
        ),
        ("/batch --size", "The flag --size needs a value. Write --size and the value."),
        (
            "/batch --size --quality low",
            "The flag --size needs a value. Write --size and the value.",
        ),
        (
            "/batch --timeout soon",
            "The flag --timeout needs a number, not “soon”. For example: --timeout 2",
        ),
        (
            "/batch --max-cost cheap",
            "The flag --max-cost needs a number, not “cheap”. For example: --max-cost 2",
        ),
        (
            '/batch --model "x',
            "A quotation mark in the command line is not closed. Close it, or leave it out.",
        ),
    ],
)
def test_what_cannot_be_understood_says_why_and_what_to_do(text: str, answer: str) -> None:
    assert problem(text) == answer


WORDS = [
    "/batch",
    "/estimate",
    " help",
    " run",
    " retry",
    " doubt",
    " a/b.json",
    f" {ID}",
    " --size ",
    "=",
    "json",
    "é",
    "\u3000",
    "\x00",
    "\ud800",
    "    ",
]
MARKUP = ["\n", "\r\n", "> ", "```", "- ", "1. ", "`", "<!--", "-->", "<a ", "[", "](", "*", "\\"]
PIECES = st.sampled_from([*WORDS, *MARKUP, '"', "'"])


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
@example("/batch " + "[" * 3_000)
@example("/batch\n" + "> " * 3_000)
@example("/batch --max-cost 1e999999\n- a")
@example("/batch --timeout " + "9" * 5_000 + "\n- a")
def test_no_comment_raises_anything_but_a_command_error(text: str) -> None:
    try:
        parse_command("/batch\n" + text)
        parse_command(text)
    except CommandError as error:
        assert error.message  # noqa: PT017  (either outcome is right; only another error is not)


@given(st.text(), st.integers(3, 8))
def test_a_block_is_handed_on_as_it_was_written(content: str, ticks: int) -> None:
    text = "".join(c for c in content if c not in "`\r\x00")
    command = parse_command(f"/batch\n{fenced(text, '`' * ticks)}")
    assert command == Batch(Block(text + "\n", "json"))
