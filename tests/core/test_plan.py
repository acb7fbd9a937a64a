"""One item for each image, under a name that is safe everywhere and belongs to it alone."""

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import paths
from bot.core.batch import BatchConfig
from bot.core.errors import BatchError
from bot.core.parse import parse_batch_data
from bot.core.plan import Item, plan


def parse(*jobs: dict[str, object]) -> BatchConfig:
    return parse_batch_data({"jobs": [{"prompt": "A red fox!", **job} for job in jobs]}).config


def items(*jobs: dict[str, object]) -> tuple[Item, ...]:
    return plan(parse(*jobs), "run")


def paths_of(*jobs: dict[str, object]) -> list[str]:
    return [item.path for item in items(*jobs)]


# --- items ------------------------------------------------------------------------------------


def test_every_image_is_an_item_in_the_order_of_the_batch() -> None:
    places = [(item.index, item.job, item.sample) for item in items({"sample_count": 2}, {})]
    assert places == [(0, 0, 0), (1, 0, 1), (2, 1, 0)]


def test_the_same_batch_and_run_give_the_same_items() -> None:
    config = parse({"sample_count": 10}, {"quality": "low"})
    assert plan(config, "run") == plan(config, "run")


def test_ids_belong_to_one_image_of_one_run() -> None:
    config = parse({"sample_count": 10}, {"sample_count": 10})
    ids = [item.id for run in ("one", "two") for item in plan(config, run)]
    assert len(set(ids)) == 40
    assert all(re.fullmatch("[a-z0-9]{10}", name) for name in ids)


# --- what is sent -----------------------------------------------------------------------------


def test_only_what_was_set_is_sent() -> None:
    (item,) = items({"size": "auto", "quality": "auto", "background": "auto", "moderation": "auto"})
    call = item.call
    assert (call.prompt, call.operation) == ("A red fox!", "generate")
    sent = (call.size, call.quality, call.background, call.moderation, call.output_format)
    assert sent == (None,) * 5
    assert (call.output_compression, call.input_fidelity, call.references, call.mask) == (
        None,
        None,
        (),
        None,
    )


def test_what_was_set_is_sent() -> None:
    wanted: dict[str, Any] = {
        "size": "1536x1024",
        "quality": "high",
        "output_format": "webp",
        "background": "transparent",
        "output_compression": 0,
    }
    (item,) = items(wanted | {"reference_image_path": "a.png", "mask_image_path": "m.png"})
    assert {name: getattr(item.call, name) for name in wanted} == wanted
    assert (item.call.operation, item.call.references, item.call.mask) == (
        "edit",
        ("a.png",),
        "m.png",
    )


# --- paths ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "a-red-fox.png"),
        ({"output_format": "jpeg"}, "a-red-fox.jpg"),
        ({"output_path": "project-a/logo_v1.png"}, "project-a/logo_v1.png"),
        ({"output_path": "logo"}, "logo.png"),
        ({"output_path": "v1.2"}, "v1.2.png"),
        ({"output_path": "logo.jpeg"}, "logo.jpg"),
        ({"output_path": "logo.JPG"}, "logo.jpg"),
        ({"output_path": "logo.png", "output_format": "webp"}, "logo.webp"),
        ({"output_path": "100%.png"}, "100%.png"),
        ({"output_path": "狐/赤い.png"}, "狐/赤い.png"),
    ],
)
def test_the_name_follows_the_path_and_the_ending_the_format(
    fields: dict[str, object], path: str
) -> None:
    assert paths_of(fields) == [path]


def test_several_samples_are_numbered() -> None:
    assert paths_of({"output_path": "a/fox.png", "sample_count": 3}) == [
        "a/fox-1.png",
        "a/fox-2.png",
        "a/fox-3.png",
    ]


def test_jobs_without_a_path_never_share_a_file() -> None:
    found = paths_of({}, {}, {"prompt": "a RED fox"}, {"sample_count": 2})
    assert len({paths.fold(path) for path in found}) == 5


def test_a_name_of_ours_makes_way_for_one_that_somebody_chose() -> None:
    chosen: list[dict[str, object]] = [
        {"output_path": "a-red-fox.png"},
        {"output_path": "an-owl.png/night.png"},
    ]
    assert paths_of({}, {"prompt": "An owl"}, *chosen) == [
        "a-red-fox_1.png",
        "an-owl_1.png",
        "a-red-fox.png",
        "an-owl.png/night.png",
    ]


