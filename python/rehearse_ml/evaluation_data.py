"""Local evaluation data: checked against the data set's own schema, and laid out as lm-evaluation-harness reads it."""

import json
from pathlib import Path
from typing import cast

from .errors import JobError
from .evaluation_rows import evaluation_row_problem
from .leaderboard import HARDEST, LeaderboardTask, Subtask, TaskName
from .spec import EvaluateTask
from .text_lines import LineError, parse_json, read_lines

Row = dict[str, object]


def prepare_local(requested: EvaluateTask, task: LeaderboardTask, directory: Path) -> dict[Subtask, dict[str, str]]:
    """Return for each subtask that has documents its splits' JSONL files, written under `directory`.

    The files in `requested.data` keep the hub data set's columns. MATH is split by its `type` into the leaderboard's
    subjects; GPQA runs as one subset. Raises JobError `bad_spec` (splits) and `bad_data` (files, rows, columns).
    """
    assert requested.data is not None
    fewshot = requested.num_fewshot if requested.num_fewshot is not None else task.fewshot
    splits = [task.evaluated_split]
    if task.fewshot_split is not None and fewshot > 0:
        splits.append(task.fewshot_split)
    known = {task.evaluated_split, task.fewshot_split}
    if not set(splits) <= requested.data.keys() <= known:
        raise JobError(
            "bad_spec",
            f"data of task {requested.task} names the splits {', '.join(sorted(requested.data))}, but "
            f"{' and '.join(splits)} are needed.",
            "Map each needed split to a JSONL file, or set data to null for the hub's data set.",
        )
    name = cast("TaskName", requested.task)
    rows = {split: _read(Path(requested.data[split]), task, name) for split in splits}
    if len(splits) == 2 and len(rows[splits[1]]) < fewshot:
        raise JobError(
            "bad_data",
            f"{requested.data[splits[1]]} has {len(rows[splits[1]])} documents, fewer than the {fewshot} few-shot "
            f"examples of {requested.task}.",
            "Add documents to that split, or lower numFewshot.",
        )
    evaluated = rows[task.evaluated_split]
    prepared: dict[Subtask, dict[str, str]] = {}
    for subtask, documents in _by_subtask(requested, task, evaluated).items():
        files = {task.evaluated_split: _write(directory / f"{subtask.name}.{task.evaluated_split}.jsonl", documents)}
        for split in splits[1:]:
            files[split] = _write(directory / f"{subtask.name}.{split}.jsonl", rows[split])
        prepared[subtask] = files
    return prepared


def _by_subtask(requested: EvaluateTask, task: LeaderboardTask, rows: list[Row]) -> dict[Subtask, list[Row]]:
    path = requested.data[task.evaluated_split] if requested.data is not None else ""
    if requested.task == "gpqa":
        subset = requested.subset or "main"
        return {subtask: rows for subtask in task.subtasks if subtask.subject == subset}
    if requested.task != "math_level_5":
        return {task.subtasks[0]: rows}
    hardest = [row for row in rows if row["level"] == HARDEST]
    subjects = {subtask.subject: subtask for subtask in task.subtasks}
    if not hardest:
        raise JobError("bad_data", f"{path} has no document of {HARDEST}.", "Add some: no other level is evaluated.")
    return {
        subtask: documents
        for subject, subtask in subjects.items()
        if (documents := [row for row in hardest if row["type"] == subject])
    }


def _read(path: Path, task: LeaderboardTask, name: TaskName) -> list[Row]:
    hint = f"Each line is one JSON object with {', '.join(task.columns)}, as in the hub's data set."
    rows: list[Row] = []
    for number, line in read_lines(path):
        try:
            row = parse_json(line)
        except LineError as error:
            raise JobError("bad_data", f"{path} line {number} is {error}.", hint) from error
        problem = evaluation_row_problem(name, row)
        if problem is not None:
            raise JobError("bad_data", f"{path} line {number} {problem}.", hint)
        rows.append(cast("Row", row))
    if not rows:
        raise JobError("bad_data", f"{path} is empty.", hint)
    return _uniform(rows, task)


def _uniform(rows: list[Row], task: LeaderboardTask) -> list[Row]:
    """Return `rows` with one kind of value in each column, as a table needs it.

    A name that is now a number and now a text becomes a text; other columns that the task does not read are left out.
    """
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for column, value in row.items():
            if value is not None:
                kinds.setdefault(column, set()).add(float if isinstance(value, int | float) else type(value))
    mixed = {column for column, found in kinds.items() if len(found) > 1}
    if not mixed:
        return rows
    named = mixed & set(task.columns)
    return [
        {
            column: str(value) if column in named else value
            for column, value in row.items()
            if column in named or column not in mixed
        }
        for row in rows
    ]


def _write(path: Path, rows: list[Row]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)
