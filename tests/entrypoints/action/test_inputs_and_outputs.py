"""What a step is given is checked at once, and what it says back is nothing but what it says."""

import re
from pathlib import Path

import pytest

from bot.core.errors import SettingsError
from bot.entrypoints.action import inputs
from bot.entrypoints.action.outputs import Outputs, annotate, log


def outputs_of(file: Path) -> dict[str, str]:
    """What the runner reads from GITHUB_OUTPUT."""
    found = re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n\2\n", file.read_text(), re.DOTALL | re.MULTILINE)
    return {name: value for name, _, value in found}


def test_an_input_that_is_not_given_is_an_empty_variable() -> None:
    given = inputs.read({"INPUT_DESTINATION": "", "INPUT_MAX_COST": "  ", "INPUT_MODEL": "m"})

    assert (given.destination, given.max_cost, given.model) == ("artifact", None, "m")


def test_every_wrong_input_is_named_at_once_as_its_author_wrote_it() -> None:
    environment = {
        "INPUT_MAX_COST": "-1",
        "INPUT_FAIL_ON": "sometimes",
        "INPUT_CONFIG_FILE": "a\nb",
        "GITHUB_RUN_ID": "x",
    }

    with pytest.raises(SettingsError) as error:
        inputs.read(environment)

    names = {problem.split(":")[0] for problem in error.value.problems}
    assert names == {"max-cost", "fail-on", "config-file", "GITHUB_RUN_ID"}


def test_the_key_is_not_among_the_inputs() -> None:
    given = inputs.read({"INPUT_OPENAI_API_KEY": "sk-canary"})

    assert "sk-canary" not in repr(given) + given.model_dump_json()
    assert inputs.openai_key({"INPUT_OPENAI_API_KEY": "sk-canary"}).get_secret_value() == (
        "sk-canary"
    )
    with pytest.raises(SettingsError, match="openai-api-key is required"):
        inputs.openai_key({})


def test_an_output_cannot_become_another_one(tmp_path: Path) -> None:
    out = Outputs(tmp_path / "output", tmp_path / "summary")
    hostile = "a\nEOF\nstatus=done\nreport<<EOF\nx\nEOF"

    out.write({"estimate": hostile, "images": "[]", "in-doubt": None, "failed": 0})

    assert outputs_of(tmp_path / "output") == {
        "estimate": hostile,
        "images": "[]",
        "in-doubt": "",
        "failed": "0",
    }


def test_what_is_logged_and_annotated_holds_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    log("fine", "::error::x\n  ::add-mask::y\r::stop-commands::z", "a ##[error]b")
    annotate("error", "100%\n::warning::x", file="a,b:c.json", line=3, column=7)

    assert capsys.readouterr().err.splitlines() == [
        "fine",
        "| ::error::x",
        "|   ::add-mask::y",
        "| ::stop-commands::z",
        "a ## [error]b",
        "::error file=a%2Cb%3Ac.json,line=3,col=7::100%25%0A::warning::x",
    ]
