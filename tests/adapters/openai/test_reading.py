import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.adapters.openai_images.answer import Address, first_line, read_answer, read_request_id
from bot.adapters.openai_images.picture import decode, look
from bot.adapters.openai_images.skeleton import LONG, Span, read_skeleton

same_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

# --- the skeleton -----------------------------------------------------------------------------

_long_strings = st.builds(
    lambda text, times: text * times,
    st.text(min_size=1, max_size=40) | st.text('\\\\"/a', min_size=1, max_size=5),
    st.integers(0, 2 * LONG),
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('\\\\" {}☃', max_size=9) | _long_strings,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4)
    ),
    max_leaves=12,
)


def put_back(value: Any, spans: dict[int, Span], text: bytes) -> Any:
    """The whole value again, from the skeleton and the file."""
    match value:
        case dict():
            return {name: put_back(each, spans, text) for name, each in value.items()}
        case list():
            return [put_back(each, spans, text) for each in value]
        case int() if value in spans:
            return json.loads(text[spans[value].start - 1 : spans[value].end + 1])
    return value


@same_directory
@given(
    value=_values,
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 0, 3]),
    above=st.binary(max_size=300),
)
def test_skeleton_and_spans_make_the_whole_again(
    tmp_path: Path, value: Any, ascii_only: bool, indent: int | None, above: bytes
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    path = tmp_path / "answer"
    path.write_bytes(above + body)

    skeleton, spans = read_skeleton(path, len(above))

    whole = put_back(skeleton, dict(spans), above + body)
    assert json.dumps(whole) == json.dumps(value)
    assert all(span.end - span.start < len(body) for span in spans.values())


@same_directory
@given(cut=st.integers(0, 6000))
def test_a_cut_text_is_never_read(tmp_path: Path, cut: int) -> None:
    body = json.dumps({"data": [{"b64_json": "A" * 5000}], "usage": {"output_tokens": 7}}).encode()
    path = tmp_path / "answer"
    path.write_bytes(b"\n" + body[: min(cut, len(body) - 1)])
    with pytest.raises(ValueError):  # noqa: PT011  (its words are json's)
        read_skeleton(path, 1)


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b" " * 5_000_000, b'"', b'"\\"', b"1" * 5000, b"\xff", b'{"a":1}x'],
    ids=["deep", "padding", "open", "escaped quote", "huge number", "not text", "trailing"],
)
def test_a_hostile_text_is_a_value_error(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "answer"
    path.write_bytes(b"\n" + body)
    with pytest.raises(ValueError):  # noqa: PT011  (its words are json's)
        read_skeleton(path, 1)


# --- base64 in a JSON string ------------------------------------------------------------------


def decoded(text: bytes, piece: int = 1024) -> bytes:
    around = b'{"b64_json":"'
    file = BytesIO(around + text + b'"}')
    return b"".join(decode(file, Span(len(around), len(around) + len(text)), piece))


@st.composite
def layouts(draw: st.DrawFn, data: bytes) -> bytes:
    """The same bytes as base64, written as some gateway might."""
    text = base64.b64encode(data).decode()
    if draw(st.booleans()):
        text = text.rstrip("=")
    if width := draw(st.sampled_from([0, 1, 64, 76])):
        text = "\n".join(text[at : at + width] for at in range(0, len(text), width))
    if draw(st.booleans()):
        text = f"data:image/png;base64,{text}"
    written = json.dumps(text)[1:-1]
    for plain, escape in draw(st.sampled_from([(), (("/", "\\/"),), (("+", "\\u002B"),)])):
        head, comma, tail = written.rpartition(",")
        written = head + comma + tail.replace(plain, escape)
    return written.encode()


@given(data=st.data(), image=st.binary(max_size=600), piece=st.integers(1, 64))
def test_every_layout_decodes_to_the_same_bytes_at_every_border(
    data: st.DataObject, image: bytes, piece: int
) -> None:
    assert decoded(data.draw(layouts(image)), piece) == image


@given(data=st.binary(min_size=3, max_size=99), at=st.integers(0, 99), piece=st.integers(1, 64))
def test_a_foreign_character_is_never_skipped(data: bytes, at: int, piece: int) -> None:
    text = base64.b64encode(data)
    with pytest.raises(ValueError):  # noqa: PT011  (its words are binascii's)
        decoded(text[:at] + b"!" + text[at:], piece)


@pytest.mark.parametrize(
    "text",
    [
        b"AAAAA",
        b"AA==AAAAAAAA",
        b"AAA=A",
        b"AAAA\\q",
        b"AAAA\\",
        b"AAAA\\\\",
        b"\xff",
        b"data:AAAA",
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 3, 1024])
def test_what_is_not_base64_is_a_value_error(text: bytes, piece: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (its words are binascii's)
        decoded(text, piece)


def test_a_span_behind_the_end_of_the_file_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="ends within"):
        list(decode(BytesIO(b"AAAA"), Span(0, 8)))


# --- the picture's header ---------------------------------------------------------------------


def picture(kind: str, size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_header_says_what_the_picture_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(picture(kind))
    header = look(path)
    assert (header.media_type, header.width, header.height) == (f"image/{kind}", 40, 30)
    assert header.bytes == len(picture(kind))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"GIF89a", b"<html>", picture("gif")),
        *(picture("png")[:20], picture("jpeg")[:3], picture("webp")[:40]),
        picture("png", (9000, 9000)),
        picture("png")[:16] + b"\x7f\xff\xff\xff" * 2 + picture("png")[24:],
    ],
    ids=["empty", "magic", "html", "gif", "cut png", "cut jpeg", "cut webp", "vast", "lying"],
)
def test_what_is_no_publishable_picture_is_a_value_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "image"
    path.write_bytes(data)
    with pytest.raises(ValueError):  # noqa: PT011  (two different words)
        look(path)


