"""Faults that nobody foresaw, told apart from bad luck: the same one three times in a row is not tried again."""

import json
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from .errors import JobError, causes, first_line
from .layout import FAULT_FILE
from .protocol import write_json_atomic

TIMES = 3
"""Attempts of a job that may end in the same fault."""
FRAMES = 4
"""Of the innermost, so many are told."""
PASSING = (ConnectionError, TimeoutError, InterruptedError)
"""What another try may well not meet."""
NETWORK = ("aiohttp", "http", "httpcore", "httpcore2", "httpx", "httpx2", "requests", "urllib3")


class _Fault(TypedDict):
    what: str
    times: int


@contextmanager
def located(where: str) -> Iterator[None]:
    """Name what is worked on within the block in an exception that nobody expects."""
    try:
        yield
    except JobError:
        raise
    except Exception as error:
        error.add_note(f"at {where}")
        raise


def repeated(error: BaseException, output_dir: Path) -> JobError | None:
    """Note that a job in `output_dir` ended with `error`; return what to say instead the third time in a row.

    The same is what has the same type, words and place in the code. Trouble of the network is not counted, since it
    passes. What cannot be noted (a full disk) is not counted either.
    """
    if any(isinstance(link, PASSING) or type(link).__module__.split(".")[0] in NETWORK for link in causes(error)):
        return None
    file = output_dir / FAULT_FILE
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    words = re.sub(r"0x[0-9a-f]+", "0x", str(error))
    what = f"{type(error).__name__}: {words[:500]} ({place})"
    try:
        before = _read(file)
        times = before["times"] + 1 if before is not None and before["what"] == what else 1
        write_json_atomic(file, _Fault(what=what, times=times))
    except OSError:
        return None
    if times < TIMES:
        return None
    notes = "".join(f", {note}" for note in getattr(error, "__notes__", []))
    trace = " < ".join(
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[: -FRAMES - 1 : -1]
    )
    return JobError(
        "repeated",
        f"{type(error).__name__}: {first_line(error)}{notes}: the same fault {times} times in a row, in {trace}.",
        "It is a fault of the job or of a library under it, or of a row that they do not foresee: take that row out "
        "where one is named, or report it with the traceback in the job's log.",
    )


def _read(file: Path) -> _Fault | None:
    try:
        fault = json.loads(file.read_text(encoding="utf-8"))
        return _Fault(what=str(fault["what"]), times=int(fault["times"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
