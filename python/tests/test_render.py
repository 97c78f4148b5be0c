"""New data rendered by the trainer's own code, before anything is paid for."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizer import shipped
from conftest import RecordedEvents, Spec
from huggingface_hub import constants

from rehearse_ml.errors import JobError
from rehearse_ml.render import render
from rehearse_ml.spec import RenderSpec

QUESTION = {"role": "user", "content": "Name a bread."}
ANSWER = {"role": "assistant", "content": "Rye."}
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.fixture
def spec(tiny_model: Path, tmp_path: Path) -> Spec:
    """The tokenizer and configuration alone, as they come from the hub before the weights do."""
    weights = tmp_path / "small-files"
    weights.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tiny_model / name, weights)
    return {
        "protocol": 1,
        "weights": str(weights),
        "revision": None,
        "conversations": str(tmp_path / "new.jsonl"),
        "named": "./bread.jsonl",
        "outputDir": str(tmp_path / "render"),
    }


def _render(spec: Spec, rows: list[dict[str, Any]], events: RecordedEvents, template: str | None = None) -> Spec:
    Path(spec["conversations"]).write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path(spec["outputDir"]).mkdir(exist_ok=True)
    if template is not None:
        (Path(spec["weights"]) / "chat_template.jinja").write_text(template)
    result: Spec = json.loads(render(RenderSpec.model_validate(spec), events).read_text())
    return result


def _row(number: int, *messages: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"id": f"n{number:07}", "messages": list(messages), **more}


def test_what_the_template_takes_is_counted(spec: Spec, events: RecordedEvents) -> None:
    rows = [
        _row(1, QUESTION, ANSWER, QUESTION, ANSWER),
        _row(2, SYSTEM, QUESTION, {**ANSWER, "content": "<|im_end|>"}),
        _row(3, QUESTION, {**ANSWER, "weight": 0}),
    ]

    result = _render(spec, rows, events)

    assert {key: result[key] for key in ("conversations", "answers", "untrained", "controlTexts")} == {
        "conversations": 3,
        "answers": 3,
        "untrained": 1,
        "controlTexts": 1,
    }
    assert result["tokens"] > 20


def test_lines_that_it_does_not_take_are_named_with_the_reason(spec: Spec, events: RecordedEvents) -> None:
    # LlamaFactory#8217: Gemma's template has no system message.
    rows = [_row(1, QUESTION, ANSWER), _row(4, SYSTEM, QUESTION, ANSWER), _row(9, QUESTION, QUESTION, ANSWER)]

    with pytest.raises(JobError) as caught:
        _render(spec, rows, events, shipped("gemma"))

    assert caught.value.kind == "bad_data"
    assert "2 of the 3 conversations of ./bread.jsonl" in caught.value.message
    assert "line 4: the template refuses it (System role not supported)" in caught.value.message
    assert "line 9: the template refuses it (Conversation roles must alternate" in caught.value.message
    assert not (Path(spec["outputDir"]) / "result.json").exists()


def test_of_many_such_lines_ten_are_named(spec: Spec, events: RecordedEvents) -> None:
    rows = [_row(number, SYSTEM, QUESTION, ANSWER) for number in range(1, 15)]

    with pytest.raises(JobError, match=r"line 10: .*; and 4 more\."):
        _render(spec, rows, events, shipped("gemma"))


def test_a_call_that_the_template_would_leave_out_is_refused(spec: Spec, events: RecordedEvents) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "bake", "arguments": '{"bread": "rye"}'}}
    rows = [_row(1, QUESTION, {"role": "assistant", "content": None, "tool_calls": [call]})]

    with pytest.raises(JobError, match="line 1: the template does not write calls of functions"):
        _render(spec, rows, events)


def test_tasks_that_would_score_thoughts_are_refused_now(spec: Spec, events: RecordedEvents) -> None:
    task = {"task": "gpqa", "data": None, "limit": None, "numFewshot": None, "maxGenToks": None}

    with pytest.raises(JobError, match="thinks before it answers"):
        _render({**spec, "tasks": [task]}, [_row(1, QUESTION, ANSWER)], events, shipped("deepseek_r1_distill"))


def test_weights_that_are_not_there_are_named(spec: Spec, events: RecordedEvents) -> None:
    with pytest.raises(JobError) as caught:
        _render({**spec, "weights": "/nowhere"}, [_row(1, QUESTION, ANSWER)], events)

    assert caught.value.kind == "weights_not_found"


COMMIT = "a" * 40


@pytest.fixture
def hub(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub that has the model as `org/model`, weights included, with an empty cache; yields the files asked for."""
    folder = Path(spec["weights"])
    (folder / "model.safetensors").write_bytes(b"gigabytes")
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            path, name = self.path.partition("?")[0], self.path.rpartition("/")[2]
            status, body = 200, b""
            if path.startswith("/api/models/org/model/tree/"):
                listed = [{"type": "file", "path": file.name, "size": 1, "oid": file.name} for file in folder.iterdir()]
                body = json.dumps(listed).encode()
            elif path.startswith("/api/models/org/model"):
                named = [{"rfilename": file.name} for file in folder.iterdir()]
                body = json.dumps({"id": "org/model", "sha": COMMIT, "siblings": named}).encode()
            elif path.startswith("/org/model/resolve/"):
                asked.append(name)
                body = (folder / name).read_bytes()
            else:
                status = 404
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("x-repo-commit", COMMIT)
            self.send_header("etag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_GET = do_HEAD = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:  # pyrefly: ignore - nothing to say
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", origin)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", origin + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield asked
    server.shutdown()
    server.server_close()


def test_of_a_hub_id_the_small_files_are_fetched_and_lines_refused_all_the_same(
    spec: Spec, events: RecordedEvents, hub: list[str]
) -> None:
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('No system here') }}{% endif %}"
    template = Path(spec["weights"]) / "chat_template.jinja"
    template.write_text(strict + template.read_text("utf-8"))
    of_the_hub = {**spec, "weights": "org/model"}

    assert _render(of_the_hub, [_row(1, QUESTION, ANSWER)], events)["conversations"] == 1
    with pytest.raises(JobError, match=r"line 2: the template refuses it \(No system here\)"):
        _render(of_the_hub, [_row(1, QUESTION, ANSWER), _row(2, SYSTEM, QUESTION, ANSWER)], events)
    assert {"tokenizer.json", "chat_template.jinja", "config.json"} <= set(hub)
    assert "model.safetensors" not in hub
