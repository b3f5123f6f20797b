"""`python -m trainer.bound PARENT COMMAND...`: becomes the command, asked by the kernel to end when the parent dies.

Even a parent killed by SIGKILL leaves nothing behind that way. Linux only; elsewhere the command simply starts.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent died before this could start")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
