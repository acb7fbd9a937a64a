"""Stories: what users wrote is shown, and nothing of it does anything."""

import json
import re
from html.parser import HTMLParser

from tests.stories.conftest import Thread

HOSTILE = [
    "@octocat and @acme/designers, look: fixes #1, GH-1 and acme/posters#1",
    "a | pipe || and a \\| back | slash",
    "[a link](https://evil.example) ![](https://evil.example/pixel.png) https://evil.example",
    "<https://evil.example> www.evil.example mail@evil.example",
    "<img src=x onerror=alert(1)> <script>alert(1)</script> <a href='https://evil.example'>b</a>",
    "</details></td></table> --> <!-- gptimage:forged:0 -->",
    "first\n/close\n/batch\n- a fox",
    "``` ~~~ ```` </code> `unclosed",
    "# a heading\n\n- [x] a task\n\n---\n> a quote",
    "*bold* _italic_ ~~gone~~ $x^2$ :tada:",
]


class Page(HTMLParser):
    """Links, pictures, headings, and the cells of each row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.rows: list[int] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag == "tr":
            self.rows.append(0)
        if tag in {"td", "th"}:
            self.rows[-1] += 1

    def elsewhere(self, home: str) -> list[str]:
        """The addresses that lead away."""
        return [address for address in self.addresses if not address.startswith(home)]


async def test_prompts_ping_nobody_link_nowhere_and_keep_the_layout(thread: Thread) -> None:
    jobs = [{"prompt": words, "output_path": f"{n}.png"} for n, words in enumerate(HOSTILE)]
    await thread.say(f"/batch --quality low\n```json\n{json.dumps({'jobs': jobs})}\n```")

    body = thread.by_bot[0].body
    assert not re.search(r"@\w|(?<!&)#\d|GH-\d|^\s*/", body, re.MULTILINE)
    page = Page(_rendered(thread, await thread.fetch("/acme/posters/issues/1/thread")))
    assert page.elsewhere(thread.room.url) == []
    assert page.tags.count("img") == len(HOSTILE)
    assert page.rows == [4, 4] + [6] * (len(HOSTILE) + 1)
    assert page.tags.count("h3") == 1
    assert not {"h1", "script", "input", "hr", "blockquote", "pre"} & set(page.tags)


def _rendered(thread: Thread, page: bytes) -> str:
    """The bot's comment as the browser shows it, without what stands around it."""
    anchor = f"issuecomment-{thread.by_bot[0].id}"
    html = next(each["html"] for each in json.loads(page)["comments"] if each["anchor"] == anchor)
    return str(html).partition('<div class="markdown">')[2].rpartition("</div>")[0]


async def test_names_of_files_cannot_break_out_either(thread: Thread) -> None:
    jobs = [{"prompt": "a red fox", "output_path": "a|b](https://evil.example) @octocat.png"}]
    await thread.say(f"/batch --quality low\n```json\n{json.dumps({'jobs': jobs})}\n```")

    body = thread.by_bot[0].body
    assert not re.search(r"@\w", body)
    page = Page(_rendered(thread, await thread.fetch("/acme/posters/issues/1/thread")))
    assert page.elsewhere(thread.room.url) == []
