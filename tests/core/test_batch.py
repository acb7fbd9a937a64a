"""What may stand in a batch, and what its author reads when something else does."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.batch import BatchConfig, Job, json_schema
from bot.core.catalog import DEFAULT_MODEL
from bot.core.errors import BatchError
from bot.core.parse import Around, BatchLimits, ParsedBatch, parse_batch, parse_batch_data

FOX = {"prompt": "a red fox"}


def parse(data: object, **around: Any) -> ParsedBatch:
    return parse_batch(json.dumps(data), Around(**around))


def job(**fields: object) -> Job:
    return parse({"jobs": [FOX | fields]}).config.jobs[0]


def problems(data: object, **around: Any) -> list[str]:
    with pytest.raises(BatchError) as caught:
        parse(data, **around)
    return [str(problem) for problem in caught.value.problems]


def places(data: object, **around: Any) -> list[str]:
    with pytest.raises(BatchError) as caught:
        parse(data, **around)
    return [problem.path for problem in caught.value.problems]


def with_top(name: str, value: object) -> dict[str, object]:
    """A batch with one more value; a dot leads into an object."""
    outer, dot, inner = name.partition(".")
    return {"jobs": [FOX], outer: {inner: value} if dot else value}


# --- bounds -----------------------------------------------------------------------------------

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


@pytest.mark.parametrize("prompt", ["", " \n\t", "x" * 32_001, None, 5, "a\0b"])
def test_another_prompt_is_refused(prompt: object) -> None:
    assert places({"jobs": [{"prompt": prompt}]}) == ["jobs[0].prompt"]


def test_a_job_takes_16_reference_images_and_no_more() -> None:
    assert len(job(reference_image_path=["a.png"] * 16).references) == 16
    assert places({"jobs": [{**FOX, "reference_image_path": ["a.png"] * 17}]}) == [
        "jobs[0].reference_image_path"
    ]


def test_a_folder_for_the_images_has_1_to_4096_characters() -> None:
    for length in (1, 4_096):
        assert parse(with_top("output_dir", "x" * length)).config.output_dir == "x" * length
    for length in (0, 4_097):
        assert problems(with_top("output_dir", "x" * length)) == [
            f"output_dir: must have 1 to 4,096 characters (it has {length:,})"
        ]
    assert problems(with_top("output_dir", " \t")) == ["output_dir: is blank"]


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


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"qualty": "low"}, 'qualty: is no field of a job (did you mean "quality"?)'),
        ({"n": 3}, "n: is no field of a job (use sample_count)"),
        (
            {"quality": "hgih", "model": "gpt-image-2"},
            """quality: "hgih" must be one of auto, low, medium, high for gpt-image-2 (did you \
mean "high"?)""",
        ),
        (
            {"output_format": "jpg"},
            'output_format: "jpg" must be one of png, jpeg, webp (did you mean "jpeg"?)',
        ),
        (
            {"operation": "edti"},
            'operation: "edti" must be one of generate, edit, transform (did you mean "edit"?)',
        ),
        ({"transparent_background": "yes"}, "transparent_background: must be true or false"),
        ({"moderation": "none"}, 'moderation: "none" must be one of auto, low'),
        ({"timeout": 5}, "timeout: is no field of a job (it belongs at the top of the batch)"),
        ({"variables": {}}, "variables: is no field of a job (it belongs at the top of the batch)"),
        ({"max_retries": 5}, "max_retries: is no field of a job (it belongs in retry_policy)"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(fields: dict[str, object], said: str) -> None:
    assert problems({"jobs": [FOX | fields]}) == [f"jobs[0].{said}"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("size", "size: is no field of a batch (it belongs in a job, or in defaults)"),
        ("prompt", "prompt: is no field of a batch (it belongs in a job)"),
        ("max_retries", "max_retries: is no field of a batch (it belongs in retry_policy)"),
        (
            "retry_policy.timeout",
            """retry_policy.timeout: is no field of retry_policy (it belongs at the top of the \
batch)""",
        ),
        (
            "defaults.prompt",
            "defaults.prompt: belongs to each job, not to all of them",
        ),
        (
            "defaults.output_path",
            """defaults.output_path: belongs to each job, not to all of them (name the files in \
the jobs, and their folder in output_dir)""",
        ),
        (
            "defaults.timeout",
            """defaults.timeout: is no field of a job (it belongs at the top of \
the batch)""",
        ),
    ],
)
def test_a_field_in_the_wrong_place_is_told_the_right_one(name: str, said: str) -> None:
    assert problems(with_top(name, "1024x1024")) == [said]


@pytest.mark.parametrize("flags", [{"qualty": "low"}, {"prompt": "a"}, {"jobs": []}, {"n": 1}])
def test_a_flag_that_is_no_field_is_a_mistake_of_the_program(flags: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"outside a batch: {next(iter(flags))}"):
        Around(overrides=flags)
    with pytest.raises(ValueError, match="outside a batch"):
        Around(environment=flags)


def test_every_wrong_field_is_named_at_once() -> None:
    data = {
        "jobs": [
            {"prompt": "", "qualty": "low", "sample_count": 11},
            FOX | {"size": "1920x1080", "output_path": "../up.png"},
            "a red fox",
        ],
        "max_concurent": 3,
        "timeout": 5,
        "retry_policy": {"max_retries": 6, "delay": 1},
    }
    assert sorted(places(data)) == [
        "jobs[0].prompt",
        "jobs[0].qualty",
        "jobs[0].sample_count",
        "jobs[1].output_path",
        "jobs[1].size",
        "jobs[2]",
        "max_concurent",
        "retry_policy.delay",
        "retry_policy.max_retries",
        "timeout",
    ]


def test_jobs_that_are_no_array_get_the_sentence_of_the_node_tool() -> None:
    assert problems({"jobs": {"prompt": "a red fox"}}) == ["jobs must be an array"]


@pytest.mark.parametrize("data", [[FOX], "jobs", 5, None, True, {}, {"jobs": None}])
def test_a_batch_is_an_object_with_jobs(data: object) -> None:
    assert problems(data)


# --- precedence -------------------------------------------------------------------------------


def test_a_flag_outranks_the_json_and_the_json_the_environment() -> None:
    data = {"jobs": [FOX | {"quality": "low"}, FOX], "defaults": {"quality": "medium"}}
    environment = {"model": "gpt-image-2", "timeout": 5_000, "max_concurrent": 3}
    config = parse(data | {"timeout": 6_000}, environment=environment).config
    assert [(j.quality, j.model) for j in config.jobs] == [
        ("low", "gpt-image-2"),
        ("medium", "gpt-image-2"),
    ]
    assert (config.timeout, config.max_concurrent) == (6_000, 3)
    flags = {"quality": "high", "model": "gpt-image-2.5-sunburst", "timeout": 7_000}
    config = parse(data, environment=environment, overrides=flags).config
    assert {(j.quality, j.model) for j in config.jobs} == {("high", "gpt-image-2.5-sunburst")}
    assert config.timeout == 7_000


def test_a_wrong_flag_is_named_as_it_is_typed() -> None:
    assert places({"jobs": [FOX]}, overrides={"max_concurrent": 11}) == ["--max-concurrent"]


def test_what_nobody_says_has_its_documented_default() -> None:
    config = parse({"jobs": [FOX]}).config
    assert (config.max_concurrent, config.timeout) == (2, 600_000)
    policy = config.retry_policy
    assert (policy.max_retries, policy.retry_delay_ms) == (2, 5_000)
    assert (policy.retry_on_errors, policy.retry_in_doubt) == (("rate_limit", "timeout"), False)
    (only,) = config.jobs
    assert (only.model, only.size, only.quality, only.sample_count) == (
        DEFAULT_MODEL,
        "auto",
        "auto",
        1,
    )


# --- robustness -------------------------------------------------------------------------------

KEYS = st.sampled_from([*Job.model_fields, *BatchConfig.model_fields, "defaults", "n", "\ud800"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["auto", "edit", "jpeg", "1024x1024", "gpt-image-2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
BATCHES = st.fixed_dictionaries(
    {"jobs": st.lists(st.dictionaries(KEYS, VALUES, max_size=6) | VALUES, max_size=4) | VALUES},
    optional={
        "defaults": VALUES,
        "retry_policy": VALUES,
        "max_cost": VALUES,
        "timeout": VALUES,
        "variables": VALUES | st.dictionaries(st.text() | KEYS, VALUES, max_size=3),
    },
)


@given(VALUES | BATCHES)
def test_whatever_the_data_is_nothing_but_a_batch_error_is_raised(data: object) -> None:
    for decoded in (True, False):
        found: object
        try:
            parsed = parse_batch_data(data) if decoded else parse_batch(json.dumps(data))
            found = parsed.config.jobs
        except BatchError as error:
            found = error.problems and str(error)
        assert found


# --- the schema -------------------------------------------------------------------------------


def test_the_schema_knows_every_field_of_a_job_and_of_the_batch() -> None:
    schema: Any = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    beside = {"defaults", "variables", "$schema"}
    assert schema["properties"].keys() == {*BatchConfig.model_fields, *beside}
    assert schema["$defs"]["Job"]["properties"].keys() == set(Job.model_fields)
    assert schema["$defs"]["Job"]["additionalProperties"] is False
    assert schema["$defs"]["Job"]["required"] == ["prompt"]


def test_the_schema_states_the_ranges_that_the_parser_keeps() -> None:
    schema: Any = json_schema()
    for name, low, high, _ in JOB_BOUNDS:
        stated = schema["$defs"]["Job"]["properties"][name]
        whole = next(each for each in stated.get("anyOf", [stated]) if each["type"] == "integer")
        assert (whole["minimum"], whole["maximum"]) == (low, high)
