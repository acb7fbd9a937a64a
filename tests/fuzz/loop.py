"""Inputs that reach a line that no other has reached are kept, and changed further."""

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

Target = Callable[[bytes], None]
"""Tries one input; raises whatever must not happen."""

_MOST_BYTES = 20_000
_SLOW_SECONDS = 5.0  # of CPU, and with every line followed


@dataclass(slots=True)
class Found:
    """An input that does what none may do."""

    data: bytes
    fault: BaseException


@dataclass
class Fuzzer:
    """Changes what it has at random, always in the same way for the same seed."""

    target: Target
    corpus: list[bytes]
    words: Sequence[bytes]
    seed: int = 0
    seen: set[tuple[CodeType, int]] = field(default_factory=set)
    rounds: int = 0

    def run(self, is_over: Callable[[int], bool]) -> Found | None:
        """Go on until it is over, or something is found."""
        chance = random.Random(self.seed)
        waiting = list(self.corpus)
        while not is_over(self.rounds):
            data = waiting.pop() if waiting else self._changed(chance)
            self.rounds += 1
            before = len(self.seen)
            if fault := self._try(data):
                return Found(data, fault)
            if len(self.seen) > before:
                self.corpus.append(data)
        return None

    def _try(self, data: bytes) -> BaseException | None:
        begun = time.process_time()
        try:
            with followed(self.seen):
                self.target(data)
        except Exception as fault:  # noqa: BLE001  (that is what is looked for)
            return fault
        took = time.process_time() - begun
        return TimeoutError(f"{took:.1f} s for {len(data)} bytes") if took > _SLOW_SECONDS else None

    def _changed(self, chance: random.Random) -> bytes:
        data = bytearray(chance.choice(self.corpus) if self.corpus else b"")
        for _ in range(chance.randint(1, 6)):
            at = chance.randint(0, len(data))
            match chance.randrange(6):
                case 0:
                    data[at:at] = chance.choice(self.words)
                case 1:
                    data[at:at] = chance.randbytes(chance.randint(1, 4))
                case 2:
                    del data[at : at + chance.randint(1, 16)]
                case 3:
                    data[at:at] = data[at : at + chance.randint(1, 64)] * chance.randint(1, 40)
                case 4:
                    other = chance.choice(self.corpus) if self.corpus else b""
                    data[at:] = other[chance.randint(0, len(other)) :]
                case _:
                    data[at : at + 1] = bytes([chance.randrange(256)])
        return bytes(data[:_MOST_BYTES])


@contextmanager
def followed(seen: set[tuple[CodeType, int]]) -> Iterator[None]:
    """Note each line of the product that is reached in the block."""

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((frame.f_code, frame.f_lineno))
        return line

    def call(frame: FrameType, _: str, __: Any) -> Any:
        return line if "/bot/" in frame.f_code.co_filename else None

    earlier = sys.gettrace()
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(earlier)
