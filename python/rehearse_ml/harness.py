"""Runs one task through lm-evaluation-harness' Python API."""

import functools
import importlib.util
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml
from lm_eval import evaluator
from lm_eval.api.model import TemplateLM
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from .evaluation_data import prepare_local
from .hub import LEADERBOARD_FOLDER
from .leaderboard import LeaderboardTask, Subtask
from .models import OTHER_SEED
from .request_progress import Report, reported
from .spec import EvaluateTask
from .task_names import check_names, harness_name, task_manager
from .thinking import Thinking, only_answers

Results = dict[str, Any]
NO_ENDS: list[str] = []
"""Texts that end an answer: none, where one might stand in a thought."""


def run_task(
    lm: TemplateLM,
    requested: EvaluateTask,
    task: LeaderboardTask | None,
    *,
    seed: int,
    thinking: Thinking,
    workspace: Path,
    kept: Path,
    report: Report,
) -> Results:
    """Return lm-evaluation-harness' results, samples included, of all subtasks that have data.

    `task` is None for any other task of lm-evaluation-harness. Instruct models get their chat template, few-shot
    examples as turns, as on the leaderboard. `workspace` is an empty directory for this call alone: GPQA shuffles its
    options with the global random generator inside a `datasets.map`, whose result is taken from the cache on every
    later access. Within a call that is what keeps the options in place; across calls it would make the seed have no
    effect. Answers are kept in `kept`, as soon as their batch is done, and are not asked for again; it must belong to
    this model, since nothing in it says whose they are. Sampled answers are not kept.
    """
    os.environ["NLTK_DATA"] = _nltk_data().name
    tokenizer = getattr(lm, "tokenizer", None)
    with_template = tokenizer is None or bool(tokenizer.chat_template)  # a chat API has its own
    library = sys.modules[type(lm).__module__]
    with reported(report), only_answers(lm, library, thinking):
        results = evaluator.simple_evaluate(
            model=lm,
            limit=requested.limit,
            log_samples=True,
            apply_chat_template=with_template,
            fewshot_as_multiturn=with_template,
            use_cache=_answers(kept),
            **(_other(requested, thinking) if task is None else _leaderboard(requested, task, thinking, workspace)),
            random_seed=seed,
            numpy_random_seed=OTHER_SEED,
            torch_random_seed=OTHER_SEED,
            fewshot_random_seed=OTHER_SEED,
        )
    assert results is not None  # only on ranks other than 0
    return dict(results)


def _leaderboard(requested: EvaluateTask, task: LeaderboardTask, thinking: Thinking, workspace: Path) -> dict[str, Any]:
    subtasks = (
        prepare_local(requested, task, workspace)
        if requested.data is not None
        else dict.fromkeys(_hub_subtasks(requested, task))
    )
    paths = [_write_yaml(subtask, files, requested, task, thinking, workspace) for subtask, files in subtasks.items()]
    by_request = _generation(None, thinking) if thinking.off_by_request and not task.by_likelihood else None
    return {
        "tasks": [str(path) for path in paths],
        "task_manager": TaskManager(include_defaults=False),
        "gen_kwargs": by_request,
    }


def _other(requested: EvaluateTask, thinking: Thinking) -> dict[str, Any]:
    manager = task_manager()
    check_names([requested.task], manager.all_tasks)
    return {
        "tasks": [harness_name(requested.task)],
        "task_manager": manager,
        "num_fewshot": requested.num_fewshot,
        "gen_kwargs": _generation(requested.max_gen_toks, thinking),
    }


def _generation(max_gen_toks: int | None, thinking: Thinking) -> dict[str, Any] | None:
    """Return how answers are to be written where the task does not say: no task's end may cut a thought short."""
    settings: dict[str, Any] = {} if max_gen_toks is None else {"max_gen_toks": max_gen_toks}
    if thinking.end is not None:
        settings["until"] = NO_ENDS
    if thinking.off_by_request:
        settings["chat_template_kwargs"] = {"enable_thinking": False, "thinking": False}
    return settings or None


def _open_ended(thinking: Thinking) -> dict[str, list[str]]:
    return {} if thinking.end is None else {"until": NO_ENDS}


def _answers(kept: Path) -> str:
    """Return the path that lm-evaluation-harness makes the name of its cache from; one that is torn is removed."""
    kept.mkdir(parents=True, exist_ok=True)
    for file in kept.glob("*.db"):
        try:
            with closing(sqlite3.connect(file)) as database:
                sound = database.execute("PRAGMA quick_check").fetchone() == ("ok",)
        except sqlite3.DatabaseError:
            sound = False
        if not sound:
            file.unlink()
    return str(kept / "answers")


def _hub_subtasks(requested: EvaluateTask, task: LeaderboardTask) -> list[Subtask]:
    return [subtask for subtask in task.subtasks if requested.subset in (None, subtask.subject)]


def _write_yaml(
    subtask: Subtask,
    files: dict[str, str] | None,
    requested: EvaluateTask,
    task: LeaderboardTask,
    thinking: Thinking,
    workspace: Path,
) -> Path:
    shipped = LEADERBOARD_FOLDER / subtask.yaml
    overrides: dict[str, Any] = {
        "include": str(shipped),
        "task": subtask.name,
    }
    cache = str(workspace / "cache")
    if requested.task == "gpqa":
        overrides["dataset_kwargs"] = {"cache_dir": cache}
    if files is not None:
        overrides |= {
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": files, "cache_dir": cache},
        }
        if requested.task == "math_level_5":
            overrides["training_split"] = None  # its few-shot examples are part of the task's code
        if task.fewshot_split is not None and task.fewshot_split not in files:
            overrides["fewshot_split"] = None
    if requested.num_fewshot is not None:
        overrides["num_fewshot"] = requested.num_fewshot
    if requested.max_gen_toks is not None:
        shipped_config = load_yaml(shipped, resolve_func=False)
        if "generation_kwargs" in shipped_config:
            overrides["generation_kwargs"] = {
                **shipped_config["generation_kwargs"],
                "max_gen_toks": requested.max_gen_toks,
                **_open_ended(thinking),
            }
    path = workspace / f"{subtask.name}.yaml"
    path.write_text(yaml.safe_dump(overrides), encoding="utf-8")
    return path


@functools.cache
def _nltk_data() -> tempfile.TemporaryDirectory[str]:
    # The llama-index-core wheel carries nltk's punkt_tab, without which IFEval reaches for the network. Only its
    # files are used; importing it would need its dependencies. They are copied, since nltk refuses hard links, which is
    # how uv installs from its cache.
    spec = importlib.util.find_spec("llama_index")
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec is not None else []
    for root in roots:
        english = root / "core" / "_static" / "nltk_cache" / "tokenizers" / "punkt_tab" / "english"
        if english.is_dir():
            copy = tempfile.TemporaryDirectory(prefix="rehearse-nltk-")
            shutil.copytree(english, Path(copy.name) / "tokenizers" / "punkt_tab" / "english")
            return copy
    raise FileNotFoundError("nltk's punkt_tab is not installed: install python/requirements.lock, which brings it")
