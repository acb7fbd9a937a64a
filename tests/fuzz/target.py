"""`python -m tests.fuzz.target NAME …` hands a target to the fuzzer, with the fuzzer's options."""

import sys
import time
from importlib import import_module

atheris = import_module("atheris")  # it is made for some machines only

# What is loaded in this block tells the fuzzer which of its branches an input takes.
_FOLLOWED = ["bot.core", "bot.engine.intake", "bot.entrypoints.web", "tests.fuzz.targets"]
with atheris.instrument_imports(include=_FOLLOWED):
    from tests.fuzz.targets import PLANTED, TARGETS

_MOST_SECONDS = 2.0  # of CPU, for any input


def main() -> None:
    target = (TARGETS | PLANTED)[sys.argv.pop(1)]

    def one(data: bytes) -> None:
        begun = time.process_time()
        target.check(data)
        if (took := time.process_time() - begun) > _MOST_SECONDS:
            raise TimeoutError(f"{took:.1f} s for {len(data)} bytes")

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
