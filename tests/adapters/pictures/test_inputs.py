import asyncio
import hashlib
import json
import os
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.adapters.pictures.formats import Format
from bot.adapters.pictures.inputs import InputImage, Inputs, Use, read_inputs, uses
from bot.core import pricing
from bot.core.batch import BatchConfig
from bot.core.catalog import Size
from bot.core.errors import Problem
from bot.core.parse import parse_batch

FIELD = "jobs[0].reference_image_path[0]"


async def look(root: Path, *paths: str) -> Inputs:
    return await read_inputs([Use(FIELD, path) for path in paths], root)


async def complaint(root: Path, path: str) -> Problem:
    inputs = await look(root, path)
    assert not inputs.images
    (problem,) = inputs.problems
    assert problem.path == FIELD
    assert problem.message.startswith(f'"{path[:100]}" '.replace("\0", "?"))
    return problem


# --- sound pictures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mode", "options", "alpha"),
    [
        ("PNG", "RGB", {}, False),
        ("PNG", "RGBA", {}, True),
        ("PNG", "LA", {}, True),
        ("PNG", "P", {}, False),
        ("PNG", "I;16", {}, False),
        ("JPEG", "RGB", {}, False),
        ("JPEG", "CMYK", {}, False),
        ("JPEG", "RGB", {"progressive": True}, False),
        ("WEBP", "RGB", {}, False),
        ("WEBP", "RGBA", {}, True),
        ("WEBP", "RGB", {"lossless": True}, False),
        ("WEBP", "RGBA", {"lossless": True}, True),
        ("WEBP", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}, False),
    ],
)
async def test_a_sound_picture_is_described(
    draw: Any, tmp_path: Path, kind: str, mode: str, options: dict[str, Any], alpha: bool
) -> None:
    color = (9,) * (len(mode) - 1) + (90,) if alpha else 0
    path = draw(kind=kind, mode=mode, size=(131, 77), options=options, color=color)

    inputs = await look(tmp_path, path.name)

    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    expected = InputImage(path, Format(kind.lower()), len(content), Size(131, 77), alpha, digest)
    assert inputs == Inputs({path.name: expected})


async def test_the_content_says_the_format_and_not_the_name(draw: Any, tmp_path: Path) -> None:
    draw("photo.png", kind="JPEG")

    inputs = await look(tmp_path, "photo.png")

    assert inputs.images["photo.png"].format.media_type == "image/jpeg"


async def test_a_relative_path_starts_from_the_input_folder(draw: Any, tmp_path: Path) -> None:
    path = draw("pictures/fox.png")

    inputs = await look(tmp_path / "pictures", "fox.png", str(path), "../pictures/fox.png")

    assert not inputs.problems
    assert {image.file for image in inputs.images.values()} == {path}


async def test_a_tilde_is_the_home_folder(
    draw: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw("home/fox.png")
    monkeypatch.setenv("HOME", str(path.parent))

    inputs = await look(tmp_path, "~/fox.png", "~nobody-of-this-name/fox.png")

    assert inputs.images["~/fox.png"].file == path
    assert [problem.message for problem in inputs.problems] == [
        '"~nobody-of-this-name/fox.png" does not exist'
    ]


async def test_a_link_to_a_picture_is_a_picture(draw: Any, tmp_path: Path) -> None:
    path = draw()
    (tmp_path / "link.png").symlink_to(path)

    assert (await look(tmp_path, "link.png")).images["link.png"].file == path


# --- bad ones ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.png", "does not exist"),
        ("folder", "is a folder"),
        ("empty.png", "is empty"),
        ("words.png", "is neither a PNG, a JPEG nor a WebP picture"),
        ("animation.gif", "is neither a PNG, a JPEG nor a WebP picture"),
        ("empty.png/fox.png", "does not exist"),
        ("https://example.org/fox.png", "is an address"),
        ("data:image/png;base64,AAAA", "is an address"),
        ("a\0b", "is no path"),
        ("pipe", "is no ordinary file"),
        ("socket", "is no ordinary file"),
        ("round", "cannot be read"),
        ("x" * 300, "cannot be read"),
    ],
)
async def test_what_cannot_be_sent_is_named(
    draw: Any, tmp_path: Path, path: str, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.png").touch()
    (tmp_path / "words.png").write_text("no picture at all")
    draw("animation.gif", kind="GIF")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))

    async with asyncio.timeout(5):
        problem = await complaint(tmp_path, path)

    assert message in problem.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_without_rights_is_named(draw: Any, tmp_path: Path) -> None:
    draw("secret.png").chmod(0)

    assert "Permission denied" in (await complaint(tmp_path, "secret.png")).message


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
async def test_a_cut_picture_is_named(
    tmp_path: Path, kind: str, options: dict[str, Any], share: float
) -> None:
    path = tmp_path / "cut"
    Image.effect_noise((200, 200), 60).convert("RGB").save(path, kind, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    problem = await complaint(tmp_path, "cut")

    assert "save it again" in problem.hint


async def test_a_damaged_png_is_found_without_decoding_it(draw: Any, tmp_path: Path) -> None:
    path = draw("large.png", size=(4100, 4000), mode="L")
    assert not (await look(tmp_path, "large.png")).problems
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)

    assert "is damaged" in (await complaint(tmp_path, "large.png")).message


