"""Runs one program that dies when its parent dies: `python -I -S leash.py PARENT_PID PROGRAM
ARGS...`.

The rule of this file: standard library only and nothing of ours, because it runs before every
child and must be up in milliseconds. It asks the kernel for SIGKILL at the parent's death, then
becomes the program, so the process id stays. Where the kernel cannot do that (it is Linux's own),
the program runs all the same and the next start ends what was left behind.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # From linux/prctl.h.
EXIT_NOT_RUN = 127  # The shell's code for a program that could not be run.


def ask_to_die_with(parent_pid: int) -> None:
    """Arrange SIGKILL at the parent's death; exit at once if it is dead already."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit(EXIT_NOT_RUN)


def become(argv: list[str]) -> None:
    """Replace this process by the program."""
    # Python ignores SIGPIPE and an ignored signal stays ignored in the new program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.stderr.write(f"{argv[0]} could not be run: {error.strerror}\n")
        sys.exit(EXIT_NOT_RUN)


if __name__ == "__main__":
    ask_to_die_with(int(sys.argv[1]))
    become(sys.argv[2:])
