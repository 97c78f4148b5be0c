"""Results of tasks that are not the leaderboard's: lm-evaluation-harness' own metrics, on the leaderboard's scale."""

from collections.abc import Mapping
from typing import Any

from .errors import JobError
from .evaluation_result import number, requests_of
from .harness import Results
from .leaderboard import normalized
from .results import Sample, TaskResult
from .spec import EvaluateTask

PREFERRED = "acc_norm"
"""Where a task has it, what papers report: accuracy with each choice's likelihood divided by its length."""


def other_task_result(requested: EvaluateTask, results: Results) -> TaskResult:
    """Return the scores and documents of one task, or of a group, without its `seconds`.

    A group's scores are means over all its documents. The primary metric is `requested.metric`, else `acc_norm` where
    there is one, else the first that the task names. Raises JobError `bad_spec` when that is no share of 1 of which
    more is better, since it could not be averaged with others.
    """
    logged: Mapping[str, list[dict[str, Any]]] = results["samples"]
    leaves: Mapping[str, Mapping[str, Any]] = {name: results["results"][name] for name in logged}
    shared = set.intersection(*({key for key in values if _is_metric(key)} for values in leaves.values()))
    keys = [key for key in next(iter(leaves.values())) if key in shared]
    primary = _primary(requested, keys, results["higher_is_better"][next(iter(leaves))])
    name, chosen_filter = primary.split(",", 1)
    # One sample a document and filter.
    samples = {leaf: [sample for sample in each if sample["filter"] == chosen_filter] for leaf, each in logged.items()}
    counts = {leaf: len(each) for leaf, each in samples.items()}
    documents = sum(counts.values())
    metrics = {
        _label(key): sum(float(values[key]) * counts[leaf] for leaf, values in leaves.items()) / documents
        for key in keys
    }
    value = metrics[_label(primary)]
    if not 0.0 <= value <= 1.0:
        raise JobError(
            "bad_spec",
            f"{_label(primary)} of {requested.task} is {value:g}, which is no share between 0 and 1.",
            f"Set metric to another one of this task: {', '.join(map(_label, keys))}.",
        )
    single = next(iter(leaves.values())) if len(leaves) == 1 else {}
    stderr = {_label(key): number(single.get(_stderr(key))) for key in keys}
    return {
        "task": requested.task,
        "metrics": metrics,
        "stderr": stderr,
        "primary": {"name": _label(primary), "value": value, "stderr": stderr[_label(primary)]},
        "normalized": normalized(value, requested.random_baseline or 0.0),
        "documents": documents,
        "requests": requests_of([sample for each in samples.values() for sample in each]),
        "fewshot": next(results["n-shot"][leaf] for leaf in leaves),
        "subtasks": {
            leaf: {"documents": counts[leaf], **{_label(key): number(values[key]) for key in keys}}
            for leaf, values in leaves.items()
        },
        "samples": [_sample(leaf, sample, name) for leaf, each in samples.items() for sample in each],
    }


def _is_metric(key: str) -> bool:
    return "," in key and not key.split(",", 1)[0].endswith("_stderr")


def _stderr(key: str) -> str:
    name, chosen_filter = key.split(",", 1)
    return f"{name}_stderr,{chosen_filter}"


def _label(key: str) -> str:
    return key.removesuffix(",none")


def _primary(requested: EvaluateTask, keys: list[str], higher_is_better: Mapping[str, bool]) -> str:
    labels = {_label(key): key for key in keys}
    if requested.metric is not None and requested.metric not in labels:
        raise JobError(
            "bad_spec",
            f"{requested.task} has no metric {requested.metric}.",
            f"Set metric to one of {', '.join(labels)}, or leave it out.",
        )
    label = requested.metric or (PREFERRED if PREFERRED in labels else next(iter(labels)))
    if higher_is_better.get(label.split(",", 1)[0]) is False:
        raise JobError(
            "bad_spec",
            f"Of {label}, the metric of {requested.task}, less is better, so it cannot be averaged with other scores.",
            f"Set metric to another one of this task ({', '.join(labels)}), or remove the task.",
        )
    return labels[label]


def _sample(leaf: str, sample: dict[str, Any], metric: str) -> Sample:
    score = number(sample.get(metric))
    answers = sample["filtered_resps"]
    return {
        "docId": f"{leaf}/{sample['doc_id']}",
        "docHash": sample["doc_hash"],
        "promptHash": sample["prompt_hash"],
        "correct": score == 1.0 if score in (0.0, 1.0) else None,
        "score": score,
        "filteredResponse": str(answers[0]) if len(answers) == 1 else str(answers),
        "target": str(sample["target"]),
    }
