"""An image that was published in an archive, because its run made very many."""

import zipfile
from io import BytesIO

import pytest

from bot.adapters.run_pictures import RunPictures
from bot.core.batch import BatchConfig, Job
from bot.core.plan import plan
from bot.core.ports import NoFile
from bot.core.run import ItemView, Thread

THREAD = Thread(1, 2, "acme/posters", private=True, issue=1, comment=3)
URL = "https://github.com/acme/posters/releases/download/gptimage-x/images-0123abcd.zip"


class Published:
    def __init__(self, archive: bytes) -> None:
        self.archive = archive

    async def published(self, _thread: Thread, url: str, _most: int) -> bytes | NoFile:
        return self.archive if url == URL else NoFile.MISSING


async def nowhere(_run: str, _item: ItemView) -> str | None:
    return None


def archive() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("art/fox.png", b"fox")
        opened.writestr("owl.png", b"a large owl")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "found"),
    [("art/fox.png", b"fox"), ("owl.png", NoFile.TOO_LARGE), ("hare.png", NoFile.MISSING)],
)
async def test_it_is_taken_out_by_its_name(name: str, found: bytes | NoFile) -> None:
    (item,) = plan(BatchConfig(jobs=(Job(prompt="x", output_path=name),)), "run")
    pictures = RunPictures(None, nowhere, Published(archive()), None)  # type: ignore[arg-type]
    assert await pictures._read(THREAD, "run", ItemView(item, url=URL, path=name), 5) == found
