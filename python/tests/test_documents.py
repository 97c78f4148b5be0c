"""The questions of the leaderboard's data sets, from a fake hub."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from rehearse_ml import documents as module
from rehearse_ml.documents import documents
from rehearse_ml.errors import JobError
from rehearse_ml.job import Interruption
from rehearse_ml.protocol import Events
from rehearse_ml.spec import DocumentsSpec, TaskName

Asked = list[tuple[str, str | None, str]]


def fake_hub(monkeypatch: pytest.MonkeyPatch, rows: dict[str | None, list[dict[str, Any]]]) -> Asked:
    """Serve these rows by the data set's configuration; return what is asked of the hub."""
    asked: Asked = []

    def load_dataset(path: str, name: str | None, *, split: str) -> datasets.Dataset:
        asked.append((path, name, split))
        return datasets.Dataset.from_list(rows.get(name, []))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def run(task: TaskName, folder: Path, events: Events) -> list[dict[str, str]]:
    spec = DocumentsSpec(protocol=1, outputDir=str(folder), task=task)
    folder.mkdir(exist_ok=True)
    result = json.loads(documents(spec, events, Interruption()).read_text())
    lines = [json.loads(line) for line in Path(result["path"]).read_text().splitlines()]
    assert result["rows"] == len(lines)
    return lines


def test_mmlu_pro_is_its_test_split(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, events: Events) -> None:
    asked = fake_hub(
        monkeypatch, {None: [{"question_id": 70, "question": "Which?"}, {"question_id": 71, "question": "Why?"}]}
    )
    assert run("mmlu_pro", tmp_path / "out", events) == [{"id": "70", "text": "Which?"}, {"id": "71", "text": "Why?"}]
    assert asked == [("TIGER-Lab/MMLU-Pro", None, "test")]


def test_gpqa_names_a_question_of_several_subsets_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, events: Events
) -> None:
    both = {"Record ID": "rec1", "Question": "One?"}
    asked = fake_hub(
        monkeypatch, {"gpqa_diamond": [both], "gpqa_main": [both, {"Record ID": "rec2", "Question": "Two?"}]}
    )
    assert run("gpqa", tmp_path / "out", events) == [{"id": "rec1", "text": "One?"}, {"id": "rec2", "text": "Two?"}]
    assert [name for _, name, _ in asked] == ["gpqa_diamond", "gpqa_extended", "gpqa_main"]


def test_math_is_level_5_of_all_subjects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, events: Events) -> None:
    rows = [{"problem": "Easy", "level": "Level 1"}, {"problem": "Hard", "level": "Level 5"}]
    asked = fake_hub(monkeypatch, {"algebra": rows, "geometry": rows})
    names = [row["id"] for row in run("math_level_5", tmp_path / "out", events)]
    assert names == ["leaderboard_math_algebra_hard:1", "leaderboard_math_geometry_hard:1"]
    assert len(asked) == 7


def test_ifeval_is_its_prompts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, events: Events) -> None:
    fake_hub(monkeypatch, {None: [{"key": 1000, "prompt": "Write no commas."}]})
    assert run("ifeval", tmp_path / "out", events) == [{"id": "1000", "text": "Write no commas."}]


def test_a_second_run_asks_nothing_unless_the_file_was_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, events: Events
) -> None:
    asked = fake_hub(monkeypatch, {None: [{"key": 1, "prompt": "Write."}]})
    folder = tmp_path / "out"
    first = run("ifeval", folder, events)
    assert run("ifeval", folder, events) == first
    assert len(asked) == 1
    (folder / module.DOCUMENTS_FILE).write_text("{}\n")
    assert run("ifeval", folder, events) == first
    assert len(asked) == 2


def test_a_gated_data_set_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, events: Events
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise datasets.exceptions.DatasetNotFoundError("gated")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(JobError, match="does not show us the data set of gpqa") as caught:
        run("gpqa", tmp_path / "out", events)
    assert caught.value.kind == "dataset_not_found"
    assert "HF_TOKEN" in caught.value.hint
