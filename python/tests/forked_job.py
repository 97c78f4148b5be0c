"""Jobs in processes of their own that need not import torch and the rest again: they are forked from one that has.

multiprocessing's fork server imports them, once a session, and does nothing else, so that none of their threads runs
when it forks. A forked job is signalled, killed and waited for as any process is; what `accelerate launch` starts are
new interpreters.
"""

import contextlib
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, TextIO

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["rehearse_ml.sft"])


def warm_up() -> None:
    """Start importing, beside what this process does."""
    forkserver.ensure_running()


class ForkedJob:
    """`python -m rehearse_ml` in a session of its own; as much of subprocess.Popen as the tests use."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        """Start it with these command line arguments and this environment."""
        reading, writing = os.pipe()
        self._process = _CONTEXT.Process(target=_run, args=(list(arguments), dict(env), DupFd(writing)))
        self._process.start()
        os.close(writing)
        self.pid = self._process.pid or 0
        self.stdout: TextIO = os.fdopen(reading, encoding="utf-8")

    @property
    def returncode(self) -> int | None:
        """As of subprocess.Popen: negative for a signal, None while it runs."""
        return self._process.exitcode

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def wait(self) -> None:
        """Wait for its end."""
        self._process.join()

    def output(self) -> str:
        """Return the rest of what it writes, once it and all that it has started are done."""
        text = self.stdout.read()
        self.wait()
        return text

    def close(self) -> None:
        """End it with all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()
        self.stdout.close()


def _run(arguments: list[str], env: dict[str, str], stdout: Any) -> None:  # noqa: ANN401 - DupFd has no public type
    os.setsid()
    multiprocessing.set_start_method("fork", force=True)  # as in a new interpreter
    os.environ.clear()
    os.environ.update(env)
    for folder in env["PYTHONPATH"].split(os.pathsep):
        if (customize := Path(folder) / "sitecustomize.py").exists():
            runpy.run_path(str(customize))
    os.dup2(stdout.detach(), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.argv = ["rehearse_ml", *arguments]
    runpy.run_module("rehearse_ml", run_name="__main__", alter_sys=True)
