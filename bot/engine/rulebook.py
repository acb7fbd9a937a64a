"""The rules of each repository: the operator's, and what its files on GitHub ask for beside."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.errors import HostError, Problem, RulesError
from bot.core.ports import Clock, Host, NoFile
from bot.core.repository import MOST_BYTES, PATH, narrowed, read_file
from bot.core.rules import Rules
from bot.core.run import Thread
from bot.core.said import said

# Several commands in a row ask GitHub once; whoever changes a file waits so long at most.
_FRESH = timedelta(seconds=60)

Found = bytes | NoFile


@dataclass(frozen=True, slots=True)
class _Files:
    """What stood there at some time: the organisation's file, and the repository's own."""

    shared: Found
    own: Found
    until: datetime


class Rulebook:
    """Knows the rules of every repository; without an answer of GitHub, there are none."""

    def __init__(self, host: Host, rules: Rules, clock: Clock) -> None:
        self.general = rules
        self._host = host
        self._clock = clock
        self._files: dict[tuple[int, int], _Files] = {}

    async def rules(self, thread: Thread) -> Rules:
        """The rules in this repository. Raises HostError, and RulesError for a broken file."""
        files = await self._read(thread)
        owner = thread.repository.partition("/")[0]
        rules = self.general
        for found, where in ((files.shared, f"{owner}/.github/{PATH}"), (files.own, PATH)):
            rules = _with(rules, found, where)
        return rules

    async def _read(self, thread: Thread) -> _Files:
        key, now = (thread.installation, thread.repository_id), self._clock()
        if key in self._files and now < self._files[key].until:
            return self._files[key]
        try:
            shared, own = await asyncio.gather(
                self._host.shared_file(thread, PATH, MOST_BYTES),
                self._host.file(thread, PATH, MOST_BYTES),
            )
        except HostError as error:
            raise _unread(error) from error
        files = _Files(shared, own, now + _FRESH)
        self._files = {k: each for k, each in self._files.items() if now < each.until}
        self._files[key] = files
        return files


def _unread(error: HostError) -> HostError:
    """What cannot be read might forbid everything."""
    message = said("{file} could not be read: {why}", file=PATH, why=error.message)
    return HostError(message, status=error.status, retry_after=error.retry_after)


def _with(rules: Rules, found: Found, where: str) -> Rules:
    match found:
        case NoFile.MISSING:
            return rules
        case NoFile():
            message = said("it is no file of at most {most:,} bytes", most=MOST_BYTES)
            raise RulesError([Problem("", message)], file=where)
        case data:
            return narrowed(rules, read_file(data, where))
