import hashlib
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageSequence

from bot.adapters.pictures import jpeg, webp
from bot.adapters.pictures.formats import PictureError, assemble
from bot.adapters.pictures.metadata import Level, Metadata, embed, params_hash, read

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FOX = Metadata(
    openai_gpt_image_uuid="0123456789-abcdef0123",
    params_hash="5e88" * 16,
    tool_name="edit_image",
    model="gpt-image-2.5-flare",
    created_at=NOON,
    size="1536x1024",
    quality="high",
    prompt="雪の中の赤い狐 🦊 – a red fox in the snow",
    parameters={
        "background": "opaque",
        "output_compression": 80,
        "references": ["a.png", "猫.png"],
    },
    run_id="0123456789",
    job=3,
    sample=0,
    request_id="req_1",
    cost_usd=Decimal("0.0132"),
    version="0.1.0",
)

# --- any picture, any words -------------------------------------------------------------------

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "png": ("PNG", "RGB", {}),
    "png with alpha": ("PNG", "RGBA", {}),
    "png in grey": ("PNG", "L", {}),
    "png with a palette": ("PNG", "P", {"transparency": 3}),
    "png with 16 bits": ("PNG", "I;16", {}),
    "png of two colours": ("PNG", "1", {}),
    "jpeg": ("JPEG", "RGB", {}),
    "progressive jpeg": ("JPEG", "RGB", {"progressive": True}),
    "jpeg in grey": ("JPEG", "L", {}),
    "jpeg in print colours": ("JPEG", "CMYK", {}),
    "webp": ("WEBP", "RGB", {}),
    "webp with alpha": ("WEBP", "RGBA", {}),
    "lossless webp": ("WEBP", "RGB", {"lossless": True}),
    "lossless webp with alpha": ("WEBP", "RGBA", {"lossless": True}),
}
_BITS = {"1": 1, "L": 8, "P": 8, "I;16": 16, "RGB": 24, "RGBA": 32, "CMYK": 32}


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Image.Image, str, dict[str, Any]]:
    kind, mode, options = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    length = (width * _BITS[mode] + 7) // 8 * height
    seed = draw(st.binary(min_size=1, max_size=64))
    image = Image.frombytes(mode, (width, height), (seed * (length // len(seed) + 1))[:length])
    if mode == "P":
        image.putpalette(bytes(range(256)) * 3)
    extra = draw(st.sampled_from([{}, {"icc_profile": b"profile " * 9}]))
    return image, kind, {**options, **extra}


_words = st.text(max_size=30)
# A JPEG has room for it in the longest spelling of its characters; a longer one would be cut.
_prompts = _words | st.builds(
    lambda text, times: text * times, st.text(max_size=9), st.integers(0, 200)
)
_known = st.builds(
    Metadata,
    openai_gpt_image_uuid=_words,
    params_hash=_words,
    tool_name=st.none() | _words,
    model=st.none() | _words,
    created_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    prompt=st.none() | _prompts,
    size=st.none() | _words,
    quality=st.none() | _words,
    run_id=st.none() | _words,
    version=st.none() | _words,
    request_id=st.none() | _words,
    cost_usd=st.none() | st.decimals(0, 1000, places=6),
    job=st.none() | st.integers(0, 999),
    sample=st.none() | st.integers(0, 9),
    parameters=st.none()
    | st.dictionaries(
        _words, _words | st.integers(-(2**60), 2**60) | st.lists(_words, max_size=2), max_size=3
    ),
)


@contextmanager
def saved(image: Image.Image, kind: str, options: dict[str, Any]) -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        path = Path(directory, "picture")
        image.save(path, kind, **options)
        yield path


def shown(path: Path) -> tuple[Any, ...]:
    """All that a viewer sees: the frames, and how their colours are meant."""
    with Image.open(path) as image:
        frames = [(frame.mode, frame.tobytes()) for frame in ImageSequence.Iterator(image)]
        meant = {name: image.info.get(name) for name in ("icc_profile", "transparency", "gamma")}
        return image.format, image.size, frames, meant, image.getpalette()


@unhurried
@given(picture=pictures(), metadata=_known, level=st.sampled_from(Level))
def test_what_was_embedded_is_read_back_and_no_pixel_changes(
    picture: tuple[Image.Image, str, dict[str, Any]], metadata: Metadata, level: Level
) -> None:
    with saved(*picture) as path:
        copy = path.with_name("copy")

        embed(path, copy, metadata, level)

        assert read(copy) == metadata.at(level)
        assert shown(copy) == shown(path)
        assert read(path) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_takes_metadata(tmp_path: Path, kind: str) -> None:
    format_, mode, options = KINDS[kind]
    path, copy = tmp_path / "picture", tmp_path / "copy"
    Image.linear_gradient("L").convert(mode if mode != "I;16" else "I").convert(mode).save(
        path, format_, **options
    )

    embed(path, copy, FOX, Level.FULL)

    assert read(copy) == FOX
    assert shown(copy) == shown(path)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_keeps_its_frames(tmp_path: Path, kind: str) -> None:
    path, copy = tmp_path / "picture", tmp_path / "copy"
    frames = [Image.new("RGBA", (9, 9), color) for color in ("red", "#00ff0080", "blue")]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=90)

    embed(path, copy, FOX, Level.FULL)

    assert read(copy) == FOX
    assert shown(copy) == shown(path)
    assert len(shown(copy)[2]) == 3


# --- levels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (Level.MINIMAL, {"openai_gpt_image_uuid", "params_hash"}),
        (
            Level.STANDARD,
            {"openai_gpt_image_uuid", "params_hash"}
            | {"tool_name", "model", "created_at", "size", "quality"},
        ),
        (Level.FULL, set(Metadata.__dataclass_fields__)),
    ],
)
def test_a_level_tells_its_fields_and_nothing_else(
    draw: Any, tmp_path: Path, level: Level, told: set[str]
) -> None:
    copy = tmp_path / "copy.png"

    embed(draw(), copy, FOX, level)

    found = read(copy)
    assert {name for name in told if getattr(found, name) is not None} == told
    assert found == FOX.at(level)
    hidden = {"prompt": b"red fox", "request_id": b"req_1", "model": b"flare", "size": b"1536x"}
    for name, bytes_ in hidden.items():
        assert (bytes_ in copy.read_bytes()) == (name in told)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("level", [Level.MINIMAL, Level.STANDARD])