# --- what an answer says ----------------------------------------------------------------------


def answer(tmp_path: Path, body: Any, request_id: str | None = "req_1") -> Path:
    path = tmp_path / "answer"
    path.write_bytes(first_line(request_id) + json.dumps(body).encode())
    return path


@pytest.mark.parametrize("request_id", ["req_1", None])
def test_the_request_id_survives(tmp_path: Path, request_id: str | None) -> None:
    assert read_request_id(answer(tmp_path, {}, request_id)) == request_id


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"b64_json": "AAAA"}, "AAAA"),
        ({"b64_json": None, "url": "https://x/y"}, Address("https://x/y")),
        ({"b64_json": "", "url": "data:image/png;base64,AAAA"}, "data:image/png;base64,AAAA"),
        ({"url": "https://no", "b64_json": "AAAA"}, "AAAA"),
    ],
)
def test_a_picture_is_found_where_the_server_put_it(
    tmp_path: Path, entry: dict[str, Any], found: Any
) -> None:
    assert read_answer(answer(tmp_path, {"data": [entry]})).picture == found


@pytest.mark.parametrize(
    "body",
    [
        *(None, 7, [], "text", {}, {"error": {"message": "no"}}),
        *({"data": None}, {"data": []}, {"data": "b64_json"}, {"data": [1]}, {"data": [{}]}),
        *({"data": [{"b64_json": None}]}, {"data": [{"b64_json": ""}]}),
        *({"data": [{"b64_json": 17}]}, {"data": [{"b64_json": {}}]}),
    ],
)
def test_an_answer_without_a_picture_is_a_value_error(tmp_path: Path, body: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (two different words)
        read_answer(answer(tmp_path, body))


@pytest.mark.parametrize(
    "usage",
    [
        *(None, [], {}, {"output_tokens": 5}, {"output_tokens": "5"}, {"input_tokens_details": []}),
        *(
            {"input_tokens_details": {"text_tokens": 1, "image_tokens": n}, "output_tokens": 2}
            for n in (-1, 0.5, True, None, 10**30)
        ),
    ],
)
def test_usage_that_is_not_told_in_full_is_unknown(tmp_path: Path, usage: Any) -> None:
    body = {"data": [{"b64_json": "AAAA"}], "usage": usage}
    assert read_answer(answer(tmp_path, body)).usage is None


def test_words_of_the_server_are_kept_only_if_they_are_words(tmp_path: Path) -> None:
    body = {"data": [{"b64_json": "AAAA"}], "size": "@everyone <b>", "quality": "high"}
    received = read_answer(answer(tmp_path, body))
    assert (received.size, received.quality) == (None, "high")
