"""The Open LLM Leaderboard's four tasks: which lm-evaluation-harness subtasks they are and how they are scored.

Prompts, few-shot examples, answer extraction and metrics stay lm-evaluation-harness' own (`lm_eval/tasks/leaderboard`);
this file only says where they are. Normalisation: the leaderboard's documentation, "Scores Normalization".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TaskName = Literal["mmlu_pro", "gpqa", "ifeval", "math_level_5"]


@dataclass(frozen=True)
class Subtask:
    """One task of lm-evaluation-harness; `subject` is the MATH `type` or the GPQA subset that it covers."""

    name: str
    yaml: str
    subject: str | None = None


@dataclass(frozen=True)
class LeaderboardTask:
    """What a leaderboard task reads, runs and reports."""

    subtasks: tuple[Subtask, ...]
    metric: str
    """The leaderboard's metric; where it averages several, the name given to that average."""
    sample_metrics: tuple[str, ...]
    """Their mean over a document is the document's score; the first tells whether it is correct."""
    random_baseline: float
    """What guessing scores; the leaderboard maps it to 0."""
    fewshot: int
    evaluated_split: str
    fewshot_split: str | None
    columns: Mapping[str, tuple[type, ...]]
    """Columns that the task reads, of the hub's data set and of local files alike, with the types of their values."""
    question: str
    """Column that holds what the model is asked."""
    by_likelihood: bool
    """Whether given answers are scored by their likelihood; else the model writes one."""
    document_name: str | None
    """Column that holds a document's own name. MATH has none: its documents are named by subtask and index."""


def normalized(value: float, random_baseline: float) -> float:
    """Return the leaderboard's 0 to 100 score: guessing is 0, perfect is 100."""
    return max(0.0, (value - random_baseline) / (1.0 - random_baseline)) * 100.0


HARDEST = "Level 5"
"""The only `level` of MATH that is evaluated."""

_MATH_SUBJECTS = {
    "algebra": "Algebra",
    "counting_and_prob": "Counting & Probability",
    "geometry": "Geometry",
    "intermediate_algebra": "Intermediate Algebra",
    "num_theory": "Number Theory",
    "prealgebra": "Prealgebra",
    "precalculus": "Precalculus",
}

LEADERBOARD: Mapping[str, LeaderboardTask] = {
    "mmlu_pro": LeaderboardTask(
        subtasks=(Subtask("leaderboard_mmlu_pro", "mmlu_pro/mmlu_pro.yaml"),),
        metric="acc",
        sample_metrics=("acc",),
        random_baseline=0.1,
        fewshot=5,
        evaluated_split="test",
        fewshot_split="validation",
        columns={"question": (str,), "options": (list,), "answer": (str,)},
        question="question",
        by_likelihood=True,
        document_name="question_id",
    ),
    "gpqa": LeaderboardTask(
        subtasks=tuple(
            Subtask(f"leaderboard_gpqa_{subset}", f"gpqa/gpqa_{subset}_zeroshot.yaml", subset)
            for subset in ("diamond", "extended", "main")
        ),
        metric="acc_norm",
        sample_metrics=("acc_norm",),
        random_baseline=0.25,
        fewshot=0,
        evaluated_split="train",
        fewshot_split=None,
        columns={
            "Question": (str,),
            "Correct Answer": (str,),
            "Incorrect Answer 1": (str,),
            "Incorrect Answer 2": (str,),
            "Incorrect Answer 3": (str,),
        },
        question="Question",
        by_likelihood=True,
        document_name="Record ID",
    ),
    "ifeval": LeaderboardTask(
        subtasks=(Subtask("leaderboard_ifeval", "ifeval/ifeval.yaml"),),
        metric="strict_acc",
        sample_metrics=("prompt_level_strict_acc", "inst_level_strict_acc"),
        random_baseline=0.0,
        fewshot=0,
        evaluated_split="train",
        fewshot_split=None,
        columns={"key": (int, str), "prompt": (str,), "instruction_id_list": (list,), "kwargs": (list,)},
        question="prompt",
        by_likelihood=False,
        document_name="key",
    ),
    "math_level_5": LeaderboardTask(
        subtasks=tuple(
            Subtask(f"leaderboard_math_{name}_hard", f"math/math_{name}.yaml", subject)
            for name, subject in _MATH_SUBJECTS.items()
        ),
        metric="exact_match",
        sample_metrics=("exact_match",),
        random_baseline=0.0,
        fewshot=4,
        evaluated_split="test",
        fewshot_split=None,
        columns={"problem": (str,), "level": (str,), "type": (str,), "solution": (str,)},
        question="problem",
        by_likelihood=False,
        document_name=None,
    ),
}
