"""What is known of the image models, and the rule of free sizes."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.catalog import (
    DEFAULT_MODEL,
    MODELS,
    Size,
    nearest_size,
    parse_size,
    size_problem,
)


def test_every_model_of_november_2026_is_known() -> None:
    assert set(MODELS) == {
        "gpt-image-2.6-flare",
        "gpt-image-2.6-sunburst",
        "gpt-image-2.5-flare",
        "gpt-image-2.5-flare-2026-09-08",
        "gpt-image-2.5-sunburst",
        "gpt-image-2.5-sunburst-2026-09-08",
        "gpt-image-2",
        "gpt-image-2-2026-04-21",
        "gpt-image-1.5",
        "chatgpt-image-latest",
        "gpt-image-1-mini",
        "gpt-image-1",
    }
    assert DEFAULT_MODEL == "gpt-image-2.5-flare"


def test_what_is_shut_down_has_a_successor_that_is_not() -> None:
    ending = {name: model.shutdown for name, model in MODELS.items() if model.shutdown}
    assert ending == {
        "gpt-image-1.5": date(2026, 12, 1),
        "chatgpt-image-latest": date(2026, 12, 1),
        "gpt-image-1-mini": date(2026, 12, 1),
        "gpt-image-1": date(2026, 10, 23),
    }
    for name in ending:
        successor = MODELS[name].successor
        assert successor is not None
        assert MODELS[successor].shutdown is None


@pytest.mark.parametrize(
    ("name", "best", "fidelity"),
    [
        ("gpt-image-2.6-flare", "max", ()),
        ("gpt-image-2.5-sunburst", "max", ()),
        ("gpt-image-2", "high", ()),
        ("gpt-image-1.5", "high", ("low", "high")),
        ("gpt-image-1-mini", "high", ("low",)),
    ],
)
def test_a_model_knows_its_qualities_and_fidelities(
    name: str, best: str, fidelity: tuple[str, ...]
) -> None:
    model = MODELS[name]
    assert (model.qualities[-1], model.input_fidelity) == (best, fidelity)


# --- sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auto",
        "x",
        "1024",
        "1024x",
        "x1024",
        "-1x5",
        "1024X1024",
        "1 x 1",
        "9" * 6 + "x1",
        "²x²",
        "0x0",
    ],
)
def test_what_is_no_size_is_none(text: str) -> None:
    assert parse_size(text) is None


def test_a_size_is_read_and_written_alike() -> None:
    assert str(parse_size("1536x1024")) == "1536x1024"


@pytest.mark.parametrize(
    "text",
    ["1024x1024", "1536x1024", "3840x2160", "2160x3840", "1920x1088", "3840x1280", "640x1024"],
)
def test_a_size_that_keeps_the_rule_is_accepted(text: str) -> None:
    size = parse_size(text)
    assert size is not None
    assert size_problem(size) == ""
    assert nearest_size(size) == size


@pytest.mark.parametrize(
    ("text", "words", "near"),
    [
        ("1920x1080", "multiples of 16", "1920x1088"),
        ("1080x1920", "multiples of 16", "1088x1920"),
        ("512x512", "655,360 to 8,294,400 pixels", "816x816"),
        ("640x1008", "655,360 to 8,294,400 pixels", None),
        ("3856x2160", "no edge may be longer than 3840", None),
        ("3840x2176", "655,360 to 8,294,400 pixels", None),
        ("3840x1264", "at most 3 times", None),
        ("4096x4096", "no edge may be longer than 3840", "2880x2880"),
    ],
)
def test_a_size_that_breaks_the_rule_gets_the_reason_and_a_near_one(
    text: str, words: str, near: str | None
) -> None:
    size = parse_size(text)
    assert size is not None
    assert words in size_problem(size)
    assert near in {None, str(nearest_size(size))}


@given(st.integers(0, 99_999), st.integers(0, 99_999))
def test_the_size_that_is_proposed_always_keeps_the_rule(width: int, height: int) -> None:
    assert size_problem(nearest_size(Size(width, height))) == ""


@given(st.integers(700, 2_800), st.integers(1_000, 2_800))
def test_the_size_that_is_proposed_is_the_nearest_multiple(width: int, height: int) -> None:
    near = nearest_size(Size(width, height))
    if max(width, height) <= 2.9 * min(width, height) and 700_000 < width * height < 7_900_000:
        assert abs(near.width - width) <= 8
        assert abs(near.height - height) <= 8


def test_only_sizes_above_2560x1440_are_experimental() -> None:
    assert not Size(2560, 1440).experimental
    assert Size(2576, 1440).experimental
