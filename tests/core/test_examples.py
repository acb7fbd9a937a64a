"""The examples: each is a batch that costs what it says, and its pictures are there."""

from pathlib import Path

import pytest
from PIL import Image

from bot.core.parse import ParsedBatch, parse_batch
from bot.core.plan import plan
from bot.core.pricing import estimate

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*.json"))
LARGEST = 20_000


def parsed(name: str) -> ParsedBatch:
    return parse_batch((ROOT / "examples" / f"batch-{name}.json").read_text("utf-8"))


def test_there_is_an_example_for_every_way_to_use_it() -> None:
    names = {"simple", "detailed", "multi-variant", "large-scale", "edit", "transform", "variables"}
    assert {file.stem.removeprefix("batch-") for file in EXAMPLES} == names


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_runs_without_a_warning_and_within_its_own_cap(file: Path) -> None:
    found = parse_batch(file.read_text("utf-8"))
    bill = estimate(found.config, images_per_minute=5)
    assert (found.warnings, bill.warnings) == ((), ())
    assert bill.total.high is not None
    assert found.config.max_cost is not None
    assert bill.total.high.usd <= found.config.max_cost


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_pictures_of_an_example_are_there_and_small(file: Path) -> None:
    for job in parse_batch(file.read_text("utf-8")).config.jobs:
        for path in (*job.references, *filter(None, [job.mask_image_path])):
            assert (ROOT / path).stat().st_size < LARGEST
        if job.mask_image_path:
            with (
                Image.open(ROOT / job.mask_image_path) as mask,
                Image.open(ROOT / job.references[0]) as first,
            ):
                assert mask.size == first.size
                assert mask.getchannel("A").getextrema() == (0, 255)


def test_the_example_of_variables_makes_a_file_for_each_combination() -> None:
    assert [item.path for item in plan(parsed("variables").config, "run")] == [
        "watercolour/fox.png",
        "paper-cut/fox.png",
        "watercolour/owl.png",
        "paper-cut/owl.png",
        "watercolour/hedgehog.png",
        "paper-cut/hedgehog.png",
        "border-watercolour.png",
        "border-paper-cut.png",
    ]
