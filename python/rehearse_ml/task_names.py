"""Are there such tasks? Asked before anything is spent on a model that could not be evaluated in the end."""

import difflib
import functools
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from . import PROTOCOL
from .errors import JobError
from .job import versions
from .layout import RESULT_FILE
from .protocol import Events, write_json_atomic
from .results import TasksResult
from .spec import TasksSpec

OURS = {"mmlu_pro_generative": "mmlu_pro"}
"""Tasks of lm-evaluation-harness whose names there are those of the leaderboard's here."""


WRITTEN = "generate_until"
"""lm-evaluation-harness' type of tasks in which a model writes, which is that of tasks that name none."""


def harness_name(task: str) -> str:
    """Return what lm-evaluation-harness calls a task that is not the leaderboard's."""
    return OURS.get(task, task)


@functools.cache
def task_manager() -> TaskManager:
    """Return an index of all of lm-evaluation-harness' tasks."""
    return TaskManager()


def check_names(names: Sequence[str], known: Collection[str]) -> None:
    """Raise JobError `bad_spec` for names that are not `known`, with the nearest ones that are."""
    wrong = [name for name in names if harness_name(name) not in known]
    if not wrong:
        return
    near = {name: difflib.get_close_matches(name, [*known, *OURS], n=3) for name in wrong}
    asked = [f"{' or '.join(near[name])}{f' for {name}' if len(wrong) > 1 else ''}" for name in wrong if near[name]]
    raise JobError(
        "bad_spec",
        f"lm-evaluation-harness has no task {' and no task '.join(wrong)}.",
        f"Did you mean {', '.join(asked)}?" if asked else "`lm-eval ls tasks` lists them.",
    )


def scores_given_answers(task: str) -> bool:
    """Tell whether a task of lm-evaluation-harness, or one of its group, is scored by the likelihood of given texts."""
    entry = task_manager().task_index.get(harness_name(task))
    if entry is None:
        return False
    if entry.tags and not entry.cfg:
        return any(scores_given_answers(name) for name in entry.tags)
    members = (entry.cfg or {}).get("task")
    if isinstance(members, list):
        named = [each if isinstance(each, str) else each.get("task") for each in members]
        return any(scores_given_answers(name) for name in named if isinstance(name, str))
    if entry.yaml_path is None:
        return False
    kind = load_yaml(entry.yaml_path, resolve_func=False).get("output_type", WRITTEN)
    return kind != WRITTEN


def check_tasks(spec: TasksSpec, events: Events) -> Path:
    """Write a result.json that says that lm-evaluation-harness has all of `spec.tasks`. Raises JobError `bad_spec`."""
    started = time.monotonic()
    events.progress("read the names of the tasks", 0, 1)
    check_names(spec.tasks, task_manager().all_tasks)
    events.progress("read the names of the tasks", 1, 1)
    path = Path(spec.output_dir) / RESULT_FILE
    result: TasksResult = {
        "protocol": PROTOCOL,
        "kind": "tasks",
        "tasks": spec.tasks,
        "seconds": round(time.monotonic() - started, 3),
        "versions": versions("lm-eval"),
    }
    write_json_atomic(path, result)
    return path