@pytest.mark.parametrize(
    ("prompt", "path"),
    [
        ("朝の富士山、水彩画", "朝の富士山-水彩画.png"),
        ("Été à la mer!", "été-à-la-mer.png"),
        ("🦊🦊", "image.png"),
        ("𓀀" * 100, "𓀀" * 60 + ".png"),  # four bytes each: still a name that disks take
    ],
)
def test_a_name_of_ours_keeps_the_script_of_its_prompt(prompt: str, path: str) -> None:
    assert paths_of({"prompt": prompt}) == [path]
    assert paths.problem(path) == ""


def test_a_prompt_that_windows_keeps_for_itself_still_makes_a_file() -> None:
    assert paths_of({"prompt": "NUL"}) == ["image-nul.png"]


def test_the_name_of_an_asset_is_plain_and_keeps_its_id() -> None:
    (item,) = items({"output_path": "projet été/renard 狐 (1).png"})
    assert item.asset_name == f"projet-ete-renard-1-{item.id}.png"


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../up.png",
        "a/../b.png",
        "/etc/passwd",
        "~/fox.png",
        "~root/fox.png",
        "C:/fox.png",
        "c:fox.png",
        "a\\b.png",
        "..\\up.png",
        "a\0b.png",
        "a\nb.png",
        "%2e%2e/fox.png",
        "a%2Fb.png",
        "%5cfox.png",
        "%252e%252E/fox.png",
        "\uff052e\uff052e/fox.png",
        "a\uff0fb.png",
        "a\u2215b.png",
        "a\u2044b.png",
        "\u2100.png",
        "\uff0e\uff0e/fox.png",
        "\uff0ffox.png",
        "\u2025/fox.png",
        "a\u202ebgnp.png",
        "CON",
        "nul.png",
        "Aux/fox.png",
        "com1.txt.png",
        "lpt9",
        "fox.",
        "fox /a.png",
        "a./fox.png",
        " fox.png",
        ".git/config",
        ".png",
        "a//b.png",
        "a/",
        "",
        "   ",
        "a:b.png",
        "a?.png",
        "a*.png",
        'a".png',
        "<a>.png",
        "a|b.png",
        "x" * 256,
        "狐" * 86,
        "/".join(["long"] * 300),
    ],
)
def test_a_path_that_is_not_safe_everywhere_is_refused_before_any_call(path: str) -> None:
    with pytest.raises(BatchError) as caught:
        parse({"output_path": path})
    assert [problem.path for problem in caught.value.problems] == ["jobs[0].output_path"]


@pytest.mark.parametrize(
    ("length", "samples", "fits"), [(251, 1, True), (249, 2, True), (250, 2, False)]
)
def test_a_name_has_room_for_its_number_and_its_ending(
    length: int, samples: int, fits: bool
) -> None:
    wanted: dict[str, object] = {"output_path": "x" * length, "sample_count": samples}
    if fits:
        assert max(len(path) for path in paths_of(wanted)) == 255
    else:
        with pytest.raises(BatchError, match="longer than 255 bytes"):
            parse(wanted)


NAMES = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(
    ["a", "A", "..", ".", "con", "fox.png", "fox.PNG", "fox", "%2e", "~", "é", "e\u0301", "a.jpg"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
WANTED = st.fixed_dictionaries(
    {"prompt": st.text(st.characters(exclude_categories=["Cs"]), min_size=1)},
    optional={
        "output_path": PATHS,
        "sample_count": st.integers(1, 3),
        "output_format": st.sampled_from(["png", "jpeg", "webp"]),
    },
)


@given(st.lists(WANTED, min_size=1, max_size=6))
def test_every_path_is_inside_portable_and_unique(wanted: list[dict[str, object]]) -> None:
    try:
        config = parse(*wanted)
    except BatchError:
        return
    found = plan(config, "run")
    folded = [unicodedata.normalize("NFKC", item.path).casefold() for item in found]
    assert len({paths.fold(item.path) for item in found}) == len(found)
    for item, path in zip(found, folded, strict=True):
        assert paths.problem(item.path) == ""
        assert not path.startswith(("/", "~"))
        assert not {"", ".", ".."} & set(path.split("/"))
        assert not set(path) & set('\\:*?"<>|\0')
    names = [item.asset_name for item in found]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) for name in names)
    assert not any(".." in name for name in names)
