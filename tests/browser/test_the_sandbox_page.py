"""What a visitor sees of a run, in a real browser."""

import json
import re
import shutil
from collections.abc import AsyncIterator
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import (
    ConsoleMessage,
    FilePayload,
    Locator,
    Page,
    async_playwright,
    expect,
)

from bot.entrypoints.sandbox import Sandbox, sandbox
from bot.entrypoints.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
# Nothing leaves the machine, and no desktop is needed.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 30_000

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

BATCH = """\
/batch --quality low --size 1024x1024 --max-concurrent 1

- a red fox in fresh snow
- a castle by Miyazaki
- a sleepy owl
"""


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    async with sandbox(tmp_path / "data", port=0, latency_ms=2000) as room:
        yield room


@pytest.fixture
async def page(room: Sandbox) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = await browser.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", partial(_hear, complaints))
        await page.goto(room.issue)
        yield page
        await browser.close()
    assert complaints == []


async def test_a_visitor_types_a_batch_and_watches_the_pictures_come(page: Page) -> None:
    await page.get_by_label("Comment as").select_option("tomas")
    await page.get_by_label("Your comment").fill(BATCH)
    await page.get_by_role("button", name="Comment", exact=True).click()

    command = page.get_by_role("article", name="Comment by tomas")
    answer = page.get_by_role("article", name="Comment by gptimage[bot]")
    await sees(command.get_by_alt_text("👀"))
    await sees(answer.get_by_role("heading", name="Making 3 images"))
    await sees(answer.get_by_text("1 made"))
    await sees(answer.get_by_role("heading", name="2 of 3 images"))
    await sees(command.get_by_alt_text("🚀"))

    await expect(answer).to_have_count(1)
    await expect(answer).to_contain_text("The safety system refused the prompt.")
    for name in ("a red fox in fresh snow", "a sleepy owl"):
        assert await width(answer.get_by_role("img", name=name)) == 480


async def test_the_example_of_the_page_can_be_used_as_it_stands(page: Page) -> None:
    await page.get_by_role("button", name="Use the example").click()
    await page.get_by_label("Your comment").press("Control+Enter")

    answer = page.get_by_role("article", name="Comment by gptimage[bot]")
    await sees(answer.get_by_role("heading", name="2 images"))
    await sees(page.get_by_role("article", name="Comment by maya").get_by_alt_text("🚀"))


async def test_a_mistake_is_mended_on_the_page_and_the_same_answer_becomes_the_run(
    page: Page,
) -> None:
    await page.get_by_label("Your comment").fill('/batch\n```json\n{"jobs": [{}]}\n```')
    await page.get_by_role("button", name="Comment", exact=True).click()
    answer = page.get_by_role("article", name="Comment by gptimage[bot]")
    await sees(answer.get_by_text("is required"))

    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("The comment's text").fill("/batch --quality low\n\n- a red fox")
    await page.get_by_role("button", name="Save as maya").click()

    await sees(answer.get_by_role("heading", name="1 image"))
    await expect(answer).to_have_count(1)
    assert await width(answer.get_by_role("img", name="a red fox")) == 480


async def test_what_is_estimated_is_run_and_what_runs_is_cancelled(page: Page) -> None:
    await says(page, "/estimate --quality low\n\n- a red fox\n- an owl\n- a hare")
    answers = page.get_by_role("article", name="Comment by gptimage[bot]")
    offered = answers.first.locator("code", has_text="/batch run")
    await sees(offered)
    line = await offered.first.text_content()

    await says(page, line or "", by="tomas")
    await sees(answers.nth(1).get_by_role("heading", name="Making 3 images"))
    await says(page, "/batch cancel", by="tomas")
    await sees(answers.nth(1).get_by_text("cancelled"))


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_a_visitor_attaches_a_picture_and_names_its_address(
    room: Sandbox, page: Page, private: bool
) -> None:
    if private:
        room.github.change_visibility()
    drawn = BytesIO()
    Image.new("RGB", (320, 200), "orange").save(drawn, "PNG")
    fox = FilePayload(name="fox.png", mimeType="image/png", buffer=drawn.getvalue())
    await page.get_by_label("Attach a picture").set_input_files(fox)
    body = page.get_by_label("Your comment")
    await expect(body).to_have_value(re.compile(r"!\[fox.png\]\(http"))
    shown = await body.input_value()
    address = shown.strip().removesuffix(")").partition("(")[2]
    job = {"prompt": "at night", "quality": "low", "reference_image_path": address}
    await says(page, f"/batch\n```json\n{json.dumps({'jobs': [job]})}\n```\n{shown}")

    assert await width(page.get_by_role("img", name="fox.png")) == 320
    answer = page.get_by_role("article", name="Comment by gptimage[bot]")
    await sees(answer.get_by_role("heading", name="1 image"))


