from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.destinations import DirectoryDestination
from bot.adapters.pictures.labels import Labels, describe
from bot.adapters.pictures.metadata import Level, params_hash, read
from bot.core.attempts import Attempt, AttemptState
from bot.core.parse import parse_batch_data
from bot.core.plan import plan
from bot.core.ports import Answer, File, Made, Published
from bot.core.pricing import Money
from bot.core.run import ItemView, Run, RunState

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
JOB = {
    "prompt": "a fox",
    "quality": "low",
    "output_path": "fox.png",
    "reference_image_path": ["/home/maya/secret plans/den.png"],
    "mask_image_path": "/home/maya/mask.png",
}
BATCH = parse_batch_data({"jobs": [JOB]}).config
RUN = Run("0123456789", RunState.RUNNING, BATCH, NOON)
(ITEM,) = plan(BATCH, RUN.id)
WON = Attempt(
    1,
    1,
    AttemptState.SUCCEEDED,
    NOON,
    NOON + timedelta(seconds=9, microseconds=5),
    cost=Money(5_900),
    request_id="req_1",
)
MADE = Made(ItemView(ITEM, (WON,)), Answer("x", "image/png", 9, 64, 48, quality="medium"))


def file(source: Path, name: str = "fox.png") -> File:
    return File(0, name, str(source), "image/png", MADE)


def labels(out: Path, level: Level = Level.FULL) -> Labels:
    return Labels(DirectoryDestination(out), level, "0.1.0")


def test_all_that_is_known_is_told_and_no_folder_of_the_person() -> None:
    told = describe(RUN, MADE, "0.1.0")

    assert told.openai_gpt_image_uuid == f"0123456789-{ITEM.id}"
    assert told.history_uuid == RUN.id
    assert (told.tool_name, told.model) == ("edit_image", "gpt-image-2.5-flare")
    assert (told.size, told.quality) == ("64x48", "medium"), "what was made counts"
    assert told.created_at == WON.settled_at
    assert (told.cost_usd, told.request_id) == (Money(5_900).usd, "req_1")
    parameters = {
        "model": "gpt-image-2.5-flare",
        "operation": "edit",
        "quality": "low",
        "references": ("den.png",),
        "mask": "mask.png",
    }
    assert told.parameters == parameters
    assert told.params_hash == params_hash(parameters | {"prompt": "a fox"})


async def test_a_picture_is_published_with_its_label_and_only_once(
    draw: Any, tmp_path: Path
) -> None:
    source, out = draw("spool/1.image"), tmp_path / "out"
    before = source.read_bytes()

    first = await labels(out).publish(RUN, [file(source)])
    again = await labels(out).publish(RUN, [file(source)])

    assert first == again
    assert [each.name for each in out.iterdir()] == ["fox.png"]
    found = read(out / "fox.png")
    assert found is not None
    assert (found.prompt, found.created_at) == ("a fox", WON.settled_at)
    assert source.read_bytes() == before
    assert [each.name for each in source.parent.iterdir()] == ["1.image"]


async def test_what_is_no_picture_has_no_label(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("{}")

    await labels(tmp_path / "out").publish(
        RUN, [File(None, "report.json", str(report), "application/json")]
    )

    assert (tmp_path / "out" / "report.json").read_text() == "{}"


async def test_an_odd_picture_is_published_as_it_came_and_the_note_says_so(
    draw: Any, tmp_path: Path
) -> None:
    sound, odd = draw("spool/1.image"), tmp_path / "spool" / "2.image"
    odd.write_bytes(sound.read_bytes()[:40])
    destination = labels(tmp_path / "out")

    first = await destination.publish(RUN, [file(sound, "owl.png"), file(odd)])
    later = await destination.publish(RUN, [file(sound, "hen.png")])

    assert (tmp_path / "out" / "fox.png").read_bytes() == odd.read_bytes()
    assert read(tmp_path / "out" / "owl.png") is not None
    assert first.note == "fox.png holds no metadata: the picture ends too early."
    assert later.note == first.note, "the ledger keeps the last note only"


async def test_a_spool_without_room_for_a_copy_loses_no_picture(draw: Any, tmp_path: Path) -> None:
    source, out = draw("spool/1.image"), tmp_path / "out"
    (tmp_path / "spool" / "1.image.labelled").mkdir()

    done = await labels(out).publish(RUN, [file(source)])

    assert (out / "fox.png").read_bytes() == source.read_bytes()
    assert "holds no metadata: the picture cannot be copied (Is a directory)" in done.note


class Full:
    """A destination without room."""

    async def publish(self, _run: Run, _files: Sequence[File]) -> Published:
        raise OSError("full")


async def test_a_destination_that_refuses_leaves_no_copy_behind(draw: Any) -> None:
    source = draw("spool/1.image")

    with pytest.raises(OSError, match="full"):
        await Labels(Full(), Level.MINIMAL, "0.1.0").publish(RUN, [file(source)])

    assert [each.name for each in source.parent.iterdir()] == ["1.image"]


def test_a_price_that_nobody_knows_is_not_told() -> None:
    free = replace(MADE, item=ItemView(ITEM, (replace(WON, cost=None),)))

    assert describe(RUN, free, "0.1.0").cost_usd is None
