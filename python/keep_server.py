"""Run a server for as long as this process' standard input stays open, and end all of it then.

    python keep_server.py COMMAND ARGUMENT…

The worker holds the other end of the pipe and never writes: the kernel closes it when the worker dies, however it dies,
so no server outlives its worker on a GPU. The server's whole process group gets SIGTERM, after 20 s SIGKILL. Exits as
the server does.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time

KILL_AFTER_SECONDS = 20.0
POLL_SECONDS = 0.2
PR_SET_PDEATHSIG = 1


def main() -> int:
    """Start the command of the arguments and return its exit status."""
    server = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: end(server))
    waiting = selectors.DefaultSelector()
    waiting.register(sys.stdin.fileno(), selectors.EVENT_READ)
    while server.poll() is None:
        if waiting.select(timeout=POLL_SECONDS) and not os.read(sys.stdin.fileno(), 4096):
            end(server)
    signal_group(server, signal.SIGKILL)  # what it has left behind
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def die_with_parent() -> None:
    """Ask the kernel, where it can, to end the server even if this process is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end(server: subprocess.Popen[bytes]) -> None:
    """End the server's process group: SIGTERM, and SIGKILL for what is left."""
    signal_group(server, signal.SIGTERM)
    deadline = time.monotonic() + KILL_AFTER_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    signal_group(server, signal.SIGKILL)
    server.wait()


def signal_group(server: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal every process of the server that is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, number)


if __name__ == "__main__":
    sys.exit(main())