# --- bounds -----------------------------------------------------------------------------------

_BELOW_50_MB = 50 * 1024 * 1024 - 1


@pytest.mark.parametrize(("length", "sound"), [(_BELOW_50_MB, True), (_BELOW_50_MB + 1, False)])
async def test_a_file_has_less_than_50_megabytes(
    draw: Any, tmp_path: Path, length: int, sound: bool
) -> None:
    path = draw("heavy.png")
    os.truncate(path, length)

    inputs = await look(tmp_path, "heavy.png")

    assert bool(inputs.images) is sound
    for problem in inputs.problems:
        assert problem.message == '"heavy.png" has 50.0 MB; it must be below 50 MB'
        assert "compress" in problem.hint


def _png_that_claims(width: int, height: int) -> bytes:
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    header = struct.pack(">I", 13) + data + zlib.crc32(data).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + header + bytes(4) + b"IDAT" + bytes(4)


_BOMBS = {
    "png": _png_that_claims(50_000, 50_000),
    "huge png": _png_that_claims(2**31 - 1, 2**31 - 1),
    "jpeg": b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03" + bytes(9),
    "webp": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\xff\xff" * 2,
}


@pytest.mark.parametrize("bomb", _BOMBS)
async def test_a_bomb_is_refused_by_its_header(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "bomb").write_bytes(_BOMBS[bomb])

    assert "64 million pixels at most" in (await complaint(tmp_path, "bomb")).message


@pytest.mark.parametrize(("height", "sound"), [(7999, True), (8000, True), (8001, False)])
async def test_a_picture_has_64_million_pixels_at_most(
    draw: Any, tmp_path: Path, height: int, sound: bool
) -> None:
    draw("vast.png", size=(8000, height), mode="1")

    inputs = await look(tmp_path, "vast.png")

    assert bool(inputs.images) is sound
    assert bool(inputs.problems) is not sound


async def test_two_headers_cannot_contradict_each_other(draw: Any, tmp_path: Path) -> None:
    path = draw("two.png")
    whole = path.read_bytes()
    path.write_bytes(whole[:33] + _png_that_claims(90, 90)[8:33] + whole[33:])

    assert "contradict" in (await complaint(tmp_path, "two.png")).message


# --- masks ------------------------------------------------------------------------------------


async def masked(root: Path, mask: str, image: str = "image.png") -> Inputs:
    places = [Use("jobs[0].reference_image_path[0]", image), Use("jobs[0].mask", mask, image)]
    return await read_inputs(places, root)


async def test_a_mask_has_alpha_and_the_size_of_its_image(draw: Any, tmp_path: Path) -> None:
    draw("image.png")
    draw("mask.png", mode="RGBA")

    inputs = await masked(tmp_path, "mask.png")

    assert (inputs.problems, inputs.warnings) == ((), ())
    assert set(inputs.images) == {"image.png", "mask.png"}


