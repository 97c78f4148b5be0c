"""Trackers that a training reports to, through transformers' own integrations; keys come from the environment."""

import importlib.util
import os
import time
from collections.abc import Sequence
from pathlib import Path

from . import PROTOCOL
from .errors import JobError
from .job import versions
from .layout import RESULT_FILE
from .protocol import Events, write_json_atomic
from .results import TrackersResult
from .spec import TrackersSpec

PACKAGES = {
    "trackio": ("trackio",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "tensorboard": ("tensorboard", "tensorboardX"),
}
"""Any one of these is what a tracker needs."""

PROJECT = "rehearse"


def check_packages(trackers: Sequence[str]) -> None:
    """Raise JobError `missing_package` for trackers whose package is not installed."""
    missing = [name for name in trackers if not any(importlib.util.find_spec(package) for package in PACKAGES[name])]
    if missing:
        raise JobError(
            "missing_package",
            f"train.reportTo names {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed "
            "in the Python environment of the gpu worker.",
            f"Install it there (`rehearse doctor` names it): uv pip install --python PATH {' '.join(missing)}; or "
            "leave it out of train.reportTo.",
        )


def check_trackers(spec: TrackersSpec, events: Events) -> Path:
    """Write a result.json that says that all of `spec.trackers` can be reported to. Raises JobError."""
    started = time.monotonic()
    events.progress("look for the trackers", 0, 1)
    check_packages(spec.trackers)
    events.progress("look for the trackers", 1, 1)
    path = Path(spec.output_dir) / RESULT_FILE
    result: TrackersResult = {
        "protocol": PROTOCOL,
        "kind": "trackers",
        "trackers": list(spec.trackers),
        "seconds": round(time.monotonic() - started, 3),
        "versions": versions("transformers"),
    }
    write_json_atomic(path, result)
    return path


def prepare_environment(trackers: Sequence[str], output: Path) -> None:
    """Name the project, and the folder of what is local, where the environment says nothing else."""
    if "wandb" in trackers:
        os.environ.setdefault("WANDB_PROJECT", PROJECT)
    if "mlflow" in trackers:
        os.environ.setdefault("MLFLOW_EXPERIMENT_NAME", PROJECT)
    if "tensorboard" in trackers:
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(output / "tensorboard"))
