"""Run as a script: become another program, which the kernel kills when its parent is gone.

`python leash.py <pid of the parent> <program> <argument>...`. A script of its own, because code
between fork and exec in a process with threads may deadlock.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int, program: str, *arguments: str) -> None:
    """Tie this process to its parent, then be the program; macOS knows no such tie."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the tie was made
        sys.exit("the parent is gone")
    os.execv(program, [program, *arguments])  # noqa: S606  (the program of our own wheel)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
