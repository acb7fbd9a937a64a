"""What is accepted, but not as its author may think."""

import json

import pytest

from bot.core.parse import parse_batch, parse_batch_data

FOX = {"prompt": "a red fox"}


def warnings(**fields: object) -> tuple[str, ...]:
    return parse_batch(json.dumps({"jobs": [FOX | fields]})).warnings


def test_a_file_that_gets_another_ending_is_warned_of() -> None:
    assert warnings(output_path="a/fox.png", output_format="webp") == (
        "jobs[0].output_path: output_format makes it a/fox.webp",
    )
    assert warnings(output_path="fox.jpeg") == ()


@pytest.mark.parametrize("ending", ["gif", "GIF", "tiff", "svg", "avif"])
def test_a_file_of_a_kind_that_is_not_made_is_warned_of(ending: str) -> None:
    assert warnings(output_path=f"a.{ending}") == (
        f"jobs[0].output_path: no {ending.lower()} is made; the file becomes a.{ending}.png",
    )
    assert warnings(output_path="v1.2") == ()


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ({"retry_on_errors": ["rate_limit", "timeout"]}, "timeout"),
        ({"retry_on_errors": ["server_error", "timeout"]}, "timeout and server_error"),
        ({"retry_on_errors": ["server_error"], "max_retries": 1}, "server_error"),
        ({"retry_on_errors": ["timeout"], "max_retries": 0}, ""),
        ({"retry_on_errors": ["timeout"], "retry_in_doubt": True}, ""),
        ({"retry_on_errors": ["rate_limit"]}, ""),
        ({"max_retries": 5}, ""),
    ],
)
def test_a_retry_that_may_pay_twice_names_the_line_that_orders_it(
    policy: dict[str, object], named: str
) -> None:
    said = parse_batch_data({"jobs": [FOX], "retry_policy": policy}).warnings
    rest = "will be retried only with retry_in_doubt: true, because it may pay twice"
    assert said == ((f"retry_policy.retry_on_errors: {named} {rest}",) if named else ())


def test_a_field_that_an_edit_does_not_take_is_warned_of() -> None:
    assert warnings(reference_image_path="a.png", moderation="low") == (
        "jobs[0].moderation is left out: a picture made from others takes none",
    )


def test_a_warning_is_given_once_for_all_jobs() -> None:
    data = {"jobs": [FOX, FOX], "defaults": {"model": "gpt-image-1.5", "moderation": "high"}}
    assert parse_batch_data(data).warnings == (
        "gpt-image-1.5 is shut down on 2026-12-01; its successor is gpt-image-2.5-flare",
        "defaults.moderation: high is no value any more; auto is used",
    )
