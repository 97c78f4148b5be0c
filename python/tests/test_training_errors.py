"""How a training fails: each way with a kind of its own and a hint; no finished step has to be done again."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import RecordedEvents, Spec, StartJob, train
from transformers import AutoModelForCausalLM, LlamaForCausalLM
from trl import SFTTrainer

from rehearse_ml.checkpoints import newest_complete
from rehearse_ml.errors import JobError, classify
from rehearse_ml.layout import COMPLETE_MARKER

LLAMA_3_TEMPLATE = (
    "{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def _failure(spec: Spec, events: RecordedEvents) -> JobError:
    """Return what the job would tell its caller."""
    with pytest.raises(Exception) as caught:
        train(spec, events)
    return classify(caught.value, Path(spec["outputDir"]))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds one checkpoint of the tiny model (3 MB), and not two."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_the_last_checkpoint_and_a_larger_one_goes_on_from_it(
    sft_spec: Spec, undisturbed: Spec, small_disk: Path, events: RecordedEvents
) -> None:
    spec = {**sft_spec, "outputDir": str(small_disk / "sft")}

    error = _failure(spec, events)

    assert error.kind == "disk_full"
    assert str(small_disk) in error.message
    kept = newest_complete(small_disk / "sft" / "checkpoints", events)
    assert kept is not None and kept.name == "checkpoint-2"
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    assert train(spec, events)["lossCurve"] == undisturbed["lossCurve"]


def test_memory_that_does_not_suffice_says_what_to_lower(
    sft_spec: Spec, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_args: object, **_kwargs: object) -> torch.Tensor:
        return torch.empty(2**56, dtype=torch.uint8)  # torch's own failure to allocate

    monkeypatch.setattr(SFTTrainer, "compute_loss", too_much)

    error = _failure(sft_spec, events)

    assert error.kind == "out_of_memory"
    assert "perDeviceBatchSize" in error.hint and "gradientCheckpointing" in error.hint


def test_a_rate_beyond_all_reason_ends_at_the_step_that_diverged(sft_spec: Spec, events: RecordedEvents) -> None:
    absurd = {**sft_spec, "learningRate": 1e30, "scheduler": "constant", "warmupRatio": 0.0}

    error = _failure(absurd, events)

    assert error.kind == "nan_loss"
    assert "learningRate" in error.hint


def test_a_gpu_that_is_announced_and_cannot_be_used_is_not_replaced_by_the_cpu(
    start_job: StartJob, sft_spec: Spec
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    job = start_job("sft", sft_spec, CUDA_VISIBLE_DEVICES="0")
    events = [json.loads(line) for line in job.output().splitlines()]

    assert (events[-1]["type"], events[-1]["kind"]) == ("error", "missing_gpu")
    assert "CUDA_VISIBLE_DEVICES" in events[-1]["hint"]


def _copy(model: Path, to: Path) -> Path:
    shutil.copytree(model, to)
    return to


def test_a_chat_template_of_another_model_is_refused(
    sft_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    weights = _copy(tiny_model, tmp_path / "llama-template")
    (weights / "chat_template.jinja").write_text(LLAMA_3_TEMPLATE)

    error = _failure({**sft_spec, "weights": str(weights)}, events)

    assert error.kind == "chat_template"
    assert "<|eot_id|>, <|start_header_id|>" in error.message
    assert "chat_template.jinja" in error.hint


def test_a_model_without_a_chat_template_is_refused(
    sft_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    weights = _copy(tiny_model, tmp_path / "base")
    (weights / "chat_template.jinja").unlink()
    assert _failure({**sft_spec, "weights": str(weights)}, events).kind == "chat_template"


def test_a_tokenizer_of_a_larger_vocabulary_is_refused(
    sft_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    weights = _copy(tiny_model, tmp_path / "small-vocabulary")
    model = LlamaForCausalLM.from_pretrained(tiny_model)
    model.resize_token_embeddings(4_000)
    model.save_pretrained(weights)

    error = _failure({**sft_spec, "weights": str(weights)}, events)

    assert error.kind == "tokenizer_mismatch"
    assert "the model embeds only 4000" in error.message


def test_a_damaged_checkpoint_is_left_for_the_one_before_and_old_ones_are_pruned(
    start_job: StartJob, sft_spec: Spec, undisturbed: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    job = start_job("sft", sft_spec)
    for line in job.stdout:
        event = json.loads(line)
        if event["type"] == "checkpoint" and event["step"] >= 6:
            job.kill()
    job.wait()
    marked = sorted(path.parent.name for path in (tmp_path / "sft" / "checkpoints").glob(f"*/{COMPLETE_MARKER}"))
    assert len(marked) == 2
    newest = tmp_path / "sft" / "checkpoints" / marked[-1] / "model.safetensors"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(bytes(content))

    resumed = train(sft_spec, events)

    said = [event["message"] for event in events.read() if event["type"] == "log"]
    assert any(f"{marked[-1]} is damaged (model.safetensors)" in message for message in said)
    assert any(f"Resuming from {newest.parent.with_name(marked[0])}" in message for message in said)
    assert resumed["lossCurve"] == undisturbed["lossCurve"]
    assert AutoModelForCausalLM.from_pretrained(resumed["checkpointDir"]) is not None
