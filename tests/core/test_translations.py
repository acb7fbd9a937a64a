"""Every sentence that a person may read has its translation, and nothing else has one."""

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter

import pytest

import bot
from bot.core.messages import messages
from bot.core.messages.ja_action import ACTION
from bot.core.messages.ja_batch import BATCH
from bot.core.messages.ja_commands import COMMANDS
from bot.core.messages.ja_money import MONEY
from bot.core.messages.ja_operating import OPERATING
from bot.core.messages.ja_pictures import PICTURES
from bot.core.messages.ja_runs import RUNS
from bot.core.messages.ja_services import SERVICES
from bot.core.messages.ja_terminal import TERMINAL
from bot.core.said import restored, said, stored

HOUSE = Path(bot.__file__).parent
JAPANESE = messages("ja")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the house, with its place."""
    for file in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                yield f"{file.relative_to(HOUSE)}:{node.lineno}", node


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def templates() -> dict[str, str]:
    """Every sentence that is said anywhere, with its place."""
    found: dict[str, str] = {}
    for place, node in calls():
        if called(node) != "said":
            continue
        match node.args:
            case [ast.Constant(value=str(template))]:
                found.setdefault(template, place)
            case _:
                raise AssertionError(f"{place}: a sentence is written where it is said")
    return found


# What is raised or said to people, and which of its arguments are sentences; None for all of them.
SPEAKING: Mapping[str, Sequence[int] | None] = {
    "Problem": (1, 2),
    "CommandError": (0, 1),
    "Refused": (1,),
    "ProviderError": (1,),
    **dict.fromkeys(["GptimageError", "HostError", "LedgerBusy", "PictureError"], (0,)),
    "SettingsError": (0,),
    **dict.fromkeys(["say", "tell", "warn"], None),
}


def is_plain(node: ast.expr) -> bool:
    """Whether words are written here that nobody can translate."""
    match node:
        case ast.JoinedStr():
            return True
        case ast.Constant(value=str(text)):
            return " " in text.strip()
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return any(map(is_plain, parts))
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            return is_plain(one) or is_plain(other)
        case ast.Starred(value=inner) | ast.GeneratorExp(elt=inner) | ast.ListComp(elt=inner):
            return is_plain(inner)
        case _:
            return False


def test_whoever_speaks_to_people_says_sentences() -> None:
    plain = [
        f"{place}: {ast.unparse(node)}"
        for place, node in calls()
        if called(node) in SPEAKING and not place.startswith("simulators")
        for index, argument in enumerate(node.args)
        if (wanted := SPEAKING[called(node)]) is None or index in wanted
        if is_plain(argument)
    ]
    assert plain == []


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_every_sentence_has_a_translation() -> None:
    missing = {
        template: place
        for template, place in templates().items()
        if template not in JAPANESE.sentences and any(map(str.isalpha, text_of(template)))
    }
    assert missing == {}


def text_of(template: str) -> str:
    """What is left of a template without its values."""
    return "".join(text for text, _, _, _ in Formatter().parse(template))


def test_every_translation_is_of_a_sentence() -> None:
    assert JAPANESE.sentences.keys() - templates().keys() == set()


def test_a_translation_has_the_values_of_its_sentence() -> None:
    wrong = [
        template
        for template, words in JAPANESE.sentences.items()
        if names(words) != names(template)
    ]
    assert wrong == []


# --- how a sentence is kept and told ----------------------------------------------------------

INNER = said("must be one of {words}", words="low, high")
OUTER = said('"{word}" {choice}', word="{best}", choice=INNER)


def test_a_sentence_is_its_english_text() -> None:
    assert OUTER == '"{best}" must be one of low, high'


def test_a_sentence_is_told_with_the_sentences_in_it() -> None:
    assert JAPANESE.tell(OUTER) == "「{best}」は使えません。次のいずれかにしてください: low, high"
    assert messages("en").tell(OUTER) == OUTER


def test_what_has_no_translation_stays_english() -> None:
    strange = said("{count:,} blue {what}", count=1234, what=INNER)
    told = "1,234 blue 次のいずれかにしてください: low, high"
    assert JAPANESE.tell(strange) == told
    assert JAPANESE.tell("a text of somebody else's, {as it is}") == (
        "a text of somebody else's, {as it is}"
    )


@pytest.mark.parametrize(
    "text", [OUTER, said("{n:.2f} s", n=1.5), "plain", "", "{curly}", '{"json": 1}', "狐\n"]
)
def test_a_stored_sentence_comes_back_with_its_parts(text: str) -> None:
    back = restored(stored(text))

    assert back == text
    assert JAPANESE.tell(back) == JAPANESE.tell(text)


def test_a_sentence_that_is_copied_keeps_its_parts() -> None:
    assert JAPANESE.tell(copy.deepcopy(OUTER)) == JAPANESE.tell(OUTER)


def test_no_sentence_is_translated_twice() -> None:
    parts = (ACTION, BATCH, COMMANDS, MONEY, OPERATING, PICTURES, RUNS, SERVICES, TERMINAL)

    assert len(JAPANESE.sentences) == sum(map(len, parts))
