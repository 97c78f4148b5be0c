"""Evaluate a model on tasks of lm-evaluation-harness, so that a rerun does only the requests that are missing."""

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import cast

import datasets
import torch
import transformers
from transformers import PreTrainedModel

from . import PROTOCOL
from .cut_answers import cut_answers
from .errors import JobError
from .evaluation_result import task_result
from .faults import located
from .hardware import pick_device
from .harness import run_task
from .held_out import loss_file, measure_loss
from .hub_errors import EVALUATION_INSTEAD, explained
from .job import Interruption, file_sha256, run_once, versions
from .layout import REQUESTS_FOLDER, TASKS_FOLDER
from .leaderboard import LEADERBOARD
from .models import answered, load_model
from .other_tasks import other_task_result
from .protocol import TASKS_PHASE, Events, JsonValue, write_json_atomic
from .results import EvaluateResult, TaskResult, TaskScore
from .spec import EvaluateSpec, EvaluateTask
from .thinking import settle
from .tokenizer import load_tokenizer
from .weights import content_sha256, resolve_weights


def evaluate(spec: EvaluateSpec, events: Events, interruption: Interruption) -> Path:
    """Run the tasks of `spec`, take its losses, and return the path of result.json, which holds both without samples.

    Each task's own file, samples included, is `outputDir/tasks/<task>.json`; a task whose file is there is not run
    again, nor is a loss taken again whose `outputDir/losses/<name>.json` is there. Within a task, answers are kept in
    `outputDir/requests` until its file is there. Raises JobError.
    """
    if not spec.tasks and not spec.losses:
        raise JobError("bad_spec", "The spec has neither tasks nor losses.", "Name one at least.")
    for task in spec.tasks:
        _check(task)
    names = [task.task for task in spec.tasks]
    if len(set(names)) < len(names):
        raise JobError("bad_spec", f"tasks names a task twice: {', '.join(names)}.", "Name each task once.")
    sets = [one.name for one in spec.losses]
    if len(set(sets)) < len(sets):
        raise JobError("bad_spec", f"losses has a name twice: {', '.join(sets)}.", "Name each file once.")
    if spec.losses and (spec.endpoint is not None or spec.backend != "transformers"):
        raise JobError("bad_spec", "Losses are taken with transformers only.", "Take them in a job of their own.")
    weights, sha256 = _model(spec)
    if spec.content_sha256 not in (None, sha256):
        raise JobError(
            "weights_changed",
            f"{weights} holds other weights than those that were to be evaluated: the content's SHA-256 is {sha256}, "
            f"not {spec.content_sha256}.",
            "Start the run again, which looks at the weights again; every machine must have the same under that path.",
        )
    identity: dict[str, JsonValue] = {
        **spec.identity(),
        "weights": sha256,
        "api": None if spec.endpoint is None else "chat" if spec.endpoint.chat else "completions",
        "tasks": [
            {
                **task.model_dump(by_alias=True, mode="json"),
                "data": {split: file_sha256(Path(path)) for split, path in task.data.items()} if task.data else None,
            }
            for task in spec.tasks
        ],
    }
    identity.pop("losses", None)
    if spec.losses:
        identity["losses"] = [
            [one.name, one.max_length, file_sha256(Path(one.conversations)), *([one.thoughts] if one.thoughts else [])]
            for one in spec.losses
        ]
    return run_once(Path(spec.output_dir), identity, lambda: _evaluate(spec, weights, sha256, events, interruption))


def _model(spec: EvaluateSpec) -> tuple[Path | None, str]:
    """Return where the weights are, and what the model is by its content; behind an API, what the caller says."""
    weights = None if spec.weights is None else resolve_weights(spec.weights, spec.revision)
    if spec.endpoint is not None:
        if spec.content_sha256 is None:
            raise JobError("bad_spec", "Weights behind an API cannot be hashed.", "Say in contentSha256 what they are.")
        return weights, spec.content_sha256
    if weights is None:
        raise JobError("bad_spec", "There are neither weights nor an endpoint.", "Name one of them.")
    return weights, content_sha256(weights, Path(spec.hashes) if spec.hashes is not None else None)


