"""lm-evaluation-harness' results as the caller wants them: one task, its scores, and what became of each document."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .harness import Results
from .leaderboard import LEADERBOARD, LeaderboardTask, normalized
from .results import Sample, TaskResult
from .spec import EvaluateTask

RECORD_ID = LEADERBOARD["gpqa"].document_name
"""Joins two runs of different seeds, which GPQA's doc_hash does not: it covers the shuffled options."""


def task_result(requested: EvaluateTask, task: LeaderboardTask, results: Results) -> TaskResult:
    """Return the scores and documents of one task, without its `seconds`.

    Where the task has subtasks, each metric is the mean over all their documents, as lm-evaluation-harness' group
    (weight_by_size) gives it. A standard error that cannot be estimated (one document; a metric without a formula)
    is null.
    """
    per_subtask: Mapping[str, Mapping[str, Any]] = results["results"]
    logged: Mapping[str, list[dict[str, Any]]] = results["samples"]
    counts = {name: len(samples) for name, samples in logged.items()}
    names = _metric_names(per_subtask)
    metrics = {name: _pooled(name, per_subtask, counts) for name in names}
    pooled_samples = [sample for samples in logged.values() for sample in samples]
    stderr = {
        name: _stderr_from_samples(name, pooled_samples)
        if len(logged) > 1
        else number(next(iter(per_subtask.values())).get(f"{name}_stderr,none"))
        for name in names
    }
    value = float(np.mean([metrics[name] for name in task.sample_metrics]))
    return {
        "task": requested.task,
        "metrics": metrics,
        "stderr": stderr,
        "primary": {
            "name": task.metric,
            "value": value,
            "stderr": stderr.get(task.metric),
        },
        "normalized": normalized(value, task.random_baseline),
        "documents": len(pooled_samples),
        "requests": requests_of(pooled_samples),
        "fewshot": next(iter(results["n-shot"].values())),
        "subtasks": {
            name: {"documents": counts[name], **{metric: number(values.get(f"{metric},none")) for metric in names}}
            for name, values in per_subtask.items()
        },
        "samples": [_sample(name, sample, task) for name, samples in logged.items() for sample in samples],
    }


def requests_of(samples: list[dict[str, Any]]) -> int:
    """Return how many requests to the model `samples` took: one a choice, or one a text that it wrote."""
    return sum(len(sample["arguments"]) for sample in samples)


def _metric_names(per_subtask: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(
        {
            key.removesuffix(",none")
            for values in per_subtask.values()
            for key in values
            if key.endswith(",none") and not key.endswith("_stderr,none")
        }
    )


def _pooled(name: str, per_subtask: Mapping[str, Mapping[str, Any]], counts: Mapping[str, int]) -> float:
    weighted = sum(float(values[f"{name},none"]) * counts[subtask] for subtask, values in per_subtask.items())
    return weighted / sum(counts.values())


def _stderr_from_samples(name: str, samples: list[dict[str, Any]]) -> float | None:
    values = [number(sample.get(name)) for sample in samples]
    numbers = [value for value in values if value is not None]
    if len(numbers) < 2 or len(numbers) < len(values):
        return None
    return float(np.std(numbers, ddof=1) / math.sqrt(len(numbers)))


def _sample(subtask: str, sample: dict[str, Any], task: LeaderboardTask) -> Sample:
    record_id = sample["doc"].get(RECORD_ID)
    scores = [float(np.mean(sample[name])) for name in task.sample_metrics]
    # IFEval scores a list a document, a rule each; its own score counts rules over all documents.
    rules = next((sample[name] for name in task.sample_metrics if isinstance(sample[name], list)), None)
    return {
        "docId": str(record_id) if record_id else f"{subtask}/{sample['doc_id']}",
        "docHash": sample["doc_hash"],
        "promptHash": sample["prompt_hash"],
        "correct": scores[0] == 1.0,
        "score": float(np.mean(scores)),
        "rules": None if rules is None else len(rules),
        "rulesKept": None if rules is None else sum(map(bool, rules)),
        "filteredResponse": _response(sample),
        "target": _target(sample),
    }


def _response(sample: dict[str, Any]) -> str:
    answers = sample["filtered_resps"]
    if isinstance(answers[0], str):
        return str(answers[0])
    # Multiple choice: one (log-likelihood, is greedy) a choice; acc_norm divides by the choice's length.
    choices = _choices(sample)
    by_length = "acc_norm" in sample["metrics"]
    scores = [answer[0] / (len(choice) if by_length else 1) for answer, choice in zip(answers, choices, strict=True)]
    return choices[int(np.argmax(scores))]


def _target(sample: dict[str, Any]) -> str:
    if "instruction_id_list" in sample["doc"]:  # IFEval has no answer, only rules to keep
        return ", ".join(sample["doc"]["instruction_id_list"])
    target = sample["target"]
    return _choices(sample)[target] if isinstance(target, int) and len(sample["arguments"]) > 1 else str(target)


def _choices(sample: dict[str, Any]) -> list[str]:
    return [str(arguments[1]).strip() for arguments in _arguments(sample)]


def _arguments(sample: dict[str, Any]) -> list[tuple[str, str]]:
    return list(sample["arguments"])


def number(value: object) -> float | None:
    """Return what is a finite number as a float, all else as None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
