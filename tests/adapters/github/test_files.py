"""Files of the default branch, as a command may name them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.core.errors import HostError
from bot.core.ports import NoFile
from tests.adapters.github.conftest import Octo

MOST = 2_000_000
BATCH = b'{"jobs": []}'
LARGE = bytes(range(256)) * 5_000  # more than GitHub puts into its JSON
FILES = {
    "jobs/one.json": BATCH,
    "狐/a b#1?.json": BATCH,
    "large.bin": LARGE,
    "empty": b"",
    "a%2e": b"%",
}


async def the(meet: Any) -> Any:
    return await meet(
        files=FILES,
        links={"latest.json": "jobs/one.json", "away": "../../etc/passwd", "folder": "jobs"},
        submodules=["vendor/fox"],
    )


@pytest.mark.parametrize(
    ("path", "found"),
    [
        *FILES.items(),
        ("latest.json", BATCH),
        ("nowhere.json", NoFile.MISSING),
        ("jobs", NoFile.FOLDER),
        ("away", NoFile.LINK),
        ("folder", NoFile.LINK),
        ("vendor/fox", NoFile.SUBMODULE),
    ],
)
async def test_a_path_is_a_file_or_it_is_said_why_not(meet: Any, path: str, found: object) -> None:
    octo = await the(meet)
    assert await octo.host.file(octo.thread, path, MOST) == found


async def test_a_file_above_the_cap_is_not_fetched(meet: Any) -> None:
    octo = await the(meet)
    assert await octo.host.file(octo.thread, "large.bin", len(LARGE) - 1) is NoFile.TOO_LARGE
    assert octo.calls("GET", "/large.bin") == 1


@pytest.mark.parametrize("path", ["../collaborators/maya/permission", "jobs/./one.json", "", "/"])
async def test_a_path_that_leads_elsewhere_is_not_asked_for(meet: Any, path: str) -> None:
    octo = await the(meet)
    assert await octo.host.file(octo.thread, path, MOST) is NoFile.MISSING
    assert octo.state.calls == []


async def test_a_file_that_cannot_be_read_is_an_error(meet: Any) -> None:
    octo = await the(meet)
    octo.breaks(path="/contents/", status=502, times=3)
    with pytest.raises(HostError):
        await octo.host.file(octo.thread, "jobs/one.json", MOST)


async def test_an_app_that_may_not_read_files_is_told_so(meet: Any) -> None:
    octo = await the(meet)
    del cast("dict[str, str]", octo.state.app.permissions)["contents"]
    with pytest.raises(HostError, match="does not let the App") as failed:
        await octo.host.file(octo.thread, "jobs/one.json", MOST)
    assert failed.value.final


# --- for all repositories of an owner ---------------------------------------------------------


async def test_what_the_owner_says_for_all_is_in_a_repository_of_its_own(octo: Octo) -> None:
    assert await octo.host.shared_file(octo.thread, "a b/rules.yml", MOST) is NoFile.MISSING
    octo.state.shared_files = {"a b/rules.yml": b"max_jobs: 1"}
    octo.late = timedelta(hours=1)  # the token that did not reach so far is used up
    assert await octo.host.shared_file(octo.thread, "a b/rules.yml", MOST) == b"max_jobs: 1"
    assert await octo.host.shared_file(octo.thread, "a b/rules.yml", 5) is NoFile.TOO_LARGE
    assert await octo.host.shared_file(octo.thread, "other", MOST) is NoFile.MISSING
    assert await octo.host.file(octo.thread, "a b/rules.yml", MOST) is NoFile.MISSING


async def test_the_repository_for_all_has_no_second_file(octo: Octo) -> None:
    thread = replace(octo.thread, repository="acme/.github")
    octo.state.shared_files = {"rules.yml": b"max_jobs: 1"}
    assert await octo.host.shared_file(thread, "rules.yml", MOST) is NoFile.MISSING


async def test_a_fault_on_the_way_to_it_is_an_error(octo: Octo) -> None:
    octo.breaks(path="/.github/contents/", times=3)
    with pytest.raises(HostError, match=r"fault of its own \(502\)"):
        await octo.host.shared_file(octo.thread, "rules.yml", MOST)
