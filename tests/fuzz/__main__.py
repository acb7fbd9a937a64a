"""Fuzz each target for its share of the time; ends with 1 and the input if one is found."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.targets import fuzzers


def main() -> int:
    words = argparse.ArgumentParser(prog="make fuzz")
    words.add_argument("--minutes", type=float, default=2)
    words.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    asked = words.parse_args()
    print(f"seed {asked.seed}")
    faults = 0
    every = fuzzers(asked.seed)
    for name, fuzzer in every.items():
        end = time.monotonic() + asked.minutes * 60 / len(every)
        found = fuzzer.run(lambda _, end=end: time.monotonic() >= end)  # type: ignore[misc]
        print(
            f"{name}: {fuzzer.rounds:,} inputs, {len(fuzzer.seen):,} lines reached,"
            f" {len(fuzzer.corpus):,} kept, {'a fault' if found else 'no fault'}",
            flush=True,
        )
        if found:
            faults += 1
            with tempfile.NamedTemporaryFile(prefix=f"fuzz-{name}-", delete=False) as file:
                file.write(found.data)
            print(f"  {found.fault!r}\n  the input is in {Path(file.name)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
