"""A matrix of prompts: what one job becomes, what its files are called, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.batch import BatchConfig, canonical
from bot.core.errors import BatchError
from bot.core.parse import Around, BatchLimits, parse_batch_data
from bot.core.plan import plan

ANIMALS = {"animal": ["fox", "owl"]}
STYLES = {"style": ["flat", "oil on canvas", "ink"]}


def batch(*jobs: dict[str, object], variables: object, **around: Any) -> BatchConfig:
    return parse_batch_data({"jobs": list(jobs), "variables": variables}, Around(**around)).config


def prompts(prompt: str, variables: object) -> list[str]:
    return [job.prompt for job in batch({"prompt": prompt}, variables=variables).jobs]


def files(job: dict[str, object], variables: object) -> list[str]:
    return [item.path for item in plan(batch(job, variables=variables), "run")]


def problems(*jobs: dict[str, object], variables: object, **around: Any) -> list[str]:
    with pytest.raises(BatchError) as caught:
        batch(*jobs, variables=variables, **around)
    return [str(problem) for problem in caught.value.problems]


# --- prompts ----------------------------------------------------------------------------------


def test_a_job_goes_over_every_combination_of_the_variables_that_it_names() -> None:
    assert prompts("{{animal}}, {{style}}", ANIMALS | STYLES) == [
        "fox, flat",
        "fox, oil on canvas",
        "fox, ink",
        "owl, flat",
        "owl, oil on canvas",
        "owl, ink",
    ]


def test_the_variable_that_is_named_first_changes_last() -> None:
    assert prompts("{{style}} {{animal}}", ANIMALS | {"style": ["a", "b"]}) == [
        "a fox",
        "a owl",
        "b fox",
        "b owl",
    ]


@pytest.mark.parametrize(
    ("prompt", "first"),
    [
        ("{{ animal }} and {{\tanimal\n}}", "fox and fox"),
        ("{{animal}}s: {{animal}}", "foxs: fox"),
        ("{{{animal}}}", "{fox}"),
        ("{animal} {{}} {{ }} {{animal}}", "{animal} {{}} {{ }} fox"),
        ("{{animal}} {{50%}}", "fox {{50%}}"),
    ],
)
def test_a_name_in_two_braces_is_replaced_and_nothing_else(prompt: str, first: str) -> None:
    assert prompts(prompt, ANIMALS)[0] == first


def test_a_value_stays_text_whatever_is_in_it() -> None:
    values = {"animal": ["{{style}}", "{{animal}}", "\\1 \\g<0>"], "style": ["flat"]}
    assert prompts("{{animal}}, {{style}}", values) == [
        "{{style}}, flat",
        "{{animal}}, flat",
        "\\1 \\g<0>, flat",
    ]


def test_jobs_keep_their_order_and_all_their_other_fields() -> None:
    first: dict[str, object] = {"prompt": "a bridge", "size": "1536x1024"}
    second: dict[str, object] = {"prompt": "{{animal}}", "quality": "low", "sample_count": 2}
    found = batch(first, second, first, variables=ANIMALS).jobs
    assert [job.prompt for job in found] == ["a bridge", "fox", "owl", "a bridge"]
    assert [(job.quality, job.sample_count) for job in found[1:3]] == [("low", 2)] * 2


def test_a_matrix_is_the_same_batch_as_its_jobs_written_out() -> None:
    matrix = batch({"prompt": "a {{animal}}"}, variables=ANIMALS)
    written = batch({"prompt": "a fox"}, {"prompt": "a owl"}, variables={})
    assert matrix == written
    assert canonical(matrix) == canonical(written)


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,59}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=3, unique=True), max_size=4))
def test_every_combination_is_made_once(variables: dict[str, list[str]]) -> None:
    prompt = "x" + "|".join(f"{{{{{name}}}}}" for name in variables)
    found = [job.prompt for job in batch({"prompt": prompt}, variables=variables).jobs]
    wanted = 1
    for values in variables.values():
        wanted *= len(values)
    assert len(found) == wanted


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "first", "last"),
    [
        ("{{animal}}/{{style}}.png", "fox/flat.png", "owl/ink.png"),
        ("{{ style }}-of-{{animal}}.webp", "flat-of-fox.webp", "ink-of-owl.webp"),
        ("poster.png", "poster-fox-flat.png", "poster-owl-ink.png"),
        ("{{animal}}/poster.jpg", "fox/poster-flat.jpg", "owl/poster-ink.jpg"),
        ("poster", "poster-fox-flat.png", "poster-owl-ink.png"),
    ],
)
def test_each_image_has_its_values_in_its_name(path: str, first: str, last: str) -> None:
    job: dict[str, object] = {"prompt": "{{animal}}, {{style}}", "output_path": path}
    found = files(job, ANIMALS | STYLES)
    assert (found[0], found[-1]) == (first, last)
    assert len(set(found)) == 6


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["Oil on canvas!", "../../etc", "a/b\\c"], ["oil-on-canvas", "etc", "a-b-c"]),
        (["狐", "梟"], ["狐", "梟"]),
        (["Café", "नमस्ते"], ["café", "नमस्ते"]),
        (["fox!", "fox?"], ["1", "2"]),
        (["Fox", "fox"], ["1", "2"]),
        (["", " at night"], ["1", "2"]),
        (["x" * 100, "y"], ["x" * 40, "y"]),
    ],
)
def test_a_value_is_a_plain_part_of_a_name(values: list[str], names: list[str]) -> None:
    job: dict[str, object] = {"prompt": "a picture {{it}}", "output_path": "a.png"}
    assert files(job, {"it": values}) == [f"a-{name}.png" for name in names]


def test_a_variable_with_one_value_is_not_added_to_the_name() -> None:
    job: dict[str, object] = {"prompt": "{{animal}}, {{mood}}", "output_path": "a.png"}
    assert files(job, ANIMALS | {"mood": ["calm"]}) == ["a-fox.png", "a-owl.png"]


def test_several_samples_are_numbered_behind_the_values() -> None:
    job: dict[str, object] = {"prompt": "{{animal}}", "output_path": "a.png", "sample_count": 2}
    assert files(job, ANIMALS) == ["a-fox-1.png", "a-fox-2.png", "a-owl-1.png", "a-owl-2.png"]


def test_files_that_nobody_names_are_called_after_their_prompt() -> None:
    assert files({"prompt": "a {{animal}}"}, ANIMALS) == ["a-fox.png", "a-owl.png"]


def test_two_combinations_with_one_file_are_refused() -> None:
    job: dict[str, object] = {"prompt": "{{a}} {{b}}", "output_path": "{{a}}-{{b}}.png"}
    (said,) = problems(job, variables={"a": ["x", "x y"], "b": ["y z", "z"]})
    assert said == 'jobs[0].output_path: "x-y-z.png" is the file of jobs[0] already'


# --- what is refused, and where ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "variables", "said"),
    [
        (
            {"prompt": "{{animl}}"},
            ANIMALS,
            'jobs[0].prompt: {{animl}} is none of the variables (did you mean "animal"?)',
        ),
        (
            {"prompt": "{{animal}}", "output_path": "{{ anmal }}.png"},
            ANIMALS,
            'jobs[0].output_path: {{anmal}} is none of the variables (did you mean "animal"?)',
        ),
        (
            {"prompt": "{{my-animal}}"},
            {"x": ["1"]},
            "jobs[0].prompt: {{my-animal}} is none of the variables",
        ),
        (
            {"prompt": "{{animal}}"},
            {},
            """jobs[0].prompt: {{animal}} is none of the variables (declare it, such as \
"variables": {"animal": ["fox", "owl"]})""",
        ),
        (
            {"prompt": "a fox", "output_path": "{{animal}}.png"},
            ANIMALS,
            """jobs[0].output_path: the prompt does not use {{animal}}: its images would be the \
