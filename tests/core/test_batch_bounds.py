"""Every bound of a batch: accepted up to it, refused beyond it, with the range."""

from decimal import Decimal
from typing import Any

import pytest

from bot.core.batch import json_schema
from bot.core.errors import BatchError
from bot.core.parse import BatchLimits, parse_batch
from tests.core.batches import FOX, job, parse, places, problems, with_top

JOB_BOUNDS = [
    ("sample_count", 1, 10, {}),
    ("output_compression", 0, 100, {"output_format": "jpeg"}),
]
TOP_BOUNDS = [
    ("max_concurrent", 1, 10),
    ("timeout", 1_000, 3_600_000),
    ("retry_policy.max_retries", 0, 5),
    ("retry_policy.retry_delay_ms", 100, 60_000),
]


@pytest.mark.parametrize(("name", "low", "high", "beside"), JOB_BOUNDS)
def test_a_number_of_a_job_is_accepted_up_to_its_bounds(
    name: str, low: int, high: int, beside: dict[str, object]
) -> None:
    assert getattr(job(**{name: low}, **beside), name) == low
    assert getattr(job(**{name: high}, **beside), name) == high


@pytest.mark.parametrize(("name", "low", "high", "beside"), JOB_BOUNDS)
def test_a_number_of_a_job_beyond_its_bounds_is_refused_with_the_range(
    name: str, low: int, high: int, beside: dict[str, object]
) -> None:
    for beyond in (low - 1, high + 1):
        (said,) = problems({"jobs": [{**FOX, **beside, name: beyond}]})
        assert said == f"jobs[0].{name}: must be {low:,} to {high:,} (it is {beyond})"


@pytest.mark.parametrize(("name", "low", "high"), TOP_BOUNDS)
def test_a_number_of_the_batch_is_accepted_up_to_its_bounds(name: str, low: int, high: int) -> None:
    for bound in (low, high):
        value: object = parse(with_top(name, bound)).config
        for part in name.split("."):
            value = getattr(value, part)
        assert value == bound


@pytest.mark.parametrize(("name", "low", "high"), TOP_BOUNDS)
def test_a_number_of_the_batch_beyond_its_bounds_is_refused_with_the_range(
    name: str, low: int, high: int
) -> None:
    for beyond in (low - 1, high + 1):
        (said,) = problems(with_top(name, beyond))
        assert said == f"{name}: must be {low:,} to {high:,} (it is {beyond})"


