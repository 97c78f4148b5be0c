import json
import shutil
import signal
from pathlib import Path

import pytest
import torch
from conftest import RecordedEvents, Spec, StartJob, train
from transformers import AutoModelForCausalLM

from rehearse_ml.errors import JobError
from rehearse_ml.weights import weights_sha256


def test_a_killed_training_resumes_from_its_checkpoint_with_the_losses_of_an_undisturbed_one(
    start_job: StartJob, sft_spec: Spec, undisturbed: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    job = start_job("sft", sft_spec)
    for line in job.stdout:
        event = json.loads(line)
        if event["type"] == "checkpoint" and event["step"] >= 4:
            job.kill()
            break
    job.wait()
    assert job.returncode == -signal.SIGKILL
    torn = tmp_path / "sft" / "checkpoints" / "checkpoint-99"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half of i")
    resumed = train(sft_spec, events)

    log = events.read()
    resumed_at = next(at for at, event in enumerate(log) if "Resuming from" in event.get("message", ""))
    trained_again = [event["done"] for event in log[resumed_at:] if event.get("phase") == "train"]
    assert trained_again[0] >= 4
    assert not torn.exists()
    assert resumed["lossCurve"] == undisturbed["lossCurve"]
    assert [point["step"] for point in resumed["lossCurve"]] == list(range(1, 9))
    assert resumed["weightsSha256"] == undisturbed["weightsSha256"]
    assert resumed["lossCurve"][-1]["loss"] < resumed["lossCurve"][0]["loss"]


def test_sigterm_saves_a_checkpoint_and_ends_as_interrupted(start_job: StartJob, sft_spec: Spec) -> None:
    job = start_job("sft", {**sft_spec, "maxSteps": 100_000, "saveSteps": 50_000})
    events = []
    for line in job.stdout:
        events.append(json.loads(line))
        if events[-1]["type"] == "progress" and events[-1]["phase"] == "train" and events[-1]["done"] == 2:
            job.terminate()
    job.wait()

    assert job.returncode == 1
    assert (events[-1]["type"], events[-1]["kind"]) == ("error", "interrupted")
    checkpoint = next(event for event in events if event["type"] == "checkpoint")
    assert checkpoint["step"] < 100_000
    assert (Path(checkpoint["path"]) / "rehearse-complete.json").is_file()
    assert not (Path(sft_spec["outputDir"]) / "result.json").exists()


def test_the_checkpoint_keeps_the_model_s_template_and_tokenizer_and_a_second_run_does_nothing(
    sft_spec: Spec, tiny_model: Path, events: RecordedEvents
) -> None:
    result = train({**sft_spec, "maxSteps": 2, "evalMixture": sft_spec["mixture"]}, events)

    checkpoint = Path(result["checkpointDir"])
    for name in ("chat_template.jinja", "tokenizer.json", "tokenizer_config.json"):
        assert (checkpoint / name).read_text() == (tiny_model / name).read_text()
    assert result["weightsSha256"] == weights_sha256(checkpoint) != weights_sha256(tiny_model)
    assert AutoModelForCausalLM.from_pretrained(checkpoint).dtype == torch.float32
    assert (result["steps"], result["examples"], result["truncated"]) == (2, 24, 0)
    assert [point["step"] for point in result["evalCurve"]] == [2]
    assert not (checkpoint.parent / "checkpoints").exists()

    done_before = len(events.read())
    again = train({**sft_spec, "maxSteps": 2, "evalMixture": sft_spec["mixture"], "loggingSteps": 5}, events)
    assert again == result
    assert len(events.read()) == done_before


def test_packing_trains_on_the_same_tokens_without_mixing_conversations(
    sft_spec: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    # At learning rate ~0 the mean loss of one epoch over all packed rows is that over all single conversations.
    still = {**sft_spec, "learningRate": 1e-12, "maxSteps": 1, "gradientAccumulation": 24, "perDeviceBatchSize": 1}
    single = train({**still, "outputDir": str(tmp_path / "single")}, events)
    packed = train({**still, "packing": True, "outputDir": str(tmp_path / "packed")}, events)

    assert packed["trainedTokens"] == single["trainedTokens"]
    assert packed["lossCurve"][0]["loss"] == pytest.approx(single["lossCurve"][0]["loss"], rel=1e-4)


def test_a_diverged_loss_ends_the_training_at_once(
    sft_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_model, broken)
    model = AutoModelForCausalLM.from_pretrained(broken)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    model.save_pretrained(broken)

    with pytest.raises(JobError) as caught:
        train({**sft_spec, "weights": str(broken)}, events)

    assert caught.value.kind == "nan_loss"
    assert "step 1" in caught.value.message
    assert not list(tmp_path.glob("sft/checkpoints/checkpoint-*"))


def test_bfloat16_weights_with_a_learning_rate_that_rounding_would_lose_are_refused(
    sft_spec: Spec, events: RecordedEvents
) -> None:
    if torch.cuda.is_available():
        pytest.skip("on a GPU bfloat16 keeps float32 weights")
    with pytest.raises(JobError) as caught:
        train({**sft_spec, "dtype": "bfloat16", "learningRate": 1e-6}, events)

    assert caught.value.kind == "dtype_refused"


def test_weights_that_are_not_there_are_named(sft_spec: Spec, tmp_path: Path, events: RecordedEvents) -> None:
    for weights in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(JobError) as caught:
            train({**sft_spec, "weights": str(weights)}, events)
        assert caught.value.kind == "weights_not_found"
        assert str(weights) in caught.value.message