same (for more of one, use sample_count)""",
        ),
        (
            {"prompt": "a {{animal}}", "size": "1920x1080"},
            ANIMALS,
            """jobs[0].size: 1920x1080: width and height must be multiples of 16 (try 1920x1088; \
the usual ratios are 2:3, 3:2 and 1:1)""",
        ),
        (
            {"prompt": "a {{animal}}"},
            {"animal": ["fox", "x" * 32_000]},
            """jobs[0].prompt: must have 1 to 32,000 characters with its variables (it has up to \
32,002)""",
        ),
        ({"prompt": "{{animal}}"}, {"animal": [" "]}, "jobs[0].prompt: is blank"),
        ({"prompt": "a fox"}, ["fox"], "variables: must be an object"),
        ({"prompt": "a {{fox}}"}, None, "variables: must be an object"),
        (
            {"prompt": "a {{animal}}"},
            {"animal": "fox"},
            'variables.animal: must be a list of texts (write ["fox"])',
        ),
        ({"prompt": "a {{animal}}"}, {"animal": []}, "variables.animal: must have 1 value or more"),
        ({"prompt": "a {{animal}}"}, {"animal": ["fox", 5]}, "variables.animal[1]: must be text"),
        (
            {"prompt": "a {{animal}}"},
            {"animal": ["fox", "owl", "fox"]},
            'variables.animal[2]: "fox" is given twice: its images would be paid for twice',
        ),
    ],
)
def test_a_wrong_use_is_named_where_its_author_can_mend_it(
    job: dict[str, object], variables: object, said: str
) -> None:
    assert problems(job, variables=variables) == [said]


@pytest.mark.parametrize("name", ["a", "_", "A1_b", "x" * 60])
def test_a_variable_has_a_plain_name(name: str) -> None:
    assert prompts(f"{{{{{name}}}}}", {name: ["fox"]}) == ["fox"]


@pytest.mark.parametrize("name", ["", "1a", "my-animal", "a b", "tier.größe", "größe", "x" * 61])
def test_another_name_is_refused(name: str) -> None:
    (said,) = problems({"prompt": "a fox"}, variables={name: ["fox"]})
    assert "is no name: use up to 60 of A-Z, a-z, 0-9 and _, no digit first" in said


def test_a_batch_has_up_to_100_variables() -> None:
    many = {f"v{n}": ["x"] for n in range(101)}
    assert problems({"prompt": "a fox"}, variables=many) == [
        "variables: must have at most 100 names, not 101"
    ]
    del many["v100"]
    assert len(batch({"prompt": "a fox"}, variables=many).jobs) == 1


def test_what_the_variables_make_counts_as_jobs() -> None:
    ten = [str(n) for n in range(10)]
    square: dict[str, object] = {"prompt": "{{a}} {{b}}"}
    assert len(batch(square, variables={"a": ten, "b": ten}).jobs) == 100
    said = "jobs: the variables make {} jobs of {}; 1 to {} are allowed"
    hint = " (use fewer values, or several batches)"
    assert problems(square, variables={"a": ten, "b": [*ten, "x"]}) == [
        said.format(110, 1, 100) + hint
    ]
    assert problems(square, {"prompt": "a fox"}, variables={"a": ten, "b": ten}) == [
        said.format(101, 2, 100) + hint
    ]
    three = BatchLimits(max_jobs=3)
    assert problems({"prompt": "{{a}}"}, variables={"a": ten}, limits=three) == [
        said.format(10, 1, 3) + hint
    ]


def test_a_matrix_without_an_end_is_counted_and_not_made() -> None:
    many = {f"v{n}": [str(value) for value in range(1_000)] for n in range(100)}
    prompt = "".join(f"{{{{{name}}}}}" for name in many)
    (said,) = problems({"prompt": prompt}, variables=many)
    assert said.startswith("jobs: the variables make more than 1,000,000,000,000,000 jobs of 1;")


def test_a_prompt_that_would_fill_the_memory_is_counted_and_not_made() -> None:
    job: dict[str, object] = {"prompt": "{{a}}" * 6_000}
    (said,) = problems(job, variables={"a": ["x" * 1_000_000, "y"]})
    assert said.endswith("(it has up to 6,000,000,000)")


def test_a_list_that_no_job_uses_is_warned_of() -> None:
    data = {"jobs": [{"prompt": "a {{animal}}"}], "variables": STYLES | ANIMALS | {"b": ["x"]}}
    assert parse_batch_data(data).warnings == (
        "variables.style is used by no job",
        "variables.b is used by no job",
    )


def test_a_warning_of_a_job_is_given_once_for_all_its_combinations() -> None:
    job = {"prompt": "a {{animal}}", "moderation": "high"}
    assert parse_batch_data({"jobs": [job], "variables": ANIMALS}).warnings == (
        "jobs[0].moderation: high is no value any more; auto is used",
    )


def test_names_in_a_flag_or_a_job_that_is_no_object_do_no_harm() -> None:
    said = problems(*json.loads('[5, {"prompt": 5}, {"prompt": "{{animal}}"}]'), variables=ANIMALS)
    assert [each.partition(":")[0] for each in said] == ["jobs[0]", "jobs[1].prompt"]
