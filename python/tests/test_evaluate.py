import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import RecordedEvents, Spec
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from rehearse_ml import harness
from rehearse_ml.errors import JobError
from rehearse_ml.evaluate import evaluate
from rehearse_ml.identify import identify
from rehearse_ml.job import Interruption
from rehearse_ml.leaderboard import normalized
from rehearse_ml.spec import EvaluateSpec, WeightsSpec
from rehearse_ml.weights import content_sha256

Rows = list[dict[str, Any]]

MMLU_PRO: Rows = [
    {
        "question_id": index,
        "question": f"Which number is {index}?",
        "options": [str(index + offset) for offset in range(10)],
        "answer": "A",
        "answer_index": 0,
        "category": "math",
    }
    for index in range(2)
]
GPQA: Rows = [
    {
        "Record ID": f"rec{index}",
        "Question": f"What is {index} squared?",
        "Correct Answer": str(index * index),
        "Incorrect Answer 1": "minus one",
        "Incorrect Answer 2": "minus two",
        "Incorrect Answer 3": "minus three",
    }
    for index in range(7, 10)
]
IFEVAL: Rows = [
    {"key": "one", "prompt": "Write without commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]},
    {
        "key": "two",
        "prompt": "Write at least 300 sentences in English.",
        "instruction_id_list": ["length_constraints:number_sentences", "punctuation:no_comma"],
        "kwargs": [{"relation": "at least", "num_sentences": 300}, {}],
    },
]
MATH: Rows = [
    {"problem": "What is $1+1$?", "level": "Level 5", "type": "Algebra", "solution": "It is $\\boxed{2}$."},
    {"problem": "What is $2+2$?", "level": "Level 5", "type": "Precalculus", "solution": "It is $\\boxed{4}$."},
    {"problem": "What is $0+1$?", "level": "Level 1", "type": "Algebra", "solution": "It is $\\boxed{1}$."},
]


@pytest.fixture
def spec(tiny_model: Path, tmp_path: Path) -> Spec:
    def write(name: str, rows: Rows) -> str:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    def task(name: str, data: dict[str, str], **options: int) -> Spec:
        return {"task": name, "data": data, "limit": None, "numFewshot": None, "maxGenToks": None, **options}

    return {
        "protocol": 1,
        "weights": str(tiny_model),
        "revision": None,
        "tasks": [
            task(
                "mmlu_pro",
                {"test": write("mmlu-test", MMLU_PRO), "validation": write("mmlu-validation", MMLU_PRO)},
                numFewshot=2,
            ),
            task("gpqa", {"train": write("gpqa", GPQA)}),
            task("ifeval", {"train": write("ifeval", IFEVAL)}, maxGenToks=12),
            task("math_level_5", {"test": write("math", MATH)}, maxGenToks=8),
        ],
        "batchSize": 2,
        "dtype": "float32",
        "seed": 0,
        "threads": 1,
        "outputDir": str(tmp_path / "evaluation"),
    }


def _run(spec: Spec, events: RecordedEvents) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(evaluate(EvaluateSpec.model_validate(spec), events, Interruption()).read_text())
    return result


def _task(spec: Spec, name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((Path(spec["outputDir"]) / "tasks" / f"{name}.json").read_text())
    return result


def test_all_four_tasks_run_on_local_documents_and_a_rerun_repeats_only_what_is_missing(
    spec: Spec, events: RecordedEvents
) -> None:
    result = _run(spec, events)

    tasks = {task["task"]: task for task in result["tasks"]}
    assert {name: (task["documents"], task["primary"]["name"]) for name, task in tasks.items()} == {
        "mmlu_pro": (2, "acc"),
        "gpqa": (3, "acc_norm"),
        "ifeval": (2, "strict_acc"),
        "math_level_5": (2, "exact_match"),
    }
    assert {name: task["fewshot"] for name, task in tasks.items()} == {
        "mmlu_pro": 2,
        "gpqa": 0,
        "ifeval": 0,
        "math_level_5": 4,
    }
    assert set(tasks["math_level_5"]["subtasks"]) == {
        "leaderboard_math_algebra_hard",
        "leaderboard_math_precalculus_hard",
    }
    assert result["average"] == pytest.approx(sum(task["normalized"] for task in tasks.values()) / 4)
    assert tasks["ifeval"]["primary"]["value"] == pytest.approx(
        (tasks["ifeval"]["metrics"]["prompt_level_strict_acc"] + tasks["ifeval"]["metrics"]["inst_level_strict_acc"])
        / 2
    )
    assert all("samples" not in task for task in result["tasks"])

    for name, choices in (("mmlu_pro", set("ABCDEFGHIJ")), ("gpqa", {"(A)", "(B)", "(C)", "(D)"})):
        samples = _task(spec, name)["samples"]
        assert all(sample["filteredResponse"] in choices and sample["target"] in choices for sample in samples)
        for sample in samples:
            assert sample["correct"] == (sample["filteredResponse"] == sample["target"])
        assert tasks[name]["primary"]["value"] == pytest.approx(sum(s["score"] for s in samples) / len(samples))
    assert [sample["docId"] for sample in _task(spec, "gpqa")["samples"]] == ["rec7", "rec8", "rec9"]
    assert [sample["target"] for sample in _task(spec, "math_level_5")["samples"]] == ["2", "4"]

    assert _task(spec, "ifeval")["samples"][0]["target"] == "punctuation:no_comma"
    rules = [(s["rules"], s["rulesKept"], s["correct"]) for s in _task(spec, "ifeval")["samples"]]
    assert all(count >= 1 and correct == (kept == count) for count, kept, correct in rules)
    kept_of_all = sum(kept for _, kept, _ in rules) / sum(count for count, _, _ in rules)
    assert tasks["ifeval"]["metrics"]["inst_level_strict_acc"] == pytest.approx(kept_of_all)
    assert all(sample["rules"] is None for sample in _task(spec, "gpqa")["samples"])

    done = [event for event in events.read() if event.get("phase") == "gpqa"]
    assert (done[-1]["done"], done[-1]["total"]) == (12, 12)

    output = Path(spec["outputDir"])
    (output / "result.json").unlink()
    (output / "tasks" / "gpqa.json").unlink()
    before, seen = _task(spec, "mmlu_pro"), len(events.read())
    again = _run(spec, events)

    phases = {event["phase"] for event in events.read()[seen:]}
    assert phases == {"tasks", "load model", "gpqa"}
    assert _task(spec, "mmlu_pro") == before
    assert [task["metrics"] for task in again["tasks"]] == [task["metrics"] for task in result["tasks"]]


def test_gpqa_s_options_are_shuffled_by_the_seed_alone(spec: Spec, tmp_path: Path, events: RecordedEvents) -> None:
    def prompts(seed: int, folder: str) -> list[str]:
        changed = {**spec, "seed": seed, "outputDir": str(tmp_path / folder), "tasks": [spec["tasks"][1]]}
        _run(changed, events)
        return [sample["promptHash"] for sample in _task(changed, "gpqa")["samples"]]

    first = prompts(0, "first")
    assert prompts(0, "second") == first
    assert prompts(5, "third") != first


@pytest.mark.parametrize(
    ("task", "split", "row", "said"),
    [
        ("mmlu_pro", "test", {"question": "q", "options": "A", "answer": "A"}, "no list in `options`"),
        ("gpqa", "train", {"Question": "q"}, "no str in `Correct Answer`"),
        ("ifeval", "train", {"key": 1, "prompt": "p", "instruction_id_list": []}, "no list in `kwargs`"),
        ("math_level_5", "test", {**MATH[0], "type": "Topology"}, "line 1 has a `type` that is none of Algebra"),
        ("math_level_5", "test", MATH[2], "no document of Level 5"),
    ],
)
def test_evaluation_data_that_is_not_in_the_data_set_s_schema_is_refused(
    spec: Spec, tmp_path: Path, events: RecordedEvents, task: str, split: str, row: dict[str, Any], said: str
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps(row) + "\n")
    requested = next(entry for entry in spec["tasks"] if entry["task"] == task)
    changed = {**spec, "tasks": [{**requested, "data": {**requested["data"], split: str(file)}}]}

    with pytest.raises(JobError, match=re.escape(said)) as caught:
        _run(changed, events)

    assert caught.value.kind == "bad_data"
    assert str(file) in caught.value.message


def test_wrong_splits_and_too_few_examples_are_refused(spec: Spec, events: RecordedEvents) -> None:
    mmlu, gpqa = spec["tasks"][0], spec["tasks"][1]
    for task, kind, said in (
        ({**gpqa, "data": {"test": gpqa["data"]["train"]}}, "bad_spec", "names the splits test, but train are needed"),
        ({**mmlu, "numFewshot": 5}, "bad_data", "has 2 documents, fewer than the 5"),
        ({**gpqa, "numFewshot": 3}, "bad_spec", "zero-shot"),
        ({**mmlu, "subset": "main"}, "bad_spec", "subset is GPQA's"),
    ):
        folder = f"{spec['outputDir']}-{said[:5]}"
        with pytest.raises(JobError, match=re.escape(said)) as caught:
            _run({**spec, "outputDir": folder, "tasks": [task]}, events)
        assert caught.value.kind == kind


def test_scores_are_normalised_as_on_the_leaderboard() -> None:
    assert normalized(0.25, 0.25) == 0.0
    assert normalized(0.1, 0.25) == 0.0
    assert normalized(1.0, 0.1) == 100.0
    assert normalized(0.55, 0.1) == pytest.approx(50.0)


def test_a_killed_task_goes_on_and_no_finished_request_is_made_again(
    spec: Spec, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for the end of the process: nothing catches it."""

    calls = 0
    most = 3
    original = HFLM._model_call

    def counted(self: HFLM, ids: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        if calls == most:
            raise Killed
        calls += 1
        return original(self, ids)

    one: Spec = {**spec, "tasks": [spec["tasks"][1]], "batchSize": 1}
    whole = _run({**one, "outputDir": str(tmp_path / "whole")}, events)

    monkeypatch.setattr(HFLM, "_model_call", counted)
    with pytest.raises(Killed):
        _run(one, events)

    seen, calls, most = len(events.read()), 0, 12
    again = _run(one, events)

    assert calls == 12 - 3  # 3 documents of 4 choices, of which 3 had been scored
    assert [task["metrics"] for task in again["tasks"]] == [task["metrics"] for task in whole["tasks"]]
    told = [event for event in events.read()[seen:] if event.get("phase") == "gpqa"]
    assert told[0]["done"] > 3 and {event["total"] for event in told} == {12}
    assert not (Path(one["outputDir"]) / "requests" / "gpqa").exists()


def test_answers_in_a_torn_file_are_asked_for_again(spec: Spec, events: RecordedEvents) -> None:
    one: Spec = {**spec, "tasks": [spec["tasks"][1]]}
    kept = Path(one["outputDir"]) / "requests" / "gpqa"
    kept.mkdir(parents=True)
    (kept / "answers_rank0.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)

    assert _run(one, events)["tasks"][0]["documents"] == 3


def test_other_weights_than_those_that_were_meant_are_refused(
    spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    hashes = str(tmp_path / "hashes.json")
    meant = content_sha256(model)
    one = {**spec, "tasks": [spec["tasks"][1]], "weights": str(model), "contentSha256": meant, "hashes": hashes}
    identified = identify(
        WeightsSpec.model_validate(
            {"protocol": 1, "weights": str(model), "revision": None, "hashes": hashes, "outputDir": str(tmp_path / "w")}
        ),
        events,
    )
    assert json.loads(identified.read_text())["sha256"] == meant
    assert _run(one, events)["weightsSha256"] == meant

    weights = model / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)

    with pytest.raises(JobError, match="holds other weights") as caught:
        _run({**one, "outputDir": str(tmp_path / "other")}, events)
    assert caught.value.kind == "weights_changed"


def test_the_content_of_weights_is_hashed_as_sha256sum_does(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("weights")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text("no part of it")
    shown = subprocess.run(
        "sha256sum config.json model.safetensors | sha256sum", shell=True, cwd=tmp_path, capture_output=True, check=True
    )
    assert content_sha256(tmp_path) == shown.stdout.decode().split()[0]


@pytest.fixture
def own_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for any of lm-evaluation-harness' other tasks: same format, local documents."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "documents.jsonl").write_text(
        "".join(json.dumps({"q": f"{n} + {n} =", "choices": ["one", "two"], "label": 0}) + "\n" for n in range(3))
    )
    (folder / "sums.yaml").write_text(
        f"""task: sums
dataset_path: json
dataset_kwargs:
  data_files:
    test: {folder / "documents.jsonl"}
output_type: multiple_choice
test_split: test
doc_to_text: q
doc_to_choice: choices
doc_to_target: label
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
  - metric: brier_score
    aggregation: brier_score
    higher_is_better: false
"""
    )
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    monkeypatch.setattr(harness, "task_manager", lambda: manager)


def test_any_other_task_runs_by_its_name(spec: Spec, own_task: None, events: RecordedEvents) -> None:
    task = {"task": "sums", "data": None, "limit": 2, "numFewshot": None, "maxGenToks": None, "randomBaseline": 0.5}
    result = _run({**spec, "tasks": [task]}, events)["tasks"][0]

    assert result["primary"]["name"] == "acc_norm"
    assert result["normalized"] == normalized(result["primary"]["value"], 0.5)
    assert (result["documents"], result["requests"], set(result["metrics"])) == (
        2,
        4,
        {"acc", "acc_norm", "brier_score"},
    )
    samples = _task(spec, "sums")["samples"]
    assert result["primary"]["value"] == pytest.approx(sum(sample["score"] for sample in samples) / 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "suns"}, "has no task suns. Did you mean sums?"),
        ({"metric": "exact_match"}, "has no metric exact_match. Set metric to one of acc, acc_norm, brier_score"),
        ({"metric": "brier_score"}, "less is better"),
        ({"data": {"test": "x"}}, "data is for the leaderboard's tasks"),
    ],
)
def test_another_task_that_cannot_be_scored_is_refused(
    spec: Spec, own_task: None, events: RecordedEvents, change: dict[str, Any], said: str
) -> None:
    task = {"task": "sums", "data": None, "limit": 2, "numFewshot": None, "maxGenToks": None, **change}
    with pytest.raises(JobError) as caught:
        _run({**spec, "tasks": [task]}, events)
    assert caught.value.kind == "bad_spec"
    assert said in f"{caught.value.message} {caught.value.hint}"
