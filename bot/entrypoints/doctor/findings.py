"""What the doctor finds: a line for each part, with what to do where something is wrong."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.said import said


class Health(StrEnum):
    OK = "ok"
    WARN = "warn"  # it works, or may work; somebody should know
    FAIL = "fail"  # it does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part is, in a sentence."""

    health: Health
    part: str
    what: str


def ok(part: str, what: str) -> Finding:
    """The part is well."""
    return Finding(Health.OK, part, what)


def warn(part: str, what: str) -> Finding:
    """Somebody should look at the part."""
    return Finding(Health.WARN, part, what)


def fail(part: str, what: str) -> Finding:
    """The part does not work; the sentence says what to do."""
    return Finding(Health.FAIL, part, what)


def line(finding: Finding) -> str:
    """The finding on one line."""
    return said(
        "{health} {part}: {what}",
        health=f"{finding.health:<4}",
        part=finding.part,
        what=finding.what,
    )
