"""The pages and the example workflows name what action.yml has, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.entrypoints.action.inputs import Inputs
from tests.test_docs import cells, defaults

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
PAGES = [ROOT / "docs" / "action.md", ROOT / "docs" / "action.ja.md"]
WORKFLOWS = sorted((ROOT / "examples" / "workflows").glob("*.yml"))
OURS = ("org/gptimage-action@v1", "./")


def variable(name: str) -> str:
    return f"INPUT_{name.replace('-', '_').upper()}"


def uses() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step of a workflow that uses the Action."""
    for file in (*WORKFLOWS, ROOT / ".github" / "workflows" / "ci.yml"):
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            for step in job["steps"]:
                if step.get("uses") in OURS:
                    yield file.name, step


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_input_has_a_row_with_its_default(page: Path) -> None:
    meant = {
        name: f"`{each['default']}`" if "default" in each else "–"
        for name, each in ACTION["inputs"].items()
    }

    assert defaults(page) == meant


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_output_has_a_row(page: Path) -> None:
    rows = [row[0].strip("`") for row in cells(page) if len(row) == 2 and row[0].startswith("`")]

    assert rows == list(ACTION["outputs"])


def test_the_program_reads_every_input_by_the_name_that_the_action_gives_it() -> None:
    (step,) = [step for step in ACTION["runs"]["steps"] if step.get("id") == "run"]
    given = {name: value for name, value in step["env"].items() if name.startswith("INPUT_")}
    read = {str(field.validation_alias) for field in Inputs.model_fields.values()}
    read = {name for name in read if name.startswith("INPUT_")} | {"INPUT_OPENAI_API_KEY"}

    assert given == {variable(name): f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    assert set(given) == read - {"INPUT_ARTIFACT_URL", "INPUT_COMMENT_URL"}  # of the last step


def test_defaults_are_those_of_the_program() -> None:
    for field in Inputs.model_fields.values():
        name = str(field.validation_alias).removeprefix("INPUT_").replace("_", "-").lower()
        default = ACTION["inputs"].get(name, {}).get("default")
        if field.default is not None and name in ACTION["inputs"]:
            assert default == str(field.default).removesuffix("/").replace("True", "true"), name


def test_nothing_that_people_write_stands_in_a_script() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]

    assert scripts
    assert not [script for script in scripts if "${{" in script]


def test_the_examples_use_inputs_and_outputs_that_there_are() -> None:
    found = list(uses())

    assert len({name for name, _ in found}) == len(WORKFLOWS) + 1
    assert all(set(step["with"]) <= set(ACTION["inputs"]) for _, step in found)
    texts = [file.read_text() for file in WORKFLOWS]
    named = {out for text in texts for out in re.findall(r"steps\.images\.outputs\.([\w-]+)", text)}
    assert named
    assert named <= set(ACTION["outputs"])


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_an_example_has_no_right_that_it_does_not_need_and_an_end(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())

    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["cancel-in-progress"] is False  # what is under way is paid for
    assert all({"timeout-minutes", "permissions"} <= set(job) for job in workflow["jobs"].values())
    if "issue_comment" in workflow[True]:  # YAML's word for `on`
        assert "github.event.comment.id" in workflow["concurrency"]["group"]


@pytest.mark.parametrize("file", [ROOT / "action.yml", *WORKFLOWS], ids=lambda file: file.stem)
def test_what_others_made_is_named_by_its_commit_and_its_version(file: Path) -> None:
    named = re.findall(r"uses: (\S+)(.*)", file.read_text())

    for action, comment in named:
        if action not in OURS:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_one_version_of_each_is_used_everywhere() -> None:
    files = [ROOT / "action.yml", *WORKFLOWS, *(ROOT / ".github" / "workflows").glob("*.yml")]
    lines = {
        line for file in files for line in re.findall(r"uses: (\S+@[0-9a-f]{40})", file.read_text())
    }

    names = [line.partition("@")[0] for line in lines]
    assert len(names) == len(set(names))
