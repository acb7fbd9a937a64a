"""What a text loses on its way out."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.redact import BY_LOOK, SHORTEST, redactor

KEY = "canary/with+odd=signs&more"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAabcdefgh\nzyxw9876543210ABCDEF\n"
    "-----END RSA PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        json.dumps(KEY),
        repr(KEY),
        html.escape(KEY),
        quote(KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        quote_plus(KEY),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
    ],
)
def test_a_known_secret_is_taken_out_however_it_is_written(written: str) -> None:
    before, left, after = redactor([KEY])(f"before {written} after").split()

    assert (before, after) == ("before", "after")
    # Quotes stay, and in base64 the last character, which holds two bits.
    assert "[secret]" in left
    assert len(left) <= len("[secret]") + 2


@given(st.text(max_size=5), st.text(max_size=5))
def test_also_in_the_middle_of_a_text_that_was_encoded_as_a_whole(before: str, after: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(f"{before}{KEY}{after}".encode()).decode()

        left = redactor([KEY])(encoded)

        assert "[secret]" in left
        # At each end one character may be left that also holds bits of the neighbour.
        assert len(left) - len("[secret]") <= len(encode(f"{before}{after}".encode())) + 4


def test_a_secret_of_several_lines_is_known_by_each_of_them() -> None:
    assert redactor([PEM])("line: zyxw9876543210ABCDEF") == "line: [secret]"
    assert redactor([PEM])(json.dumps({"key": PEM, "n": 1})) == '{"key": "[secret]\\n", "n": 1}'


def test_the_longest_secret_goes_first_so_that_no_rest_of_it_stays() -> None:
    assert redactor(["12345678", "12345678-and-more"])("x 12345678-and-more") == "x [secret]"


def test_a_value_that_is_too_short_to_be_a_secret_stays_as_it_is_a_word() -> None:
    word = "x" * (SHORTEST - 1)
    assert redactor([word, "", " "])(f"a {word} here") == f"a {word} here"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key sk-proj-abcdefghijklmnop1234 used", "key [secret] used"),
        ("provided: sk-inval************cdef.", "provided: [secret]."),
        ("ghs_4242_eyJhbGciOi.eyJpc3MiOi.c2ln-bmF0dXJl!", "[secret]!"),
        ("ghp_abcdefghijklmnop0123, github_pat_11ABCDEFG0abcdefghij", "[secret], [secret]"),
        ("Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI0MiJ9.c2lnbmF0dXJl", "Bearer [secret]"),
        ("redis://:hunter2@host:6379/0", "redis://:…@host:6379/0"),
        ("postgresql://bot:a:b%40c@db/x", "postgresql://bot:…@db/x"),
        (f"a {PEM}b", "a [secret]\nb"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[secret]"),
    ],
)
def test_what_looks_like_a_secret_goes_whoever_it_belongs_to(text: str, left: str) -> None:
    assert BY_LOOK(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "a desk-organizer-with-many-shelves and sk-short",
        "https://example.com:8080/a@b, mail a@b.example",
        "ghs_short, seyJ.not.a.token",
        '{"run": "gptimage-7f3a", "url": "https://github.com/o/r/releases"}',
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert BY_LOOK(text) == text


@given(st.text())
def test_no_text_grows(text: str) -> None:
    assert len(redactor([KEY, "12345678"])(text)) <= len(text)
