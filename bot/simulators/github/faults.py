"""What goes wrong next, as a script for tests."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum


class FaultKind(StrEnum):
    ERROR = "error"  # an answer with `status`
    SECONDARY_LIMIT = "secondary_limit"  # 403, with `retry_after` or without
    HANG = "hang"  # no answer, for `seconds` or until the client goes
    CUT = "cut"  # the connection ends in the middle of an answer
    STARTER = "starter"  # an upload ends with 502 and leaves an empty asset


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the script: what happens to the next requests that match.

    `path` is a regular expression, searched in the path below `/api/v3` or `/api/uploads`, or in
    `/graphql`.
    With `after_effect` the request is carried out first, and only its answer is lost.
    """

    kind: FaultKind = FaultKind.ERROR
    method: str = ""
    path: str = ""
    status: int = 502
    after_effect: bool = False
    retry_after: int | None = None
    seconds: float = 3600
    skip: int = 0  # matching requests that still go well
    times: int = 1

    def concerns(self, method: str, path: str) -> bool:
        return self.method in {"", method} and re.search(self.path, path) is not None


class Faults:
    """The script; each line is used up as requests match it."""

    def __init__(self) -> None:
        self.lines: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        self.lines.extend(faults)

    def take(self, method: str, path: str) -> Fault | None:
        for index, fault in enumerate(self.lines):
            if not fault.concerns(method, path):
                continue
            if fault.skip:
                self.lines[index] = replace(fault, skip=fault.skip - 1)
                continue
            again = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
            self.lines[index : index + 1] = again
            return fault
        return None
