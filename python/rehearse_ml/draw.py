"""Draw conversations from a public data set, or from files in its schema, as JSONL of {id, messages}."""

import hashlib
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import datasets

from . import PROTOCOL
from .conversations import MalformedRowError, adapt, columns_of
from .errors import JobError
from .faults import located
from .hub_errors import explained
from .hub_source import INSTEAD, Repository, draw_from_hub, named, resolve_once
from .job import Interruption, file_sha256, run_once, versions
from .protocol import Events, JsonValue, lines_atomic
from .results import DatasetsResult, DrawnConversation, RawRow
from .row_sources import Drawn, draw_from_parts, open_files
from .spec import DatasetsSpec, FilesSource, RawSchema

CONVERSATIONS_FILE = "conversations.jsonl"
REVISION_FILE = "revision.json"
PHASE = "draw"
PROGRESS_INTERVAL_SECONDS = 1.0

ID_COLUMNS = ("id", "conversation_id", "prompt_id", "idx")
"""Columns in which the public sets name a row; the first that has a value counts."""

UNSAFE = re.compile(r"[^A-Za-z0-9._:-]+")
MAX_ID_CHARS = 100

ROWS_BEFORE_GIVING_UP = 1_000
"""When none of so many rows is a conversation, the schema is wrong, and the rest is not read."""


def draw(spec: DatasetsSpec, events: Events, interruption: Interruption) -> Path:
    """Write `count` conversations (all, where there are fewer) in the order drawn, and return the path of result.json.

    The same source, revision and seed give the same rows; malformed ones are counted by reason and the next drawn takes
    their place. A hub data set without a revision is read at the commit that the first attempt found. Raises JobError.
    """
    output = Path(spec.output_dir)
    identity = spec.identity()
    if isinstance(spec.source, FilesSource):
        # Ids begin with a file's name; for the rest what lies in it counts, not where it lies.
        files: list[JsonValue] = [[Path(file).name, file_sha256(Path(file))] for file in spec.source.files]
        identity |= {"source": {"from": "files", "files": files}}
    return run_once(
        output,
        identity,
        lambda: _draw(spec, output, events, interruption),
        intact=lambda result: (
            (path := Path(str(result["conversations"]))).is_file() and file_sha256(path) == result["sha256"]
        ),
    )


@dataclass(frozen=True)
class _Opened:
    what: str
    parts: list[str]
    rows: Iterator[Drawn]
    repository: Repository | None


@dataclass
class _Counts:
    rows: int = 0
    read: int = 0
    cut: int = 0
    malformed: Counter[str] = field(default_factory=Counter)


def _draw(spec: DatasetsSpec, output: Path, events: Events, interruption: Interruption) -> DatasetsResult:
    started = time.monotonic()
    datasets.disable_progress_bars()
    path = output / CONVERSATIONS_FILE
    events.progress("open", 0, 1)
    with _open(spec, output) as opened:
        events.progress("open", 1, 1)
        counts = _write(spec, opened, path, events, interruption)
    if counts.rows < spec.count and not isinstance(spec.row_schema, RawSchema):
        events.log(
            f"{opened.what} has {counts.rows} conversations, fewer than the {spec.count} asked for.", level="warning"
        )
    repository = opened.repository
    return {
        "protocol": PROTOCOL,
        "kind": "datasets",
        "conversations": str(path),
        "rows": counts.rows,
        "read": counts.read,
        "malformed": dict(sorted(counts.malformed.items())),
        "trailingUserTurnsCut": counts.cut,
        "revision": repository.revision if repository is not None else None,
        "licence": repository.licence if repository is not None else None,
        "sha256": file_sha256(path),
        "seconds": round(time.monotonic() - started, 3),
        "versions": versions("datasets", "huggingface-hub"),
    }