@pytest.mark.parametrize(
    ("mode", "kind", "size", "messages"),
    [
        ("RGB", "PNG", (8, 6), ["must be a PNG with an alpha channel"]),
        ("P", "PNG", (8, 6), ["must be a PNG with an alpha channel"]),
        ("RGBA", "WEBP", (8, 6), ["must be a PNG with an alpha channel"]),
        ("RGBA", "PNG", (8, 7), ["is 8x7, but the first image is 8x6"]),
        (
            "L",
            "JPEG",
            (6, 8),
            ["must be a PNG with an alpha channel", "is 6x8, but the first image is 8x6"],
        ),
    ],
)
async def test_a_mask_that_does_not_fit_is_named(
    draw: Any, tmp_path: Path, mode: str, kind: str, size: tuple[int, int], messages: list[str]
) -> None:
    draw("image.png")
    draw("mask.png", mode=mode, kind=kind, size=size)

    inputs = await masked(tmp_path, "mask.png")

    assert [problem.message for problem in inputs.problems] == [
        f'"mask.png" {message}' for message in messages
    ]
    assert {problem.path for problem in inputs.problems} == {"jobs[0].mask"}


async def test_a_mask_is_not_compared_with_a_missing_image(draw: Any, tmp_path: Path) -> None:
    draw("mask.png", mode="RGBA")

    inputs = await masked(tmp_path, "mask.png", "missing.png")

    assert [problem.path for problem in inputs.problems] == ["jobs[0].reference_image_path[0]"]


@pytest.mark.parametrize(("length", "warned"), [(4 * 1024 * 1024, 0), (4 * 1024 * 1024 + 1, 1)])
async def test_a_heavy_mask_is_warned_about(
    draw: Any, tmp_path: Path, length: int, warned: int
) -> None:
    draw("image.png")
    os.truncate(draw("mask.png", mode="RGBA"), length)

    inputs = await masked(tmp_path, "mask.png")

    assert not inputs.problems
    assert len(inputs.warnings) == warned


# --- a whole batch ----------------------------------------------------------------------------


def batch(*jobs: dict[str, Any]) -> BatchConfig:
    return parse_batch(json.dumps({"jobs": [{"prompt": "a fox", **job} for job in jobs]})).config


async def test_all_that_is_wrong_is_said_at_once_and_once(draw: Any, tmp_path: Path) -> None:
    draw("image.png")
    draw("mask.png", mode="RGB")
    missing = {
        "operation": "transform",
        "reference_image_path": ["image.png", "gone.png", "away.png"],
    }
    edit = {"operation": "edit", "reference_image_path": "image.png", "mask_image_path": "mask.png"}
    config = batch({}, missing, missing, edit)

    inputs = await read_inputs(uses(config), tmp_path)

    assert [problem.path for problem in inputs.problems] == [
        "jobs[1].reference_image_path[1]",
        "jobs[1].reference_image_path[2]",
        "jobs[3].mask_image_path",
    ]


async def test_the_sizes_make_the_estimate_exact(draw: Any, tmp_path: Path) -> None:
    draw("image.png", size=(64, 64))
    config = batch({"operation": "edit", "reference_image_path": "image.png"})

    inputs = await read_inputs(uses(config), tmp_path)

    assert inputs.sizes == {"image.png": Size(64, 64)}
    blind, exact = pricing.estimate(config), pricing.estimate(config, references=inputs.sizes)
    assert exact.total.expected is not None
    assert blind.total.expected is not None
    assert exact.total.expected < blind.total.expected


@settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP"]),
    place=st.integers(0, 600),
    new=st.binary(min_size=1, max_size=6),
)
def test_a_mutated_picture_never_raises(
    draw: Any, tmp_path: Path, kind: str, place: int, new: bytes
) -> None:
    path = draw("mutant", kind=kind, mode="RGB", size=(20, 20))
    whole = path.read_bytes()
    at = place % len(whole)
    path.write_bytes(whole[:at] + new + whole[at + len(new) :])

    inputs = asyncio.run(look(tmp_path, "mutant"))

    assert len(inputs.images) + len(inputs.problems) == 1
