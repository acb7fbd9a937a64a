"""Takes the picture of a thread that the README shows: `python -m tests.browser.picture FILE`.

The sandbox makes it in Chromium, so that the picture can be taken anew when the thread changes.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from bot.entrypoints.sandbox import sandbox

COMMAND = """\
/batch --quality medium --max-cost 0.50

- a red fox in fresh snow, watercolour
- a lighthouse at dusk, flat poster
"""
WIDTH = 820
PATIENCE_MS = 60_000


async def take(file: Path) -> None:
    """Write the picture of one command and its answer."""
    with tempfile.TemporaryDirectory() as folder:
        async with sandbox(Path(folder), port=0, latency_ms=500) as room, async_playwright() as pw:
            browser = await pw.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = await browser.new_page(viewport={"width": WIDTH, "height": 900})
            await page.goto(room.issue)
            await page.get_by_label("Comment as").select_option("tomas")
            await page.get_by_label("Your comment").fill(COMMAND)
            await page.get_by_role("button", name="Comment", exact=True).click()
            answer = page.get_by_role("article", name="Comment by gptimage[bot]")
            await answer.get_by_role("heading", name="2 images").wait_for(timeout=PATIENCE_MS)
            await page.get_by_role("img", name="🚀").wait_for(timeout=PATIENCE_MS)
            await page.evaluate(
                "document.querySelectorAll('#opening, #write, #switches, .notice')"
                ".forEach(each => each.remove())"
            )
            await page.wait_for_load_state("networkidle")
            await page.locator("#thread").screenshot(path=file)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