def test_only_the_full_level_tells_the_prompt(
    draw: Any, tmp_path: Path, kind: str, level: Level
) -> None:
    quiet, full = tmp_path / "quiet", tmp_path / "full"

    embed(draw(kind=kind), quiet, FOX, level)
    embed(draw(kind=kind), full, FOX, Level.FULL)

    assert b"red fox" not in quiet.read_bytes()
    assert b"red fox" in full.read_bytes()
    assert (b"gptimage" in quiet.read_bytes()) == (level is Level.STANDARD)


def test_the_hash_is_that_of_the_node_tool() -> None:
    parameters = {"size": "1024x1024", "prompt": "狐", "n": 2, "references": ("a.png",)}
    text = '{"n":2,"prompt":"狐","references":["a.png"],"size":"1024x1024"}'

    assert params_hash(parameters) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("uuid", "run"),
    [
        ("0123456789-abcdef0123", "0123456789"),
        ("f47ac10b-58cc-4372-a567-0e02b2c3d479", None),
        ("0123456789-abcdef0123-4", None),
    ],
)
def test_our_own_pictures_lead_back_to_their_run(uuid: str, run: str | None) -> None:
    assert Metadata(uuid, "").history_uuid == run


# --- the Node tool's files --------------------------------------------------------------------

NODE: dict[str, Any] = {
    "openai_gpt_image_uuid": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "params_hash": "ab" * 32,
    "tool_name": "generate_image",
    "model": "gpt-image-1",
    "created_at": "2026-11-21T12:00:00.000Z",
    "size": "1024x1024",
    "quality": "high",
    "prompt": "a {red} fox",
    "parameters": {"prompt": "a {red} fox", "nested": {"n": 1, "thumbnail": False}},
}


def node_png(path: Path) -> None:
    """It puts the text behind the pixels, as Latin-1."""
    data = b"openai_gpt_image_metadata\0" + json.dumps(NODE).encode("latin-1")
    chunk = struct.pack(">I", len(data)) + b"tEXt" + data
    chunk += zlib.crc32(b"tEXt" + data).to_bytes(4, "big")
    whole = path.read_bytes()
    path.write_bytes(whole[:-12] + chunk + whole[-12:])


def node_exif(path: Path) -> None:
    """It puts the text where other programs describe a picture."""
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = json.dumps(NODE)
    with Image.open(path) as image:
        image.load()
        image.save(path, image.format, exif=exif)


def node_reads(path: Path) -> Any:
    """What the Node tool finds in a file: in EXIF, one pair of braces near the beginning."""
    with path.open("rb") as file, Image.open(path) as image:
        if image.format == "PNG":
            return json.loads(image.text["openai_gpt_image_metadata"])  # type: ignore[attr-defined]
        block = jpeg.exif(file) if image.format == "JPEG" else webp.exif(file)
    seen = (block or b"")[:9_900].decode("utf-8", "replace")
    found = re.search(r"\{[^{}]*openai_gpt_image_uuid[^{}]*\}", seen)
    return found and json.loads(found[0])


