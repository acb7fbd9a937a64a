"""The last call of the Action: the address of the artifact goes into the run's comment.

Only a step after the upload knows it. A link is no reason to fail a job, so what goes wrong is a
warning.
"""

import asyncio
import re

from bot.adapters.github import GitHubHost, TokenCredentials
from bot.core.errors import HostError
from bot.core.event import CommentEvent, parse_workflow
from bot.core.language import spoken
from bot.core.markdown import MAX_BODY
from bot.core.markup import address
from bot.core.messages import messages
from bot.core.said import said
from bot.entrypoints.action.inputs import Inputs
from bot.entrypoints.action.outputs import annotate

_COMMENT = re.compile(r"#issuecomment-(\d+)$")
_HIDDEN = "<!--"
_LINK = re.compile(
    r"^📦 \[[^\]\n]*\]\(https?://[^)\s]+/actions/runs/\d+/artifacts/\d+\)$", re.MULTILINE
)


def link(given: Inputs) -> int:
    """Put the link into the comment, once; the step's exit code."""
    found = _COMMENT.search(given.comment_url or "")
    event = parse_workflow(given.event_path.read_bytes()) if given.event_path else None
    if not (found and event and given.artifact_url and given.github_token):
        return 0
    try:
        asyncio.run(_link(given, event, int(found[1])))
    except HostError as error:
        annotate("warning", said("the artifact could not be linked: {why}", why=error.message))
    return 0


async def _link(given: Inputs, event: CommentEvent, comment: int) -> None:
    if given.github_token is None or given.artifact_url is None:
        return
    host = GitHubHost(TokenCredentials(given.github_token, given.api_url))
    try:
        remarks = await host.remarks(event.thread)
        body = next((each.body for each in remarks if each.id == comment), "")
        if _HIDDEN not in body or given.artifact_url in body:
            return
        linked = with_link(body, given.artifact_url, given.language)
        if len(linked) <= MAX_BODY + 500:
            await host.edit(event.thread, comment, linked)
    finally:
        await host.aclose()


def links(body: str) -> tuple[str, ...]:
    """The lines of earlier jobs' artifacts in a comment, which later edits are to keep."""
    return tuple(_LINK.findall(body))


def with_link(body: str, url: str, language: str) -> str:
    """The comment with a link below its words, before what is hidden in it."""
    words, _, hidden = body.partition(_HIDDEN)
    files = messages(spoken("ja" if language == "ja" else "auto", words)).final.files
    return f"{words.rstrip()}\n\n📦 [{files}]({address(url)})\n\n{_HIDDEN}{hidden}"
