"""The operator says where images go, and hears at the start what cannot be."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.adapters.github import AppCredentials, GitHubHost
from bot.core.errors import SettingsError
from bot.entrypoints import settings as environment
from bot.entrypoints.wiring.publishing import publishing


@pytest.fixture
def host() -> GitHubHost:
    return GitHubHost(AppCredentials("1", SecretStr("key")))


@pytest.mark.parametrize(
    ("destination", "remote"), [("release", True), ("branch", True), ("directory", False)]
)
def test_each_destination_can_be_had(
    destination: str, remote: bool, host: GitHubHost, tmp_path: Path
) -> None:
    settings = environment.read(
        gptimage_destination=destination, gptimage_output_dir=tmp_path / "out" / "images"
    )
    assert publishing(settings, host).remote is remote
    assert (tmp_path / "out" / "images").exists() is not remote


def test_a_folder_that_cannot_be_made_is_a_reason_not_to_start(
    host: GitHubHost, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("in the way")
    settings = environment.read(
        gptimage_destination="directory", gptimage_output_dir=tmp_path / "out" / "images"
    )
    with pytest.raises(SettingsError, match=r"GPTIMAGE_OUTPUT_DIR: .* \(Not a directory\)"):
        publishing(settings, host)
