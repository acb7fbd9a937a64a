"""The fuzzer in a process of its own: it ends that process when it has found something."""

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import PLANTED, TARGETS

_MOST_BYTES = 20_000
_STATE = re.compile(r"^#(\d+)\s.*?cov: (\d+) ft: \d+ corp: (\d+)/", re.MULTILINE)


@dataclass(frozen=True)
class Fuzzed:
    """What came of it; `fault` is the traceback for `data`, and nothing if all is well."""

    rounds: int
    reached: int
    kept: int
    fault: str = ""
    data: bytes = b""

    @property
    def told(self) -> str:
        return f"{self.rounds:,} inputs, {self.reached:,} branches reached, {self.kept:,} kept"


def fuzz(name: str, folder: Path, seed: int, *options: str) -> Fuzzed:
    """Change what the target's corpus holds, always in the same way for the same seed."""
    target = (TARGETS | PLANTED)[name]
    for place in ("corpus", "found"):
        (folder / place).mkdir()
    for number, data in enumerate(target.corpus):
        (folder / "corpus" / f"{number}").write_bytes(data)
    (folder / "words").write_text("".join(_spelled([*target.words, b"/batch"])))
    limits = (f"-seed={seed}", f"-max_len={_MOST_BYTES}", *options)
    places = (f"-dict={folder / 'words'}", f"-artifact_prefix={folder / 'found'}/")
    command = (sys.executable, "-m", "tests.fuzz.target", name, *limits, *places)
    done = subprocess.run(
        [*command, str(folder / "corpus")], capture_output=True, text=True, check=False
    )
    states = _STATE.findall(done.stderr)
    rounds, reached, kept = map(int, states[-1]) if states else (0, 0, 0)
    if done.returncode == 0:
        return Fuzzed(rounds, reached, kept)
    inputs = [path.read_bytes() for path in (folder / "found").iterdir()]
    fault = f"{done.stdout}\n{done.stderr[-2000:]}"
    return Fuzzed(rounds, reached, kept, fault, inputs[0] if inputs else b"")


def _spelled(words: Iterable[bytes]) -> Iterable[str]:
    """A dictionary as the fuzzer reads it."""
    for word in words:
        yield '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'
