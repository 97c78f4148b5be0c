"""Protocol v1: JSON event lines on the real stdout, and files that appear whole or not at all."""

import json
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO, Unpack

from typing_extensions import TypedDict  # typing's is not introspected by pydantic before Python 3.12

from . import PROTOCOL
from .errors import JobError

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, object]
"""What may also be a TypedDict, of results.py for example. All in it is a JsonValue or such an object."""

LogLevel = Literal["debug", "info", "warning", "error"]

TASKS_PHASE = "tasks"
"""The phase of an evaluation that counts its tasks; a phase by a task's name counts the requests of that task."""


class TrainingMetrics(TypedDict, total=False):
    """What a `progress` event of the phase `train` may carry. Null is what is not known or not finite."""

    loss: float
    learningRate: float
    gradNorm: float | None
    tokensPerSecond: float
    etaSeconds: float


class Events:
    """Writes protocol events, one JSON object a line, to a file descriptor that only it knows.

    When the reader is gone, `on_reader_gone` is called once: a job whose caller died must not go on beside the
    retry of it.
    """

    def __init__(self, fd: int, on_reader_gone: Callable[[], None] | None = None, *, errors_only: bool = False) -> None:
        """Write to `fd`; nothing else may hold it, but for processes of the same job that write `errors_only`."""
        self._fd = fd
        self._errors_only = errors_only
        self._on_reader_gone = on_reader_gone
        self._lock = threading.Lock()
        self._reader_gone = False

    def progress(self, phase: str, done: int, total: int, **metrics: Unpack[TrainingMetrics]) -> None:
        """Report that `done` of `total` units of `phase` are finished, with optional metrics."""
        self._send("progress", phase=phase, done=done, total=total, **metrics)

    def log(self, message: str, level: LogLevel = "info") -> None:
        """Tell a human something that is neither progress nor failure."""
        self._send("log", level=level, message=message)

    def checkpoint(self, step: int, path: Path) -> None:
        """Report that a checkpoint from which the job can resume is complete at `path`."""
        self._send("checkpoint", step=step, path=str(path))

    def result(self, path: Path) -> None:
        """Report that the job is done and its result lies at `path`."""
        self._send("result", path=str(path))

    def error(self, error: JobError) -> None:
        """Report why there is no result."""
        self._send("error", kind=error.kind, message=error.message, hint=error.hint)

    def _send(self, event_type: str, **fields: object) -> None:
        if self._errors_only and event_type != "error":
            return
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event: dict[str, object] = {"v": PROTOCOL, "type": event_type, "at": at, **fields}
        data = (to_json(event, ascii_only=True) + "\n").encode()  # some readers end a line at U+2028
        with self._lock:
            if self._reader_gone:
                return
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except BrokenPipeError:
                self._reader_gone = True
        if self._reader_gone and self._on_reader_gone is not None:
            self._on_reader_gone()


def claim_stdout() -> int:
    """Return a descriptor of the real stdout and point everything else that prints there to stderr.

    Both levels are redirected: `sys.stdout` for Python, descriptor 1 for C extensions and child processes.
    """
    sys.stdout.flush()
    fd = os.dup(1)
    os.set_inheritable(fd, False)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return fd


def to_json(value: JsonObject, *, ascii_only: bool = False) -> str:
    """Encode as strict JSON: NaN and infinities, which JSON lacks, become null."""
    return json.dumps(_finite(value), ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"))


def write_json_atomic(path: Path, value: JsonObject) -> None:
    """Write `value` to `path` so that a reader, or a crash at any moment, sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(to_json(value) + "\n")
        file.flush()
        os.fsync(file.fileno())
    publish(temporary, path)


@contextmanager
def lines_atomic(path: Path) -> Iterator[Callable[[JsonObject], None]]:
    """Write a JSONL file that appears at `path` when the block ends well. What the block is given writes a line.

    All but ASCII is escaped, so that no reader takes a character within a text for the end of a line.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="ascii") as file:
            yield lambda value: _write_line(file, value)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_line(file: TextIO, value: JsonObject) -> None:
    file.write(json.dumps(_finite(value), allow_nan=False, separators=(",", ":")) + "\n")


def publish(temporary: Path, path: Path) -> None:
    """Rename a finished file or directory to its final name and make the rename itself durable."""
    temporary.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [_finite(item) for item in value]
