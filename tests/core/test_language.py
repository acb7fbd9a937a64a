"""Which language a comment is answered in."""

import pytest

from bot.core.language import Language, preferred, spoken


@pytest.mark.parametrize(
    "comment",
    [
        "お願いします。\n\n/batch\n- a fox",
        "/batch\n- 富士山",
        "/batch\n- ﾗｰﾒﾝ",
        "/batch\n- ラーメン",
        "々",
    ],
)
def test_japanese_letters_anywhere_in_a_comment_are_answered_in_japanese(comment: str) -> None:
    assert spoken("auto", comment) == "ja"


@pytest.mark.parametrize("comment", ["", "/batch\n- a fox", "/batch\n- лиса", "여우", "🦊 “fox” …"])
def test_all_others_are_answered_in_english(comment: str) -> None:
    assert spoken("auto", comment) == "en"


def test_a_choice_holds_whatever_the_comment_says() -> None:
    assert spoken("en", "狐") == "en"
    assert spoken("ja", "a fox") == "ja"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en-US;q=0.8", "ja"),
        ("en-US,en;q=0.9,ja;q=0.8", "en"),
        ("de, ja;q=0.5, en; q = 0.4", "ja"),
        ("ja;q=0, en;q=0.1", "en"),
        ("jam, english", "en"),
        (";;q=x,,", "en"),
    ],
)
def test_a_browser_says_which_language_it_would_rather_read(
    accepted: str, language: Language
) -> None:
    assert preferred(accepted) == language
