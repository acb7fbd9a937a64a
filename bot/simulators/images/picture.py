"""Draws a labelled picture: its prompt in large letters over colours of its own."""

import colorsys
import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import islice
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont, ImageOps

from bot.simulators.images.models import Size

_BEYOND_LATIN = "\u0250"
_INK = (255, 255, 255)
_JPEG_COMMENT_BYTES = 65_533  # a segment's length field counts itself


@dataclass(frozen=True, slots=True)
class Picture:
    text: str
    footer: str
    size: Size
    output_format: str = "png"
    transparent: bool = False
    compression: int | None = None


def draw(picture: Picture, weight: int | None = None) -> bytes:
    """Encode the picture; with a weight, fill it up to that many bytes without redrawing.

    The same picture always gives the same bytes.
    """
    canvas = _canvas(picture)
    _write(ImageDraw.Draw(canvas), picture)
    encoded = _encode(canvas, picture)
    return fill_up(encoded, picture.output_format, weight) if weight else encoded


def fill_up(encoded: bytes, output_format: str, weight: int) -> bytes:
    """Make a picture heavier, in a part of the file that every reader skips."""
    missing = weight - len(encoded)
    if missing <= 0:
        return encoded
    match output_format:
        case "png":
            return _fill_png(encoded, missing)
        case "jpeg":
            return _fill_jpeg(encoded, missing)
        case _:
            return _fill_webp(encoded, missing)


def _fill_png(encoded: bytes, missing: int) -> bytes:
    body = b"paDd" + bytes(max(missing - 12, 0))  # an ancillary, private chunk; 12 is its frame
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = len(encoded) - 12  # before IEND
    return encoded[:end] + chunk + encoded[end:]


def _fill_jpeg(encoded: bytes, missing: int) -> bytes:
    segments = []
    while missing > 0:
        room = min(max(missing - 4, 0), _JPEG_COMMENT_BYTES)
        segments.append(b"\xff\xfe" + struct.pack(">H", room + 2) + bytes(room))
        missing -= room + 4
    return encoded[:2] + b"".join(segments) + encoded[2:]


def _fill_webp(encoded: bytes, missing: int) -> bytes:
    room = max(missing - 8, 0) // 2 * 2  # chunks of RIFF have even lengths
    whole = encoded + b"PADD" + struct.pack("<I", room) + bytes(room)
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def _canvas(picture: Picture) -> Image.Image:
    hue = int.from_bytes(sha256(picture.text.encode()).digest()[:2]) / 65_536
    top, bottom = _colour(hue, 0.62), _colour(hue + 0.12, 0.38)
    if not picture.transparent:
        shade = Image.linear_gradient("L").resize(picture.size)
        return ImageOps.colorize(shade, top, bottom)
    canvas = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    width, height = picture.size
    margin = min(picture.size) // 24
    ImageDraw.Draw(canvas).rounded_rectangle(
        (margin, margin, width - margin, height - margin), radius=margin * 2, fill=top
    )
    return canvas


def _colour(hue: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, 0.6, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _write(pen: ImageDraw.ImageDraw, picture: Picture) -> None:
    width, height = picture.size
    letters = max(min(width, height) // (14 if len(picture.text) < 160 else 26), 1)
    font = ImageFont.load_default(letters)
    columns = max(int(width * 0.84 / (letters * 0.55)), 1)
    # The font that comes with Pillow knows Latin letters; all others would be boxes.
    text = "".join(letter for letter in picture.text if letter < _BEYOND_LATIN)
    lines = list(islice(wrap(text, columns), int(height * 0.7 / (letters * 1.3))))
    pen.multiline_text(
        (width / 2, height * 0.46),
        "\n".join(lines),
        fill=_INK,
        font=font,
        anchor="mm",
        align="center",
        spacing=letters * 0.3,
    )
    small = ImageFont.load_default(max(min(width, height) // 36, 10))
    pen.text((width / 2, height * 0.92), picture.footer, fill=_INK, font=small, anchor="mm")


def _encode(canvas: Image.Image, picture: Picture) -> bytes:
    """Encode in a hurry: a simulator is judged by its speed, not by its file sizes."""
    buffer = BytesIO()
    quality = 85 if picture.compression is None else picture.compression
    match picture.output_format:
        case "png":
            canvas.save(buffer, "PNG", compress_level=1)
        case "jpeg":
            canvas.save(buffer, "JPEG", quality=quality)
        case _:
            canvas.save(buffer, "WEBP", quality=quality, method=0)
    return buffer.getvalue()
