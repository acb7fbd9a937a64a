"""What two systems make of one name, and why a name is refused."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import paths

LETTERS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "empty"),
        ("../up.png", "stays inside `output_dir`"),
        ("a/./b.png", "stays inside `output_dir`"),
        ("/etc/passwd", "must be relative"),
        ("~/fox.png", "must be relative"),
        ("C:/fox.png", "must be relative"),
        ("a\\b.png", "use / between folders"),
        ("a\0b.png", "cannot be seen"),
        ("a\u2028b.png", "cannot be seen"),
        ("a\u202eb.png", "cannot be seen"),
        ("%2e%2e/fox.png", "encoded dot or slash"),
        ("a\uff0fb.png", "looks like a slash"),
        (".git/config", "begins with a dot"),
        ("fox .png/a", ""),
        ("a /b.png", "a dot or a blank at its end"),
        ("a//b.png", "empty folder name"),
        ("com\u00b9.png", "Windows keeps for itself"),
        ("CONIN$", "Windows keeps for itself"),
        ("a?.png", "not allowed in file names on Windows"),
        ("x" * 256, "longer than 255 bytes"),
        ("x/" * 600 + "y", "longer than 1024 bytes"),
    ],
)
def test_a_refused_path_says_what_to_change(path: str, words: str) -> None:
    assert words in paths.problem(path)
    assert bool(words) is bool(paths.problem(path))


@pytest.mark.parametrize(
    "path",
    ["fox.png", "project-a/logo_v1.png", "狐/赤い狐.png", "Ärger.webp", "100%.png", "a b.png"],
)
def test_an_ordinary_path_of_any_script_is_accepted(path: str) -> None:
    assert paths.problem(path) == ""


@given(LETTERS)
def test_case_and_composition_make_no_second_file(path: str) -> None:
    assert paths.fold(paths.fold(path)) == paths.fold(path)
    assert paths.fold(unicodedata.normalize("NFD", path)) == paths.fold(path)
    assert paths.fold(path.casefold()) == paths.fold(path)


@pytest.mark.parametrize(
    "path", ["fox.png", "FOX.PNG", "caf\u00e9.png", "stra\u00dfe.png", "\u01f0.png"]
)
def test_capital_letters_are_the_same_file(path: str) -> None:
    assert paths.fold(path.upper()) == paths.fold(path)


def test_the_folders_of_a_file_come_from_the_outside() -> None:
    assert list(paths.parents("a/b/c.png")) == ["a", "a/b"]
    assert list(paths.parents("c.png")) == []


@given(LETTERS, st.sampled_from(["png", "jpeg", "webp"]), st.integers(1, 10))
def test_each_image_of_a_job_has_its_own_name(path: str, image_format: str, count: int) -> None:
    names = paths.of_images(path, image_format, count)
    assert len({paths.fold(name) for name in names}) == count
    assert {name.rpartition(".")[2] for name in names} <= {"png", "jpg", "webp"}


@pytest.mark.parametrize(
    ("path", "media_type", "named"),
    [
        ("a/fox.png", "image/png", "a/fox.png"),
        ("a/fox.png", "image/jpeg", "a/fox.jpg"),
        ("fox-1.jpg", "image/jpeg", "fox-1.jpg"),
        ("fox.JPEG", "image/jpeg", "fox.JPEG"),
        ("fox.webp", "image/png", "fox.png"),
        ("v1.2", "image/webp", "v1.2.webp"),
        ("report.json", "application/json", "report.json"),
    ],
)
def test_a_name_ends_as_its_content_says(path: str, media_type: str, named: str) -> None:
    assert paths.of_media_type(path, media_type) == named


@pytest.mark.parametrize(
    "path", ["jobs/fox.json", ".github/fox.yaml", "狐/a b#?.json", "con", "a."]
)
def test_a_file_of_a_repository_is_called_as_git_calls_it(path: str) -> None:
    assert paths.in_repository(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "~/a",
        "a/../b",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "a\0",
        "a\u202eb",
        "x" * 1025,
    ],
)
def test_a_path_that_leads_elsewhere_names_no_file_of_a_repository(path: str) -> None:
    assert paths.in_repository(path)
