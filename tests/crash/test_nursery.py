"""The nursery outlives all its children, in whatever order they die."""

import subprocess
import sys

BETWEEN = """
import os, signal
from tests.crash import nursery

first = os.fork() or os._exit(0)
here, there = os.pipe()
nursery._deaths[first] = there
real = os.waitpid

def waitpid(*asked):  # one more signal comes in between the end of a child and its burial
    found = real(*asked)
    os.waitpid = real
    os.kill(os.getpid(), signal.SIGCHLD)
    return found

os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
signal.signal(signal.SIGCHLD, lambda *_: nursery._bury())
os.waitpid = waitpid
nursery._bury()
assert os.read(here, 9) == b"0"
"""


def test_a_signal_in_the_middle_of_a_burial_disturbs_nobody() -> None:
    ended = subprocess.run([sys.executable, "-c", BETWEEN], capture_output=True, check=False)

    assert ended.returncode == 0, ended.stderr.decode()
