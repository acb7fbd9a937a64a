"""What a repository asks for itself in `.github/gptimage.yml`: only ever less."""
# ruff: noqa: E501  (a sentence is quoted as it is said)

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.core.errors import RulesError
from bot.core.parse import Around, BatchLimits
from bot.core.policy import AllowList, Limits
from bot.core.ports import Role
from bot.core.pricing import Money
from bot.core.repository import PATH, RepositoryFile, json_schema, narrowed, read_file
from bot.core.rules import Rules

RULES = Rules(owners=frozenset({"acme"}), limits=Limits(run=Money(10_000_000)))


def faults(text: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        read_file(text.encode())
    assert caught.value.file == PATH
    return [str(problem) for problem in caught.value.problems]


def with_file(text: str, rules: Rules = RULES) -> Rules:
    return narrowed(rules, read_file(text.encode()))


# --- bots -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("min_role: admin", {7, 8}),
        ("allowed_bots: []", set()),
        ("allowed_bots: [7, 9]", {7}),
        ("allowed_users: [maya]", set()),
        ("allowed_users: [maya, 8]", {8}),
        ("allowed_teams: [acme/art]", set()),
        ("allowed_users: [maya, 8]\nallowed_bots: [7]", {7}),
    ],
)
def test_a_repository_takes_bots_out_and_adds_none(text: str, left: set[int]) -> None:
    assert with_file(text, replace(RULES, bots=frozenset({7, 8}))).bots == left


# --- reading ----------------------------------------------------------------------------------


def test_a_file_may_say_everything() -> None:
    file = read_file(
        b"""\
# Ours is the art department.
min_role: maintain
allowed_users: [maya, 5000001]
allowed_teams:
  - acme/art
allowed_bots: [41898282]
max_cost_per_run: 2.50
max_cost_per_person_and_day: 5
max_cost_per_repository_and_day: 20
max_jobs: 10
max_images: 40
model: gpt-image-2.5-flare
language: auto
destination: branch
defaults:
  quality: low
  size: 1536x1024
"""
    )
    assert file.allowed_users == ("maya", "5000001")
    assert str(file.max_cost_per_run) == "2.5"
    assert file.defaults == {"quality": "low", "size": "1536x1024"}


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n", "{}", "\ufeff"])
def test_a_file_that_says_nothing_changes_nothing(text: str) -> None:
    assert read_file(text.encode()) == RepositoryFile()
    assert with_file(text) == RULES


def test_all_faults_are_named_at_once_with_their_places() -> None:
    text = """\
min_rol: admin
max_cost_per_run: lots
max_images: 0
allowed_users: maya
allowed_teams: [art]
language: de
defaults:
  qality: low
  size: 7x7
  prompt: a fox
"""
    assert faults(text) == snapshot(
        [
            'min_rol (line 1, column 1): is no field of this object (did you mean "min_role"?)',
            "max_cost_per_run (line 2, column 1): must be a number",
            "max_images (line 3, column 1): must be 1 to 100,000 (it is 0)",
            'allowed_users (line 4, column 1): must be a list (write ["maya"])',
            "allowed_teams[0] (line 5, column 17): a team is written org/team",
            'language (line 6, column 1): "de" must be one of en, ja, auto',
            'defaults.qality (line 8, column 3): is no field of a job (did you mean "quality"?)',
            "defaults.size (line 9, column 3): 7x7: width and height must be multiples of 16 (try 816x816; the usual ratios are 2:3, 3:2 and 1:1)",
            "defaults.prompt (line 10, column 3): belongs to each job, not to all of them",
        ]
    )


@pytest.mark.parametrize(
    "text",
    [
        "max_cost_per_run: -1",
        "max_cost_per_run: .nan",
        "max_cost_per_run: '2'",
        "max_cost_per_run: true",
        "max_cost_per_run: 1e999",
        "max_jobs: 1.5",
        "max_jobs: 2\nmax_jobs: 3",
        "min_role: read",
        "min_role: no",
        "- a list",
        "a text",
        "max_jobs: [1",
        "\xff",
        "defaults: [quality]",
    ],
)
def test_what_cannot_be_meant_is_no_rule(text: str) -> None:
    with pytest.raises(RulesError):
        read_file(text.encode("latin-1"))


def test_a_file_that_is_no_yaml_is_told_with_its_line() -> None:
    assert faults("min_role: admin\nmax_jobs: [1\n") == snapshot(
        [
            "the YAML cannot be read at line 3, column 1 (a comma, or a closing bracket, is missing before this place)"
        ]
    )


