"""Write the questions of a leaderboard task as JSONL, so that the caller can keep them out of the training data."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import datasets

from . import PROTOCOL
from .hub import load_split
from .hub_errors import EVALUATION_INSTEAD, explained
from .job import Interruption, file_sha256, run_once, versions
from .leaderboard import HARDEST, LEADERBOARD, TaskName
from .protocol import Events, lines_atomic
from .results import Document, DocumentsResult
from .spec import DocumentsSpec

DOCUMENTS_FILE = "documents.jsonl"


def documents(spec: DocumentsSpec, events: Events, interruption: Interruption) -> Path:
    """Write `outputDir/documents.jsonl`, one `{id, text}` a line, and return the path of result.json.

    All documents of the evaluated split, each once, since GPQA's subsets overlap; of MATH those of level 5. Raises
    JobError.
    """
    output = Path(spec.output_dir)
    path = output / DOCUMENTS_FILE

    def work() -> DocumentsResult:
        started = time.monotonic()
        datasets.disable_progress_bars()
        rows = dict(_questions(spec.task, events, interruption))
        with lines_atomic(path) as write:
            for name, text in rows.items():
                write(Document(id=name, text=text))
        return {
            "protocol": PROTOCOL,
            "kind": "documents",
            "path": str(path),
            "rows": len(rows),
            "sha256": file_sha256(path),
            "seconds": round(time.monotonic() - started, 3),
            "versions": versions("lm-eval", "datasets"),
        }

    return run_once(
        output,
        spec.identity(),
        work,
        intact=lambda result: path.is_file() and file_sha256(path) == result["sha256"],
    )


def _questions(task: TaskName, events: Events, interruption: Interruption) -> Iterator[tuple[str, str]]:
    leaderboard = LEADERBOARD[task]
    for done, subtask in enumerate(leaderboard.subtasks):
        events.progress(task, done, len(leaderboard.subtasks))
        interruption.check()
        with explained(f"the data set of {task}", EVALUATION_INSTEAD):
            rows = load_split(subtask, leaderboard.evaluated_split)
        for index, row in enumerate(cast("Iterable[dict[str, Any]]", rows)):
            if task == "math_level_5" and row["level"] != HARDEST:
                continue
            own = leaderboard.document_name
            yield str(row[own]) if own is not None else f"{subtask.name}:{index}", row[leaderboard.question]
    events.progress(task, len(leaderboard.subtasks), len(leaderboard.subtasks))