@pytest.mark.parametrize(
    ("kind", "write"), [("PNG", node_png), ("JPEG", node_exif), ("WEBP", node_exif)]
)
def test_what_the_node_tool_wrote_is_read(
    draw: Any, kind: str, write: Callable[[Path], None]
) -> None:
    path = draw(kind=kind)
    write(path)

    found = read(path)

    assert found is not None
    assert found.created_at == NOON
    assert {name: getattr(found, name) for name in NODE} == {**NODE, "created_at": NOON}
    assert found.history_uuid is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("level", Level)
def test_the_node_tool_reads_what_is_written_here(
    draw: Any, tmp_path: Path, kind: str, level: Level
) -> None:
    copy = tmp_path / "copy"
    braces = replace(FOX, quality="a } brace {", prompt="{狐} " * 8_000)

    embed(draw(kind=kind), copy, braces, level)

    told = node_reads(copy)
    assert told["openai_gpt_image_uuid"] == FOX.openai_gpt_image_uuid
    assert told["params_hash"] == FOX.params_hash
    if level is not Level.MINIMAL:
        assert datetime.fromisoformat(told["created_at"]) == NOON
        assert (told["tool_name"], told["quality"]) == ("edit_image", "a } brace {")
    assert ("prompt" in told) == (level is Level.FULL and kind == "PNG")


# --- the containers ---------------------------------------------------------------------------


