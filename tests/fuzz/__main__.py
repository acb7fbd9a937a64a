"""Fuzz each target for its share of the time; ends with 1 and the input if one is found."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    words = argparse.ArgumentParser(prog="make fuzz")
    words.add_argument("--minutes", type=float, default=2)
    words.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**9))
    asked = words.parse_args()
    print(f"seed {asked.seed}")
    seconds = max(1, round(asked.minutes * 60 / len(TARGETS)))
    faults = 0
    for name in TARGETS:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            found = fuzz(name, Path(folder), asked.seed, f"-max_total_time={seconds}")
        print(f"{name}: {found.told}, {'a fault' if found.fault else 'no fault'}", flush=True)
        if found.fault:
            faults += 1
            with tempfile.NamedTemporaryFile(prefix=f"fuzz-{name}-", delete=False) as file:
                file.write(found.data)
            print(f"{found.fault}\n  the input is in {file.name}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
