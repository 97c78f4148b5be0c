"""Trackers: what is not installed is said by name, and what is there is told of each step."""

import importlib.machinery
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import ClassVar

import pytest
from conftest import RecordedEvents, Spec

from rehearse_ml.errors import JobError
from rehearse_ml.job import Interruption
from rehearse_ml.sft import sft
from rehearse_ml.spec import SftSpec, TrackersSpec
from rehearse_ml.trackers import check_packages, check_trackers


def _hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let packages seem not to be installed."""
    found = importlib.util.find_spec

    def find_spec(name: str) -> importlib.machinery.ModuleSpec | None:
        return None if name in packages else found(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


def test_trackers_that_are_not_installed_are_named_with_the_way_to_install_them(
    tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hide(monkeypatch, "wandb", "mlflow")
    spec = TrackersSpec.model_validate({"protocol": 1, "trackers": ["wandb", "mlflow"], "outputDir": str(tmp_path)})
    with pytest.raises(JobError) as caught:
        check_trackers(spec, events)
    assert caught.value.kind == "missing_package"
    assert "wandb and mlflow, which are not installed" in caught.value.message
    assert "uv pip install --python PATH wandb mlflow" in caught.value.hint
    assert not (tmp_path / "result.json").exists()


def test_a_training_does_not_begin_without_its_tracker(
    sft_spec: Spec, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hide(monkeypatch, "wandb")
    with pytest.raises(JobError, match="wandb"):
        sft(SftSpec.model_validate({**sft_spec, "reportTo": ["wandb"]}), events, Interruption())
    assert not [event for event in events.read() if event["type"] == "progress"]


class _Writer:
    """Stands for tensorboard's writer, which is only there where somebody installed it."""

    written: ClassVar[list[tuple[str, float, int]]] = []

    def __init__(self, log_dir: str) -> None:
        Path(log_dir).mkdir(parents=True, exist_ok=True)

    def add_text(self, *args: object) -> None:
        """Take the settings."""

    def add_scalar(self, name: str, value: float, step: int) -> None:
        _Writer.written.append((name, value, step))

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


def test_the_losses_of_a_training_are_reported_by_the_trainer_itself(
    sft_spec: Spec, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any(importlib.util.find_spec(name) for name in ("tensorboard", "tensorboardX")):
        module = types.ModuleType("tensorboardX")
        module.__spec__ = importlib.machinery.ModuleSpec("tensorboardX", None)
        module.SummaryWriter = _Writer  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "tensorboardX", module)
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    _Writer.written.clear()
    spec = {**sft_spec, "maxSteps": 3, "reportTo": ["tensorboard"], "runName": "run/method (train abc)"}
    result = json.loads(sft(SftSpec.model_validate(spec), events, Interruption()).read_text())
    assert (Path(str(spec["outputDir"])) / "tensorboard").is_dir()
    if _Writer.written:
        told = [(value, step) for name, value, step in _Writer.written if name == "train/loss"]
        assert told == [(point["loss"], point["step"]) for point in result["lossCurve"]]
    check_packages(["tensorboard"])
