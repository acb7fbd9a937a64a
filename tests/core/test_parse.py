"""Whose value holds, where its fault is named, and what only looks like a batch."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.core.batch import BatchConfig, canonical, json_schema
from bot.core.catalog import MODELS, THREE_SIZES
from bot.core.errors import BatchError
from bot.core.parse import Around, parse_batch, parse_batch_data

FOX = {"prompt": "a red fox"}
EXAMPLES = [
    file
    for pattern in ("*.json", "*.md")
    for file in sorted(Path(__file__).parents[2].glob(f"examples/{pattern}"))
]


def problems(data: object, **around: Any) -> list[str]:
    """What is said of the data, which is the same however it came here."""
    with pytest.raises(BatchError) as typed:
        parse_batch(json.dumps(data), Around(**around))
    with pytest.raises(BatchError) as decoded:
        parse_batch_data(data, Around(**around))
    assert typed.value.problems == decoded.value.problems
    return [str(problem) for problem in typed.value.problems]


def test_every_wrong_field_is_named_at_once_with_what_it_takes() -> None:
    data = {
        "jobs": [
            {"prompt": "", "qualty": "low", "sample_count": 11, "n": 3, "background": "none"},
            FOX | {"model": "gpt-image-2", "size": "1920x1080", "quality": "best"},
            FOX | {"reference_image_path": ["a.png"] * 17, "output_compression": 101},
            FOX | {"input_fidelity": "high", "moderation": "none"},
            "a red fox",
            {"prompt": "x" * 32_001, "transparent_background": "yes", "sample_count": 1.5},
        ],
        "max_concurent": 3,
        "timeout": 5,
        "max_cost": 2_000_000,
        "retry_policy": {"max_retries": 6, "delay": 1, "retry_on_errors": "timeout"},
        "defaults": {"output_format": "jpg", "output_path": "../up.png"},
    }
    assert problems(data) == snapshot(
        [
            'max_concurent: is no field of a batch (did you mean "max_concurrent"?)',
            "timeout: must be 1,000 to 3,600,000 (it is 5)",
            "retry_policy.max_retries: must be 0 to 5 (it is 6)",
            'retry_policy.retry_on_errors: must be a list (write ["timeout"])',
            "retry_policy.delay: is no field of retry_policy",
            "max_cost: must be above 0 and at most 1,000,000 (it is 2000000)",
            """defaults.output_path: belongs to each job, not to all of them (name the files in \
the jobs, and their folder in output_dir)""",
            'defaults.output_format: "jpg" must be one of png, jpeg, webp (did you mean "jpeg"?)',
            "jobs[0].prompt: must have 1 to 32,000 characters (it has 0)",
            'jobs[0].background: "none" must be one of auto, transparent, opaque',
            "jobs[0].sample_count: must be 1 to 10 (it is 11)",
            'jobs[0].qualty: is no field of a job (did you mean "quality"?)',
            "jobs[0].n: is no field of a job (use sample_count)",
            'jobs[1].quality: "best" must be one of auto, low, medium, high for gpt-image-2',
            """jobs[1].size: 1920x1080: width and height must be multiples of 16 (try 1920x1088; \
the usual ratios are 2:3, 3:2 and 1:1)""",
            "jobs[2].reference_image_path: must have 1 to 16 entries (it has 17)",
            "jobs[2].output_compression: must be 0 to 100 (it is 101)",
            'jobs[3].moderation: "none" must be one of auto, low',
            "jobs[3].input_fidelity: needs a reference image",
            'jobs[4]: must be an object (such as {"prompt": "a red fox"})',
            "jobs[5].prompt: must have 1 to 32,000 characters (it has 32,001)",
            "jobs[5].transparent_background: must be true or false",
            "jobs[5].sample_count: must be a whole number",
        ]
    )


def test_a_batch_without_jobs_is_told_of_the_rest_too() -> None:
    assert problems({"job": [FOX], "timeout": 5}) == [
        'job: is no field of a batch (did you mean "jobs"?)',
        "timeout: must be 1,000 to 3,600,000 (it is 5)",
        "jobs: is required",
    ]


# --- whose value holds ------------------------------------------------------------------------

TOP = [("max_concurrent", 3, 4, 5), ("timeout", 3_000, 4_000, 5_000), ("output_dir", "e", "j", "f")]
JOB = [
    ("model", "gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.5-sunburst"),
    ("size", *THREE_SIZES),
    ("quality", "low", "medium", "high"),
]


@pytest.mark.parametrize(("name", "environment", "written", "flag"), TOP)
def test_a_setting_is_the_flag_then_the_json_then_the_environment(
    name: str, environment: object, written: object, flag: object
) -> None:
    data: dict[str, object] = {"jobs": [FOX]}
    around = Around(environment={name: environment})
    assert getattr(parse_batch_data(data, around).config, name) == environment
    assert getattr(parse_batch_data(data | {name: written}, around).config, name) == written
    around = Around(environment={name: environment}, overrides={name: flag})
    assert getattr(parse_batch_data(data | {name: written}, around).config, name) == flag


@pytest.mark.parametrize(("name", "environment", "written", "flag"), JOB)
def test_a_field_is_the_flag_then_the_job_then_the_defaults_then_the_environment(
    name: str, environment: str, written: str, flag: str
) -> None:
    def value(job: object = None, defaults: object = None, **overrides: str) -> object:
        data = {
            "jobs": [FOX | ({name: job} if job else {})],
            "defaults": {name: defaults} if defaults else {},
        }
        around = Around(environment={name: environment}, overrides=overrides)
        return getattr(parse_batch_data(data, around).config.jobs[0], name)

    assert value() == environment
    assert value(defaults=written) == written
    assert value(job=written, defaults=environment) == written
    assert value(job=written, defaults=environment, **{name: flag}) == flag


def test_a_fault_is_named_once_and_where_its_author_can_mend_it() -> None:
    wrong = {"size": "1920x1080"}
    why, hint = "width and height must be multiples of 16", "the usual ratios are 2:3, 3:2 and 1:1"
    said = f"1920x1080: {why} (try 1920x1088; {hint})"
    three: dict[str, Any] = {"jobs": [FOX, FOX, FOX]}
    assert problems(three | {"defaults": wrong}) == [f"defaults.size: {said}"]
    assert problems(three, overrides=wrong) == [f"--size: {said}"]
    assert problems(three, environment=wrong) == [f"the environment's size: {said}"]
    assert problems({"jobs": [FOX, FOX | wrong]}) == [f"jobs[1].size: {said}"]
    assert problems(three, environment={"timeout": 1}) == [
        "the environment's timeout: must be 1,000 to 3,600,000 (it is 1)"
    ]


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-1", "0", "1e7", "1e999999"])
def test_a_cap_on_the_command_line_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(BatchError, match="--max-cost: must be"):
        parse_batch_data({"jobs": [FOX]}, Around(overrides={"max_cost": Decimal(amount)}))


def test_a_flag_mends_a_wrong_value_of_the_file() -> None:
    data = {"jobs": [FOX | {"quality": "best"}]}
    config = parse_batch_data(data, Around(overrides={"quality": "high"})).config
    assert config.jobs[0].quality == "high"


def test_a_job_may_differ_from_the_defaults_in_either_spelling_of_its_background() -> None:
    def background(defaults: object, job: dict[str, object]) -> str:
        data = {"jobs": [FOX | job], "defaults": defaults}
        return parse_batch_data(data).config.jobs[0].background

    assert background({"transparent_background": True}, {"background": "opaque"}) == "opaque"
    assert background({"background": "opaque"}, {"transparent_background": True}) == "transparent"
    assert background({"transparent_background": True}, {}) == "transparent"


# --- what the models take ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "meant"),
    [
        ("1024X1024", "1024x1024"),
        ("1024x1024 ", "1024x1024"),
        ("1024 x 1024", "1024x1024"),
        ("1024×1024", "1024x1024"),
        ("1536*1024", "1536x1024"),
        ("AUTO", "auto"),
    ],
)
@pytest.mark.parametrize("model", ["gpt-image-2.5-flare", "gpt-image-1.5", "my-deployment"])
def test_a_size_in_another_spelling_is_recognised(model: str, size: str, meant: str) -> None:
    assert problems({"jobs": [FOX | {"size": size, "model": model}]}) == [
        f'jobs[0].size: "{size}" is not auto or WIDTHxHEIGHT (did you mean "{meant}"?)'
    ]


SIZES = "such as 1536x1024 (3:2), 1024x1536 (2:3) or 1024x1024 (1:1)"


@pytest.mark.parametrize("size", ["", "large", "1024", "0x0", "x", "1024x1024x3", "9" * 50])
def test_what_is_no_size_gets_an_example(size: str) -> None:
    (said,) = problems({"jobs": [FOX | {"size": size, "model": "my-deployment"}]})
    assert said.endswith(f"is not auto or WIDTHxHEIGHT ({SIZES})")


def test_an_unknown_model_may_take_any_size_and_quality_that_look_like_one() -> None:
    strange = {"model": "azure/my.deployment:v2", "size": "512x512", "quality": "hd"}
    (job,) = parse_batch_data({"jobs": [FOX | strange]}).config.jobs
    assert (job.size, job.quality) == ("512x512", "hd")
    (said,) = problems({"jobs": [FOX | strange | {"quality": "the best!"}]})
    assert said == 'jobs[0].quality: "the best!" is not a word such as high'


@pytest.mark.parametrize(
    "model", ["", " ", "a b", "a\nb", "a\x1b[31m", "a\u202eb", "m" * 101, 5, None]
)
def test_what_is_no_name_of_a_model_is_refused(model: object) -> None:
    (said,) = problems({"jobs": [FOX | {"model": model}]})
    assert said.startswith("jobs[0].model: must ")


@pytest.mark.parametrize("model", [name for name, model in MODELS.items() if model.free_size])
def test_a_fidelity_is_left_out_for_a_model_that_takes_none(model: str) -> None:
    job = FOX | {"model": model, "reference_image_path": "a.png", "input_fidelity": "high"}
    parsed = parse_batch_data({"jobs": [job]})
    assert parsed.config.jobs[0].input_fidelity is None
    assert parsed.warnings == (f"jobs[0].input_fidelity is left out: {model} takes none",)


def test_a_model_with_one_fidelity_names_it() -> None:
    fields = {"reference_image_path": "a.png", "input_fidelity": "high"}
    (said,) = problems({"jobs": [FOX | fields | {"model": "gpt-image-1-mini"}]})
    assert said.startswith('jobs[0].input_fidelity: "high" must be one of low for gpt-image-1-mini')


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"output_format": "jpg", "output_compression": 50}, "output_format"),
        ({"output_format": "gif", "transparent_background": True}, "output_format"),
        ({"model": 5, "quality": "hd", "size": "512x512"}, "model"),
        ({"operation": "edti", "reference_image_path": "a.png"}, "operation"),
        (
            {"operation": "edti", "reference_image_path": "a.png", "mask_image_path": "m.png"},
            "operation",
        ),
        ({"reference_image_path": 5, "input_fidelity": "low"}, "reference_image_path"),
        ({"reference_image_path": [], "mask_image_path": "m.png"}, "reference_image_path"),
    ],
)
def test_a_wrong_value_has_no_echo_in_the_fields_beside_it(
    fields: dict[str, object], place: str
) -> None:
    (said,) = problems({"jobs": [FOX | fields]})
    assert said.startswith(f"jobs[0].{place}: ")


# --- lists, files and values ------------------------------------------------------------------


def test_the_classes_of_errors_are_a_list() -> None:
    policy = {"retry_on_errors": ["timeout", "server_error"]}
    config = parse_batch_data({"jobs": [FOX], "retry_policy": policy}).config
    assert config.retry_policy.retry_on_errors == ("timeout", "server_error")
    assert problems({"jobs": [FOX], "retry_policy": {"retry_on_errors": "timeout"}}) == [
        'retry_policy.retry_on_errors: must be a list (write ["timeout"])'
    ]
    (said,) = problems({"jobs": [FOX], "retry_policy": {"retry_on_errors": ["timeouts"]}})
    assert said == (
        'retry_policy.retry_on_errors[0]: "timeouts" must be one of rate_limit, timeout,'
        ' server_error (did you mean "timeout"?)'
    )


@pytest.mark.parametrize("path", ["", "  "])
def test_an_image_without_a_name_is_refused(path: str) -> None:
    for beside in ({}, {"operation": "edit"}, {"operation": "generate"}):
        assert problems({"jobs": [FOX | beside | {"reference_image_path": path}]}) == [
            "jobs[0].reference_image_path: is empty"
        ]
    fields = {"reference_image_path": "a.png", "mask_image_path": path}
    assert problems({"jobs": [FOX | fields]}) == ["jobs[0].mask_image_path: is empty"]


def test_a_file_of_one_job_is_no_folder_of_another() -> None:
    jobs = [FOX | {"output_path": "a.png"}, FOX | {"output_path": "A.png/b.png"}]
    assert problems({"jobs": jobs}) == [
        'jobs[1].output_path: "A.png" is the file of jobs[0], and no folder'
    ]


@pytest.mark.parametrize("letters", ["a\0b", "a\ud800b"])
@pytest.mark.parametrize("name", ["prompt", "output_path", "model", "size", "quality"])
def test_text_that_cannot_be_stored_is_refused_in_words_that_can(name: str, letters: str) -> None:
    (said,) = problems({"jobs": [FOX | {name: letters}]})
    assert said.startswith(f"jobs[0].{name}: it holds ")
    said.encode()


@pytest.mark.parametrize("folder", ["a\0b", "a\ud800b"])
def test_an_output_folder_that_cannot_be_named_is_refused(folder: str) -> None:
    (said,) = problems({"jobs": [FOX], "output_dir": folder})
    assert said.startswith("output_dir: it holds ")


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), -float("inf"), 10**30, 10**5_000],
    ids=["NaN", "Infinity", "-Infinity", "31 digits", "5001 digits"],
)
@pytest.mark.parametrize("name", ["timeout", "max_cost", "max_concurrent"])
def test_a_decoded_number_that_cannot_be_used_is_refused(name: str, number: float) -> None:
    with pytest.raises(BatchError) as caught:
        parse_batch_data({"jobs": [FOX], name: number})
    (problem,) = caught.value.problems
    assert problem.path == name
    assert problem.message.endswith("usable number") or "not usable" in problem.message


@pytest.mark.parametrize("depth", [30, 900])
def test_nesting_inside_a_value_is_refused(depth: int) -> None:
    deep: object = "fox"
    for _ in range(depth):
        deep = [deep]
    for fields in ({"prompt": deep}, {"prompt": "a", "quality": deep}, {"prompt": "a", "x": deep}):
        assert "the JSON is nested too deeply" in problems({"jobs": [fields]})


def test_data_that_holds_itself_is_refused() -> None:
    data: dict[str, Any] = {"jobs": [FOX]}
    data["defaults"] = data
    with pytest.raises(BatchError, match="nested too deeply"):
        parse_batch_data(data)


def test_a_byte_order_mark_and_foreign_line_ends_do_not_matter() -> None:
    text = '\ufeff{\r\n "jobs": [\r\n {"prompt": "a red fox"}\r\n]\r\n}\r\n'
    assert parse_batch(text).config.jobs[0].prompt == "a red fox"
    with pytest.raises(BatchError, match=r"line 2, column 10: `\"jobs\": oops`"):
        parse_batch('{\r\n "jobs": oops\r\n}')


def test_a_mistake_in_a_long_line_is_shown_with_what_is_around_it() -> None:
    text = json.dumps({"jobs": [FOX] * 50}) + " oops"
    with pytest.raises(BatchError, match=r"red fox\"}\]} oops`"):
        parse_batch(text)


@pytest.mark.parametrize("keys", [{5: 1}, {None: 1}, {("a", 1): 1}, {"\x1b[2J": 1}])
def test_a_key_that_is_none_is_refused_in_words_that_can_be_shown(keys: dict[Any, int]) -> None:
    fine: dict[Any, Any] = {"jobs": [FOX]}
    for data in (
        fine | keys,
        {"jobs": [{**FOX, **keys}]},
        fine | {"defaults": keys},
        fine | {"retry_policy": keys},
    ):
        with pytest.raises(BatchError) as caught:
            parse_batch_data(data)
        assert str(caught.value).isprintable()


# --- a batch and its JSON ---------------------------------------------------------------------

PROMPTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
).filter(str.strip)
JOBS = st.fixed_dictionaries(
    {"prompt": PROMPTS},
    optional={
        "size": st.sampled_from(["auto", *THREE_SIZES]),
        "quality": st.sampled_from(["auto", "low", "max"]),
        "sample_count": st.integers(1, 10),
        "transparent_background": st.booleans(),
        "output_format": st.sampled_from(["png", "webp"]),
        "moderation": st.sampled_from(["auto", "low", "medium", "high"]),
        "reference_image_path": st.just("a.png") | st.just(["a.png", "b.png"]),
    },
)
BATCHES = st.fixed_dictionaries(
    {"jobs": st.lists(JOBS, min_size=1, max_size=4)},
    optional={
        "max_cost": st.floats(0.000001, 1_000_000) | st.integers(1, 1_000_000),
        "timeout": st.integers(1_000, 3_600_000),
        "retry_policy": st.fixed_dictionaries({"retry_in_doubt": st.booleans()}),
    },
)


@given(BATCHES)
def test_a_valid_batch_is_the_same_after_a_way_through_its_json(data: dict[str, object]) -> None:
    config = parse_batch(json.dumps(data)).config
    assert BatchConfig.model_validate_json(config.model_dump_json()) == config
    assert BatchConfig.model_validate_json(canonical(config)).jobs == config.jobs
    assert parse_batch(canonical(config)).config.jobs == config.jobs


@pytest.mark.parametrize(
    "beside",
    [
        {"timeout": 5_000},
        {"max_concurrent": 7},
        {"max_cost": 3},
        {"output_dir": "elsewhere"},
        {"retry_policy": {"retry_in_doubt": True}},
        {"defaults": {"quality": "auto", "return_base64": True}},
    ],
)
def test_the_same_images_are_the_same_batch_however_they_are_made(
    beside: dict[str, object],
) -> None:
    images = canonical(parse_batch_data({"jobs": [FOX]}).config)
    assert canonical(parse_batch_data({"jobs": [FOX]} | beside).config) == images


@pytest.mark.parametrize(
    "fields",
    [{"output_path": "a.png"}, {"quality": "low"}, {"sample_count": 2}, {"prompt": "an owl"}],
)
def test_other_images_are_another_batch(fields: dict[str, object]) -> None:
    images = canonical(parse_batch_data({"jobs": [FOX]}).config)
    assert canonical(parse_batch_data({"jobs": [FOX | fields]}).config) != images


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_is_a_batch(file: Path) -> None:
    text = file.read_text("utf-8")
    fenced = re.search(r"^```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    parsed = parse_batch(fenced[1] if fenced else text)
    assert parsed.warnings == ()


def test_the_address_of_the_schema_may_stand_in_a_batch() -> None:
    data = {"$schema": "https://example.org/batch.json", "jobs": [FOX]}
    assert parse_batch_data(data).config == parse_batch_data({"jobs": [FOX]}).config


def test_the_schema_is_as_strict_as_the_parser() -> None:
    schema: Any = json_schema()
    objects = [schema, *schema["$defs"].values()]
    assert [each["additionalProperties"] for each in objects] == [False] * 4
    assert schema["title"] == "gptimage batch"
    assert "required" not in schema["$defs"]["Defaults"]
    assert not {"prompt", "output_path"} & schema["$defs"]["Defaults"]["properties"].keys()
    quality = schema["$defs"]["Job"]["properties"]["quality"]
    assert quality["enum"] == ["auto", "low", "medium", "high", "xhigh", "max"]
    assert schema["properties"]["variables"]["additionalProperties"]["minItems"] == 1
    assert schema["properties"]["max_cost"]["anyOf"][0] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1_000_000,
    }
    one, several, _ = schema["$defs"]["Job"]["properties"]["reference_image_path"]["anyOf"]
    assert one == {"type": "string"}
    assert (several["minItems"], several["maxItems"]) == (1, 16)
