"""What a workflow gives its step: the inputs of action.yml and what the runner says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.core.errors import SettingsError
from bot.core.language import Choice
from bot.core.said import restored, said
from bot.entrypoints import redaction
from bot.entrypoints.settings import OPENAI, Address, Dollars, Switch
from bot.entrypoints.slips import plainly

Environment = Mapping[str, str]
"""The variables of the process; of a step `INPUT_<NAME>`, with `_` for the hyphens of a name."""

KEY = "INPUT_OPENAI_API_KEY"


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("one line of text")
    return value


Line = Annotated[str, AfterValidator(_one_line)]


class Inputs(BaseModel):
    """All of it but the OpenAI key, which is read where it is needed and not before.

    The aliases are the variables' names.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    # inputs of action.yml
    openai_base_url: Address = Field(OPENAI, validation_alias="INPUT_OPENAI_BASE_URL")
    config: str | None = Field(None, validation_alias="INPUT_CONFIG")
    config_file: Line | None = Field(None, validation_alias="INPUT_CONFIG_FILE")
    comment: str | None = Field(None, validation_alias="INPUT_COMMENT")
    command: Literal["auto", "batch", "estimate"] = Field("auto", validation_alias="INPUT_COMMAND")
    destination: Literal["artifact", "release", "branch", "directory"] = Field(
        "artifact", validation_alias="INPUT_DESTINATION"
    )
    output_dir: Path | None = Field(None, validation_alias="INPUT_OUTPUT_DIR")
    model: Line | None = Field(None, validation_alias="INPUT_MODEL")
    max_concurrent: int | None = Field(None, ge=1, le=10, validation_alias="INPUT_MAX_CONCURRENT")
    timeout: int | None = Field(None, ge=1000, le=3_600_000, validation_alias="INPUT_TIMEOUT")
    max_cost: Dollars | None = Field(None, validation_alias="INPUT_MAX_COST")
    min_role: Literal["write", "maintain", "admin"] = Field(
        "write", validation_alias="INPUT_MIN_ROLE"
    )
    language: Choice = Field("en", validation_alias="INPUT_LANGUAGE")
    retention_days: int = Field(7, ge=1, le=400, validation_alias="INPUT_RETENTION_DAYS")
    post_comment: Switch = Field(True, validation_alias="INPUT_POST_COMMENT")
    fail_on: Literal["any", "all", "never"] = Field("any", validation_alias="INPUT_FAIL_ON")
    github_token: SecretStr | None = Field(None, validation_alias="INPUT_GITHUB_TOKEN")

    # of the last call, after actions/upload-artifact
    artifact_url: Address | None = Field(None, validation_alias="INPUT_ARTIFACT_URL")
    comment_url: Address | None = Field(None, validation_alias="INPUT_COMMENT_URL")

    # what the runner says
    # https://docs.github.com/actions/reference/workflows-and-actions/variables
    event_name: Line = Field("", validation_alias="GITHUB_EVENT_NAME")
    event_path: Path | None = Field(None, validation_alias="GITHUB_EVENT_PATH")
    repository: Line = Field("", validation_alias="GITHUB_REPOSITORY")
    actor: Line = Field("", validation_alias="GITHUB_ACTOR")
    sha: Line = Field("", validation_alias="GITHUB_SHA")
    ref_name: Line = Field("", validation_alias="GITHUB_REF_NAME")
    job: Line = Field("", validation_alias="GITHUB_JOB")
    job_index: Line = Field("", validation_alias="JOB_INDEX")  # of those that a matrix makes
    run_id: int = Field(0, validation_alias="GITHUB_RUN_ID")
    run_attempt: int = Field(1, validation_alias="GITHUB_RUN_ATTEMPT")
    server_url: Address = Field("https://github.com", validation_alias="GITHUB_SERVER_URL")
    api_url: Address = Field("https://api.github.com", validation_alias="GITHUB_API_URL")
    workspace: Path | None = Field(None, validation_alias="GITHUB_WORKSPACE")
    output_file: Path | None = Field(None, validation_alias="GITHUB_OUTPUT")
    summary_file: Path | None = Field(None, validation_alias="GITHUB_STEP_SUMMARY")
    temporary: Path | None = Field(None, validation_alias="RUNNER_TEMP")


def read(environment: Environment) -> Inputs:
    """The inputs; raises SettingsError with a line for each wrong one."""
    names = {str(field.validation_alias) for field in Inputs.model_fields.values()}
    given = {
        name: environment[name].strip()
        for name in sorted(names)
        if environment.get(name, "").strip()  # an input that is not given is an empty variable
    }
    try:
        found = Inputs.model_validate(given)
    except ValidationError as error:
        raise SettingsError(
            said("{where}: {what}", where=_called(fault["loc"]), what=plainly(restored(line)))
            for fault in error.errors(include_input=False, include_url=False)
            for line in fault["msg"].splitlines()
        ) from None
    redaction.learn([found.github_token.get_secret_value()] if found.github_token else [])
    return found


def openai_key(environment: Environment) -> SecretStr:
    """The key, only now; raises SettingsError if the workflow gave none."""
    key = environment.get(KEY, "").strip()
    if not key:
        message = said(
            "openai-api-key is required: keep a key in the repository's secrets, and give it as"
            " an input"
        )
        raise SettingsError([message])
    redaction.learn([key])
    return SecretStr(key)


def _called(place: tuple[int | str, ...]) -> str:
    """The name that a person wrote: of the input, or of the variable."""
    name = str(place[0])
    if name.startswith("INPUT_"):
        return name.removeprefix("INPUT_").replace("_", "-").lower()
    return name