def _evaluate(
    spec: EvaluateSpec, weights: Path | None, sha256: str, events: Events, interruption: Interruption
) -> EvaluateResult:
    started = time.monotonic()
    device = None if spec.endpoint is not None else pick_device(events)
    if spec.threads is not None:
        torch.set_num_threads(spec.threads)
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    folder = Path(spec.output_dir) / TASKS_FOLDER
    missing = [task for task in spec.tasks if not (folder / f"{task.task}.json").exists()]
    done = len(spec.tasks) - len(missing)
    events.progress(TASKS_PHASE, done, len(spec.tasks))
    unmeasured = [one for one in spec.losses if not loss_file(spec, one).exists()]
    hidden = weights is None or not missing
    thinking = settle(spec.thinking, missing, None if hidden else load_tokenizer(weights))
    lm = None
    if missing or unmeasured:
        events.progress("load model", 0, 1)
        lm = load_model(spec, weights, device, thinking)
        events.progress("load model", 1, 1)
    for requested in missing:
        assert lm is not None
        task = LEADERBOARD.get(requested.task)
        task_started = time.monotonic()
        kept = Path(spec.output_dir) / REQUESTS_FOLDER / requested.task

        def report(done_requests: int, total_requests: int, phase: str = requested.task) -> None:
            events.progress(phase, done_requests, total_requests)
            interruption.check()  # a scorer's bare `except` may have swallowed the signal's own exception

        with (
            tempfile.TemporaryDirectory(prefix="rehearse-evaluate-") as workspace,
            explained(f"the data set of {requested.task}", EVALUATION_INSTEAD),
            answered(requested.task, spec.endpoint),
            located(f"task {requested.task}"),
        ):
            results = run_task(
                lm,
                requested,
                task,
                seed=spec.seed,
                thinking=thinking,
                workspace=Path(workspace),
                kept=kept,
                report=report,
            )
        scored = task_result(requested, task, results) if task is not None else other_task_result(requested, results)
        answers = cut_answers(results["samples"], lm, thinking)
        if answers is not None:
            scored["generated"], scored["cut"] = answers.generated, answers.cut
        scored["seconds"] = round(time.monotonic() - task_started, 3)
        interruption.check()
        write_json_atomic(folder / f"{requested.task}.json", scored)
        shutil.rmtree(kept)
        done += 1
        events.progress(TASKS_PHASE, done, len(spec.tasks))
    for held_out in unmeasured:
        assert lm is not None and weights is not None and device is not None
        model = cast("PreTrainedModel", lm.model)  # pyrefly: ignore - HFLM's
        measure_loss(spec, held_out, model=model, weights=weights, device=device, events=events)
    finished: list[TaskResult] = [
        json.loads((folder / f"{task.task}.json").read_text(encoding="utf-8")) for task in spec.tasks
    ]
    result: EvaluateResult = {
        "protocol": PROTOCOL,
        "kind": "evaluate",
        "tasks": [_score(task) for task in finished],
        "average": sum(task["normalized"] for task in finished) / len(finished) if finished else None,
        "seconds": round(time.monotonic() - started, 3),
        "versions": versions("torch", "transformers", "lm-eval", "datasets"),
        "weightsSha256": sha256,
    }
    if spec.losses:
        result["losses"] = [json.loads(loss_file(spec, one).read_text(encoding="utf-8")) for one in spec.losses]
    return result


def _score(task: TaskResult) -> TaskScore:
    return cast("TaskScore", {key: value for key, value in task.items() if key != "samples"})


def _check(task: EvaluateTask) -> None:
    if task.subset is not None and task.task != "gpqa":
        raise JobError("bad_spec", f"subset is GPQA's, but task {task.task} has one.", "Remove subset there.")
    leaderboard = LEADERBOARD.get(task.task)
    if leaderboard is None and task.data is not None:
        raise JobError(
            "bad_spec",
            f"data is for the leaderboard's tasks ({', '.join(LEADERBOARD)}), but task {task.task} has it.",
            "Remove data there: the task says itself where its documents are.",
        )
    if leaderboard is not None and (task.metric, task.random_baseline) != (None, None):
        raise JobError(
            "bad_spec",
            f"{task.task} is a leaderboard task, whose metric and baseline are the leaderboard's.",
            "Remove metric and randomBaseline there.",
        )
    if task.num_fewshot and leaderboard is not None and leaderboard.fewshot == 0:
        raise JobError(
            "bad_spec",
            f"{task.task} is a zero-shot task: it has no examples besides the documents under test.",
            "Set numFewshot to null or 0.",
        )