# --- narrowing --------------------------------------------------------------------------------


def test_a_file_lowers_limits_and_never_raises_them() -> None:
    low, high = with_file("max_cost_per_run: 2"), with_file("max_cost_per_run: 20")
    assert (low.limits.run, high.limits.run) == (Money(2_000_000), Money(10_000_000))
    assert low.run_cap == "max_cost_per_run in .github/gptimage.yml"
    assert high.run_cap == RULES.run_cap == "GPTIMAGE_MAX_COST_PER_RUN"


def test_caps_of_a_repository_count_what_happens_in_it() -> None:
    text = "max_cost_per_person_and_day: 1\nmax_cost_per_repository_and_day: 0"
    limits = with_file(text).limits
    assert (limits.person_repository_day, limits.person_day) == (Money(1_000_000), None)
    assert limits.repository_day == Money(0)


def test_what_is_no_limit_is_a_wish() -> None:
    wished = with_file("language: ja\ndestination: branch")
    assert (wished.language, wished.destination) == ("ja", "branch")
    assert with_file("max_jobs: 3", wished).destination == "branch"
    with pytest.raises(RulesError, match="release, branch"):
        read_file(b"destination: directory")


def test_lists_add_up_so_that_each_must_have_the_person() -> None:
    own = AllowList(frozenset({"maya"}))
    rules = Rules(owners=frozenset(), lists=(own,))
    other = AllowList(frozenset({"rin"}), frozenset({"acme/art"}))
    assert with_file("allowed_users: [rin]\nallowed_teams: [acme/art]", rules).lists == (own, other)
    assert with_file("allowed_users: []", rules).lists == (own, AllowList())


def test_defaults_stand_between_the_batch_and_the_environment() -> None:
    around = Around(environment={"model": "m", "timeout": 5000}, limits=BatchLimits(max_jobs=50))
    rules = Rules(owners=frozenset(), around=around)
    found = with_file("model: other\nmax_jobs: 60\ndefaults: {quality: low}", rules).around
    assert found.environment == {"model": "other", "timeout": 5000, "quality": "low"}
    assert found.limits.max_jobs == 50
    assert with_file("max_jobs: 7", rules).around.limits.max_jobs == 7


AMOUNTS = st.none() | st.integers(0, 20)
FILES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "min_role": st.sampled_from(["write", "maintain", "admin"]),
        "allowed_users": st.lists(st.sampled_from(["maya", "rin"])),
        "max_cost_per_run": st.integers(0, 20),
        "max_cost_per_person_and_day": st.integers(0, 20),
        "max_cost_per_repository_and_day": st.integers(0, 20),
        "max_jobs": st.integers(1, 200),
        "max_images": st.integers(1, 200),
    },
)


def is_at_most(one: Money | int | None, other: Money | int | None) -> bool:
    if other is None:
        return True
    return one is not None and one <= other  # type: ignore[operator]  # both are of one kind


@given(FILES, FILES, st.sampled_from([Role.WRITE, Role.MAINTAIN, Role.ADMIN]), AMOUNTS, AMOUNTS)
def test_no_file_widens_anything(
    shared: dict[str, Any], own: dict[str, Any], role: Role, run: int | None, day: int | None
) -> None:
    dollars = [None if each is None else Money(each * 1_000_000) for each in (run, day)]
    before = Rules(
        frozenset({"acme"}), role, limits=Limits(run=dollars[0], repository_day=dollars[1])
    )
    for each in (shared, own):
        after = with_file(json.dumps(each), before)
        assert after.min_role >= before.min_role
        assert after.lists[: len(before.lists)] == before.lists
        assert (after.owners, after.bots) == (before.owners, before.bots)
        for name in Limits.__slots__:
            assert is_at_most(getattr(after.limits, name), getattr(before.limits, name))
        assert is_at_most(after.max_images, before.max_images)
        assert after.around.limits.max_jobs <= before.around.limits.max_jobs
        before = after


# --- the schema -------------------------------------------------------------------------------


def test_the_schema_names_every_field_and_those_of_a_job() -> None:
    schema: Any = json_schema()
    assert set(schema["properties"]) == set(RepositoryFile.model_fields)
    assert "quality" in schema["$defs"]["Defaults"]["properties"]
    assert "prompt" not in schema["$defs"]["Defaults"]["properties"]
    assert schema["additionalProperties"] is False