def test_a_jpeg_begins_with_jfif_and_goes_on_with_exif(draw: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jpg"

    embed(draw(kind="JPEG"), copy, FOX, Level.FULL)

    whole = copy.read_bytes()
    assert whole[:11] == b"\xff\xd8\xff\xe0\0\x10JFIF\0"
    assert whole[20:22] + whole[24:30] == b"\xff\xe1Exif\0\0"


def test_a_jpeg_without_jfif_begins_with_exif(draw: Any, tmp_path: Path) -> None:
    path, copy = draw(kind="JPEG", mode="CMYK"), tmp_path / "copy.jpg"
    assert b"JFIF" not in path.read_bytes()

    embed(path, copy, FOX, Level.FULL)

    assert copy.read_bytes()[2:4] == b"\xff\xe1"


def test_a_jpeg_may_have_fillers_between_its_segments(draw: Any, tmp_path: Path) -> None:
    path, copy = draw(kind="JPEG"), tmp_path / "copy.jpg"
    path.write_bytes(path.read_bytes().replace(b"\xff\xe0", b"\xff\xff\xff\xe0", 1))

    embed(path, copy, FOX, Level.FULL)

    assert read(copy) == FOX
    assert shown(copy) == shown(path)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_is_a_sound_container(draw: Any, tmp_path: Path, mode: str, lossless: bool) -> None:
    color = (9, 9, 9, 90) if mode == "RGBA" else (9, 9, 9)
    copy = tmp_path / "copy.webp"
    path = draw(kind="WEBP", mode=mode, color=color, options={"lossless": lossless})

    embed(path, copy, FOX, Level.FULL)

    whole = copy.read_bytes()
    assert whole[:4] + whole[8:16] == b"RIFFWEBPVP8X"
    assert int.from_bytes(whole[4:8], "little") == len(whole) - 8
    assert len(whole) % 2 == 0
    assert whole[20] == (0x18 if mode == "RGBA" else 0x08)
    assert whole[24:30] == b"\x07\0\0\x05\0\0"  # the edges, less one


def test_a_webp_takes_a_block_of_any_length(draw: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.webp"
    for block in (b"odd", b"even"):
        with draw(kind="WEBP").open("rb") as source, copy.open("wb") as target:
            assemble(webp.with_exif(source, block), source, target)

        assert copy.stat().st_size % 2 == 0
        with copy.open("rb") as file:
            assert webp.exif(file) == block


@pytest.mark.parametrize(("kind", "name"), [("JPEG", b"Exif\0\0"), ("WEBP", b"EXIF")])
def test_a_file_has_one_exif_block(draw: Any, tmp_path: Path, kind: str, name: bytes) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    path, copy = draw(kind=kind, options={"exif": exif}), tmp_path / "copy"
    assert name in path.read_bytes()

    embed(path, copy, FOX, Level.FULL)

    assert copy.read_bytes().count(name) == 1


def test_a_second_directory_of_exif_stays(draw: Any, tmp_path: Path) -> None:
    entry = struct.pack("<HHIHH", ExifTags.Base.Orientation, 3, 1, 8, 0)
    directories = struct.pack("<HI", 0, 14) + struct.pack("<H", 1) + entry + bytes(4)
    block = b"Exif\0\0II*\0\x08\0\0\0" + directories
    path, copy = draw(kind="JPEG", options={"exif": block}), tmp_path / "copy"

    embed(path, copy, FOX, Level.FULL)

    with Image.open(copy) as image:
        second = image.getexif().get_ifd(ExifTags.IFD.IFD1)
    assert second == {ExifTags.Base.Orientation: 8}


# --- as other programs see it -----------------------------------------------------------------


def test_other_programs_find_the_usual_texts_of_a_png(draw: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    embed(draw(), copy, FOX, Level.FULL)

    with Image.open(copy) as image:
        assert image.info["Software"] == "gptimage"
        assert image.info["Description"] == FOX.prompt
        assert image.info["Creation Time"] == "2026-11-21T12:00:00+00:00"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_other_programs_find_the_usual_tags_of_exif(draw: Any, tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "copy"
    embed(draw(kind=kind), copy, FOX, Level.FULL)

    with Image.open(copy) as image:
        tags = image.getexif()
    assert tags[ExifTags.Base.Software] == "gptimage"
    assert tags[ExifTags.Base.DateTime] == "2026:11:21 12:00:00"
    assert json.loads(tags[ExifTags.Base.ImageDescription])["model"] == FOX.model
    comment = tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
    assert comment.startswith(b"ASCII\0\0\0")
    assert json.loads(comment[8:])["prompt"] == FOX.prompt


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("order", [b"II", b"MM"])
def test_tags_that_were_there_stay(draw: Any, tmp_path: Path, kind: str, order: bytes) -> None:
    exif = Image.Exif()
    exif.endian = "<" if order == b"II" else ">"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "somebody with a long name"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "a lens with a long name"
    path, copy = draw(kind=kind, options={"exif": exif}), tmp_path / "copy"

    embed(path, copy, FOX, Level.FULL)

    assert read(copy) == FOX
    with Image.open(copy) as image:
        tags = image.getexif()
    assert order in copy.read_bytes()
    assert tags[ExifTags.Base.Orientation] == 6
    assert tags[ExifTags.Base.Artist] == "somebody with a long name"
    lens = tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel]
    assert lens == "a lens with a long name"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_newer_metadata_replaces_older(draw: Any, tmp_path: Path, kind: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    embed(draw(kind=kind), first, FOX, Level.FULL)

    embed(first, second, replace(FOX, prompt="an owl"), Level.FULL)

    assert read(second) == replace(FOX, prompt="an owl")
    with Image.open(second) as image:
        assert image.info.get("Description", "an owl") == "an owl"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_same_again_gives_the_same_bytes(draw: Any, tmp_path: Path, kind: str) -> None:
    path, first, second = draw(kind=kind), tmp_path / "first", tmp_path / "second"

    embed(path, first, FOX, Level.FULL)
    embed(path, second, FOX, Level.FULL)

    assert first.read_bytes() == second.read_bytes()


# --- room -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_the_longest_prompt_is_kept_whole(draw: Any, tmp_path: Path, kind: str) -> None:
    longest = replace(FOX, prompt="🦊" * 32_000)

    embed(draw(kind=kind), tmp_path / "copy", longest, Level.FULL)

    assert read(tmp_path / "copy") == longest


@pytest.mark.parametrize(("words", "least"), [("狐", 10_000), ("🦊", 5_000), ("fox ", 60_000)])
def test_a_jpeg_keeps_of_a_prompt_what_fits(
    draw: Any, tmp_path: Path, words: str, least: int
) -> None:
    copy = tmp_path / "copy.jpg"
    prompt = words * 32_000

    embed(draw(kind="JPEG"), copy, replace(FOX, prompt=prompt), Level.FULL)

    found = read(copy)
    assert found is not None
    assert found.prompt is not None
    assert found.prompt.endswith("...")
    assert prompt.startswith(found.prompt[:-3])
    assert len(found.prompt) > least
    with copy.open("rb") as file:
        assert len(jpeg.exif(file) or b"") > jpeg.MOST_EXIF - 16
    with Image.open(copy) as image:
        image.load()


def test_the_longest_english_prompt_fits_into_a_jpeg(draw: Any, tmp_path: Path) -> None:
    longest = replace(FOX, prompt="a fox " * 5_333)

    embed(draw(kind="JPEG"), tmp_path / "copy", longest, Level.FULL)

    assert read(tmp_path / "copy") == longest


def test_a_jpeg_without_room_is_refused(draw: Any, tmp_path: Path) -> None:
    full = draw(
        kind="JPEG", options={"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + bytes(65_400)}
    )

    with pytest.raises(PictureError, match="no room"):
        embed(full, tmp_path / "copy", FOX, Level.FULL)


# --- broken files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"GIF89a" + bytes(90), b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"],
    ids=["empty", "a letter", "gif", "png", "jpeg", "webp"],
)
def test_what_is_no_picture_is_named_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    path, copy = tmp_path / "picture", tmp_path / "copy"
    path.write_bytes(content)

    with pytest.raises(PictureError):
        embed(path, copy, FOX, Level.FULL)

    assert [each.name for each in tmp_path.iterdir()] == ["picture"]
    assert path.read_bytes() == content


def test_a_failure_leaves_the_earlier_file_alone(draw: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.webp"
    copy.write_bytes(b"precious")
    cut = draw(kind="WEBP")
    cut.write_bytes(cut.read_bytes()[:-9])

    with pytest.raises(PictureError, match="too early"):
        embed(cut, copy, FOX, Level.FULL)

    assert copy.read_bytes() == b"precious"
    assert {each.name for each in tmp_path.iterdir()} == {copy.name, cut.name}


def _with_text(path: Path, text: bytes) -> None:
    """Put a chunk of our name into a PNG."""
    data = b"openai_gpt_image_metadata\0" + text
    chunk = struct.pack(">I", len(data)) + b"tEXt" + data
    chunk += zlib.crc32(b"tEXt" + data).to_bytes(4, "big")
    whole = path.read_bytes()
    path.write_bytes(whole[:33] + chunk + whole[33:])


@pytest.mark.parametrize(
    "text",
    [
        b'{"openai_gpt_image_uuid":"1","params_hash":"2","job":"3"}',
        b'{"openai_gpt_image_uuid":}',
        b'{"openai_gpt_image_uuid":7,"params_hash":"2"}',
        b'{"openai_gpt_image_uuid":"1"}',
        b'{"openai_gpt_image_uuid":"1","parameters":' + b"[" * 90_000,
        b'{"openai_gpt_image_uuid":',
        b'["openai_gpt_image_uuid"]',
    ],
)
def test_a_record_that_makes_no_sense_is_named(draw: Any, text: bytes) -> None:
    path = draw()
    _with_text(path, text)

    with pytest.raises(PictureError, match="metadata"):
        read(path)


def test_a_changed_text_is_named(draw: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    embed(draw(), copy, FOX, Level.FULL)
    copy.write_bytes(copy.read_bytes().replace(b"red fox", b"bad fox"))

    with pytest.raises(PictureError, match="damaged text"):
        read(copy)


def test_a_text_of_our_name_with_other_words_is_not_ours(draw: Any) -> None:
    path = draw()
    _with_text(path, b"made by hand")

    assert read(path) is None


def test_fields_of_a_later_version_are_passed_over(draw: Any) -> None:
    path = draw()
    _with_text(path, b'{"openai_gpt_image_uuid":"1","params_hash":"2","new":1}')

    assert read(path) == Metadata("1", "2")


_MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "double"]),
        st.integers(0, 1200),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, place, new in changes:
        at = place % (len(data) + 1)
        match how:
            case "flip":
                data = data[:at] + new + data[at + len(new) :]
            case "cut":
                data = data[:at] + data[at + len(new) :]
            case "insert":
                data = data[:at] + new + data[at:]
            case _:
                data = data[:at] + data[max(at - 40, 0) :]
    return data


@settings(unhurried, max_examples=400)
@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP"]), changes=_MUTATIONS, cut=st.integers(0, 99))
def test_a_mutated_file_is_read_or_refused_by_name(
    draw: Any, tmp_path: Path, kind: str, changes: list[tuple[str, int, bytes]], cut: int
) -> None:
    path, copy = tmp_path / "mutant", tmp_path / "copy"
    embed(draw("sound", kind=kind), path, FOX, Level.FULL)
    whole = mutated(path.read_bytes(), changes)
    path.write_bytes(whole[: len(whole) - cut])

    with suppress(PictureError):
        read(path)
    with suppress(PictureError):
        embed(path, copy, FOX, Level.FULL)
    assert {each.name for each in tmp_path.iterdir()} <= {"mutant", "copy", "sound"}


def test_a_missing_file_is_the_disks_business(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing.png")
