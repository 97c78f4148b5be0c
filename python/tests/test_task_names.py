import json
from pathlib import Path

import lm_eval
import pytest
from conftest import RecordedEvents
from lm_eval.tasks import TaskManager

from rehearse_ml import task_names
from rehearse_ml.errors import JobError
from rehearse_ml.spec import TasksSpec
from rehearse_ml.task_names import check_names, check_tasks

HARNESS_TASKS = Path(lm_eval.__file__).parent / "tasks"


def test_tasks_and_groups_of_the_harness_are_known(
    tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some of its own folders; all fourteen thousand files are read in test/workflows/task-names.test.ts.
    folders: list[str | Path] = [HARNESS_TASKS / name for name in ("arc", "hellaswag", "mmlu")]
    manager = TaskManager(include_path=folders, include_defaults=False)
    monkeypatch.setattr(task_names, "task_manager", lambda: manager)
    spec = {"protocol": 1, "outputDir": str(tmp_path), "tasks": ["arc_challenge", "mmlu", "hellaswag"]}
    result = json.loads(check_tasks(TasksSpec.model_validate(spec), events).read_text())
    assert (result["kind"], result["tasks"]) == ("tasks", ["arc_challenge", "mmlu", "hellaswag"])


@pytest.mark.parametrize(
    ("names", "said", "hint"),
    [
        (["suns"], "no task suns.", "Did you mean sums?"),
        (["sums", "suns", "dozen"], "no task suns and no task dozen.", "Did you mean sums for suns, dozens for dozen?"),
        (["xyz"], "no task xyz.", "`lm-eval ls tasks` lists them."),
    ],
)
def test_a_misspelt_task_is_refused_with_the_nearest_names(names: list[str], said: str, hint: str) -> None:
    with pytest.raises(JobError) as caught:
        check_names(names, ["sums", "dozens", "other"])
    assert caught.value.kind == "bad_spec"
    assert caught.value.message.endswith(said)
    assert caught.value.hint == hint
