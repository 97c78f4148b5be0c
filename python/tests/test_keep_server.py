import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PACKAGE_ROOT

SERVER = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {helper.pid}")
time.sleep(600)
"""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A keeper whose server has a helper process of its own, and the pids of both."""
    pids = tmp_path / "pids"
    keeper = subprocess.Popen(
        [sys.executable, str(PACKAGE_ROOT / "keep_server.py"), sys.executable, "-c", SERVER, str(pids)],
        stdin=subprocess.PIPE,
    )
    while not (pids.exists() and len(pids.read_text().split()) == 2):
        time.sleep(0.05)
    numbers = [int(pid) for pid in pids.read_text().split()]
    yield keeper, numbers
    for pid in [keeper.pid, *numbers]:
        if _alive(pid):
            os.kill(pid, signal.SIGKILL)
    keeper.wait()


def _gone(pids: list[int]) -> None:
    while any(_alive(pid) for pid in pids):
        time.sleep(0.05)


def test_a_server_and_its_helpers_end_when_the_worker_is_gone(
    kept: tuple[subprocess.Popen[bytes], list[int]],
) -> None:
    keeper, pids = kept
    assert keeper.stdin is not None
    keeper.stdin.close()  # as the kernel does for a worker that is killed
    assert keeper.wait() == 7
    _gone(pids)


def test_a_keeper_that_is_asked_to_end_ends_the_server_politely(
    kept: tuple[subprocess.Popen[bytes], list[int]],
) -> None:
    keeper, pids = kept
    keeper.terminate()
    assert keeper.wait() == 7
    _gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux alone ends it then")
def test_a_keeper_that_is_killed_takes_the_server_with_it(kept: tuple[subprocess.Popen[bytes], list[int]]) -> None:
    keeper, pids = kept
    keeper.kill()
    keeper.wait()
    _gone(pids[:1])


def test_a_server_that_dies_takes_its_helpers_and_says_how(kept: tuple[subprocess.Popen[bytes], list[int]]) -> None:
    keeper, pids = kept
    os.kill(pids[0], signal.SIGKILL)
    assert keeper.wait() == 128 + signal.SIGKILL
    _gone(pids)
