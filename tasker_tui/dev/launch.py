"""Starts one child of the local stack so that it cannot outlive its parent.

    python -I -S launch.py PARENT_PID DEATH_SIGNAL UID PROGRAM [ARGUMENT ...]

Run as a script and not imported: between fork and exec of a threaded program nothing but a fresh
interpreter may run Python safely. It becomes the given user (0: stays who it is), asks the kernel for
DEATH_SIGNAL when the parent dies, and turns into PROGRAM. A system without that request (macOS) gets a
watcher that stays in front of the program instead.
"""

import ctypes  # all imports come first: the account that is taken may not be able to read the interpreter
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL = 0.2


def become(uid: int) -> None:
    """Drop root's rights for good; the order matters, since each call needs what the next gives up."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def die_with_parent(parent: int, death_signal: int) -> bool:
    """Ask the kernel for `death_signal` when the parent ends; False where it has no such request."""
    if not sys.platform.startswith("linux"):
        return False
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it ended before the request was made
        sys.exit(1)
    return True


def watch(parent: int, death_signal: int, argv: list[str]) -> int:
    """Run the program as a child, pass signals on, and signal it when the parent is gone."""
    child = os.fork()
    if child == 0:
        os.execv(argv[0], argv)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    orphaned = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if not orphaned and os.getppid() != parent:
            orphaned = True
            os.kill(child, death_signal)
        time.sleep(WATCH_INTERVAL)


def main(arguments: list[str]) -> None:
    """Never returns: the process becomes the program, or ends with its exit code."""
    parent, death_signal, uid = map(int, arguments[:3])
    argv = arguments[3:]
    if uid:
        become(uid)
    if die_with_parent(parent, death_signal):
        os.execv(argv[0], argv)
    code = watch(parent, death_signal, argv)
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv[1:])
