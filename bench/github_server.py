"""The simulated GitHub in a process of its own, with people who comment when they are told to.

`github_server.py <address of the webhook> <secret>` prints its address and the App's key. For
each line `<how many> <1 if each waits for the last> <prompts in each>` it posts such
batches, waits until all are finished, and prints how they went.
"""

import asyncio
import json
import sys
from datetime import timedelta

import httpx

from bot.entrypoints.loopback import served
from bot.simulators.github import GitHubState, Webhook, create_github_app
from bot.simulators.github.threads import Comment

_PATIENCE = 400.0  # seconds for all of them, on a machine that others use, too
_ENDS = {"rocket", "confused"}


async def main(hook: str, secret: str) -> None:
    github = GitHubState(webhook=Webhook(hook, secret))
    async with served(create_github_app(github)) as url, httpx.AsyncClient(base_url=url) as people:
        print(json.dumps({"url": url, "key": github.private_key}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            count, in_turn, prompts = map(int, line.split())
            async with asyncio.timeout(_PATIENCE):
                ids = await _comment(github, people, count, prompts, in_turn=bool(in_turn))
                await _finished(github, ids)
            print(json.dumps([_figures(github, comment) for comment in ids]), flush=True)


async def _comment(
    github: GitHubState, people: httpx.AsyncClient, count: int, prompts: int, *, in_turn: bool
) -> list[int]:
    lines = "\n".join(f"- picture {number}" for number in range(prompts))
    words = f"/batch --quality low --size 1024x1024 --max-concurrent 2\n\n{lines}"
    ids = list[int]()
    for number in range(count):
        # Each in a thread of its own: a thread with many commands is a quarrel of bots.
        opening = {"user": "maya", "title": f"Pictures {number}", "body": "Please."}
        issue = (await people.post("/sim/issues", json=opening)).raise_for_status().json()
        sent = {"user": "maya", "issue": issue["number"], "body": words}
        answer = (await people.post("/sim/comments", json=sent)).raise_for_status()
        ids.append(answer.json()["id"])
        if in_turn:
            await _finished(github, ids)
    return ids


async def _finished(github: GitHubState, ids: list[int]) -> None:
    while not all(_seen(github.threads.comment(each), _ENDS) for each in ids):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def _seen(comment: Comment, contents: set[str]) -> bool:
    return any(reaction.content in contents for reaction in comment.reactions)


def _figures(github: GitHubState, number: int) -> dict[str, object]:
    """The milliseconds from the webhook's 202 to the eyes, and whether all went well."""
    comment = github.threads.comment(number)
    told = next(
        each for each in github.webhooks.deliveries if each.payload["comment"]["id"] == number
    )
    answered = told.delivered_at + timedelta(seconds=told.duration)
    eyes = next(each for each in comment.reactions if each.content == "eyes")
    waited = (eyes.created_at - answered) / timedelta(milliseconds=1)
    return {"eyes_ms": waited, "well": told.status == "OK" and _seen(comment, {"rocket"})}


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