@contextmanager
def _open(spec: DatasetsSpec, output: Path) -> Iterator[_Opened]:
    source = spec.source
    wanted = columns_of(spec.row_schema)
    columns = (*wanted, *ID_COLUMNS) if wanted else ()
    if isinstance(source, FilesSource):
        with tempfile.TemporaryDirectory(prefix=".parquet-", dir=output) as cache:
            parts = open_files(source, columns, Path(cache))
            rows = draw_from_parts(parts, spec.seed)
            yield _Opened(", ".join(source.files), [part.name for part in parts], rows, None)
    else:
        repository = resolve_once(source, output / REVISION_FILE)
        names, rows = draw_from_hub(source, repository, columns, spec.seed)
        with explained(named(source), INSTEAD):  # a stream is fetched while it is read
            yield _Opened(named(source), names, rows, repository)


def _write(spec: DatasetsSpec, opened: _Opened, path: Path, events: Events, interruption: Interruption) -> _Counts:
    counts = _Counts()
    names = _Names()
    several = len(opened.parts) > 1
    reported = time.monotonic()
    with lines_atomic(path) as write:
        for drawn in opened.rows:
            counts.read += 1
            if isinstance(spec.row_schema, RawSchema):
                write(_raw(drawn))
                counts.rows += 1
                if counts.rows == spec.count:
                    break
                continue
            try:
                with located(f"row {drawn.index if drawn.index is not None else counts.read} of {drawn.part}"):
                    adapted = adapt(drawn.row, spec.row_schema)
            except MalformedRowError as error:
                counts.malformed[str(error)] += 1
            else:
                write(DrawnConversation(id=names.unique(_name(drawn, several)), messages=adapted.messages))
                counts.rows += 1
                counts.cut += adapted.cut
            if counts.rows == spec.count:
                break
            if counts.rows == 0 and counts.read == ROWS_BEFORE_GIVING_UP:
                break
            if time.monotonic() - reported >= PROGRESS_INTERVAL_SECONDS:
                reported = time.monotonic()
                events.progress(PHASE, counts.rows, spec.count)
                interruption.check()
        if counts.rows == 0:
            raise _nothing(spec, opened, counts)
    events.progress(PHASE, counts.rows, spec.count)
    return counts


def _raw(drawn: Drawn) -> RawRow:
    """Return a row with its place; what JSON does not know (times, bytes) becomes text."""
    if isinstance(drawn.row, MalformedRowError):
        raise JobError("bad_data", f"Row {drawn.index} of {drawn.part} is {drawn.row}.", "Mend that row.")
    row = json.loads(json.dumps(drawn.row, default=str))
    return RawRow(part=drawn.part, index=drawn.index if drawn.index is not None else 0, row=row)


def _nothing(spec: DatasetsSpec, opened: _Opened, counts: _Counts) -> JobError:
    reasons = ", ".join(f"{reason} ({n})" for reason, n in counts.malformed.most_common())
    return JobError(
        "bad_data",
        f"None of the {counts.read} rows read of {opened.what} is a conversation"
        + (f": {reasons}." if reasons else "."),
        f"Check the schema (it says {json.dumps(spec.row_schema.model_dump())}) and the data.",
    )


def _name(drawn: Drawn, several: bool) -> str:
    """Return the row's own id (under its part's name where there are several), else its place, in a stream its hash."""
    row = drawn.row if isinstance(drawn.row, dict) else {}
    for column in ID_COLUMNS:
        value = row.get(column)
        if (isinstance(value, str) and value.strip()) or (isinstance(value, int) and not isinstance(value, bool)):
            own = str(value).strip()
            return _safe(f"{drawn.part}:{own}" if several else own)
    if drawn.index is not None:
        return _safe(f"{drawn.part}:{drawn.index}")
    return _safe(f"{drawn.part}:{_sha256(json.dumps(row, sort_keys=True, default=str))[:16]}")


def _safe(name: str) -> str:
    safe = UNSAFE.sub("_", name)
    if safe == name and len(name) <= MAX_ID_CHARS:
        return name
    return f"{safe[: MAX_ID_CHARS - 9]}-{_sha256(name)[:8]}"  # names that differ must not become one


class _Names:
    def __init__(self) -> None:
        self._copies: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        """Return `name`, or with a number behind it when it was given out before (some sets repeat their ids)."""
        unique = name
        while unique in self._copies:
            self._copies[name] += 1
            unique = f"{name}.{self._copies[name]}"
        self._copies[unique] = 1
        return unique


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
