"""The only door to Pillow's decoders."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from bot.adapters.pictures.formats import Format, PictureError
from bot.core.said import said

MOST_PIXELS = 64_000_000
"""Every phone's camera stays below it; a header can claim anything."""

_BAD_DATA = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # raised where warnings are errors
)


@contextmanager
def opened(file: BinaryIO | Path) -> Iterator[Image.Image]:
    """The picture, not yet decoded.

    Whatever the decoders raise for bad data, then or within the block, becomes a PictureError;
    an OSError is the disk's word.
    """
    try:
        with Image.open(file, formats=[each.upper() for each in Format]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise PictureError(said("has too many pixels"))
            yield image
    except _BAD_DATA as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise PictureError(said("is damaged")) from None
