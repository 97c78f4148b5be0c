"""What is wrong with a row of local evaluation data, by the rules of services/data/evaluation-rows.ts."""

from collections.abc import Mapping
from typing import Any

from .leaderboard import HARDEST, LEADERBOARD, TaskName
from .text_lines import is_blank

MAX_OPTIONS = 26
MAX_SAFE_INTEGER = 2**53 - 1


def evaluation_row_problem(task: TaskName, row: object) -> str | None:
    """Return what is wrong with `row`, to stand behind its line's name; None when it is fine."""
    if not isinstance(row, dict):
        return "is not a mapping"
    for column, kinds in LEADERBOARD[task].columns.items():
        value = row.get(column)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # other readers see no difference
        if not isinstance(value, kinds) or isinstance(value, bool):
            return f"has no {' or '.join(each.__name__ for each in kinds)} in `{column}`"
        if isinstance(value, str) and column != "key" and is_blank(value):
            return f"has nothing in `{column}`"
        if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
            return f"has a number in `{column}` that not every reader of JSON keeps"
    return _problem(task, row)


def _problem(task: TaskName, row: Mapping[str, Any]) -> str | None:
    if task == "mmlu_pro":
        options, answer = row["options"], row["answer"]
        if not 2 <= len(options) <= MAX_OPTIONS or not all(isinstance(option, str) for option in options):
            return f"has not 2 to {MAX_OPTIONS} texts in `options`"
        if answer not in [chr(ord("A") + index) for index in range(len(options))]:
            return f"has an `answer` that is no letter of its {len(options)} options"
    if task == "ifeval":
        from .ifeval_rules import ifeval_problem  # loads the harness, which the other tasks' rows need not

        return ifeval_problem(row)
    if task == "math_level_5" and row["level"] == HARDEST:
        subjects = [subtask.subject for subtask in LEADERBOARD[task].subtasks]
        if row["type"] not in subjects:
            return f"has a `type` that is none of {', '.join(map(str, subjects))}"
    return None
