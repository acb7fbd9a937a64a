"""Who may spend, as GitHub tells it now: asked at every command, and again when a run starts."""

from dataclasses import dataclass

from bot.core.errors import HostError, Reason, Refused
from bot.core.event import CommentEvent
from bot.core.policy import AllowList, decide_author, decide_list, decide_owner
from bot.core.ports import Host
from bot.core.rules import Rules
from bot.core.run import Person, Run, Thread
from bot.core.said import said


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits those who have the right; without an answer of GitHub, nobody."""

    host: Host
    rules: Rules

    async def admit(self, event: CommentEvent) -> None:
        """Raise Refused unless the comment's author may spend there."""
        try:
            await self._admit(event.thread, event.author, event.owner)
        except HostError as error:
            words = said("{why} Nothing was started: try again in a moment.", why=error.message)
            raise Refused(Reason.UNREACHABLE, words) from error

    async def admit_again(self, run: Run) -> None:
        """Raise Refused unless the run's author may still spend in a repository that is served.

        The comment's words are old by now: the repository may have another owner. Raises
        HostError if GitHub does not say.
        """
        if run.thread is None or run.author is None:
            return  # of the command line: nobody else's money
        owner = await self.host.owner(run.thread)
        await self._admit(run.thread, run.author, owner)

    async def _admit(self, thread: Thread, person: Person, owner: Person) -> None:
        decide_owner(owner, self.rules.owners)
        if person.id in self.rules.bots:
            return
        decide_author(person, await self.host.role(thread, person.login), self.rules.min_role)
        for each in self.rules.lists:
            decide_list(person, listed=await self._is_on(each, thread, person, owner))

    async def _is_on(
        self, allowed: AllowList, thread: Thread, person: Person, owner: Person
    ) -> bool:
        if allowed.names(person):
            return True
        for team in allowed.teams_of(owner):
            if await self.host.is_member(thread, team, person.login):
                return True
        return False
