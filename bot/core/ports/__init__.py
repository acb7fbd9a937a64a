"""The outside, as the engine sees it: Protocols, and the values that cross them."""

from bot.core.ports.github import HookLog, Host, NoFile, Pictures, Role
from bot.core.ports.images import INPUTS, Answer, ImageProvider, Spool, SpoolWriter
from bot.core.ports.inbox import Delivery, Heard, Inbox, Missed, MissedDelivery, Sending
from bot.core.ports.leases import Lease, Leases
from bot.core.ports.ledger import Ledger
from bot.core.ports.line import Line
from bot.core.ports.outbox import Effect, EffectKind, Outbox, OwedEffect
from bot.core.ports.pruning import Old, Pruning
from bot.core.ports.publishing import Destination, File, Made, Published
from bot.core.ports.runs import Cap, Offers, Order, Publication, Runs, Settlement
from bot.core.ports.scheduling import Clock, Pace, Scheduler, Task, Watch

__all__ = [
    "INPUTS",
    "Answer",
    "Cap",
    "Clock",
    "Delivery",
    "Destination",
    "Effect",
    "EffectKind",
    "File",
    "Heard",
    "HookLog",
    "Host",
    "ImageProvider",
    "Inbox",
    "Lease",
    "Leases",
    "Ledger",
    "Line",
    "Made",
    "Missed",
    "MissedDelivery",
    "NoFile",
    "Offers",
    "Old",
    "Order",
    "Outbox",
    "OwedEffect",
    "Pace",
    "Pictures",
    "Pruning",
    "Publication",
    "Published",
    "Role",
    "Runs",
    "Scheduler",
    "Sending",
    "Settlement",
    "Spool",
    "SpoolWriter",
    "Task",
    "Watch",
]
