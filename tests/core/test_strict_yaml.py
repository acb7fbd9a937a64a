"""YAML written by hand: what it means, and every fault with its line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core import strict_yaml
from bot.core.errors import BatchError, Problem
from bot.core.parse import parse_batch, parse_yaml

GOOD = """\
# two foxes
defaults:
  size: 1024x1024
jobs:
  - prompt: a red fox in fresh snow
    sample_count: 2
    quality: low
  - prompt: >-
      the same fox:
      asleep
    transparent_background: true
max_cost: 2.5
"""


def faults(text: str) -> list[str]:
    """What is wrong with the text, as its author reads it."""
    try:
        document = strict_yaml.read(text)
    except BatchError as error:
        return [problem.sentence for problem in error.problems]
    return [document.located(problem).sentence for problem in document.problems]


def test_yaml_is_the_same_batch_as_json() -> None:
    assert parse_yaml(GOOD) == parse_batch("""
        {
          "defaults": {"size": "1024x1024"},
          "jobs": [
            {"prompt": "a red fox in fresh snow", "sample_count": 2, "quality": "low"},
            {"prompt": "the same fox: asleep", "transparent_background": true}
          ],
          "max_cost": 2.5
        }
    """)


def test_json_is_yaml_too() -> None:
    text = '{"jobs": [{"prompt": "a fox, 3:2", "sample_count": 3}], "max_cost": 1e1}'
    assert parse_yaml(text) == parse_batch(text)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a fox", "a fox"),
        ("1024x1024", "1024x1024"),
        ("'no'", "no"),
        ('"010"', "010"),
        ("|-\n    no", "no"),
        ("y", "y"),
        ("3", 3),
        ("-2.5", -2.5),
        ("1e3", 1000.0),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_a_plain_word_means_one_thing(written: str, value: object) -> None:
    document = strict_yaml.read(f"a: {written}")
    assert (document.data, document.problems) == ({"a": value}, ())


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("no", 'write "no" for the text, or false'),
        ("Yes", 'write "Yes" for the text, or true'),
        ("off", 'write "off" for the text, or false'),
        ("010", 'write "010" for the text, or a plain number'),
        ("0o17", 'write "0o17" for the text, or a plain number'),
        ("0x1F", 'write "0x1F" for the text, or a plain number'),
        ("1_000", 'write "1_000" for the text, or a plain number'),
        ("16:9", 'write "16:9" for the text, or a plain number'),
        ("2026-11-21", 'write "2026-11-21" for the text, or a plain number'),
    ],
)
def test_a_word_that_readers_disagree_about_is_asked_about(word: str, hint: str) -> None:
    (fault,) = faults(f"jobs:\n  - size: {word}")
    told = f"`{word}` means different things to different readers ({hint})"
    assert fault == f"jobs[0].size (line 2, column 5): {told}"


HIDDEN = "write it out, or put the text into quotes"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3", "a (line 3, column 1): this key is given more than once"),
        ("a: .nan", "a (line 1, column 1): .nan is not a usable number"),
        ("a: 1e999", "a (line 1, column 1): 1e999 is not a usable number"),
        (f"a: {'9' * 40}", f"a (line 1, column 1): {'9' * 30} is not a usable number"),
        ('a: "\\0"', "a (line 1, column 1): it holds a NUL character"),
        ("a: &x fox", f"a (line 1, column 1): anchors (&name) are not understood ({HIDDEN})"),
        ("a: *x", f"a (line 1, column 1): aliases (*name) are not understood ({HIDDEN})"),
        ("a: !!int 3", f"a (line 1, column 1): tags (!name) are not understood ({HIDDEN})"),
        ("!k a: 3", f"a (line 1, column 1): tags (!name) are not understood ({HIDDEN})"),
        ("b:\n  ? [a]\n  : 1", "b (line 1, column 1): a key must be text"),
    ],
)
def test_what_no_batch_may_hold_is_named_with_its_line(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_all_faults_are_named_at_once() -> None:
    assert len(faults("a: no\nb: &x 010\nc: {d: 1, d: .inf}")) == 5


def test_an_alias_never_becomes_more_than_it_is() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(18)
    )
    assert len(faults(bomb)) == 19 + 2 * 18


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("", "line 1, column 1", "there is nothing in it"),
        ("# a comment\n", "line 1, column 1", "there is nothing in it"),
        ("a: b: c", "line 1, column 5: `a: b: c`", "put a text that holds a colon into quotes"),
        ("a:\n\t- b", "line 2, column 1: `- b`", "indent with blanks, not with tabs"),
        ("a: [1, 2", "line 1, column 9", "a comma, or a closing bracket, is missing"),
        ("a: 'x", "line 1, column 6", "a text in quotes is not closed"),
        ("jobs:\n  - prompt: a\n   size: b", "line 3, column 4: `size: b`", "the lines that"),
        ("a: @x", "line 1, column 4", "put a text that begins with this character into quotes"),
        ("a: *b*", "line 1, column 6", "put a text that begins with this character into quotes"),
        ('a: "\\q"', "line 1, column 6", "a backslash inside a text is written twice"),
        ("a: - b", "line 1, column 4", "begin the list on a line of its own"),
        ("a: 1\n---\na: 2", "line 2, column 1", "keep one document, without lines of ---"),
        ("a\nb: \x07", "line 2, column 4", "it holds a character that cannot be seen"),
        ('a: "\\UFFFFFFFF"', "line 1, column", "there is no such character"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_the_way_out(text: str, place: str, hint: str) -> None:
    (fault,) = faults(text)
    assert f"the YAML cannot be read at {place}" in fault
    assert f"({hint}" in fault


@pytest.mark.parametrize("text", ["[" * 60_000, "a: {" * 100 + "}" * 100, "- " * 30_000])
def test_deep_nesting_is_refused_before_it_costs_time(text: str) -> None:
    assert faults(text) == ["the YAML is nested too deeply"]


def test_more_than_can_be_read_in_a_second_is_refused() -> None:
    assert faults("a: " + "x" * 250_000) == [
        "more than 250,000 characters of YAML (write so much as JSON)"
    ]


def test_a_wrong_field_is_named_with_its_line() -> None:
    with pytest.raises(BatchError) as caught:
        parse_yaml("jobs:\n  - prompt: a\n    qality: low\n  - size: 1x1\nmax_cost: -1\n")
    assert sorted(problem.path for problem in caught.value.problems) == [
        "jobs[0].qality (line 3, column 5)",
        "jobs[1].prompt (line 4, column 5)",
        "jobs[1].size (line 4, column 5)",
        "max_cost (line 5, column 1)",
    ]


def test_a_problem_of_no_place_in_the_text_stays_as_it_is() -> None:
    elsewhere = Problem("--size", "is wrong")
    assert strict_yaml.read("a: 1").located(elsewhere) == elsewhere


@given(st.text(alphabet=st.sampled_from("ab01:-?[]{}&*!|>'\"%@`#, \n\t\\Ux.~<=")))
@example("%YAML " + "9" * 5_000)
@example('"\\x"')
@example("a: \ud800")
def test_no_text_makes_the_reader_fail(text: str) -> None:
    faults(text)
