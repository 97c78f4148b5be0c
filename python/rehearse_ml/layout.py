"""Names of what a job leaves in its `outputDir`. Its caller looks for some of them; test/ties compares the two."""

RESULT_FILE = "result.json"
"""Written whole, when the job is done."""

IDENTITY_FILE = "spec.json"
"""What determines the result: a directory with another one is refused."""

LOCK_FILE = ".lock"

FAULT_FILE = ".fault.json"
"""The fault that the last attempt ended in, and how many in a row ended in it."""

CHECKPOINTS_FOLDER = "checkpoints"
"""Of a training that is not done: `checkpoint-<step>` folders."""

COMPLETE_MARKER = "rehearse-complete.json"
"""Makes a `checkpoint-<step>` folder complete: {step, sha256}, the SHA-256 of each of its files by path."""

CHECKPOINT_FOLDER = "checkpoint"
"""The trained model."""

LEARNING_FOLDER = "learning"
"""Of a distillation that is not done: the training before it, as its own job left it."""

TASKS_FOLDER = "tasks"
"""`<task>.json` of each task that has been evaluated, see results.TaskResult."""

REQUESTS_FOLDER = "requests"
"""Answers of a task that is not done."""

LOSSES_FOLDER = "losses"
"""`<name>.json` and `<name>.jsonl` of each held-out set, see results.HeldOutLoss."""


def checkpoint_name(step: int) -> str:
    """Return the name of a checkpoint's folder, which transformers gives it."""
    return f"checkpoint-{step}"
