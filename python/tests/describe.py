"""Print, as JSON, what this side of the protocol knows, for the test of both sides: test/ties.

    python describe.py INPUT

INPUT is a JSON file of {folder, conversations, weights, peer}: a folder to write to, a file of conversations, a folder
with files as a model has them, and the command line of a benchmark's driver. Imports light modules only.
"""

import contextlib
import importlib.util
import inspect
import io
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter
from typing_extensions import is_typeddict

import recompute_table
from rehearse_ml import PROTOCOL, layout, results
from rehearse_ml.checkpoints import mark_complete
from rehearse_ml.conversation_file import read_conversations
from rehearse_ml.errors import ErrorKind, JobError
from rehearse_ml.job import run_once
from rehearse_ml.leaderboard import HARDEST, LEADERBOARD, LeaderboardTask, TaskName
from rehearse_ml.protocol import TASKS_PHASE, Events, TrainingMetrics
from rehearse_ml.spec import SPECS
from rehearse_ml.weights import CONTENT_FILES, content_sha256

JSON_TYPES: Mapping[type, str] = {str: "string", int: "number", list: "object"}
"""As JavaScript calls them."""
HEAVY = ("torch", "transformers", "datasets", "numpy", "lm_eval", "trl")
PEERS = Path(__file__).parents[2] / "bench" / "peers"


def main() -> None:
    """Print one JSON object."""
    given: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    description = {
        "protocol": PROTOCOL,
        "errorKinds": get_args(ErrorKind),
        "eventTypes": [name for name, _ in inspect.getmembers(Events, inspect.isfunction) if not name.startswith("_")],
        "events": _events(),
        "tasksPhase": TASKS_PHASE,
        "specs": {command: spec.model_json_schema(by_alias=True) for command, spec in SPECS.items()},
        "results": {
            name: TypeAdapter(kind).json_schema() for name, kind in vars(results).items() if is_typeddict(kind)
        },
        "layout": {name: value for name, value in vars(layout).items() if name.isupper()},
        "checkpoint": str(_checkpoint(Path(given["folder"]))),
        "conversations": [
            {"id": each.name, "messages": each.messages, "cut": each.cut}
            for each in read_conversations(Path(given["conversations"]))
        ],
        "contentFiles": CONTENT_FILES,
        "contentSha256": content_sha256(Path(given["weights"])),
        "taskNames": get_args(TaskName),
        "hardest": HARDEST,
        "leaderboard": {name: _task(task) for name, task in LEADERBOARD.items()},
        "recomputeChance": recompute_table.CHANCE,
        "peer": _peer(given["peer"]),
    }
    # Last: nothing of the above may have imported any of it.
    print(json.dumps({**description, "heavy": [name for name in HEAVY if name in sys.modules]}))


def _events() -> list[Mapping[str, object]]:
    """Return an event of each type, as it is written."""
    reading, writing = os.pipe()
    events = Events(writing)
    metrics: TrainingMetrics = TypeAdapter(TrainingMetrics).validate_python(
        dict.fromkeys(TrainingMetrics.__annotations__, 0.5)
    )
    events.progress("train", 1, 2, **metrics)
    events.log("message")
    events.checkpoint(1, Path("checkpoint-1"))
    events.result(Path("result.json"))
    events.error(JobError("internal", "message", "hint"))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        return [json.loads(line) for line in pipe]


def _checkpoint(job: Path) -> Path:
    """Return a complete checkpoint in a job's folder, in which the job is done, too."""
    checkpoint = job / layout.CHECKPOINTS_FOLDER / layout.checkpoint_name(4)
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").write_text("weights")
    mark_complete(checkpoint, 4)
    run_once(job, {"seed": 1}, lambda: {"protocol": PROTOCOL})
    return checkpoint


def _task(task: LeaderboardTask) -> dict[str, object]:
    return {
        "evaluatedSplit": task.evaluated_split,
        "fewshotSplit": task.fewshot_split,
        "randomBaseline": task.random_baseline,
        "columns": {column: [JSON_TYPES[kind] for kind in kinds] for column, kinds in task.columns.items()},
        "question": task.question,
        "documentName": task.document_name,
    }


def _peer(command: list[str]) -> dict[str, object]:
    """Return what a driver of another tool reads of its command line, and the last line that it prints."""
    spec = importlib.util.spec_from_file_location("job", PEERS / "job.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["job"] = module
    spec.loader.exec_module(module)
    jobs: list[Any] = []
    sys.argv = command
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        module.run(jobs.append)
    return {
        "job": asdict(jobs[0]) | {"out": str(jobs[0].out)},
        "figures": json.loads(printed.getvalue().splitlines()[-1]),
    }


if __name__ == "__main__":
    main()
