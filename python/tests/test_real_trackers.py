"""Trackers for real, on this machine: what trackio and TensorBoard hold of a training.

Neither is among the project's packages. `uv pip install --target FOLDER trackio tensorboardX`, and
REHEARSE_TEST_TRACKERS=FOLDER, let this run.
"""

import importlib
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import RecordedEvents, Spec, train

FOLDER = os.environ.get("REHEARSE_TEST_TRACKERS")
RUN = "run/method (train abc)"

pytestmark = pytest.mark.skipif(FOLDER is None, reason="REHEARSE_TEST_TRACKERS names no folder with trackio")


@pytest.fixture
def trackers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the trackers be found behind all other packages; return where trackio keeps what it is told."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    importlib.invalidate_caches()
    return tmp_path / "trackio"


def test_both_hold_the_losses_of_every_step_under_the_run_and_its_key(
    sft_spec: Spec, trackers: Path, events: RecordedEvents
) -> None:
    result = train({**sft_spec, "maxSteps": 3, "reportTo": ["trackio", "tensorboard"], "runName": RUN}, events)
    losses = [(point["step"], point["loss"]) for point in result["lossCurve"]]

    storage = importlib.import_module("trackio.sqlite_storage").SQLiteStorage
    assert storage.get_runs("rehearse") == [RUN]
    logged = [row for row in storage.get_logs("rehearse", RUN) if "train/loss" in row]
    assert [row["train/loss"] for row in logged] == [loss for _, loss in losses]
    assert list(trackers.glob("*.db"))

    written = [
        (event.step, value.simple_value)
        for file in sorted((Path(str(sft_spec["outputDir"])) / "tensorboard").rglob("events.*"))
        for event in tensorboard_events(file)
        for value in event.summary.value
        if value.tag == "train/loss"
    ]
    assert [step for step, _ in written] == [step for step, _ in losses]
    assert [value for _, value in written] == pytest.approx([loss for _, loss in losses], rel=1e-6)


def tensorboard_events(file: Path) -> Iterator[Any]:
    """Yield the records of an event file: length, checksum, content, checksum."""
    event = importlib.import_module("tensorboardX.proto.event_pb2").Event
    content = file.read_bytes()
    at = 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        yield event.FromString(content[at + 12 : at + 12 + length])
        at += 16 + length
