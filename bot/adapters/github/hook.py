"""GitHub's log of what it sent to the App's webhook, asked for in the name of the App itself."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

import httpx
from pydantic import TypeAdapter

from bot.adapters.github.answers import Sent, read
from bot.adapters.github.wire import Request, Turn, Wire
from bot.core.event import Action
from bot.core.ports import Clock, Sending

_log = logging.getLogger(__name__)

_SENT = TypeAdapter(list[Sent])
_PATH = "/app/hook/deliveries"
_MOST_PAGES = 100
_OUTCOME_WITHIN = timedelta(minutes=1)  # GitHub itself waits ten seconds, or thirty


class GitHubHook:
    """The port `HookLog`; every method raises HostError."""

    def __init__(self, wire: Wire, clock: Clock, turn: Turn) -> None:
        self._wire = wire
        self._clock = clock
        self._turn = turn

    async def sendings(self, since: datetime) -> Sequence[Sending]:
        """Each try to deliver what may be a command, newest first; not those under way."""
        found: list[Sending] = []  # not all that a busy App was sent in three days
        params: dict[str, str | int] = {"per_page": 100}
        for _ in range(_MOST_PAGES):
            answer = await self._wire.send(Request("GET", _PATH, params=params))
            page = read(_SENT, answer)
            found += [_sending(sent) for sent in page if self._counts(sent, since)]
            cursor = _cursor(answer)
            if cursor is None or page[-1].delivered_at < since:
                break
            params = {**params, "cursor": cursor}
        else:
            _log.warning("deliveries before %s were too many to look at", page[-1].delivered_at)
        return found

    async def send_again(self, sending: int) -> None:
        """Let GitHub deliver the event of this sending once more."""
        await self._wire.send(Request("POST", f"{_PATH}/{sending}/attempts"), turn=self._turn)

    def _counts(self, sent: Sent, since: datetime) -> bool:
        under_way = not sent.status_code and sent.delivered_at > self._clock() - _OUTCOME_WITHIN
        may_be_command = sent.event == "issue_comment" and sent.action in get_args(Action)
        return may_be_command and not under_way and sent.delivered_at >= since


def _sending(sent: Sent) -> Sending:
    return Sending(sent.id, sent.guid, sent.delivered_at, arrived=sent.status == "OK")


def _cursor(answer: httpx.Response) -> str | None:
    """Where older ones begin, by the answer's Link header."""
    link = answer.links.get("next", {}).get("url")
    return httpx.URL(link).params.get("cursor") if link else None
