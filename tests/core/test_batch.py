"""What may stand in a batch, and what its author reads when something else does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.batch import BatchConfig, Job, json_schema
from bot.core.catalog import DEFAULT_MODEL
from bot.core.errors import BatchError
from bot.core.parse import Around, parse_batch, parse_batch_data
from tests.core.batches import FOX, parse, places, problems, with_top

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
