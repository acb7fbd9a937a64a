"""What there is to say in a thread; a language that leaves something unsaid does not type-check.

A sentence with a number comes as a pair: for one, and for any other number. Names in braces are
filled in by bot.core.markdown, already escaped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.errors import Failure, Reason
from bot.core.run import ItemState, RunState, Stop
from bot.core.said import translated

Counted = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why there is no image, and what the author can do about it."""

    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """While a run is under way."""

    queued: Counted  # {n}
    running: Counted  # {n}
    publishing: Counted  # {n}
    next: str
    ahead: Counted  # {n}
    was_ahead: Counted  # {n}
    many_ahead: str  # {n}
    progress: str  # {done} {total}
    left: str  # {span}
    states: Mapping[ItemState, str]  # {n}
    cost: str  # {paid} {bound}
    cost_before: str  # {expected} {bound}
    unpriced: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """When it is over."""

    all_made: Counted  # {n}
    some_made: Counted  # {made} {n}
    none_made: str
    stops: Mapping[Stop, str]
    failures: Mapping[Failure, Explanation]
    unknown_failure: Explanation
    not_made: Counted  # {n}
    in_doubt: Counted  # {n} {amount}
    cancelled: Counted  # {n}
    amounts: tuple[str, str, str, str]  # estimated, paid, in doubt, reserved
    columns: tuple[str, str, str, str, str, str]  # files, prompt, size, quality, cost, time
    table: Counted  # {n}
    part: str  # {first} {last}
    more_images: Counted  # {n}
    more_overviews: Counted  # {n}
    doubt: str  # {number} {file} {amount}
    elided: str  # {n}
    again: str  # {command}
    refused_again: str
    doubt_again: str  # {command}
    files: str
    seconds: str  # {n}
    minutes: str  # {n}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """The answer to /estimate."""

    title: Counted  # {n}
    columns: tuple[str, str, str, str, str]  # job, images, lowest, expected, highest
    total: str
    time: str  # {minutes}
    unpriced: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Answers to questions and orders about runs."""

    states: Mapping[RunState, str]  # {run}
    stopping: str
    link: str  # {run}
    no_run: str
    budgets: tuple[str, str, str]  # cap, left, limit
    undone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """All sentences of one language."""

    live: Live
    final: Final
    estimated: Estimated
    asked: Asked
    footer: str  # {run} {author}
    warnings: Counted  # {n}
    problems: Counted  # {n}
    rules_problems: Counted  # {n}
    more: Counted  # {n}
    mend: str
    mend_batch: str  # for a batch of no comment
    mend_file: str  # {file}
    command: str
    refused: Mapping[Reason, str]
    unknown: str  # instead of an amount
    help: str
    sentences: Mapping[str, str] = field(default_factory=dict)  # by their English templates

    def tell(self, text: str) -> str:
        """What was said elsewhere in English, in this language."""
        return translated(text, self.sentences)
