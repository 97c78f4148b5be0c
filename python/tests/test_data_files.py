"""One set of data files, one verdict of both languages: test/services/data/data-files.test.ts reads the same."""

import base64
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from rehearse_ml.conversations import MalformedRowError, adapt
from rehearse_ml.errors import JobError
from rehearse_ml.evaluation_rows import evaluation_row_problem
from rehearse_ml.leaderboard import TaskName
from rehearse_ml.row_sources import JsonLines
from rehearse_ml.spec import AlpacaSchema, PromptCompletionSchema, RowSchema, TurnsSchema
from rehearse_ml.text_lines import LineError, parse_json, read_lines

FILES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "test" / "data" / "data-files.json").read_text(encoding="utf-8")
)

SCHEMAS: dict[str, RowSchema] = {
    "messages": TurnsSchema(kind="messages", column="messages"),
    "sharegpt": TurnsSchema(kind="sharegpt", column="conversations"),
    "alpaca": AlpacaSchema(kind="alpaca"),
    "prompt-completion": PromptCompletionSchema(kind="prompt-completion"),
}


def _write(entry: dict[str, Any], folder: Path) -> Path:
    path = folder / "data.jsonl"
    path.write_bytes(base64.b64decode(entry["base64"]) if "base64" in entry else entry["text"].encode())
    return path


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["name"]) for entry in FILES])
def test_the_file_is_read_as_before_a_run_starts(entry: dict[str, Any], tmp_path: Path) -> None:
    path = _write(entry, tmp_path)
    good, bad, refused = 0, None, False
    try:
        for number, line in read_lines(path):
            if _is_good(line, entry):
                good += 1
            else:
                bad = bad or number
    except JobError as error:
        assert error.kind == "bad_data"
        assert path.name in error.message
        refused = True
    assert refused == entry.get("file", False)
    if not refused and "replay" not in entry:
        assert bad == entry.get("line")
        assert "line" in entry or good == entry["rows"]
    if "replay" in entry:  # a set that is drawn from takes less, or cuts what new data refuses
        assert (bad is None) == (entry["replay"] == "good")


def _is_good(line: str, entry: dict[str, Any]) -> bool:
    try:
        row = parse_json(line)
    except LineError:
        return False
    if entry["kind"] in get_args(TaskName):
        return evaluation_row_problem(entry["kind"], row) is None
    try:
        adapt(row, SCHEMAS[entry["kind"]])
    except MalformedRowError:
        return False
    return True


@pytest.mark.parametrize("entry", [entry for entry in FILES if entry["kind"] == "messages" and "replay" not in entry])
def test_a_set_that_is_drawn_from_counts_the_same_lines(entry: dict[str, Any], tmp_path: Path) -> None:
    path = _write(entry, tmp_path)
    whole_file = ("UTF-16", "UTF-32", "gzip", "zip", "zstd", "bzip2", "xz", "Parquet")
    if entry.get("file") and entry["name"].startswith(whole_file):
        with pytest.raises(JobError):
            JsonLines(path)
        return
    part = JsonLines(path)
    good = 0
    for index in range(len(part)):
        try:
            adapt(part.row(index), SCHEMAS["messages"])
        except MalformedRowError:
            continue
        good += 1
    if entry.get("file") or "line" in entry:
        assert good < len(part)
    else:
        assert good == entry["rows"] == len(part)
