"""What a visitor may let go wrong next, or change, at the press of a button."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bot.simulators.github.faults import Fault, FaultKind, Faults


class Switch(NamedTuple):
    """A button of the page: its words, and what pressing it does and says."""

    label: str
    says: str
    press: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Puts a fault into the script of this GitHub."""

    faults: Faults
    fault: Fault

    def __call__(self) -> None:
        self.faults.add(self.fault)


def switches_of(faults: Faults) -> dict[str, Switch]:
    """Those that every simulated GitHub has."""
    broken = Trouble(faults, Fault(FaultKind.ERROR, method="POST", path="/comments$", status=502))
    limit = Fault(FaultKind.SECONDARY_LIMIT, method="PATCH", path="/comments/", retry_after=5)
    return {
        "github-502": Switch(
            "GitHub: 502", "The next comment of the bot meets a 502 of GitHub.", broken
        ),
        "github-limit": Switch(
            "GitHub: slow down",
            "The next edit of the bot meets GitHub's secondary limit: it is asked to wait 5 s.",
            Trouble(faults, limit),
        ),
    }
