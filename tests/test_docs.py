"""The pages that people read say what the code does."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command

from bot.core.batch import BatchConfig, Job, RetryPolicy
from bot.core.command import COMMANDS, Batch, Block, Estimate, InRepository, Prompts, parse_command
from bot.core.parse import ParsedBatch, parse_batch, parse_batch_data
from bot.core.pricing import estimate, parse_prices
from bot.core.repository import RepositoryFile, read_file
from bot.entrypoints.cli import app
from bot.entrypoints.settings import Settings

ROOT = Path(__file__).parent.parent
ENGLISH, JAPANESE = ROOT / "README.md", ROOT / "README.ja.md"
READMES = [pytest.param(page, id=page.name) for page in (ENGLISH, JAPANESE)]
FIELDS, FIELDS_JA = ROOT / "docs" / "batch.md", ROOT / "docs" / "batch.ja.md"
FIELD_PAGES = [pytest.param(page, id=page.name) for page in (FIELDS, FIELDS_JA)]
# Every page that has a twin in Japanese.
PAIRS = [
    pytest.param(
        japanese.with_name(japanese.name.replace(".ja.md", ".md")), japanese, id=japanese.name
    )
    for japanese in (JAPANESE, *sorted((ROOT / "docs").glob("*.ja.md")))
]
PAGES = [ENGLISH, JAPANESE, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted(p for end in ("json", "md") for p in (ROOT / "examples").glob(f"*.{end}"))

NOTHING = "–"
MARKDOWN = MarkdownIt("commonmark").enable("table")


def tokens(page: Path) -> list[Token]:
    return MARKDOWN.parse(page.read_text(encoding="utf-8"))


def fences(page: Path) -> list[tuple[str, str]]:
    return [(token.info, token.content) for token in tokens(page) if token.type == "fence"]


def headings(page: Path) -> list[str]:
    return [token.tag for token in tokens(page) if token.type == "heading_open"]


def cells(page: Path) -> Iterator[list[str]]:
    """Every row of every table in the page."""
    row: list[str] = []
    for before, token in zip(tokens(page), tokens(page)[1:], strict=False):
        if token.type == "tr_open":
            row = []
        elif before.type in {"td_open", "th_open"}:
            row.append(token.content)
        elif token.type == "tr_close":
            yield row


def defaults(page: Path) -> dict[str, str]:
    """The last column of the tables of three, by the name in the first."""
    named = [row for row in cells(page) if len(row) == 3 and row[0].startswith("`")]
    names = [row[0].strip("`") for row in named]
    assert len(names) == len(set(names)), "a name has two rows"
    return dict(zip(names, (row[2] for row in named), strict=True))


def shown(field: FieldInfo) -> str | None:
    """A default as the tables show it; None where only words can."""
    match field.default:
        case _ if field.is_required() or field.default_factory is not None:
            return None
        case None | ():
            return NOTHING
        case str() as text:
            return f"`{text}`"
        case tuple() as entries:
            return f"`{json.dumps(entries)}`"
        case bool() as yes:
            return f"`{json.dumps(yes)}`"
        case number:
            return f"`{number}`"


def fields() -> dict[str, FieldInfo]:
    """Every field of a batch, by its name in the table."""
    top = {name: each for name, each in BatchConfig.model_fields.items() if name != "retry_policy"}
    policy = {f"retry_policy.{name}": each for name, each in RetryPolicy.model_fields.items()}
    return {**top, **policy, **Job.model_fields}


def settings() -> dict[str, FieldInfo]:
    return {name.upper(): field for name, field in Settings.model_fields.items()}


def differences(said: dict[str, str], meant: dict[str, FieldInfo]) -> dict[str, tuple[str, str]]:
    """Defaults that the table tells otherwise than the code."""
    texts = {name: shown(field) for name, field in meant.items()}
    return {
        name: (said[name], text)
        for name, text in texts.items()
        if text is not None and said[name] != text
    }


# --- tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", READMES)
def test_every_setting_has_a_row_and_every_row_is_a_setting(page: Path) -> None:
    rows = defaults(page)

    assert set(rows) == set(settings())
    assert differences(rows, settings()) == {}


@pytest.mark.parametrize("page", FIELD_PAGES)
def test_every_field_of_a_batch_has_a_row_and_every_row_is_a_field(page: Path) -> None:
    rows = defaults(page)

    assert set(rows) == {*fields(), "defaults", "variables"}
    assert differences(rows, fields()) == {}


@pytest.mark.parametrize("page", READMES)
def test_a_readme_names_every_field_of_a_batch(page: Path) -> None:
    named = " ".join(row[0] + row[1] for row in cells(page) if len(row) == 2)

    assert [
        name for name in fields() if f"`{name.removeprefix('retry_policy.')}`" not in named
    ] == []


@pytest.mark.parametrize("model", [BatchConfig, RetryPolicy, Job])
def test_the_bounds_of_numbers_stand_in_the_table(model: type[BaseModel]) -> None:
    text = FIELDS.read_text(encoding="utf-8")
    for name, field in model.model_fields.items():
        row = next((line for line in text.splitlines() if f"{name}` |" in line), "")
        for rule in field.metadata:
            for bound in (getattr(rule, "ge", None), getattr(rule, "le", None)):
                assert bound is None or f"{bound:,}" in row, name


# --- commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", READMES)
def test_every_command_is_named_and_no_other(page: Path) -> None:
    there = set(getattr(get_command(app), "commands"))  # noqa: B009  (click's Group has no types here)
    text = page.read_text(encoding="utf-8")

    assert there <= set(re.findall(r"[a-z]+", " ".join(_code(page))))
    assert set(re.findall(r"(?:^|`)gptimage ([a-z]+)", text, re.MULTILINE)) <= there
    assert set(COMMANDS) <= set(
        re.findall(r"/[a-z]+(?: (?:run|status|cancel|retry|help)\b)?", text)
    )


def test_every_script_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    for page in (ENGLISH, JAPANESE):
        text = page.read_text(encoding="utf-8")
        assert all(f"{script} " in text for script in project["scripts"])


@pytest.mark.parametrize("page", READMES)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = {
        name for code in _code(page) for name in re.findall(r"^make ([a-z]+)", code, re.MULTILINE)
    }

    assert {"sandbox", "test", "check"} <= named <= targets


def _code(page: Path) -> list[str]:
    """All that is set as code: blocks, and spans inside of text and tables."""
    spans = [
        child.content
        for token in tokens(page)
        for child in token.children or ()
        if child.type == "code_inline"
    ]
    return spans + [content for _, content in fences(page)]


# --- examples ---------------------------------------------------------------------------------


def commanded(text: str) -> ParsedBatch:
    match parse_command(text):
        case Batch(source) | Estimate(source):
            pass
        case other:
            raise AssertionError(other)
    match source:
        case Block(block, language):
            return parse_batch(block, comments=language == "jsonc")
        case Prompts(prompts):
            return parse_batch_data({"jobs": [{"prompt": prompt} for prompt in prompts]})
        case InRepository(path):
            raise AssertionError(path)


def examples() -> Iterator[tuple[str, ParsedBatch]]:
    for path in EXAMPLES:
        read = parse_batch if path.suffix == ".json" else commanded
        yield path.name, read(path.read_text(encoding="utf-8"))
    for page in PAGES:
        for info, text in fences(page):
            if info == "json":
                yield page.name, parse_batch(text)
            if info == "markdown":
                yield page.name, commanded(text)


def test_every_example_is_a_batch_with_a_price_and_without_a_warning() -> None:
    found = list(examples())

    assert {"README.md", "README.ja.md", "comment.md", "batch-simple.json"} <= {n for n, _ in found}
    for name, parsed in found:
        bill = estimate(parsed.config)
        assert (parsed.warnings, bill.warnings) == ((), ()), name
        assert bill.total.high is not None, name
        cap = parsed.config.max_cost
        assert cap is None or bill.total.high.usd <= cap, name


@pytest.mark.parametrize("name", ["repository.md", "repository.ja.md"])
def test_the_page_of_the_repositorys_file_names_every_key_and_its_example_holds(name: str) -> None:
    page = ROOT / "docs" / name
    (example,) = [text for info, text in fences(page) if info == "yaml"]

    assert list(defaults(page)) == list(RepositoryFile.model_fields)
    assert read_file(example.encode()).model_fields_set < set(RepositoryFile.model_fields)


# --- the pages themselves ---------------------------------------------------------------------


@pytest.mark.parametrize("page", READMES)
def test_a_readme_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) < 200


@pytest.mark.parametrize(("english", "japanese"), PAIRS)
def test_both_languages_say_the_same(english: Path, japanese: Path) -> None:
    assert headings(english) == headings(japanese)
    assert fences(english) == fences(japanese)
    assert list(defaults(english)) == list(defaults(japanese))
    assert [len(row) for row in cells(english)] == [len(row) for row in cells(japanese)]


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))

    assert [each for each in links if "://" not in each and not (page.parent / each).exists()] == []


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    names = re.findall(r"`(GPTIMAGE_[A-Z_]+|OPENAI_[A-Z_]+|GITHUB_[A-Z_]+)[=`]", page.read_text())

    assert set(names) <= set(settings())


def test_prices_in_the_pages_can_be_read() -> None:
    texts = [
        text for page in PAGES for text in re.findall(r"GPTIMAGE_PRICES='(.*)'", page.read_text())
    ]

    assert texts
    assert all(parse_prices(text).own for text in texts)


@pytest.mark.parametrize("page", ["troubleshooting.md", "troubleshooting.ja.md"])
def test_what_the_troubleshooting_quotes_is_what_the_command_prints(page: str) -> None:
    quoted = [
        token.content.strip("`")
        for before, token in zip(
            tokens(ROOT / "docs" / page), tokens(ROOT / "docs" / page)[1:], strict=False
        )
        if before.type == "heading_open" and token.content.startswith("`")
    ]
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "bot").rglob("*.py"))
    said = [sentence.split("Error: ")[-1] for sentence in quoted]
    assert len(quoted) == 4
    assert not [sentence for sentence in said if f'said("{sentence}")' not in code]
