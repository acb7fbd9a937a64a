"""Every error that this package raises on purpose, in one small tree.

* GptimageError
  + BatchError          the batch is wrong: every problem at once, each with its place
    + RulesError      so is the repository's file of settings
  + CommandError        the comment names a command that cannot be understood
  + WebhookError        the delivery is not GitHub's, or cannot be read
  + Refused             the batch is fine, but may not run here: permission, budget
  + ProviderError       the image provider gave no image, and what that may have cost
  + HostError           GitHub said no, or did not answer
  + OfferTaken          another comment runs this estimate already
  + OrderError          the command is understood, but its run or estimate is not as it must be
  + LeaseLost           somebody else drives this run now: stop, and change nothing more
  + LedgerBusy          the ledger could not be written in time: ask again later
  + SettingsError       the program cannot start like this; names the setting
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.core.said import said


class GptimageError(Exception):
    """Base of every error below; its `message` is safe to post in public."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it is, what it is and what to do about it."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def sentence(self) -> str:
        """All of it on one line."""
        what = self.message
        if self.hint:
            what = said("{what} ({hint})", what=what, hint=self.hint)
        return said("{where}: {what}", where=self.path, what=what) if self.path else what


class BatchError(GptimageError):
    """The batch is not valid; each problem names the field that it is in.

    `file` is the file of the repository that holds the batch; "" for one in a comment.
    """

    def __init__(self, problems: Iterable[Problem], *, file: str = "") -> None:
        self.problems = tuple(problems)
        self.file = file
        super().__init__("; ".join(map(str, self.problems)))


class RulesError(BatchError):
    """The repository's own settings are not valid, so nobody knows what it allows."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each fault with its file, its line and what to do, as one sentence."""
        return tuple(
            said("{where}: {what}", where=self.file, what=each.sentence) for each in self.problems
        )


class CommandError(GptimageError):
    """The comment addresses the bot, but not in words that it knows; `hint` says how to."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class WebhookError(GptimageError):
    """The delivery must not be believed (401), or cannot be read (400)."""

    def __init__(self, message: str, *, status: int) -> None:
        self.status = status
        super().__init__(message)


# The reasons of the system that people meet.
_SYSTEM = {
    errno.ENOENT: said("No such file or directory"),
    errno.EACCES: said("Permission denied"),
    errno.EPERM: said("Operation not permitted"),
    errno.EISDIR: said("Is a directory"),
    errno.ENOTDIR: said("Not a directory"),
    errno.EROFS: said("Read-only file system"),
    errno.ENOSPC: said("No space left on device"),
    errno.EDQUOT: said("Disk quota exceeded"),
    errno.ENAMETOOLONG: said("File name too long"),
}


def because(error: OSError) -> str:
    """Why the system could not do it."""
    return _SYSTEM.get(error.errno or 0) or error.strerror or str(error)


class Reason(StrEnum):
    """Why a valid batch may not run."""

    PERMISSION = "permission"
    UNREACHABLE = "unreachable"  # the role could not be read: fail closed, ask again
    OWNER = "owner"  # an installation on an account that the operator does not serve
    QUIET = "quiet"  # too much was commanded in the thread lately
    BUDGET = "budget"
    PRICE = "price"  # no price is known, so no cap can be kept


class Refused(GptimageError):  # noqa: N818  (a decision, not a fault)
    """The batch is valid, but its author or its cost is not allowed."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Charge(StrEnum):
    """What one attempt, or a whole job, cost."""

    PAID = "paid"
    NOT_CHARGED = "not_charged"  # provably nothing was made
    IN_DOUBT = "in_doubt"  # no answer that settles it: it may have been made, and billed


class Failure(StrEnum):
    """Classes of a failed call; the first three are the seed's names in `retry_on_errors`."""

    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    CONNECTION = "connection"  # nothing was sent
    MODERATION = "moderation"
    INVALID = "invalid"  # the request is wrong: the same again would fail again
    AUTHENTICATION = "authentication"  # 401, 403: the key or the organisation
    NO_MONEY = "no_money"  # the account has no credit left
    NO_MODEL = "no_model"
    BAD_ANSWER = "bad_answer"  # 200 without a usable image, a redirect, a cut body
    STORAGE = "storage"  # there was no room for the answer, so nothing was sent
    LOST = "lost"  # the process ended during the call, and no answer was kept


class ProviderError(GptimageError):
    """A call to the image provider gave no image.

    `charge` says what it may have cost; `retry_after` is the wait in seconds that the server
    asked for. The text is ours: what the server wrote may echo keys and is never repeated.
    """

    def __init__(
        self,
        failure: Failure,
        message: str,
        *,
        charge: Charge,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        self.failure = failure
        self.charge = charge
        self.retry_after = retry_after
        self.request_id = request_id
        super().__init__(message)


_FINAL = frozenset({400, 403, 404, 410, 413, 422, 451})
_LIMITS = frozenset({403, 429})


class HostError(GptimageError):
    """GitHub said no, or did not answer.

    `status` is None when there was no answer. `ambiguous` means that a write may have been
    stored all the same: look before writing again. `retry_after` is in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        ambiguous: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.ambiguous = ambiguous
        self.retry_after = retry_after
        super().__init__(message)

    @property
    def final(self) -> bool:
        """Whether asking again changes nothing: a permission, a setting or a deletion."""
        return self.status in _FINAL and self.retry_after is None

    @property
    def limited(self) -> bool:
        """Whether GitHub asks for a pause because it was asked too much."""
        return self.status in _LIMITS and self.retry_after is not None


class OfferTaken(GptimageError):  # noqa: N818  (a fact about the offer, not a fault)
    """The estimate has its run; nothing was written."""


class OrderError(GptimageError):
    """What a command names cannot be done; `hint` says what can. `run` is the run to look at."""

    def __init__(self, message: str, hint: str = "", *, run: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.run = run


class LeaseLost(GptimageError):  # noqa: N818  (a fact about the lease, not a fault)
    """Somebody with a higher epoch drives this run now; nothing was written."""


class LedgerBusy(GptimageError):  # noqa: N818  (the ledger's state, not a fault)
    """The ledger is locked, full or away; nothing was stored."""


class SettingsError(GptimageError):
    """The program cannot start like this; each line names a setting and where to get it."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
