"""Becomes one embedded server, tied to the life of the Tix process; run as a script by `server.supervisor`.

    python -I -S launcher.py tie|watch PARENT_PID SIGNAL UID GID -- PROGRAM ARGUMENT...

`tie` (Linux): the kernel sends SIGNAL when the parent dies; the launcher becomes the server (exec, same pid).
`watch` (macOS and other Unix): the launcher stays, runs the server as its child and asks 5 times a second
whether the parent still lives; measured on Linux only.

A `preexec_fn` would do it in a fork of the parent, where a lock that another thread held is never released.
Standard library only and no site-packages: start-up costs 20 ms, not 60.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.2


def drop_root(uid: int, gid: int) -> None:
    """Become this user; -1 keeps the present one."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def clean_signals() -> None:
    """Undo what Python ignores and what the parent's thread blocked: both survive exec."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def tie(parent: int, number: int) -> None:
    """Ask the kernel for `number` at the parent's death; end now if it died before we asked."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the Tix process died during the start")


def watch(parent: int, number: int, argv: list[str], uid: int, gid: int) -> int:
    """Run the server as a child until it ends; pass on signals, and `number` once the parent is gone."""
    passed = {signal.SIGTERM, signal.SIGINT}
    # One that came before the handlers would end the launcher and orphan the server.
    signal.pthread_sigmask(signal.SIG_BLOCK, passed)
    child = os.fork()
    if child == 0:
        clean_signals()
        drop_root(uid, gid)
        os.execv(argv[0], argv)  # noqa: S606 - no shell is the point
    for each in passed:
        signal.signal(each, lambda got, _frame: os.kill(child, got))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed)
    told = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) & 0xFF
        if not told and os.getppid() != parent:
            os.kill(child, number)
            told = True
        time.sleep(LOOK_SECONDS)


def main(arguments: list[str]) -> None:
    """Parse the command line and become the server."""
    mode, parent, number, uid, gid = arguments[0], *map(int, arguments[1:5])
    argv = arguments[6:]
    if mode == "watch":
        sys.exit(watch(parent, number, argv, uid, gid))
    clean_signals()
    drop_root(uid, gid)
    tie(parent, number)  # after the change of user, which would clear it
    os.execv(argv[0], argv)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
