"""On-policy distillation: what is learnt behind a training, and that an interrupted one goes on in either part."""

import json
import signal
from pathlib import Path

import pytest
import torch
from conftest import RecordedEvents, Spec, StartJob
from test_adapters import _train
from transformers import AutoModelForCausalLM

from rehearse_ml.distillation import question_rows
from rehearse_ml.prompt_rows import Room
from rehearse_ml.tokenizer import load_tokenizer

DISTILL: Spec = {"learningRate": 1e-2, "epochs": 1.0, "maxSteps": 8, "maxTokens": 8, "temperature": 1.0}
LEARNED = 4

USER = {"role": "user", "content": "How high is it?"}
ANSWER = {"role": "assistant", "content": "Eight metres."}


@pytest.fixture
def distill_spec(sft_spec: Spec) -> Spec:
    return {
        **sft_spec,
        "learningRate": 1e-2,
        "maxSteps": LEARNED,
        "saveSteps": 1,
        "distill": DISTILL,
        "prompts": sft_spec["mixture"],
    }


def test_a_model_that_has_learnt_is_taught_again_what_it_was(
    distill_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    alone = {**distill_spec, "distill": None, "prompts": None, "outputDir": str(tmp_path / "alone")}
    learned = _train(alone, events)
    result = _train({**distill_spec, "distill": {**DISTILL, "learningRate": 1e-3, "maxSteps": 20}}, events)
    assert [point["step"] for point in result["lossCurve"]] == list(range(1, LEARNED + 20 + 1))
    assert result["lossCurve"][:LEARNED] == learned["lossCurve"]
    assert result["steps"] == LEARNED + 20
    assert (result["examples"], result["dropped"]) == (48, 0)
    assert result["trainedTokens"] > learned["trainedTokens"]
    assert all(0 < point["loss"] < 20 for point in result["lossCurve"][LEARNED:])
    away, back = (_divergence(tiny_model, Path(each["checkpointDir"])) for each in (learned, result))
    assert back < away, "it comes nearer to its teacher"
    assert not (Path(distill_spec["outputDir"]) / "learning").exists()


@pytest.mark.parametrize("step", [2, LEARNED + 2])
def test_a_killed_one_goes_on_with_the_losses_of_an_undisturbed_one(
    distill_spec: Spec, start_job: StartJob, tmp_path: Path, events: RecordedEvents, step: int
) -> None:
    undisturbed = _train({**distill_spec, "outputDir": str(tmp_path / "undisturbed")}, events)
    job = start_job("sft", distill_spec)
    steps = 0
    for line in job.stdout:
        event = json.loads(line)
        steps += event.get("phase") == "train" and "loss" in event
        if steps == step:  # of both trainings
            job.kill()
            break
    job.wait()
    assert job.returncode == -signal.SIGKILL
    resumed = _train(distill_spec, events)
    assert resumed["lossCurve"] == undisturbed["lossCurve"]
    assert resumed["weightsSha256"] == undisturbed["weightsSha256"]


def test_checkpoints_of_the_training_before_are_not_told_as_the_jobs(
    distill_spec: Spec, events: RecordedEvents
) -> None:
    _train(distill_spec, events)
    told = [Path(event["path"]).parent.parent.name for event in events.read() if event["type"] == "checkpoint"]
    assert told and set(told) == {Path(distill_spec["outputDir"]).name}


def test_only_questions_are_read_of_the_rows(tiny_model: Path, tmp_path: Path, events: RecordedEvents) -> None:
    rows = [
        {"messages": [{"role": "system", "content": "Be short."}, USER, ANSWER, USER, ANSWER]},
        {"messages": [USER, ANSWER], "cut": True},
        {"messages": [USER, ANSWER, ANSWER]},
        {"messages": [{"role": "user", "content": "Say <|im_end|> twice."}, ANSWER]},
        {"messages": [{"role": "user", "content": "Why? " * 200}, ANSWER]},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = question_rows(file, load_tokenizer(tiny_model), Room(128, 8, "distill"), events)
    assert [len(prompt) for prompt in read.dataset["prompt"]] == [4, 1]
    assert read.dropped == 1
    assert dict(read.unrenderable) == {
        "its last answer follows no question": 1,
        "a control token is written in it": 1,
    }


def _divergence(teacher: Path, student: Path) -> float:
    """Return how far the student's next token is from the teacher's (KL, in nats), behind questions of the mixture."""
    tokenizer = load_tokenizer(teacher)
    encoded = tokenizer(
        [f"<|im_start|>user\nHow high is house {n}?<|im_end|>\n<|im_start|>assistant\n" for n in range(8)]
    )
    ids = torch.tensor([each[:12] for each in encoded["input_ids"]])
    with torch.inference_mode():
        told, said = (
            AutoModelForCausalLM.from_pretrained(each)(ids).logits.log_softmax(-1) for each in (teacher, student)
        )
    return float((told.exp() * (told - said)).sum(-1).mean())
