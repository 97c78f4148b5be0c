"""What every job shares: one process in an output directory, an orderly end on SIGTERM, one result."""

import fcntl
import hashlib
import importlib.metadata
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from .errors import JobError
from .layout import IDENTITY_FILE, LOCK_FILE, RESULT_FILE
from .protocol import Events, JsonObject, JsonValue, to_json, write_json_atomic

LOCK_POLL_SECONDS = 0.2


class Interruption:
    """Turns SIGTERM and SIGINT into JobError `interrupted`, raised where the main thread stands.

    Inside `deferred()` it is only noted, for work that ends at a point of its own choice and then calls `check`.
    """

    def __init__(self) -> None:
        """Start with no signal seen."""
        self.requested = False
        self._deferred = False

    def install(self) -> None:
        """Handle the signals from now on; a second one is handled like the first."""
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle)

    def request(self) -> None:
        """Behave as if the signal had come (the reader of the events is gone)."""
        self._handle(signal.SIGTERM, None)

    def check(self) -> None:
        """Raise JobError `interrupted` if a signal came."""
        if self.requested:
            raise JobError(
                "interrupted",
                "The job was told to stop before it was done.",
                "Run it again with the same spec: it goes on from its last checkpoint or finished task.",
            )

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within the block only note a signal."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
        if not self._deferred:
            self.check()


@contextmanager
def exclusive(output_dir: Path, events: Events) -> Iterator[None]:
    """Hold `output_dir` for this process alone.

    Another process that holds it is waited for, not refused: it is the orphan of a killed caller, which notices at
    its next event and ends. The kernel drops the lock of a process that dies.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    with (output_dir / LOCK_FILE).open("w") as lock:
        logged = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not logged:
                    events.log(f"Waiting for another process that still works in {output_dir}.", level="warning")
                    logged = True
                time.sleep(LOCK_POLL_SECONDS)
        yield


def run_once(
    output_dir: Path,
    identity: dict[str, JsonValue],
    work: Callable[[], JsonObject],
    *,
    intact: Callable[[dict[str, JsonValue]], bool] = lambda _result: True,
) -> Path:
    """Return the path of the result in `output_dir`, calling `work` only where it is not there, or not `intact`.

    `identity` is what determines the result. Raises JobError `bad_spec` when the directory belongs to another.
    """
    identity_path = output_dir / IDENTITY_FILE
    current = json.loads(to_json(identity))
    if identity_path.exists():
        stored = json.loads(identity_path.read_text(encoding="utf-8"))
        if stored != current:
            differing = sorted(key for key in stored.keys() | current.keys() if stored.get(key) != current.get(key))
            raise JobError(
                "bad_spec",
                f"{output_dir} holds the work of another spec; these differ: {', '.join(differing)}.",
                "Use a fresh outputDir, or delete this one.",
            )
    else:
        write_json_atomic(identity_path, current)
    result_path = output_dir / RESULT_FILE
    if not result_path.exists() or not intact(json.loads(result_path.read_text(encoding="utf-8"))):
        write_json_atomic(result_path, work())
    return result_path


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a data file. Raises JobError `bad_data` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise JobError("bad_data", f"{path} cannot be read: {error.strerror}.", "Check its path.") from error


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of each package."""
    return {package: importlib.metadata.version(package) for package in packages}
