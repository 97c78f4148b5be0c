import json
import socket
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PACKAGE_ROOT, RecordedEvents, Spec
from test_evaluate import GPQA, IFEVAL

from rehearse_ml.errors import JobError
from rehearse_ml.evaluate import evaluate
from rehearse_ml.job import Interruption
from rehearse_ml.models import VLLM_REQUESTS, load_model
from rehearse_ml.spec import EvaluateSpec
from rehearse_ml.thinking import Thinking


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def base_url(tiny_model: Path) -> Iterator[str]:
    """The random model behind the API, by the server that ships with the project."""
    port = _free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, str(PACKAGE_ROOT / "serve_weights.py"), "--weights", str(tiny_model)),
            *("--alias", "tiny", "--port", str(port), "--threads", "1"),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            assert server.poll() is None
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def spec(tiny_model: Path, tmp_path: Path) -> Spec:
    def task(name: str, rows: list[dict[str, Any]]) -> Spec:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return {"task": name, "data": {"train": str(path)}, "limit": 2, "numFewshot": None, "maxGenToks": 12}

    return {
        "protocol": 1,
        "weights": str(tiny_model),
        "revision": None,
        "tasks": [task("gpqa", GPQA), task("ifeval", IFEVAL)],
        "batchSize": 1,
        "dtype": "float32",
        "seed": 0,
        "threads": 1,
        "outputDir": str(tmp_path / "here"),
    }


def _behind(spec: Spec, tmp_path: Path, base_url: str, **changes: object) -> Spec:
    endpoint = {"baseURL": base_url, "model": "tiny", "apiKeyEnv": None, "chat": False, **changes}
    return {**spec, "endpoint": endpoint, "contentSha256": "tiny", "outputDir": str(tmp_path / "api")}


def _samples(spec: Spec, events: RecordedEvents) -> dict[str, Any]:
    evaluate(EvaluateSpec.model_validate(spec), events, Interruption())
    folder = Path(spec["outputDir"]) / "tasks"
    return {
        task["task"]: json.loads((folder / f"{task['task']}.json").read_text())["samples"] for task in spec["tasks"]
    }


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_completions_api_gives_the_scores_and_texts_that_transformers_gives(
    spec: Spec, tmp_path: Path, base_url: str, events: RecordedEvents, concurrency: int
) -> None:
    behind = {**_behind(spec, tmp_path, base_url), "batchSize": concurrency}
    assert _samples(behind, events) == _samples(spec, events)
    told = [event for event in events.read() if event.get("phase") == "gpqa"]
    assert (told[-1]["done"], told[-1]["total"]) == (8, 8)


def test_a_chat_api_writes_but_does_not_choose(
    spec: Spec, tmp_path: Path, base_url: str, events: RecordedEvents
) -> None:
    gpqa, ifeval = spec["tasks"]
    chat = {**_behind(spec, tmp_path, base_url, chat=True), "weights": None}
    here = _samples({**spec, "tasks": [ifeval]}, events)
    assert (
        _samples({**chat, "tasks": [ifeval]}, events)["ifeval"][0]["filteredResponse"]
        == here["ifeval"][0]["filteredResponse"]
    )

    with pytest.raises(JobError, match="gpqa needs the probabilities") as caught:
        _samples({**chat, "tasks": [gpqa], "outputDir": str(tmp_path / "chat")}, events)
    assert caught.value.kind == "bad_spec"


def test_an_api_that_refuses_or_does_not_answer_says_so(
    spec: Spec, tmp_path: Path, base_url: str, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_wait(_seconds: float) -> None:
        """Between two tries."""

    monkeypatch.setattr("tenacity.nap.time.sleep", no_wait)
    nowhere = f"http://127.0.0.1:{_free_port()}/v1"
    for behind, kind, said in (
        (_behind(spec, tmp_path, base_url, model="huge"), "endpoint_refused", "the model huge: HTTP 404"),
        (_behind(spec, tmp_path, nowhere), "endpoint_unavailable", nowhere),
        (_behind(spec, tmp_path, base_url, apiKeyEnv="NO_SUCH_KEY"), "bad_spec", "NO_SUCH_KEY, which is not set"),
    ):
        with pytest.raises(JobError) as caught:
            _samples(behind, events)
        assert (caught.value.kind, said in caught.value.message) == (kind, True)


def test_the_key_is_sent_and_never_told(
    spec: Spec, tmp_path: Path, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    behind = _behind(spec, tmp_path, base_url, apiKeyEnv="SOME_KEY")
    model = load_model(EvaluateSpec.model_validate(behind), Path(spec["weights"]), None, Thinking())
    assert getattr(model, "header")["Authorization"] == "Bearer sk-secret"  # noqa: B009 - lm-eval's class has no type
    assert "sk-secret" not in json.dumps(EvaluateSpec.model_validate(behind).identity())


def test_vllm_is_started_as_the_spec_says(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    asked: dict[str, object] = {}
    fake = types.ModuleType("lm_eval.models.vllm_causallms")
    fake.VLLM = lambda **options: asked.update(options)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lm_eval.models.vllm_causallms", fake)
    engine = {"tensorParallel": 8, "gpuMemoryUtilization": 0.85, "maxModelLen": 8192}
    parsed = EvaluateSpec.model_validate({**spec, "backend": "vllm", "vllm": engine, "dtype": "bfloat16"})
    load_model(parsed, Path(spec["weights"]), torch.device("cpu"), Thinking())
    assert asked == {
        "pretrained": spec["weights"],
        "dtype": "bfloat16",
        "batch_size": VLLM_REQUESTS,
        "seed": 1234,
        "trust_remote_code": False,
        "tensor_parallel_size": 8,
        "gpu_memory_utilization": 0.85,
        "max_model_len": 8192,
    }


def test_without_vllm_the_backend_is_refused(spec: Spec, events: RecordedEvents) -> None:
    with pytest.raises(JobError, match="vLLM cannot be imported") as caught:
        _samples({**spec, "backend": "vllm"}, events)
    assert caught.value.kind == "backend_missing"
