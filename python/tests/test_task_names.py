import json
from pathlib import Path

import pytest
from conftest import RecordedEvents

from rehearse_ml.errors import JobError
from rehearse_ml.spec import TasksSpec
from rehearse_ml.task_names import check_names, check_tasks


def test_tasks_and_groups_of_the_harness_are_known(tmp_path: Path, events: RecordedEvents) -> None:
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
