import re
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.entrypoints.loopback import served
from bot.simulators.github import GitHubState, create_github_app
from bot.simulators.github.markdown import to_html

CHROMIUM = Path("/usr/bin/chromium")
ISSUE = "/acme/posters/issues/1"


def png(width: int, height: int) -> bytes:
    """A grey picture of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def publish(state: GitHubState, **files: bytes) -> None:
    release = state.releases.create({"tag_name": "run-1", "draft": True}, state.now())
    for name, data in files.items():
        state.releases.upload(
            release.id, f"{name}.png", "", content_type="image/png", data=data, now=state.now()
        )
    state.releases.change(release.id, {"draft": False, "name": "Three foxes"}, state.now())


# --- what a comment becomes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("~~old~~", "<p><s>old</s></p>"),
        ("<!-- marker -->\n\nhi", "<p>hi</p>"),
        ("a <!-- marker --> b", "<p>a  b</p>"),
        ("https://example.com", "<p>https://example.com</p>"),
        ("<b onclick=x>bold</b>", "<p><b>bold</b></p>"),
        ("<script>alert(1)</script>", ""),
        ('<div class="mine markdown-alert">x</div>', '<div class="markdown-alert">x</div>'),
        (
            "> [!WARNING]\n> careful",
            (
                '<div class="markdown-alert markdown-alert-warning">\n'
                '<p class="markdown-alert-title">Warning</p>\n<p>careful</p>\n</div>'
            ),
        ),
        ("<style>p {}</style>", ""),
        ("<iframe src=/></iframe>", ""),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ('<a href="javascript:x">x</a>', "<p><a>x</a></p>"),
        ('<img src="data:image/png;base64,AA" alt="x">', '<img alt="x">'),
        (
            "- [x] done",
            '<ul>\n<li><input disabled="" type="checkbox" checked=""> done</li>\n</ul>',
        ),
        (
            '<img src="/a.png" width="96" onerror="x">',
            '<img src="/a.png" width="96">',
        ),
        (
            "![fox](/a.png)",
            '<p><a href="/a.png"><img src="/a.png" alt="fox"></a></p>',
        ),
        (
            "[![fox](/a.png)](/b.png)",
            '<p><a href="/b.png"><img src="/a.png" alt="fox"></a></p>',
        ),
        (
            "<details><summary>More</summary>\n\ninside\n</details>",
            "<details><summary>More</summary>\n<p>inside</p>\n</details>",
        ),
    ],
)
def test_comments_look_as_on_github_and_run_nothing(text: str, html: str) -> None:
    rendered = to_html(text).strip()
    assert rendered.replace(' rel="nofollow noopener noreferrer"', "") == html


def test_links_give_nothing_away() -> None:
    assert 'rel="nofollow noopener noreferrer"' in to_html("[x](https://example.com)")


def test_columns_are_aligned_without_inline_styles() -> None:
    html = to_html("|a|b|\n|-|-:|\n|1|2|")
    assert '<td align="right">2</td>' in html
    assert "style" not in html


# --- the pages -----------------------------------------------------------------------------------


async def test_the_start_leads_to_the_issue(github: Any) -> None:
    for path in ("/", "/acme/posters"):
        answer = await github.http.get(path)
        assert (answer.status_code, answer.headers["location"]) == (
            302,
            f"http://github.test{ISSUE}",
        )


async def test_the_issue_shows_everything_that_was_said(github: Any) -> None:
    typed = await github.types("maya", "/batch <b>please</b>")
    await github.as_bot(
        "POST", f"/issues/comments/{typed['id']}/reactions", json={"content": "eyes"}
    )
    answer = await github.comment("Working")
    await github.as_bot("PATCH", f"/issues/comments/{answer['id']}", json={"body": "Done"})
    page = await github.http.get(ISSUE)
    assert "Simulated GitHub: nothing leaves this machine" in page.text
    assert f'id="issuecomment-{answer["id"]}"' in page.text
    assert page.text.count("· edited") == 1
    assert "👀" in page.text
    assert '<option value="rin">rin (triage)</option>' in page.text
    assert '<option value="passer-by">passer-by (no role)</option>' in page.text
    assert "gptimage[bot]" not in re.findall(r'<option value="(.*?)"', page.text)


async def test_every_page_and_its_parts_come_from_this_server_alone(github: Any) -> None:
    parts = re.findall(r'(?:src|href)="(/[^"#]*)"', (await github.http.get(ISSUE)).text)
    assert "/static/page.js" in parts
    for path in {ISSUE, *parts} - {"/acme/posters"}:
        answer = await github.http.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert not re.search(r'(?:src|href)="https?://', answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/acme/posters/issues/9",
        "/static/page.html",
        "/static/../page.py",
        "/static/%2e%2e/page.py",
        "/avatars/ghost.svg",
        "/acme/posters/releases/tag/none",
    ],
)
async def test_other_addresses_are_not_there(github: Any, path: str) -> None:
    assert (await github.http.get(path)).status_code == 404


async def test_names_and_titles_cannot_break_the_page(make_github: Callable[..., Any]) -> None:
    github = make_github(title="<script>alert(1)</script> $title")
    page = (await github.http.get(ISSUE)).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $title" in page
    assert "<script>alert" not in page


async def test_an_open_page_asks_for_what_has_changed(github: Any) -> None:
    comment = await github.comment("one")
    first = await github.http.get(f"{ISSUE}/thread")
    (before,) = first.json()["comments"]
    known = {"if-none-match": first.headers["etag"]}
    assert (await github.http.get(f"{ISSUE}/thread", headers=known)).status_code == 304

    await github.as_bot("PATCH", f"/issues/comments/{comment['id']}", json={"body": "two"})
    second = await github.http.get(f"{ISSUE}/thread", headers=known)
    (after,) = second.json()["comments"]
    assert after["anchor"] == before["anchor"] == f"issuecomment-{comment['id']}"
    assert after["version"] != before["version"]
    assert "<p>two</p>" in after["html"]


async def test_a_release_shows_its_files(github: Any) -> None:
    publish(github.state, fox=png(64, 48), owl=png(64, 48))
    page = await github.http.get("/acme/posters/releases/tag/run-1")
    assert "Three foxes" in page.text
    for url in re.findall(r'<img src="(http[^"]*)"', page.text):
        assert (await github.http.get(url)).content == png(64, 48)
    assert page.text.count('loading="lazy"') == 2


async def test_an_uploaded_page_is_saved_and_never_run(github: Any) -> None:
    release = github.state.releases.create({"tag_name": "run-1"}, github.state.now())
    github.state.releases.upload(
        release.id,
        "evil.html",
        "",
        content_type="text/html",
        data=b"<script>1</script>",
        now=github.state.now(),
    )
    answer = await github.http.get("/acme/posters/releases/download/run-1/evil.html")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture
async def browser_page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        page = await browser.new_page()
        yield page
        await browser.close()


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
async def test_a_visitor_types_and_sees_the_thread_grow_without_a_reload(
    browser_page: Page,
) -> None:
    page, state = browser_page, GitHubState()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    async with served(create_github_app(state)) as url:
        await page.goto(url)
        await page.get_by_role("button", name="Use the example").click()
        await page.get_by_label("Comment as").select_option("tomas")
        await page.get_by_role("button", name="Comment", exact=True).click()
        typed = page.get_by_role("article", name="Comment by tomas")
        await expect(typed).to_contain_text("A red fox asleep")
        (comment,) = state.threads.issue(1).comments.values()
        assert comment.body.startswith("/batch\n```json\n{")

        state.threads.react(comment.id, "eyes", state.bot, state.now())
        await expect(typed.get_by_role("img", name="👀")).to_be_visible()

        publish(state, fox=png(64, 48))
        picture = f"![fox]({url}/acme/posters/releases/download/run-1/fox.png)"
        details = f"<details><summary>Files</summary>\n\n{picture}\n\n</details>"
        answer = state.threads.add(1, details, state.bot, state.now(), by_app=True)
        await page.get_by_text("Files").click()
        fox = page.get_by_role("img", name="fox")
        await expect(fox).to_have_js_property("naturalWidth", 64)

        state.threads.edit(answer.id, f"{details}\n\nAll done", state.now())
        await expect(page.get_by_text("All done")).to_be_visible()
        await expect(fox).to_be_visible()  # what was open stays open

        await typed.get_by_role("button", name="Edit").click()
        await page.get_by_label("The comment's text").fill("/estimate")
        await page.get_by_role("button", name="Save as tomas").click()
        await expect(typed).to_contain_text("/estimate")
        assert comment.body == "/estimate"

        state.threads.delete(answer.id)
        await expect(page.get_by_text("All done")).to_have_count(0)
    assert complaints == []
