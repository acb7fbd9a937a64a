"""The truth, in its parts."""

from typing import Protocol

from bot.core.ports.inbox import Inbox
from bot.core.ports.leases import Leases
from bot.core.ports.line import Line
from bot.core.ports.outbox import Outbox
from bot.core.ports.runs import Offers, Runs


class Ledger(Protocol):
    """The truth, in its parts; every method commits before it returns."""

    @property
    def leases(self) -> Leases: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def line(self) -> Line: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def offers(self) -> Offers: ...
