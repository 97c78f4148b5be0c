import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PACKAGE_ROOT, RecordedEvents, Spec, StartJob

from rehearse_ml.errors import JobError, classify
from rehearse_ml.job import Interruption, run_once
from rehearse_ml.protocol import Events, JsonValue, write_json_atomic

STRAY_PRINTS = """
import os, subprocess, sys
from rehearse_ml.protocol import Events, claim_stdout
events = Events(claim_stdout())
print("python print")
os.write(1, b"write to descriptor 1\\n")
subprocess.run(["echo", "child process"], check=True)
events.progress("train", 1, 2, loss=float("nan"), gradNorm=None)
print("more", file=sys.stdout, flush=True)
"""


def test_only_events_reach_stdout_whatever_libraries_and_children_print() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STRAY_PRINTS],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
    )

    (line,) = ran.stdout.splitlines()
    event = json.loads(line)
    assert event.pop("at").endswith("Z")
    assert event == {
        "v": 1,
        "type": "progress",
        "phase": "train",
        "done": 1,
        "total": 2,
        "loss": None,
        "gradNorm": None,
    }
    assert all(text in ran.stderr for text in ("python print", "descriptor 1", "child process", "more"))


def test_an_event_is_one_line_to_every_reader_whatever_its_text_holds() -> None:
    reading, writing = os.pipe()
    Events(writing).log("a\u2028b\u0085c\nd é")
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()

    (line,) = text.splitlines()  # which ends lines wherever Unicode says so
    assert json.loads(line)["message"] == "a\u2028b\u0085c\nd é"


def test_a_reader_that_is_gone_interrupts_the_job_instead_of_leaving_an_orphan() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    interruption = Interruption()
    events = Events(writing, on_reader_gone=interruption.request)

    with pytest.raises(JobError) as caught:
        events.progress("train", 1, 2)

    assert caught.value.kind == "interrupted"
    events.progress("train", 2, 2)


def _broken(**changes: object) -> Callable[[Spec], Spec]:
    return lambda spec: {**spec, **changes}


def _without_seed(spec: Spec) -> Spec:
    return {key: value for key, value in spec.items() if key != "seed"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_broken(protocol=2), "protocol 2, but this rehearse_ml speaks protocol 1"),
        (_broken(learningrate=1), "unknown key learningrate (did you mean learningRate?)"),
        (_broken(learningRate="1e-6"), "learningRate"),
        (_broken(learningRate=0), "learningRate is 0, but input should be greater than 0"),
        (_broken(dtype="float16"), "dtype"),
        (_broken(scheduler="cosin"), "scheduler"),
        (_broken(maxSteps=0), "maxSteps"),
        (_broken(packing="no"), "packing"),
        (_without_seed, "seed is missing"),
    ],
)
def test_a_bad_spec_is_one_clear_error_event_and_no_result(
    start_job: StartJob, sft_spec: Spec, change: Callable[[Spec], Spec], said: str
) -> None:
    job = start_job("sft", change(sft_spec))
    (line,) = job.output().splitlines()

    event = json.loads(line)
    assert (event["type"], event["kind"]) == ("error", "bad_spec")
    assert said in event["message"]
    assert event["hint"]
    assert job.returncode == 1
    assert not Path(sft_spec["outputDir"]).exists()


def test_a_result_that_is_there_is_not_computed_again_and_another_spec_s_directory_is_refused(tmp_path: Path) -> None:
    calls = []

    def work() -> dict[str, JsonValue]:
        calls.append(1)
        return {"n": len(calls)}

    first, second = run_once(tmp_path, {"seed": 1}, work), run_once(tmp_path, {"seed": 1}, work)

    assert first == second
    assert json.loads(first.read_text()) == {"n": 1}
    with pytest.raises(JobError, match="these differ: seed"):
        run_once(tmp_path, {"seed": 2}, work)


def test_an_atomic_write_leaves_nothing_but_the_whole_file(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "result.json", {"loss": float("inf"), "text": "ü"})

    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]
    assert json.loads((tmp_path / "result.json").read_text()) == {"loss": None, "text": "ü"}


def test_errors_are_told_apart_by_their_class_even_deep_in_a_chain(tmp_path: Path, events: RecordedEvents) -> None:
    def chained(cause: BaseException) -> BaseException:
        try:
            raise RuntimeError("saving failed") from cause
        except RuntimeError as error:
            return error

    kinds = {
        "disk_full": chained(OSError(28, "No space left on device")),
        "out_of_memory": chained(MemoryError()),
        "nan_loss": chained(JobError("nan_loss", "m", "h")),
        "internal": chained(ValueError("x")),
    }
    assert {kind: classify(error, tmp_path).kind for kind, error in kinds.items()} == {kind: kind for kind in kinds}