@pytest.mark.parametrize("number", [True, "5", 5.0, None, [5], {"5": 5}])
@pytest.mark.parametrize("name", [name for name, _, _ in TOP_BOUNDS])
def test_what_only_looks_like_a_whole_number_is_refused(name: str, number: object) -> None:
    assert places(with_top(name, number)) == [name]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (True, "must be a number"),
        ("5", "must be a number"),
        (-1, "must be above 0 and at most 1,000,000 (it is -1)"),
        (0, "must be above 0 and at most 1,000,000 (it is 0)"),
    ],
)
def test_a_cap_that_is_no_amount_is_refused(number: object, said: str) -> None:
    assert problems(with_top("max_cost", number)) == [f"max_cost: {said}"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
@pytest.mark.parametrize("name", ["max_cost", "timeout"])
def test_a_number_that_cannot_be_used_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(BatchError) as caught:
        parse_batch(f'{{"jobs": [{{"prompt": "a"}}], "{name}": {text}}}')
    (problem,) = caught.value.problems
    assert problem.path == name
    assert problem.message.endswith("is not a usable number")


def test_the_operator_decides_how_many_jobs_a_batch_may_have() -> None:
    assert len(parse({"jobs": [FOX] * 100}).config.jobs) == 100
    assert problems({"jobs": [FOX] * 101}) == ["jobs: must have 1 to 100 entries, not 101"]
    assert problems({"jobs": []}) == ["jobs: must have 1 to 100 entries, not 0"]
    two = BatchLimits(max_jobs=2)
    assert len(parse({"jobs": [FOX] * 2}, limits=two).config.jobs) == 2
    assert problems({"jobs": [FOX] * 3}, limits=two) == ["jobs: must have 1 to 2 entries, not 3"]


@pytest.mark.parametrize("length", [1, 32_000])
def test_a_prompt_has_1_to_32000_characters(length: int) -> None:
    assert len(job(prompt="狐" * length).prompt) == length


@pytest.mark.parametrize("length", [0, 32_001])
def test_a_longer_or_empty_prompt_is_refused_with_the_range(length: int) -> None:
    assert problems({"jobs": [{"prompt": "狐" * length}]}) == [
        f"jobs[0].prompt: must have 1 to 32,000 characters (it has {length:,})"
    ]


@pytest.mark.parametrize("prompt", [" \n\t", None, 5, "a\0b"])
def test_another_prompt_is_refused(prompt: object) -> None:
    assert places({"jobs": [{"prompt": prompt}]}) == ["jobs[0].prompt"]


def test_a_job_takes_16_reference_images_and_no_more() -> None:
    assert len(job(reference_image_path=["a.png"] * 16).references) == 16
    for count in (0, 17):
        assert problems({"jobs": [{**FOX, "reference_image_path": ["a.png"] * count}]}) == [
            f"jobs[0].reference_image_path: must have 1 to 16 entries (it has {count})"
        ]


def test_a_folder_for_the_images_has_1_to_4096_characters() -> None:
    longest = "/".join(["x" * 240] * 17)[:4_096]
    for folder in ("x", longest):
        assert parse(with_top("output_dir", folder)).config.output_dir == folder
    for length, folder in ((0, ""), (4_097, f"{longest}x")):
        assert problems(with_top("output_dir", folder)) == [
            f"output_dir: must have 1 to 4,096 characters (it has {length:,})"
        ]
    assert problems(with_top("output_dir", " \t")) == ["output_dir: is blank"]


@pytest.mark.parametrize(("letter", "count"), [("x", 255), ("狐", 85)])
def test_a_name_in_that_folder_has_up_to_255_bytes(letter: str, count: int) -> None:
    assert parse(with_top("output_dir", f"/a/{letter * count}/b")).config.output_dir
    assert problems(with_top("output_dir", f"/a/{letter * count}x/b")) == [
        "output_dir: a name in it is longer than 255 bytes"
    ]


@pytest.mark.parametrize("dollars", ["0.000001", "1000000"])
def test_a_cap_is_above_0_and_at_most_a_million(dollars: str) -> None:
    parsed = parse_batch(f'{{"jobs": [{{"prompt": "a"}}], "max_cost": {dollars}}}')
    assert parsed.config.max_cost == Decimal(dollars)


@pytest.mark.parametrize("dollars", ["0", "-0.01", "1000000.01"])
def test_a_cap_beyond_that_is_refused_with_the_range(dollars: str) -> None:
    with pytest.raises(BatchError, match=r"max_cost: must be above 0 and at most 1,000,000"):
        parse_batch(f'{{"jobs": [{{"prompt": "a"}}], "max_cost": {dollars}}}')


# The rule: multiples of 16, no edge above 3840, at most 3:1, 655,360 to 8,294,400 pixels.
@pytest.mark.parametrize("size", ["1024x640", "3840x2160", "3840x1280", "1280x512"])
def test_a_free_size_is_accepted_up_to_its_bounds(size: str) -> None:
    assert job(size=size).size == size


@pytest.mark.parametrize(
    ("size", "why"),
    [
        ("1008x640", "it must have 655,360 to 8,294,400 pixels"),
        ("3840x2176", "it must have 655,360 to 8,294,400 pixels"),
        ("3856x2144", "no edge may be longer than 3840"),
        ("3840x1264", "the long edge may be at most 3 times the short one"),
        ("1025x1024", "width and height must be multiples of 16"),
        ("1024x1032", "width and height must be multiples of 16"),
    ],
)
def test_a_free_size_beyond_its_bounds_is_refused_with_a_near_one(size: str, why: str) -> None:
    (said,) = problems({"jobs": [FOX | {"size": size}]})
    assert said.startswith(f"jobs[0].size: {size}: {why} (try ")


@pytest.mark.parametrize("length", [1, 100])
def test_the_name_of_a_model_has_1_to_100_characters(length: int) -> None:
    assert job(model="m" * length).model == "m" * length


@pytest.mark.parametrize("length", [0, 101])
def test_a_longer_or_empty_name_of_a_model_is_refused(length: int) -> None:
    assert problems({"jobs": [FOX | {"model": "m" * length}]}) == [
        f"jobs[0].model: must have 1 to 100 characters (it has {length})"
    ]


def test_a_name_in_a_path_has_up_to_255_bytes_and_a_path_1024() -> None:
    assert job(output_path="狐" * 83 + "xx.png").output_path  # 255 bytes
    assert problems({"jobs": [FOX | {"output_path": "狐" * 84 + ".png"}]}) == [
        "jobs[0].output_path: a name in it is longer than 255 bytes"
    ]
    folders = "/".join(["x" * 203] * 5)  # 1,019 bytes
    assert job(output_path=f"{folders[:-1]}/a.png").output_path
    assert problems({"jobs": [FOX | {"output_path": f"{folders}/a.png"}]}) == [
        "jobs[0].output_path: it is longer than 1024 bytes"
    ]


# What is added to the name that was written counts: the number of the sample, and the ending.
@pytest.mark.parametrize("fill", ["x" * 240, "狐" * 80], ids=["ascii", "japanese"])
@pytest.mark.parametrize(
    ("written", "fields", "added"),
    [
        ("{}.png", {}, 4),
        ("{}", {}, 4),
        ("{}.png", {"sample_count": 10}, 7),
        ("{}", {"sample_count": 10}, 7),
        ("{}.jpeg", {"output_format": "jpeg"}, 5),
        ("folder/{}", {"output_format": "webp", "sample_count": 2}, 7),
    ],
)
def test_a_file_has_a_name_of_up_to_255_bytes_with_all_that_is_added(
    fill: str, written: str, fields: dict[str, object], added: int
) -> None:
    name = fill + "x" * (255 - added - len(fill.encode()))
    assert job(output_path=written.format(name), **fields).output_path
    assert problems({"jobs": [{**FOX, **fields, "output_path": written.format(f"{name}x")}]}) == [
        "jobs[0].output_path: a name in it is longer than 255 bytes"
    ]


def test_a_path_has_up_to_1024_bytes_with_all_that_is_added() -> None:
    folders = "/".join(["x" * 203] * 5)  # 1,019 bytes
    assert job(output_path=f"{folders[:-4]}/a", sample_count=10).output_path
    assert problems(
        {"jobs": [{**FOX, "output_path": f"{folders[:-3]}/a", "sample_count": 10}]}
    ) == ["jobs[0].output_path: it is longer than 1024 bytes"]


@pytest.mark.parametrize("flag", [{"max_concurrent": 11}, {"timeout": 999}, {"max_cost": 0}])
def test_a_value_of_the_command_line_has_the_same_bounds(flag: dict[str, object]) -> None:
    (said,) = problems({"jobs": [FOX]}, overrides=flag)
    name = next(iter(flag))
    assert said.startswith(f"--{name.replace('_', '-')}: must be ")


def test_the_schema_states_the_ranges_that_the_parser_keeps() -> None:
    schema: Any = json_schema()
    for name, low, high, _ in JOB_BOUNDS:
        stated = schema["$defs"]["Job"]["properties"][name]
        whole = next(each for each in stated.get("anyOf", [stated]) if each["type"] == "integer")
        assert (whole["minimum"], whole["maximum"]) == (low, high)
