"""JSON written by hand: every fault with its place and its cure."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import BatchError, Problem
from bot.core.parse import parse_batch

GOOD = '{"jobs": [{"prompt": "a red fox"}]}'


def faults(text: str, *, comments: bool = False) -> tuple[Problem, ...]:
    with pytest.raises(BatchError) as caught:
        parse_batch(text, comments=comments)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("", "line 1, column 1", "there is nothing in it"),
        ('{"jobs": [1,]}', "line 1, column 13: `", "remove the comma after the last entry"),
        ('{\n "jobs": [],\n}', "line 3, column 1: `}`", "remove the comma after the last entry"),
        ("{'jobs': []}", "line 1, column 2: `{'jobs': []}`", "use double quotes"),
        (
            '{"jobs": [{"prompt": "a"\n "size": "auto"}]}',
            'line 2, column 2: `"size": "auto"}]}`',
            "a comma, or a closing bracket, is missing before this place",
        ),
        (GOOD + " // done", "line 1, column 37", "comments are understood in a ```jsonc block"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_the_way_out(text: str, place: str, hint: str) -> None:
    (problem,) = faults(text)
    assert place in problem.message
    assert problem.hint.startswith(hint)


def test_a_long_line_is_not_repeated_whole() -> None:
    (problem,) = faults('{"jobs": ' + "x" * 5_000)
    assert len(str(problem)) < 300


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"jobs": [{"prompt": "a", "prompt": "b"}]}', "jobs[0].prompt"),
        ('{"jobs": [{"prompt": "a"}], "timeout": 5000, "timeout": 6000}', "timeout"),
        (
            '{"jobs": [{"prompt": "a"}], "retry_policy": {"max_retries": 1, "max_retries": 2}}',
            "retry_policy.max_retries",
        ),
    ],
)
def test_a_key_that_is_given_twice_is_named(text: str, place: str) -> None:
    assert faults(text) == (Problem(place, "this key is given more than once"),)


@pytest.mark.parametrize(
    "letters", ["\\ud800", "\\udc00x", "\\u0000"], ids=["high half", "low half", "NUL"]
)
@pytest.mark.parametrize("field", ["prompt", "output_path", "model", "size", "mask_image_path"])
def test_text_that_no_file_or_server_can_hold_is_named(field: str, letters: str) -> None:
    fields = '"prompt": "a", ' if field != "prompt" else ""
    text = f'{{"jobs": [{{{fields}"{field}": "{letters}"}}]}}'
    assert f"jobs[0].{field}" in {problem.path for problem in faults(text)}


def test_a_key_with_half_of_a_character_is_refused_in_words_that_can_be_printed() -> None:
    for problem in faults('{"\\ud800": 1, "jobs": [{"prompt": "a", "\\ud800": 2}]}'):
        str(problem).encode()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"jobs": ' + "[" * 50_000])
def test_deep_nesting_is_refused(text: str) -> None:
    assert faults(text) == (Problem("", "the JSON is nested too deeply"),)


# --- comments ---------------------------------------------------------------------------------


def test_comments_and_a_last_comma_are_understood_where_they_are_asked_for() -> None:
    text = """
    { // the fox
      "jobs": [
        {"prompt": "a fox // no comment, /* nor this */ and ,] stays", /* but this is */ },
      ],
    }
    """
    (job,) = parse_batch(text, comments=True).config.jobs
    assert job.prompt == "a fox // no comment, /* nor this */ and ,] stays"


def test_a_quotation_mark_in_a_string_does_not_end_it() -> None:
    (job,) = parse_batch('{"jobs": [{"prompt": "a \\" // fox"}]}', comments=True).config.jobs
    assert job.prompt == 'a " // fox'


def test_comments_do_not_move_the_place_of_a_mistake() -> None:
    (problem,) = faults('/* one\n two */ {"jobs": nothing}', comments=True)
    assert "line 2, column 18" in problem.message


def test_a_comment_that_is_not_closed_is_a_mistake() -> None:
    assert faults(GOOD + " /* done", comments=True)


@pytest.mark.parametrize("piece", ["/* ", '"\\', ", ", "//", '"', "/", "\\"])
def test_text_that_is_all_beginnings_is_read_in_one_pass(piece: str) -> None:
    assert faults(piece * 200_000, comments=True)


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_batch("\ufeff" + GOOD).config.jobs


# --- robustness -------------------------------------------------------------------------------

PIECES = st.sampled_from(
    ['{"jobs":', "[", "]", "{", "}", '"', ",", ":", "//", "/*", "*/", "\n", "\\", "NaN", "1e999",
     "-", "9" * 5_000, '"prompt"', '"a"', "\\ud800", "\ufeff", "true", "null", " "]
)  # fmt: skip


@given(st.text() | st.lists(PIECES, max_size=30).map("".join), st.booleans())
def test_whatever_the_text_is_nothing_but_a_batch_error_is_raised(
    text: str, comments: bool
) -> None:
    found: object
    try:
        found = parse_batch(text, comments=comments).config.jobs
    except BatchError as error:
        found = error.problems
    assert found


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_prompt_arrives_as_it_was_written(prompt: str) -> None:
    text = json.dumps({"jobs": [{"prompt": f"x{prompt}"}]}, ensure_ascii=False)
    for comments in (False, True):
        assert parse_batch(text, comments=comments).config.jobs[0].prompt == f"x{prompt}"