async def test_a_stranger_gets_one_quiet_reaction(page: Page) -> None:
    await says(page, "/batch\n\n- a red fox", by="passer-by")
    await sees(page.get_by_role("article", name="Comment by passer-by").get_by_alt_text("😕"))
    await expect(page.get_by_role("article", name="Comment by gptimage[bot]")).to_have_count(0)


async def goes_wrong(page: Page, faults: dict[str, str]) -> Locator:
    """Press the buttons of these faults, read what they say, and get one image of two."""
    told = page.get_by_role("region", name="What goes wrong next").get_by_role("status")
    for button, words in faults.items():
        await page.get_by_role("button", name=button).click()
        await expect(told).to_contain_text(words)

    await says(page, "/batch --quality low --max-concurrent 1\n\n- a red fox\n- an owl")
    answer = page.get_by_role("article", name="Comment by gptimage[bot]")
    await sees(answer.get_by_role("heading", name="1 of 2 images"))
    await expect(answer).to_have_count(1)
    return answer


async def test_a_visitor_lets_things_go_wrong_and_the_thread_tells_what_came_of_it(
    page: Page,
) -> None:
    answer = await goes_wrong(
        page,
        {
            "GitHub: 502": "meets a 502",
            "Images: 429": "rate limit",
            "Images: moderation": "costs nothing",
        },
    )

    await expect(answer).to_contain_text("The safety system refused the prompt.")


async def test_what_may_have_been_paid_for_is_told_after_a_fault_and_a_pause(page: Page) -> None:
    answer = await goes_wrong(
        page,
        {
            "GitHub: slow down": "to wait 5 s",
            "Images: 500": "it may be billed",
        },
    )

    await expect(answer).to_contain_text("The image service had a fault of its own.")
    await expect(answer.locator("code", has_text="/batch retry").first).to_contain_text("doubt 1")


async def test_the_repository_is_made_private_and_serves_its_people_as_before(page: Page) -> None:
    await page.get_by_role("button", name="Make it private").click()
    await sees(page.get_by_role("button", name="Make it public"))
    await sees(page.get_by_text("Private", exact=True))

    await says(page, "/batch --quality low\n\n- a red fox")
    answer = page.get_by_role("article", name="Comment by gptimage[bot]")
    await sees(answer.get_by_role("heading", name="1 image"))


def _hear(complaints: list[str], said: ConsoleMessage) -> None:
    if said.type == "error":
        complaints.append(said.text)


async def says(page: Page, words: str, *, by: str = "maya") -> None:
    await page.get_by_label("Comment as").select_option(by)
    await page.get_by_label("Your comment").fill(words)
    await page.get_by_role("button", name="Comment", exact=True).click()


async def sees(what: Locator) -> None:
    await expect(what.first).to_be_visible(timeout=PATIENCE_MS)


async def width(picture: Locator) -> int:
    """The width of the picture that was loaded; its policy lets no script of ours wait for it."""
    await picture.scroll_into_view_if_needed()
    await expect(picture).to_have_js_property("complete", value=True, timeout=PATIENCE_MS)
    handle = await picture.element_handle()
    assert handle is not None
    return int(await (await handle.get_property("naturalWidth")).json_value())
