"""Who may spend, as GitHub tells it now: asked at every command, and again when a run starts."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.errors import HostError, Reason, Refused
from bot.core.event import CommentEvent
from bot.core.policy import AllowList, decide_author, decide_list, decide_owner
from bot.core.ports import Host
from bot.core.rules import Rules
from bot.core.run import Person, Run, Thread
from bot.core.said import said
from bot.engine.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits those who have the right; without an answer of GitHub, nobody."""

    host: Host
    rulebook: Rulebook

    async def admit(self, event: CommentEvent) -> Rules:
        """The rules for the comment's author; Refused if they may not spend there.

        Raises RulesError, to those with rights alone, where the repository's file is broken.
        """
        try:
            return await self._admit(event.thread, event.author, event.owner)
        except HostError as error:
            words = said("{why} Nothing was started: try again in a moment.", why=error.message)
            raise Refused(Reason.UNREACHABLE, words) from error

    async def admit_again(self, run: Run) -> None:
        """Raise Refused unless whoever ordered the run may still spend, and we still serve there.

        The comment's words are old by now: the repository may have another owner. Raises
        HostError if GitHub does not say, and RulesError where the repository's file is broken.
        """
        person = run.orderer or run.author
        if run.thread is None or person is None:
            return  # of the command line: nobody else's money
        owner = await self.host.owner(run.thread)
        await self._admit(run.thread, person, owner)

    async def _admit(self, thread: Thread, person: Person, owner: Person) -> Rules:
        """First what the operator wants, so that no stranger makes us read files."""
        general = self.rulebook.general
        decide_owner(owner, general.owners)
        if person.id in general.bots:
            rules = await self.rulebook.rules(thread)
            decide_list(person, listed=person.id in rules.bots)
            return rules
        role = await self.host.role(thread, person.login)
        decide_author(person, role, general.min_role)
        await self._decide_lists(general.lists, thread, person, owner)
        rules = await self.rulebook.rules(thread)
        decide_author(person, role, rules.min_role)
        await self._decide_lists(rules.lists[len(general.lists) :], thread, person, owner)
        return rules

    async def _decide_lists(
        self, lists: Sequence[AllowList], thread: Thread, person: Person, owner: Person
    ) -> None:
        for each in lists:
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
