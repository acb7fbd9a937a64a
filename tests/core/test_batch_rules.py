"""Fields that do not go together, and what is only warned of."""

import pytest

from bot.core.batch import BatchConfig
from tests.core.batches import FOX, job, parse, places, problems


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"output_compression": 50}, "output_compression"),
        ({"background": "transparent", "output_format": "jpeg"}, "output_format"),
        ({"transparent_background": True, "background": "opaque"}, "background"),
        ({"operation": "edit"}, "reference_image_path"),
        ({"operation": "transform"}, "reference_image_path"),
        ({"mask_image_path": "mask.png"}, "mask_image_path"),
        ({"input_fidelity": "high"}, "input_fidelity"),
        ({"model": "gpt-image-2", "quality": "max"}, "quality"),
        ({"model": "gpt-image-1.5", "size": "2048x2048"}, "size"),
        ({"size": "1024"}, "size"),
        ({"size": "1920x1080"}, "size"),
        ({"model": "gpt-image-1"}, "model"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, object], place: str) -> None:
    assert places({"jobs": [FOX | fields]}) == [f"jobs[0].{place}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"output_compression": 50, "output_format": "webp"},
        {"background": "transparent", "output_format": "webp"},
        {"operation": "edit", "reference_image_path": "a.png", "mask_image_path": "m.png"},
        {"operation": "transform", "reference_image_path": ["a.png", "b.png"]},
        {
            "model": "gpt-image-1.5",
            "input_fidelity": "high",
            "reference_image_path": "a.png",
        },
        {"model": "gpt-image-1.5", "size": "1536x1024", "quality": "high"},
        {"size": "3840x2160", "quality": "max"},
    ],
)
def test_fields_that_go_together_are_accepted(fields: dict[str, object]) -> None:
    assert job(**fields).prompt == FOX["prompt"]


def test_a_reference_image_makes_it_an_edit() -> None:
    assert job(reference_image_path="a.png").operation == "edit"
    assert job().operation == "generate"


def test_transparent_background_is_short_for_the_background() -> None:
    assert job(transparent_background=True).background == "transparent"


def test_the_ending_of_a_path_decides_the_format_that_nobody_names() -> None:
    assert job(output_path="fox.jpeg").output_format == "jpeg"
    assert job(output_path="fox.webp", output_format="png").output_format == "png"


def test_a_model_that_is_shut_down_names_its_date_and_its_successor() -> None:
    assert problems({"jobs": [FOX | {"model": "gpt-image-1"}]}) == [
        "jobs[0].model: gpt-image-1 was shut down by OpenAI on 2026-10-23 (use gpt-image-2.5-flare)"
    ]
    gateway = parse({"jobs": [FOX | {"model": "gpt-image-1"}]}, openai_itself=False)
    assert gateway.warnings == ()


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"model": "gpt-image-1.5"}, "2026-12-01"),
        ({"model": "my-deployment"}, "my-deployment"),
        ({"moderation": "high"}, "moderation"),
        ({"moderation": "medium"}, "moderation"),
        ({"return_base64": True}, "return_base64"),
        ({"size": "3840x2160"}, "experimental"),
    ],
)
def test_what_is_accepted_but_not_meant_is_warned_of(fields: dict[str, object], word: str) -> None:
    (warning,) = parse({"jobs": [FOX | fields]}).warnings
    assert word in warning


def test_an_ordinary_batch_is_not_warned_of() -> None:
    assert parse({"jobs": [FOX]}).warnings == ()


def test_the_moderation_of_old_files_is_auto() -> None:
    assert job(moderation="high").moderation == "auto"


@pytest.mark.parametrize(
    ("one", "other"),
    [("fox.png", "FOX.png"), ("caf\u00e9.png", "cafe\u0301.png"), ("a/b.png", "a/b.png")],
)
def test_two_jobs_with_one_path_are_refused_before_any_call(one: str, other: str) -> None:
    jobs = [FOX | {"output_path": one}, FOX | {"output_path": other}]
    assert places({"jobs": jobs}) == ["jobs[1].output_path"]


@pytest.mark.parametrize(
    "jobs",
    [
        [{"output_path": "fox"}, {"output_path": "fox.png"}],
        [{"output_path": "fox", "sample_count": 2}, {"output_path": "Fox-2.png"}],
        [{"output_path": "fox.png"}, {"output_path": "fox.png/one.png"}],
        [{"output_path": "fox.png/one.png"}, {"output_path": "fox.png"}],
    ],
)
def test_files_that_would_stand_in_each_others_way_are_refused(
    jobs: list[dict[str, object]],
) -> None:
    (place,) = places({"jobs": [FOX | job for job in jobs]})
    assert place.endswith("].output_path")


@pytest.mark.parametrize(
    ("layers", "background"),
    [
        (({"transparent_background": True}, {"background": "opaque"}, {}), "opaque"),
        (({"background": "transparent"}, {"transparent_background": False}, {}), "auto"),
        (({}, {"transparent_background": True}, {"background": "opaque"}), "opaque"),
        (({"background": "opaque"}, {"transparent_background": True}, {}), "transparent"),
    ],
)
def test_a_background_replaces_the_one_below_it_in_either_spelling(
    layers: tuple[dict[str, object], ...], background: str
) -> None:
    defaults, own, flags = layers
    config = parse({"jobs": [FOX | own], "defaults": defaults}, overrides=flags).config
    assert config.jobs[0].background == background


@pytest.mark.parametrize("cap", [0.1, 2, 2.5, 0.000001, 1_000_000])
def test_a_batch_that_is_kept_as_json_comes_back_the_same(cap: float) -> None:
    data = {"jobs": [FOX | {"reference_image_path": "a.png"}], "max_cost": cap}
    config = parse(data | {"retry_policy": {"retry_on_errors": ["timeout"]}}).config
    assert BatchConfig.model_validate_json(config.model_dump_json()) == config


def test_a_file_of_the_node_tool_runs_unchanged_on_the_default_model() -> None:
    jobs = [
        {"prompt": "a fox", "output_path": "fox.png", "size": "1024x1024", "quality": "high"},
        {"prompt": "an owl", "moderation": "medium", "transparent_background": False},
        {
            "operation": "edit",
            "prompt": "a hat on the fox",
            "reference_image_path": "fox.png",
            "mask_image_path": "mask.png",
            "input_fidelity": "high",
            "moderation": "high",
            "return_base64": True,
        },
    ]
    policy = {
        "max_retries": 3,
        "retry_delay_ms": 1_000,
        "retry_on_errors": ["rate_limit", "timeout", "server_error"],
    }
    data = {"jobs": jobs, "max_concurrent": 3, "timeout": 300_000, "retry_policy": policy}
    parsed = parse(data | {"output_dir": "./out"})
    assert [job.input_fidelity for job in parsed.config.jobs] == [None] * 3
    assert parsed.warnings == (
        """retry_policy.retry_on_errors: timeout and server_error will be retried only with \
retry_in_doubt: true, because it may pay twice""",
        "jobs[1].moderation: medium is no value any more; auto is used",
        "jobs[2].moderation: high is no value any more; auto is used",
        "jobs[2].return_base64 is ignored: images are written to files",
        "jobs[2].input_fidelity is left out: gpt-image-2.5-flare takes none",
    )
    at_gateway = parse(data, environment={"model": "gpt-image-1"}, openai_itself=False)
    assert at_gateway.config.jobs[2].input_fidelity == "high"
